"""The fetcher against a real site on loopback: what it asks, what it publishes, and what it survives."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services import fetcher
from services.fetcher import metrics
from services.fetcher.app import build
from services.fetcher.metrics import PageOutcome
from services.fetcher.settings import FetcherSettings
from services.fetcher.tables import ENTRIES, SOURCES
from shared import db
from shared.clock import Clock, RealClock, SteppedClock
from shared.db import Database
from shared.events import CheckOutcome, Mode, PageFetched, SourceChecked
from shared.http import Door, FailureKind, Guard
from shared.run import Parts, Service
from shared.settings import replace
from tests.fakes.fake_bus import FakeBus
from tests.fakes.feed_site import Fault, FeedSite, Loopback, Story, atom, feed_site, json_feed, page, rss

START = datetime(2025, 3, 18, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GUARD = Guard((ip_network("127.0.0.0/8"),))
MIGRATIONS = Path(fetcher.__file__).parent / "migrations"
QUICK = FetcherSettings(
    poll_interval=HOUR, poll_spread=timedelta(), poll_jitter=0.0, spacing=timedelta(), sources_reload=timedelta(),
    page_attempts=3, page_retry=timedelta(milliseconds=20), request_timeout=timedelta(seconds=1),
)  # fmt: skip


@dataclass
class Run:
    """A fetcher at work. `advance` moves the story clock and waits until everything it caused is done."""

    service: Service
    bus: FakeBus
    story: SteppedClock
    stop: asyncio.Event
    task: asyncio.Future[None]

    async def settled(self) -> None:
        async with asyncio.timeout(20):
            while self.service.busy() and not self.task.done():
                await asyncio.sleep(0.002)
        if self.task.done():
            await self.task

    async def advance(self, by: timedelta = HOUR) -> None:
        self.story.advance_to(self.story.now() + by)
        await self.settled()

    async def end(self) -> None:
        self.stop.set()
        await self.task

    def checks(self) -> list[SourceChecked]:
        return self.bus.writer.events(SourceChecked)

    def pages(self) -> list[PageFetched]:
        return self.bus.writer.events(PageFetched)

    def outcomes(self) -> list[CheckOutcome]:
        return [check.outcome for check in self.checks()]


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


def listed(folder: Path, *sources: str) -> Path:
    path = folder / "sources.yaml"
    path.write_text("\n".join(sources), encoding="utf-8")
    return path


def source(url: str, *, name: str = "one", **more: str) -> str:
    lines = [f"- id: {name}", f"  name: {name.title()}", f"  url: {url}", "  language: sr"]
    return "\n".join([*lines, *(f"  {key}: {value}" for key, value in more.items())])


@contextlib.asynccontextmanager
async def running(
    database: Database,
    sources: Path,
    *,
    bus: FakeBus | None = None,
    story: SteppedClock | None = None,
    real: Clock | None = None,
    guard: Guard = GUARD,
    settings: FetcherSettings = QUICK,
) -> AsyncIterator[Run]:
    bus, story = bus or FakeBus(), story or SteppedClock(START)
    async with Door(user_agent="Wirewatch/test", guard=guard, resolver=Loopback()) as door:
        parts = Parts(bus=bus, database=database, door=door, story=story, real=real or RealClock())  # type: ignore[arg-type]  # a bus that only writes
        service = await build(replace(settings, sources_file=sources), parts)
        stop = asyncio.Event()
        task = asyncio.ensure_future(service.tasks["poll"](stop))
        run = Run(service, bus, story, stop, task)
        try:
            await run.settled()
            yield run
        finally:
            stop.set()
            await asyncio.wait([task])
    await task


def counted(outcome: PageOutcome) -> float:
    return float(metrics.PAGES.labels(outcome)._value.get())


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """The log lines of that event so far."""
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in lines if line["event"] == event]


def stories(site: FeedSite, *numbers: int, at: datetime = START, host: str = "127.0.0.1") -> list[Story]:
    for number in numbers:
        site.put(f"/{number}", page(f"Вест {number}", "текст " * 20), content_language="sr", x_robots_tag="noarchive")
    return [Story(f"Вест {number}", site.url(f"/{number}", host=host), at, guid=f"g{number}") for number in numbers]


# -- the way of one article ---------------------------------------------------------------------------------------


async def test_new_entries_are_fetched_and_published_once(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1, 2)))
    async with running(tables, listed(tmp_path, source(site.url("/feed")))) as run:
        assert run.outcomes() == [CheckOutcome.FRESH]
        assert {fetched.url for fetched in run.pages()} == {site.url("/1"), site.url("/2")}
        site.put("/feed", rss(stories(site, 1, 2, 3)))
        await run.advance()
        await run.advance()
    one = run.pages()[0]
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.FRESH, CheckOutcome.UNCHANGED]
    assert [check.new_entries for check in run.checks()] == [2, 1, 0]
    assert len(run.pages()) == 3 and len(site.asked("/1")) == 1
    assert one.headers == {
        "content-type": "text/html; charset=utf-8", "content-language": "sr", "x-robots-tag": "noarchive"
    }  # fmt: skip
    assert (one.observed, one.mode, one.status, one.truncated) == (START, Mode.LIVE, 200, False)
    assert one.published is not None and (one.published.at, one.published.origin) == (START, "feed")
    assert one.ledger.seen is not None and one.ledger.fetched is not None and one.ledger.seen <= one.ledger.fetched
    assert "текст".encode() in one.body


async def test_every_kind_of_feed(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/rss", rss(stories(site, 1)))
    site.put("/atom", atom(stories(site, 2)))
    site.put("/json", json_feed(stories(site, 3)))
    kinds = [source(site.url(f"/{kind}"), name=kind, kind=kind) for kind in ("rss", "atom", "json")]
    async with running(tables, listed(tmp_path, *kinds)) as run:
        assert {fetched.source.id: fetched.entry.title for fetched in run.pages()} == {
            "rss": "Вест 1", "atom": "Вест 2", "json": "Вест 3",
        }  # fmt: skip


async def test_the_text_may_come_from_the_feed(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss([Story("A", site.url("/a"), START, content="<p>цео текст</p>")]))
    async with running(tables, listed(tmp_path, source(site.url("/feed"), content="feed"))) as run:
        (fetched,) = run.pages()
    assert "<p>цео текст</p>".encode() in fetched.body
    assert not site.asked("/a")


async def test_history_is_backfill(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    old = stories(site, 1, at=START - timedelta(hours=25))
    undated = [Story("Вест 3", site.url("/3"))]
    site.put("/3", page("Вест 3", "x"))
    site.put("/feed", rss([*old, *stories(site, 2), *undated]))
    async with running(tables, listed(tmp_path, source(site.url("/feed")))) as run:
        modes = {fetched.entry.title: fetched.mode for fetched in run.pages()}
        assert modes == {"Вест 1": Mode.BACKFILL, "Вест 2": Mode.LIVE, "Вест 3": Mode.BACKFILL}
        site.put("/4", page("Вест 4", "x"))
        site.put("/feed", rss([Story("Вест 4", site.url("/4"))]))
        await run.advance()
    assert run.pages()[-1].mode is Mode.LIVE and run.pages()[-1].entry.flags == ("undated",)


async def test_history_may_only_be_remembered(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss([*stories(site, 1, at=START - timedelta(days=2)), *stories(site, 2)]))
    before = counted(PageOutcome.REMEMBERED)
    settings = replace(QUICK, seed=False)
    async with running(tables, listed(tmp_path, source(site.url("/feed"))), settings=settings) as run:
        await run.advance()
    assert [fetched.entry.title for fetched in run.pages()] == ["Вест 2"]
    assert counted(PageOutcome.REMEMBERED) == before + 1 and not site.asked("/1")


# -- conditional requests -----------------------------------------------------------------------------------------

TAG = 'W/"a-gzip;  \\b"'
DATE = "Tue, 18 Mar 2025 11:00:00 +0000"


async def test_validators_go_back_byte_for_byte_also_after_a_restart(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE)
    path = listed(tmp_path, source(site.url("/feed")))
    async with running(tables, path) as run:
        await run.advance()
    async with running(tables, path, story=run.story, bus=run.bus) as run:
        assert len(site.asked("/feed")) == 2  # never sooner after a restart
        await run.advance()
    first, second, third = site.asked("/feed")
    assert "if-none-match" not in first.headers and "if-modified-since" not in first.headers
    for asked in (second, third):
        assert (asked.headers["if-none-match"], asked.headers["if-modified-since"]) == (TAG, DATE)
        assert "referer" not in asked.headers and "cookie" not in asked.headers
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.NOT_MODIFIED, CheckOutcome.NOT_MODIFIED]
    assert len(run.pages()) == 1


async def test_validators_that_are_gone_are_forgotten(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE)
    async with running(tables, listed(tmp_path, source(site.url("/feed")))) as run:
        site.put("/feed", rss(stories(site, 1, 2)), last_modified="Tue, 18 Mar 2025 12:30:00 GMT")
        await run.advance()
        site.put("/feed", b"oops", status=500, etag='"error"')
        await run.advance()
        await run.advance(timedelta(hours=3))
    assert "if-none-match" not in site.asked("/feed")[-1].headers
    assert site.asked("/feed")[-1].headers["if-modified-since"] == "Tue, 18 Mar 2025 12:30:00 GMT"


async def test_a_304_from_elsewhere_is_not_believed(tables: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", status=302, location="/a")
    site.put("/a", rss(stories(site, 1)), etag='"x"')
    async with running(tables, listed(tmp_path, source(site.url("/feed")))) as run:
        site.put("/feed", status=302, location="/b")
        site.put("/b", rss(stories(site, 1, 2)), etag='"x"')
        await run.advance()
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.FRESH]


# -- what servers do ----------------------------------------------------------------------------------------------


def _put(**answer: object) -> Callable[[FeedSite], None]:
    return lambda site: site.put("/feed", **answer)  # type: ignore[arg-type]


def _fault(fault: Fault) -> Callable[[FeedSite], None]:
    return lambda site: site.fault("/feed", fault)


TROUBLES: list[tuple[str, Callable[[FeedSite], None], CheckOutcome, str]] = [
    ("broken XML", _put(body="<rss><channel><item><ti"), CheckOutcome.BROKEN, "broken XML"),
    ("HTML", _put(body=page("Just a moment", "x")), CheckOutcome.NOT_A_FEED, "a web page: Just a moment"),
    ("empty feed", _put(body=rss([])), CheckOutcome.EMPTY, ""),
    ("empty body", _put(body=""), CheckOutcome.BROKEN, "the body is empty"),
    ("bomb", _fault(Fault.BOMB), CheckOutcome.TOO_LARGE, "too_large"),
    ("trickle", _fault(Fault.TRICKLE), CheckOutcome.UNREACHABLE, "timeout"),
    ("silence", _fault(Fault.SILENCE), CheckOutcome.UNREACHABLE, "timeout"),
    ("reset", _fault(Fault.RESET), CheckOutcome.UNREACHABLE, "reset"),
    ("cut", _fault(Fault.CUT), CheckOutcome.UNREACHABLE, ""),
    ("false gzip", _put(body="x", content_encoding="gzip"), CheckOutcome.BROKEN, "bad_encoding"),
    ("redirect inside", _put(status=302, location="http://10.0.0.1/"), CheckOutcome.REFUSED, "refused"),
    ("redirect loop", _put(status=302, location="/feed"), CheckOutcome.UNREACHABLE, "too_many_redirects"),
    ("redirect to nowhere", _put(status=302), CheckOutcome.SERVER_ERROR, "HTTP 302"),
    ("304 nobody asked for", _put(status=304), CheckOutcome.SERVER_ERROR, "HTTP 304"),
    ("not found", _put(status=404), CheckOutcome.CLIENT_ERROR, "HTTP 404"),
    ("gone", _put(status=410), CheckOutcome.GONE, "HTTP 410"),
    ("throttled", _put(status=429), CheckOutcome.THROTTLED, "HTTP 429"),
    ("away", _put(status=503), CheckOutcome.SERVER_ERROR, "HTTP 503"),
    ("away for a while", _put(status=503, retry_after="7"), CheckOutcome.THROTTLED, "HTTP 503"),
]


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    opened = db.open_database(f"sqlite:///{tmp_path}/trouble.db")
    await db.migrate(opened, "fetcher", MIGRATIONS)
    yield opened
    await opened.close()


@pytest.mark.parametrize(("what", "put", "outcome", "detail"), TROUBLES, ids=[trouble[0] for trouble in TROUBLES])
async def test_bad_input_is_one_counted_outcome_and_the_source_heals(
    sqlite: Database, site: FeedSite, tmp_path: Path, what: str, put: Callable[[FeedSite], None],
    outcome: CheckOutcome, detail: str,
) -> None:  # fmt: skip
    put(site)
    site.put("/other", rss(stories(site, 9, host="b.test")))
    before = metrics.CHECKS.labels(outcome)._value.get()
    both = listed(tmp_path, source(site.url("/feed")), source(site.url("/other", host="b.test"), name="other"))
    async with running(sqlite, both) as run:
        (check,) = [check for check in run.checks() if check.source.id == "one"]
        assert check.outcome is outcome and detail in check.detail
        assert metrics.CHECKS.labels(outcome)._value.get() == before + 1
        assert [fetched.entry.title for fetched in run.pages()] == ["Вест 9"]  # the neighbour is not disturbed
        assert check.failures == (outcome is not CheckOutcome.EMPTY)
        assert check.next_due is not None and check.next_due >= START + HOUR


async def test_a_private_address_is_refused(sqlite: Database, tmp_path: Path, site: FeedSite) -> None:
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), guard=Guard()) as run:
        assert run.outcomes() == [CheckOutcome.REFUSED]
    assert site.requests == []


async def test_failures_push_the_next_poll_back_and_success_forgives(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", status=500)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        while len(run.checks()) < 4:
            await run.advance(timedelta(minutes=30))
        site.put("/feed", rss(stories(site, 1)))
        while run.outcomes()[-1] is CheckOutcome.SERVER_ERROR:
            await run.advance(timedelta(minutes=30))
    assert [check.failures for check in run.checks()] == [1, 2, 3, 4, 0]
    for check in run.checks():
        assert check.next_due is not None and HOUR <= check.next_due - check.observed <= timedelta(hours=24)


async def test_servers_wishes_are_floors(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)), cache_control="public, max-age=10800", age="3600")
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        (check,) = run.checks()
        assert check.next_due == START + timedelta(hours=2)
        site.put("/feed", status=503, retry_after="36000")
        await run.advance(timedelta(hours=2))
        assert run.checks()[-1].outcome is CheckOutcome.THROTTLED
        due = run.checks()[-1].next_due
        assert due is not None and due >= run.story.now() + timedelta(hours=10)


# -- pages --------------------------------------------------------------------------------------------------------


async def test_pages_that_fail_are_tried_again_and_then_given_up(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss([*stories(site, 1, 2, 3)]))
    site.put("/1", status=500)
    site.put("/2", status=410)
    gone, given_up = counted(PageOutcome.GONE), counted(PageOutcome.GIVEN_UP)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        async with asyncio.timeout(10):
            while counted(PageOutcome.GIVEN_UP) == given_up:
                await asyncio.sleep(0.01)
        await run.settled()
        async with sqlite.transaction() as connection:
            rows = (await connection.execute(sa.select(ENTRIES.c.outcome, ENTRIES.c.attempts))).all()
    assert len(site.asked("/1")) == 3 and len(site.asked("/2")) == 1
    assert counted(PageOutcome.GONE) == gone + 1
    assert sorted(map(tuple, rows)) == [("given_up", 3), ("gone", 1), ("published", 1)]
    assert [fetched.entry.title for fetched in run.pages()] == ["Вест 3"]


async def test_a_page_that_heals_keeps_what_was_known(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    site.put("/1", status=404)
    path = listed(tmp_path, source(site.url("/feed")))
    settings = replace(QUICK, page_attempts=50)
    async with running(sqlite, path, settings=settings) as run:
        async with asyncio.timeout(10):
            while len(site.asked("/1")) < 2:
                await asyncio.sleep(0.01)
    stories(site, 1)
    later = SteppedClock(START + timedelta(hours=40))
    async with running(sqlite, path, settings=settings, story=later) as run:
        async with asyncio.timeout(10):
            while not run.pages():
                await asyncio.sleep(0.01)
    assert (run.pages()[0].observed, run.pages()[0].mode) == (START, Mode.LIVE)


async def test_a_large_page_is_cut_and_a_bomb_does_no_harm(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    site.fault("/1", Fault.BOMB)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        (fetched,) = run.pages()
    assert fetched.truncated and len(fetched.body) == 5_000_000


async def test_a_page_at_a_private_address_is_refused_and_its_neighbours_go_on(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    """Directly or by a redirect: one counted outcome, and nothing more is asked."""
    entries = [Story("inside", "http://10.0.0.1/inside", START, guid="inside"), *stories(site, 1, 2)]
    site.put("/1", status=302, location="http://169.254.169.254/latest/meta-data/")
    site.put("/feed", rss(entries))
    before = counted(PageOutcome.REFUSED)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        async with asyncio.timeout(10):
            while counted(PageOutcome.REFUSED) < before + 2:
                await asyncio.sleep(0.01)
        await run.settled()
    assert [fetched.entry.title for fetched in run.pages()] == ["Вест 2"]
    assert counted(PageOutcome.REFUSED) == before + 2
    async with sqlite.transaction() as connection:
        rows = (await connection.execute(sa.select(ENTRIES.c.outcome, ENTRIES.c.attempts))).all()
    assert sorted(map(tuple, rows)) == [("published", 1), ("refused", 1), ("refused", 1)]
    assert len(site.asked("/1")) == 1


async def test_a_page_that_trickles_costs_its_time_and_is_given_up(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1, 2)))
    site.fault("/1", Fault.TRICKLE)
    given_up = counted(PageOutcome.GIVEN_UP)
    timeouts = metrics.PAGE_FAILURES.labels(FailureKind.TIMEOUT)
    before = timeouts._value.get()
    settings = replace(QUICK, request_timeout=timedelta(milliseconds=250), page_attempts=2)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=settings) as run:
        async with asyncio.timeout(10):
            while counted(PageOutcome.GIVEN_UP) == given_up:
                await asyncio.sleep(0.01)
    assert [fetched.entry.title for fetched in run.pages()] == ["Вест 2"]
    assert (counted(PageOutcome.GIVEN_UP), timeouts._value.get()) == (given_up + 1, before + 2)


async def test_a_record_too_large_is_an_outcome(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1, 2)))
    site.put("/1", page("Вест 1", "x" * 50_000))
    bus = FakeBus()
    bus.writer.largest = 20_000
    before = counted(PageOutcome.TOO_LARGE)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), bus=bus) as run:
        assert [fetched.entry.title for fetched in run.pages()] == ["Вест 2"]
    assert counted(PageOutcome.TOO_LARGE) == before + 1


async def test_robots_are_obeyed_unless_switched_off(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /1\nUser-agent: foowirewatch\nDisallow: /\n")
    site.put("/feed", rss(stories(site, 1, 2)))
    site.put("/free", rss([Story("Вест 1", site.url("/1"), START)]))
    both = listed(tmp_path, source(site.url("/feed")), source(site.url("/free"), name="free", robots="false"))
    async with running(sqlite, both) as run:
        told = {(fetched.source.id, fetched.entry.title) for fetched in run.pages()}
    assert told == {("one", "Вест 2"), ("free", "Вест 1")}
    assert len(site.asked("/robots.txt")) == 1


async def test_robots_that_cannot_be_had_forbid_for_now(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/robots.txt", status=503)
    site.put("/feed", rss(stories(site, 1)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        await run.settled()
    assert run.pages() == [] and not site.asked("/1")


# -- crashes ------------------------------------------------------------------------------------------------------


async def test_a_crash_between_publishing_and_writing_repeats_the_same_ids(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1, 2)))
    path = listed(tmp_path, source(site.url("/feed")))
    async with running(tables, path) as run:
        pass
    async with tables.transaction() as connection:  # as if the process had died before its last transactions
        await connection.execute(sa.delete(ENTRIES))
        await connection.execute(sa.update(SOURCES).values(next_due=START, body_hash=None, seeded=False))
    bus = FakeBus()
    async with running(tables, path, bus=bus) as again:
        pass
    assert [event.id for event in again.checks()] == [event.id for event in run.checks()]
    assert sorted(event.id for event in again.pages()) == sorted(event.id for event in run.pages())


async def test_nothing_is_written_before_the_acknowledgement(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG)
    path = listed(tmp_path, source(site.url("/feed")))
    bus = FakeBus()
    bus.writer.failures = 1_000_000

    async def published() -> None:
        while not bus.writer.calls:
            await asyncio.sleep(0.002)

    async with Door(user_agent="x", guard=GUARD) as door:
        parts = Parts(bus=bus, database=sqlite, door=door, story=SteppedClock(START), real=RealClock())  # type: ignore[arg-type]
        service = await build(replace(QUICK, sources_file=path), parts)
        task = asyncio.ensure_future(service.tasks["poll"](asyncio.Event()))
        await asyncio.wait_for(published(), 10)
        task.cancel()  # the process dies here
        await asyncio.wait([task])
    async with sqlite.transaction() as connection:
        assert (await connection.scalars(sa.select(SOURCES.c.etag))).all() == [None]
        assert (await connection.scalars(sa.select(ENTRIES.c.entry_id))).all() == []
    async with running(sqlite, path) as run:
        assert len(run.pages()) == 1


async def test_a_lost_acknowledgement_repeats_and_loses_nothing(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)))
    bus = FakeBus()
    bus.writer.lost = 1
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), bus=bus) as run:
        assert len({check.id for check in run.checks()}) == 1 and len(run.checks()) == 2
        assert len(run.pages()) == 1


async def test_pending_pages_survive_a_restart(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    site.fault("/1", Fault.SILENCE)
    path = listed(tmp_path, source(site.url("/feed")))
    settings = replace(QUICK, request_timeout=timedelta(seconds=30), robots=False)
    bus = FakeBus()
    async with Door(user_agent="x", guard=GUARD) as door:
        parts = Parts(bus=bus, database=sqlite, door=door, story=SteppedClock(START), real=RealClock())  # type: ignore[arg-type]
        service = await build(replace(settings, sources_file=path), parts)
        task = asyncio.ensure_future(service.tasks["poll"](asyncio.Event()))
        async with asyncio.timeout(10):
            while not site.asked("/1"):
                await asyncio.sleep(0.002)
        assert service.busy()
        task.cancel()
        await asyncio.wait([task])
    stories(site, 1)
    async with running(sqlite, path) as run:
        assert [fetched.entry.title for fetched in run.pages()] == ["Вест 1"]


# -- clocks and changes -------------------------------------------------------------------------------------------


async def test_busy_the_moment_the_clock_was_advanced(sqlite: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1)))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        assert not run.service.busy()
        assert run.story.next_wake() == START + HOUR
        run.story.advance_to(START + HOUR - timedelta(microseconds=1))
        assert not run.service.busy()
        run.story.advance_to(START + HOUR)
        assert run.service.busy()
        await run.settled()
        assert len(run.checks()) == 2
        assert run.story.next_wake() == START + 2 * HOUR


async def test_one_connection_a_domain_and_a_distance_between_requests(
    sqlite: Database, site: FeedSite, tmp_path: Path
) -> None:
    hosts = ["a.one.test", "b.one.test", "two.test"]
    for number, host in enumerate(hosts):
        entries = [Story(f"{number}", site.url(f"/{number}", host=host), START)]
        site.put(f"/{number}", page(f"{number}", "x"), host=host, wait=0.05)
        site.put("/feed", rss(entries), host=host, wait=0.05)
    each = [source(site.url("/feed", host=host), name=host.replace(".", "-")) for host in hosts]
    settings = replace(QUICK, spacing=timedelta(milliseconds=10), robots=False)
    async with running(sqlite, listed(tmp_path, *each), settings=settings) as run:
        assert len(run.pages()) == 3
    assert set(site.most_open.values()) == {1}


async def test_a_changed_sources_file_is_taken_up_and_a_wrong_one_is_not(
    sqlite: Database, site: FeedSite, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site.put("/feed", rss(stories(site, 1)))
    site.put("/more", rss(stories(site, 2)))
    path = listed(tmp_path, source(site.url("/feed")))
    settings = replace(QUICK, sources_reload=timedelta(milliseconds=20))
    async with running(sqlite, path, settings=settings) as run:
        listed(tmp_path, source(site.url("/feed")), "- id: wrong")
        async with asyncio.timeout(10):
            while not (lines := told(caplog, "sources_invalid")):
                await asyncio.sleep(0.01)
        assert lines[0]["mistakes"][0].startswith(f"{path}:5: ")
        assert "add `" in lines[0]["mistakes"][0] and lines[0]["kept"] == 1
        assert not run.task.done()
        listed(tmp_path, source(site.url("/feed")), source(site.url("/more"), name="more"))
        async with asyncio.timeout(10):
            while len(run.pages()) < 2:
                await asyncio.sleep(0.01)
        await run.settled()
        listed(tmp_path, source(site.url("/more"), name="more"))
        await asyncio.sleep(0.1)
        await run.advance()
    assert [check.source.id for check in run.checks()] == ["one", "more", "more"]
