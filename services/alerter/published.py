"""Published watches in SQL: store a checked version, read those in force.

Versions count up from 1 per watch and are never changed. Two replicas that publish the same text at the same moment
store it once; two that publish different texts get two versions, the later one in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerter.tables import OWNER, WATCHES
from shared.db import Database, insert_ignore, migrate

MIGRATIONS = Path(__file__).parent / "migrations"
MOST_EARLIER = 20
"""Earlier versions that a process looks through for one that it can read."""


@dataclass(frozen=True, slots=True)
class Published:
    """A version of a watch as stored."""

    id: str
    version: int
    yaml: str
    hash: str


async def prepare(database: Database) -> None:
    """Bring the table up to date."""
    await migrate(database, OWNER, MIGRATIONS)


def digest(text: str) -> str:
    """The hash of a watch's text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


async def publish(database: Database, name: str, text: str, now: datetime) -> Published:
    """Store `text` as the newest version of the watch unless it is that already; answers what is in force then.

    Where another replica was quicker with the next number and another text, the one after it is taken.
    """
    while True:
        async with database.transaction() as connection:
            newest = await _newest(connection, name)
            if newest is not None and newest.hash == digest(text):
                return newest
            version = newest.version + 1 if newest is not None else 1
            row = {"id": name, "version": version, "yaml": text, "hash": digest(text), "published": now}
            await connection.execute(insert_ignore(WATCHES, [row], database.engine.dialect.name))
            stored = await _newest(connection, name)
        if stored is not None and stored.hash == digest(text):
            return stored


async def known_hashes(database: Database) -> dict[str, frozenset[str]]:
    """The hashes of all versions ever published, by watch."""
    async with database.reading() as connection:
        rows = (await connection.execute(sa.select(WATCHES.c.id, WATCHES.c.hash))).all()
    return {name: frozenset(row.hash for row in rows if row.id == name) for name in {row.id for row in rows}}


async def versions(database: Database) -> dict[str, int]:
    """The version in force of every watch: what a poll compares, without reading the texts."""
    query = sa.select(WATCHES.c.id, sa.func.max(WATCHES.c.version)).group_by(WATCHES.c.id)
    async with database.reading() as connection:
        rows = (await connection.execute(query)).all()
    return {row[0]: row[1] for row in rows}


async def in_force(database: Database, wanted: Mapping[str, int]) -> list[Published]:
    """The stored rows of these versions, by id."""
    if not wanted:
        return []
    query = sa.select(WATCHES.c.id, WATCHES.c.version, WATCHES.c.yaml, WATCHES.c.hash).where(
        sa.tuple_(WATCHES.c.id, WATCHES.c.version).in_(list(wanted.items()))
    )
    async with database.reading() as connection:
        rows = (await connection.execute(query.order_by(WATCHES.c.id))).all()
    return [Published(*row) for row in rows]


async def earlier(database: Database, name: str, version: int) -> list[Published]:
    """The versions of a watch before this one, the newest first, at most `MOST_EARLIER`."""
    query = sa.select(WATCHES.c.id, WATCHES.c.version, WATCHES.c.yaml, WATCHES.c.hash).where(
        WATCHES.c.id == name, WATCHES.c.version < version
    )
    async with database.reading() as connection:
        rows = (await connection.execute(query.order_by(WATCHES.c.version.desc()).limit(MOST_EARLIER))).all()
    return [Published(*row) for row in rows]


async def _newest(connection: AsyncConnection, name: str) -> Published | None:
    query = sa.select(WATCHES.c.id, WATCHES.c.version, WATCHES.c.yaml, WATCHES.c.hash).where(WATCHES.c.id == name)
    row = (await connection.execute(query.order_by(WATCHES.c.version.desc()).limit(1))).first()
    return Published(*row) if row is not None else None
