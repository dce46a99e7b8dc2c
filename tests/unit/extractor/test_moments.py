"""Which of a page's statements about its time are believed: agreement, changes, clocks and zones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from trafilatura.utils import load_html

from services.extractor.metadata.dates import Dates, weigh
from services.extractor.metadata.head import collect
from services.extractor.metadata.moments import Exact, parse, place_of
from services.extractor.metadata.visible import published_part, seen_dates, times
from shared.events import Source
from tests.fakes.pages import page

URL = "https://outlet.example/a-story-about-a-declaration"


def of_page(body: str, head: str = "", **source: Any) -> Dates:
    """The dates of a page of an outlet of which nothing is known but what `source` says, read in April 2025."""
    html = f"<html><head><title>A story</title>{head}</head><body><h1>A story</h1>{body}</body></html>"
    known = Source(id="outlet", name="Outlet", domain="outlet.example", **source)
    fetched = page(html, url=URL, source=known, observed=datetime(2025, 4, 1, tzinfo=UTC))
    return weigh(collect(load_html(html), URL), fetched, None)


def at(hour: int, minute: int = 0) -> datetime:
    """A moment on 18 March 2025."""
    return datetime(2025, 3, 18, hour, minute, tzinfo=UTC)


def test_places_that_agree_go_before_a_surer_one_alone() -> None:
    told = '<time datetime="2025-03-18T10:00:00Z">10:00</time><script>{"datePublished":"2025-03-18T10:00:20Z"}</script>'
    found = of_page(told, '<meta name="date" content="2025-03-18T09:00:00Z">')
    assert (
        found.published.at if found.published else None,
        "script agree" in next(one.why for one in found.candidates if one.won),
    ) == (at(10), True)


def test_one_element_seen_three_ways_is_one_voice() -> None:
    told = '<time class="date" itemprop="datePublished" datetime="2025-03-18T10:00:00Z">18 March 2025 10:00 GMT</time>'
    found = of_page(told, '<meta name="date" content="2025-03-18T09:00:00Z">')
    assert found.published is not None
    assert (found.published.origin, found.published.at) == ("meta", at(9))


def test_the_time_of_a_change_is_none_of_publication_where_another_is_told() -> None:
    named = '<meta name="date" content="2025-03-18T09:00:00Z"><meta name="lastmod" content="2025-03-18T10:00:30Z">'
    told = '<time datetime="2025-03-18T10:00:00Z">10</time><script>{"datePublished":"2025-03-18T10:00:05Z"}</script>'
    found = of_page(told, named)
    assert found.published is not None
    assert found.published.at == at(9)
    assert {one.why for one in found.candidates if one.origin in ("time", "script")} == {"zoned, the time of a change"}
    alone = of_page(told, named.partition(">")[2])
    assert alone.published is not None
    assert alone.published.at == at(10)


@pytest.mark.parametrize(
    "told",
    [
        '<p>Updated: <time datetime="2025-03-18T12:00:00Z">noon</time></p>',
        '<span>Ažurirano</span><time datetime="2025-03-18T12:00:00Z">12:00</time>',
        '<time datetime="2025-03-18T12:00:00Z">Përditësuar 18 mars</time>',
        '<time class="updated" datetime="2025-03-18T12:00:00Z">18 March</time>',
        '<div class="comments"><time itemprop="datePublished" datetime="2025-03-18T12:00:00Z">18 March</time></div>',
    ],
)
def test_times_of_changes_and_comments_are_left_out(told: str) -> None:
    marked = '<time class="entry-date published updated" datetime="2025-03-18T09:00:00Z">18 March</time>'
    assert list(times(load_html(f"<html><body><h1>A story</h1>{told}{marked}</body></html>"))) == [
        "2025-03-18T09:00:00Z"
    ]


def test_what_stands_around_the_headline_is_not_aside_whatever_it_is_called() -> None:
    told = '<p class="date">18 March 2025, 09:00 GMT</p>'
    whole = f'<html><body><form class="widget"><h1>A story</h1>{told}</form></body></html>'
    apart = f'<html><body><h1>A story</h1><form class="widget">{told}</form></body></html>'
    assert (len(list(seen_dates(load_html(whole)))), len(list(seen_dates(load_html(apart))))) == (1, 0)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Updated Nov. 19, 2019 8:21 am ET / Original Nov. 19, 2019 8:02 am ET", "Original Nov. 19, 2019 8:02 am ET"),
        ("Published Nov 18, 2019 at 4:07 PM | Updated at 5:36 PM", "Published Nov 18, 2019 at 4:07 PM | "),
        ("Ažurirano: 18.03.2025. 12:00, objavljeno: 18.03.2025. 09:00", "objavljeno: 18.03.2025. 09:00"),
        ("Updated 18 March 2025", ""),
    ],
)
def test_of_a_text_about_a_change_the_publication_is_kept(text: str, kept: str) -> None:
    assert published_part(text) == kept


def test_the_first_publication_is_believed_in_the_footer_too() -> None:
    told = (
        '<p class="date">18 March 2025 noon</p><div class="content-footer"><p class="published">First published on '
        "18 March 2025 / 9:05 GMT</p></div>"
    )
    found = of_page(told)
    assert found.published is not None
    assert (found.published.origin, found.published.at) == ("seen", at(9, 5))


LOCAL = (
    '<meta property="article:published_time" content="2025-03-18T05:00:04+00:00">'
    '<meta property="article:modified_time" content="2025-03-20T12:33:48+00:00">'
    '<meta property="og:updated_time" content="2025-03-20T17:33:48+00:00">'
)
WEST = '<div class="comments"><time datetime="2025-03-18T06:17:21-05:00">06:17</time></div>'


def test_a_page_that_tells_one_change_by_two_clocks_shows_which_is_local() -> None:
    found = of_page(WEST, LOCAL)
    assert found.published is not None
    assert found.modified is not None
    assert found.published.at.isoformat() == "2025-03-18T10:00:04+00:00"
    assert found.modified.isoformat() == "2025-03-20T17:33:48+00:00"
    assert (found.published.sure, found.note) == (0.6, "meta zoned local time marked as UTC")


@pytest.mark.parametrize(
    "other", ["2025-03-20T17:34:48+00:00", "2025-03-20T07:33:48+00:00", "2025-03-21T17:33:48+00:00"]
)
def test_changes_that_are_no_zone_apart_or_on_the_other_side_are_two_changes(other: str) -> None:
    found = of_page(WEST, LOCAL.replace("2025-03-20T17:33:48+00:00", other))
    assert found.published is not None
    assert found.published.at.isoformat() == "2025-03-18T05:00:04+00:00"


def test_without_a_side_of_greenwich_nothing_is_put_right() -> None:
    found = of_page("", LOCAL)
    assert found.published is not None
    assert found.published.at.isoformat() == "2025-03-18T05:00:04+00:00"


def test_a_time_without_a_zone_is_read_by_the_clock_of_the_page_where_the_outlet_has_none() -> None:
    told = (
        '<p>Updated: <time datetime="2025-03-18T12:00:00-05:00">noon</time></p><p class="date">18 March 2025 9:00</p>'
    )
    found = of_page(told)
    assert found.published is not None
    assert (found.published.at, found.note) == (at(14), "seen minute")
    known = of_page(told, country="RS")
    assert known.published is not None
    assert known.published.at == at(8)
    long_ago = of_page(told.replace("2025-03-18T12", "2025-02-18T12"))
    assert long_ago.published is not None
    assert long_ago.published.at == at(9)


@pytest.mark.parametrize(
    ("text", "language", "moment", "exact"),
    [
        ("Tue Mar 18 2025 14:30:58 GMT+0000 (UTC)", "", "2025-03-18T14:30:58+00:00", Exact.ZONED),
        ("Tue Mar 18 2025 14:30:58 GMT+0100", "", "2025-03-18T13:30:58+00:00", Exact.ZONED),
        ("March 18, 2025 8:54 am PT", "en", "2025-03-18T15:54:00+00:00", Exact.ZONED),
        ("January 18, 2025 8:54 am PT", "en", "2025-01-18T16:54:00+00:00", Exact.ZONED),
        ("18 juillet 2025 14h30 et plus", "fr", "2025-07-18T14:30:00+00:00", Exact.MINUTE),
        ("1:39 am EST, Wednesday, November 20, 2019", "en", "2019-11-20T06:39:00+00:00", Exact.ZONED),
        ("Tue, 18 Mar 2025 14:30:00", "en", "2025-03-18T14:30:00+00:00", Exact.MINUTE),
    ],
)
def test_a_zone_is_read_as_pages_write_it(text: str, language: str, moment: str, exact: Exact) -> None:
    found = parse(text, place_of(language=language))
    assert found is not None
    assert (found.at.isoformat(), found.exact) == (moment, exact)


def test_what_is_called_a_change_is_offered_as_one() -> None:
    found = of_page(
        "", '<meta name="date" content="2025-03-18T09:00:00Z"><meta name="lastmod" content="2025-03-18T08:00Z">'
    )
    assert [(one.origin, one.why) for one in found.candidates if one.field == "modified"] == [
        ("meta", "not after the publication")
    ]
