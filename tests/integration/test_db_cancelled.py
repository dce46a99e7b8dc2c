"""A cancelled transaction lets go of its locks at once: a drain that is cut short must not stop the other services."""

from __future__ import annotations

import asyncio
import contextlib

import sqlalchemy as sa

from shared.db import Database

TRIALS = 60
"""Without the rollback about one trial in ten locks everybody out."""


async def _read_for_ever(database: Database) -> None:
    while True:
        async with database.transaction() as connection:
            (await connection.execute(sa.text("SELECT a FROM some_table LIMIT 2"))).all()


async def test_cancelled_readers_leave_no_lock(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute(sa.text("CREATE TABLE some_table (a INTEGER)"))
        await connection.execute(sa.text("INSERT INTO some_table VALUES (1), (2), (3)"))
    for trial in range(TRIALS):
        readers = [asyncio.create_task(_read_for_ever(database)) for _ in range(2)]
        await asyncio.sleep(trial % 12 / 1000)
        for reader in readers:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
        async with asyncio.timeout(10), database.transaction() as connection:
            await connection.execute(sa.text("INSERT INTO some_table VALUES (4)"))
