"""The demo from start to summary: a local news site, all services in one process, a receiver that verifies."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml
from rich.console import Console

from services.notifier.receiver import Received, Receiver
from services.notifier.seal import sealer_of
from services.notifier.settings import NotifierSettings
from services.notifier.subscribe import Wanted, create
from services.operate.init import prepare
from services.standalone.app import BUILDERS, build_services
from services.standalone.expect import judge_demo, load_expectations
from services.standalone.play import Quiet, play, wait_until_quiet
from services.standalone.show import Screen, json_summary, print_summary, summary
from services.standalone.site import site_app
from services.standalone.world import Outlet, load_world
from shared import log
from shared.bus import Partition
from shared.clock import SteppedClock
from shared.codec import decode
from shared.errors import Misconfigured
from shared.events import ArticleMatched
from shared.health import serve
from shared.http import Guard
from shared.run import Parts, assemble, open_parts, run_process
from shared.settings import CommonSettings, load
from shared.topics import ARTICLES_MATCHED

START = datetime(2025, 3, 17, 12, tzinfo=UTC)
"""The day before the signing: what outlets published until then is their history, read silently."""

END = datetime(2025, 4, 6, tzinfo=UTC)
PORT = 18088
"""The site's port where it is free: addresses, and so the ids made from them, are then the same in every run."""

LOOPBACK = "127.0.0.0/8"
DELIVERED_WITHIN = 30.0


class DemoResolver:
    """Every name of the demo world is this machine."""

    async def resolve(self, host: str) -> Sequence[str]:
        """The loopback address for `.test`; others do not exist here."""
        if host.endswith(".test") or host == "localhost":
            return ["127.0.0.1"]
        raise OSError(f"{host}: the demo knows only its own outlets")


@dataclass(slots=True)
class Arrived:
    """What the receiver got, by webhook-id."""

    screen: Screen
    alerts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    unverified: int = 0
    repeats: int = 0

    def __call__(self, received: Received) -> None:
        """Note one delivery and show it the first time."""
        if not received.verified:
            self.unverified += 1
            return
        data = received.event()["data"]
        self.repeats += received.repeat
        if "alert" in data and not received.repeat:
            self.alerts[received.id] = data
            self.screen.told(data)


async def run_demo(*, seconds: float, as_json: bool = False) -> int:
    """Play the world; returns the exit code: 0 when all expected arrived and nothing forbidden did. With `as_json` the
    summary is JSON on standard output, and the alerts go to standard error."""
    console = Console(highlight=False, stderr=as_json)
    pack = load(CommonSettings).pack
    expected = load_expectations(pack / "demo" / "expectations.yaml")
    with tempfile.TemporaryDirectory(prefix="wirewatch-demo-") as folder:
        common = _settings(Path(folder))
        log.configure(level="error", json=False, service="demo")
        began = perf_counter()
        with Screen(console) as screen:
            arrived, matched, stories = await _play(pack, common, screen, seconds)
        rows = summary(
            list(arrived.alerts.values()), stories=stories, verified=len(arrived.alerts), repeats=arrived.repeats,
            seconds=perf_counter() - began,
        )  # fmt: skip
        languages = Counter(one.article.source.language for one in matched if one.watch_id == expected["watch"])
        verdict = judge_demo(expected, list(arrived.alerts.values()), languages, arrived.unverified)
        if as_json:
            print(json_summary(rows, verdict))
        else:
            print_summary(console, rows, verdict)
    return 0 if verdict.passed else 1


def _settings(folder: Path) -> CommonSettings:
    environment = {
        "WIREWATCH_DATA": str(folder / "data"),
        "WIREWATCH_PACK": str(folder / "pack"),
        "WIREWATCH_ALLOW_NETWORKS": LOOPBACK,
        "WIREWATCH_ADMIN_PORT": "0",
        "WIREWATCH_DRAIN": "5s",
    }
    return load(CommonSettings, environment)


ENVIRONMENT = {
    "WIREWATCH_SPACING": "0s",
    "WIREWATCH_POLL_INTERVAL": "2h",
    "WIREWATCH_POLL_JITTER": "0",
    "WIREWATCH_EXTRACT_WORKERS": "2",
    "WIREWATCH_COUNT_EVERY": "0s",
    "WIREWATCH_EDITS": "off",
}
"""What differs from a real installation: no spacing between requests to a domain, sources polled every two hours, and
nobody looks for edits: this world makes none."""


