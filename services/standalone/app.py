"""Every service by name, and how one or all of them become a process.

The builders import their service only when it is wanted: a notifier does not load the extractor's libraries.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from services.operate.init import check_prepared, patiently, prepare
from shared.garbage import collect_rarely
from shared.run import Parts, Process, Service, assemble, open_parts, run_process, stop_on_signals
from shared.settings import CommonSettings, load

Environment = Mapping[str, str]
Built = Service | Awaitable[Service]
Build = Callable[[Parts], Built]
Builder = Callable[[Environment | None], Build]
"""Reads the settings of a service; what comes of it builds the service once the parts are there."""

STARTING = 180.0
"""Seconds to wait for a broker or database that is still starting, or is being replaced."""


def _fetcher(environment: Environment | None) -> Build:
    from services.fetcher.app import build
    from services.fetcher.settings import FetcherSettings

    return partial(build, load(FetcherSettings, environment))


def _extractor(environment: Environment | None) -> Build:
    from services.extractor.app import build
    from services.extractor.settings import ExtractorSettings

    return partial(build, load(ExtractorSettings, environment))


def _match(environment: Environment | None) -> Build:
    from services.alerter.match.app import build
    from services.alerter.settings import MatchSettings

    return partial(build, load(MatchSettings, environment))


def _judge(environment: Environment | None) -> Build:
    from services.alerter.judge.app import build
    from services.alerter.judge.settings import JudgeSettings

    return partial(build, load(JudgeSettings, environment))


def _notifier(environment: Environment | None) -> Build:
    from services.notifier.app import build
    from services.notifier.settings import NotifierSettings

    return partial(build, load(NotifierSettings, environment))


BUILDERS: dict[str, Builder] = {
    "fetcher": _fetcher,
    "extractor": _extractor,
    "match": _match,
    "judge": _judge,
    "notifier": _notifier,
}
"""The services in the order an article passes through them."""


async def build_services(names: Sequence[str], parts: Parts, environment: Environment | None = None) -> list[Service]:
    """Build the named services over the same parts, their settings read from `environment` (the process's own)."""
    return await _built([BUILDERS[name](environment) for name in names], parts)


async def _built(builds: Sequence[Build], parts: Parts) -> list[Service]:
    built = [build(parts) for build in builds]
    return [await service if inspect.isawaitable(service) else service for service in built]


async def serve(names: Sequence[str], common: CommonSettings, *, prepared: bool) -> None:
    """Run the named services as one process until a signal. `prepared` runs `init` first (standalone)."""
    builds = [BUILDERS[name](None) for name in names]  # a wrong setting is told before anything is waited for
    stop = asyncio.Event()
    stop_on_signals(stop)
    async with open_parts(common, patience=STARTING) as parts:
        if prepared:
            await patiently(lambda: prepare(parts.bus, parts.database), seconds=STARTING)
        else:
            await patiently(lambda: check_prepared(parts.database), seconds=STARTING)
        services = await _built(builds, parts)
        process: Process = assemble(services, parts, common, stop=stop)
        collect_rarely()
        await run_process(process, common)
