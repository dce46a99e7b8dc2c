"""What was read before: whether a text is new, a new version, or nothing new. Decided once, told again when asked.

A page that comes again (the same id) gets the answer it got the first time, whatever happened since: its article is
published again with the same id and the same predecessor. A text the article has had before, under another page, is
`unchanged` and publishes nothing.

Decisions that arrive while a transaction runs share the next one, so that a busy extractor commits once for many
articles. On SQLite the write lock makes reading and writing one; on PostgreSQL the articles are locked by name first,
in order, since a row that does not exist yet cannot be locked.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.extractor.entities import tally
from services.extractor.reading import Reading
from services.extractor.tables import ARTICLES
from shared.db import Database, upsert
from shared.events import Language

MOST_VERSIONS = 50
"""Versions remembered of an article; live blogs have the most. Older pages that come again count as new text."""
MOST_TOGETHER = 256
"""Decisions in one transaction: keeps it to some milliseconds."""


class Version(msgspec.Struct, frozen=True, array_like=True):
    """A version of an article: its id, the page it was read from, the version before it, its text, when it came, and
    the headline that its page had."""

    id: str
    page_id: str
    previous: str
    text_hash: str
    seen: datetime
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What an article has been so far."""

    first_seen: datetime
    versions: tuple[Version, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A reading to be decided on: of which page, of which source, observed when (story time)."""

    reading: Reading
    page_id: str
    source_id: str
    observed: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    """`version` is to be published (again), or None when the text is nothing new. `headline` is that of the page when
    it was first read, "" where this is the first time."""

    version: Version | None
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is kept of an article besides its versions, as its latest version told it."""

    title: str
    url: str
    published: datetime | None
    language: Language | None


def decide(asked: Asked, known: Known | None) -> tuple[Decision, Known | None]:
    """The decision, and what the article is from now on (None when nothing changed). Pure."""
    versions = known.versions if known is not None else ()
    headline = versions[0].headline if versions else ""
    again = next((one for one in versions if one.page_id == asked.page_id), None)
    if again is not None:
        return Decision(again, headline), None
    if any(one.text_hash == asked.reading.text_hash for one in versions):
        return Decision(None), None
    previous = versions[-1].id if versions else ""
    version = Version(
        asked.reading.version_id, asked.page_id, previous, asked.reading.text_hash, asked.observed,
        asked.reading.headline,
    )  # fmt: skip
    first_seen = known.first_seen if known is not None else asked.observed
    return Decision(version, headline), Known(first_seen, (*versions, version)[-MOST_VERSIONS:])


class Memory:
    """The table of articles, written in groups."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Asked, asyncio.Future[Decision]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def decide(self, asked: Asked) -> Decision:
        """Decide and remember, durably when this returns. Raises DatabaseUnavailable."""
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        return await future

    async def facts(self, article_id: str) -> Facts | None:
        """What is kept of an article, None where it was never read. Raises DatabaseUnavailable."""
        query = sa.select(ARTICLES).where(ARTICLES.c.article_id == article_id)
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        language = _LANGUAGE.decode(row.language) if row.language else None
        return Facts(row.title, row.url, row.published, language)

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                await self._settle(group)
        finally:
            self._writer = None

    async def _settle(self, group: list[tuple[Asked, asyncio.Future[Decision]]]) -> None:
        try:
            decisions = await self._transact([asked for asked, _ in group])
        except BaseException as error:
            for _, future in group:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, Exception):
                raise
            return
        for (_, future), decision in zip(group, decisions, strict=True):
            if (
                not future.done()
            ):  # its step was cancelled meanwhile; the decision stands and is told when it comes again
                future.set_result(decision)

    async def _transact(self, group: Sequence[Asked]) -> list[Decision]:
        async with self._database.transaction() as connection:
            articles = sorted({asked.reading.article_id for asked in group})
            await _lock(connection, articles)
            known = await _read(connection, articles)
            decisions, changed, new = [], {}, []
            for asked in group:
                decision, after = decide(asked, known.get(asked.reading.article_id))
                decisions.append(decision)
                if after is not None:
                    known[asked.reading.article_id] = after
                    changed[asked.reading.article_id] = _row(asked, after)
                    new.append((asked.reading, asked.observed))
            if changed:
                await connection.execute(_upsert(connection.dialect.name), list(changed.values()))
                await tally.count(connection, new)
            return decisions


async def _lock(connection: AsyncConnection, articles: Sequence[str]) -> None:
    if connection.dialect.name == "sqlite":
        return
    keys = sorted(
        int.from_bytes(hashlib.blake2b(one.encode(), digest_size=8).digest(), signed=True) for one in articles
    )
    query = sa.text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
    await connection.execute(query, {"keys": keys})


async def _read(connection: AsyncConnection, articles: Sequence[str]) -> dict[str, Known]:
    rows = await connection.execute(_KNOWN, {"articles": list(articles)})
    return {row.article_id: Known(row.first_seen, _VERSIONS.decode(row.versions)) for row in rows}


def _row(asked: Asked, known: Known) -> dict[str, object]:
    version, reading = known.versions[-1], asked.reading
    return {
        "article_id": reading.article_id,
        "version_id": version.id,
        "page_id": version.page_id,
        "text_hash": version.text_hash,
        "url": reading.canonical_url,
        "source_id": asked.source_id,
        "title": reading.title,
        "published": reading.published.at if reading.published is not None else None,
        "first_seen": known.first_seen,
        "last_seen": asked.observed,
        "versions": msgspec.json.encode(known.versions).decode(),
        "language": msgspec.json.encode(reading.language).decode(),
    }


_LANGUAGE = msgspec.json.Decoder(Language)
_VERSIONS = msgspec.json.Decoder(tuple[Version, ...])
_KNOWN = sa.select(ARTICLES.c.article_id, ARTICLES.c.first_seen, ARTICLES.c.versions).where(
    ARTICLES.c.article_id.in_(sa.bindparam("articles", expanding=True))
)
_UPSERTS: dict[str, sa.Executable] = {}


def _upsert(dialect: str) -> sa.Executable:
    """One statement for many rows: SQLAlchemy compiles it once."""
    if dialect not in _UPSERTS:
        row = {column.name: sa.bindparam(column.name, type_=column.type) for column in ARTICLES.columns}
        _UPSERTS[dialect] = upsert(ARTICLES, row, dialect, keys=("article_id",))
    return _UPSERTS[dialect]
