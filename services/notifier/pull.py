"""The alerts themselves, in the order in which they came: what is pulled instead of being sent, and what a subscription
would have got.

Every telling of a live alert is kept, whoever subscribes to it, and numbered; numbers rise in the order of commits, so
whoever asks for what came after the last one seen misses nothing. Numbers have no meaning beyond that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.subscribe import ANY, Filters, facts_of_payload
from services.notifier.tables import ALERTS

MOST = 200
LOOKED_AT = 2_000
"""Alerts of a page, and alerts looked at for one: a filter that few pass must not read the whole table at once."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """A telling of an alert: its number, CloudEvents type, and the payload's `data`."""

    number: int
    type: str
    raised: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Some alerts, up to where was looked, and whether there is more behind that."""

    alerts: tuple[Pulled, ...]
    last: int
    more: bool


async def after(connection: AsyncConnection, number: int, filters: Filters = ANY, most: int = MOST) -> Page:
    """What came after a number and passes, the oldest first."""
    query = sa.select(ALERTS).where(ALERTS.c.number > number).order_by(ALERTS.c.number).limit(LOOKED_AT + 1)
    rows = (await connection.execute(_narrowed(query, filters))).all()
    found: list[Pulled] = []
    last = number
    for row in rows[:LOOKED_AT]:
        if len(found) == most:
            return Page(tuple(found), last, more=True)
        last = row.number
        found += _passing([row], filters)
    return Page(tuple(found), last, more=len(rows) > LOOKED_AT)


async def latest(connection: AsyncConnection, filters: Filters = ANY, most: int = MOST) -> tuple[Pulled, ...]:
    """The last alerts that pass, the newest first, of those looked at."""
    query = sa.select(ALERTS).where(ALERTS.c.number.is_not(None)).order_by(ALERTS.c.number.desc()).limit(LOOKED_AT)
    rows = (await connection.execute(_narrowed(query, filters))).all()
    return tuple(one for one, _ in zip(_passing(rows, filters), range(most), strict=False))


def _narrowed(query: sa.Select[Any], filters: Filters) -> sa.Select[Any]:
    """What SQL can leave out already."""
    lists = ((ALERTS.c.watch_id, filters.watches), (ALERTS.c.story_id, filters.stories),
             (ALERTS.c.severity, filters.severities))  # fmt: skip
    for column, wanted in lists:
        if wanted:
            query = query.where(column.in_(wanted))
    return query


def _passing(rows: Sequence[sa.Row[Any]], filters: Filters) -> Iterator[Pulled]:
    for row in rows:
        data: dict[str, Any] = msgspec.json.decode(row.data)
        if filters.admit(facts_of_payload(data), lambda data=data: data):  # type: ignore[misc]  # bound at once
            yield Pulled(row.number, row.type, row.created, data)
