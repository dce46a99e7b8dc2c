"""The step: an article in, a match out for every watch it satisfies. Free of state; the id of a match is its cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import perf_counter

import msgspec
import structlog

from services.alerter.match import metrics
from services.alerter.match.article import Article
from services.alerter.match.compile import Engine
from services.alerter.match.evaluate import Reading
from services.alerter.match.explain import Verdict, explain
from services.alerter.match.outcomes import MatchOutcome
from shared import ids
from shared.clock import Clock
from shared.events import ArticleExtracted, ArticleMatched
from shared.step import Handle, Outcome, Work
from shared.text.languages import macro

log = structlog.get_logger()


def make(engine: Callable[[], Engine], real: Clock) -> Handle:
    """The handle of the consume loop. `engine` gives the watches in force at the time of the call."""

    async def handle(work: Work) -> Outcome:
        article: ArticleExtracted = work.event
        return _outcome(article, engine(), real)

    return handle


def _outcome(article: ArticleExtracted, engine: Engine, real: Clock) -> Outcome:
    started = perf_counter()
    label, verdicts, candidates = decided(article, engine)
    seconds = perf_counter() - started
    metrics.CANDIDATES.observe(candidates)
    metrics.MATCHES.observe(len(verdicts))
    metrics.DECISION_SECONDS.observe(seconds)
    matched = tuple(event_of(article, verdict, real.now()) for verdict in verdicts)
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