async def _play(
    pack: Path, common: CommonSettings, screen: Screen, seconds: float
) -> tuple[Arrived, Sequence[ArticleMatched], int]:
    clock, arrived = SteppedClock(START), Arrived(screen)
    outlets = load_world(pack / "demo")
    async with (
        _site(outlets, clock) as port,
        open_parts(common, story=clock, resolver=DemoResolver()) as parts,
        _receiver(arrived) as receiver,
    ):
        _write_pack(pack, common.pack, outlets, port)
        await prepare(parts.bus, parts.database)
        await _subscribe(parts, common, receiver)
        await _pipeline(parts, common, clock=clock, screen=screen, arrived=arrived, seconds=seconds)
        matched = await _matched(parts)
    stories = len({alert["story"]["id"] for alert in arrived.alerts.values()})
    return arrived, matched, stories


@asynccontextmanager
async def _site(outlets: Sequence[Outlet], clock: SteppedClock) -> AsyncIterator[int]:
    stop, app = asyncio.Event(), site_app(outlets, clock)
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", PORT, stop, started=started, spare=True))
    try:
        yield await started
    finally:
        stop.set()
        await serving


@asynccontextmanager
async def _receiver(arrived: Callable[[Received], None]) -> AsyncIterator[Receiver]:
    async with Receiver(on_receipt=arrived, keep=False) as receiver:
        yield receiver


def _write_pack(pack: Path, folder: Path, outlets: Sequence[Outlet], port: int) -> None:
    """The story pack with the demo's own sources."""
    folder.mkdir(parents=True)
    for name in ("watches", "entities.yaml"):
        source = pack / name
        if not source.exists():
            raise Misconfigured(f"{source} is missing: WIREWATCH_PACK must be the folder of a story pack")
        (shutil.copytree if source.is_dir() else shutil.copy)(source, folder / name)
    rows = [_source(outlet, port) for outlet in outlets]
    (folder / "sources.yaml").write_text(yaml.safe_dump(rows, allow_unicode=True), encoding="utf-8")


def _source(outlet: Outlet, port: int) -> dict[str, Any]:
    return {
        "id": outlet.id, "name": outlet.name, "kind": outlet.feed, "country": outlet.country,
        "url": f"http://{outlet.host}:{port}{outlet.feed_path}", "language": outlet.language,
        "official": outlet.official,
    }  # fmt: skip


async def _subscribe(parts: Parts, common: CommonSettings, receiver: Receiver) -> None:
    """One subscription to everything, by the operator."""
    wanted = Wanted(receiver.url)
    sealer = sealer_of(load(NotifierSettings, {"WIREWATCH_DATA": str(common.data)}))
    async with parts.database.transaction() as connection:
        guard = Guard(allow_networks=common.allow_networks)
        _, secret = await create(connection, wanted, sealer=sealer, guard=guard, now=parts.real.now())
    receiver.trust(secret)


async def _pipeline(
    parts: Parts, common: CommonSettings, *, clock: SteppedClock, screen: Screen, arrived: Arrived, seconds: float
) -> None:
    services = await build_services(list(BUILDERS), parts, {**ENVIRONMENT, "WIREWATCH_DATA": str(common.data),
                                                            "WIREWATCH_PACK": str(common.pack)})  # fmt: skip
    process = assemble(services, parts, common, stop=asyncio.Event())
    quiet = Quiet(parts.bus, process.services, tuple(process.loops.values()))
    running = asyncio.create_task(run_process(process, common, admin=False))
    try:
        playing = asyncio.create_task(_story(clock, quiet, screen, arrived, seconds))
        await asyncio.wait({running, playing}, return_when=asyncio.FIRST_COMPLETED)
        if not playing.done():
            playing.cancel()
            await running  # raises what crashed
        await playing
    finally:
        process.stop.set()
        await running


async def _story(clock: SteppedClock, quiet: Quiet, screen: Screen, arrived: Arrived, seconds: float) -> None:
    await _until_assigned(quiet)
    await wait_until_quiet(quiet)
    await play(
        clock, until=END, seconds=seconds, quiet=quiet, told=lambda now: screen.stepped(now, len(arrived.alerts))
    )
    async with asyncio.timeout(DELIVERED_WITHIN):
        while quiet():  # noqa: ASYNC110 - deliveries run on the real clock, outside any step
            await asyncio.sleep(0.05)


async def _until_assigned(quiet: Quiet) -> None:
    """The members have joined: before that nothing would be read."""
    async with asyncio.timeout(DELIVERED_WITHIN):
        while not all(loop.assigned for loop in quiet.loops):  # noqa: ASYNC110 - the bus tells by assignment only
            await asyncio.sleep(0.05)


async def _matched(parts: Parts) -> list[ArticleMatched]:
    found: list[ArticleMatched] = []
    for number in range(ARTICLES_MATCHED.partitions):
        offset = 0
        while page := await parts.bus.read(Partition(ARTICLES_MATCHED.name, number), offset, 200):
            found += [decode(record, ArticleMatched) for record in page]
            offset = page[-1].offset + 1
    return found
