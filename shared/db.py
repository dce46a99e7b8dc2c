"""State in SQL: one engine for SQLite and PostgreSQL, short transactions, migrations per owner.

A service owns its tables and their migrations (`services/<service>/migrations/`); the name of a table starts with the
owner's. SQLite runs in WAL mode with a synced commit and takes its write lock at the start of a transaction, so a
transaction that reads and then writes behaves as on PostgreSQL and never fails half way with "locked". One that only
reads says so (`reading`) and waits for no writer.

Left out on purpose: an ORM, sessions and a repository layer; stores are modules of plain functions over a connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.types import TypeDecorator

from shared.errors import Misconfigured, Transient, was_lost
from shared.settings import plain
from shared.sqlite import Connection

BUSY_TIMEOUT_MS = 30_000
"""How long SQLite waits for another writer: longer than any transaction here, shorter than a drain."""


NOT_TRANSIENT = ("no such table", "no such column", "has no column named", "readonly database")
"""SQLite tells these under the same name as a lock that could not be had; waiting does not help, `wirewatch init` may.
PostgreSQL has a name of its own for each."""


class DatabaseUnavailable(Transient):
    """The database cannot be reached or broke off; the transaction was not committed or its fate is unknown."""

    reason = "database_unavailable"


class Moment(TypeDecorator[datetime]):
    """A UTC time kept as microseconds since the epoch: one meaning and one order on both databases."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Aware datetime to microseconds; a naive one is a defect."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}")
        delta = value - EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        """Microseconds to an aware datetime."""
        return (
            None
            if value is None
            else datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)
        )


