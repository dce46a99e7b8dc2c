"""Deliveries in SQL: writing new ones, finding those that are due, recording what came of them.

Plain functions over a connection, each a statement or two for many rows at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.tables import (
    ALERTS,
    COUNTERS,
    DELIVERIES,
    GATHERED,
    PENDING,
    SUBSCRIPTIONS,
    DeliveryState,
    Replay,
    SubscriptionState,
)
from shared.db import EPOCH, insert_new
from shared.events import Ledger

OWN = ("id", "subscription_id", "sequence", "attempts", "expires", "story", "replay", "tried_before", "stale")
"""What is read of a delivery beside its alert."""

MICROSECOND = timedelta(microseconds=1)
CHUNK = 500
"""Ids or rows in one statement: far below the parameters both databases take, and 2 MB of bodies."""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """One telling of an alert, its `data` ready to be sent."""

    id: str
    revision: int
    watch_id: str
    story_id: str
    type: str
    severity: str
    observed: datetime
    ledger: Ledger
    trace: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One alert on its way to one subscription. `id` is the `webhook-id`; `attempts` were made, `tried_before` of
    them before it was asked for again. `story` is given where the next of the story has to wait for this one, `stale`
    where it becomes a line of a digest then, `gathered` where it is one from the start, for the window that ends so."""

    id: str
    subscription_id: str
    sequence: int
    attempts: int
    expires: datetime
    alert: StoredAlert
    story: str = ""
    replay: Replay = Replay.LIVE
    tried_before: int = 0
    stale: datetime | None = None
    gathered: datetime | None = None


async def known(connection: AsyncConnection, delivery_ids: Sequence[str]) -> set[str]:
    """Those of the ids that exist already."""
    existing: set[str] = set()
    for start in range(0, len(delivery_ids), CHUNK):
        query = sa.select(DELIVERIES.c.id).where(DELIVERIES.c.id.in_(delivery_ids[start : start + CHUNK]))
        existing.update(await connection.scalars(query))
    return existing


async def reserve(connection: AsyncConnection, count: int, name: str = "sequence") -> int:
    """The first of `count` numbers of a counter. Replicas wait here for each other's commit, so that whoever reads on
    from a number has seen everything below it."""
    counter = sa.update(COUNTERS).where(COUNTERS.c.name == name).values(value=COUNTERS.c.value + count)
    last: int | None = await connection.scalar(counter.returning(COUNTERS.c.value))
    assert last is not None  # the migration put it there
    return last - count + 1


async def keep(connection: AsyncConnection, alerts: Sequence[StoredAlert], now: datetime) -> None:
    """Keep alerts that are not kept yet, numbered in the order given."""
    names = {(one.id, one.revision): one for one in alerts}
    for start in range(0, len(names), CHUNK):
        part = dict(list(names.items())[start : start + CHUNK])
        query = sa.select(ALERTS.c.alert_id, ALERTS.c.revision).where(
            ALERTS.c.alert_id.in_(sorted({alert_id for alert_id, _ in part}))
        )
        there = {(row.alert_id, row.revision) for row in await connection.execute(query)}
        fresh = [one for name, one in part.items() if name not in there]
        if fresh:
            first = await reserve(connection, len(fresh), "alerts")
            rows = [{**_alert_row(one, now), "number": first + at} for at, one in enumerate(fresh)]
            await connection.execute(insert_new(ALERTS, connection.dialect.name), rows)


async def add(
    connection: AsyncConnection, deliveries: Sequence[Delivery], parked: Collection[str], now: datetime
) -> None:
    """Write new deliveries of alerts that are kept; those to the subscriptions named in `parked` wait there."""
    dialect = connection.dialect.name
    rows = [_delivery_row(delivery, delivery.subscription_id in parked, now) for delivery in deliveries]
    await connection.execute(insert_new(DELIVERIES, dialect), rows)


