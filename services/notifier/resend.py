"""Sends again what was sent, given up or told in a digest: one delivery, a range, or all since the last success.

It goes out under the same `webhook-id`, marked as a replay, one message after the other and after what is live. What
still waits to be sent is left alone: it comes anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import store, subscribe
from services.notifier.subscribe import InvalidSubscription, replay_every
from services.notifier.tables import DELIVERIES, DeliveryState, Replay, SubscriptionState

LOST = (DeliveryState.FAILED, DeliveryState.EXPIRED)
ENDED = (*LOST, DeliveryState.DELIVERED, DeliveryState.DIGESTED)


@dataclass(frozen=True, slots=True)
class Range:
    """Deliveries by when their alerts came, the end exclusive; None for no bound. `lost`: only what did not arrive."""

    after: datetime | None = None
    before: datetime | None = None
    lost: bool = False

    def condition(self) -> sa.ColumnElement[bool]:
        """Which deliveries these are."""
        parts: list[sa.ColumnElement[bool]] = [DELIVERIES.c.state.in_(LOST if self.lost else ENDED)]
        if self.after is not None:
            parts.append(DELIVERIES.c.created >= self.after)
        if self.before is not None:
            parts.append(DELIVERIES.c.created < self.before)
        return sa.and_(*parts)


async def resend_one(
    connection: AsyncConnection, delivery_id: str, *, now: datetime, owner: str | None = None
) -> int | None:
    """How many are sent again, 0 where it waits to be sent anyway; None where there is no such delivery. Raises
    InvalidSubscription."""
    query = sa.select(DELIVERIES.c.subscription_id).where(DELIVERIES.c.id == delivery_id)
    subscription_id = await connection.scalar(query)
    if subscription_id is None:
        return None
    which = (DELIVERIES.c.id == delivery_id) & DELIVERIES.c.state.in_(ENDED)
    return await _resend(connection, subscription_id, which, now=now, owner=owner)


async def resend_range(
    connection: AsyncConnection, subscription_id: str, which: Range, *, now: datetime, owner: str | None = None
) -> int | None:
    """The same for a range; None where there is no such subscription."""
    return await _resend(connection, subscription_id, which.condition(), now=now, owner=owner)


async def resend_since_success(
    connection: AsyncConnection, subscription_id: str, *, now: datetime, owner: str | None = None
) -> int | None:
    """The same for all that was given up since the receiver last took something."""
    mine = DELIVERIES.c.subscription_id == subscription_id
    taken = sa.select(sa.func.max(DELIVERIES.c.finished)).where(mine, DELIVERIES.c.state == DeliveryState.DELIVERED)
    last = await connection.scalar(taken)
    lost = DELIVERIES.c.state.in_(LOST)
    which = lost if last is None else lost & (DELIVERIES.c.finished > last)
    return await _resend(connection, subscription_id, which, now=now, owner=owner)


async def _resend(
    connection: AsyncConnection, subscription_id: str, which: sa.ColumnElement[bool], *, now: datetime,
    owner: str | None,
) -> int | None:  # fmt: skip
    found = (await subscribe.found(connection, [subscription_id], owner=owner)).get(subscription_id)
    if found is None:
        return None
    if found.state is not SubscriptionState.ACTIVE:
        raise InvalidSubscription(f"the subscription is {found.state}, so nothing is sent to it")
    mine = (DELIVERIES.c.subscription_id == subscription_id) & which
    pace, lasts = replay_every(found.rate), found.limits.expiry
    return await store.replay(connection, mine, Replay.RESENT, now=now, every=pace, lasts=lasts)
