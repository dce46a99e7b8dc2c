"""The step: an article in, a match out for every watch it satisfies. Free of state; the id of a match is its cause."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from datetime import datetime
from time import perf_counter

import msgspec
import sqlalchemy as sa
import structlog

from services.alerter.match import metrics
from services.alerter.match.article import Article
from services.alerter.match.compile import Engine
from services.alerter.match.evaluate import Reading
from services.alerter.match.explain import Verdict, explain
from services.alerter.match.outcomes import MatchOutcome
from services.alerter.tables import MEMBERS
from shared import ids
from shared.clock import Clock
from shared.db import Database
from shared.events import ArticleExtracted, ArticleMatched, Clause
from shared.step import Handle, Outcome, Work
from shared.text.languages import macro

log = structlog.get_logger()


Knowing = Callable[[str, Collection[str]], Awaitable[Collection[str]]]
"""Those of the watches given that judged an earlier version of the article with this id."""


async def nobody(_article_id: str, _watches: Collection[str]) -> Collection[str]:
    """Where there is nobody to ask."""
    return ()


def make(engine: Callable[[], Engine], real: Clock, knowing: Knowing = nobody) -> Handle:
    """The handle of the consume loop. `engine` gives the watches in force at the time of the call; `knowing` is asked
    about new versions only: a watch that the article does not satisfy any more hears of the edit."""

    async def handle(work: Work) -> Outcome:
        article: ArticleExtracted = work.event
        ready = engine()
        watches = [watch.id for watch in ready.watches] if article.previous else []
        known = await knowing(article.article_id, watches) if watches else ()
        return _outcome(article, ready, real, known)

    return handle


def knowing_from(database: Database) -> Knowing:
    """Asks the tables of judging."""

    async def known(article_id: str, watches: Collection[str]) -> Collection[str]:
        asked = sa.select(MEMBERS.c.watch_id).where(MEMBERS.c.watch_id.in_(watches), MEMBERS.c.article_id == article_id)
        async with database.reading() as connection:
            return sorted(await connection.scalars(asked))

    return known


def _outcome(article: ArticleExtracted, engine: Engine, real: Clock, known: Collection[str]) -> Outcome:
    started = perf_counter()
    label, verdicts, candidates = decided(article, engine)
    seconds = perf_counter() - started
    metrics.CANDIDATES.observe(candidates)
    metrics.MATCHES.observe(len(verdicts))
    metrics.DECISION_SECONDS.observe(seconds)
    matched = tuple(event_of(article, verdict, real.now()) for verdict in verdicts)
    matched += tuple(lost(article, engine, known, {one.watch_id for one in matched}, real.now()))
    log.info(
        "article_matched" if matched else "article_not_matched",
        article=article.article_id, version=article.id, source=article.source.id, language=article.language.macro,
        outcome=str(label), watches=[one.watch_id for one in matched], scores=[one.score for one in matched],
        candidates=candidates, ms=round(seconds * 1000, 2),
    )  # fmt: skip
    return Outcome(label, matched)


def decided(article: ArticleExtracted, engine: Engine) -> tuple[MatchOutcome, list[Verdict], int]:
    """How the article ends, the watches it matches, and how many were evaluated."""
    if not engine.watches:
        return MatchOutcome.NO_WATCHES, [], 0
    if article.withdrawn:  # its title is still there, and says nothing any more
        return MatchOutcome.NOT_MATCHED, [], 0
    if not engine.watches_language(macro_of(article)):
        return MatchOutcome.LANGUAGE_NOT_WATCHED, [], 0
    readings = read(article, engine)
    verdicts = [explain(one) for one in readings if one.matched()]
    return MatchOutcome.MATCHED if verdicts else MatchOutcome.NOT_MATCHED, verdicts, len(readings)


def macro_of(article: ArticleExtracted) -> str:
    """The language an article is compared by."""
    return macro(article.language.macro)


def read(article: ArticleExtracted, engine: Engine) -> list[Reading]:
    """The readings of the watches that may match, undecided, in the order of their ids."""
    ready = Article(article, engine)
    return [Reading(watch, ready) for watch in engine.candidates(ready.anchors(), ready.are_close)]


def lost(
    article: ArticleExtracted, engine: Engine, known: Collection[str], satisfied: Collection[str], now: datetime
) -> Iterator[ArticleMatched]:
    """What the watches hear that an article no longer satisfies: no hits, and why it does not."""
    watches = [watch for watch in engine.watches if watch.id in known and watch.id not in satisfied]
    if not watches:
        return
    ready = Article(article, engine)
    for watch in watches:
        why = without_hits(explain(Reading(watch, ready)).why)
        yield ArticleMatched(
            id=ids.match(watch.id, article.id), observed=article.observed, watch_id=watch.id,
            watch_version=watch.version, article=article, held=False, threshold=watch.score.threshold, why=why,
            mode=article.mode, ledger=msgspec.structs.replace(article.ledger, matched=now),
        )  # fmt: skip


def without_hits(clause: Clause) -> Clause:
    """A tree that points to no hits."""
    return msgspec.structs.replace(clause, hits=(), parts=tuple(without_hits(part) for part in clause.parts))


def event_of(article: ArticleExtracted, verdict: Verdict, now: datetime) -> ArticleMatched:
    """The event of a match, decided at the real time `now`."""
    return ArticleMatched(
        id=ids.match(verdict.watch.id, article.id),
        observed=article.observed,
        watch_id=verdict.watch.id,
        watch_version=verdict.watch.version,
        article=article,
        hits=verdict.hits,
        concepts=verdict.concepts,
        score=verdict.score,
        threshold=verdict.watch.score.threshold,
        why=verdict.why,
        mode=article.mode,
        ledger=msgspec.structs.replace(article.ledger, matched=now),
    )
