"""The step with a reader in this process and a real table: outcomes, what is published, and what is told again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.extractor.app import MIGRATIONS
from services.extractor.extract import Extract
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read
from services.extractor.reading import Answer, ExtractOutcome
from services.extractor.versions.remember import Memory
from shared import codec
from shared.bus import Record
from shared.clock import SteppedClock
from shared.codec import Trace
from shared.db import Database, migrate
from shared.events import ArticleExtracted, Ledger, Mode, PageFetched
from shared.step import Outcome, Work
from shared.text.gazetteer import Gazetteer
from tests.fakes.pages import OBSERVED, PARAGRAPHS, html, page

NOW = datetime(2025, 3, 18, 16, 0, tzinfo=UTC)


@dataclass
class Inline:
    """Reads in this process."""

    tools: Tools

    async def read(self, page: PageFetched) -> Answer:
        """The answer of the real reading."""
        return read(page, self.tools)


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_identifier(), Gazetteer({}))


@pytest.fixture
async def step(database: Database, tools: Tools) -> Extract:
    """The step on a migrated database."""
    await migrate(database, "extractor", MIGRATIONS)
    return Extract(Inline(tools), Memory(database), SteppedClock(NOW), timedelta(hours=24))


async def run(step: Extract, event: PageFetched) -> Outcome:
    """The outcome of one page."""
    return await step.handle(Work(event, Record("t", 0, 0, 0, None, b""), Trace.start(event.id)))


def only(outcome: Outcome) -> ArticleExtracted:
    """The one article that an outcome publishes."""
    (article,) = outcome.outputs
    assert isinstance(article, ArticleExtracted)
    return article


def dated(at: str) -> dict[str, Any]:
    """JSON-LD of an article published then."""
    return {"@type": "NewsArticle", "headline": "Three ministers sign declaration in Tirana", "datePublished": at}


async def test_a_page_becomes_an_article_that_survives_the_topic(step: Extract) -> None:
    fetched = page(html(json_ld=dated("2025-03-18T15:30:00+01:00")), ledger=Ledger(fetched=NOW - timedelta(seconds=1)))
    outcome = await run(step, fetched)
    article = only(outcome)
    assert outcome.label is ExtractOutcome.EXTRACTED
    assert article.page_id == fetched.id
    assert article.published is not None
    assert article.published.at == datetime(2025, 3, 18, 14, 30, tzinfo=UTC)
    assert article.ledger.extracted == NOW
    assert article.text.split("\n") == list(PARAGRAPHS)
    assert codec.decode_bytes(codec.encode(article).value or b"", ArticleExtracted) == article


async def test_the_same_page_again_publishes_the_same_article(step: Extract) -> None:
    fetched, changed = page(html()), page(html(paragraphs=(*PARAGRAPHS, "A fifth paragraph was added in the evening.")))
    first = only(await run(step, fetched))
    second = only(await run(step, changed))
    assert (second.article_id, second.previous) == (first.article_id, first.id)
    assert only(await run(step, fetched)) == first
    assert only(await run(step, changed)) == second


async def test_another_page_with_the_same_text_is_unchanged(step: Extract) -> None:
    await run(step, page(html()))
    outcome = await run(step, page(html(body="<aside>Another advertisement</aside>").replace("Three  ", "THREE ")))
    assert (outcome.label, outcome.outputs) == (ExtractOutcome.UNCHANGED, ())


async def test_a_page_without_an_article_is_named_and_publishes_nothing(step: Extract) -> None:
    outcome = await run(step, page(b"%PDF-1.7 ...", headers={"content-type": "application/pdf"}))
    assert (outcome.label, outcome.outputs) == (ExtractOutcome.NOT_HTML, ())


async def test_a_first_version_that_turns_out_old_is_backfill(step: Extract) -> None:
    old = page(html(json_ld=dated("2025-03-10T09:30:00+01:00")))
    assert only(await run(step, old)).mode is Mode.BACKFILL
    edited = page(
        html(json_ld=dated("2025-03-10T09:30:00+01:00"), paragraphs=(*PARAGRAPHS, "It was edited today, once."))
    )
    assert only(await run(step, edited)).mode is Mode.LIVE


async def test_a_day_lasts_until_its_end_and_a_guessed_day_ages_nothing(step: Extract) -> None:
    day_only = page(html(json_ld=dated("2025-03-17")), observed=OBSERVED)
    assert only(await run(step, day_only)).mode is Mode.LIVE
    guessed = page(html(body="<p>Published on 2019-05-02</p>"), url="https://lajmi.test/2019/05/02/other")
    assert only(await run(step, guessed)).mode is Mode.LIVE
