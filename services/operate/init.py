"""`wirewatch init`: migrations and topics. Idempotent, safe to run from several places at once, the readiness gate."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import structlog

from shared.bus import Bus
from shared.db import Database, migrate
from shared.errors import Transient
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
