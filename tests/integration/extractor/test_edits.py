"""Pages that were fetched again: whose headline counts, and articles that were taken away."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from services.extractor.app import MIGRATIONS
from services.extractor.extract import Extract
from services.extractor.language import load_identifier
from services.extractor.read import Tools
from services.extractor.reading import ExtractOutcome
from services.extractor.tables import TEXTS
from services.extractor.versions.remember import Memory
from services.extractor.versions.texts import unpacked
from shared import ids
from shared.clock import SteppedClock
from shared.db import Database, migrate
from shared.events import Difference, Entry, Mode, PageFetched, Reworded
from shared.text.gazetteer import Gazetteer
from shared.urls import canonical
from tests.fakes.pages import OBSERVED, PARAGRAPHS, URL, html, page
from tests.integration.extractor.test_step import NOW, Inline, only, run

FED = Entry(guid="g", title="Declaration signed, says the feed", summary="A summary by the feed.")
HEADLINE, OTHER = "Three ministers sign declaration in Tirana", "Ministers deny that they signed anything"
NUMBER = (*PARAGRAPHS, "Some 5,000 soldiers are to take part in the exercise, the ministry said.")


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_identifier(), Gazetteer({}))


@pytest.fixture
async def step(database: Database, tools: Tools) -> Extract:
    await migrate(database, "extractor", MIGRATIONS)
    return Extract(Inline(tools), Memory(database), SteppedClock(NOW), timedelta(hours=24))


def again(body: str, number: int, **more: Any) -> PageFetched:
    """The page as it was found at a further visit."""
    observed = OBSERVED + timedelta(hours=number)
    return page(body, entry=FED, revisit=number, article_id=ids.article(canonical(URL)), observed=observed, **more)


def gone(number: int) -> PageFetched:
    withdrawn = again("", number)
    return PageFetched(
        **{name: getattr(withdrawn, name) for name in withdrawn.__struct_fields__ if name != "status"}, status=410
    )


async def test_another_headline_counts_more_than_the_feeds(step: Extract) -> None:
    first = only(await run(step, page(html(title=HEADLINE), entry=FED)))
    number = only(await run(step, again(html(title=HEADLINE, paragraphs=NUMBER), 1)))
    headline = only(await run(step, again(html(title=OTHER, paragraphs=NUMBER), 2)))
    later = only(await run(step, again(html(title=OTHER), 3)))
    assert [one.title for one in (first, number, headline, later)] == [FED.title, FED.title, OTHER, OTHER]
    assert (number.lead, headline.lead) == ("A summary by the feed.", PARAGRAPHS[0])
    assert [one.previous for one in (first, number, headline, later)] == ["", first.id, number.id, headline.id]
    assert (headline.observed, headline.mode) == (OBSERVED + timedelta(hours=2), Mode.LIVE)
    assert only(await run(step, again(html(title=OTHER, paragraphs=NUMBER), 2))) == headline


async def test_advertisements_are_no_edit(step: Extract) -> None:
    await run(step, page(html(), entry=FED))
    outcome = await run(step, again(html(body="<aside>Buy now</aside>"), 1))
    assert (outcome.label, outcome.outputs) == (ExtractOutcome.UNCHANGED, ())


async def test_a_page_that_is_gone_is_a_version_without_text(step: Extract) -> None:
    first = only(await run(step, page(html(), entry=FED)))
    outcome = await run(step, gone(2))
    article = only(outcome)
    assert outcome.label is ExtractOutcome.WITHDRAWN
    assert (article.article_id, article.previous) == (first.article_id, first.id)
    assert (article.title, article.text, article.withdrawn, article.mode) == (first.title, "", True, Mode.LIVE)
    assert (article.language, article.canonical_url) == (first.language, first.canonical_url)
    assert only(await run(step, gone(2))) == article
    assert only(await run(step, page(html(), entry=FED))) == first


async def test_a_page_that_is_gone_and_was_never_read_is_unknown(step: Extract) -> None:
    outcome = await run(step, gone(1))
    assert (outcome.label, outcome.outputs) == (ExtractOutcome.UNKNOWN, ())


async def test_an_empty_page_at_a_first_visit_withdraws_nothing(step: Extract) -> None:
    await run(step, page(html(), entry=FED))
    outcome = await run(step, page("", entry=FED))
    assert (outcome.label, outcome.outputs) == (ExtractOutcome.NOT_HTML, ())


BASE = "https://lajmi.test"
ASKED = f"{BASE}/bota/marreveshja-ne-tirane-nenshkruhet"


@pytest.mark.parametrize(
    ("asked", "now", "same"),
    [
        (ASKED, f"{BASE}/bota/marreveshja-ne-tirane-mohohet", True),
        (f"{BASE}/a/123456/signed", f"{BASE}/a/123456/denied", True),
        (ASKED, f"{BASE}/bota", False),
        (ASKED, f"{BASE}/bota/nje-tjeter-lajm-krejt-tjeter", False),
        (ASKED, "https://other.test/bota/marreveshja-ne-tirane-nenshkruhet", False),
        (f"{BASE}/2025/03/one", f"{BASE}/2025/03/two", False),
    ],
)
async def test_a_changed_slug_is_the_same_article_and_another_page_is_none(
    step: Extract, asked: str, now: str, same: bool
) -> None:
    first = only(await run(step, page(html(), url=asked)))
    moved = page(
        html(title=OTHER), url=asked, final_url=now, revisit=1, article_id=first.article_id,
        observed=OBSERVED + timedelta(hours=1),
    )  # fmt: skip
    outcome = await run(step, moved)
    if same:
        article = only(outcome)
        assert (article.article_id, article.previous, article.url) == (first.article_id, first.id, now)
    else:
        assert (outcome.label, outcome.outputs) == (ExtractOutcome.ELSEWHERE, ())


# -- what is kept and told of it ----------------------------------------------------------------------------------


async def kept_texts(database: Database) -> list[str]:
    async with database.reading() as connection:
        return [unpacked(row.text) for row in await connection.execute(sa.select(TEXTS))]


async def test_what_changed_is_in_the_event_and_told_again(step: Extract) -> None:
    assert only(await run(step, page(html(title=HEADLINE), entry=FED))).difference is None
    number = only(await run(step, again(html(title=HEADLINE, paragraphs=NUMBER), 1)))
    assert number.difference == Difference(numbers_new=("5,000",), paragraphs_new=(NUMBER[-1],))
    headline = only(await run(step, again(html(title=OTHER, paragraphs=NUMBER), 2)))
    assert headline.difference == Difference(headline=Reworded(before=HEADLINE, now=OTHER))
    withdrawn = only(await run(step, gone(3)))
    assert withdrawn.difference == Difference(withdrawn=True)
    assert only(await run(step, again(html(title=HEADLINE, paragraphs=NUMBER), 1))) == number


async def test_a_slip_that_was_corrected_is_no_version_and_slips_add_up_to_one(step: Extract) -> None:
    await run(step, page(html(title=HEADLINE), entry=FED))
    slip = PARAGRAPHS[0].replace("declaration", "declaratoin")
    outcome = await run(step, again(html(title=HEADLINE, paragraphs=(slip, *PARAGRAPHS[1:])), 1))
    assert (outcome.label, outcome.outputs) == (ExtractOutcome.UNCHANGED, ())
    other = again(html(title=HEADLINE, paragraphs=(slip.replace("Tuesday", "Monday"), *PARAGRAPHS[1:])), 2)
    told = only(await run(step, other)).difference
    assert told is not None and told.paragraphs_changed[0].before == PARAGRAPHS[0]
    outcome = await run(step, again(html(title=HEADLINE, paragraphs=(slip, *PARAGRAPHS[1:])), 1))
    assert outcome.label == ExtractOutcome.UNCHANGED, "what was nothing new then is nothing new when it comes again"


async def test_no_copy_is_kept_where_none_is_allowed(step: Extract, database: Database) -> None:
    await run(step, page(html(), entry=FED))
    assert await kept_texts(database) == ["\n".join(PARAGRAPHS)]
    noarchive = '<meta name="robots" content="noarchive">'
    second = only(await run(step, again(html(head=noarchive, paragraphs=NUMBER), 1)))
    assert second.difference is not None and second.difference.paragraphs_new == (NUMBER[-1],)
    assert await kept_texts(database) == []
    third = only(await run(step, again(html(head=noarchive, title=OTHER), 2)))
    default = "Three ministers sign declaration in Tirana"
    assert third.difference == Difference(headline=Reworded(before=default, now=OTHER), unknown=True)


async def test_a_text_that_becomes_reserved_is_dropped_and_is_no_edit(step: Extract, database: Database) -> None:
    await run(step, page(html(title=FED.title), entry=FED))
    reserved = again(html(title=FED.title, head='<meta name="tdm-reservation" content="1">'), 1)
    assert (await run(step, reserved)).label == ExtractOutcome.UNCHANGED
    assert await kept_texts(database) == []


async def test_texts_go_when_their_time_is_over(tools: Tools, database: Database) -> None:
    await migrate(database, "extractor", MIGRATIONS)
    memory = Memory(database, keep=timedelta(days=7))
    step = Extract(Inline(tools), memory, SteppedClock(NOW), timedelta(hours=24))
    await run(step, page(html(), entry=FED))
    for day in (6, 8):
        later = page(html(title=OTHER), url=f"{URL}-{day}", observed=OBSERVED + timedelta(days=day))
        await run(step, later)
        assert len(await kept_texts(database)) == 2, "the first one's text went on the eighth day"
