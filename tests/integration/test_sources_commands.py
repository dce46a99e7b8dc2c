"""`wirewatch sources …` on the database of a fetcher that has worked, and `check --live` against a site."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.fetcher import store
from services.fetcher.manners.reservations import PLACE
from services.fetcher.manners.tally import Answer, Asked, Tally
from services.fetcher.store import Changes, SourceState
from services.fetcher.tables import REQUESTS
from shared import db
from shared.clock import RealClock, SteppedClock
from shared.db import Database, open_database
from shared.events import Condition
from shared.settings import replace
from tests.fakes.command import Done, commanded
from tests.fakes.feed_site import Fault, FeedSite, feed_site, rss
from tests.integration.test_fetcher import MIGRATIONS, QUICK, START, Run, listed, running, source, stories

HOUR = timedelta(hours=1)


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Database]:
    made = open_database(f"sqlite:///{tmp_path}/wirewatch.db")
    await db.migrate(made, "fetcher", MIGRATIONS)
    yield made
    await made.close()


async def sources(folder: Path, *words: str, **settings: str) -> Done:
    """The command on the files of a test."""
    env = {
        "WIREWATCH_DATA": str(folder), "WIREWATCH_SOURCES_FILE": str(folder / "sources.yaml"),
        "WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8", "WIREWATCH_SPACING": "0s", "WIREWATCH_REQUEST_TIMEOUT": "1s",
    }  # fmt: skip
    return await commanded("sources", *words, env=env | settings)


async def rows(folder: Path, *words: str, code: int = 0, **settings: str) -> Any:
    done = await sources(folder, *words, "--json", **settings)
    assert done.code == code, done.errors
    return json.loads(done.out)


# -- check ---------------------------------------------------------------------------------------------------------


async def test_check_names_file_line_and_fix(tmp_path: Path) -> None:
    listed(tmp_path, source("https://one.test/feed"), source("two.test", name="two"), source("https://b", name="one"))
    done = await sources(tmp_path, "check")
    assert done.code == 2
    assert f"{tmp_path}/sources.yaml:7: url is 'two.test': write the full address of the feed" in done.errors
    assert f"{tmp_path}/sources.yaml:9: id 'one' is used in line 1 already" in done.errors


async def test_check_finds_the_same_address_twice(tmp_path: Path) -> None:
    listed(tmp_path, source("https://www.one.test/feed"), source("http://one.test/feed", name="two", interval="30s"))
    one, two = await rows(tmp_path, "check", code=1)
    assert one["remark"] == "" and two["remark"] == "the same address as one: keep one"
    assert (one["interval"], two["interval"]) == ("rhythm", "30s")
    listed(tmp_path, source("https://one.test/feed"))
    assert (await sources(tmp_path, "check")).code == 0


async def test_check_live_asks_each_source_once_and_keeps_nothing(site: FeedSite, tmp_path: Path) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /forbidden\n")
    site.put("/good", rss(stories(site, 1, 2)))
    site.put("/forbidden", rss(stories(site, 3)))
    site.put("/page", "<html><body>hello</body></html>")
    site.fault("/broken", Fault.SILENCE)
    names = ("good", "forbidden", "page", "broken", "missing")
    listed(tmp_path, *(source(site.url(f"/{name}"), name=name) for name in names))
    found = {one["source"]: one for one in await rows(tmp_path, "check", "--live", code=1)}
    assert {name: one["outcome"] for name, one in found.items()} == {
        "good": "fresh", "forbidden": "fresh", "page": "not_a_feed", "broken": "unreachable", "missing": "client_error",
    }  # fmt: skip
    good = found["good"]
    assert (good["works"], good["kind"], good["language"], good["entries"]) == (True, "rss", "sr", 2)
    assert good["newest"] == "2025-03-18T12:00:00Z" and good["robots"] == "allowed"
    assert found["forbidden"]["robots"] == "denied" and "HTTP 404" in found["missing"]["remark"]
    assert [len(site.asked(f"/{name}")) for name in (*names, "robots.txt")] == [1] * 6
    assert not (tmp_path / "wirewatch.db").exists()


async def test_check_live_looks_into_an_index_of_sitemaps(site: FeedSite, tmp_path: Path) -> None:
    site.put("/index.xml", f"<sitemapindex><sitemap><loc>{site.url('/news.xml')}</loc></sitemap></sitemapindex>")
    site.put("/news.xml", f"<urlset><url><loc>{site.url('/1')}</loc><lastmod>2025-03-18</lastmod></url></urlset>")
    listed(tmp_path, source(site.url("/index.xml"), kind="sitemap"))
    (one,) = await rows(tmp_path, "check", "--live")
    assert (one["outcome"], one["kind"], one["entries"]) == ("fresh", "sitemap", 1)


async def test_check_live_leaves_alone_what_robots_deny_where_feeds_obey_them(site: FeedSite, tmp_path: Path) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n")
    site.put("/feed", rss(stories(site, 1)))
    listed(tmp_path, source(site.url("/feed")))
    (one,) = await rows(tmp_path, "check", "--live", code=1, WIREWATCH_ROBOTS_FEEDS="true")
    assert one["outcome"] == "robots_denied" and site.asked("/feed") == []


async def test_check_live_of_a_good_list_ends_well(site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    listed(tmp_path, source(site.url("/feed")))
    done = await sources(tmp_path, "check", "--live")
    assert done.code == 0 and "fresh" in done.out and "1 of 1 sources work" in done.out


# -- due and status -----------------------------------------------------------------------------------------------


async def test_commands_before_init_say_so(tmp_path: Path) -> None:
    listed(tmp_path, source("https://one.test/feed"))
    for words in (["due"], ["status"], ["report", "one.test"]):
        done = await sources(tmp_path, *words)
        assert done.code == 2 and "run wirewatch init" in done.errors


async def worked(database: Database, site: FeedSite, folder: Path) -> None:
    """A fetcher that polled four sources, one of which fails, one of which wishes to be left alone."""
    site.put("/robots.txt", "User-agent: *\nDisallow: /private\nCrawl-delay: 2\n")
    site.put("/good", rss(stories(site, 1)), etag='"x"')
    site.put("/slow", rss(stories(site, 2)), cache_control="max-age=36000")
    site.put("/bad", status=500)
    file = listed(
        folder, source(site.url("/good"), name="good"), source(site.url("/slow"), name="slow"),
        source(site.url("/bad"), name="bad"), source(site.url("/fixed"), name="fixed", interval="3h"),
        source("https://never.test/", name="off", paused="true"),
    )  # fmt: skip
    settings = replace(QUICK, poll_interval=timedelta(), polls_per_day=24.0)
    async with running(database, file, settings=settings) as run:
        await _hour(run)


async def _hour(run: Run) -> None:
    for _ in range(4):
        await run.advance(HOUR / 2)


async def test_status_says_how_sources_stand_and_why_they_wait(
    opened: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/fixed", rss(stories(site, 3)))
    await worked(opened, site, tmp_path)
    found = {one["source"]: one for one in await rows(tmp_path, "status")}
    assert {name: one["state"] for name, one in found.items()} == {
        "good": "working", "slow": "working", "bad": "failing", "fixed": "working", "off": "paused",
    }  # fmt: skip
    good, slow, bad, fixed = (found[name] for name in ("good", "slow", "bad", "fixed"))
    assert (
        good["why"].startswith("rhythm, ") and good["validators"] == "ETag" and good["last_outcome"] == "not_modified"
    )
    assert slow["why"] == "the server wishes no poll before 2025-03-18T22:00:00Z" and slow["validators"] == "none"
    assert bad["why"] == f"back-off after {bad['failures']} failures" and bad["failures"] >= 1
    assert fixed["why"] == "stated interval of 3.0h" and found["off"]["next_poll"] is None
    assert good["robots"] == "allowed" and good["last_item"] == "2025-03-18T12:00:00Z"
    assert 0 < good["entries_a_day"] < 10 and good["hot"] is False
    table = await sources(tmp_path, "status", "bad")
    assert table.code == 0 and "back-off" in table.out
    wrong = await sources(tmp_path, "status", "goo")
    assert wrong.code == 2 and "no source 'goo'" in wrong.errors and "good" in wrong.errors


async def test_status_says_what_holds_of_sources_after_a_run(opened: Database, site: FeedSite, tmp_path: Path) -> None:
    hourly = [one for number in range(1, 31) for one in stories(site, number, at=START - number * HOUR)]
    site.put("/good", rss(hourly))
    site.put("/gone", status=410)
    site.put("/down", status=500)
    site.put("/wall", "<html><script>window._cf_chl_opt = {};</script></html>", status=403, content_type="text/html")
    names = ("good", "gone", "down", "wall")
    file = listed(tmp_path, *(source(site.url(f"/{name}"), name=name, limits="url") for name in names))
    async with running(opened, file) as run:
        for _ in range(9):
            await run.advance(timedelta(days=1))
    found = {one["source"]: one["conditions"] for one in await rows(tmp_path, "status")}
    assert found == {"good": ["silent"], "gone": ["gone"], "down": ["failing"], "wall": ["failing", "blocked"]}


async def test_status_shows_every_condition_in_both_forms(opened: Database, tmp_path: Path) -> None:
    listed(tmp_path, *(source(f"https://{one}.test/", name=one.replace("_", "-")) for one in Condition))
    moment = datetime(2025, 3, 18, 12, tzinfo=UTC)
    async with opened.transaction() as connection:
        for one in Condition:
            state = SourceState(
                source_id=one.replace("_", "-"), url="", next_due=moment, last_checked=moment, conditions=one
            )
            await store.write(connection, [Changes(source=state)])
    found = {one["source"]: one["conditions"] for one in await rows(tmp_path, "status")}
    assert found == {one.replace("_", "-"): [str(one)] for one in Condition}
    table = (await sources(tmp_path, "status", COLUMNS="400")).out
    assert all(one in table for one in Condition) and "conditions" in table
    assert "language_changed" in (await sources(tmp_path, "status", "language-changed")).out


async def test_due_shows_the_next_polls_in_their_order(opened: Database, site: FeedSite, tmp_path: Path) -> None:
    await worked(opened, site, tmp_path)
    found = await rows(tmp_path, "due")
    assert {one["source"] for one in found} == {"good", "slow", "bad", "fixed"}
    assert [one["due"] for one in found] == sorted(one["due"] for one in found)
    assert len(await rows(tmp_path, "due", "--limit", "2")) == 2


# -- report --------------------------------------------------------------------------------------------------------


async def test_the_report_tells_a_publisher_what_was_asked(opened: Database, site: FeedSite, tmp_path: Path) -> None:
    await worked(opened, site, tmp_path)
    told = await rows(tmp_path, "report", "127.0.0.1")
    asked = site.requests
    total = told["total"]
    assert total["requests"] == len(asked)
    assert len(site.asked("/robots.txt")) == len(site.asked(PLACE)) == 1 and total["robots"] == 2
    assert total["page"] == len(site.asked("/1") + site.asked("/2")) == 2
    good = site.asked("/good")
    assert total["answers"]["not_modified"] == len(good) - 1
    assert total["answers"]["server_error"] == len(site.asked("/bad"))
    assert total["answers"]["client_error"] == len(site.asked("/fixed") + site.asked(PLACE))
    assert total["not_modified_share"] == round((len(good) - 1) / (len(good) + 1), 3)
    assert total["bytes"] > 500 and told["days"][0]["requests"] == total["requests"]
    (robots,) = told["robots"]
    assert (robots["disallowed"], robots["crawl_delay_seconds"]) == (["/private"], 2.0)
    assert {one["source"] for one in told["sources"]} == {"good", "slow", "bad", "fixed"}
    page = await sources(tmp_path, "report", site.url("/good"))
    assert page.code == 0 and page.out.startswith("# Requests to 127.0.0.1, ")
    assert "disallows us `/private`; crawl-delay 2 s" in page.out and "304" in page.out


async def test_the_report_of_a_stranger_says_so(opened: Database, site: FeedSite, tmp_path: Path) -> None:
    await worked(opened, site, tmp_path)
    nothing = await sources(tmp_path, "report", "stranger.test")
    assert nothing.code == 2 and "nothing was asked of stranger.test in 30 days" in nothing.errors
    assert (await sources(tmp_path, "report", "")).code == 2


async def test_counts_add_up_keep_the_shortest_distance_and_go_after_ninety_days(tables: Database) -> None:
    clock = SteppedClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    tally = Tally(clock)

    async def land() -> None:
        taken = tally.taken()
        async with tables.transaction() as connection:
            await tally.write(connection, taken)
        tally.wrote(taken)

    for seconds in (5, 3, 9):
        tally.note("https://www.e.test/", Asked.FEED, Answer.OK, clock.now(), 10)
        clock.advance_to(clock.now() + timedelta(seconds=seconds))
    await land()
    tally.note("https://m.e.test/", Asked.FEED, Answer.OK, clock.now(), 10)
    lost = tally.taken()
    tally.note("https://m.e.test/", Asked.FEED, Answer.OK, clock.now(), 10)
    tally.wrote(lost)
    assert [count.requests for count in tally.taken().values()] == [1]
    await land()
    async with tables.reading() as connection:
        (row,) = (await connection.execute(sa.select(REQUESTS))).all()
    assert (row.domain, row.day, row.requests, row.bytes, row.closest) == ("e.test", "2026-01-01", 4, 40, 0.0)
    clock.advance_to(clock.now() + timedelta(days=91))
    await land()
    async with tables.reading() as connection:
        assert (await connection.execute(sa.select(REQUESTS))).all() == []


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


async def test_what_could_not_be_written_is_written_later(tables: Database) -> None:
    tally = Tally(RealClock())
    tally.note("https://e.test/", Asked.ROBOTS, Answer.FAILED, None)
    taken = tally.taken()

    async def broken() -> None:
        async with tables.transaction() as connection:
            await tally.write(connection, taken)
            raise RuntimeError("the connection broke")

    with pytest.raises(RuntimeError, match="the connection broke"):
        await broken()
    assert tally.taken() == taken
