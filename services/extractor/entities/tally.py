"""Which outlets wrote an unknown name, in SQL, written with the article's version in one transaction.

Independent is who does not copy: texts of one agency count as one origin, whoever prints them, and so do the addresses
of one registered domain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.extractor.reading import Reading
from services.extractor.tables import NAMES
from shared.db import Database, upsert_many
from shared.urls import registered_domain

KEPT = timedelta(days=30)
"""Story time after which a name that nobody writes any more is forgotten."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A name that several wrote: its key and forms, who wrote it, in which languages, when first and last, and an
    article that has it."""

    key: str
    forms: tuple[str, ...]
    origins: tuple[str, ...]
    languages: tuple[str, ...]
    first: datetime
    last: datetime
    url: str


def origin_of(reading: Reading) -> str:
    """Who stands behind a text: the agency it credits, else the outlet."""
    return reading.agency or registered_domain(reading.canonical_url)


async def count(connection: AsyncConnection, readings: Iterable[tuple[Reading, datetime]]) -> None:
    """Note the unknown names of new versions, observed when (story time); forget old ones as time passes."""
    rows = {(row["name"], row["origin"]): row for one, seen in readings for row in _rows(one, seen)}
    if not rows:
        return
    ordered = [rows[key] for key in sorted(rows)]
    await connection.execute(_statement(connection.dialect.name), ordered)
    newest: datetime = max(row["seen"] for row in ordered)
    old = sa.select(NAMES.c.name, NAMES.c.origin).where(NAMES.c.seen < newest - KEPT).with_for_update(skip_locked=True)
    await connection.execute(sa.delete(NAMES).where(sa.tuple_(NAMES.c.name, NAMES.c.origin).in_(old)))


def _rows(reading: Reading, seen: datetime) -> Iterable[dict[str, Any]]:
    origin = origin_of(reading)
    return ({
        "name": one.key, "origin": origin, "surface": one.surface, "language": reading.language.macro,
        "url": reading.canonical_url, "first": seen, "seen": seen,
    } for one in reading.names)  # fmt: skip


async def tallies(database: Database, origins: int) -> list[Tally]:
    """Names that at least so many independent sources wrote, those of the most first."""
    known = sa.select(NAMES.c.name).group_by(NAMES.c.name).having(sa.func.count() >= origins)
    query = sa.select(NAMES).where(NAMES.c.name.in_(known)).order_by(NAMES.c.name, NAMES.c.first, NAMES.c.origin)
    by_name: dict[str, list[sa.Row[Any]]] = {}
    async with database.reading() as connection:
        for row in await connection.execute(query):
            by_name.setdefault(row.name, []).append(row)
    found = [_tally(name, rows) for name, rows in by_name.items()]
    return sorted(found, key=lambda one: (-len(one.origins), one.key))


def _tally(name: str, rows: list[sa.Row[Any]]) -> Tally:
    return Tally(
        key=name, forms=_each(row.surface for row in rows), origins=_each(row.origin for row in rows),
        languages=_each(row.language for row in rows), first=min(row.first for row in rows),
        last=max(row.seen for row in rows), url=rows[0].url,
    )  # fmt: skip


def _each(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


_STATEMENTS: dict[str, sa.Executable] = {}


def _statement(dialect: str) -> sa.Executable:
    """One statement for many rows; the first sight and the first article of a name at an origin stay."""
    if dialect not in _STATEMENTS:
        _STATEMENTS[dialect] = upsert_many(NAMES, dialect, keys=("name", "origin"), kept=("first", "url", "surface"))
    return _STATEMENTS[dialect]
