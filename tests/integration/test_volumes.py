"""Volumes through real SQL: counted once whatever comes again, whoever counts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.alerter import volumes
from services.alerter.match import count
from services.alerter.match.outcomes import CountOutcome
from services.operate.init import prepare
from shared.bus import Bus, BusUnavailable, ConsumerOptions
from shared.clock import RealClock
from shared.codec import encode
from shared.consume import ConsumeLoop, LoopOptions
from shared.db import Database
from shared.errors import Fenced
from shared.events import CheckOutcome, Event, Mode
from shared.step import HandleBatch, Outcome, Step, Work
from shared.topics import GROUPS, all_specs, retry_topic
from tests.fakes.fixtures_bus import Lab
from tests.fakes.volumes import NOON, article, check, counter, fence, labels, works

COUNTED, KNOWN, REPEATED = CountOutcome.COUNTED, CountOutcome.KNOWN, CountOutcome.REPEATED
WAIT = 60.0


async def hours(database: Database) -> dict[tuple[datetime, str], int]:
    async with database.reading() as connection:
        return await volumes.by_hour(connection, NOON - timedelta(days=100))


async def states(database: Database) -> dict[str, volumes.SourceState]:
    async with database.reading() as connection:
        return dict(await volumes.states(connection))


async def test_articles_are_counted_by_hour_and_source(database: Database) -> None:
    handle = await counter(database)
    events = [article("a"), article("b", minutes=59), article("c", minutes=60), article("d", source="rts")]
    assert await labels(handle, works(events)) == [COUNTED] * 4
    one = NOON + timedelta(hours=1)
    assert await hours(database) == {(NOON, "danas"): 2, (one, "danas"): 1, (NOON, "rts"): 1}


async def test_history_counts_when_it_was_published_and_replays_not_at_all(database: Database) -> None:
    handle = await counter(database)
    day, year = timedelta(days=1), timedelta(days=365)
    events = [
        article("a", age=day, mode=Mode.BACKFILL), article("b", age=year, mode=Mode.BACKFILL),
        article("c", mode=Mode.REPLAY), article("d", previous="an earlier version"),
    ]  # fmt: skip
    assert await labels(handle, works(events)) == [COUNTED, CountOutcome.TOO_OLD, CountOutcome.REPLAYED, KNOWN]
    assert await hours(database) == {(NOON - day, "danas"): 1}


async def test_what_comes_again_is_not_counted_again(database: Database) -> None:
    handle = await counter(database)
    events = [article(f"a{number}") for number in range(6)]
    assert await labels(handle, works(events[:4])) == [COUNTED] * 4
    assert await labels(handle, works(events)) == [REPEATED] * 4 + [COUNTED] * 2
    from_the_start = await labels(count.make(database), works(events))
    assert from_the_start == [REPEATED] * 6
    assert await hours(database) == {(NOON, "danas"): 6}


async def test_an_article_twice_on_the_log_is_one(database: Database) -> None:
    """As when an extractor is killed between publishing and its commit."""
    handle = await counter(database)
    assert await labels(handle, works([article("a"), article("b"), article("a")])) == [COUNTED, COUNTED, KNOWN]
    assert await labels(handle, works([article("b"), article("c")], start=3)) == [KNOWN, COUNTED]
    assert await hours(database) == {(NOON, "danas"): 3}


async def test_a_log_made_anew_is_counted_on(database: Database) -> None:
    handle = await counter(database)
    await handle(works([article(f"a{number}") for number in range(20)]))
    young = works([article("b"), article("c")], stamp=3_600_000)
    assert await labels(handle, young) == [COUNTED, COUNTED]
    assert await labels(handle, young) == [REPEATED, REPEATED]
    assert await hours(database) == {(NOON, "danas"): 22}


async def test_a_batch_that_fails_leaves_nothing(database: Database) -> None:
    handle, old = await counter(database), await fence(database)
    await handle(works([article("a")], old))
    new = await fence(database)
    with pytest.raises(Fenced):
        await handle(works([article("b"), article("c")], old, start=1))
    assert await labels(handle, works([article("b"), article("c")], new, start=1)) == [COUNTED, COUNTED]
    assert await hours(database) == {(NOON, "danas"): 3}


async def in_tens(handle: HandleBatch, part: list[Work]) -> None:
    for at in range(0, len(part), 10):
        await handle(part[at : at + 10])


async def test_two_replicas_count_the_same_hours_side_by_side(database: Database) -> None:
    handles = [await counter(database), count.make(database)]
    parts = [works([article(f"{number} {at}") for at in range(50)], number=number) for number in (0, 1)]
    await asyncio.gather(*(in_tens(handle, part) for handle, part in zip(handles, parts, strict=True)))
    again = [await labels(handle, part) for handle, part in zip(reversed(handles), parts, strict=True)]
    assert {one for some in again for one in some} <= {REPEATED, KNOWN}
    assert await hours(database) == {(NOON, "danas"): 100}


async def test_sources_stand_as_last_checked_and_since_when(database: Database) -> None:
    handle = await counter(database)
    broken = CheckOutcome.SERVER_ERROR
    first = [check("danas", 0), check("danas", 10, CheckOutcome.UNCHANGED), check("danas", 20, broken)]
    assert await labels(handle, works(first)) == [CountOutcome.CHECKED] * 3
    later = [check("danas", 30, CheckOutcome.EMPTY), check("rts", 30), check("danas", 25)]
    assert await labels(handle, works(later, start=3)) == [CountOutcome.CHECKED] * 2 + [KNOWN]
    found = await states(database)
    danas, rts = found["danas"], found["rts"]
    assert (danas.outcome, danas.read_well, danas.failures) == ("empty", False, 1)
    assert (danas.since, danas.checked) == (NOON + timedelta(minutes=20), NOON + timedelta(minutes=30))
    assert (rts.read_well, rts.since, rts.country, rts.language) == (True, NOON + timedelta(minutes=30), "RS", "sr")
    async with database.reading() as connection:
        assert await volumes.story_time(connection) == NOON + timedelta(minutes=30)


async def test_what_is_out_of_its_time_goes(database: Database) -> None:
    handle, day = await counter(database), 24 * 60
    await handle(works([check("gone", 0)]))
    await handle(works([article("a"), article("b", minutes=30 * day), article("c", minutes=40 * day)]))
    await handle(works([check("here", 40 * day)], start=1))
    assert {hour for hour, _ in await hours(database)} == {NOON + timedelta(days=30), NOON + timedelta(days=40)}
    assert set(await states(database)) == {"here"}
    assert await labels(handle, works([article("b", minutes=40 * day)], start=3)) == [COUNTED]


EVENTS: list[Event] = [
    event
    for number in range(40)
    for event in (
        article(f"a{number}", source=f"s{number % 5}", minutes=number), article(f"a{number}", source=f"s{number % 5}"),
        check(f"s{number % 5}", number),
    )
]  # fmt: skip


async def test_through_the_loop_with_a_kill_and_a_replay(lab: Lab, database: Database) -> None:
    """A member dies without a word after its first commits to the database, its successor reads on from what was
    committed on the log, and another group reads all from the beginning."""
    bus = await lab.open()
    await prepare(bus, database)
    spec = {spec.name: spec for spec in all_specs()}[retry_topic("volumes")]
    await bus.ensure_topics([replace(spec, name=retry_topic("again"))])
    publisher = await bus.publisher()
    await publisher.publish([encode(event) for event in EVENTS])
    dying = Counting(await lab.open(), database, "volumes")
    await dying.run_until(lambda: dying.done >= 30, kill=True)
    for group in ("volumes", "again"):
        heir = Counting(await lab.open(), database, group)
        await heir.run_until(lambda: False)
    by_source: Counter[str] = Counter()
    for (_, source), articles in (await hours(database)).items():
        by_source[source] += articles
    assert by_source == {f"s{number}": 8 for number in range(5)}
    assert {one.checked for one in (await states(database)).values()} == {
        NOON + timedelta(minutes=minutes) for minutes in range(35, 40)
    }  # fmt: skip


class Counting:
    """A member of a group that counts."""

    def __init__(self, bus: Bus, database: Database, group: str) -> None:
        self.bus, self.group, self.done = bus, group, 0
        self._handle = count.make(database)
        step = Step(
            group, GROUPS["volumes"], CountOutcome, handle_batch=self._noting, fenced=True, batch=4, in_flight=16
        )
        options = LoopOptions(commit_every=0.05, poll_timeout=0.1, consumer=ConsumerOptions(session_timeout=6.0))
        self._loop = ConsumeLoop(step, bus=bus, real=RealClock(), database=database, options=options)

    async def _noting(self, some: Sequence[Work]) -> Sequence[Outcome]:
        outcomes = await self._handle(some)
        self.done += len(outcomes)
        return outcomes

    async def run_until(self, enough: Callable[[], bool], *, kill: bool = False) -> None:
        """Count until it is enough or nothing is left."""
        stop = asyncio.Event()
        running = asyncio.create_task(self._loop.run(stop))
        async with asyncio.timeout(WAIT):
            while not (enough() or await self._all_read() or running.done()):
                await asyncio.sleep(0.01)
        if kill:
            running.cancel()
        stop.set()
        await asyncio.wait({running})

    async def _all_read(self) -> bool:
        try:
            lags = await self.bus.lag(self.group, [topic.name for topic in GROUPS["volumes"]])
        except BusUnavailable:  # the broker has no coordinator for the group yet
            return False
        return not any(lag.records for lag in lags)
