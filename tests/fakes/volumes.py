"""Articles and checks of sources as the volumes read them, on partitions that a test names."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from services.alerter import published
from services.alerter.match import count
from services.alerter.match.outcomes import CountOutcome
from shared import ids
from shared.bus import Record
from shared.codec import Trace, encode
from shared.db import Database
from shared.events import (
    ArticleExtracted,
    CheckOutcome,
    Event,
    Language,
    Mode,
    Published,
    Source,
    SourceChecked,
)
from shared.lease import Fence, raise_fences
from shared.step import HandleBatch, Work

NOON = datetime(2025, 3, 20, 12, tzinfo=UTC)


def article(
    name: str, *, source: str = "danas", minutes: float = 0, language: str = "hbs", mode: Mode = Mode.LIVE,
    previous: str = "", age: timedelta = timedelta(),
) -> ArticleExtracted:  # fmt: skip
    """An article met `minutes` after noon and published `age` before that."""
    observed, article_id = NOON + timedelta(minutes=minutes), ids.article(name)
    return ArticleExtracted(
        id=ids.article_version(article_id, previous), observed=observed, article_id=article_id, url=f"https://a/{name}",
        canonical_url=f"https://a/{name}", source=Source(id=source, name=source.title()), title=name, text=name,
        language=Language(macro=language), published=Published(at=observed - age, origin="test"), mode=mode,
        previous=previous,
    )  # fmt: skip


def check(
    source: str,
    minutes: float,
    outcome: CheckOutcome = CheckOutcome.FRESH,
    *,
    country: str = "RS",
    language: str = "sr",
) -> SourceChecked:
    """A check of a source, `minutes` after noon."""
    at = NOON + timedelta(minutes=minutes)
    facts = Source(id=source, name=source.title(), country=country, language=language)
    failures = 0 if outcome is CheckOutcome.FRESH else 1
    return SourceChecked(
        id=ids.source_check(source, at), observed=at, source=facts, due=at, outcome=outcome, failures=failures
    )


def works(
    events: Iterable[Event], fence: Fence | None = None, *, number: int = 0, start: int = 0, stamp: int = 1_000
) -> list[Work]:
    """Events as records of one partition, one after the other."""
    found = []
    for offset, event in enumerate(events, start):
        message = encode(event)
        record = Record(message.topic, number, offset, stamp + offset, message.key, message.value, message.headers)
        found.append(Work(event, record, Trace.start(event.id), fence))
    return found


async def counter(database: Database) -> HandleBatch:
    """The step on a database with its tables."""
    await published.prepare(database)
    return count.make(database)


async def fence(database: Database, number: int = 0) -> Fence:
    """A new owner of a partition of the volumes."""
    return (await raise_fences(database, "volumes", [number]))[number]


async def labels(handle: HandleBatch, batch: list[Work]) -> list[CountOutcome]:
    """How a batch ended."""
    return [CountOutcome(one.label) for one in await handle(batch)]
