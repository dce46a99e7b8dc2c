"""What a back-test reads: articles that topics retain or a file gives, the version in force, what readers said."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from services.alerter import published
from services.alerter.bundle import bundle
from services.alerter.judge.feedback import FEEDBACK, Verdicts
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.tables import SHELVES
from services.alerter.load import loads
from services.extractor.language import Identifier, identify, load_identifier
from services.operate.init import check_prepared
from services.operate.retained import Progress, Range, retained
from services.operate.watches.backtest import Result, Seen, Version, backtest
from services.operate.watches.texts import Text, article_of, read_texts
from shared.bus import Bus
from shared.codec import decode
from shared.db import Database, DatabaseUnavailable, open_database
from shared.errors import Misconfigured
from shared.settings import load
from shared.text.gazetteer import Gazetteer
from shared.topics import ARTICLES_EXTRACTED, SOURCES_CHECKED

PUBLISHED, NONE = "published", "none"
NEEDED = ("id", "title", "text", "published")
"""Without its time a text has no place among the others."""
LABELS = ("about_alliance", "about")


def version_of(path: Path, gazetteer: Gazetteer) -> Version:
    """A watch file with what it includes. Raises Faulty."""
    text = bundle(path)
    return Version(f"file {path.name}", loads(text, str(path), gazetteer.entities).id, text)


async def in_force(url: str, watch_id: str) -> Version:
    """The published version of a watch. Raises Misconfigured where there is none, and for a database that is not
    there or not prepared."""
    database = await _prepared(url)
    try:
        versions = await published.versions(database)
        rows = await published.in_force(database, {name: at for name, at in versions.items() if name == watch_id})
    finally:
        await database.close()
    if not rows:
        raise Misconfigured(f"--against {PUBLISHED}: watch {watch_id!r} is not published; wirewatch watch publish does")
    return Version(f"published version {rows[0].version}", watch_id, rows[0].yaml)


async def verdicts(url: str, watch_id: str) -> Mapping[str, Sequence[str]]:
    """What readers said of the alerts of a watch, by alert id. Raises Misconfigured as `in_force` does."""
    database = await _prepared(url)
    query = sa.select(SHELVES.c.key, SHELVES.c.body).where(
        SHELVES.c.watch_id == watch_id, SHELVES.c.part == FEEDBACK.part
    )
    try:
        async with database.reading() as connection:
            rows = (await connection.execute(query)).all()
    finally:
        await database.close()
    return {name: sorted(msgspec.json.decode(body, type=Verdicts).by.values()) for name, body in rows}


def _check_file(url: str) -> None:
    """SQLite would make a file that is missing."""
    path = sa.make_url(url).database
    if url.startswith("sqlite") and path and not Path(path).exists():
        raise Misconfigured(f"there is no database {path}; wirewatch init makes it")


async def _prepared(url: str) -> Database:
    _check_file(url)
    database = open_database(url)
    try:
        await check_prepared(database)
    except BaseException as error:
        await database.close()
        if isinstance(error, DatabaseUnavailable):
            raise Misconfigured(f"the database does not answer: {error}") from error
        raise
    return database


async def from_topics(bus: Bus, span: Range, progress: Progress) -> AsyncIterator[Seen]:
    """Articles and checks of sources that the bus retains."""
    async for record in retained(bus, SOURCES_CHECKED, span, lambda _done, _total: None):
        yield decode(record, SOURCES_CHECKED.event)  # type: ignore[misc]  # the topology names the type
    async for record in retained(bus, ARTICLES_EXTRACTED, span, progress):
        yield decode(record, ARTICLES_EXTRACTED.event)  # type: ignore[misc]


async def from_texts(
    texts: Sequence[Text], span: Range, gazetteer: Gazetteer, progress: Progress
) -> AsyncIterator[Seen]:
    """The articles of a file, observed when they were published."""
    identifier = None if all(one.language for one in texts) else load_identifier()
    for at, one in enumerate(texts, 1):
        if one.published is not None and one.published in span:
            yield article_of(_with_language(one, identifier), gazetteer, one.published)
        progress(at, len(texts))


def _with_language(one: Text, identifier: Identifier | None) -> Text:
    if one.language or identifier is None:
        return one
    found = identify(identifier, one.title, "", one.text)
    return replace(one, language=found.variety or found.macro)


async def run(
    versions: Sequence[Version], seen: AsyncIterable[Seen], span: Range, gazetteer: Gazetteer,
    bar: Callable[[str], Progress],
) -> Result:  # fmt: skip
    """The back-test with the settings of judging. Where the range has an end that is past, time passes up to it."""
    until = span.until if span.until < datetime.now(UTC) else None
    return await backtest(versions, seen, gazetteer, load(JudgeSettings), until=until, tick=bar("judging"))


def dated_texts(path: Path) -> list[Text]:
    """The texts of a file of JSON lines; `language` may be missing. Raises Misconfigured with line and fix."""
    texts = read_texts(path, NEEDED)
    if not texts:
        raise Misconfigured(f"{path}: nothing to read: write one JSON object a line with {', '.join(NEEDED)}")
    return texts


def label_of(name: str) -> Callable[[Text], bool | None]:
    """Looks up a yes or no of a text: of this name, or where "" whether it is about what the watch is about."""
    names = (name,) if name else LABELS

    def label(one: Text) -> bool | None:
        given = [one.labels[each] for each in names if one.labels and each in one.labels]
        return bool(given[0]) if given else None

    return label
