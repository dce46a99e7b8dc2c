"""The table of subscriptions: one row each, found by its callback. Plain functions over a connection.

Every replica reads and writes it, so a row changes only as long as it is what the writer saw (`claim`, `revise`).
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.push.offer import Offer
from services.fetcher.tables import PUSHES
from shared.db import insert_new


class State(StrEnum):
    """Where a subscription stands: asked for, confirmed, refused by the hub, or on its way out."""

    ASKED = "asked"
    ACTIVE = "active"
    DENIED = "denied"
    LEAVING = "leaving"


class Pending(StrEnum):
    """What we asked the hub and it has not verified yet; the value is `hub.mode`."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A row of `fetcher_pushes`; times are real time. `push_id` is the unguessable part of the callback. `proven`: what
    polls found since the last push had been pushed, so polling may slow down."""

    push_id: str
    source_id: str
    hub: str
    topic: str
    secret: str
    state: State = State.ASKED
    pending: Pending | None = None
    pending_until: datetime | None = None
    tries: int = 0
    next_try: datetime
    lease_until: datetime | None = None
    pushed: datetime | None = None
    proven: bool = False

    def is_active(self, now: datetime) -> bool:
        """Whether the hub has promised to push at `now`."""
        return self.state is State.ACTIVE and self.lease_until is not None and now < self.lease_until

    def slows(self, now: datetime) -> bool:
        """Whether polls may be far apart at `now`."""
        return self.proven and self.is_active(now)


def new(source_id: str, offer: Offer, now: datetime) -> Subscription:
    """A subscription not asked for yet. Callback and secret have 256 bits each, the secret stays below the 200 bytes
    that hubs take (WebSub section 5.1)."""
    return Subscription(
        push_id=secrets.token_urlsafe(32), source_id=source_id, hub=offer.hub, topic=offer.topic,
        secret=secrets.token_urlsafe(32), next_try=now,
    )  # fmt: skip


async def subscriptions(connection: AsyncConnection) -> list[Subscription]:
    """All of them."""
    return [_read(row) for row in await connection.execute(sa.select(PUSHES).order_by(PUSHES.c.push_id))]


async def found(connection: AsyncConnection, push_id: str, *, lock: bool = False) -> Subscription | None:
    """The subscription of a callback; with `lock` nobody else changes it until the transaction ends."""
    query = sa.select(PUSHES).where(PUSHES.c.push_id == push_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    return _read(row) if row is not None else None


async def of_source(connection: AsyncConnection, source_id: str) -> Subscription | None:
    """The subscription of a source; what it is leaving does not count."""
    mine = (PUSHES.c.source_id == source_id) & (PUSHES.c.state != State.LEAVING)
    row = (await connection.execute(sa.select(PUSHES).where(mine))).one_or_none()
    return _read(row) if row is not None else None


async def insert(connection: AsyncConnection, row: Subscription) -> None:
    """Write a new one; where another process was quicker, nothing."""
    await connection.execute(insert_new(PUSHES, connection.dialect.name), [asdict(row)])


async def revise(connection: AsyncConnection, before: Subscription, **changes: Any) -> bool:
    """Change columns of a row that nobody has asked the hub about or verified since `before` was read; whether it
    was so."""
    mine = (PUSHES.c.push_id == before.push_id) & (PUSHES.c.next_try == before.next_try)
    pending = PUSHES.c.pending.is_(None) if before.pending is None else PUSHES.c.pending == before.pending
    done = await connection.execute(sa.update(PUSHES).where(mine, pending).values(**changes))
    return done.rowcount == 1


async def lapse(connection: AsyncConnection, row: Subscription) -> bool:
    """Begin anew with a row that is still active under the lease that has ended; whether it was: a poll may have left
    it for another hub, and a hub renewed it, meanwhile."""
    mine = (PUSHES.c.push_id == row.push_id) & (PUSHES.c.state == State.ACTIVE)
    ended = mine & (PUSHES.c.lease_until == row.lease_until)
    done = await connection.execute(sa.update(PUSHES).where(ended).values(state=State.ASKED, proven=False))
    return done.rowcount == 1


async def note(connection: AsyncConnection, push_id: str, **changes: Any) -> None:
    """Change columns that only one writer knows, whatever else changed."""
    await connection.execute(sa.update(PUSHES).where(PUSHES.c.push_id == push_id).values(**changes))


async def remove(connection: AsyncConnection, push_id: str) -> None:
    """Forget a subscription."""
    await connection.execute(sa.delete(PUSHES).where(PUSHES.c.push_id == push_id))


def _read(row: Any) -> Subscription:
    value = dict(row._mapping)
    pending = Pending(value["pending"]) if value["pending"] else None
    return Subscription(**{**value, "state": State(value["state"]), "pending": pending})
