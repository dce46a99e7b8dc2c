"""Fenced state: who may write, checked inside the writer's own transaction.

A *fence* guards the state of a partition: on assignment the new owner raises the epoch of (group, partition number),
and every transaction of an owner checks that its epoch still stands. A process that was stopped past its session and
wakes up late finds a higher epoch and can write nothing (Kleppmann, "How to do distributed locking", 2016: a lock
needs a token that the storage checks).

A *lease* guards a named thing without a partition (a source domain, a subscription, the timers): it has a holder, an
expiry in real time and a token that rises with each change of hands. A holder stops acting one deadline before expiry.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.db import EPOCH, Database, Moment, insert_ignore, insert_new, upsert, upsert_many
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
    """The row is made before it is raised, so that two first owners at once cannot both find none."""
    dialect = connection.dialect.name
    await connection.execute(insert_ignore(FENCES, [{"owner_group": group, "number": number, "epoch": 0}], dialect))
    mine = sa.update(FENCES).where(FENCES.c.owner_group == group, FENCES.c.number == number)
    epoch = await connection.scalar(mine.values(epoch=FENCES.c.epoch + 1).returning(FENCES.c.epoch))
    return Fence(group, number, int(epoch))


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
    await connection.execute(insert_ignore(LEASES, _free(kind, [name]), connection.dialect.name))
    row = (await connection.execute(_lease_row(kind, name))).one()
    if row.holder != holder and row.expires > now:
        return None
    lease = Lease(kind, name, holder, row.token + (row.holder != holder), now + length)
    values = {"kind": kind, "name": name, "holder": holder, "token": lease.token, "expires": lease.expires}
    await connection.execute(upsert(LEASES, values, connection.dialect.name, keys=("kind", "name")))
    return lease


def _lease_row(kind: str, name: str) -> sa.Select[tuple[str, int, datetime]]:
    columns = sa.select(LEASES.c.holder, LEASES.c.token, LEASES.c.expires)
    return columns.where(LEASES.c.kind == kind, LEASES.c.name == name).with_for_update()


async def take_leases(
    connection: AsyncConnection, kind: str, names: Collection[str], holder: str, *, now: datetime, length: timedelta
) -> dict[str, Lease]:
    """Take or renew many leases with three statements; those that somebody else holds are left out.

    Names are locked in their order, so that two holders that want the same ones do not wait for each other in a ring.
    """
    if not names:
        return {}
    await connection.execute(insert_new(LEASES, connection.dialect.name), _free(kind, names))
    query = sa.select(LEASES).where(LEASES.c.kind == kind, LEASES.c.name.in_(sorted(names)))
    taken: dict[str, Lease] = {}
    for row in await connection.execute(query.order_by(LEASES.c.name).with_for_update()):
        if row.holder == holder or row.expires <= now:
            taken[row.name] = Lease(kind, row.name, holder, row.token + (row.holder != holder), now + length)
    if taken:
        statement = upsert_many(LEASES, connection.dialect.name, keys=("kind", "name"))
        await connection.execute(statement, [_values(lease) for lease in taken.values()])
    return taken


def _free(kind: str, names: Collection[str]) -> list[dict[str, object]]:
    """Rows that nobody holds, made before they are taken: a row that is not there cannot be locked, and two first
    holders at once would both find none."""
    return [{"kind": kind, "name": name, "holder": "", "token": 0, "expires": EPOCH} for name in sorted(names)]


def _values(lease: Lease) -> dict[str, object]:
    return {
        "kind": lease.kind, "name": lease.name, "holder": lease.holder, "token": lease.token, "expires": lease.expires,
    }  # fmt: skip


async def still_held(connection: AsyncConnection, leases: Collection[Lease]) -> set[str]:
    """The names of those leases (all of one kind) that nobody took over, locked until the transaction ends."""
    if not leases:
        return set()
    tokens = {lease.name: lease.token for lease in leases}
    kind = next(iter(leases)).kind
    query = sa.select(LEASES.c.name, LEASES.c.token).where(LEASES.c.kind == kind, LEASES.c.name.in_(sorted(tokens)))
    rows = await connection.execute(query.order_by(LEASES.c.name).with_for_update(read=True))
    return {row.name for row in rows if row.token == tokens[row.name]}


async def release_leases(connection: AsyncConnection, leases: Collection[Lease], *, now: datetime) -> None:
    """Let go of leases before they expire, so that others need not wait; a lease lost meanwhile is left alone."""
    if not leases:
        return
    mine = (LEASES.c.kind == sa.bindparam("k")) & (LEASES.c.name == sa.bindparam("n"))
    statement = sa.update(LEASES).where(mine, LEASES.c.token == sa.bindparam("t")).values(expires=sa.bindparam("e"))
    rows = [{"k": lease.kind, "n": lease.name, "t": lease.token, "e": now} for lease in leases]
    await connection.execute(statement, rows)
