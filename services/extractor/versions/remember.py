"""What was read before: whether a text is new, a new version, or nothing new. Decided once, told again when asked.

A page that comes again (the same id) gets the answer it got the first time, whatever happened since: its article is
published again with the same id, the same predecessor and the same difference. A text the article has had before,
under another page, is `unchanged` and publishes nothing; so is one that changed nothing that means anything
(`compare`), whose hash is remembered too.

Decisions that arrive while a transaction runs share the next one, so that a busy extractor commits once for many
articles. On SQLite the write lock makes reading and writing one; on PostgreSQL the articles are locked by name first,
in order, since a row that does not exist yet cannot be locked.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.extractor.entities import tally
from services.extractor.reading import RESERVED, Reading
from services.extractor.tables import ARTICLES
from services.extractor.versions import texts
from services.extractor.versions.compare import difference, headline_changed
from services.extractor.versions.texts import Text
from shared.db import Database, upsert
from shared.events import Difference, Language
from shared.reservations import ARCHIVE, MINING

MOST_VERSIONS = 50
"""Versions remembered of an article; live blogs have the most. Older pages that come again count as new text."""
MOST_TOGETHER = 256
"""Decisions in one transaction: keeps it to some milliseconds."""
MOST_ALSO = 20
"""Texts remembered that said the same as a version; one of more that comes again is compared again."""
KEEP = timedelta(days=30)
PURGE_EVERY = timedelta(minutes=10)
"""Of story time."""


class Version(msgspec.Struct, frozen=True, array_like=True):
    """A version of an article: its id, the page it was read from, the version before it, its text, when it came, the
    headline that its page had, what it changed, and further texts that said the same."""

    id: str
    page_id: str
    previous: str
    text_hash: str
    seen: datetime
    headline: str = ""
    difference: Difference | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What an article has been so far; `text` is its latest version's, where that was kept."""

    first_seen: datetime
    versions: tuple[Version, ...]
    text: Text | None = None


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
    reading = asked.reading
    if known is None or not known.versions:
        version = _version(asked, "", None)
        return Decision(version), Known(asked.observed, (version,), kept(reading))
    headline = known.versions[0].headline
    again = next((one for one in known.versions if one.page_id == asked.page_id), None)
    if again is not None:
        return Decision(again, headline), None
    if any(reading.text_hash == one.text_hash or reading.text_hash in one.also for one in known.versions):
        return Decision(None), None
    changed = _changed(known, reading)
    if changed is None:
        text = known.text if kept(reading) is not None else None
        return Decision(None), replace(known, versions=_also(known.versions, reading.text_hash), text=text)
    version = _version(asked, known.versions[-1].id, changed)
    versions = (*known.versions, version)[-MOST_VERSIONS:]
    return Decision(version, headline), Known(known.first_seen, versions, kept(reading))


def kept(reading: Reading) -> Text | None:
    """What may be kept of a reading to hold the next against."""
    return None if {ARCHIVE, MINING} & set(reading.reservations) else Text(reading.headline, reading.text)


def _version(asked: Asked, previous: str, changed: Difference | None) -> Version:
    reading = asked.reading
    return Version(
        reading.version_id, asked.page_id, previous, reading.text_hash, asked.observed, reading.headline, changed
    )


def _changed(known: Known, reading: Reading) -> Difference | None:
    """What a text with another hash changed; None where that means nothing."""
    code, before = reading.language.macro, known.text
    if reading.kind != RESERVED and before is not None:
        return difference((before.headline, before.text), (reading.headline, reading.text), code)
    headline = headline_changed(known.versions[-1].headline, reading.headline, code)
    if reading.kind == RESERVED and headline is None:
        return None
    return Difference(headline=headline, unknown=True)


def _also(versions: tuple[Version, ...], text_hash: str) -> tuple[Version, ...]:
    last = versions[-1]
    return (*versions[:-1], msgspec.structs.replace(last, also=(*last.also, text_hash)[-MOST_ALSO:]))


