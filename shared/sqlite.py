"""A connection to SQLite that goes to its thread once a statement.

aiosqlite runs each connection on a thread of its own, and SQLAlchemy asks it for a cursor, to execute, to fetch and to
close: four times to the thread and back for one statement. Waking a thread costs more than most of our statements
(half of what one process spends a page was this; `docs/decisions/0011-one-way-to-sqlite.md`), so here a cursor is
made, read out and closed in one go, and the BEGIN of a transaction goes along with its first statement.

Left out on purpose: results that are streamed (every result is read whole) and cursors that outlive their statement.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import aiosqlite

Rows = list[Any]
Taken = tuple[Any, int, int | None, Rows]
"""What a statement gave: description, row count, last row id, rows."""


class Cursor:
    """What SQLAlchemy's adapter asks of a cursor of aiosqlite's. It holds what the statement gave, and no cursor."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: Rows = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    async def __aenter__(self) -> Cursor:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Cursor:
        """Execute a statement and read all it gives. Raises what sqlite3 raises."""
        return await self._run(sql, parameters, many=False)

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> Cursor:
        """Execute a statement with each of the parameters."""
        return await self._run(sql, parameters, many=True)

    async def _run(self, sql: str, parameters: Iterable[Any], *, many: bool) -> Cursor:
        taken = await self._connection.run(sql, parameters, many=many)
        self.description, self.rowcount, self.lastrowid, self._rows = taken
        return self

    async def fetchall(self) -> Sequence[Any]:
        """The rows of the last statement."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """Nothing is open."""


class Connection(aiosqlite.Connection):
    """A connection in autocommit mode, with its thread. A transaction is opened by `begin_with` and ends by commit or
    rollback, which go to the thread only if there is one."""

    def __init__(self, path: str) -> None:
        super().__init__(lambda: sqlite3.connect(path, isolation_level=None), iter_chunk_size=64)
        self._thread.daemon = True  # a process that crashes must end
        self._begin = ""
        self._begun = False

    def cursor(self) -> Cursor:  # type: ignore[override]  # aiosqlite's goes to the thread to make one
        """A cursor, without a way to the thread."""
        return Cursor(self)

    def begin_with(self, sql: str) -> None:
        """Open a transaction by this statement, on the way of the next one."""
        self._begin = sql

    async def run(self, sql: str, parameters: Iterable[Any], *, many: bool) -> Taken:
        """Execute on the thread and read all it gives."""
        begin = self._begin
        self._begun = self._begun or bool(begin)  # before we know: a query that is cancelled runs on
        send: Any = self._execute
        taken: Taken = await send(self._take, begin, sql, parameters, many)
        self._begin = ""
        return taken

    def _take(self, begin: str, sql: str, parameters: Any, many: bool) -> Taken:
        connection = self._conn
        if begin and not connection.in_transaction:
            connection.execute(begin).close()
        cursor = connection.cursor()
        try:
            (cursor.executemany if many else cursor.execute)(sql, parameters)
            rows = cursor.fetchall() if cursor.description else []
            return cursor.description, cursor.rowcount, cursor.lastrowid, rows
        finally:
            cursor.close()  # one left open keeps the lock of its connection, even of a closed one

    async def commit(self) -> None:
        """Commit what was begun; without a statement nothing was."""
        if self._begun:
            await super().commit()
        self._begin, self._begun = "", False

    async def rollback(self) -> None:
        """Take back what was begun."""
        if self._begun:
            await super().rollback()
        self._begin, self._begun = "", False
