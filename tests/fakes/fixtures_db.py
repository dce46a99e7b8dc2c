"""Fixtures: the same store tests on SQLite and on a real PostgreSQL.

Load with `pytest_plugins = ("tests.fakes.fixtures_db",)` in the top conftest. `database` runs a test twice, with the
tables of `shared` migrated; a service's tests migrate their own owner on top of it. `postgres_url` gives an empty
PostgreSQL database where a test needs the address itself (several processes, an outage).
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NoReturn

import asyncpg
import pytest

from shared import db
from shared.db import Database, open_database
from tests.fakes import postgres

SHARED_MIGRATIONS = Path(db.__file__).parent / "migrations"
REQUIRE = "WIREWATCH_REQUIRE"
"""Comma-separated facilities whose absence is a failure, not a skip: kafka, postgres, compose, promtool."""
_NAMES = itertools.count(1)
_USED: list[str] = []


def absent(facility: str, reason: str) -> NoReturn:
    """Skip the test, or fail it where the facility is required."""
    required = os.environ.get(REQUIRE, "").split(",")
    if facility in required:
        pytest.fail(f"{facility} is required here ({REQUIRE}): {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """One PostgreSQL server for the whole run."""
    try:
        postgres.find()
    except postgres.Absent as missing:
        absent("postgres", str(missing))
    with postgres.server() as running:
        yield running


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """The address of an empty PostgreSQL database, alone with it until the test ends."""
    name = asyncio.run(_empty_database(postgres_server))
    yield postgres_server.url(name)
    _USED.append(name)


async def _empty_database(server: postgres.Server) -> str:
    """One that an earlier test is done with, emptied: that takes a tenth of making and removing another one."""
    while _USED:
        name = _USED.pop()
        if await _emptied(server, name):
            return name
    name = f"test_{os.getpid()}_{next(_NAMES)}"
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY FILE_COPY")
    finally:
        await connection.close()
    return name


async def _emptied(server: postgres.Server, name: str) -> bool:
    """Cut off whoever is still connected, and drop everything in it."""
    connection = await asyncpg.connect(server.url(name))
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        left = await connection.fetchval("SELECT count(*) FROM pg_stat_user_tables")
    finally:
        await connection.close()
    return bool(left == 0)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a new, empty database, on each of the two in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with the tables of `shared`, closed at the end."""
    opened = open_database(database_url)
    await db.migrate(opened, "shared", SHARED_MIGRATIONS)
    yield opened
    await opened.close()
