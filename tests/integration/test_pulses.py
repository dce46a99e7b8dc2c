"""Services' own loops show when they hang: with a database or a bus that never answers they stop counting as alive, and
one that is away, so that they try again and again, leaves them alive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.fetcher.alarm import Defects
from services.fetcher.land import Landing
from services.fetcher.manners.domains import Domains
from services.fetcher.manners.pace import Pace
from services.fetcher.pages.frontier import Frontier
from services.fetcher.pages.pages import Pages
from services.fetcher.settings import FetcherSettings
from services.fetcher.store import Changes
from services.notifier.dispatch import Dispatch
from services.notifier.settings import NotifierSettings
from shared.clock import RealClock
from shared.db import DatabaseUnavailable
from shared.events import CheckOutcome, Source, SourceChecked
from shared.health import STALL, Health
from shared.http import Door, Guard
from shared.run import Parts
from tests.fakes.fake_bus import FakeBus, FakePublisher

NOON = datetime(2025, 3, 18, 12, tzinfo=UTC)


@dataclass(slots=True)
class StuckDatabase:
    """Its transactions never begin, or fail at once while it is `away`."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    away: bool = False
    calls: int = 0
    is_sqlite: bool = True

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        self.calls += 1
        self.asked.set()
        if self.away:
            raise DatabaseUnavailable("as the test wishes")
        await asyncio.Event().wait()
        yield

    reading = transaction


class Time:
    """The clock of the health of a process."""

    def __init__(self) -> None:
        self.now = 0.0
        self.health = Health(clock=lambda: self.now)


async def test_a_landing_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    time, publisher, database = Time(), FakePublisher(), StuckDatabase()
    publisher.gate.clear()
    landing = Landing(publisher, database, RealClock(), time.health.pulse("fetcher:landing"))  # type: ignore[arg-type]
    event = SourceChecked(id="c", observed=NOON, source=Source(id="s", name="S"), due=NOON, outcome=CheckOutcome.FRESH)
    landed = asyncio.create_task(landing.land(event, Changes()))
    await until(lambda: publisher.calls == 1)
    time.now += STALL + 1
    assert time.health.stalled() == ["fetcher:landing"]
    publisher.gate.set()
    await asyncio.wait_for(database.asked.wait(), 10)
    assert time.health.stalled() == []
    time.now += STALL + 1
    assert time.health.stalled() == ["fetcher:landing"]
    await landing.close(0.0)
    assert time.health.stalled() == []
    await asyncio.wait([landed])


async def test_a_page_loop_that_hangs() -> None:
    time, database, stop = Time(), StuckDatabase(), asyncio.Event()
    frontier = Frontier(Pace(RealClock(), spacing=timedelta(), cap=8), one_each=False)
    frontier.overflowed = True
    alone = Domains(database=database, real=RealClock(), holder="one", length=timedelta(90), margin=timedelta(30))  # type: ignore[arg-type]
    pages = Pages(
        settings=FetcherSettings(), database=database, real=RealClock(), landing=None, fetcher=None,  # type: ignore[arg-type]
        frontier=frontier, domains=alone, sources=dict, defects=Defects(), pulse=time.health.pulse("fetcher:pages"),
    )  # fmt: skip
    async with asyncio.TaskGroup() as group:
        task = group.create_task(pages.run(stop, group))
        await asyncio.wait_for(database.asked.wait(), 10)
        time.now += STALL + 1
        assert time.health.stalled() == ["fetcher:pages"]
        task.cancel()


@pytest.mark.parametrize("away", [False, True])
async def test_a_notifier_whose_database(away: bool) -> None:
    """…never answers hangs; one whose database is away tries again and is alive."""
    time, database, stop = Time(), StuckDatabase(away=away), asyncio.Event()
    async with Door(user_agent="test", guard=Guard()) as door:
        parts = Parts(FakeBus(), database, door, RealClock(), RealClock(), time.health)  # type: ignore[arg-type]
        settings = NotifierSettings(delivery_poll=timedelta(milliseconds=1))
        dispatch = Dispatch(settings, parts, sealer=None, holder="h")  # type: ignore[arg-type]
        running = asyncio.create_task(dispatch.run(stop))
        await until(lambda: database.calls >= (3 if away else 1))
        time.now += STALL + 1
        await until(lambda: time.health.stalled() == ([] if away else ["notifier:tend"]))
        stop.set()
        if not away:
            running.cancel()
        await asyncio.wait([running])


async def until(true: Any) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.002)
