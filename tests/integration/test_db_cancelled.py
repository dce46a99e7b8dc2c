"""A cancelled transaction lets go of its locks at once: a drain that is cut short must not stop the other services."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import sqlalchemy as sa

from shared.db import Database, open_database

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


async def test_closing_waits_for_the_threads_of_whoever_was_cancelled(tmp_path: Path) -> None:
    """Cancelled while it opens a connection, waits for the lock or writes: no thread answers a loop that is closed."""
    for trial in range(20):
        database = open_database(f"sqlite:///{tmp_path / 'own.db'}")
        async with database.transaction() as connection:
            await connection.execute(sa.text("CREATE TABLE IF NOT EXISTS some_table (a INTEGER)"))
        readers = [asyncio.create_task(_read_for_ever(database)) for _ in range(3)]
        await asyncio.sleep(trial / 2000)
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        threads = [one._thread for one in database.files]
        await database.close()
        assert threads
        assert not [one for one in threads if one.is_alive()]
