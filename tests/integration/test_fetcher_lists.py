"""Sitemaps, their indexes and listing pages against a real site on loopback, over restarts."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.fetcher import metrics, store
from services.fetcher.metrics import PageOutcome
from services.fetcher.poll.layout import CHANGED
from services.fetcher.read import read_feed
from services.fetcher.tables import CHILDREN, ENTRIES
from shared import db
from shared.db import Database
from shared.events import CheckOutcome, Mode
from shared.http import Limits
from shared.settings import replace
from tests.fakes.feed_site import Fault, FeedSite, feed_site, page, rss
from tests.integration.test_fetcher import HOUR, MIGRATIONS, QUICK, START, counted, listed, running, source, stories

DAY = timedelta(days=1)


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    opened = db.open_database(f"sqlite:///{tmp_path}/lists.db")
    await db.migrate(opened, "fetcher", MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


def news(site: FeedSite, *numbers: int, hours: float = 1) -> str:
    """A news sitemap whose pages can be had."""
    at = (START - timedelta(hours=hours)).isoformat()
    for number in numbers:
        site.put(f"/{number}", page(f"Stranica {number}", "tekst " * 20))
    return "<urlset>" + "".join(
        f"<url><loc>{site.url(f'/{number}')}</loc><news:news><news:title>Vest {number}</news:title>"
        f"<news:publication_date>{at}</news:publication_date></news:news></url>" for number in numbers
    ) + "</urlset>"  # fmt: skip


def plain(site: FeedSite, *numbers: int) -> str:
    for number in numbers:
        site.put(f"/{number}", page(f"Stranica {number}", "tekst " * 20))
    return "<urlset>" + "".join(f"<url><loc>{site.url(f'/{number}')}</loc></url>" for number in numbers) + "</urlset>"


def index(site: FeedSite, **children: str) -> str:
    """An index of children by name, each with its time of change ("" for none)."""
    inside = "".join(
        f"<sitemap><loc>{site.url(f'/{name}.xml')}</loc>{f'<lastmod>{changed}</lastmod>' if changed else ''}</sitemap>"
        for name, changed in children.items()
    )
    return f"<sitemapindex>{inside}</sitemapindex>"


async def test_a_news_sitemap_is_a_source(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/news.xml.gz", gzip.compress(news(site, 1, 2).encode()), content_type="application/gzip", etag='"1"')
    path = listed(tmp_path, source(site.url("/news.xml.gz"), kind="sitemap"))
    async with running(sqlite, path) as run:
        told = {fetched.entry.title: fetched for fetched in run.pages()}
        assert set(told) == {"Vest 1", "Vest 2"} and told["Vest 1"].mode is Mode.LIVE
        assert told["Vest 1"].published is not None and told["Vest 1"].published.at == START - HOUR
        site.put("/news.xml.gz", gzip.compress(news(site, 1, 2, 3).encode()), etag='"2"')
        await run.advance()
    async with running(sqlite, path, story=run.story, bus=run.bus) as run:
        await run.advance()
    assert site.asked("/news.xml.gz")[-1].headers["if-none-match"] == '"2"'
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.FRESH, CheckOutcome.NOT_MODIFIED]
    assert sorted(fetched.entry.title for fetched in run.pages()) == ["Vest 1", "Vest 2", "Vest 3"]


async def test_a_long_list_seeds_in_silence_and_then_tells_what_is_new(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/all.xml", plain(site, *range(50)))
    remembered = counted(PageOutcome.REMEMBERED)
    path = listed(tmp_path, source(site.url("/all.xml"), kind="sitemap"))
    async with running(sqlite, path) as run:
        assert run.pages() == [] and counted(PageOutcome.REMEMBERED) == remembered + 50
        site.put("/all.xml", plain(site, *range(51)))
        await run.advance()
    (fetched,) = run.pages()
    assert (fetched.url, fetched.mode) == (site.url("/50"), Mode.LIVE)


async def test_an_index_is_walked_with_the_validators_of_each_child_also_after_a_restart(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/index.xml", index(site, a="", b="", old="2024-01-01"), etag='"i"')
    site.put("/a.xml", news(site, 1), etag='"a1"')
    site.put("/b.xml", news(site, 2), last_modified="Tue, 18 Mar 2025 10:00:00 GMT")
    path = listed(tmp_path, source(site.url("/index.xml"), kind="sitemap"))
    async with running(tables, path) as run:
        assert sorted(fetched.entry.title for fetched in run.pages()) == ["Vest 1", "Vest 2"]
        await run.advance()
    async with running(tables, path, story=run.story, bus=run.bus) as run:
        site.put("/a.xml", news(site, 1, 3), etag='"a2"')
        await run.advance()
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.NOT_MODIFIED, CheckOutcome.FRESH]
    assert [asked.headers.get("if-none-match") for asked in site.asked("/a.xml")] == [None, '"a1"', '"a1"']
    assert site.asked("/b.xml")[-1].headers["if-modified-since"] == "Tue, 18 Mar 2025 10:00:00 GMT"
    assert sorted(fetched.entry.title for fetched in run.pages()) == ["Vest 1", "Vest 2", "Vest 3"]
    assert not site.asked("/old.xml")
    async with tables.reading() as connection:
        states = await store.children_of(connection, "one")
    assert states[site.url("/a.xml")].etag == '"a2"'


async def test_names_that_rotate_are_retired_by_what_they_bring(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/index.xml", index(site, day1=""))
    site.put("/day1.xml", news(site, 1))
    path = listed(tmp_path, source(site.url("/index.xml"), kind="sitemap"))
    async with running(sqlite, path) as run:
        await run.advance(8 * DAY)
        before = len(site.asked("/day1.xml"))
        site.put("/index.xml", index(site, day1="", day9=""))
        site.put("/day9.xml", plain(site, 9))
        await run.advance()
        await run.advance()
    assert len(site.asked("/day1.xml")) == before and len(site.asked("/day9.xml")) == 2
    assert [fetched.mode for fetched in run.pages()] == [Mode.LIVE, Mode.LIVE]  # a child that is new is news


async def test_what_an_undated_child_held_before_us_is_history(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/index.xml", index(site, a="", b=""))
    site.put("/a.xml", news(site, 1))
    site.put("/b.xml", status=500)
    path = listed(tmp_path, source(site.url("/index.xml"), kind="sitemap"))
    async with running(sqlite, path) as run:
        assert "1 of 2 child sitemaps failed: HTTP 500" in run.checks()[0].detail
        assert run.outcomes() == [CheckOutcome.FRESH]
        site.put("/b.xml", plain(site, 7))
        await run.advance()
        site.put("/b.xml", plain(site, 7, 8))
        await run.advance()
    assert [fetched.url for fetched in run.pages()] == [site.url("/1"), site.url("/8")]


async def test_an_index_that_fails_or_lists_others_is_told(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    foreign = site.url("/x.xml", host="other.test")
    site.put(
        "/index.xml",
        index(site, a="").replace("</sitemapindex>", f"<sitemap><loc>{foreign}</loc></sitemap></sitemapindex>"),
    )
    site.put("/a.xml", index(site, b=""))
    path = listed(tmp_path, source(site.url("/index.xml"), kind="sitemap"))
    async with running(sqlite, path) as run:
        site.fault("/a.xml", Fault.BOMB)
        await run.advance(2 * HOUR)
    assert run.outcomes() == [CheckOutcome.BROKEN, CheckOutcome.TOO_LARGE]
    assert "an index inside an index" in run.checks()[0].detail
    assert not site.asked("/x.xml") and not site.asked("/b.xml")


async def test_a_child_that_asks_for_a_pause_ends_the_walk(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/index.xml", index(site, a="2025-03-18T11:00:00Z", b="2025-03-18T10:00:00Z"))
    site.put("/a.xml", status=429, retry_after="3600")
    site.put("/b.xml", news(site, 1))
    path = listed(tmp_path, source(site.url("/index.xml"), kind="sitemap"))
    async with running(sqlite, path) as run:
        assert run.outcomes() == [CheckOutcome.THROTTLED]
    assert len(site.asked("/a.xml")) == 1 and not site.asked("/b.xml")


async def test_a_sitemap_may_be_larger_than_a_feed(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/big.xml", news(site, 1) + " " * (Limits().body + 1))
    both = [source(site.url("/big.xml"), kind="sitemap"), source(site.url("/big.xml"), name="feed")]
    settings = replace(QUICK, request_timeout=timedelta(seconds=10))
    async with running(sqlite, listed(tmp_path, *both), settings=settings) as run:
        outcomes = {check.source.id: check.outcome for check in run.checks()}
    assert outcomes == {"one": CheckOutcome.FRESH, "feed": CheckOutcome.TOO_LARGE}


async def test_nothing_of_a_child_is_kept_before_its_entries_are(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    """A crash between the two asks again and finds the same."""
    site.put("/index.xml", index(site, a=""))
    site.put("/a.xml", news(site, 1), etag='"a"')
    path = listed(tmp_path, source(site.url("/index.xml"), kind="sitemap"))
    async with running(sqlite, path) as run:
        pass
    async with sqlite.transaction() as connection:  # as if the process had died before its last transactions
        await connection.execute(sa.delete(CHILDREN))
        await connection.execute(sa.text("DELETE FROM fetcher_entries"))
        await connection.execute(sa.text("UPDATE fetcher_sources SET seeded = 0, body_hash = NULL"))
    async with running(sqlite, path, story=run.story) as again:
        await again.advance()
    assert {event.id for event in again.pages()} == {event.id for event in run.pages()}


# -- listing pages -------------------------------------------------------------------------------------------------


def listing(site: FeedSite, *numbers: int) -> str:
    cards = "".join(
        f"<article class=card><h2><a href='/vesti/{number}/deklaracija-u-tirani'>Deklaracija u Tirani, vest {number}"
        "</a></h2></article>" for number in numbers
    )  # fmt: skip
    for number in numbers:
        site.put(f"/vesti/{number}/deklaracija-u-tirani", page(f"Vest {number}", "tekst " * 20))
    return f"<html lang=sr><head><title>Vesti</title></head><body><main>{cards}</main></body></html>"


@pytest.mark.parametrize("selectors", [{}, {"entries": "article.card", "title": "h2"}])
async def test_a_listing_seeds_and_then_tells_what_is_new(
    sqlite: Database, site: FeedSite, tmp_path: Path, selectors: dict[str, str]
) -> None:
    site.put("/vesti", listing(site, 1, 2, 3, 4))
    path = listed(tmp_path, source(site.url("/vesti"), kind="listing", **selectors))
    async with running(sqlite, path) as run:
        assert {fetched.mode for fetched in run.pages()} == {Mode.BACKFILL} and len(run.pages()) == 4
        site.put("/vesti", listing(site, 4, 2, 1, 3))
        await run.advance()
    async with running(sqlite, path, story=run.story, bus=run.bus) as run:
        site.put("/vesti", listing(site, 5, 4, 2, 1, 3))
        await run.advance()
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.UNCHANGED, CheckOutcome.FRESH]
    assert (run.pages()[-1].entry.title, run.pages()[-1].mode) == ("Deklaracija u Tirani, vest 5", Mode.LIVE)


async def test_what_a_listing_was_learned_by_is_kept_over_a_restart(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    """Two links are too few to learn from: they are taken because the page is known."""
    site.put("/vesti", listing(site, 1, 2, 3, 4))
    path = listed(tmp_path, source(site.url("/vesti"), kind="listing"))
    async with running(sqlite, path) as run:
        pass
    async with running(sqlite, path, story=run.story, bus=run.bus) as run:
        site.put("/vesti", listing(site, 5, 4))
        await run.advance()
    assert run.outcomes()[-1] is CheckOutcome.FRESH and not run.checks()[-1].detail
    assert run.pages()[-1].url == site.url("/vesti/5/deklaracija-u-tirani") and run.pages()[-1].mode is Mode.LIVE


async def test_a_listing_made_anew_is_told_and_is_no_news(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/vesti", listing(site, 1, 2, 3, 4))
    path = listed(tmp_path, source(site.url("/vesti"), kind="listing"))
    async with running(sqlite, path) as run:
        pass
    async with running(sqlite, path, story=run.story, bus=run.bus) as run:
        site.put("/vesti", listing(site, 1, 2, 3, 4).replace("/vesti/", "/novo/srbija/a-"))
        await run.advance()
        assert run.checks()[-1].detail == CHANGED
        site.put("/vesti", listing(site, 1, 2, 3, 4, 5).replace("/vesti/", "/novo/srbija/a-"))
        await run.advance()
        assert not run.checks()[-1].detail
    async with sqlite.reading() as connection:
        rows = (await connection.execute(sa.select(ENTRIES.c.history).order_by(ENTRIES.c.observed))).scalars().all()
    assert rows == [True] * 8 + [False]


async def test_a_listing_obeys_robots_and_a_feed_beside_it_does_not(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /vesti\n")
    site.put("/vesti", listing(site, 1, 2, 3))
    site.put("/vesti.xml", news(site, 1))
    both = [source(site.url("/vesti"), kind="listing"), source(site.url("/vesti.xml"), name="map", kind="sitemap")]
    async with running(sqlite, listed(tmp_path, *both)) as run:
        outcomes = {check.source.id: check.outcome for check in run.checks()}
    assert outcomes == {"one": CheckOutcome.ROBOTS_DENIED, "map": CheckOutcome.FRESH}
    assert not site.asked("/vesti")


async def test_a_page_without_articles_is_told(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/vesti", page("Just a moment", "x"))
    async with running(sqlite, listed(tmp_path, source(site.url("/vesti"), kind="listing"))) as run:
        (check,) = run.checks()
    assert check.outcome is CheckOutcome.NOT_A_FEED and "Just a moment" in check.detail


async def test_entries_beyond_the_bound_are_counted_and_told(
    sqlite: Database, site: FeedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_feed, "MOST_ENTRIES", 2)
    before = metrics.ENTRIES_CUT._value.get()
    site.put("/feed", rss(stories(site, 1, 2, 3)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        (check,) = run.checks()
    assert (check.entries, check.detail) == (2, "1 entries beyond 2 were left out")
    assert metrics.ENTRIES_CUT._value.get() == before + 1


async def test_the_character_set_of_the_header_counts_where_a_feed_states_none(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    body = rss(stories(site, 1), title="Лист").replace('<?xml version="1.0" encoding="utf-8"?>', "")
    site.put("/feed", body.encode("koi8-r"), content_type='text/xml; charset="KOI8-R"')
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        assert [fetched.entry.title for fetched in run.pages()] == ["Вест 1"]
