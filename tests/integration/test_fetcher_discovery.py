"""Articles told again by a real site, over restarts: one page fetch, one PageFetched, one counted outcome each."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace as changed
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.fetcher import metrics
from services.fetcher.entries.discover import Look
from services.fetcher.entries.recall import Recall
from services.fetcher.manners.reservations import PLACE
from services.fetcher.metrics import PageOutcome, ToldAgain
from services.fetcher.read.feed import Feed, FeedEntry
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source
from services.fetcher.tables import ENTRIES, KEYS
from shared import db
from shared.db import Database
from shared.events import CheckOutcome, Mode
from shared.settings import replace
from tests.fakes.feed_site import FeedSite, Story, feed_site, page, rss
from tests.fakes.hub import hub
from tests.integration.test_fetcher import (
    HOUR,
    MIGRATIONS,
    QUICK,
    START,
    Run,
    counted,
    listed,
    running,
    source,
    stories,
)
from tests.integration.test_fetcher_push import put_feed, subscribed

TITLE = "Вучић одговорио на декларацију потписану у Тирани"
TEXT = "Министри три земље потписали су је у уторак у Тирани, а Београд је одговорио. " * 4
PATH = "/vesti/4065432-vucic-o-deklaraciji"


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    opened = db.open_database(f"sqlite:///{tmp_path}/discovery.db")
    await db.migrate(opened, "fetcher", MIGRATIONS)
    yield opened
    await opened.close()


def story(site: FeedSite, path: str = PATH, *, guid: str = "g1", title: str = TITLE, text: str = TEXT) -> Story:
    site.put(path.partition("#")[0], page(title, text))
    return Story(title, site.url(path), START, guid=guid, summary=text)


def pages_asked(site: FeedSite) -> list[str]:
    others = ("/feed", "/robots.txt", PLACE, "/older")
    return [asked.path for asked in site.requests if not asked.path.startswith(others)]


def others(site: FeedSite) -> list[Story]:
    """Older articles with numbers of their own: they show that the numbers of the source are articles'."""
    old = START - timedelta(days=3)
    numbered = [story(site, f"/older/{406_001 + n}-tekst-broj", guid=f"o{n}", title=f"Т{n}", text="") for n in range(4)]
    return [changed(one, published=old) for one in numbered]


def live(run: Run) -> list[str]:
    """The guids of the pages that are no history."""
    return [fetched.entry.guid for fetched in run.pages() if fetched.mode is Mode.LIVE]


def told(how: ToldAgain) -> float:
    return float(metrics.TOLD_AGAIN.labels(how)._value.get())


async def outcomes(database: Database) -> Counter[str]:
    async with database.reading() as connection:
        return Counter((await connection.scalars(sa.select(ENTRIES.c.outcome))).all())


def again(site: FeedSite, case: str) -> Story:
    """The story told again."""
    first = story(site)
    later = {
        "another date": lambda: changed(first, published=START + HOUR),
        "another slug": lambda: story(site, "/vesti/dopunjeno"),
        "another guid": lambda: changed(first, guid="g2"),
        "no guid": lambda: changed(first, guid=""),
        "tracked": lambda: story(site, f"{PATH}?utm_source=rss&utm_medium=feed", guid="g2", title="Друго"),
        "fragment": lambda: story(site, f"{PATH}#komentari", guid="g2", title="Друго"),
        "renumbered": lambda: story(site, "/novo/77-vucic", guid="g2"),
    }
    return later[case]()


CASES = {
    "another date": ToldAgain.REDATED,
    "another slug": ToldAgain.READDRESSED,
    "another guid": ToldAgain.ADDRESS,
    "no guid": ToldAgain.ADDRESS,
    "tracked": ToldAgain.ADDRESS,
    "fragment": ToldAgain.ADDRESS,
    "renumbered": ToldAgain.CONTENT,
}


