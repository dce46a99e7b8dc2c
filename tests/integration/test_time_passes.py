"""Time passes though no article comes: on both buses, through matching and judging as they run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.alerter.judge import store
from services.alerter.judge.advance import FIRST_AGAIN, Advance
from services.alerter.judge.app import build as build_judge
from services.alerter.judge.memory import Memory
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.timers import TIMERS, Timer, set_timer
from services.alerter.match.app import build as build_match
from services.alerter.settings import MatchSettings
from services.operate.init import prepare
from shared.bus import Bus, BusUnavailable, ConsumerOptions, Partition
from shared.clock import RealClock, SteppedClock
from shared.codec import decode, encode
from shared.db import Database
from shared.events import AlertRaised, AlertState, Event, PageFetched, Source, SourceChecked, TimePassed
from shared.health import Health
from shared.run import Parts, assemble, open_door, run_process
from shared.settings import CommonSettings
from shared.topics import ALERTS_RAISED, ARTICLES_EXTRACTED, PAGES_FETCHED, SOURCES_CHECKED, TIMES_PASSED, Topic
from tests.fakes.fixtures_bus import Lab
from tests.fakes.volumes import NOON, article, check, counter, works

WAIT = 60.0
HOUR = timedelta(hours=1)
ENTITIES = "version: 1\nentities:\n  - {id: kosovo, type: state, names: [Kosovo]}\n"
WATCH = """
schema: watch/1
id: w
title: T
languages: [hbs]
concepts: {pact: [savez~]}
match: {require: [pact]}
alerts: [{kind: match, id: any-new, resolve: 3h}]
tests: {match: {sr: [Savez]}, no_match: {sr: [Pakt]}}
"""


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0.01)


async def all_of(bus: Bus, topic: Topic) -> list[Any]:
    """Everything on a topic."""
    found: list[Any] = []
    for number in range(topic.partitions):
        found += [decode(one, topic.event) for one in await bus.read(Partition(topic.name, number), 0, 1000)]
    return found


async def send(bus: Bus, *events: Event) -> None:
    publisher = await bus.publisher()
    await publisher.publish([encode(event) for event in events])
    await publisher.close()


# ---- end to end ------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def alerter(bus: Bus, database: Database, pack: Path, *, replicas: int = 1) -> AsyncIterator[None]:
    """Matching and judging at work, judging as often as wanted."""
    (pack / "watches").mkdir(parents=True)
    (pack / "entities.yaml").write_text(ENTITIES)
    (pack / "watches" / "w.yaml").write_text(WATCH)
    common = CommonSettings(session_timeout=timedelta(seconds=6))
    door, stop = open_door(common), asyncio.Event()
    parts = Parts(bus, database, door, RealClock(), RealClock())
    processes = [assemble([await build_match(MatchSettings(pack=pack), parts)], parts, common, stop=stop)]
    processes += [assemble([build_judge(JudgeSettings(), parts)], parts, common, stop=stop) for _ in range(replicas)]
    running = [asyncio.create_task(run_process(process, common, admin=False)) for process in processes]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*running)
        await door.aclose()


async def raised(bus: Bus, state: AlertState) -> AlertRaised:
    """The first alert of this state, waited for."""
    async with asyncio.timeout(WAIT):
        while True:
            found: list[AlertRaised] = await all_of(bus, ALERTS_RAISED)
            for alert in found:
                if alert.state is state:
                    return alert
            await asyncio.sleep(0.1)


async def test_a_story_that_goes_quiet_comes_to_rest(lab: Lab, database: Database, tmp_path: Path) -> None:
    replicas = 1 if database.is_sqlite else 2
    bus = await lab.open()
    await prepare(bus, database)
    async with alerter(bus, database, tmp_path / "pack", replicas=replicas):
        await send(bus, check("danas", 0), article("Novi savez"), check("danas", 60))
        opened = await raised(bus, AlertState.OPEN)
        await send(bus, check("danas", 3 * 60 + 10))
        rest = await raised(bus, AlertState.RESOLVED)
    assert rest.id == opened.id
    assert rest.observed == opened.observed + 3 * HOUR
    assert rest.revision == 1
    assert len({(one.id, one.revision) for one in await all_of(bus, ALERTS_RAISED)}) == 2


# ---- the chase by itself ---------------------------------------------------------------------------------------------


@dataclass
class Watched:
    """A bus that counts how often a group is asked for, and is away when a test wants it."""

    bus: Bus
    away: bool = False
    asked: dict[str, int] = field(default_factory=dict)

    async def committed(self, group: str, places: list[Partition]) -> dict[Partition, int | None]:
        self.asked[group] = self.asked.get(group, 0) + 1
        if self.away:
            raise BusUnavailable("as the test wishes")
        return await self.bus.committed(group, places)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bus, name)


@dataclass
class Scene:
    """A pipeline without services: a test does what they would do."""

    bus: Watched
    database: Database
    real: SteppedClock
    health: Health
    advance: Advance

    async def checked(self, minutes: float) -> None:
        """A source was checked, and the volumes know it."""
        event: SourceChecked = check("danas", minutes)
        handle = await counter(self.database)
        await handle(works([event], start=int(minutes)))

    async def set_timer(self, due: datetime, watch: str = "w") -> None:
        """Something of a watch is due."""
        memory = Memory(watch)
        set_timer(memory.shelf(TIMERS), due, Timer("match", "any-new", "story"))
        async with self.database.transaction() as connection:
            await store.save(connection, memory)

    async def read_all(self, group: str, topic: Topic) -> None:
        """A group reads everything on a topic and commits it."""
        ends = await self.bus.end_offsets([Partition(topic.name, number) for number in range(topic.partitions)])
        consumer = await self.bus.bus.subscribe([topic.name], group, ConsumerOptions(session_timeout=6.0))
        seen = 0
        async with asyncio.timeout(WAIT):
            while seen < sum(ends.values()):
                seen += len(await consumer.poll(max_records=100, timeout=0.1))
        await consumer.commit({place: end for place, end in ends.items() if end})
        await consumer.close()

    async def told(self) -> list[TimePassed]:
        """What watches were told."""
        return await all_of(self.bus.bus, TIMES_PASSED)

    async def told_count(self, count: int) -> None:
        """Wait until so many were told."""
        async with asyncio.timeout(WAIT):
            while len(await self.told()) < count:
                await asyncio.sleep(0.02)

    async def looks_at(self, group: str, more: int = 3) -> None:
        """Wait until a group was asked for a few times more."""
        before = self.bus.asked.get(group, 0)
        await until(lambda: self.bus.asked.get(group, 0) >= before + more)


@pytest.fixture
async def scene(lab: Lab, database: Database) -> AsyncIterator[Scene]:
    """Time at work over an empty pipeline."""
    bus = Watched(await lab.open())
    await prepare(bus.bus, database)
    real, health = SteppedClock(NOON), Health()
    door = open_door(CommonSettings())
    parts = Parts(bus, database, door, real, real, health)  # type: ignore[arg-type]  # the bus and what it delegates to
    advance, stop = Advance(JudgeSettings(), parts, every=0.01), asyncio.Event()
    running = asyncio.create_task(advance.run(stop))
    yield Scene(bus, database, real, health, advance)
    stop.set()
    await running
    await advance.close()
    await door.aclose()


async def test_only_what_is_due_is_told_and_only_as_far_as_sources_were_checked(scene: Scene) -> None:
    await scene.set_timer(NOON + HOUR)
    await scene.set_timer(NOON + 9 * HOUR, "later")
    await scene.checked(62)  # a page that was found then may still be on its way
    await scene.checked(70)
    await scene.told_count(1)
    [told] = await scene.told()
    assert told.watch_id == "w"
    assert told.observed == NOON + timedelta(minutes=65)


async def test_what_is_still_on_its_way_holds_time_up(scene: Scene) -> None:
    page = PageFetched(
        id="p", observed=NOON, entry_id="e", source=Source(id="s", name="S"), url="https://a/", final_url="https://a/",
        status=200, body=b"x",
    )  # fmt: skip
    await send(scene.bus.bus, page)
    await scene.set_timer(NOON + HOUR)
    await scene.checked(120)
    await scene.looks_at("extractor")
    assert await scene.told() == []
    await send(scene.bus.bus, article("a"), check("danas", 1))
    await scene.read_all("extractor", PAGES_FETCHED)
    await scene.looks_at("match")
    await scene.read_all("match", ARTICLES_EXTRACTED)
    await scene.looks_at("volumes")
    assert await scene.told() == []
    await scene.read_all("volumes", ARTICLES_EXTRACTED)
    await scene.read_all("volumes", SOURCES_CHECKED)
    await scene.told_count(1)


async def test_new_records_do_not_hold_it_up(scene: Scene) -> None:
    """The lag is never zero, but what was there at first gets read."""
    await send(scene.bus.bus, article("a"))
    await scene.set_timer(NOON + HOUR)
    await scene.checked(120)
    await scene.looks_at("match")
    await scene.read_all("match", ARTICLES_EXTRACTED)
    await scene.read_all("volumes", ARTICLES_EXTRACTED)
    await send(scene.bus.bus, *(article(f"new {number}") for number in range(40)))
    await scene.told_count(1)


async def test_a_watch_that_does_not_answer_is_told_again_later(scene: Scene) -> None:
    """As when its record is a dead letter: not at every look."""
    await scene.set_timer(NOON + HOUR)
    await scene.checked(120)
    await scene.told_count(1)
    await scene.read_all("judge", TIMES_PASSED)
    await scene.looks_at("judge", 6)
    assert len(await scene.told()) == 1
    scene.real.advance_to(NOON + FIRST_AGAIN)
    await scene.told_count(2)
    assert len({one.id for one in await scene.told()}) == 1


async def test_a_bus_that_is_away_is_waited_for(scene: Scene) -> None:
    scene.bus.away = True
    await scene.set_timer(NOON + HOUR)
    await scene.checked(120)
    await scene.looks_at("extractor")
    assert scene.health.stalled() == []
    scene.bus.away = False
    await scene.told_count(1)


async def test_it_shows_that_it_does_not_hang(scene: Scene) -> None:
    turned = scene.health.turned_for
    await until(lambda: turned("judge:time") > 0.1)
    assert scene.health.stalled() == []


async def test_where_nothing_is_checked_time_does_not_pass(scene: Scene) -> None:
    await scene.set_timer(NOON - 99 * HOUR)
    await until(lambda: scene.health.turned_for("judge:time") > 0.1)
    assert await scene.told() == []
    assert await scene.advance.settled(NOON), "unless whoever drives the story clock says so"
    assert len(await scene.told()) == 1
