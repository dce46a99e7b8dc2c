"""Pages and further visits on domains that another fetcher holds: they land at the holder, and nobody circles."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.fetcher.manners.domains import DOMAIN
from services.fetcher.revisit import row
from services.fetcher.store import leave, unpacked
from services.fetcher.tables import ENTRIES
from shared import db
from shared.db import Database, open_database
from shared.lease import LEASES, take_lease
from shared.settings import replace
from tests.fakes.feed_site import FeedSite, Story, feed_site, page, rss
from tests.fakes.fixtures_db import SHARED_MIGRATIONS
from tests.integration.test_fetcher import MIGRATIONS, QUICK, START, Run, listed, running, source
from tests.integration.test_fetcher_revisit import FOLLOWED, MINUTES_5, alert_of, hear, kept

pytestmark = pytest.mark.postgres
LONG = timedelta(hours=1)
ROUNDS = replace(QUICK, domain_lease=timedelta(seconds=1), request_timeout=timedelta(seconds=0.4))


@pytest.fixture
async def tables(postgres_url: str) -> AsyncIterator[Database]:
    opened = open_database(postgres_url)
    await db.migrate(opened, "shared", SHARED_MIGRATIONS)
    await db.migrate(opened, "fetcher", MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        link = made.url("/1", host="pages.test")
        made.put("/feed", rss([Story("One", link, START, guid=link)]), host="feeds.test")
        made.put("/1", page("One", "text"), host="pages.test")
        yield made


def feeds(site: FeedSite, folder: Path) -> Path:
    return listed(folder, source(site.url("/feed", host="feeds.test")))


async def held_by_another(database: Database, name: str, length: timedelta = LONG) -> None:
    async with database.transaction() as connection:
        lease = await take_lease(connection, DOMAIN, name, "another", now=datetime.now(UTC), length=length)
    assert lease is not None


async def let_go(database: Database) -> None:
    async with database.transaction() as connection:
        mine = LEASES.c.holder == "another"
        await connection.execute(sa.update(LEASES).where(mine).values(expires=datetime.now(UTC)))


async def entry(database: Database) -> Any:
    async with database.reading() as connection:
        return (await connection.execute(sa.select(ENTRIES))).one()


async def fetched(run: Run) -> None:
    async with asyncio.timeout(20):
        while not run.pages():
            await asyncio.sleep(0.05)


async def test_a_page_is_left_to_the_holder_from_the_start_and_only_once(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    await held_by_another(tables, "pages.test")
    async with running(tables, feeds(site, tmp_path), settings=ROUNDS) as run:
        first = await entry(tables)
        assert (first.pending, first.domain, first.left_at is not None) == (True, "pages.test", True)
        await asyncio.sleep(1.0)  # several looks, and rounds
        assert await entry(tables) == first
        assert not site.asked("/1")
        await let_go(tables)
        await fetched(run)
    assert not (await entry(tables)).pending
    assert len(site.asked("/1")) == 1


async def test_a_page_that_is_redirected_to_a_domain_of_another_goes_on_from_there(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    target = site.url("/2", host="other.test")
    site.put("/1", status=302, host="pages.test", location=target)
    site.put("/2", page("Two", "text"), host="other.test")
    await held_by_another(tables, "other.test")
    async with running(tables, feeds(site, tmp_path), settings=ROUNDS) as run:
        handed = await entry(tables)
        item = unpacked(handed.item)
        assert (handed.pending, handed.domain, item.led_to, item.hops) == (True, "other.test", target, 1)
        assert not site.asked("/2")
        await let_go(tables)
        await fetched(run)
        (told,) = run.pages()
        assert (told.url, told.final_url) == (site.url("/1", host="pages.test"), target)
    assert len(site.asked("/1")) == len(site.asked("/2")) == 1


async def test_a_page_that_is_done_is_not_left_again(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    await held_by_another(tables, "pages.test")
    async with running(tables, feeds(site, tmp_path), settings=ROUNDS) as run:
        item = unpacked((await entry(tables)).item)
        await let_go(tables)
        await fetched(run)
    done = await entry(tables)
    async with tables.transaction() as connection:
        await leave(connection, item, datetime.now(UTC))
    assert await entry(tables) == done


async def test_a_visit_waits_for_the_holder_as_it_stands(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    """After a restart the page's domain is another process's; nobody here touches the visit until it is not."""
    settings = replace(FOLLOWED, domain_lease=ROUNDS.domain_lease, request_timeout=ROUNDS.request_timeout)
    async with running(tables, feeds(site, tmp_path), settings=settings) as run:
        await hear(run, alert_of(run.pages()[0], run))
        story = run.story
    (planned,) = await kept(tables)
    assert planned.domain == "pages.test" and planned.due > story.now()
    await held_by_another(tables, "pages.test")
    async with running(tables, feeds(site, tmp_path), settings=settings, story=story) as run:
        await run.advance(2 * MINUTES_5)
        await asyncio.sleep(1.0)  # rounds
        assert await kept(tables) == [planned]
        assert len(site.asked("/1")) == 1
        await let_go(tables)
        async with asyncio.timeout(20):
            while len(site.asked("/1")) == 1:
                await asyncio.sleep(0.05)


async def test_a_visit_to_a_domain_that_was_lost_is_put_back_as_it_was(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    async with running(tables, feeds(site, tmp_path), settings=FOLLOWED) as run:
        await hear(run, alert_of(run.pages()[0], run))
        story = run.story
    (planned,) = await kept(tables)
    async with running(tables, feeds(site, tmp_path), settings=FOLLOWED, story=story) as run:
        await held_by_another(tables, "pages.test")  # since the round at the start
        await run.advance(2 * MINUTES_5)
        assert await kept(tables) == [planned]
        assert len(site.asked("/1")) == 1


async def test_due_visits_elsewhere_are_nobody_elses(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    async with running(tables, feeds(site, tmp_path), settings=FOLLOWED) as run:
        await hear(run, alert_of(run.pages()[0], run))
    (planned,) = await kept(tables)
    async with tables.transaction() as connection:
        assert await row.next_due(connection, ["pages.test"]) is None
        assert await row.next_due(connection, ["x.test"]) == planned.due
        assert await row.claim_due(connection, planned.due, 8, (), ["pages.test"]) == []
        assert len(await row.claim_due(connection, planned.due, 8, (), ["x.test"])) == 1
