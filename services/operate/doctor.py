"""`wirewatch doctor`: is this installation able to run? Each check says what is wrong and how to mend it."""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa

from services.generate import SETTINGS
from services.operate import topics
from services.operate.init import check_prepared
from shared.bus import Bus
from shared.db import open_database
from shared.errors import Failure, Misconfigured
from shared.run import open_bus
from shared.settings import CommonSettings, load, masked

OLDEST_PYTHON = (3, 11)
Row = dict[str, Any]


async def examine(settings: CommonSettings) -> list[Row]:
    """All checks: rows of check, state (`ok` or `fault`), finding and fix."""
    rows = [_python(), _versions(), *map(_settings, SETTINGS), _pack(settings), _data(settings)]
    rows.append(await _guarded("database", lambda: _database(settings), "start it, or correct WIREWATCH_DATABASE"))
    rows.append(await _guarded("bus", lambda: _bus(settings), "start it, or correct WIREWATCH_BUS"))
    return rows


def row(check: str, ok: bool, finding: str, fix: str = "") -> Row:
    """One line of the examination."""
    return {"check": check, "state": "ok" if ok else "fault", "finding": finding, "fix": "" if ok else fix}


def _python() -> Row:
    fine = sys.version_info[:2] >= OLDEST_PYTHON
    return row("python", fine, platform.python_version(), "install Python 3.11 or newer")


def _versions() -> Row:
    names = ("wirewatch", "aiokafka", "trafilatura", "sqlalchemy", "httpx", "aiohttp")
    return row("versions", True, ", ".join(f"{name} {version(name)}" for name in names))


def _settings(of: tuple[str, str]) -> Row:
    """The settings of one service: a wrong one would end that service only, at its next start."""
    (name, place), check = of, f"settings, {of[0]}"
    module, _, attribute = place.partition(":")
    try:
        loaded = load(getattr(importlib.import_module(module), attribute))
    except Misconfigured as error:
        return row(check, False, str(error), "correct it where the service gets its environment from")
    return row(check, True, f"{len(masked(loaded))} settings of {name}")


def _pack(settings: CommonSettings) -> Row:
    missing = [name for name in ("sources.yaml", "watches", "entities.yaml") if not (settings.pack / name).exists()]
    finding = f"{settings.pack}: " + (f"no {', '.join(missing)}" if missing else "complete")
    return row("pack", not missing, finding, "set WIREWATCH_PACK to the folder of a story pack")


def _data(settings: CommonSettings) -> Row:
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
        probe = settings.data / ".doctor"
        probe.write_text("written by doctor", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        return row("data folder", False, f"{settings.data}: {error}", "make it writable for this user")
    return row("data folder", True, str(settings.data))


async def _guarded(check: str, examine_it: Callable[[], Awaitable[Row]], fix: str) -> Row:
    try:
        return await examine_it()
    except (Failure, Misconfigured, OSError) as error:
        return row(check, False, str(error).splitlines()[0], fix)


async def _database(settings: CommonSettings) -> Row:
    database = open_database(settings.database_url)
    try:
        async with database.reading() as connection:
            await connection.execute(sa.text("SELECT 1"))
            tables = await connection.run_sync(lambda raw: sa.inspect(raw).get_table_names())
        try:
            await check_prepared(database)
        except Misconfigured as error:
            return row("database", False, str(error), "run wirewatch init")
        shown = masked(settings)["WIREWATCH_DATABASE"] or settings.database_url
        return row("database", True, f"{shown}: {len(tables)} tables")
    finally:
        await database.close()


async def _bus(settings: CommonSettings) -> Row:
    bus: Bus = await open_bus(settings)
    try:
        wrong = [item for item in await topics.rows(bus) if item["state"] != "ok"]
        finding = f"{settings.bus}: " + (f"{len(wrong)} topics missing or different" if wrong else "all topics there")
        return row("bus", not wrong, finding, "run wirewatch init")
    finally:
        await bus.close()
