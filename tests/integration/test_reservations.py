"""tdmrep.json against a real server's request log: asked for once a day for the sites of articles, obeyed, kept over
restarts, and never in the way of a page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services import fetcher
from services.fetcher.manners.pace import Pace
from services.fetcher.manners.reservations import PLACE, Reservations
from shared import db
from shared.clock import SteppedClock
from shared.db import Database
from shared.http import Door
from shared.settings import replace
from tests.fakes.feed_site import FeedSite, feed_site, rss
from tests.fakes.origins import Names
from tests.integration.test_fetcher import QUICK, listed, running, source, stories
from tests.integration.test_robots import DAY, GUARD, START

ALL = json.dumps([{"location": "/", "tdm-reservation": 1}])
NONE: tuple[str, ...] = ()
RESERVED = ("tdm-reservation",)


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", Path(fetcher.__file__).parent / "migrations")
    return database


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


async def asks(tables: Database, site: FeedSite, after: timedelta = timedelta()) -> tuple[str, ...]:
    """The answer of a process that was just started."""
    names = Names({"a.test": [["127.0.0.1"]]})
    async with Door(user_agent="x", guard=GUARD, resolver=names, keep_alive=False) as door:
        clock = SteppedClock(START + after)
        asked = Reservations(door, Pace(clock, spacing=timedelta(), cap=5), tables, clock)
        return await asked.of(site.url("/1", host="a.test"))


async def test_a_file_is_asked_for_once_a_day_over_restarts(tables: Database, site: FeedSite) -> None:
    site.put(PLACE, ALL)
    assert await asks(tables, site) == RESERVED
    site.put(PLACE, status=404)
    assert await asks(tables, site, DAY - timedelta(minutes=1)) == RESERVED
    assert len(site.asked(PLACE)) == 1
    assert await asks(tables, site, DAY) == NONE
    assert await asks(tables, site, DAY + timedelta(hours=23)) == NONE
    assert len(site.asked(PLACE)) == 2, "a file that is not there is not asked for again either"


async def test_the_last_good_copy_holds_while_the_file_cannot_be_had(tables: Database, site: FeedSite) -> None:
    site.put(PLACE, ALL)
    assert await asks(tables, site) == RESERVED
    site.put(PLACE, status=503)
    assert await asks(tables, site, DAY) == RESERVED
    assert await asks(tables, site, DAY + timedelta(minutes=30)) == RESERVED
    assert len(site.asked(PLACE)) == 2
    site.put(PLACE, "[]")
    assert await asks(tables, site, DAY + timedelta(hours=1)) == NONE


async def test_a_file_that_was_never_had_reserves_nothing(tables: Database, site: FeedSite) -> None:
    site.put(PLACE, status=500)
    assert await asks(tables, site) == NONE


async def test_pages_tell_what_their_site_reserves(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1, 2)))
    site.put(PLACE, json.dumps([{"location": "/2", "tdm-reservation": 1}]))
    async with running(tables, listed(tmp_path, source(site.url("/feed")))) as run:
        told = {page.url.rpartition("/")[2]: page.reservations for page in run.pages()}
    assert told == {"1": NONE, "2": RESERVED}
    assert len(site.asked(PLACE)) == 1


@pytest.mark.parametrize("how", ["licensed", "switched off"])
async def test_nobody_asks_where_nobody_has_to(tables: Database, site: FeedSite, tmp_path: Path, how: str) -> None:
    site.put("/feed", rss(stories(site, 1)))
    site.put(PLACE, ALL)
    line = source(site.url("/feed"), **({"licensed": "true"} if how == "licensed" else {}))
    settings = replace(QUICK, reservations=how == "licensed")
    async with running(tables, listed(tmp_path, line), settings=settings) as run:
        (page,) = run.pages()
    assert page.reservations == NONE and page.source.licensed is (how == "licensed")
    assert not site.asked(PLACE)
