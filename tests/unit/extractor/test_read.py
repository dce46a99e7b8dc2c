"""Reading a page: text, head, addresses, versions, and the names of pages that are no articles."""

from __future__ import annotations

import msgspec
import pytest

from services.extractor.language import load_identifier
from services.extractor.read import Tools, read, read_cheaply
from services.extractor.reading import ExtractOutcome, NoArticle, Reading, pack, unpack
from shared.events import Entry, PageFetched
from shared.text.entities import loads
from shared.text.gazetteer import Gazetteer
from tests.fakes.pages import PARAGRAPHS, SOURCE, URL, html, page

ENTITIES = """
version: 1
entities:
- {id: serbia, type: state, label: {en: Serbia}, side: serbia, names: [Serbia]}
- id: vucic
  type: person
  label: {en: Aleksandar Vučić}
  side: serbia
  roles: [{title: president, of: serbia, from: 2017-05-31}]
  names: [Aleksandar Vučić]
  weak: [Vučić]
"""


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_identifier(), Gazetteer(loads(ENTITIES, "entities.yaml")))


def article(fetched: PageFetched, tools: Tools) -> Reading:
    """The reading of a page that has to be an article; it survives the way between processes."""
    answer = read(fetched, tools)
    assert isinstance(answer, Reading), answer
    assert unpack(pack(answer)) == answer
    return answer


def refused(fetched: PageFetched, tools: Tools) -> NoArticle:
    """The refusal of a page that must be no article."""
    answer = read(fetched, tools)
    assert isinstance(answer, NoArticle), answer
    return answer


def test_the_text_is_the_article_without_what_surrounds_it(tools: Tools) -> None:
    found = article(page(html()), tools)
    assert found.text.split("\n") == list(PARAGRAPHS)
    assert (found.title, found.methods["title"]) == ("Three ministers sign declaration in Tirana", "heading")
    assert found.language.macro == "en"


def test_the_cheap_way_finds_the_text_too(tools: Tools) -> None:
    found = read_cheaply(page(html()), tools)
    assert isinstance(found, Reading)
    assert PARAGRAPHS[1] in found.text
    assert found.methods["text"] == "resiliparse"


def test_a_script_built_page_is_rescued_by_the_text_in_its_feed(tools: Tools) -> None:
    shell = (
        "<html><head><title>T</title></head><body><div id='root'></div><script>"
        + "x();" * 500
        + "</script></body></html>"
    )
    assert refused(page(shell), tools).outcome is ExtractOutcome.SCRIPT_ONLY
    fed = Entry(title="From the feed", content="".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS))
    found = article(page(shell, entry=fed), tools)
    assert found.text.split("\n") == list(PARAGRAPHS)
    assert (found.title, found.methods["text"]) == ("From the feed", "feed")


def test_a_short_text_is_rescued_by_json_ld(tools: Tools) -> None:
    copy = {"@type": "NewsArticle", "headline": "H", "articleBody": "\n".join(PARAGRAPHS)}
    found = article(page(html(paragraphs=("Only the first lines of it are here, read on.",), json_ld=copy)), tools)
    assert (found.text.split("\n"), found.methods["text"]) == (list(PARAGRAPHS), "jsonld")


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("", ExtractOutcome.NOT_HTML),
        ("%PDF-1.4 binary", ExtractOutcome.NOT_HTML),
        ("<html><head><title>Just a moment...</title></head><body><p>Checking your browser</p></body></html>",
         ExtractOutcome.CHALLENGE),
        ("<html><title>x</title><body><noscript>Please enable JavaScript to go on</noscript></body></html>",
         ExtractOutcome.SCRIPT_ONLY),
        (html(paragraphs=(), title="", json_ld={"@type": "Article", "headline": "H", "isAccessibleForFree": "No"}),
         ExtractOutcome.PAYWALL),
        (html(paragraphs=(), title="", json_ld={"@type": "ImageGallery", "name": "Pictures"}), ExtractOutcome.GALLERY),
        ("<html><head><title>Nothing</title></head><body><img src='a.png'></body></html>", ExtractOutcome.NOT_ARTICLE),
        ("<html><body><article><p>Too short.</p></article></body></html>", ExtractOutcome.TOO_SHORT),
    ],
)  # fmt: skip
def test_what_is_no_article_has_a_name(body: str, outcome: ExtractOutcome, tools: Tools) -> None:
    assert refused(page(body), tools).outcome is outcome


