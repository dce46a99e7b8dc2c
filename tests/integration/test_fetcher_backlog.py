"""After days of outage: what happened meanwhile comes in as history, the oldest last, without a burst on anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from services.fetcher import store
from services.fetcher.store import Changes, Found, Item
from shared import db
from shared.db import Database
from shared.events import CheckOutcome, Entry, Mode, Published, Source
from shared.settings import replace
from tests.fakes.fake_bus import FakeBus
from tests.fakes.feed_site import FeedSite, Story, feed_site, page, rss
from tests.integration.test_fetcher import HOUR, MIGRATIONS, QUICK, START, listed, running, source, stories

DAY = timedelta(days=1)


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


async def test_three_days_later_news_comes_first_and_history_from_its_end(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)))
    path, bus = listed(tmp_path, source(site.url("/feed"))), FakeBus()
    spaced = replace(QUICK, spacing=timedelta(milliseconds=20), robots=False)
    async with running(tables, path, settings=spaced, bus=bus) as run:
        assert len(run.pages()) == 1
    back = START + 3 * DAY
    run.story.advance_to(back)
    ages = {2: 60, 3: 2, 4: 30, 5: 20, 6: 45}
    undated = Story("Вест 7", site.url("/7"), guid="g7")
    site.put("/7", page("Вест 7", "текст"))
    dated = [story for number, age in ages.items() for story in stories(site, number, at=back - age * HOUR)]
    site.put("/feed", rss([undated, *dated, *stories(site, 1)]))
    site.requests.clear()
    async with running(tables, path, settings=spaced, bus=bus, story=run.story) as run:
        pages = {one.entry.title[-1]: one for one in run.pages()[1:]}
        check = run.checks()[-1]
    assert {number: one.mode for number, one in pages.items()} == {
        "5": Mode.LIVE, "3": Mode.LIVE, "4": Mode.BACKFILL, "6": Mode.BACKFILL, "2": Mode.BACKFILL, "7": Mode.BACKFILL,
    }  # fmt: skip
    asked = [one.path for one in site.requests]
    assert asked[0] == "/feed" and set(asked[1:3]) == {"/3", "/5"}
    assert asked[3:] == ["/4", "/6", "/2", "/7"]
    assert set(site.most_open.values()) == {1}
    assert (check.outcome, check.new_entries, check.due) == (CheckOutcome.FRESH, 6, START + HOUR)
    assert {one.observed for one in pages.values()} == {back}


async def test_a_source_that_is_asked_once_a_day_is_in_time(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    path = listed(tmp_path, source(site.url("/feed")))
    async with running(tables, path, settings=replace(QUICK, poll_interval=26 * HOUR)) as run:
        site.put("/2", page("Вест 2", "текст"))
        site.put("/feed", rss([Story("Вест 2", site.url("/2"), guid="g2"), *stories(site, 1)]))
        await run.advance(26 * HOUR)
    assert run.pages()[-1].mode is Mode.LIVE


async def test_sources_that_are_overdue_are_spread(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    hosts = [f"h{at}.test" for at in range(12)]
    for host in hosts:
        site.put("/feed", rss([]), host=host)
    path = listed(tmp_path, *(source(site.url("/feed", host=host), name=host.partition(".")[0]) for host in hosts))
    async with running(tables, path) as run:
        assert len(site.requests) == 12
    due = {check.source.id: check.next_due for check in run.checks()}
    run.story.advance_to(START + 3 * DAY)
    site.requests.clear()
    spread = replace(QUICK, poll_spread=timedelta(minutes=10))
    async with running(tables, path, settings=spread, story=run.story) as again:
        seen: list[int] = [len(site.requests)]
        for _ in range(10):
            await again.advance(timedelta(minutes=1))
            seen.append(len(site.requests))
    assert seen[0] <= 1 and seen[-1] == 12
    assert max(after - before for before, after in pairwise(seen)) <= 5
    assert {check.source.id: check.due for check in again.checks()} == due


def entry(name: str, mode: Mode, *, observed: datetime, age: int | None) -> Found:
    published = Published(at=START - age * HOUR, origin="feed") if age is not None else None
    return Found(
        Item(entry_id=name, source=Source(id="s", name="S"), url=f"http://e.test/{name}", entry=Entry(), mode=mode,
             published=published, observed=observed, seen=observed)
    )  # fmt: skip


async def test_what_waits_in_the_table_comes_in_the_same_order(tables: Database) -> None:
    found = (
        entry("old", Mode.BACKFILL, observed=START, age=70),
        entry("undated", Mode.BACKFILL, observed=START, age=None),
        entry("new", Mode.LIVE, observed=START + HOUR, age=1),
        entry("newer history", Mode.BACKFILL, observed=START, age=30),
        entry("seen first", Mode.LIVE, observed=START, age=3),
    )  # fmt: skip
    async with tables.transaction() as connection:
        await store.write(connection, [Changes(found=found)])
        jobs = await store.pending(connection, 10)
        assert [job.item.entry_id for job in await store.pending(connection, 3)] == [
            "seen first",
            "new",
            "newer history",
        ]
    assert [job.item.entry_id for job in jobs] == ["seen first", "new", "newer history", "old", "undated"]
