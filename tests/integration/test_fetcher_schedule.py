"""When a running fetcher polls: by rhythm and budget, sooner for hot stories, never before a server's wish."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from services.fetcher.plan.heat import CARRIED, FORGOTTEN, HOTTEST, Heat, HeatOutcome
from services.fetcher.plan.schedule import SHORTEST_WAIT, Decider
from services.fetcher.settings import FetcherSettings
from services.fetcher.tables import HEAT, SOURCES
from shared import db
from shared.bus import Record
from shared.bus.embedded import EmbeddedBus
from shared.clock import RealClock, SteppedClock
from shared.codec import Trace, encode
from shared.consume import ConsumeLoop
from shared.db import Database
from shared.errors import Misconfigured
from shared.events import AlertKind, AlertRaised, AlertState, Mode
from shared.events import Source as SourceFacts
from shared.settings import replace
from shared.step import Work
from shared.topics import ALERTS_RAISED, all_specs
from tests.fakes.alerts import alert
from tests.fakes.feed_site import FeedSite, Story, feed_site, page, rss
from tests.fakes.fixtures_db import SHARED_MIGRATIONS
from tests.integration.test_fetcher import MIGRATIONS, QUICK, START, Run, listed, running, source

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RHYTHMIC = replace(QUICK, poll_interval=timedelta(), polls_per_day=24.0)


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


def published(site: FeedSite, name: str, count: int, *, every: timedelta, until: datetime = START) -> None:
    """A feed whose entries were published at even distances until then."""
    moments = [until - every * number for number in range(count)]
    for moment in moments:
        site.put(f"/{name}-{moment:%d%H%M}", page("Вест", "текст"))
    entries = [
        Story(f"Вест {at:%d%H%M}", site.url(f"/{name}-{at:%d%H%M}"), at, guid=f"{name}{at:%d%H%M}") for at in moments
    ]
    site.put(f"/{name}", rss(entries))


def two(site: FeedSite, folder: Path, **more: str) -> Path:
    published(site, "busy", 40, every=HOUR / 2)
    published(site, "quiet", 20, every=DAY)
    names = ("busy", "quiet")
    return listed(folder, *(source(site.url(f"/{name}"), name=name, **more) for name in names))


async def until(run: Run, end: datetime) -> None:
    """Let the story clock run, from one sleeper to the next."""
    while (wake := run.story.next_wake()) is not None and wake <= end:
        run.story.advance_to(wake)
        await run.settled()
    run.story.advance_to(end)
    await run.settled()


async def rows(database: Database) -> dict[str, Any]:
    async with database.reading() as connection:
        return {row.source_id: row for row in await connection.execute(sa.select(SOURCES))}


def polled(run: Run, name: str) -> list[datetime]:
    return [check.observed for check in run.checks() if check.source.id == name]


# -- rhythm -------------------------------------------------------------------------------------------------------


async def test_who_publishes_more_is_polled_more_within_the_budget(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    async with running(tables, two(site, tmp_path), settings=RHYTHMIC) as run:
        await until(run, START + DAY)
    busy, quiet = len(polled(run, "busy")), len(polled(run, "quiet"))
    assert busy > 2.5 * quiet > 0
    assert 2 * 24 * 0.8 <= busy + quiet <= 2 * 24 * 1.2
    waits = [two - one for one, two in zip(polled(run, "busy"), polled(run, "busy")[1:], strict=False)]
    assert min(waits) >= SHORTEST_WAIT
    assert {row.decided_by for row in (await rows(tables)).values()} == {Decider.RHYTHM}


async def test_a_restart_plans_as_if_there_had_been_none(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    listing = two(site, tmp_path)
    async with running(tables, listing, settings=RHYTHMIC) as run:
        await until(run, START + 6 * HOUR)
    due = {name: row.next_due for name, row in (await rows(tables)).items()}
    assert all(moment > START + 6 * HOUR for moment in due.values())
    async with running(tables, listing, settings=RHYTHMIC, story=SteppedClock(START + 6 * HOUR)) as again:
        assert again.checks() == []
        await until(again, max(due.values()))
    assert {name: polled(again, name)[0] for name in due} == due


async def test_the_servers_wish_is_longer_than_any_rhythm(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    listing = two(site, tmp_path)
    published(site, "busy", 40, every=timedelta(minutes=1))
    body = site._answers["", "/busy"].body
    site.put("/busy", body, cache_control="max-age=7200")
    async with running(tables, listing, settings=RHYTHMIC) as run:
        await until(run, START + 9 * HOUR)
    assert polled(run, "busy") == [START + 2 * HOUR * number for number in range(5)]
    assert (await rows(tables))["busy"].decided_by == Decider.SERVER


async def test_a_stated_interval_is_fixed(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    async with running(tables, two(site, tmp_path, interval="3h"), settings=RHYTHMIC) as run:
        await until(run, START + 9 * HOUR)
    assert polled(run, "busy") == polled(run, "quiet") == [START + 3 * HOUR * number for number in range(4)]
    assert (await rows(tables))["busy"].decided_by == Decider.STATED


@pytest.mark.parametrize("polls", [0.0, -1.0, 721.0])
async def test_a_budget_that_cannot_be_is_refused(
    tables: Database, site: FeedSite, tmp_path: Path, polls: float
) -> None:
    with pytest.raises(Misconfigured, match="WIREWATCH_POLLS_PER_DAY is"):
        async with running(tables, two(site, tmp_path), settings=FetcherSettings(polls_per_day=polls)):
            pass


# -- hot stories --------------------------------------------------------------------------------------------------


def raised(name: str, at: datetime, *, story: str = "story", **changes: Any) -> AlertRaised:
    made = alert(story_id=story, observed=at, **changes)
    return msgspec.structs.replace(
        made, article=msgspec.structs.replace(made.article, source=SourceFacts(id=name, name=name))
    )


async def heard(heat: Heat, *alerts: AlertRaised) -> list[HeatOutcome]:
    handle = heat.step().handle_batch
    assert handle is not None
    works = [Work(one, Record("alerts", 0, 0, 0, None, None), Trace.start(one.id)) for one in alerts]
    return [HeatOutcome(outcome.label) for outcome in await handle(works)]


async def tell(run: Run, *alerts: AlertRaised) -> list[HeatOutcome]:
    """What the consume loop would do with these alerts."""
    (step,) = run.service.steps
    assert step.handle_batch is not None
    works = [Work(one, Record("alerts", 0, 0, 0, None, None), Trace.start(one.id)) for one in alerts]
    outcomes = await step.handle_batch(works)
    await run.settled()
    return [HeatOutcome(outcome.label) for outcome in outcomes]


async def test_a_source_with_a_hot_story_is_polled_faster_for_a_while(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    async with running(tables, two(site, tmp_path), settings=RHYTHMIC) as run:
        await until(run, START + 12 * HOUR)
        before = polled(run, "quiet")
        now = run.story.now()
        assert await tell(run, raised("quiet", now)) == [HeatOutcome.HEATED]
        await until(run, now + HOUR)
        hot = (await rows(tables))["quiet"].decided_by
        await until(run, now + DAY)
        after = polled(run, "quiet")[len(before) :]
    usual = len(before) / 12
    in_two_hours = sum(at <= now + 2 * HOUR for at in after)
    in_the_end = sum(at > now + FORGOTTEN for at in after)
    assert in_two_hours >= 2 * 2 * usual
    assert in_the_end <= 1.6 * usual * 12
    assert hot == Decider.HOT_STORY and (await rows(tables))["quiet"].decided_by == Decider.RHYTHM


async def test_heat_outlives_a_restart_and_keeps_to_servers_wishes(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    listing = two(site, tmp_path)
    site.put("/quiet", site._answers["", "/quiet"].body, cache_control="max-age=1800")
    async with running(tables, listing, settings=RHYTHMIC) as run:
        due = (await rows(tables))["quiet"].next_due
        assert due > START + HOUR
        await tell(run, raised("quiet", START))
    async with running(tables, listing, settings=RHYTHMIC) as again:
        assert again.checks() == []
        await until(again, due)
        assert START + HOUR / 2 <= polled(again, "quiet")[0] < due


async def test_alerts_that_are_no_news_heat_nothing(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    async with running(tables, two(site, tmp_path), settings=RHYTHMIC) as run:
        assert await tell(
            run,
            raised("quiet", START, mode=Mode.BACKFILL),
            raised("quiet", START, state=AlertState.RESOLVED),
            raised("quiet", START, kind=AlertKind.SILENCE),
            raised("quiet", START - FORGOTTEN),
        ) == [HeatOutcome.NOT_LIVE, HeatOutcome.NO_NEWS, HeatOutcome.NO_NEWS, HeatOutcome.LATE]
    async with tables.reading() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(HEAT)) == 0


async def test_a_stated_interval_knows_no_heat(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    async with running(tables, two(site, tmp_path, interval="3h"), settings=RHYTHMIC) as run:
        await tell(run, raised("quiet", START), raised("unheard-of", START))
        await until(run, START + 6 * HOUR)
    assert polled(run, "quiet") == [START, START + 3 * HOUR, START + 6 * HOUR]


async def test_all_who_carried_a_story_in_the_last_day_are_hot(tables: Database) -> None:
    clock = SteppedClock(START)
    heat = Heat(tables, clock)
    await heard(heat, raised("one", START), raised("other", START, story="another"))
    assert heat.of("one", START) == HOTTEST and heat.of("two", START) == 1.0
    assert heat.of("one", START + 2 * HOUR) == 1 + (HOTTEST - 1) / 2
    clock.advance_to(START + 20 * HOUR)
    await heard(heat, raised("two", clock.now()))
    assert {name: heat.of(name, clock.now()) for name in ("one", "two", "other")} == {
        "one": HOTTEST, "two": HOTTEST, "other": 1.0,
    }  # fmt: skip
    clock.advance_to(START + CARRIED + HOUR)
    await heard(heat, raised("two", clock.now()), raised("two", clock.now()))
    assert heat.of("one", clock.now()) < HOTTEST == heat.of("two", clock.now())
    again = Heat(tables, clock)
    async with tables.reading() as connection:
        await again.load(connection)
    now = clock.now()
    assert [again.of(name, now) for name in ("one", "two")] == [heat.of(name, now) for name in ("one", "two")]
    assert sorted(again.hot(now)) == ["one", "two"]
    clock.advance_to(START + 3 * DAY)
    await heard(heat, raised("three", clock.now()))
    async with tables.reading() as connection:
        assert set(await connection.scalars(sa.select(HEAT.c.source_id))) == {"three"}  # what is long cold is deleted


async def test_what_another_process_heard_is_felt_here(postgres_url: str, site: FeedSite, tmp_path: Path) -> None:
    opened = db.open_database(postgres_url)
    await db.migrate(opened, "shared", SHARED_MIGRATIONS)
    await db.migrate(opened, "fetcher", MIGRATIONS)
    published(site, "quiet", 20, every=DAY)
    often = replace(RHYTHMIC, sources_reload=timedelta(milliseconds=20))
    async with running(opened, listed(tmp_path, source(site.url("/quiet"), name="quiet")), settings=often) as run:
        usual = run.story.next_wake()
        await heard(Heat(opened, run.story), raised("quiet", START))
        async with asyncio.timeout(20):
            while run.story.next_wake() == usual:
                await asyncio.sleep(0.01)
        sooner = run.story.next_wake()
    assert usual is not None and sooner is not None and sooner - START < (usual - START) / 2
    await opened.close()


async def test_alerts_on_the_log_are_heard(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    bus = await EmbeddedBus.open(tmp_path / "log.db")
    await bus.ensure_topics(all_specs())
    publisher = await bus.publisher()
    await publisher.publish([encode(raised("quiet", START)), encode(raised("busy", START, mode=Mode.BACKFILL))])
    async with running(tables, two(site, tmp_path), settings=RHYTHMIC) as run:
        (step,) = run.service.steps
        usual, stop = (await rows(tables))["quiet"].next_due, asyncio.Event()
        consuming = asyncio.create_task(ConsumeLoop(step, bus=bus, real=RealClock(), database=tables).run(stop))
        async with asyncio.timeout(20):
            while sum(lag.records for lag in await bus.lag("fetcher", [ALERTS_RAISED.name])):
                await asyncio.sleep(0.02)
        stop.set()
        await consuming
        await until(run, START + HOUR)
        assert polled(run, "quiet")[1] < usual - HOUR / 2
    await publisher.close()
    await bus.close()
