"""The step: a fetched page in, an extracted article out, or the named reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import msgspec
import structlog

from services.extractor.metrics import PAGE_BYTES, READING_SECONDS
from services.extractor.reading import Answer, ExtractOutcome, NoArticle, Reading
from services.extractor.versions.remember import Asked, Decision, Memory, Version
from services.extractor.versions.withdraw import is_withdrawal, reading_of
from shared.clock import Clock
from shared.events import ArticleExtracted, Ledger, Mode, PageFetched
from shared.metrics import observe_ledger
from shared.step import Outcome, Work

SURE_ENOUGH = 0.5
"""How sure a date must be to call an article old: below are days guessed from the text, and dates from the future."""

log = structlog.get_logger()


class Reader(Protocol):
    """What reads pages: the pool of workers, or a function in tests."""

    async def read(self, page: PageFetched) -> Answer:
        """The article on a page, or what the page is instead. Raises Rejected."""
        ...


@dataclass(slots=True)
class Extract:
    """The handle of the step and what it needs. `in_hand` counts pages that are being worked on."""

    reader: Reader
    memory: Memory
    real: Clock
    live_within: timedelta
    in_hand: int = 0

    async def handle(self, work: Work) -> Outcome:
        """One page to its outcome. Raises Rejected for a page that cannot be read, Transient when SQL is away."""
        self.in_hand += 1
        try:
            return await self._handle(work.event)
        finally:
            self.in_hand -= 1

    async def _handle(self, page: PageFetched) -> Outcome:
        if is_withdrawal(page):
            return await self._withdrawn(page)
        started = self.real.now()
        PAGE_BYTES.inc(len(page.body))
        answer = await self.reader.read(page)
        seconds = (self.real.now() - started).total_seconds()
        READING_SECONDS.observe(max(0.0, seconds))
        if isinstance(answer, NoArticle):
            return self._told(page, Outcome(answer.outcome), seconds, detail=answer.detail)
        asked = Asked(answer, page.id, page.source.id, page.observed)
        decision = await self.memory.decide(asked)
        version = decision.version
        if version is None:
            return self._told(page, Outcome(ExtractOutcome.UNCHANGED), seconds, article=answer.article_id)
        answer = await self._by_its_own_words(page, answer, decision)
        article = article_of(page, answer, version, self.real, self.live_within)
        observe_ledger(article.ledger, "fetched_to_extracted")
        return self._told(
            page, Outcome(ExtractOutcome.EXTRACTED, (article,)), seconds,
            article=article.article_id, version=article.id, language=article.language.macro, mode=str(article.mode),
            characters=len(article.text), entities=len(article.entities), method=article.methods.get("text", ""),
        )  # fmt: skip

    async def _by_its_own_words(self, page: PageFetched, reading: Reading, decision: Decision) -> Reading:
        """The reading of a page that was fetched again: without what the feed told at first, where the page has another
        headline since."""
        if not page.revisit or not decision.headline or _same(reading.headline, decision.headline):
            return reading
        entry = msgspec.structs.replace(page.entry, title="", summary="")
        again = await self.reader.read(msgspec.structs.replace(page, entry=entry))
        return again if isinstance(again, Reading) else reading

    async def _withdrawn(self, page: PageFetched) -> Outcome:
        facts = await self.memory.facts(page.article_id)
        if facts is None:
            return self._told(page, Outcome(ExtractOutcome.UNKNOWN), 0.0, article=page.article_id)
        reading = reading_of(page, facts)
        asked = Asked(reading, page.id, page.source.id, page.observed)
        version = (await self.memory.decide(asked)).version
        if version is None:
            return self._told(page, Outcome(ExtractOutcome.UNCHANGED), 0.0, article=page.article_id)
        article = article_of(page, reading, version, self.real, self.live_within)
        article = msgspec.structs.replace(article, withdrawn=True)
        return self._told(page, Outcome(ExtractOutcome.WITHDRAWN, (article,)), 0.0, article=page.article_id)

    def _told(self, page: PageFetched, outcome: Outcome, seconds: float, **fields: object) -> Outcome:
        log.info(
            "page_extracted", page=page.id, source=page.source.id, url=page.final_url or page.url,
            outcome=str(outcome.label), bytes=len(page.body), seconds=round(seconds, 4), **fields,
        )  # fmt: skip
        return outcome


def _same(headline: str, other: str) -> bool:
    return headline.casefold().split() == other.casefold().split()


def article_of(
    page: PageFetched, reading: Reading, version: Version, real: Clock, live_within: timedelta
) -> ArticleExtracted:
    """The event of a version. Its id and predecessor are the remembered ones: they hold when the page comes again,
    even if a newer extractor reads a different text from it."""
    return ArticleExtracted(
        id=version.id,
        observed=page.observed,
        article_id=reading.article_id,
        page_id=page.id,
        url=page.final_url or page.url,
        canonical_url=reading.canonical_url,
        source=page.source,
        title=reading.title,
        lead=reading.lead,
        text=reading.text,
        section=reading.section,
        authors=reading.authors,
        image=reading.image,
        agency=reading.agency,
        language=reading.language,
        kind=reading.kind,
        published=reading.published,
        modified=reading.modified,
        entities=reading.entities,
        quotes=reading.quotes,
        methods=reading.methods,
        confidence=reading.confidence,
        stated=reading.stated,
        previous=version.previous,
        difference=version.difference,
        text_hash=version.text_hash,
        reservations=reading.reservations,
        mode=mode_of(page, reading, version, live_within),
        ledger=_stamped(page, real),
    )


def mode_of(page: PageFetched, reading: Reading, version: Version, live_within: timedelta) -> Mode:
    """The page's mode, unless the page shows that a first version is old: then it is backfill. An old article that
    changed is news as the fetcher saw it."""
    published = reading.published
    if page.mode is not Mode.LIVE or published is None or published.sure < SURE_ENOUGH or version.previous:
        return page.mode
    latest = reading.latest or published.at
    return Mode.BACKFILL if page.observed - latest > live_within else page.mode


def _stamped(page: PageFetched, real: Clock) -> Ledger:
    return msgspec.structs.replace(page.ledger, extracted=real.now())
