"""What `--explain` tells: for every field what was offered, exactly one winner where there is a value, and why."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from services.extractor.body.site import load_sites
from services.extractor.entities.recognise import load_gazetteer
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read, read_explained
from services.extractor.reading import Candidate, ExtractOutcome, NoArticle, Reading
from shared.events import Entry, PageFetched
from tests.fakes.pages import PARAGRAPHS, html, page

PACK = Path("deploy/packs/alliance")
HEAD = (
    '<meta property="og:image" content="/a.jpg"><meta name="twitter:image" content="/b.jpg">'
    '<meta property="article:section" content="Politika">'
    '<meta property="article:published_time" content="2025-03-18T12:00:00+01:00">'
    '<meta property="article:modified_time" content="2025-03-18T13:00:00+01:00">'
)
COPY = {
    "@context": "https://schema.org", "@type": "NewsArticle", "headline": "Three ministers sign declaration in Tirana",
    "articleBody": "\n".join(PARAGRAPHS), "dateModified": "2025-03-18T10:00:00+01:00",
}  # fmt: skip
SERBIAN = (
    "Predsednik Srbije izjavio je u utorak da će Srbija odgovoriti na deklaraciju koju su potpisale tri države.",
    "On je rekao da je reč o pretnji miru u regionu i da će Beograd obavestiti sve svoje partnere. (Tanjug)",
)


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_identifier(), load_gazetteer(PACK), sites=load_sites(PACK))


def offered(fetched: PageFetched, tools: Tools) -> dict[str, list[Candidate]]:
    found: dict[str, list[Candidate]] = defaultdict(list)
    for one in read_explained(fetched, tools).candidates:
        found[one.field].append(one)
    return found


def test_every_field_with_a_value_has_one_winner_and_says_why(tools: Tools) -> None:
    body = html(paragraphs=(*PARAGRAPHS, "Three capitals were told of it in time. (Reuters)"), head=HEAD, json_ld=COPY)
    fetched = page(body, entry=Entry(title="Three ministers sign"))
    found = offered(fetched, tools)
    fields = {"title", "lead", "canonical_url", "published", "modified", "language", "section", "image", "kind", "text"}
    assert fields <= found.keys()
    for name in fields | {"agency"}:
        winners = [one for one in found[name] if one.won]
        assert len(winners) == 1 and winners[0].why, name
    assert [one.value for one in found["image"]] == ["/a.jpg", "/b.jpg"]
    assert "Reuters" in next(one for one in found["agency"] if one.won).why


def test_explaining_changes_nothing_and_costs_nothing_where_it_is_not_asked(tools: Tools) -> None:
    fetched = page(html(head=HEAD, json_ld=COPY))
    plain, explained = read(fetched, tools), read_explained(fetched, tools)
    assert isinstance(plain, Reading) and isinstance(explained, Reading)
    assert plain.candidates == () and explained.candidates
    assert {name: getattr(plain, name) for name in plain.__struct_fields__ if name != "candidates"} == {
        name: getattr(explained, name) for name in explained.__struct_fields__ if name != "candidates"
    }


def test_the_texts_of_the_voters_and_the_copies_are_shown(tools: Tools) -> None:
    found = {one.origin: one for one in offered(page(html(head=HEAD, json_ld=COPY)), tools)["text"]}
    assert found["trafilatura"].won and "no vote" in found["trafilatura"].why
    assert not found["jsonld"].won and found["jsonld"].why.startswith("a check only")
    rescued = html(paragraphs=(), json_ld=COPY, body="<div>Loading</div>")
    found = {one.origin: one for one in offered(page(rescued), tools)["text"]}
    assert found["jsonld"].won and found["jsonld"].why.startswith("a rescue")


def test_a_change_that_cannot_be_is_told_as_such(tools: Tools) -> None:
    told = offered(page(html(head=HEAD, json_ld=COPY)), tools)["modified"]
    assert {(one.won, one.why) for one in told} == {
        (True, "the first place that has one"), (False, "not after the publication")
    }  # fmt: skip


def test_the_likeliest_languages_and_varieties_with_what_speaks_for_them(tools: Tools) -> None:
    found = offered(page(html(title="Srbija će odgovoriti", paragraphs=SERBIAN)), tools)
    best, *others = found["language"]
    assert best.won and best.value == "hbs" and "model" in best.why and len(others) == 3
    assert any(one.won and one.value == "sr" for one in found["variety"])
    assert next(one for one in found["agency"] if one.won).value == "tanjug"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("<html><head><title>A</title></head><body><img src='a.jpg'></body></html>", ExtractOutcome.NOT_ARTICLE),
        (html(paragraphs=()), ExtractOutcome.TOO_SHORT),
        (html(paragraphs=(), json_ld={"@type": "NewsArticle", "isAccessibleForFree": False}), ExtractOutcome.PAYWALL),
    ],
)
def test_a_page_that_is_no_article_says_what_it_was_taken_for_and_why(
    tools: Tools, body: str, outcome: ExtractOutcome
) -> None:
    answer = read_explained(page(body), tools)
    assert isinstance(answer, NoArticle) and answer.outcome is outcome
    (verdict,) = (one for one in answer.candidates if one.field == "verdict" and one.won)
    assert verdict.value == outcome and verdict.why
    assert read(page(body), tools) == NoArticle(outcome=answer.outcome, detail=answer.detail)
