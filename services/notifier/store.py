"""Deliveries in SQL: writing new ones, finding those that are due, recording what came of them.

Plain functions over a connection, each a statement or two for many rows at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.tables import (
    ALERTS,
    COUNTERS,
    DELIVERIES,
    PENDING,
    SUBSCRIPTIONS,
    DeliveryState,
    SubscriptionState,
)
from shared.db import insert_new
from shared.events import Ledger

CHUNK = 500
"""Ids in one statement: far below the parameters both databases take."""


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
    """One alert on its way to one subscription. `id` is the `webhook-id`; `attempts` were made before."""

    id: str
    subscription_id: str
    sequence: int
    attempts: int
    expires: datetime
    alert: StoredAlert


async def known(connection: AsyncConnection, delivery_ids: Sequence[str]) -> set[str]:
    """Those of the ids that exist already."""
    existing: set[str] = set()
    for start in range(0, len(delivery_ids), CHUNK):
        query = sa.select(DELIVERIES.c.id).where(DELIVERIES.c.id.in_(delivery_ids[start : start + CHUNK]))
        existing.update(await connection.scalars(query))
    return existing


async def reserve(connection: AsyncConnection, count: int) -> int:
    """The first of `count` sequence numbers. Replicas wait here for each other's commit, so that whoever reads on from
    a number has seen everything below it."""
    counter = sa.update(COUNTERS).where(COUNTERS.c.name == "sequence").values(value=COUNTERS.c.value + count)
    last: int | None = await connection.scalar(counter.returning(COUNTERS.c.value))
    assert last is not None  # the migration put it there
    return last - count + 1


async def add(
    connection: AsyncConnection, deliveries: Sequence[Delivery], parked: Collection[str], now: datetime
) -> None:
    """Write new deliveries and their alerts; those to the subscriptions named in `parked` wait there."""
    dialect = connection.dialect.name
    alerts = {(delivery.alert.id, delivery.alert.revision): delivery.alert for delivery in deliveries}
    await connection.execute(insert_new(ALERTS, dialect), [_alert_row(alert, now) for alert in alerts.values()])
    rows = [_delivery_row(delivery, delivery.subscription_id in parked, now) for delivery in deliveries]
    await connection.execute(insert_new(DELIVERIES, dialect), rows)


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
        "state": DeliveryState.PARKED if parked else DeliveryState.PENDING,
        "reason": "",
        "attempts": 0,
        "next_attempt": now,
        "expires": delivery.expires,
        "created": now,
        "finished": None,
    }


async def survey(connection: AsyncConnection) -> dict[str, datetime]:
    """When each active subscription has its next delivery due, where it has any: one look into the index for each."""
    pending = (DELIVERIES.c.subscription_id == SUBSCRIPTIONS.c.id) & (DELIVERIES.c.state == PENDING)
    due = sa.select(sa.func.min(DELIVERIES.c.next_attempt)).where(pending).correlate(SUBSCRIPTIONS).scalar_subquery()
    query = sa.select(SUBSCRIPTIONS.c.id, sa.type_coerce(due, DELIVERIES.c.next_attempt.type).label("due"))
    rows = await connection.execute(query.where(SUBSCRIPTIONS.c.state == SubscriptionState.ACTIVE))
    return {row.id: row.due for row in rows if row.due is not None}


async def due(connection: AsyncConnection, subscription_id: str, *, now: datetime, limit: int) -> list[Delivery]:
    """The deliveries of a subscription that are due, the longest due first."""
    key = (ALERTS.c.alert_id == DELIVERIES.c.alert_id) & (ALERTS.c.revision == DELIVERIES.c.revision)
    query = (
        sa.select(DELIVERIES.c.id, DELIVERIES.c.sequence, DELIVERIES.c.attempts, DELIVERIES.c.expires, ALERTS)
        .join_from(DELIVERIES, ALERTS, key)
        .where(DELIVERIES.c.subscription_id == subscription_id, DELIVERIES.c.state == PENDING)
        .where(DELIVERIES.c.next_attempt <= now)
        .order_by(DELIVERIES.c.next_attempt, DELIVERIES.c.sequence)
        .limit(limit)
    )
    return [_delivery(row, subscription_id) for row in await connection.execute(query)]


def _delivery(row: Any, subscription_id: str) -> Delivery:
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
        subscription_id=subscription_id,
        sequence=row.sequence,
        attempts=row.attempts,
        expires=row.expires,
        alert=alert,
    )


async def pending(connection: AsyncConnection) -> int:
    """How many deliveries wait to be sent."""
    query = sa.select(sa.func.count()).select_from(DELIVERIES).where(DELIVERIES.c.state == PENDING)
    return await connection.scalar(query) or 0


async def states(connection: AsyncConnection) -> Mapping[str, int]:
    """How many deliveries are in each state; reads the whole table, for people and tests."""
    query = sa.select(DELIVERIES.c.state, sa.func.count()).group_by(DELIVERIES.c.state)
    return {row[0]: row[1] for row in await connection.execute(query)}