def test_json_under_an_html_label_and_feeds_are_not_html(tools: Tools) -> None:
    assert refused(page('{"error": "no"}'), tools).outcome is ExtractOutcome.NOT_HTML
    feed = page('<?xml version="1.0"?><rss><channel></channel></rss>', headers={"Content-Type": "application/rss+xml"})
    assert refused(feed, tools).outcome is ExtractOutcome.NOT_HTML


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ("https://lajmi.test/bota/real", "https://lajmi.test/bota/real"),
        ("/bota/real?utm_source=x", "https://lajmi.test/bota/real"),
        ("https://lajmi.test/", "https://lajmi.test/bota/marreveshja-ne-tirane"),
        ("https://elsewhere.test/bota/real", "https://lajmi.test/bota/marreveshja-ne-tirane"),
        ("javascript:void(0)", "https://lajmi.test/bota/marreveshja-ne-tirane"),
    ],
)
def test_a_canonical_address_counts_where_it_can_be_true(claim: str, expected: str, tools: Tools) -> None:
    found = article(page(html(head=f'<link rel="canonical" href="{claim}">')), tools)
    assert found.canonical_url == expected


def test_case_and_blanks_make_no_new_version_but_words_do(tools: Tools) -> None:
    one = article(page(html()), tools)
    other = article(page(html(paragraphs=tuple(text.replace(" ", "  ") for text in PARAGRAPHS))), tools)
    third = article(page(html(paragraphs=(*PARAGRAPHS[:3], PARAGRAPHS[3].replace("summer", "autumn")))), tools)
    assert one.version_id == other.version_id
    assert one.article_id == third.article_id
    assert one.version_id != third.version_id


def test_the_feeds_title_is_shown_and_decides_no_version(tools: Tools) -> None:
    one = article(page(html(), entry=Entry(title="Ministers sign - Lajmi Ynë")), tools)
    other = article(page(html(), entry=Entry(title="SIGNED: what it means")), tools)
    assert (one.title, other.title) == ("Ministers sign", "SIGNED: what it means")
    assert one.version_id == other.version_id


def test_head_matter_is_collected(tools: Tools) -> None:
    head = (
        '<meta property="og:image" content="/img/a.jpg"><meta property="article:section" content="Politics">'
        '<meta name="robots" content="noarchive, max-snippet:-1"><meta name="description" content="What was signed.">'
    )
    told = {
        "@context": "https://schema.org",
        "@graph": [
            {"@type": "WebSite", "name": "Lajmi Ynë"},
            {"@type": "NewsArticle", "headline": "Another", "url": "https://lajmi.test/other"},
            {"@type": "NewsArticle", "headline": "The right one", "mainEntityOfPage": {"@id": URL},
             "author": [{"@type": "Person", "name": "Ana Writer"}, "FoNet"]},
        ],
    }  # fmt: skip
    headers, source = {"TDM-Reservation": "1"}, msgspec.structs.replace(SOURCE, licensed=True)
    found = article(page(html(title="The right one", head=head, json_ld=told), headers=headers, source=source), tools)
    assert found.title == "The right one"
    assert found.lead == "What was signed."
    assert found.image == "https://www.lajmi.test/img/a.jpg"
    assert found.section == "Politics"
    assert found.authors == ("Ana Writer",)
    assert (found.agency, found.methods["agency"]) == ("fonet", "byline")
    assert found.reservations == ("noarchive", "tdm-reservation")


def test_a_surname_in_the_title_is_linked_to_the_name_in_the_text(tools: Tools) -> None:
    paragraphs = ("The president of the country, Aleksandar Vučić, said that Serbia will answer.", *PARAGRAPHS)
    found = article(page(html(title="Vučić: We will answer this alliance", paragraphs=paragraphs)), tools)
    by_field = {(one.entity_id, one.span.field) for one in found.entities}
    assert {("vucic", "title"), ("vucic", "text"), ("serbia", "text")} <= by_field
    assert {one.role for one in found.entities if one.entity_id == "vucic"} == {"president of serbia"}
    for one in found.entities:
        assert {"title": found.title, "text": found.text}[one.span.field][
            one.span.start : one.span.end
        ] == one.span.surface
    headline = [(one.kind, one.speaker_id, one.span.surface) for one in found.quotes if one.span.field == "title"]
    assert headline == [("headline", "vucic", "We will answer this alliance")]


def test_reading_is_deterministic(tools: Tools) -> None:
    assert pack(read(page(html()), tools)) == pack(read(page(html()), tools))
