"""Fenced state: who may write, checked inside the writer's own transaction.

A *fence* guards the state of a partition: on assignment the new owner raises the epoch of (group, partition number),
and every transaction of an owner checks that its epoch still stands. A process that was stopped past its session and
wakes up late finds a higher epoch and can write nothing (Kleppmann, "How to do distributed locking", 2016: a lock
needs a token that the storage checks).

A *lease* guards a named thing without a partition (a source domain, a subscription, the timers): it has a holder, an
expiry in real time and a token that rises with each change of hands. A holder stops acting one deadline before expiry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import Database, Moment, upsert
from shared.errors import Fenced

METADATA = sa.MetaData()
FENCES = sa.Table(
    "shared_fences",
    METADATA,
    sa.Column("owner_group", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
)
LEASES = sa.Table(
    "shared_leases",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger, nullable=False),
    sa.Column("expires", Moment, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write the state of a partition, as of one assignment."""

    group: str
    number: int
    epoch: int

    async def check(self, connection: AsyncConnection) -> None:
        """Lock the row until the transaction ends and raise Fenced when somebody raised the epoch since."""
        query = sa.select(FENCES.c.epoch).where(FENCES.c.owner_group == self.group, FENCES.c.number == self.number)
        current = await connection.scalar(query.with_for_update(read=True))
        if current != self.epoch:
            raise Fenced(f"{self.group}/{self.number}: epoch {self.epoch}, now {current}")


async def raise_fences(database: Database, group: str, numbers: Sequence[int]) -> dict[int, Fence]:
    """Take over the state of these partitions of `group`: everybody who held a fence on them is locked out."""
    async with database.transaction() as connection:
        return {number: await _raise(connection, group, number) for number in sorted(set(numbers))}


async def _raise(connection: AsyncConnection, group: str, number: int) -> Fence:
    query = sa.select(FENCES.c.epoch).where(FENCES.c.owner_group == group, FENCES.c.number == number)
    epoch = (await connection.scalar(query.with_for_update()) or 0) + 1
    row = {"owner_group": group, "number": number, "epoch": epoch}
    await connection.execute(upsert(FENCES, row, connection.dialect.name, keys=("owner_group", "number")))
    return Fence(group, number, epoch)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on a named thing until `expires` (real time)."""

    kind: str
    name: str
    holder: str
    token: int
    expires: datetime

    async def check(self, connection: AsyncConnection) -> None:
        """Raise Fenced when the thing changed hands since."""
        query = sa.select(LEASES.c.token).where(LEASES.c.kind == self.kind, LEASES.c.name == self.name)
        current = await connection.scalar(query.with_for_update(read=True))
        if current != self.token:
            raise Fenced(f"lease {self.kind}/{self.name}: token {self.token}, now {current}")

    def usable(self, now: datetime, margin: timedelta) -> bool:
        """Whether an action that may last `margin` still ends before the lease does."""
        return now + margin < self.expires


async def take_lease(
    connection: AsyncConnection, kind: str, name: str, holder: str, *, now: datetime, length: timedelta
) -> Lease | None:
    """Take or renew a lease; None while somebody else holds it. The token rises only when the holder changes."""
    row = (await connection.execute(_lease_row(kind, name))).first()
    if row is not None and row.holder != holder and row.expires > now:
        return None
    token = 1 if row is None else row.token + (row.holder != holder)
    lease = Lease(kind, name, holder, token, now + length)
    values = {"kind": kind, "name": name, "holder": holder, "token": token, "expires": lease.expires}
    await connection.execute(upsert(LEASES, values, connection.dialect.name, keys=("kind", "name")))
    return lease


def _lease_row(kind: str, name: str) -> sa.Select[tuple[str, int, datetime]]:
    columns = sa.select(LEASES.c.holder, LEASES.c.token, LEASES.c.expires)
    return columns.where(LEASES.c.kind == kind, LEASES.c.name == name).with_for_update()
