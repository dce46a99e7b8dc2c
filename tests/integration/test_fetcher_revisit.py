"""Articles fetched again while their story is live, against a real site: when, how politely, and what is published."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.fetcher import metrics
from services.fetcher.land import Landing
from services.fetcher.metrics import VisitOutcome
from services.fetcher.revisit import row as rows
from services.fetcher.revisit.plan import STORY_LIVES
from services.fetcher.sources import Edits
from services.fetcher.store import Changes
from services.fetcher.tables import PAUSES, REVISITS, ROBOTS
from shared import db, ids
from shared.bus import Record
from shared.clock import RealClock
from shared.codec import Trace, encode
from shared.db import Database
from shared.events import AlertKind, AlertRaised, ArticleReference, Language, Mode, PageFetched, Source
from shared.settings import replace
from shared.step import Work
from tests.fakes.fake_bus import FakeBus, FakePublisher
from tests.fakes.feed_site import Fault, FeedSite, feed_site, page, rss
from tests.integration.test_fetcher import HOUR, MIGRATIONS, QUICK, START, Run, listed, running, source, stories

FOLLOWED = replace(QUICK, poll_interval=timedelta(days=30), edits=Edits.FAST)
MINUTES_5 = timedelta(minutes=5)


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
    opened = db.open_database(f"sqlite:///{tmp_path}/revisit.db")
    await db.migrate(opened, "fetcher", MIGRATIONS)
    yield opened
    await opened.close()


def alert_of(
    fetched: PageFetched, run: Run, *, mode: Mode = Mode.LIVE, kind: AlertKind = AlertKind.MATCH
) -> AlertRaised:
    article = ArticleReference(
        id=f"article of {fetched.url}", url=fetched.final_url, title="T", source=fetched.source,
        language=Language(macro="hbs"),
    )  # fmt: skip
    return AlertRaised(
        id=ids.of("alert", fetched.url, run.story.now().isoformat()), observed=run.story.now(), kind=kind,
        rule_id="r", watch_id="w", story_id="story", headline="h", reason="r", article=article, mode=mode,
    )  # fmt: skip


async def hear(run: Run, *alerts: AlertRaised) -> None:
    """The alerts come over the consume loop."""
    (step,) = run.service.steps
    assert step.handle_batch is not None
    works = []
    for alert in alerts:
        message = encode(alert)
        record = Record(message.topic, 0, 0, 0, message.key, message.value or b"", message.headers)
        works.append(Work(alert, record, Trace.start(alert.id)))
    await step.handle_batch(works)
    await run.settled()


def visits(outcome: VisitOutcome) -> float:
    return float(metrics.REVISITS.labels(outcome)._value.get())


async def kept(database: Database) -> list[Any]:
    async with database.reading() as connection:
        return list(await connection.execute(sa.select(REVISITS)))


async def test_a_live_story_is_followed_and_a_change_is_published(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1, 2)))
    site.put("/1", page("Вест 1", "први текст"), etag='"a"', last_modified="Tue, 18 Mar 2025 11:00:00 GMT")
    async with running(tables, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        await run.advance(2 * HOUR)
        assert len(site.asked("/1")) == 1  # nobody was told of it yet
        first = next(one for one in run.pages() if one.url == site.url("/1"))
        await hear(run, alert_of(first, run))
        unchanged, changed = visits(VisitOutcome.UNCHANGED), visits(VisitOutcome.CHANGED)
        await run.advance(MINUTES_5)
        asked = site.asked("/1")[-1]
        assert (asked.headers["if-none-match"], asked.headers["if-modified-since"]) == (
            '"a"', "Tue, 18 Mar 2025 11:00:00 GMT",
        )  # fmt: skip
        assert visits(VisitOutcome.UNCHANGED) == unchanged + 1 and len(run.pages()) == 2
        site.put("/1", page("Друга вест 1", "други текст"), etag='"b"')
        await run.advance(2 * MINUTES_5)
        assert visits(VisitOutcome.CHANGED) == changed + 1
        await hear(run, alert_of(first, run, kind=AlertKind.EDIT))
        await run.advance(MINUTES_5)
        assert site.asked("/1")[-1].headers["if-none-match"] == '"b"'
    edited = run.pages()[-1]
    assert (edited.entry_id, edited.revisit, edited.article_id) == (first.entry_id, 2, f"article of {first.url}")
    assert edited.id == ids.page(first.entry_id, edited.body) != first.id
    assert (edited.observed, edited.mode) == (START + 2 * HOUR + 3 * MINUTES_5, Mode.LIVE)
    assert (edited.published, edited.entry) == (first.published, first.entry)
    assert len(site.asked("/2")) == 1  # no alert has named it


async def test_visits_go_on_after_a_restart_and_end_with_the_story(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)))
    path = listed(tmp_path, source(site.url("/feed")))
    bus = FakeBus()
    async with running(tables, path, settings=FOLLOWED, bus=bus) as run:
        await hear(run, alert_of(run.pages()[0], run))
        await run.advance(MINUTES_5)
    assert len(site.asked("/1")) == 2
    async with running(tables, path, settings=FOLLOWED, bus=bus, story=run.story) as run:
        await run.advance(2 * MINUTES_5)
        assert len(site.asked("/1")) == 3
        for _ in range(80):
            await run.advance()
        assert 9 <= len(site.asked("/1")) <= 12
        (row,) = await kept(tables)
        assert row.due is None and row.live_until == START + STORY_LIVES
        before = len(site.asked("/1"))
        await hear(run, alert_of(run.pages()[0], run))  # and told of again
        await run.advance(25 * HOUR)
        assert len(site.asked("/1")) == before + 1
    assert len(run.pages()) == 1  # the same body is published once


async def test_a_story_told_of_elsewhere_keeps_its_articles_followed(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1, 2)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        one, two = run.pages()
        await hear(run, alert_of(one, run))
        await run.advance(40 * HOUR)
        await hear(run, alert_of(two, run))
        (live,) = [row.live_until for row in await kept(sqlite) if row.url == one.url]
        assert live == START + 40 * HOUR + STORY_LIVES


@pytest.mark.parametrize(("setting", "stated", "asked"), [
    (Edits.OFF, {}, 1), (Edits.SLOW, {}, 1), (Edits.FAST, {}, 2), (Edits.OFF, {"edits": "fast"}, 2),
    (Edits.FAST, {"edits": "off"}, 1), (Edits.FAST, {"edits": "slow"}, 1),
])  # fmt: skip
async def test_sources_say_how_closely(
    sqlite: Database, site: FeedSite, tmp_path: Path, setting: Edits, stated: dict[str, str], asked: int
) -> None:
    site.put("/feed", rss(stories(site, 1)))
    path = listed(tmp_path, source(site.url("/feed"), **stated))
    async with running(sqlite, path, settings=replace(FOLLOWED, edits=setting)) as run:
        await hear(run, alert_of(run.pages()[0], run))
        await run.advance(MINUTES_5)
    assert len(site.asked("/1")) == asked


async def test_history_and_replays_are_not_followed(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss([*stories(site, 1, at=START - timedelta(days=2)), *stories(site, 2)]))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        old, new = sorted(run.pages(), key=lambda one: one.url)
        await hear(run, alert_of(old, run), alert_of(new, run, mode=Mode.REPLAY))
        await run.advance(HOUR)
    assert len(site.asked("/1")) == len(site.asked("/2")) == 1


GONE = {"410": 1, "404": 2, "home": 2}


@pytest.mark.parametrize("how", GONE)
async def test_a_page_that_is_gone_is_told_once(sqlite: Database, site: FeedSite, tmp_path: Path, how: str) -> None:
    site.put("/feed", rss(stories(site, 1)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        first = run.pages()[0]
        await hear(run, alert_of(first, run))
        site.put("/", page("Front", "page"))
        if how == "home":
            site.put("/1", status=302, location="/")
        else:
            site.put("/1", "gone", status=int(how))
        withdrawn = visits(VisitOutcome.WITHDRAWN)
        for _ in range(GONE[how]):
            assert len(run.pages()) == 1
            await run.advance(MINUTES_5)
        await run.advance(9 * HOUR)
        assert visits(VisitOutcome.WITHDRAWN) == withdrawn + 1
        (row,) = await kept(sqlite)
    gone = run.pages()[-1]
    assert len(run.pages()) == 2 and len(site.asked("/1")) == 1 + GONE[how]
    assert (gone.status, gone.body, gone.final_url, gone.article_id) == (410, b"", first.url, f"article of {first.url}")
    assert (row.ended, row.due) == ("withdrawn", None)


async def test_one_404_is_no_withdrawal(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        await hear(run, alert_of(run.pages()[0], run))
        site.put("/1", status=404)
        await run.advance(MINUTES_5)
        stories(site, 1)
        await run.advance(MINUTES_5)
        site.put("/1", status=404)
        await run.advance(2 * MINUTES_5)
    assert len(site.asked("/1")) == 4 and len(run.pages()) == 1


@pytest.mark.parametrize(("fault", "outcome"), [
    ({"status": 500}, VisitOutcome.FAILED), ({"status": 403}, VisitOutcome.FAILED), ({"body": ""}, VisitOutcome.FAILED),
    ({"status": 304}, VisitOutcome.FAILED), ({"status": 302, "location": "http://10.0.0.1/"}, VisitOutcome.REFUSED),
])  # fmt: skip
async def test_trouble_is_one_counted_outcome(
    sqlite: Database, site: FeedSite, tmp_path: Path, fault: dict[str, Any], outcome: VisitOutcome
) -> None:
    site.put("/feed", rss(stories(site, 1)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        await hear(run, alert_of(run.pages()[0], run))
        site.put("/1", **fault)
        before = {one: visits(one) for one in VisitOutcome}
        await run.advance(MINUTES_5)
        counted = {one: visits(one) - before[one] for one in VisitOutcome if visits(one) != before[one]}
    assert counted == {outcome: 1} and len(run.pages()) == 1


async def test_robots_are_asked_anew_and_a_pause_is_kept(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        await hear(run, alert_of(run.pages()[0], run))
        site.put("/1", status=429, retry_after="7200")
        await run.advance(MINUTES_5)
        assert len(site.asked("/1")) == 2
        await run.advance(HOUR)
        assert len(site.asked("/1")) == 2
    async with sqlite.transaction() as connection:
        await connection.execute(sa.delete(PAUSES))
        await connection.execute(sa.update(ROBOTS).values(rules="User-agent: *\nDisallow: /1"))
    denied = visits(VisitOutcome.ROBOTS_DENIED)
    path = listed(tmp_path, source(site.url("/feed")))
    async with running(sqlite, path, settings=FOLLOWED, story=run.story) as run:
        await run.advance(HOUR)
    assert visits(VisitOutcome.ROBOTS_DENIED) == denied + 1 and len(site.asked("/1")) == 2


async def test_a_source_that_left_the_file_is_not_visited(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    site.put("/rest", rss([]))
    rest = source(site.url("/rest"), name="rest")
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")), rest), settings=FOLLOWED) as run:
        await hear(run, alert_of(run.pages()[0], run))
    left = visits(VisitOutcome.LEFT)
    async with running(sqlite, listed(tmp_path, rest), settings=FOLLOWED, story=run.story) as run:
        await run.advance(HOUR)
    assert visits(VisitOutcome.LEFT) == left + 1 and len(site.asked("/1")) == 1


async def test_a_visit_cut_off_by_a_crash_is_made_again(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    path = listed(tmp_path, source(site.url("/feed")))
    with contextlib.suppress(asyncio.CancelledError):
        async with running(sqlite, path, settings=FOLLOWED) as run:
            await hear(run, alert_of(run.pages()[0], run))
            site.fault("/1", Fault.SILENCE)
            run.story.advance_to(START + MINUTES_5)
            async with asyncio.timeout(10):
                while len(site.asked("/1")) < 2:
                    await asyncio.sleep(0.005)
            (row,) = await kept(sqlite)
            assert row.due == START + MINUTES_5 + rows.CLAIM
            run.task.cancel()
    site.put("/1", page("Вест 1", "други текст"))
    async with running(sqlite, path, settings=FOLLOWED, story=run.story) as run:
        await run.advance(rows.CLAIM)
        assert len(run.pages()) == 1


async def test_what_nobody_was_told_of_is_forgotten_after_a_day(
    tables: Database, site: FeedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [
        rows.Revisit(entry_id=f"e{at}", source_id="s", url=f"u{at}", item=b"{}", seen=START + at * HOUR, body_hash="",
                     live_until=START + 99 * HOUR if at in (0, 4) else None)
        for at in range(6)
    ]  # fmt: skip
    async with tables.transaction() as connection:
        await rows.remember(connection, made)
        assert await rows.purge(connection, START + 2 * HOUR + rows.UNHEARD) == 1
    assert sorted(row.entry_id for row in await kept(tables)) == ["e0", "e2", "e3", "e4", "e5"]
    monkeypatch.setattr(rows, "MOST", 2)
    async with tables.transaction() as connection:
        assert await rows.purge(connection, START) == 1
    assert sorted(row.entry_id for row in await kept(tables)) == ["e0", "e3", "e4", "e5"]
    async with tables.transaction() as connection:
        await rows.purge(connection, START + 99 * HOUR + rows.HEARD + HOUR)
    assert await kept(tables) == []


async def test_two_processes_never_take_one_visit(tables: Database) -> None:
    made = [
        rows.Revisit(entry_id=f"e{at}", source_id="s", url=f"u{at}", item=b"{}", seen=START, body_hash="", due=START)
        for at in range(20)
    ]  # fmt: skip
    async with tables.transaction() as connection:
        await rows.remember(connection, made)

    async def taken() -> list[str]:
        async with tables.transaction() as connection:
            return [row.entry_id for row in await rows.claim_due(connection, START, 7, set())]

    found = await asyncio.gather(taken(), taken(), taken(), taken())
    names = [name for some in found for name in some]
    assert len(names) == len(set(names)) == 20


async def test_a_page_of_a_full_text_feed_is_not_followed(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    long = rss([*stories(site, 1)]).replace("</item>", f"<content:encoded>{'т' * 40_000}</content:encoded></item>")
    site.put("/feed", long)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=FOLLOWED) as run:
        assert len(run.pages()) == 1
        assert await kept(sqlite) == []


async def test_a_page_is_remembered_before_an_alert_of_it_can_come(tables: Database) -> None:
    publisher = FakePublisher()
    publisher.gate.clear()
    landing = Landing(publisher, tables, RealClock())
    made = rows.Revisit(entry_id="e", source_id="s", url="u", item=b"{}", seen=START, body_hash="")
    fetched = PageFetched(
        id="p", observed=START, entry_id="e", source=Source(id="s", name="S"), url="u", final_url="u", status=200,
        body=b"",
    )  # fmt: skip
    landed = asyncio.create_task(landing.land(fetched, Changes(remembered=made)))
    async with asyncio.timeout(10):
        while not await kept(tables):
            await asyncio.sleep(0.005)
    assert not landed.done() and publisher.messages == []
    publisher.gate.set()
    assert await landed and len(await kept(tables)) == 1
