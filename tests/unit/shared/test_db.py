"""One meaning on both databases: times, conflicts, transactions, migrations."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa
import uvloop
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, StatementError

from shared import db
from shared.db import EPOCH, Database, DatabaseUnavailable, Moment, among, insert_ignore, open_database, upsert
from shared.errors import Misconfigured
from tests.fakes.fixtures_db import SHARED_MIGRATIONS

METADATA = sa.MetaData()
NOTES = sa.Table(
    "test_notes",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("at", Moment),
)
NOON = datetime(2025, 3, 18, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
async def notes(database: Database) -> Database:
    async with database.transaction() as connection:
        await connection.run_sync(METADATA.create_all)
    return database


async def _bodies(database: Database) -> dict[str, str]:
    async with database.transaction() as connection:
        rows = await connection.execute(sa.select(NOTES.c.id, NOTES.c.body))
        return {row.id: row.body for row in rows}


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_survives_to_the_microsecond(moment: datetime) -> None:
    kind, dialect = Moment(), sqlite.dialect()
    assert kind.process_result_value(kind.process_bind_param(moment, dialect), dialect) == moment


AWKWARD = ["", "plain", 'two "words"', "o'clock", "Косово", "\\u0041", "a,b", "{}", "null", "1"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ([], []),
        (AWKWARD, AWKWARD),
        (["plain", "plain", "none"], ["plain"]),
        ([str(number) for number in range(40_000)], ["1"]),
    ],
    ids=["none", "awkward", "twice", "more than a statement has parameters"],
)
async def test_rows_among_many_values(notes: Database, asked: list[str], found: list[str]) -> None:
    async with notes.transaction() as connection:
        await connection.execute(NOTES.insert(), [{"id": one, "body": ""} for one in AWKWARD])
        query = sa.select(NOTES.c.id).where(among(NOTES.c.id, asked, connection.dialect.name))
        assert sorted(await connection.scalars(query)) == sorted(found)


async def test_numbers_among_many_values_twice_in_a_statement(notes: Database) -> None:
    table = sa.Table("test_numbers", sa.MetaData(), sa.Column("number", sa.BigInteger, primary_key=True))
    numbers = [-(2**63), -1, 0, 2**53 + 1, 2**63 - 1]
    async with notes.transaction() as connection:
        await connection.run_sync(table.metadata.create_all)
        await connection.execute(table.insert(), [{"number": one} for one in numbers])
        one, other = (among(table.c.number, some, connection.dialect.name) for some in (numbers[1:], numbers[:-1]))
        assert sorted(await connection.scalars(sa.select(table.c.number).where(one, other))) == numbers[1:-1]


async def test_moments_come_back_in_utc_and_sort_in_time(notes: Database) -> None:
    tirana = timezone(timedelta(hours=1))
    before, here, after = NOON - timedelta(microseconds=1), NOON.astimezone(tirana), NOON + timedelta(days=1)
    async with notes.transaction() as connection:
        rows = [{"id": str(index), "body": "", "at": at} for index, at in enumerate((after, before, here, EPOCH, None))]
        await connection.execute(NOTES.insert(), rows)
        query = sa.select(NOTES.c.at).where(NOTES.c.at >= before).order_by(NOTES.c.at)
        found = list(await connection.scalars(query))
    assert found == [before, NOON, after]
    assert {moment.utcoffset() for moment in found if moment} == {timedelta(0)}


async def test_a_naive_moment_is_a_defect(notes: Database) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        async with notes.transaction() as connection:
            await connection.execute(NOTES.insert().values(id="a", body="", at=NOON.replace(tzinfo=None)))


async def test_insert_ignore_leaves_what_is_there(notes: Database) -> None:
    async with notes.transaction() as connection:
        for body in ("first", "second"):
            rows = [{"id": key, "body": body} for key in ("a", body)]
            await connection.execute(insert_ignore(NOTES, rows, connection.dialect.name))
    assert await _bodies(notes) == {"a": "first", "first": "first", "second": "second"}


async def test_upsert_replaces_the_other_columns(notes: Database) -> None:
    async with notes.transaction() as connection:
        for body in ("first", "second"):
            row = {"id": "a", "body": body}
            await connection.execute(upsert(NOTES, row, connection.dialect.name, keys=["id"]))
    assert await _bodies(notes) == {"a": "second"}


async def test_a_transaction_that_raises_leaves_nothing(notes: Database) -> None:
    with pytest.raises(RuntimeError, match="half way"):  # noqa: PT012 - it raises in the middle
        async with notes.transaction() as connection:
            await connection.execute(NOTES.insert().values(id="a", body=""))
            raise RuntimeError("half way")
    assert await _bodies(notes) == {}


async def test_readers_that_write_afterwards_take_turns(notes: Database) -> None:
    """Each reads and then writes; on neither database may one fail half way, nor may a change be lost."""
    async with notes.transaction() as connection:
        await connection.execute(NOTES.insert().values(id="sum", body="0"))

    async def add() -> None:
        async with notes.transaction() as connection:
            body = await connection.scalar(sa.select(NOTES.c.body).where(NOTES.c.id == "sum").with_for_update())
            await connection.execute(NOTES.update().where(NOTES.c.id == "sum").values(body=str(int(body or 0) + 1)))

    await asyncio.gather(*(add() for _ in range(20)))
    assert await _bodies(notes) == {"sum": "20"}


async def test_migrations_may_be_repeated_and_run_side_by_side(database_url: str) -> None:
    async def once() -> None:
        opened = open_database(database_url)
        try:
            await db.migrate(opened, "shared", SHARED_MIGRATIONS)
        finally:
            await opened.close()

    await asyncio.gather(*(once() for _ in range(4)))
    await once()
    opened = open_database(database_url)
    async with opened.transaction() as connection:
        version = await connection.scalar(sa.text("SELECT version_num FROM shared_schema"))
    await opened.close()
    assert version == "0001"


async def test_the_migrated_tables_are_those_of_the_code(database: Database) -> None:
    from shared.lease import METADATA as DECLARED

    async with database.engine.begin() as connection:
        found = await connection.run_sync(_columns, sorted(DECLARED.tables))
    expected = {name: {column.name for column in table.columns} for name, table in DECLARED.tables.items()}
    assert found == expected


def _columns(connection: sa.Connection, names: list[str]) -> dict[str, set[str]]:
    inspector = sa.inspect(connection)
    return {name: {column["name"] for column in inspector.get_columns(name)} for name in names}


async def test_sqlite_syncs_and_keeps_a_log(tmp_path: Path) -> None:
    opened = open_database(f"sqlite:///{tmp_path}/deeper/still/test.db")
    async with opened.transaction() as connection:
        mode = await connection.scalar(sa.text("PRAGMA journal_mode"))
        synced = await connection.scalar(sa.text("PRAGMA synchronous"))
    await opened.close()
    assert (mode, synced) == ("wal", 2)


@pytest.mark.parametrize("url", ["mysql://host/name", "nonsense", "postgres//host"])
def test_another_address_is_refused_with_what_to_write(url: str) -> None:
    with pytest.raises(Misconfigured, match="write sqlite:///"):
        open_database(url)


async def test_a_database_out_of_reach_is_a_transient_failure() -> None:
    opened = open_database("postgresql://nobody:secret@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailable):
        async with opened.transaction():
            pass
    await opened.close()


async def test_a_reader_waits_for_no_writer_and_sees_what_is_committed(notes: Database) -> None:
    async with notes.transaction() as writing:
        await writing.execute(NOTES.insert(), [{"id": "1", "body": "a", "at": None}])
        async with asyncio.timeout(5), notes.reading() as connection:
            assert (await connection.scalars(sa.select(NOTES.c.id))).all() == []
    async with notes.reading() as connection:
        assert (await connection.scalars(sa.select(NOTES.c.id))).all() == ["1"]
        async with notes.transaction() as writing:
            await writing.execute(NOTES.insert(), [{"id": "2", "body": "b", "at": None}])
    async with notes.reading() as connection:
        assert len((await connection.scalars(sa.select(NOTES.c.id))).all()) == 2


async def test_a_write_among_reads_is_a_defect(notes: Database) -> None:
    with pytest.raises(DBAPIError, match=r"readonly|read-only"):
        async with notes.reading() as connection:
            await connection.execute(NOTES.insert(), [{"id": "1", "body": "a", "at": None}])
    assert await _bodies(notes) == {}


async def test_a_missing_table_is_not_waited_for(database: Database) -> None:
    for begin in (database.transaction, database.reading):
        with pytest.raises(DBAPIError, match=r"no such table|does not exist"):
            async with begin() as connection:
                await connection.execute(sa.select(NOTES))


@pytest.mark.postgres
@pytest.mark.parametrize("wait", [0.0, 0.2])
def test_a_server_that_ends_a_transaction_is_an_outage_on_uvloop_too(postgres_url: str, wait: float) -> None:
    async def broken() -> None:
        database, other = open_database(postgres_url), open_database(postgres_url)

        async def ended() -> None:
            async with database.transaction() as connection:
                number = await connection.scalar(sa.text("SELECT pg_backend_pid()"))
                async with other.transaction() as another:
                    await another.execute(sa.text("SELECT pg_terminate_backend(:number)"), {"number": number})
                await asyncio.sleep(wait)
                await connection.execute(sa.text("SELECT 1"))

        try:
            with pytest.raises(DatabaseUnavailable):
                await ended()
            async with database.transaction() as connection:
                assert await connection.scalar(sa.text("SELECT 1")) == 1
        finally:
            await database.close()
            await other.close()

    uvloop.run(broken())


@pytest.mark.parametrize(("text", "outage"), [("the handler is closed", True), ("dictionary changed size", False)])
async def test_uvloops_word_for_a_lost_connection_is_an_outage(database: Database, text: str, outage: bool) -> None:
    with pytest.raises(DatabaseUnavailable if outage else RuntimeError, match=text):
        async with database.transaction():
            raise RuntimeError(f"unable to perform operation on <TCPTransport closed=True>; {text}")
