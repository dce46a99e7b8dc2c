"""What publishers reserve, and what is read of a page that may not be mined."""

from __future__ import annotations

import msgspec
import pytest

from services.extractor.language import load_identifier
from services.extractor.metadata.head import Metadata, collect
from services.extractor.metadata.reservations import reservations
from services.extractor.read import Tools, read
from services.extractor.reading import ExtractOutcome, NoArticle, Reading
from shared.events import Entry
from shared.reservations import longest_snippet
from shared.text.gazetteer import Gazetteer
from tests.fakes.pages import SOURCE, html, page

TDM = '<meta name="tdm-reservation" content="{}">'
FED = Entry(title="Declaration signed", summary="What the feed says.", content="<p>All of the text.</p>")


@pytest.fixture(scope="module")
def tools() -> Tools:
    return Tools(load_identifier(), Gazetteer({}))


def head_of(markup: str) -> Metadata:
    from trafilatura.utils import load_html

    return collect(load_html(html(head=markup)), "https://lajmi.test/a")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("noarchive", ("noarchive",)),
        ("NoArchive, nosnippet", ("noarchive", "nosnippet")),
        ("otherbot: noarchive", ()),
        ("otherbot: noarchive, nosnippet", ()),
        ("otherbot: noarchive, wirewatch: nosnippet", ("nosnippet",)),
        ("wirewatch: noarchive, otherbot: nosnippet", ("noarchive",)),
        ("max-snippet:50, max-image-preview:large", ("max-snippet:50",)),
        ("max-snippet: 0", ("max-snippet:0",)),
        ("max-snippet:-1", ()),
        ("unavailable_after: 25 Jun 2030 15:00:00 PST, noarchive", ("noarchive",)),
        ("all", ()),
    ],
)
def test_directives_in_headers(header: str, found: tuple[str, ...]) -> None:
    assert reservations(page(html(), headers={"X-Robots-Tag": header}), Metadata()) == found


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ('<meta name="robots" content="noarchive; nosnippet">', ("noarchive", "nosnippet")),
        ('<meta name="wirewatch" content="noarchive">', ("noarchive",)),
        ('<meta name="otherbot" content="noarchive">', ()),
        (TDM.format("1"), ("tdm-reservation",)),
        (TDM.format("0"), ()),
    ],
)
def test_directives_in_pages(markup: str, found: tuple[str, ...]) -> None:
    assert reservations(page(html()), head_of(markup)) == found


@pytest.mark.parametrize(
    ("in_page", "in_header", "of_site", "reserved"),
    [
        ("", "", True, True), ("", "1", False, True), ("1", "", False, True), ("", "0", True, False),
        ("0", "1", True, False), ("1", "0", False, True), ("yes", "perhaps", False, False), ("", "", False, False),
    ],
)  # fmt: skip
def test_the_nearest_to_the_text_counts(in_page: str, in_header: str, of_site: bool, reserved: bool) -> None:
    headers = {"tdm-reservation": in_header} if in_header else {}
    fetched = page(html(), headers=headers, reservations=("tdm-reservation",) if of_site else ())
    head = head_of(TDM.format(in_page) if in_page else "")
    assert reservations(fetched, head) == (("tdm-reservation",) if reserved else ())


def test_of_a_text_that_may_not_be_mined_only_the_feeds_headline_is_there(tools: Tools) -> None:
    body = html(head=TDM.format(1) + '<link rel="canonical" href="https://www.lajmi.test/c">')
    found = read(page(body, entry=FED), tools)
    assert isinstance(found, Reading)
    assert (found.title, found.lead, found.text, found.kind) == ("Declaration signed", "", "", "reserved")
    assert (found.reservations, found.quotes, found.authors, found.image) == (("tdm-reservation",), (), (), "")
    assert found.canonical_url == "https://lajmi.test/c"
    without = read(page(body), tools)
    assert isinstance(without, NoArticle) and without.outcome is ExtractOutcome.RESERVED


def test_a_licence_lets_the_text_be_read_and_what_is_reserved_is_told(tools: Tools) -> None:
    source = msgspec.structs.replace(SOURCE, licensed=True)
    found = read(page(html(head=TDM.format(1)), entry=FED, source=source), tools)
    assert isinstance(found, Reading)
    assert found.text and (found.kind, found.reservations) == ("article", ("tdm-reservation",))


@pytest.mark.parametrize(
    ("told", "most"),
    [((), 300), (("noarchive",), 300), (("max-snippet:50",), 50), (("max-snippet:900",), 300), (("nosnippet",), 0)],
)
def test_how_much_may_be_shown(told: tuple[str, ...], most: int) -> None:
    assert longest_snippet(told, 300) == most
