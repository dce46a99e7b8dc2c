"""Volumes in SQL: articles by hour, source and language, and the state of every source. Matching's side writes them
(`match/count.py`), judging reads them.

An article is counted once, in the hour of its event time: when we met it, or when it was published if it is history.
Two things see to the once: the last offset of each partition, kept in the same transaction (redelivery, a replay from
the beginning), and the articles of the last days by name (the same article on the log twice).

Bounded: hours are kept for 35 days, names of articles for 4 days (longer than pages stay on the log, out of which the
same article could be made again), sources for 35 days after their last check. Old rows are deleted once a day of story
time by the owner of the partition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerter.tables import COUNTED, READ, SOURCES, VOLUMES
from shared.bus import Partition
from shared.db import EPOCH, among, insert_new, upsert_many
from shared.events import CheckOutcome
from shared.topics import SOURCES_CHECKED

KEPT = timedelta(days=35)
NAMES_KEPT = timedelta(days=4)
PURGE_EVERY = timedelta(days=1)
READ_WELL = frozenset({CheckOutcome.FRESH, CheckOutcome.UNCHANGED, CheckOutcome.NOT_MODIFIED})
"""Outcomes of a check after which silence says something of the source. An empty feed says nothing of it."""


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source stood when it was last checked. `since` is when it began to be read well, or not to be."""

    source_id: str
    name: str
    country: str
    language: str
    outcome: str
    checked: datetime
    since: datetime
    failures: int = 0

    @property
    def read_well(self) -> bool:
        """Whether the last check brought a feed with entries."""
        return self.outcome in READ_WELL


@dataclass(frozen=True, slots=True)
class Counted:
    """An article to count: 63 bits of its id, its hour, source and language."""

    article: int
    hour: datetime
    source_id: str
    language: str


@dataclass(frozen=True, slots=True)
class Read:
    """How far a partition was counted: the last offset, its time on the log (ms), the latest story time met."""

    place: Partition
    last: int = -1
    stamp: int = 0
    observed: datetime = EPOCH
    purged: datetime = EPOCH


# ---- writing ---------------------------------------------------------------------------------------------------------


async def read_of(connection: AsyncConnection, place: Partition) -> Read:
    """How far this partition was counted."""
    query = sa.select(READ).where(READ.c.topic == place.topic, READ.c.number == place.number)
    row = (await connection.execute(query)).first()
    return Read(place, row.last, row.stamp, row.observed, row.purged) if row else Read(place)


async def known(connection: AsyncConnection, number: int, articles: Collection[int]) -> set[int]:
    """Those of the articles that were counted in the last days."""
    if not articles:
        return set()
    ours = among(COUNTED.c.article, sorted(articles), connection.dialect.name)
    query = sa.select(COUNTED.c.article).where(COUNTED.c.number == number, ours)
    return set((await connection.scalars(query)).all())


async def add(connection: AsyncConnection, number: int, counted: Sequence[Counted]) -> None:
    """Count articles that are not known."""
    if not counted:
        return
    names = [{"number": number, "article": one.article, "moment": one.hour} for one in counted]
    await connection.execute(insert_new(COUNTED, connection.dialect.name), names)
    sums: dict[tuple[datetime, str, str], int] = {}
    for one in counted:
        at = (one.hour, one.source_id, one.language)
        sums[at] = sums.get(at, 0) + 1
    rows = [
        {"hour": hour, "source_id": source, "language": language, "number": number, "articles": articles}
        for (hour, source, language), articles in sorted(sums.items())
    ]
    statement: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(VOLUMES)
    more = {"articles": VOLUMES.c.articles + statement.excluded.articles}
    await connection.execute(statement.on_conflict_do_update(index_elements=list(VOLUMES.primary_key), set_=more), rows)


async def put_states(connection: AsyncConnection, states: Iterable[SourceState]) -> None:
    """Write how sources stand."""
    rows = [
        {"source_id": one.source_id, "name": one.name, "country": one.country, "language": one.language,
         "outcome": one.outcome, "since": one.since, "checked": one.checked, "failures": one.failures}
        for one in states
    ]  # fmt: skip
    if rows:
        await connection.execute(upsert_many(SOURCES, connection.dialect.name, keys=("source_id",)), rows)


async def put_read(connection: AsyncConnection, read: Read) -> None:
    """Write how far a partition was counted."""
    row = {"topic": read.place.topic, "number": read.place.number, "last": read.last, "stamp": read.stamp,
           "observed": read.observed, "purged": read.purged}  # fmt: skip
    await connection.execute(upsert_many(READ, connection.dialect.name, keys=("topic", "number")), [row])


async def purge(connection: AsyncConnection, number: int, now: datetime) -> None:
    """Delete what is out of its time, of one partition; sources whoever comes first."""
    old = (
        sa.delete(VOLUMES).where(VOLUMES.c.hour < now - KEPT, VOLUMES.c.number == number),
        sa.delete(COUNTED).where(COUNTED.c.moment < now - NAMES_KEPT, COUNTED.c.number == number),
        sa.delete(SOURCES).where(SOURCES.c.checked < now - KEPT),
    )
    for statement in old:
        await connection.execute(statement)


# ---- reading ---------------------------------------------------------------------------------------------------------


async def by_hour(
    connection: AsyncConnection, since: datetime, until: datetime | None = None
) -> dict[tuple[datetime, str], int]:
    """Articles by hour and source from the hour `since` on, up to that of `until`, in every language."""
    query = sa.select(VOLUMES.c.hour, VOLUMES.c.source_id, sa.func.sum(VOLUMES.c.articles)).where(
        VOLUMES.c.hour >= since
    )
    if until is not None:
        query = query.where(VOLUMES.c.hour <= until)
    rows = await connection.execute(query.group_by(VOLUMES.c.hour, VOLUMES.c.source_id))
    return {(row[0], row[1]): int(row[2]) for row in rows}


async def states(connection: AsyncConnection, only: Collection[str] | None = None) -> Mapping[str, SourceState]:
    """How every source stands, or these."""
    query = sa.select(SOURCES)
    if only is not None:
        query = query.where(among(SOURCES.c.source_id, sorted(only), connection.dialect.name))
    return {
        row.source_id: SourceState(
            row.source_id, row.name, row.country, row.language, row.outcome, row.checked, row.since, row.failures
        )
        for row in await connection.execute(query)
    }


async def story_time(connection: AsyncConnection) -> datetime | None:
    """The latest story time at which a source is known to have been checked; None before any check."""
    query = sa.select(sa.func.max(READ.c.observed)).where(READ.c.topic == SOURCES_CHECKED.name)
    found: datetime | None = await connection.scalar(query)
    return found
