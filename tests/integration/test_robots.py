"""robots.txt against a real server's request log: what is asked when, what is obeyed, and that a restart changes
nothing of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from structlog.testing import CapturingLogger

from services import fetcher
from services.fetcher import app
from services.fetcher.manners import robots as robots_file
from services.fetcher.manners.ask import Verdict
from services.fetcher.manners.pace import Pace
from services.fetcher.manners.robots import Robots
from services.fetcher.manners.robots_rules import PARSED
from services.fetcher.settings import FetcherSettings
from shared import db
from shared.clock import RealClock, SteppedClock
from shared.db import Database
from shared.events import CheckOutcome
from shared.http import Door, Guard, Limits
from shared.settings import replace
from tests.fakes.feed_site import Fault, FeedSite, feed_site, rss
from tests.fakes.origins import Names
from tests.integration.test_fetcher import QUICK, listed, running, source, stories

START = datetime(2025, 3, 18, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
GUARD = Guard((ip_network("127.0.0.0/8"),))
RULES = "User-agent: WireWatch\nDisallow: /x\nCrawl-delay: 3600\n"


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", Path(fetcher.__file__).parent / "migrations")
    return database


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def names() -> Names:
    return Names({"a.test": [["127.0.0.1"]], "b.test": [["127.0.0.1"]]})


@pytest.fixture
async def door(names: Names) -> AsyncIterator[Door]:
    async with Door(user_agent="x", guard=GUARD, resolver=names, keep_alive=False) as made:
        yield made


def asking(door: Door, database: Database, clock: SteppedClock) -> Robots:
    return Robots(door, Pace(clock, spacing=timedelta(), cap=5), database, clock, "wirewatch")


@dataclass
class Restarted:
    """A process made anew for each question: door, pace and memory; only the tables stay."""

    database: Database
    site: FeedSite
    names: Names

    async def asks(self, path: str, *, after: timedelta = timedelta(), host: str = "a.test") -> Verdict:
        async with Door(user_agent="x", guard=GUARD, resolver=self.names) as door:
            robots = asking(door, self.database, SteppedClock(START + after))
            return await robots.verdict(self.site.url(path, host=host))


@pytest.fixture
def process(tables: Database, site: FeedSite, names: Names) -> Restarted:
    return Restarted(tables, site, names)


async def test_one_request_serves_a_day_and_everybody_who_waits(
    process: Restarted, tables: Database, site: FeedSite, door: Door
) -> None:
    site.put("/robots.txt", RULES)
    robots = asking(door, tables, SteppedClock(START))
    verdicts = await asyncio.gather(*(robots.verdict(site.url("/x", host="a.test")) for _ in range(5)))
    assert not any(verdict.allowed for verdict in verdicts)
    assert (await process.asks("/y", after=DAY - timedelta(minutes=1))).allowed
    assert len(site.asked("/robots.txt")) == 1
    site.put("/robots.txt", status=404)
    assert (await process.asks("/x", after=DAY)).allowed
    assert (await process.asks("/x", after=DAY + timedelta(hours=23))).allowed
    assert len(site.asked("/robots.txt")) == 2, "a file that is not there is not asked for again either"


LIVES: dict[str, tuple[dict[str, str], timedelta]] = {
    "max-age": ({"cache_control": "public, max-age=7200"}, timedelta(hours=2)),
    "max-age less Age": ({"cache_control": "max-age=7200", "age": "3600"}, timedelta(hours=1)),
    "Expires": (
        {"date": "Tue, 18 Mar 2025 12:00:00 GMT", "expires": "Tue, 18 Mar 2025 15:00:00 GMT"}, timedelta(hours=3)
    ),
    "no-cache": ({"cache_control": "no-cache"}, robots_file.SHORTEST),
    "max-age=0": ({"cache_control": "max-age=0"}, robots_file.SHORTEST),
    "a year": ({"cache_control": "max-age=31536000"}, DAY),
    "nothing said": ({}, DAY),
}  # fmt: skip


@pytest.mark.parametrize(("headers", "life"), LIVES.values(), ids=LIVES)
async def test_a_file_is_kept_as_long_as_its_server_says_and_at_most_a_day(
    process: Restarted, tables: Database, site: FeedSite, door: Door, headers: dict[str, str], life: timedelta
) -> None:
    """In one process and over restarts (RFC 9309 section 2.4)."""
    site.put("/robots.txt", RULES, **headers)  # type: ignore[arg-type]  # all of them are texts
    clock = SteppedClock(START)
    robots = asking(door, tables, clock)
    assert not (await robots.verdict(site.url("/x", host="a.test"))).allowed
    site.put("/robots.txt", "")
    a_moment = timedelta(seconds=1)
    clock.advance_to(START + life - a_moment)
    assert not (await robots.verdict(site.url("/x", host="a.test"))).allowed
    assert not (await process.asks("/x", after=life - a_moment)).allowed and len(site.asked("/robots.txt")) == 1
    clock.advance_to(START + life)
    assert (await robots.verdict(site.url("/x", host="a.test"))).allowed
    assert (await process.asks("/x", after=life)).allowed and len(site.asked("/robots.txt")) == 2


async def test_what_an_error_page_says_of_its_own_life_does_not_count(process: Restarted, site: FeedSite) -> None:
    site.put("/robots.txt", status=404, cache_control="no-cache")
    assert (await process.asks("/x")).allowed
    assert (await process.asks("/x", after=timedelta(hours=23))).allowed and len(site.asked("/robots.txt")) == 1


async def test_scheme_host_and_port_have_a_file_each(process: Restarted, site: FeedSite) -> None:
    site.put("/robots.txt", RULES, host="a.test")
    site.put("/robots.txt", "User-agent: *\nAllow: /\n", host="b.test")
    assert not (await process.asks("/x", host="a.test")).allowed
    assert (await process.asks("/x", host="b.test")).allowed
    assert [one.host for one in site.asked("/robots.txt")] == ["a.test", "b.test"]


@pytest.mark.parametrize("trouble", ["500", "503", "429", "timeout", "reset", "dns", "broken"])
async def test_what_cannot_be_had_leaves_the_last_good_copy_for_thirty_days(
    process: Restarted, site: FeedSite, names: Names, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots_file, "LIMITS", Limits(total=0.3, body=PARSED + 1))
    site.put("/robots.txt", RULES)
    assert not (await process.asks("/x")).allowed
    fail(site, names, trouble)
    for days in (2, 15, 29):
        assert not (await process.asks("/x", after=days * DAY)).allowed
        assert (await process.asks("/y", after=days * DAY)).allowed
    assert (await process.asks("/x", after=31 * DAY)).allowed


@pytest.mark.parametrize("trouble", ["500", "503", "429", "timeout", "reset", "dns", "broken"])
async def test_what_was_never_had_forbids_everything_for_thirty_days(
    process: Restarted, site: FeedSite, names: Names, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(robots_file, "LIMITS", Limits(total=0.3, body=PARSED + 1))
    fail(site, names, trouble)
    for days in (0, 10, 29):
        verdict = await process.asks("/x", after=days * DAY)
        assert not verdict.allowed and not verdict.reachable
    assert (await process.asks("/x", after=31 * DAY)).allowed


def fail(site: FeedSite, names: Names, trouble: str) -> None:
    if trouble == "dns":
        names.answers.clear()
    elif trouble == "timeout":
        site.fault("/robots.txt", Fault.SILENCE)
    elif trouble == "reset":
        site.fault("/robots.txt", Fault.RESET)
    elif trouble == "broken":
        site.put("/robots.txt", b"no gzip", content_encoding="gzip")
    else:
        site.put("/robots.txt", status=int(trouble))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451])
async def test_a_file_that_is_not_there_allows_everything(process: Restarted, site: FeedSite, status: int) -> None:
    site.put("/robots.txt", RULES, status=status)
    assert (await process.asks("/x")).allowed


async def test_what_cannot_be_had_is_asked_for_again_ever_later(process: Restarted, site: FeedSite) -> None:
    site.put("/robots.txt", status=503)
    for minutes in range(180):
        await process.asks("/x", after=timedelta(minutes=minutes))
    requests = len(site.asked("/robots.txt"))
    for minutes in range(180, 24 * 60):
        await process.asks("/x", after=timedelta(minutes=minutes))
    assert 10 < requests < 40
    assert 20 <= len(site.asked("/robots.txt")) - requests <= 30, "once an hour in the end"
    site.put("/robots.txt", RULES)
    assert (await process.asks("/y", after=timedelta(hours=26))).allowed


async def test_five_redirects_are_followed_and_a_sixth_means_no_file(process: Restarted, site: FeedSite) -> None:
    site.put("/robots.txt", status=301, location="/1", host="a.test")
    for number in range(1, 5):
        site.put(f"/{number}", status=302, location=f"/{number + 1}")
    site.put("/5", RULES)
    assert not (await process.asks("/x")).allowed, "the rules found at the end are those of the beginning"
    site.put("/5", status=302, location="/6")
    site.put("/6", RULES)
    assert (await process.asks("/x", after=2 * DAY)).allowed
    assert not site.asked("/6")


async def test_rules_behind_a_redirect_to_another_host_count_here(process: Restarted, site: FeedSite) -> None:
    site.put("/robots.txt", status=301, location=site.url("/robots.txt", host="b.test"), host="a.test")
    site.put("/robots.txt", RULES, host="b.test")
    assert not (await process.asks("/x", host="a.test")).allowed


async def test_a_redirect_to_where_nobody_may_go_says_nothing(process: Restarted, site: FeedSite) -> None:
    site.put("/robots.txt", status=301, location="http://10.0.0.1/robots.txt")
    verdict = await process.asks("/x")
    assert not verdict.allowed and not verdict.reachable


async def test_what_is_behind_500_kib_does_not_count(process: Restarted, site: FeedSite) -> None:
    head = b"User-agent: *\nDisallow: /x\n"
    padding = b"#" * (PARSED - len(head) - len("\nDisallow: /ab")) + b"\n"
    site.put("/robots.txt", head + padding + b"Disallow: /abc\nDisallow: /y\n")
    allowed = [(await process.asks(path)).allowed for path in ("/x", "/ab", "/abc", "/y")]
    assert allowed == [False, True, True, True], "a rule that is cut in two is no rule"
    assert len(site.asked("/robots.txt")) == 1


async def test_a_crawl_delay_keeps_requests_apart_and_is_capped(process: Restarted, site: FeedSite, door: Door) -> None:
    site.put("/robots.txt", RULES)
    clock = SteppedClock(START)
    pace = Pace(clock, spacing=timedelta(seconds=1), cap=5)
    verdict = await process.asks("/y")
    assert verdict.delay == robots_file.LONGEST_DELAY == timedelta(seconds=30)
    times: list[datetime] = []

    async def fetch() -> None:
        async with pace.turn(site.url("/y", host="a.test"), delay=verdict.delay):
            await door.get(site.url("/y", host="a.test"))
            times.append(clock.now())

    tasks = [asyncio.create_task(fetch()) for _ in range(3)]
    while len(times) < 3:
        await asyncio.sleep(0.005)
        if (wake := clock.next_wake()) is not None:
            clock.advance_to(wake)
    await asyncio.gather(*tasks)
    assert [(time - START).total_seconds() for time in times] == [0, 30, 60]


# -- what obeys ------------------------------------------------------------------------------------------------------


async def test_a_page_waits_for_a_file_that_cannot_be_had_and_comes_when_it_can(
    tables: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/robots.txt", status=503)
    site.put("/feed", rss(stories(site, 1)))
    path = listed(tmp_path, source(site.url("/feed")))
    patient = replace(QUICK, page_attempts=100, page_retry=timedelta(minutes=5))
    async with running(tables, path, settings=patient) as run:
        assert run.pages() == [] and not site.asked("/1")
    site.put("/robots.txt", "User-agent: *\nDisallow: /2\n")
    async with running(tables, path, settings=patient, real=Ahead(timedelta(days=1))) as run:
        assert [one.url for one in run.pages()] == [site.url("/1")]


class Ahead(RealClock):
    """The real clock of a process that starts later."""

    def __init__(self, by: timedelta) -> None:
        self._by = by

    def now(self) -> datetime:
        return super().now() + self._by


@pytest.mark.parametrize("obeyed", [False, True])
async def test_feeds_named_by_the_operator_obey_where_the_setting_says_so_which_is_logged(
    tables: Database, site: FeedSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obeyed: bool
) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /feed\n")
    site.put("/feed", rss([]))
    settings: FetcherSettings = replace(QUICK, robots_feeds=obeyed)
    logged = CapturingLogger()
    monkeypatch.setattr(app, "log", logged)
    async with running(tables, listed(tmp_path, source(site.url("/feed"))), settings=settings) as run:
        assert run.outcomes() == [CheckOutcome.ROBOTS_DENIED if obeyed else CheckOutcome.EMPTY]
    assert len(site.asked("/feed")) == (0 if obeyed else 1)
    (line,) = [call.kwargs for call in logged.calls if call.args == ("fetcher_loaded",)]
    assert (line["robots"], line["robots_feeds"]) == (True, obeyed)
