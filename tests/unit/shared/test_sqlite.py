"""One way to SQLite's thread a statement, and what a transaction promises all the same."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from shared.db import Database, DatabaseUnavailable, open_database
from shared.sqlite import Connection

MAKE = "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT UNIQUE)"


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A database in a file, with a table, whose connections are open."""
    database = open_database(f"sqlite:///{tmp_path / 'own.db'}", pool_size=1)
    async with database.transaction() as connection:
        await connection.execute(sa.text(MAKE))
        await connection.execute(sa.text("INSERT INTO notes (body) VALUES ('a'), ('b')"))
    async with database.reading() as connection:
        await connection.execute(sa.text("SELECT 1"))
    yield database
    await database.close()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of what was sent to a thread."""
    sent: list[str] = []
    send: Any = Connection._execute

    async def count(self: Connection, function: Any, *args: Any, **named: Any) -> Any:
        sent.append(function.__name__)
        return await send(self, function, *args, **named)

    monkeypatch.setattr(Connection, "_execute", count)
    return iter([sent])


async def _bodies(database: Database) -> list[str]:
    async with database.reading() as connection:
        return list(await connection.scalars(sa.text("SELECT body FROM notes ORDER BY id")))


async def test_a_statement_is_one_way_and_begin_none(database: Database, ways: Iterator[list[str]]) -> None:
    sent = next(ways)
    async with database.transaction() as connection:
        rows = (await connection.execute(sa.text("SELECT body FROM notes ORDER BY id"))).all()
        await connection.execute(sa.text("INSERT INTO notes (body) VALUES (:body)"), [{"body": "c"}, {"body": "d"}])
    assert [row.body for row in rows] == ["a", "b"]
    assert sent == ["_take", "_take", "commit"]
    assert await _bodies(database) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("reads", [False, True])
async def test_a_transaction_without_a_statement_goes_nowhere(
    database: Database, ways: Iterator[list[str]], reads: bool
) -> None:
    sent = next(ways)
    async with database.reading() if reads else database.transaction():
        pass
    assert sent == []


async def _insert(database: Database, *bodies: str) -> None:
    async with database.transaction() as connection:
        for body in bodies:
            await connection.execute(sa.text("INSERT INTO notes (body) VALUES (:body)"), {"body": body})


async def test_a_statement_that_fails_takes_the_whole_transaction_back(database: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        await _insert(database, "c", "a")
    assert await _bodies(database) == ["a", "b"]


async def test_a_first_statement_that_fails_leaves_the_transaction_open(database: Database) -> None:
    async with database.transaction() as connection:
        with pytest.raises(sa.exc.OperationalError):
            await connection.execute(sa.text("SELECT nothing FROM notes"))
        await connection.execute(sa.text("INSERT INTO notes (body) VALUES ('c')"))
        await connection.rollback()
    assert await _bodies(database) == ["a", "b"]


async def test_a_result_says_its_columns_and_counts(database: Database) -> None:
    async with database.transaction() as connection:
        result = await connection.execute(sa.text("SELECT id, body FROM notes WHERE body = 'none'"))
        assert list(result.keys()) == ["id", "body"]
        changed = await connection.execute(sa.text("UPDATE notes SET body = body || '!'"))
        assert changed.rowcount == 2
        made = await connection.execute(sa.text("INSERT INTO notes (body) VALUES ('c') RETURNING id"))
        assert made.scalar_one() == 3


async def test_a_writer_holds_the_lock_from_its_first_statement(database: Database, tmp_path: Path) -> None:
    """Though that one only reads: what it writes later stands on what it read."""
    other = sqlite3.connect(tmp_path / "own.db", timeout=0, isolation_level=None)
    async with database.transaction() as connection:
        await connection.execute(sa.text("SELECT 1"))
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE").close()
    other.close()


async def test_a_lock_that_cannot_be_had_is_told_and_the_connection_serves_on(
    database: Database, tmp_path: Path
) -> None:
    async with database.engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(tmp_path / "own.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE").close()
    with pytest.raises(DatabaseUnavailable, match="locked"):
        async with database.transaction() as connection:
            await connection.execute(sa.text("SELECT 1"))
    other.execute("ROLLBACK").close()
    other.close()
    async with database.transaction() as connection:
        await connection.execute(sa.text("INSERT INTO notes (body) VALUES ('c')"))
    assert await _bodies(database) == ["a", "b", "c"]


async def test_who_only_reads_sees_one_state_and_cannot_write(database: Database) -> None:
    async with database.reading() as reader:
        before = (await reader.execute(sa.text("SELECT count(*) FROM notes"))).scalar_one()
        async with database.transaction() as writer:
            await writer.execute(sa.text("INSERT INTO notes (body) VALUES ('c')"))
        assert (await reader.execute(sa.text("SELECT count(*) FROM notes"))).scalar_one() == before
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        async with database.reading() as reader:
            await reader.execute(sa.text("DELETE FROM notes"))


async def test_a_cancelled_query_gives_its_lock_back(database: Database) -> None:
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT max(i) FROM n"

    async def ask() -> None:
        async with database.transaction() as connection:
            await connection.execute(sa.text("INSERT INTO notes (body) VALUES ('c')"))
            await connection.execute(sa.text(slow))

    task = asyncio.create_task(ask())
    while not (await asyncio.wait({task}, timeout=0.01))[0] and not _is_busy(database):
        pass
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(10), database.transaction() as connection:
        await connection.execute(sa.text("INSERT INTO notes (body) VALUES ('d')"))
    assert await _bodies(database) == ["a", "b", "d"]


def _is_busy(database: Database) -> bool:
    return any(one._begun for one in database.files)
