"""The volume step: how much is published, matched or not, and how reading every source goes. Both are what shares and
silences are judged by.

One transaction a batch, under the fence of the partition, with the last offset in it: what comes again is counted once.
A record before that offset which is much younger than the last one tells that the log was made anew; counting goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from services.alerter import volumes
from services.alerter.match.outcomes import CountOutcome
from services.alerter.volumes import READ_WELL, Counted, Read, SourceState
from shared.db import Database
from shared.events import ArticleExtracted, Mode, SourceChecked
from shared.step import HandleBatch, Outcome, Work

log = structlog.get_logger()

ANEW = timedelta(minutes=10)
"""How much younger than the last record one before it must be to show a log made anew: more than the clocks of
replicas differ."""


@dataclass(slots=True)
class _Batch:
    """A batch on its way through: where it stands, what is known already, what is to be written."""

    read: Read
    names: set[int]
    states: dict[str, SourceState]
    counted: list[Counted] = field(default_factory=list)
    changed: dict[str, SourceState] = field(default_factory=dict)


def make(database: Database) -> HandleBatch:
    """The handle of the consume loop for records of one partition."""

    async def handle(works: Sequence[Work]) -> Sequence[Outcome]:
        async with database.transaction() as connection:
            if works[0].fence is not None:
                await works[0].fence.check(connection)
            place = works[0].record.place
            articles = {name_of(work.event) for work in works if isinstance(work.event, ArticleExtracted)}
            sources = {work.event.source.id for work in works if isinstance(work.event, SourceChecked)}
            batch = _Batch(
                await volumes.read_of(connection, place),
                await volumes.known(connection, place.number, articles),
                dict(await volumes.states(connection, sources)) if sources else {},
            )
            outcomes = [Outcome(_count(work, batch)) for work in works]
            await volumes.add(connection, place.number, batch.counted)
            await volumes.put_states(connection, batch.changed.values())
            if batch.read.observed - batch.read.purged >= volumes.PURGE_EVERY:
                await volumes.purge(connection, place.number, batch.read.observed)
                batch.read = replace(batch.read, purged=batch.read.observed)
            await volumes.put_read(connection, batch.read)
        return outcomes

    return handle


def _count(work: Work, batch: _Batch) -> CountOutcome:
    if _is_before(work, batch.read):
        return CountOutcome.REPEATED
    record, observed = work.record, max(batch.read.observed, work.event.observed)
    batch.read = replace(batch.read, last=record.offset, stamp=record.timestamp, observed=observed)
    if isinstance(work.event, SourceChecked):
        return _check(work.event, batch)
    return _count_article(work.event, batch)


def _is_before(work: Work, read: Read) -> bool:
    record = work.record
    if record.offset > read.last:
        return False
    anew = record.timestamp - read.stamp > ANEW.total_seconds() * 1000
    if anew:
        log.warning("log_made_anew", place=read.place, offset=record.offset, last=read.last)
    return not anew


def _count_article(article: ArticleExtracted, batch: _Batch) -> CountOutcome:
    if article.mode is Mode.REPLAY:
        return CountOutcome.REPLAYED
    name, moment = name_of(article), event_time(article)
    if article.previous or name in batch.names:
        return CountOutcome.KNOWN
    if moment < batch.read.observed - volumes.KEPT:
        return CountOutcome.TOO_OLD
    batch.names.add(name)
    batch.counted.append(Counted(name, hour_of(moment), article.source.id, article.language.macro))
    return CountOutcome.COUNTED


def _check(checked: SourceChecked, batch: _Batch) -> CountOutcome:
    source, before = checked.source, batch.states.get(checked.source.id)
    if before is not None and before.checked > checked.observed:
        return CountOutcome.KNOWN
    goes_on = before is not None and before.read_well == (checked.outcome in READ_WELL)
    since = before.since if before is not None and goes_on else checked.observed
    batch.states[source.id] = batch.changed[source.id] = SourceState(
        source.id, source.name, source.country, source.language, checked.outcome.value, checked.observed, since,
        checked.failures,
    )  # fmt: skip
    return CountOutcome.CHECKED


def event_time(article: ArticleExtracted) -> datetime:
    """When it was met, or for history when it was published, if that is the earlier."""
    if article.mode is Mode.LIVE or article.published is None:
        return article.observed
    return min(article.published.at, article.observed)


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def name_of(article: ArticleExtracted) -> int:
    """63 bits of the id: two of the articles of some days have the same with a chance below 10^-6."""
    return int.from_bytes(hashlib.blake2b(article.article_id.encode(), digest_size=8).digest(), "big") >> 1
