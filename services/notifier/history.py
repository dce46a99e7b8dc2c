"""What was sent and what came of it, for people: deliveries of a subscription, one with all its attempts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import body, deliver, store
from services.notifier.exchange import cleaned
from services.notifier.tables import ALERTS, ATTEMPTS, DELIVERIES, SUBSCRIPTIONS, DeliveryState
from shared.events import Ledger

KEY = (ALERTS.c.alert_id == DELIVERIES.c.alert_id) & (ALERTS.c.revision == DELIVERIES.c.revision)


async def listed(
    connection: AsyncConnection, subscription_id: str, *, state: DeliveryState | None = None, limit: int = 50,
    owner: str | None = None,
) -> Sequence[Any]:  # fmt: skip
    """Deliveries of a subscription, the latest first, with the type of what they tell."""
    query = _owned(sa.select(DELIVERIES, ALERTS.c.type).join_from(DELIVERIES, ALERTS, KEY), owner)
    query = query.where(DELIVERIES.c.subscription_id == subscription_id)
    if state is not None:
        query = query.where(DELIVERIES.c.state == state)
    return list(await connection.execute(query.order_by(DELIVERIES.c.sequence.desc()).limit(limit)))


async def shown(connection: AsyncConnection, delivery_id: str, *, owner: str | None = None) -> dict[str, Any] | None:
    """One delivery with its attempts, None where there is no such one. The `body` is that of the last attempt as it
    would be made today, cut like everything else."""
    query = _owned(sa.select(DELIVERIES, ALERTS).join_from(DELIVERIES, ALERTS, KEY), owner)
    row = (await connection.execute(query.where(DELIVERIES.c.id == delivery_id))).one_or_none()
    if row is None:
        return None
    attempts = sa.select(ATTEMPTS).where(ATTEMPTS.c.delivery_id == delivery_id).order_by(ATTEMPTS.c.number)
    made = [_attempt(one) for one in await connection.execute(attempts)]
    return {**_delivery(row), "body": _body(row, made), "attempts": made}


def _owned(query: sa.Select[Any], owner: str | None) -> sa.Select[Any]:
    if owner is None:
        return query
    theirs = sa.select(SUBSCRIPTIONS.c.id).where(SUBSCRIPTIONS.c.owner == owner)
    return query.where(DELIVERIES.c.subscription_id.in_(theirs))


def _delivery(row: Any) -> dict[str, Any]:
    names = ("id", "subscription_id", "alert_id", "revision", "sequence", "state", "reason", "created", "finished")
    ledger = msgspec.to_builtins(msgspec.json.decode(row.ledger, type=Ledger))
    return {**{name: getattr(row, name) for name in names}, "type": row.type, "ledger": ledger}


def _attempt(row: Any) -> dict[str, Any]:
    names = ("number", "started", "seconds", "outcome", "status", "reason", "address")
    parts = {name: getattr(row, name) for name in ("dns", "connect", "tls", "first_byte")}
    return {
        **{name: getattr(row, name) for name in names}, "timings": parts,
        "request": msgspec.json.decode(row.request or "{}"),
        "answer": {**msgspec.json.decode(row.answer or "{}"), "body": row.excerpt},
    }  # fmt: skip


def _body(row: Any, attempts: Sequence[dict[str, Any]]) -> str:
    sent = attempts[-1]["started"] if attempts else row.created
    return cleaned(body.body_of(deliver.envelope_of(store.delivery_of(row)), row.data, sent).decode())
