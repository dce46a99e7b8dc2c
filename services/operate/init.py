"""`wirewatch init`: migrations and topics. Idempotent, safe to run from several places at once, the readiness gate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
import structlog

from shared.bus import Bus
from shared.db import Database, migrate
from shared.errors import Misconfigured, Transient
from shared.settings import plain
from shared.topics import all_specs

log = structlog.get_logger()
T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]

OWNERS: tuple[tuple[str, Path], ...] = (
    ("shared", ROOT / "shared" / "migrations"),
    ("fetcher", ROOT / "services" / "fetcher" / "migrations"),
    ("extractor", ROOT / "services" / "extractor" / "migrations"),
    ("alerter", ROOT / "services" / "alerter" / "migrations"),
    ("judge", ROOT / "services" / "alerter" / "judge" / "migrations"),
    ("notifier", ROOT / "services" / "notifier" / "migrations"),
)
"""Who owns tables, and where their migrations lie, in the order in which they are run."""


async def prepare(bus: Bus, database: Database) -> list[str]:
    """Bring the database and the topics to this version; returns the topics created."""
    for owner, scripts in OWNERS:
        await migrate(database, owner, scripts)
    created = await bus.ensure_topics(all_specs())
    log.info("prepared", owners=len(OWNERS), topics_created=len(created))
    return created


async def check_prepared(database: Database) -> None:
    """Raises Misconfigured where a table of this version is still missing, DatabaseUnavailable where nobody answers. A
    database that a newer version has prepared is good: migrations only expand."""
    async with database.reading() as connection:
        there = await connection.run_sync(lambda raw: set(sa.inspect(raw).get_table_names()))
        for owner, scripts in OWNERS:
            table, needed = f"{owner}_schema", newest(scripts)
            query = sa.select(sa.column("version_num", sa.Text)).select_from(sa.table(table))
            found = await connection.scalar(query) if table in there else None
            if found is None or found < needed:
                what = f"its tables of {owner} are at version {found or 'none'}, this program needs {needed}"
                raise Misconfigured(f"the database {plain(database.url)} is not prepared: {what}; run wirewatch init")


def newest(scripts: Path) -> str:
    """The newest version in a folder of migrations; versions are numbers of four digits, so they sort as text."""
    return max(script.name[:4] for script in (scripts / "versions").glob("[0-9]*.py"))


async def patiently(attempt: Callable[[], Awaitable[T]], *, seconds: float) -> T:
    """Repeat `attempt` while what it needs is still starting, at most `seconds`; then its failure is raised."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await attempt()
        except (Transient, OSError) as error:
            if asyncio.get_running_loop().time() > deadline:
                raise
            log.info("waiting", error=str(error))
            await asyncio.sleep(1.0)