IDLE_MS = 10_000
"""How long a PostgreSQL transaction may lie idle. A process that is stopped in the middle of one would hold its locks
for as long as it sleeps, and whoever takes over would wait for it; ours talk to the server all the time."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LET_GO = {"idle_in_transaction_session_timeout": str(IDLE_MS)}


@dataclass(frozen=True, slots=True)
class Database:
    """The engine and what differs between the two databases. `readers`: SQLite's connections that only read, which it
    does beside a writer; PostgreSQL needs none. `files`: SQLite's connections, each with a thread of its own."""

    engine: AsyncEngine
    url: str
    readers: AsyncEngine | None = None
    files: list[Connection] = field(default_factory=list)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite: one process may write at a time."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A write transaction, committed at the end of the block. Raises DatabaseUnavailable."""
        async with self._begun(self.engine) as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads: one state of the database, without waiting for whoever writes; a write in it
        is an error. Raises DatabaseUnavailable."""
        engine = self.readers or self.engine.execution_options(postgresql_readonly=True)
        async with self._begun(engine) as connection:
            yield connection

    @asynccontextmanager
    async def _begun(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.begin() as connection:
                yield connection
        except (OperationalError, InterfaceError, OSError) as error:
            if any(words in str(error) for words in NOT_TRANSIENT):
                raise
            raise DatabaseUnavailable(str(error)) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable(str(error)) from error
            raise
        except RuntimeError as error:
            if not was_lost(error):
                raise
            raise DatabaseUnavailable(f"the connection was lost: {error}") from error

    async def close(self) -> None:
        """Close all connections. Threads of SQLite's are waited for, also of those whose user was cancelled: one that
        answers when the event loop is closed would fail."""
        await self.engine.dispose()
        if self.readers is not None:
            await self.readers.dispose()
        for one in self.files:
            if one._thread.is_alive():
                if one._running:
                    one.stop()
                await asyncio.to_thread(one._thread.join, BUSY_TIMEOUT_MS / 1000)


def open_database(url: str, *, pool_size: int = 5) -> Database:
    """An engine for `sqlite:///path` or `postgresql://…`. Connects lazily. Raises Misconfigured for another scheme."""
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        if parsed.database and parsed.database != ":memory:":
            _make_folder(Path(parsed.database).parent, url)
        files: list[Connection] = []
        writers, readers = (_sqlite(parsed, pool_size, files, reads=reads) for reads in (False, True))
        return Database(writers, url, readers, files)
    engine = create_async_engine(
        parsed.set(drivername="postgresql+asyncpg"), pool_size=pool_size, max_overflow=pool_size,
        pool_pre_ping=True, connect_args={"timeout": 5.0, "command_timeout": 30.0, "server_settings": LET_GO},
    )  # fmt: skip
    return Database(engine, url)


def _make_folder(folder: Path, url: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        fix = "set it, or WIREWATCH_DATA for the default, to a place that can be written"
        raise Misconfigured(f"WIREWATCH_DATABASE is {url!r}: {error}; {fix}") from error


def _parse(url: str) -> sa.URL:
    shown = plain(url)  # without its password
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        fix = "write sqlite:///data/wirewatch.db or postgresql://user:password@host/name"
        raise Misconfigured(f"WIREWATCH_DATABASE is {shown!r}: {fix}") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        fix = f"{parsed.drivername} is not supported; write sqlite:///… or postgresql://…"
        raise Misconfigured(f"WIREWATCH_DATABASE is {shown!r}: {fix}")
    return parsed


def _sqlite(parsed: sa.URL, pool_size: int, files: list[Connection], *, reads: bool) -> AsyncEngine:
    def opened() -> Connection:
        files[:] = [one for one in files if one._thread.is_alive()]
        files.append(Connection(parsed.database or ":memory:"))
        return files[-1]

    engine = create_async_engine(
        parsed.set(drivername="sqlite+aiosqlite"), pool_size=pool_size, max_overflow=0, async_creator=opened
    )
    pragmas = ["journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"]

    @sa.event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (*pragmas, *(["query_only=ON"] if reads else [])):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        own: Any = connection.connection.driver_connection
        own.begin_with("BEGIN" if reads else "BEGIN IMMEDIATE")

    @sa.event.listens_for(engine.sync_engine, "invalidate")
    def _invalidate(connection: Any, _record: Any, _error: BaseException | None) -> None:
        connection.rollback()  # a query that was cancelled runs on: give its lock back as soon as it is done

    return engine


def among(column: sa.Column[Any], values: Iterable[Any], dialect: str) -> sa.ColumnElement[bool]:
    """Whether a column has one of these values, which travel as one parameter: the statement is the same however many
    they are, so it is compiled once and planned once, where a list of parameters would be both anew for each length."""
    if dialect == "sqlite":
        listed = sa.func.json_each(sa.bindparam(None, msgspec.json.encode(list(values)).decode(), unique=True))
        return column.in_(sa.select(sa.literal_column("value")).select_from(listed))
    from sqlalchemy.dialects.postgresql import ARRAY

    return column == sa.any_(sa.bindparam(None, list(values), type_=ARRAY(column.type), unique=True))


def insert_ignore(table: sa.Table, rows: Sequence[Mapping[str, Any]], dialect: str) -> Any:
    """An insert of `rows` that leaves existing keys alone, on both databases."""
    return _insert(table, dialect).values(list(rows)).on_conflict_do_nothing()


def insert_new(table: sa.Table, dialect: str) -> Any:
    """The same for many rows: to be executed with a list of rows (one prepared statement, however many they are)."""
    return _insert(table, dialect).on_conflict_do_nothing()


def upsert(table: sa.Table, row: Mapping[str, Any], dialect: str, *, keys: Sequence[str]) -> Any:
    """An insert of `row` that replaces the other columns where `keys` exist already."""
    statement = _insert(table, dialect).values(row)
    changed = {name: statement.excluded[name] for name in row if name not in keys}
    if not changed:
        return statement.on_conflict_do_nothing()
    return statement.on_conflict_do_update(index_elements=list(keys), set_=changed)


def upsert_many(table: sa.Table, dialect: str, *, keys: Sequence[str], kept: Sequence[str] = ()) -> Any:
    """The same for many rows that give every column: to be executed with a list of rows. Columns `kept` stay as they
    were where a row exists."""
    statement = _insert(table, dialect)
    same = {*keys, *kept}
    changed = {column.name: statement.excluded[column.name] for column in table.c if column.name not in same}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=changed)


def _insert(table: sa.Table, dialect: str) -> Any:
    from sqlalchemy.dialects import postgresql, sqlite

    return (sqlite if dialect == "sqlite" else postgresql).insert(table)


async def migrate(database: Database, owner: str, scripts: Path) -> None:
    """Bring the tables of `owner` to the newest version in `scripts`, an Alembic folder. Safe to repeat and to run
    from several processes (PostgreSQL: an advisory lock; SQLite: the write lock)."""
    async with database.engine.begin() as connection:
        # one at a time, also within a process (Alembic keeps its context in a global): on SQLite the lock comes with
        # the first statement
        lock = "SELECT 1" if database.is_sqlite else "SELECT pg_advisory_xact_lock(7205759)"
        await connection.execute(sa.text(lock))
        await connection.run_sync(_upgrade, owner, scripts)


def _upgrade(connection: sa.Connection, owner: str, scripts: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = f"{owner}_schema"
    command.upgrade(config, "head")