async def add_own(connection: AsyncConnection, messages: Sequence[Delivery], now: datetime) -> None:
    """Write messages of our own making (warnings, digests) with their content, which is no alert for anybody else."""
    dialect = connection.dialect.name
    contents = {message.alert.id: _alert_row(message.alert, now) for message in messages}
    await connection.execute(insert_new(ALERTS, dialect), list(contents.values()))
    await connection.execute(insert_new(DELIVERIES, dialect), [_delivery_row(one, False, now) for one in messages])


def _alert_row(alert: StoredAlert, now: datetime) -> dict[str, Any]:
    return {
        "alert_id": alert.id,
        "revision": alert.revision,
        "watch_id": alert.watch_id,
        "story_id": alert.story_id,
        "type": alert.type,
        "severity": alert.severity,
        "observed": alert.observed,
        "ledger": msgspec.json.encode(alert.ledger),
        "trace": alert.trace,
        "data": alert.data,
        "created": now,
    }


def _delivery_row(delivery: Delivery, parked: bool, now: datetime) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "subscription_id": delivery.subscription_id,
        "alert_id": delivery.alert.id,
        "revision": delivery.alert.revision,
        "sequence": delivery.sequence,
        "state": _first_state(delivery, parked),
        "reason": "",
        "attempts": 0,
        "next_attempt": delivery.gathered or now,
        "expires": delivery.expires,
        "created": now,
        "finished": None,
        "story": delivery.story,
        "replay": delivery.replay,
        "tried_before": 0,
        "stale": delivery.stale,
    }


def _first_state(delivery: Delivery, parked: bool) -> DeliveryState:
    if parked:
        return DeliveryState.PARKED
    return DeliveryState.GATHERED if delivery.gathered else DeliveryState.PENDING


