"""Sitemaps as they are served: news, plain lists, indexes, packed and broken ones."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.poll.children import (
    MOST_ASKED,
    RETIRED_AFTER,
    ChildState,
    is_retired,
    looked_at,
    merged,
    to_ask,
)  # fmt: skip
from services.fetcher.read import read_sitemap as module
from services.fetcher.read.feed import Child, Damage, Feed, FeedEntry, Unusable
from services.fetcher.read.read_sitemap import read_sitemap

TEN = datetime(2025, 3, 18, 9, 0, tzinfo=UTC)
NOW = datetime(2025, 3, 18, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)

NEWS = f"""<?xml version="1.0" encoding="UTF-8"?><urlset {SPACES}>
<url><loc> https://e.test/a?x=1&amp;y=2 </loc><image:image><image:loc>https://e.test/a.jpg</image:loc></image:image>
<news:news><news:publication><news:name>Лист</news:name><news:language>sr</news:language></news:publication>
<news:publication_date>2025-03-18T10:00:00+01:00</news:publication_date>
<news:title>Декларација &amp;quot;три&amp;quot; земље</news:title>
<news:keywords>Косово, Албанија,</news:keywords></news:news>
<lastmod>2025-03-18T11:00:00+01:00</lastmod></url>
<url><loc>https://e.test/b</loc><lastmod>2025-03-17</lastmod></url>
<url><loc>https://e.test/old</loc><lastmod>2024-03-17</lastmod></url>
<url><loc>https://e.test/section</loc></url></urlset>"""


def read(body: str | bytes) -> Feed:
    found = read_sitemap(body.encode() if isinstance(body, str) else body)
    assert isinstance(found, Feed), found
    return found


def test_what_the_news_namespace_states_is_taken() -> None:
    found = read(NEWS)
    one, two = found.entries
    assert (found.kind, found.title, found.language, found.cut) == ("sitemap", "Лист", "sr", 0)
    assert (one.link, one.title) == ("https://e.test/a?x=1&y=2", 'Декларација "три" земље')
    assert (one.published, one.updated) == (TEN, TEN + timedelta(hours=1))
    assert one.read.categories == ("Косово", "Албанија")
    assert (two.link, two.published, two.flags) == (
        "https://e.test/b",
        datetime(2025, 3, 17, tzinfo=UTC),
        ("zoneless",),
    )


def test_a_list_without_times_is_read_whole() -> None:
    places = "".join(f"<url><loc>https://e.test/{n}</loc></url>" for n in range(300))
    assert len(read(f"<urlset>{places}</urlset>").entries) == 300


def test_an_index_names_its_children() -> None:
    found = read(
        f"<sitemapindex {SPACES}><sitemap><loc>https://e.test/1.xml</loc><lastmod>2025-03-18T09:00:00Z</lastmod></sitemap>"
        "<sitemap><loc>https://e.test/2.xml.gz</loc></sitemap><sitemap><lastmod>2025-03-18</lastmod></sitemap></sitemapindex>"
    )
    assert found.children == (Child("https://e.test/1.xml", TEN), Child("https://e.test/2.xml.gz"))


def test_packed_cut_and_damaged_bodies() -> None:
    assert len(read(gzip.compress(NEWS.encode())).entries) == 2
    assert [entry.link for entry in read(NEWS[: NEWS.index("<url><loc>https://e.test/old")]).entries] == [
        "https://e.test/a?x=1&y=2", "https://e.test/b",
    ]  # fmt: skip
    assert len(read(NEWS.replace("&amp;y", "&y").encode("utf-16")).entries) == 2


def test_a_packed_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000_000)
    found = read_sitemap(gzip.compress(NEWS.encode() + b" " * 50_000_000))
    assert isinstance(found, Unusable) and found.damage is Damage.BROKEN and "larger" in found.detail


@pytest.mark.parametrize("body", [b"", b"<html><body>no</body></html>", b"<rss></rss>", b"\x1f\x8b broken", b"{}"])
def test_other_things_are_told(body: bytes) -> None:
    assert isinstance(read_sitemap(body), Unusable)


def test_entities_of_a_document_are_not_resolved() -> None:
    bomb = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
    (entry,) = read(f"{bomb}<urlset><url><loc>https://e.test/&b;</loc></url></urlset>").entries
    assert len(entry.link) < 30


@given(st.binary(max_size=200), st.sampled_from([b"<urlset>", b"<sitemapindex>", b"\x1f\x8b", b""]))
def test_no_body_raises(body: bytes, before: bytes) -> None:
    read_sitemap(before + body)


# -- which children are asked --------------------------------------------------------------------------------------


def child(name: str, **known: object) -> ChildState:
    return ChildState(source_id="s", url=f"https://e.test/{name}", **known)  # type: ignore[arg-type]


def asked(*children: ChildState, now: datetime = NOW) -> list[str]:
    return [state.url.rpartition("/")[2] for state in to_ask(children, now)]


def test_children_dated_lately_or_not_at_all_are_asked_first() -> None:
    children = [
        child("a", changed=NOW - 10 * DAY), child("b", changed=NOW - DAY), child("c"), child("2025-03-17.xml"),
        child("2025-01-17.xml"), child("news-202503.xml"), child("news-202501.xml"), child("post-20251234567.xml"),
    ]  # fmt: skip
    assert set(asked(*children)) == {"b", "c", "2025-03-17.xml", "news-202503.xml", "post-20251234567.xml"}


def test_a_child_is_asked_again_when_its_index_says_so() -> None:
    same = child("same", changed=NOW - DAY, read_at=NOW - DAY, asked=NOW - DAY, fresh=NOW)
    more = child("more", changed=NOW, read_at=NOW - DAY, asked=NOW - DAY, fresh=NOW - 100 * DAY)
    gone = child("gone", asked=NOW - DAY, fresh=NOW, listed=False)
    assert asked(same, more, gone) == ["more"]


def test_a_child_is_retired_by_what_is_in_it() -> None:
    state = looked_at(child("2025-03-18.xml"), [FeedEntry(link="x", published=NOW - DAY)], "h", NOW)
    assert asked(state, now=NOW + DAY)
    later = NOW + RETIRED_AFTER
    state = looked_at(state, (), None, later)
    assert is_retired(state, later) and not asked(state, now=later + DAY) and asked(state, now=later + 8 * DAY)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), max_size=30))
def test_few_are_asked_and_none_twice(looks: list[tuple[int, int]]) -> None:
    children = merged({}, [Child(f"https://e.test/{n}", NOW - days * DAY) for n, days in looks], "s", first=True)
    found = to_ask(children.values(), NOW)
    assert len(found) == len({state.url for state in found}) <= MOST_ASKED
    assert all(state.silent for state in children.values())
