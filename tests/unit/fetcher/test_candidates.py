"""Where feeds of a site are looked for, and which of them are the best."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.read.candidates import (
    MOST,
    Candidate,
    Tried,
    distinct,
    of_page,
    of_robots,
    ranked,
    sample,
    well_known,
)
from services.fetcher.read.feed import Feed, FeedEntry
from services.fetcher.sources import SourceKind

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
HOME = "https://www.list.test/vesti/"
HEAD = """<html><head><link rel="alternate" type="application/rss+xml" href="/rss/sve"><link rel="stylesheet alternate"
type="text/css" href="/x.css"><link rel=ALTERNATE type="application/feed+json; charset=utf-8" href="feed.json">
<link rel="alternate" hreflang="en" href="/en/"></head><body><a href="/rss/sport">Sport</a>
<a href="/feeding-cats">Cats</a><a href="https://feeds.other.test/rss">Other</a><a href="/rss/sve">All</a>
<a href="/vesti?format=rss">x</a></body></html>"""


def test_a_page_points_to_feeds() -> None:
    found = [(one.url, one.found_by) for one in of_page(HEAD.encode(), HOME)]
    assert found == [
        ("https://www.list.test/rss/sve", "link"), ("https://www.list.test/vesti/feed.json", "link"),
        ("https://www.list.test/rss/sport", "anchor"), ("https://www.list.test/vesti?format=rss", "anchor"),
    ]  # fmt: skip
    assert of_page(b"", HOME) == []


def test_sitemaps_of_news_go_first_and_guesses_only_where_nothing_was_found() -> None:
    lines = of_robots(["https://e.test/sitemap.xml", "https://e.test/News.xml"])
    assert [one.url for one in lines] == ["https://e.test/News.xml", "https://e.test/sitemap.xml"]
    guessed = well_known(HOME, lines)
    assert {one.kind for one in guessed} == {SourceKind.FEED} and guessed[0].url == "https://www.list.test/feed/"
    assert well_known(HOME, [*lines, *of_page(HEAD.encode(), HOME)]) == []


@given(st.lists(st.sampled_from(["https://e.test/a", "https://e.test/b?c", "http://www.e.test/a", ""]), max_size=60))
def test_each_address_is_looked_at_once(urls: list[str]) -> None:
    found = distinct(Candidate(url, SourceKind.FEED, "link") for url in urls)
    assert len(found) == len({one.url.removeprefix("http://www.").removeprefix("https://") for one in found}) <= MOST


def tried(
    name: str, kind: SourceKind = SourceKind.FEED, *, entries: int = 5, title: str = "", at: datetime | None = NOW
) -> Tried:
    told = [FeedEntry(link=f"https://e.test/{name}/{n}", title="t", published=at) for n in range(entries)]
    feed = Feed(kind="rss", title=title, entries=tuple(told)) if entries else None
    return Tried(Candidate(f"https://e.test/{name}", kind, "link"), f"https://e.test/{name}", feed)


@given(st.permutations(range(6)))
def test_the_best_goes_first_whatever_the_order(order: list[int]) -> None:
    all_of_them = [
        tried("full", entries=20), tried("few"), tried("undated", entries=20, at=None),
        tried("map", SourceKind.SITEMAP, entries=50), tried("x", title="Comments on: x", entries=50),
        tried("dead", entries=0),
    ]  # fmt: skip
    found = ranked(all_of_them[place] for place in order)
    assert [one.url.rpartition("/")[2] for one in found] == ["full", "few", "undated", "map", "x", "dead"]


def test_of_feeds_with_the_same_entries_one_is_told() -> None:
    one, other = tried("a"), tried("a")
    assert len(ranked([one, Tried(other.candidate, "https://e.test/zzz", other.feed)])) == 1


def test_the_sample_is_the_newest() -> None:
    entries = tuple(FeedEntry(title=str(n), published=NOW - timedelta(hours=abs(2 - n))) for n in range(6))
    assert [entry.title for entry in sample(Feed(kind="rss", entries=entries))] == ["2", "1", "3"]