class Memory:
    """The table of articles, written in groups."""

    def __init__(self, database: Database, keep: timedelta = KEEP) -> None:
        """`keep` is how long a text is kept after it was read (story time)."""
        self._database = database
        self._keep = keep
        self._purged: datetime | None = None
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
            after, decisions, new = dict(known), [], []
            for asked in group:
                decision, stands = decide(asked, after.get(asked.reading.article_id))
                decisions.append(decision)
                if stands is not None:
                    after[asked.reading.article_id] = stands
                if stands is not None and decision.version is not None:
                    new.append(asked)
            await _note(connection, known, after, {asked.reading.article_id for asked in new})
            if new:
                await self._write_new(connection, new, after)
            return decisions

    async def _write_new(self, connection: AsyncConnection, new: Sequence[Asked], after: Mapping[str, Known]) -> None:
        last = {asked.reading.article_id: asked for asked in new}
        rows = [_row(asked, after[name]) for name, asked in last.items()]
        await connection.execute(_upsert(connection.dialect.name), rows)
        await texts.write(connection, {name: (after[name].text, asked.observed) for name, asked in last.items()})
        await tally.count(connection, [(asked.reading, asked.observed) for asked in new])
        await self._purge(connection, max(asked.observed for asked in new))

    async def _purge(self, connection: AsyncConnection, now: datetime) -> None:
        if self._purged is None or now - self._purged >= PURGE_EVERY:
            self._purged = now
            await texts.purge(connection, now - self._keep)


async def _lock(connection: AsyncConnection, articles: Sequence[str]) -> None:
    if connection.dialect.name == "sqlite":
        return
    keys = sorted(
        int.from_bytes(hashlib.blake2b(one.encode(), digest_size=8).digest(), signed=True) for one in articles
    )
    query = sa.text("SELECT pg_advisory_xact_lock(key) FROM unnest(CAST(:keys AS bigint[])) AS key")
    await connection.execute(query, {"keys": keys})


async def _read(connection: AsyncConnection, articles: Sequence[str]) -> dict[str, Known]:
    rows = (await connection.execute(_KNOWN, {"articles": list(articles)})).all()
    kept = await texts.read(connection, [row.article_id for row in rows]) if rows else {}
    return {
        row.article_id: Known(row.first_seen, _VERSIONS.decode(row.versions), kept.get(row.article_id)) for row in rows
    }


async def _note(
    connection: AsyncConnection, known: Mapping[str, Known], after: Mapping[str, Known], written: Set[str]
) -> None:
    """Write what else is known now of articles that have no new version."""
    noted = [
        {"a": name, "v": _encoded(stands)}
        for name, stands in after.items() if name not in written and stands is not known.get(name)
    ]  # fmt: skip
    if noted:
        await connection.execute(_NOTE, noted)
    gone = [one["a"] for one in noted if after[one["a"]].text is None and known[one["a"]].text is not None]
    await texts.drop(connection, gone)


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
        "versions": _encoded(known),
        "language": msgspec.json.encode(reading.language).decode(),
    }


def _encoded(known: Known) -> str:
    return msgspec.json.encode(known.versions).decode()


_LANGUAGE = msgspec.json.Decoder(Language)
_VERSIONS = msgspec.json.Decoder(tuple[Version, ...])
_KNOWN = sa.select(ARTICLES.c.article_id, ARTICLES.c.first_seen, ARTICLES.c.versions).where(
    ARTICLES.c.article_id.in_(sa.bindparam("articles", expanding=True))
)
_NOTE = sa.update(ARTICLES).where(ARTICLES.c.article_id == sa.bindparam("a")).values(versions=sa.bindparam("v"))
_UPSERTS: dict[str, sa.Executable] = {}


def _upsert(dialect: str) -> sa.Executable:
    """One statement for many rows: SQLAlchemy compiles it once."""
    if dialect not in _UPSERTS:
        row = {column.name: sa.bindparam(column.name, type_=column.type) for column in ARTICLES.columns}
        _UPSERTS[dialect] = upsert(ARTICLES, row, dialect, keys=("article_id",))
    return _UPSERTS[dialect]