@pytest.mark.parametrize("case", CASES)
async def test_an_article_told_again_is_fetched_once_also_after_a_restart(
    tables: Database, site: FeedSite, tmp_path: Path, case: str
) -> None:
    site.put("/feed", rss([story(site)]))
    path, how = listed(tmp_path, source(site.url("/feed"))), CASES[case]
    copies, recognised = counted(PageOutcome.COPY), told(how)
    async with running(tables, path) as run:
        assert len(run.pages()) == 1
    site.put("/feed", rss([again(site, case)]))
    async with running(tables, path, story=run.story, bus=run.bus) as run:
        await run.advance()
        await run.advance()
    assert len(run.pages()) == 1 and pages_asked(site) == [PATH]
    assert [check.new_entries for check in run.checks()] == [1, 0, 0]
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.UNCHANGED, CheckOutcome.UNCHANGED]
    new = how in (ToldAgain.ADDRESS, ToldAgain.CONTENT)
    assert told(how) == recognised + 1 and counted(PageOutcome.COPY) == copies + new
    assert await outcomes(tables) == Counter({"published": 1, **({"copy": 1} if new else {})})


@pytest.mark.parametrize("case", [case for case, how in CASES.items() if how is not ToldAgain.REDATED])
async def test_one_body_may_tell_it_twice(sqlite: Database, site: FeedSite, tmp_path: Path, case: str) -> None:
    site.put("/feed", rss([story(site), again(site, case)]))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        await run.advance()
    assert len(run.pages()) == 1 and len(pages_asked(site)) == 1
    assert [check.new_entries for check in run.checks()] == [1, 0]


