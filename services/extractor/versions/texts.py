"""The text of each article's latest version, kept packed for some days so that the next version can be held against it.

Not kept: texts whose publisher asks that no copy is kept (`noarchive`) or that they are not mined. Texts go after
`keep` of story time; on the way of other writes, a few hundred at a time, so that no commit is long.

Left out on purpose: earlier versions' texts. What changed is in the events.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.extractor.tables import TEXTS
from shared.db import among, upsert

LARGEST = 1_000_000
"""Characters kept of a text; no article is longer."""
AT_ONCE = 500
"""Texts that are dropped in one transaction."""


@dataclass(frozen=True, slots=True)
class Text:
    """The headline that a page had, and its text."""

    headline: str
    text: str


async def read(connection: AsyncConnection, articles: Sequence[str]) -> dict[str, Text]:
    """The texts kept of these articles."""
    query = sa.select(TEXTS.c.article_id, TEXTS.c.headline, TEXTS.c.text).where(
        among(TEXTS.c.article_id, articles, connection.dialect.name)
    )
    return {row.article_id: Text(row.headline, unpacked(row.text)) for row in await connection.execute(query)}


async def write(connection: AsyncConnection, texts: Mapping[str, tuple[Text | None, datetime]]) -> None:
    """Keep these texts, seen when, in the place of those before; None: drop what there was."""
    rows = [
        {"article_id": article_id, "headline": text.headline, "text": packed(text.text), "seen": seen}
        for article_id, (text, seen) in texts.items() if text is not None
    ]  # fmt: skip
    if rows:
        await connection.execute(_upsert(connection.dialect.name), rows)
    await drop(connection, [article_id for article_id, (text, _) in texts.items() if text is None])


async def purge(connection: AsyncConnection, before: datetime) -> int:
    """Drop texts last seen before this moment, some of them; how many went."""
    old = sa.select(TEXTS.c.article_id).where(TEXTS.c.seen < before).order_by(TEXTS.c.seen).limit(AT_ONCE)
    return (await connection.execute(sa.delete(TEXTS).where(TEXTS.c.article_id.in_(old)))).rowcount


async def drop(connection: AsyncConnection, articles: Collection[str]) -> None:
    """Drop the texts of these articles."""
    if articles:
        kept = among(TEXTS.c.article_id, list(articles), connection.dialect.name)
        await connection.execute(sa.delete(TEXTS).where(kept))


def packed(text: str) -> bytes:
    """The text as it is kept."""
    return zlib.compress(text[:LARGEST].encode("utf-8", "replace"))


def unpacked(kept: bytes) -> str:
    """A kept text."""
    return zlib.decompress(kept).decode()


_UPSERTS: dict[str, sa.Executable] = {}


def _upsert(dialect: str) -> sa.Executable:
    """One statement for many rows: SQLAlchemy compiles it once."""
    if dialect not in _UPSERTS:
        row = {column.name: sa.bindparam(column.name, type_=column.type) for column in TEXTS.columns}
        _UPSERTS[dialect] = upsert(TEXTS, row, dialect, keys=("article_id",))
    return _UPSERTS[dialect]
