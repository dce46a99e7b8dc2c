"""10,000 sources on schedule in a process of their own: `python -m tests.bench._on_schedule PORT`, prints JSON.

The fetcher as it is shipped, on SQLite, one poll an hour and source, every source a registered domain of its own; the
story clock runs twenty times as fast as the real one. What a feed carries is remembered, no page is fetched. A poll is
late by the time between its due time and its beginning, on the story clock; `resident` is the most of the process.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from statistics import quantiles

import uvloop

from services.fetcher.app import build
from services.fetcher.settings import FetcherSettings
from services.operate.init import prepare
from shared import log
from shared.bus.embedded import EmbeddedBus
from shared.clock import RealClock
from shared.db import open_database
from shared.events import SourceChecked
from shared.http import Door, Guard
from shared.run import Parts
from shared.settings import replace
from tests.fakes.fake_bus import FakeBus
from tests.fakes.feed_site import Loopback

SOURCES, SPEED, HOURS = 10_000, 20.0, 1.25
HOUR = timedelta(hours=1)


class FastClock:
    """A clock that runs `SPEED` times as fast as the real one."""

    def __init__(self) -> None:
        self._real = RealClock()
        self._began = self._real.now()

    def now(self) -> datetime:
        return self._began + (self._real.now() - self._began) * SPEED

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds / SPEED)


def listed(folder: Path, port: int) -> Path:
    """The sources file."""
    path = folder / "sources.yaml"
    one = "- {{id: h{at}, name: H{at}, url: 'http://h{at}.test:{port}/feed', language: sr}}"
    path.write_text("\n".join(one.format(at=at, port=port) for at in range(SOURCES)), encoding="utf-8")
    return path


async def measure(port: int) -> dict[str, float]:
    """Run for the hours of the story and judge every poll."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder, story = Path(name), FastClock()
        settings = replace(
            FetcherSettings(), sources_file=listed(folder, port), poll_interval=HOUR, poll_spread=HOUR, seed=False,
            sources_reload=timedelta(),
        )  # fmt: skip
        database, made = open_database(f"sqlite:///{folder}/fetch.db"), await EmbeddedBus.open(folder / "bus.db")
        await prepare(made, database)
        await made.close()
        bus, guard = FakeBus(), Guard((ip_network("127.0.0.0/8"),))
        async with Door(user_agent="Wirewatch/bench", guard=guard, resolver=Loopback()) as door:
            parts = Parts(bus=bus, database=database, door=door, story=story, real=RealClock())  # type: ignore[arg-type]  # a bus that only writes
            service = await build(settings, parts)
            stop = asyncio.Event()
            asyncio.get_running_loop().call_later(HOURS * 3600 / SPEED, stop.set)
            await service.tasks["poll"](stop)
        await database.close()
    return judged(bus.writer.events(SourceChecked))


def judged(checks: list[SourceChecked]) -> dict[str, float]:
    """How late the polls were, in seconds of the story."""
    late = sorted((check.observed - check.due).total_seconds() for check in checks)
    within = sum(seconds <= 60 for seconds in late) / len(late)
    worked = sum(check.outcome in ("fresh", "unchanged", "not_modified", "empty") for check in checks)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"scheduled_polls": len(late), "scheduled_worked": round(worked / len(late), 4),
            "scheduled_within_60_s": round(within, 4),
            "scheduled_late_p99_s": round(quantiles(late, n=100)[98], 1), "resident_mb": round(resident)}  # fmt: skip


if __name__ == "__main__":
    log.configure(level="error")
    print(json.dumps(uvloop.run(measure(int(sys.argv[1])))))
