"""10,000 sources on schedule in a process of their own: `python -m tests.bench._on_schedule PORT`, prints JSON.

The fetcher as it is shipped, on SQLite and the embedded log, one poll an hour and source, every source a registered
domain of its own; the story clock runs twenty times as fast as the real one. What a feed carries is remembered, no page
is fetched.

A poll is late by the time between when it was due and when its request came in at the publisher, on the story clock.
Polls that were due a minute and more before the end and never came in are late, too; one that was due later and did not
come in yet is not judged. `polls_per_s` are real seconds, `resident` is the most of the process.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from statistics import quantiles

import sqlalchemy as sa
import uvloop

from services.fetcher.app import build
from services.fetcher.settings import FetcherSettings
from services.fetcher.tables import SOURCES as ROWS
from services.operate.init import prepare
from shared import log
from shared.bus import Message, Position, Publisher
from shared.bus.embedded import EmbeddedBus
from shared.clock import RealClock
from shared.codec import decode_bytes
from shared.db import Database, open_database
from shared.events import SourceChecked
from shared.http import Door, Guard, Limits
from shared.run import Parts
from shared.settings import replace
from shared.topics import topic_of
from tests.fakes.feed_site import Loopback

SOURCES, SPEED, HOURS = 10_000, 20.0, 1.25
HOUR = timedelta(hours=1)
LATE = 60.0
"""Seconds of the story."""

WORKED = ("fresh", "unchanged", "not_modified", "empty")


class FastClock:
    """A clock that runs `SPEED` times as fast as the real one."""

    def __init__(self) -> None:
        self._real = RealClock()
        self._began = self._real.now()

    def now(self) -> datetime:
        return self.at(self._real.now())

    def at(self, real: datetime) -> datetime:
        """What this clock said at a moment of the real one."""
        return self._began + (real - self._began) * SPEED

    async def sleep(self, seconds: float) -> None:
        await self._real.sleep(seconds / SPEED)


@dataclass(frozen=True, slots=True)
class Overheard:
    """The embedded log, with what is said of sources kept."""

    bus: EmbeddedBus
    checks: list[bytes] = field(default_factory=list)

    async def publisher(self) -> Overhearing:
        return Overhearing(await self.bus.publisher(), self.checks)


@dataclass(frozen=True, slots=True)
class Overhearing:
    """Its publisher."""

    inner: Publisher
    checks: list[bytes]

    async def publish(self, messages: Sequence[Message]) -> Sequence[Position]:
        placed = await self.inner.publish(messages)
        self.checks.extend(one.value or b"" for one in messages if one.topic == topic_of(SourceChecked).name)
        return placed

    async def close(self) -> None:
        await self.inner.close()


@dataclass(frozen=True, slots=True)
class Seen:
    """A run: what was published, when each source was asked and is due next, when it ended (story time)."""

    checks: list[SourceChecked]
    asked: dict[str, list[datetime]]
    next_due: dict[str, datetime]
    ended: datetime
    seconds: float


def listed(folder: Path, port: int) -> Path:
    """The sources file."""
    path = folder / "sources.yaml"
    one = "- {{id: h{at}, name: H{at}, url: 'http://h{at}.test:{port}/feed', language: sr}}"
    path.write_text("\n".join(one.format(at=at, port=port) for at in range(SOURCES)), encoding="utf-8")
    return path


async def measure(port: int) -> dict[str, float]:
    """Run for the hours of the story and judge every poll."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        settings = replace(
            FetcherSettings(), sources_file=listed(folder, port), poll_interval=HOUR, poll_spread=HOUR, seed=False,
            sources_reload=timedelta(),
        )  # fmt: skip
        database, bus = open_database(f"sqlite:///{folder}/fetch.db"), await EmbeddedBus.open(folder / "bus.db")
        await prepare(bus, database)
        try:
            return judged(await play(settings, database, Overheard(bus), port))
        finally:
            await database.close()
            await bus.close()


async def play(settings: FetcherSettings, database: Database, bus: Overheard, port: int) -> Seen:
    """The fetcher from its start until the hours are over."""
    guard, story, ended = Guard((ip_network("127.0.0.0/8"),)), FastClock(), list[datetime]()
    async with Door(user_agent="Wirewatch/bench", guard=guard, resolver=Loopback()) as door:
        parts = Parts(bus=bus, database=database, door=door, story=story, real=RealClock())  # type: ignore[arg-type]  # a bus that only writes
        service = await build(settings, parts)
        stop = asyncio.Event()

        def end() -> None:
            ended.append(story.now())
            stop.set()

        asyncio.get_running_loop().call_later(HOURS * 3600 / SPEED, end)
        began = time.perf_counter()
        await service.tasks["poll"](stop)
        seconds = time.perf_counter() - began
        asked = await requests(door, story, port)
    checks = [decode_bytes(one, SourceChecked) for one in bus.checks]
    return Seen(checks, asked, await due(database), ended[0], seconds)


async def requests(door: Door, story: FastClock, port: int) -> dict[str, list[datetime]]:
    """When the publishers were asked, by source."""
    told = await door.get(f"http://127.0.0.1:{port}/asked", limits=Limits(body=50_000_000))
    found: dict[str, list[datetime]] = defaultdict(list)
    for line in told.body.decode().splitlines():
        at, _, host = line.partition(" ")
        found[host.removesuffix(".test")].append(story.at(datetime.fromtimestamp(float(at), UTC)))
    return found


async def due(database: Database) -> dict[str, datetime]:
    """When each source is due next."""
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(ROWS.c.source_id, ROWS.c.next_due))
        return {row.source_id: row.next_due for row in rows}


def judged(seen: Seen) -> dict[str, float]:
    """How late the polls were, in seconds of the story."""
    late, missing = lateness(seen)
    total = len(late) + missing
    worked = sum(check.outcome in WORKED for check in seen.checks)
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "scheduled_polls": len(late), "scheduled_never_came": missing,
        "scheduled_polls_per_s": round(len(late) / seen.seconds, 1),
        "scheduled_worked": round(worked / max(1, len(seen.checks)), 4),
        "scheduled_within_60_s": round(sum(one <= LATE for one in late) / max(1, total), 4),
        "scheduled_late_p50_s": round(quantiles(late, n=100)[49], 1),
        "scheduled_late_p99_s": round(quantiles(late, n=100)[98], 1), "resident_mb": round(resident),
    }  # fmt: skip


def lateness(seen: Seen) -> tuple[list[float], int]:
    """By how much each poll that came in was late, and how many never came in that should have."""
    wanted: dict[str, list[datetime]] = {source: [] for source in seen.next_due}
    for check in seen.checks:
        wanted[check.source.id].append(check.due)
    late: list[float] = []
    missing = 0
    for source, following in seen.next_due.items():
        dates = sorted(wanted[source]) + ([following] if following <= seen.ended else [])
        came = seen.asked.get(source, [])
        late += [(at - when).total_seconds() for when, at in zip(dates, came, strict=False)]
        missing += sum((seen.ended - when).total_seconds() > LATE for when in dates[len(came) :])
    return sorted(late), missing


if __name__ == "__main__":
    log.configure(level="error")
    print(json.dumps(uvloop.run(measure(int(sys.argv[1])))))
