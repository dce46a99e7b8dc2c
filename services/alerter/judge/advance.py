"""Advancing time: watches with something due are told how far story time has come, though no article comes.

A time has passed when everything met before it has been judged. So it is chased through the pipeline: take the story
time of the latest check of a source (less `lateness`, in which pages that a check found are fetched); then the ends of
the logs, one step after the other, each until its groups have committed beyond the end as it was. New records do not
matter, so a lag that is never zero does not hold time up. Where no source is checked, time does not pass.

Nothing is chased while nothing is due. Every replica does this by itself: the ids are the same, what was told twice is
answered from the decision, and a timer that has fired is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from services.alerter import volumes
from services.alerter.judge.metrics import TIME_PASSED, TIMES_TOLD
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.tables import SHELVES
from services.alerter.judge.timers import TIMERS
from shared import ids
from shared.bus import Partition, Publisher
from shared.codec import encode
from shared.errors import Transient
from shared.events import TimePassed
from shared.run import Parts
from shared.topics import ARTICLES_EXTRACTED, ARTICLES_MATCHED, PAGES_FETCHED, SOURCES_CHECKED, TIMES_PASSED, Topic

log = structlog.get_logger()

EVERY = 1.0
"""Seconds of real time between looks: offsets are committed about as often."""
LOOK_CLOSELY = 10
"""Looks after which a step that is not through is asked where its logs begin: what retention took is not waited for."""
STANDING = 60
"""Looks after which it is said that time stands still, and who holds it up."""
FIRST_AGAIN, LAST_AGAIN = timedelta(minutes=1), timedelta(hours=1)
"""Real time until a watch is told once more of what it was told and is still due: its record may be a dead letter."""

WAY: tuple[tuple[tuple[str, Topic], ...], ...] = (
    (("extractor", PAGES_FETCHED),),
    (("match", ARTICLES_EXTRACTED), ("volumes", ARTICLES_EXTRACTED), ("volumes", SOURCES_CHECKED)),
    (("judge", ARTICLES_MATCHED), ("judge", TIMES_PASSED)),
)
"""The way of an article from the fetcher to its judgement, step by step: who reads what."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A watch was told of what is due, at a real time, and is not told again before `wait` is over."""

    due: datetime
    at: datetime
    wait: timedelta


class Advance:
    """Tells watches the time. One per process."""

    def __init__(self, settings: JudgeSettings, parts: Parts, *, every: float = EVERY) -> None:
        self._settings, self._parts, self._every = settings, parts, every
        self._pulse = parts.health.pulse("judge:time")
        self._publisher: Publisher | None = None
        self._told: dict[str, _Told] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Let time pass until `stop`. A bus or a database that is away is waited for."""
        while not stop.is_set():
            self._pulse.beat()
            try:
                await self._turn(stop)
            except Transient as error:
                log.warning("time_delayed", reason=error.reason, error=str(error))
            await self._wait(stop)
        self._pulse.rest()

    async def settled(self, moment: datetime) -> bool:
        """Whoever drives the story clock says that everything up to now was judged; whether anybody was told."""
        return await self._tell(moment)

    async def close(self) -> None:
        """Close what was opened."""
        if self._publisher is not None:
            await self._publisher.close()

    async def _turn(self, stop: asyncio.Event) -> None:
        async with self._parts.database.reading() as connection:
            known = await volumes.story_time(connection)
        until = known - self._settings.lateness if known else None
        if until is None:
            return
        if await self._due(until):
            for step in WAY:
                if not await self._is_through(step, stop):
                    return
            await self._tell(until)
        TIME_PASSED.set(until.timestamp())

    async def _due(self, until: datetime) -> Mapping[str, datetime]:
        """Watches with a timer due by then, and the earliest of each."""
        due = sa.select(SHELVES.c.watch_id, sa.func.min(SHELVES.c.moment)).where(
            SHELVES.c.part == TIMERS.part, SHELVES.c.moment <= until
        )
        async with self._parts.database.reading() as connection:
            return {row[0]: row[1] for row in await connection.execute(due.group_by(SHELVES.c.watch_id))}

    async def _tell(self, until: datetime) -> bool:
        now = self._parts.real.now()
        told = {name: one for name, due in (await self._due(until)).items() if (one := self._telling(name, due, now))}
        if told:
            if self._publisher is None:
                self._publisher = await self._parts.bus.publisher()
            events = [TimePassed(id=ids.time_passed(name, until), observed=until, watch_id=name) for name in told]
            await self._publisher.publish([encode(event) for event in events])
            self._told |= told
            TIMES_TOLD.inc(len(told))
            log.info("time_told", until=until.isoformat(), watches=sorted(told))
        return bool(told)

    def _telling(self, name: str, due: datetime, now: datetime) -> _Told | None:
        """What is to be noted of telling it now; None where it was told and has not answered yet."""
        before = self._told.get(name)
        if before is None or before.due != due:
            return _Told(due, now, FIRST_AGAIN)
        return None if now - before.at < before.wait else _Told(due, now, min(LAST_AGAIN, 2 * before.wait))

    # -- the chase -------------------------------------------------------------------------------------------------

    async def _is_through(self, step: tuple[tuple[str, Topic], ...], stop: asyncio.Event) -> bool:
        """Wait until everything that stands on the logs of this step now was done; False when stopped before."""
        ends = await self._parts.bus.end_offsets(
            sorted({place for _, topic in step for place in _places(topic)})
        )  # fmt: skip
        looks = 0
        while behind := [
            f"{group} on {topic.short}" for group, topic in step if not await self._has_read(group, topic, ends, looks)
        ]:
            looks += 1
            if looks % STANDING == 0:
                log.warning("time_stands_still", behind=behind)
            await self._wait(stop)
            if stop.is_set():
                return False
        return True

    async def _has_read(self, group: str, topic: Topic, ends: Mapping[Partition, int], looks: int) -> bool:
        bus, places = self._parts.bus, _places(topic)
        if looks % LOOK_CLOSELY == LOOK_CLOSELY - 1:
            lags = await bus.lag(group, [topic.name])
            return all(max(lag.committed or 0, lag.beginning) >= ends[lag.partition] for lag in lags)
        committed = await bus.committed(group, [place for place in places if ends[place]])
        return all((committed.get(place) or 0) >= ends[place] for place in places)

    async def _wait(self, stop: asyncio.Event) -> None:
        self._pulse.beat()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._every):
                await stop.wait()


def _places(topic: Topic) -> list[Partition]:
    return [Partition(topic.name, number) for number in range(topic.partitions)]
