"""The matching step as a process runs it, on a bus and a database that a test brings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from services.alerter.match.app import build
from services.alerter.settings import MatchSettings
from services.alerter.watch import Clause, Word, inside
from shared.bus import Bus
from shared.clock import RealClock
from shared.db import Database
from shared.run import Parts, assemble, open_door, open_parts, run_process
from shared.settings import CommonSettings

QUICK = timedelta(milliseconds=50)


@asynccontextmanager
async def matching(bus: Bus, database: Database, pack: Path) -> AsyncIterator[None]:
    """The service at work; its tables and topics must exist."""
    common = CommonSettings(session_timeout=timedelta(seconds=6))
    door = open_door(common)
    try:
        async with _running(Parts(bus, database, door, RealClock(), RealClock()), common, pack):
            yield
    finally:
        await door.aclose()


@asynccontextmanager
async def matching_on(common: CommonSettings) -> AsyncIterator[None]:
    """The same on an installation that `wirewatch init` has prepared."""
    async with open_parts(common) as parts, _running(parts, common, common.pack):
        yield


@asynccontextmanager
async def _running(parts: Parts, common: CommonSettings, pack: Path) -> AsyncIterator[None]:
    service = await build(MatchSettings(pack=pack, watch_poll=QUICK), parts)
    stop = asyncio.Event()
    process = assemble([service], parts, common, stop=stop)
    running = asyncio.create_task(run_process(process, common, admin=False))
    try:
        yield
    finally:
        stop.set()
        await running


def first_term(clause: Clause) -> str:
    """The first term of a clause, as written."""
    while not isinstance(clause, Word):
        clause = inside(clause)[0]
    return clause.term.written
