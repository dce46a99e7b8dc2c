"""`wirewatch sources discover` against a site: what it finds, how it asks, and what it says when there is nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.command import Done
from tests.fakes.feed_site import FeedSite, feed_site, json_feed, rss
from tests.integration.test_fetcher import stories
from tests.integration.test_fetcher_lists import index, listing, news
from tests.integration.test_sources_commands import sources


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


async def discover(folder: Path, url: str, *more: str) -> Done:
    return await sources(folder, "discover", url, *more)


async def rows(folder: Path, url: str, code: int = 0) -> list[dict[str, Any]]:
    done = await discover(folder, url, "--json")
    assert done.code == code, done.errors
    found: list[dict[str, Any]] = json.loads(done.out)
    return found


def home(site: FeedSite, head: str = "") -> None:
    site.put("/", listing(site, 1, 2, 3).replace("</title>", f"</title>{head}"))


async def test_feeds_sitemaps_and_the_page_itself_are_ranked(site: FeedSite, tmp_path: Path) -> None:
    head = '<link rel="alternate" type="application/rss+xml" href="/f">'
    home(site, head + '<link rel="alternate" type="text/xml" href="/dead">')
    site.put("/f", rss(stories(site, 1, 2, at=datetime.now(UTC)), title="Sve vesti"))
    lines = "".join(f"Sitemap: {site.url(path)}\n" for path in ("/index.xml", "/private.xml"))
    site.put("/robots.txt", f"User-agent: *\nDisallow: /private\n{lines}")
    today = datetime.now(UTC).isoformat()
    site.put("/index.xml", index(site, a=today, b=(datetime.now(UTC) - timedelta(days=9)).isoformat()))
    site.put("/a.xml", news(site, 7, 8))
    found = await rows(tmp_path, site.url("/"))
    assert [(row["rank"], row["kind"], row["found_by"], row["works"]) for row in found] == [
        (1, "feed", "link", True), (2, "sitemap", "robots", True), (3, "listing", "page", True),
        (4, "feed", "link", False), (5, "sitemap", "robots", False),
    ]  # fmt: skip
    feed, sitemap, page, dead, denied = found
    assert (feed["title"], feed["entries"], feed["sample"][0]["title"]) == ("Sve vesti", 2, "Вест 1")
    assert (sitemap["sitemaps"], sitemap["entries"]) == (2, 2) and not site.asked("/b.xml")
    assert page["sample"][0]["title"] == "Deklaracija u Tirani, vest 1"
    assert (dead["remark"], denied["remark"]) == ("HTTP 404", "robots.txt denies it") and not site.asked("/private.xml")
    assert not site.asked("/feed/") and not site.asked("/sitemap.xml")  # nothing is guessed where something was found
    assert all(asked.method == "GET" for asked in site.requests)
    shown = await discover(tmp_path, site.url("/"))
    assert "Вест 1" in shown.out and "robots" in shown.out


async def test_usual_addresses_are_tried_where_nothing_is_named(site: FeedSite, tmp_path: Path) -> None:
    site.put("/", "<html><body>x</body></html>")
    site.put("/feed.json", json_feed(stories(site, 1)))
    (found,) = await rows(tmp_path, site.url("/"))
    assert (found["url"], found["found_by"]) == (site.url("/feed.json"), "well-known")


async def test_an_address_that_is_a_feed_is_its_own_answer(site: FeedSite, tmp_path: Path) -> None:
    site.put("/f", rss(stories(site, 1)))
    (found,) = await rows(tmp_path, site.url("/f"))
    assert (found["found_by"], found["kind"], len(site.asked("/f"))) == ("itself", "feed", 1)


async def test_nothing_found_and_nothing_to_be_had_are_told(site: FeedSite, tmp_path: Path) -> None:
    site.put("/", "<html><body>x</body></html>")
    assert await rows(tmp_path, site.url("/"), code=1) == []
    for path, words in (("/gone", "HTTP 404"), ("/no", "robots.txt denies it")):
        site.put("/robots.txt", "User-agent: *\nDisallow: /no\n")
        done = await discover(tmp_path, site.url(path))
        assert done.code == 1 and f"{site.url(path)}: {words}" in done.errors
    done = await discover(tmp_path, "not an address")
    assert done.code == 2 and "write one such as https://example.org/" in done.errors