async def replay(
    connection: AsyncConnection, which: sa.ColumnElement[bool], how: Replay, *, now: datetime, every: timedelta,
    lasts: timedelta,
) -> int:  # fmt: skip
    """Make these deliveries (of one subscription) due again, one after the other in the order of their sequence, and
    give them time; how many. The pace stands in SQL: neither a restart nor a takeover hurries it."""
    place = sa.func.row_number().over(order_by=DELIVERIES.c.sequence) - 1
    line = sa.select(DELIVERIES.c.id, place.label("place")).where(which).subquery()
    begins, step = (sa.literal(span // MICROSECOND, sa.BigInteger) for span in (now - EPOCH, every))
    due, until = line.c.place * step + begins, sa.literal(now + lasts, DELIVERIES.c.expires.type)
    ends = sa.case((DELIVERIES.c.expires < until, until), else_=DELIVERIES.c.expires)
    columns = {"state": DeliveryState.PENDING, "next_attempt": sa.type_coerce(due, DELIVERIES.c.next_attempt.type),
               "expires": ends, "finished": None, "replay": _later(how), "tried_before": _tried(how)}  # fmt: skip
    result = await connection.execute(sa.update(DELIVERIES).where(DELIVERIES.c.id == line.c.id).values(columns))
    return int(result.rowcount)


def _later(how: Replay) -> Any:
    """What was asked for again stays that when its subscription is stopped and resumed."""
    return sa.case((DELIVERIES.c.replay == Replay.RESENT, DELIVERIES.c.replay), else_=sa.literal(int(how), sa.Integer))


def _tried(how: Replay) -> Any:
    return DELIVERIES.c.attempts if how is Replay.RESENT else DELIVERIES.c.tried_before


async def survey(connection: AsyncConnection) -> dict[str, datetime]:
    """When each active subscription may be sent its next delivery, where it has any: one look into the index for each.
    Not before the receiver wants to be asked again, nor before an open breaker is to be probed."""
    columns = (SUBSCRIPTIONS.c[name] for name in ("id", "hold_until", "probe_at"))
    query = sa.select(*columns, _earliest(PENDING).label("due"), _earliest(GATHERED).label("window"))
    rows = await connection.execute(query.where(SUBSCRIPTIONS.c.state == SubscriptionState.ACTIVE))
    first = {row: min(filter(None, (row.due, row.window)), default=None) for row in rows}
    return {row.id: max(filter(None, (one, *row[1:3]))) for row, one in first.items() if one is not None}


def _earliest(state: sa.ColumnElement[str]) -> sa.ColumnElement[datetime]:
    mine = (DELIVERIES.c.subscription_id == SUBSCRIPTIONS.c.id) & (DELIVERIES.c.state == state)
    first = sa.select(sa.func.min(DELIVERIES.c.next_attempt)).where(mine).correlate(SUBSCRIPTIONS).scalar_subquery()
    return sa.type_coerce(first, DELIVERIES.c.next_attempt.type)


async def gathered(connection: AsyncConnection, subscription_id: str, *, now: datetime, limit: int) -> Sequence[Any]:
    """The lines of a subscription whose window has ended, with their alerts, in the order of windows and sequence."""
    key = (ALERTS.c.alert_id == DELIVERIES.c.alert_id) & (ALERTS.c.revision == DELIVERIES.c.revision)
    own = (DELIVERIES.c[name] for name in ("id", "sequence", "reason", "next_attempt"))
    query = sa.select(*own, ALERTS).join_from(DELIVERIES, ALERTS, key)
    ended = (DELIVERIES.c.state == GATHERED) & (DELIVERIES.c.next_attempt <= now)
    query = query.where(DELIVERIES.c.subscription_id == subscription_id, ended)
    query = query.order_by(DELIVERIES.c.next_attempt, DELIVERIES.c.sequence).limit(limit)
    return (await connection.execute(query)).all()


async def windows_ended(connection: AsyncConnection, subscription_ids: Collection[str], now: datetime) -> set[str]:
    """Those of the subscriptions that have lines whose window has ended."""
    mine = DELIVERIES.c.subscription_id.in_(sorted(subscription_ids))
    query = sa.select(DELIVERIES.c.subscription_id).distinct()
    ended = (DELIVERIES.c.state == GATHERED) & (DELIVERIES.c.next_attempt <= now)
    return set(await connection.scalars(query.where(mine, ended)))


async def due(connection: AsyncConnection, subscription_id: str, *, now: datetime, limit: int) -> list[Delivery]:
    """The deliveries of a subscription that are due, the longest due first; replays after all others."""
    query = _due(now).where(DELIVERIES.c.subscription_id == subscription_id)
    query = query.order_by(DELIVERIES.c.next_attempt, DELIVERIES.c.sequence)
    found: list[Delivery] = []
    for part in (DELIVERIES.c.replay == Replay.LIVE, DELIVERIES.c.replay != Replay.LIVE):
        if len(found) < limit:
            rows = await connection.execute(query.where(part).limit(limit - len(found)))
            found += [delivery_of(row) for row in rows]
    return found


async def due_of_many(
    connection: AsyncConnection, subscription_ids: Collection[str], *, now: datetime, each: int
) -> dict[str, tuple[list[Delivery], bool]]:
    """The same for many subscriptions in few statements: at most `each` for each, and whether there may be more.

    A statement that comes back full says nothing of those it did not get to; they are asked for again.
    """
    found: dict[str, tuple[list[Delivery], bool]] = {}
    waiting = sorted(subscription_ids)
    while waiting:
        asked = waiting[:CHUNK]
        rows = await _some_due(connection, asked, now)
        covered = asked if len(rows) < CHUNK else list(rows.by_subscription)
        for one in covered:
            mine = rows.by_subscription.get(one, [])
            found[one] = (mine[:each], len(mine) > each or (len(rows) == CHUNK and one == rows.last))
        waiting = [one for one in waiting if one not in found]
    return found


@dataclass(slots=True)
class _Rows:
    """The answer to one statement, by subscription in the order of the database."""

    by_subscription: dict[str, list[Delivery]] = field(default_factory=dict)
    last: str = ""
    count: int = 0

    def __len__(self) -> int:
        return self.count


async def _some_due(connection: AsyncConnection, subscription_ids: Sequence[str], now: datetime) -> _Rows:
    query = _due(now).where(DELIVERIES.c.subscription_id.in_(subscription_ids))
    order = (DELIVERIES.c.subscription_id, DELIVERIES.c.next_attempt, DELIVERIES.c.sequence)
    rows = _Rows()
    for row in await connection.execute(query.order_by(*order).limit(CHUNK)):
        rows.by_subscription.setdefault(row.subscription_id, []).append(delivery_of(row))
        rows.last, rows.count = row.subscription_id, rows.count + 1
    return rows


def _due(now: datetime) -> sa.Select[Any]:
    key = (ALERTS.c.alert_id == DELIVERIES.c.alert_id) & (ALERTS.c.revision == DELIVERIES.c.revision)
    query = sa.select(*(DELIVERIES.c[name] for name in OWN), ALERTS).join_from(DELIVERIES, ALERTS, key)
    return query.where(DELIVERIES.c.state == PENDING, DELIVERIES.c.next_attempt <= now, ~_has_to_wait())


def _has_to_wait() -> sa.ColumnElement[bool]:
    """Whether an earlier delivery of the same story is neither delivered nor given up. What somebody asked for again
    holds nothing that is new, and waits for its like only."""
    earlier = DELIVERIES.alias("earlier")
    unfinished = sa.text("earlier.story <> '' AND earlier.state IN ('pending', 'parked')")
    same = (earlier.c.subscription_id == DELIVERIES.c.subscription_id) & (earlier.c.story == DELIVERIES.c.story)
    alike = (earlier.c.replay == Replay.RESENT) == (DELIVERIES.c.replay == Replay.RESENT)
    query = sa.select(earlier.c.id).where(same, earlier.c.sequence < DELIVERIES.c.sequence, unfinished, alike)
    return (DELIVERIES.c.story != "") & query.correlate(DELIVERIES).exists()


def delivery_of(row: Any) -> Delivery:
    """From a row of a delivery joined with its alert."""
    alert = StoredAlert(
        id=row.alert_id,
        revision=row.revision,
        watch_id=row.watch_id,
        story_id=row.story_id,
        type=row.type,
        severity=row.severity,
        observed=row.observed,
        ledger=msgspec.json.decode(row.ledger, type=Ledger),
        trace=row.trace,
        data=row.data,
    )
    return Delivery(
        id=row.id,
        subscription_id=row.subscription_id,
        sequence=row.sequence,
        attempts=row.attempts,
        expires=row.expires,
        alert=alert,
        story=row.story,
        replay=Replay(row.replay),
        tried_before=row.tried_before,
        stale=row.stale,
    )


async def pending(connection: AsyncConnection) -> int:
    """How many deliveries wait to be sent."""
    query = sa.select(sa.func.count()).select_from(DELIVERIES).where(DELIVERIES.c.state == PENDING)
    return await connection.scalar(query) or 0


async def probes(connection: AsyncConnection) -> list[datetime]:
    """When the open breakers of active subscriptions are to be probed."""
    query = sa.select(SUBSCRIPTIONS.c.probe_at).where(SUBSCRIPTIONS.c.state == SubscriptionState.ACTIVE)
    return [row[0] for row in await connection.execute(query.where(SUBSCRIPTIONS.c.probe_at.is_not(None)))]


async def states(connection: AsyncConnection) -> Mapping[str, int]:
    """How many deliveries are in each state; reads the whole table, for people and tests."""
    query = sa.select(DELIVERIES.c.state, sa.func.count()).group_by(DELIVERIES.c.state)
    return {row[0]: row[1] for row in await connection.execute(query)}
