"""Judging through real SQL: matched articles a second on SQLite and on PostgreSQL, and the share of time in SQL.

The demo's matched articles over and over: every round under new ids and sources, two weeks later in story time, so that
terms are known, stories grow and copies are found as in a long story. The first rounds are not measured: in them the
process that reads aside is started and every statement is compiled. Goal: 300 a second on both.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import perf_counter

import msgspec

from services.alerter.judge.metrics import JUDGE_SECONDS
from services.alerter.judge.readers import Readers
from services.alerter.judge.settings import JudgeSettings
from services.alerter.load import loads
from services.alerter.match.compile import build
from services.alerter.match.match import decided, event_of
from shared import db, ids
from shared.db import open_database
from shared.events import ArticleExtracted, ArticleMatched
from shared.garbage import collect_rarely
from tests.bench._standalone import printed
from tests.fakes.judging import START, feed, judge_on, prepared
from tests.fakes.news import PACK, demo_articles, gazetteer
from tests.fakes.postgres import Absent, server

ROUNDS, UNMEASURED = 22, 2
FILE = PACK / "watches" / "defence-alliance.yaml"


def stream(text: str) -> list[ArticleMatched]:
    """The matches of all rounds in order of time."""
    engine = build([loads(text, FILE.name, gazetteer().entities)])
    found = []
    for number in range(ROUNDS):
        for one in demo_articles():
            article = moved(one.article, number)
            found += [event_of(article, verdict, START) for verdict in decided(article, engine)[1]]
    return found


def moved(article: ArticleExtracted, number: int) -> ArticleExtracted:
    """The article in a later round: another address, another source, another time."""
    shift = timedelta(days=21 * number)
    name = ids.of(article.article_id, number)
    told = article.published
    published = msgspec.structs.replace(told, at=told.at + shift) if told else None
    source = msgspec.structs.replace(article.source, id=f"{article.source.id}{number}")
    return msgspec.structs.replace(
        article, id=ids.of(article.id, number), article_id=name, observed=article.observed + shift, published=published,
        source=source,
    )  # fmt: skip


async def measured(url: str, text: str, matches: Sequence[ArticleMatched]) -> tuple[float, float]:
    """Matches a second, and the share of time spent reading and writing."""
    database = open_database(url)
    await db.migrate(database, "shared", Path(db.__file__).parent / "migrations")
    settings = JudgeSettings()
    readers = Readers(settings.judge_readers)
    await prepared(database, watch=text)
    judge = judge_on(database, settings, readers)
    collect_rarely()
    first = len(matches) * UNMEASURED // ROUNDS
    await feed(judge, matches[:first], batch=settings.judge_batch)
    before, started = spent(), perf_counter()
    await feed(judge, matches[first:], batch=settings.judge_batch)
    seconds, now = perf_counter() - started, spent()
    await readers.close()
    await database.close()
    sql = sum(now[part] - before[part] for part in ("read", "write"))
    return (len(matches) - first) / seconds, sql / seconds


def megabytes(file: Path) -> float:
    """The size of a file."""
    return round(file.stat().st_size / 1e6, 1)


def spent() -> dict[str, float]:
    """Seconds so far by part."""
    return {
        sample.labels["part"]: sample.value
        for metric in JUDGE_SECONDS.collect() for sample in metric.samples if sample.name.endswith("_sum")
    }  # fmt: skip


async def run() -> dict[str, float | str]:
    """Both databases; PostgreSQL only where its programs can be had."""
    text = FILE.read_text(encoding="utf-8")
    matches = stream(text)
    figures: dict[str, float | str] = {"matches": len(matches) * (ROUNDS - UNMEASURED) // ROUNDS}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        file = Path(name) / "judge.db"
        figures |= await figures_on("sqlite", f"sqlite:///{file}", text, matches)
        figures["sqlite_mb"] = megabytes(file)
    try:
        with server() as running:
            figures |= await figures_on("postgresql", running.url(), text, matches)
    except Absent as reason:
        figures["postgresql_skipped"] = str(reason)
    printed("matched articles judged", figures)
    return figures


async def figures_on(name: str, url: str, text: str, matches: Sequence[ArticleMatched]) -> dict[str, float | str]:
    """The figures of one database."""
    rate, share = await measured(url, text, matches)
    return {f"{name}_per_second": round(rate, 1), f"{name}_share_of_sql": round(share, 3)}