async def test_the_number_in_an_address_is_the_articles_where_a_source_numbers_them(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    def renamed() -> Story:
        return story(site, "/vesti/4065432-dopunjeno-izdanje", guid="g2", title="Друго")

    site.put("/feed", rss([story(site), *others(site)]))
    path, recognised = listed(tmp_path, source(site.url("/feed"))), told(ToldAgain.NUMBER)
    async with running(sqlite, path) as run:
        await run.advance()
    site.put("/feed", rss([renamed(), *others(site)]))
    async with running(sqlite, path, story=run.story, bus=run.bus) as run:
        await run.advance()
    assert live(run) == ["g1"] and pages_asked(site) == [PATH] and told(ToldAgain.NUMBER) == recognised + 1


async def test_the_second_article_of_a_numbered_section_is_fetched(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    first, second = "/tema/123456/prvi-tekst-o-savezu", "/tema/123456/drugi-tekst-o-savezu"
    site.put("/feed", rss([story(site, first, title="Један")]))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        site.put("/feed", rss([story(site, second, guid="g2", title="Други")]))
        await run.advance()
        await run.advance()
    assert pages_asked(site) == [first, second]


async def test_live_blogs_and_teasers_that_come_again_are_two(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss([story(site, "/uzivo/a", title="Уживо")]))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        blog = story(site, "/uzivo/b", guid="g2", title="Уживо")
        column = [story(site, f"/c{day}", guid=f"c{day}", text="Шта вам звезде доносе") for day in (1, 2)]
        site.put("/feed", rss([blog, *column]))
        await run.advance()
    assert sorted(pages_asked(site)) == ["/c1", "/c2", "/uzivo/a", "/uzivo/b"] and len(run.pages()) == 4


async def test_two_sources_that_link_to_one_address_have_an_entry_each(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss([story(site)]))
    site.put("/feed2", rss(stories(site, 7)))
    both = listed(tmp_path, source(site.url("/feed")), source(site.url("/feed2"), name="two"))
    async with running(sqlite, both) as run:
        site.put("/feed2", rss([*stories(site, 7), story(site)]))
        await run.advance()
    both_of = [fetched for fetched in run.pages() if fetched.url == site.url(PATH)]
    assert [fetched.source.id for fetched in both_of] == ["one", "two"]
    assert len({fetched.entry_id for fetched in both_of}) == 2


async def test_what_another_process_did_not_let_us_write_is_found_again(sqlite: Database) -> None:
    recall, one = Recall(sqlite), Source(id="one", name="One", url="https://e.test/feed")
    feed = Feed(kind="rss", entries=(FeedEntry(id="g1", link="/a", title=TITLE, published=START),))
    look = Look(START, START, first=False, live=timedelta(days=1), seed=True)
    seen = await recall.look(one, feed, one.url, look)
    recall.keep(one.id, seen)  # and not written: the lease was another's by then
    assert len(seen.found) == 1 and not (await recall.look(one, feed, one.url, look)).found
    recall.forget(one.id)
    assert len((await recall.look(one, feed, one.url, look)).found) == 1


async def test_what_was_lost_is_fetched_where_it_is_told_again(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    wrong = story(site)
    site.put(PATH, status=404)
    site.put("/feed", rss([wrong, *others(site)]))
    settings = replace(QUICK, page_attempts=1)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=settings) as run:
        await run.advance()
        assert live(run) == []
        site.put("/feed", rss([wrong, story(site, "/vesti/4065432-ispravljeno", guid="g2"), *others(site)]))
        await run.advance()
        await run.advance()
    assert live(run) == ["g2"]
    assert pages_asked(site) == [PATH, "/vesti/4065432-ispravljeno"]


async def test_entries_of_before_the_names_get_theirs_with_the_next_body(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss([story(site)]))
    path = listed(tmp_path, source(site.url("/feed")))
    async with running(sqlite, path) as run:
        pass
    async with sqlite.transaction() as connection:
        await connection.execute(sa.delete(KEYS))
    async with running(sqlite, path, story=run.story, bus=run.bus) as run:
        site.put("/feed", rss([story(site), *stories(site, 7)]))
        await run.advance()
        site.put("/feed", rss([again(site, "another guid"), *stories(site, 7)]))
        await run.advance()
    assert pages_asked(site) == [PATH, "/7"] and len(run.pages()) == 2


async def test_a_push_that_tells_an_article_again_brings_nothing(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    copies = counted(PageOutcome.COPY)
    async with hub() as one, subscribed(sqlite, site, one, tmp_path) as pushed:
        retold = put_feed(site, one, 1).replace("g1", "g2")
        assert await one.push(retold) == 202
        assert await one.push(put_feed(site, one, 3)) == 202
        await pushed.run.settled()
        site.put("/feed", retold)
        await pushed.run.advance(6 * HOUR)
    assert [fetched.entry.guid for fetched in pushed.run.pages()] == ["g1", "g3"]
    assert counted(PageOutcome.COPY) == copies + 1 and await outcomes(sqlite) == Counter({"published": 2, "copy": 1})


# -- all entries, and those that are no news ----------------------------------------------------------------------


async def test_every_entry_is_read_and_the_history_of_a_new_source_is_silent(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    old = stories(site, *range(1, 41), at=START - timedelta(days=2))
    site.put("/feed", rss([*stories(site, 41), *old]))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        pass
    assert Counter(fetched.mode for fetched in run.pages()) == {Mode.LIVE: 1, Mode.BACKFILL: 40}
    assert run.pages()[0].mode is Mode.LIVE and len(set(pages_asked(site))) == 41


async def test_undated_future_and_very_old_entries_are_flagged(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        ahead = stories(site, 2, at=START + timedelta(days=3))
        ancient = stories(site, 3, at=START - timedelta(days=800))
        bare = [changed(one, published=None) for one in stories(site, 4)]
        site.put("/feed", rss([*ahead, *ancient, *bare]))
        await run.advance()
    flagged = {fetched.entry.guid: (fetched.entry.flags, fetched.mode) for fetched in run.pages()}
    assert flagged == {
        "g1": ((), Mode.LIVE), "g2": (("future",), Mode.LIVE), "g3": (("old",), Mode.BACKFILL),
        "g4": (("undated",), Mode.LIVE),
    }  # fmt: skip


@pytest.mark.parametrize(("content", "asked"), [("feed", []), ("page", ["/a"])])
async def test_whether_a_full_text_needs_its_page_is_a_setting(
    sqlite: Database, site: FeedSite, tmp_path: Path, content: str, asked: list[str]
) -> None:
    site.put("/a", page("А", "са странице"))
    site.put("/feed", rss([Story("А", site.url("/a"), START, content="<p>цео текст</p>")]))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"), content=content))) as run:
        (fetched,) = run.pages()
    assert pages_asked(site) == asked and ("цео текст".encode() in fetched.body) == (content == "feed")


async def test_history_may_be_remembered_and_its_copies_stay_unfetched(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    old = changed(story(site), published=START - timedelta(days=2))
    site.put("/feed", rss([old]))
    settings: FetcherSettings = replace(QUICK, seed=False)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=settings) as run:
        site.put("/feed", rss([changed(again(site, "another guid"), published=START)]))
        await run.advance()
    assert pages_asked(site) == [] and run.pages() == []
    assert await outcomes(sqlite) == Counter({"remembered": 1, "copy": 1})
