"""The fifteen points of good manners towards feeds, each held against a server's log of requests.

The points are those that publishers ask for again and again (the reader score of rachelbythebay, the RSS efficiency
page of earth.org.uk, the trackers of a dozen readers). A test names the point it proves. Story time is stepped, so days
pass at once; a restart is a new process on the same database.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from services.fetcher.manners.reservations import PLACE
from services.fetcher.tables import SOURCES
from shared import db
from shared.clock import SteppedClock
from shared.db import Database
from shared.events import CheckOutcome, Condition
from shared.settings import replace
from tests.fakes.feed_site import Asked, FeedSite, Heeds, feed_site, page, rss
from tests.integration.test_fetcher import HOUR, MIGRATIONS, QUICK, START, Run, listed, running, source, stories

TAG, DATE = '"a"', "Tue, 18 Mar 2025 11:00:00 GMT"
DAY = timedelta(days=1)
SLOW = replace(QUICK, poll_interval=12 * HOUR)
"""Polls twice a day: a week is fourteen polls."""

CONDITIONS = ("if-none-match", "if-modified-since")


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = db.open_database(f"sqlite:///{tmp_path}/politeness.db")
    await db.migrate(opened, "fetcher", MIGRATIONS)
    yield opened
    await opened.close()


@pytest.fixture
def one(site: FeedSite, tmp_path: Path) -> Path:
    """A file with one source, `/feed`."""
    return listed(tmp_path, source(site.url("/feed")))


def sent(asked: Asked) -> tuple[str | None, str | None]:
    """The conditions of a request: ETag and date."""
    tag, date = (asked.headers.get(name) for name in CONDITIONS)
    return tag, date


async def polls(run: Run, count: int, by: timedelta = HOUR) -> None:
    for _ in range(count):
        await run.advance(by)


# -- 1 to 6: validators -------------------------------------------------------------------------------------------


async def test_point_01_only_the_first_request_is_unconditional_also_after_a_restart(
    database: Database, site: FeedSite, one: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE)
    async with running(database, one) as run:
        await polls(run, 3)
    async with running(database, one, story=run.story) as run:
        await polls(run, 3)
    first, *later = site.asked("/feed")
    assert sent(first) == (None, None)
    assert [sent(asked) for asked in later] == [(TAG, DATE)] * 6


@pytest.mark.parametrize(
    ("etag", "date"),
    [
        ('W/"weak"', "Tue, 18 Mar 2025 11:00:00 GMT"),
        ('"a;b, c\\d=\'  e"', "Tuesday, 18-Mar-25 11:00:00 GMT"),
        ("unquoted-and:odd", "Tue Mar 18 11:00:00 2025"),
        ('""', "18 March 2025, eleven o'clock"),
        ('"' + "x" * 500 + '"', "Tue, 18 Mar 2025 12:00:00 +0100"),
    ],
)
async def test_point_02_validators_go_back_byte_for_byte_and_are_never_invented(
    database: Database, site: FeedSite, one: Path, etag: str, date: str
) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=etag, last_modified=date)
    async with running(database, one) as run:
        await run.advance()
        site.put("/feed", rss(stories(site, 1, 2)))
        await polls(run, 2)
    assert [sent(asked) for asked in site.asked("/feed")] == [(None, None), (etag, date), (etag, date), (None, None)]


async def test_point_02_a_validator_outside_ascii_is_not_kept(database: Database, site: FeedSite, one: Path) -> None:
    """It cannot be sent back unchanged; the other one still is."""
    site.put("/feed", rss(stories(site, 1)), etag='"č"', last_modified=DATE)
    async with running(database, one) as run:
        await run.advance()
    assert sent(site.asked("/feed")[-1]) == (None, DATE)


async def test_point_03_both_validators_are_sent_and_each_is_updated_by_itself(
    database: Database, site: FeedSite, one: Path
) -> None:
    later = "Tue, 18 Mar 2025 12:30:00 GMT"
    async with running(database, one):
        pass
    site.requests.clear()
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE)
    async with running(database, one, story=SteppedClock(START + DAY)) as run:
        site.put("/feed", rss(stories(site, 1, 2)), etag='"b"', last_modified=DATE)
        await run.advance()
        site.put("/feed", rss(stories(site, 1, 2, 3)), etag='"b"', last_modified=later, heeds=Heeds.NOTHING)
        await run.advance()
        await run.advance()
    told = [sent(asked) for asked in site.asked("/feed")]
    assert told == [(None, None), (TAG, DATE), ('"b"', DATE), ('"b"', later)]


async def test_point_04_validators_follow_a_touched_file_and_a_304(
    database: Database, site: FeedSite, one: Path
) -> None:
    """The same body under new validators, and a 304 that brings new ones."""
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE)
    async with running(database, one) as run:
        site.put("/feed", rss(stories(site, 1)), etag='"touched"', last_modified="Tue, 18 Mar 2025 12:30:00 GMT")
        await run.advance()
        site.put("/feed", etag='"of the 304"', heeds=Heeds.FALSELY)
        await run.advance()
        await run.advance()
    touched = "Tue, 18 Mar 2025 12:30:00 GMT"
    assert [sent(asked) for asked in site.asked("/feed")][2:] == [('"touched"', touched), ('"of the 304"', touched)]
    assert run.outcomes()[1:] == [CheckOutcome.UNCHANGED, CheckOutcome.NOT_MODIFIED, CheckOutcome.NOT_MODIFIED]


async def test_point_05_a_header_that_is_gone_is_forgotten_and_errors_leave_nothing(
    database: Database, site: FeedSite, one: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE)
    async with running(database, one) as run:
        site.put("/feed", rss(stories(site, 1, 2)), last_modified="Tue, 18 Mar 2025 12:30:00 GMT")
        await run.advance()
        for status in (404, 500, 403):
            site.put("/feed", b"oops", status=status, etag='"of the error"', last_modified=DATE)
            await run.advance(DAY)
        site.put("/feed", page("Parked", "buy me"), etag='"of the page"')
        await run.advance(DAY)
        await run.advance(DAY)
    later = [sent(asked) for asked in site.asked("/feed")[2:]]
    assert len(later) >= 4 and set(later) == {(None, "Tue, 18 Mar 2025 12:30:00 GMT")}


async def test_point_05_validators_belong_to_the_address_that_gave_them(
    database: Database, site: FeedSite, one: Path
) -> None:
    """A redirect that leads elsewhere, where the same ETag means another body."""
    site.put("/feed", status=302, location="/a")
    site.put("/a", rss(stories(site, 1)), etag=TAG)
    async with running(database, one) as run:
        site.put("/feed", status=302, location="/b")
        site.put("/b", rss(stories(site, 1, 2)), etag=TAG)
        await run.advance()
        await run.advance()
    assert run.outcomes() == [CheckOutcome.FRESH, CheckOutcome.FRESH, CheckOutcome.NOT_MODIFIED]
    assert [sent(asked) for asked in site.asked("/b")] == [(TAG, None), (None, None), (TAG, None)]


async def test_point_06_the_date_alone_is_tried_once_where_the_etag_never_works(
    database: Database, site: FeedSite, one: Path
) -> None:
    """`"x-gzip"` goes back as it came; three times in vain, then the date alone, which is remembered over a restart."""
    gzip = '"x-gzip"'
    site.put("/feed", rss(stories(site, 1)), etag=gzip, last_modified=DATE, heeds=Heeds.DATE_ALONE)
    async with running(database, one) as run:
        await polls(run, 5)
    async with running(database, one, story=run.story) as run:
        await run.advance()
    told = [sent(asked) for asked in site.asked("/feed")]
    assert told == [(None, None), *[(gzip, DATE)] * 3, *[(None, DATE)] * 3]


async def test_point_06_a_server_that_heeds_nothing_is_tried_once_only(
    database: Database, site: FeedSite, one: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE, heeds=Heeds.NOTHING)
    async with running(database, one) as run:
        await polls(run, 8)
    told = [sent(asked) for asked in site.asked("/feed")]
    assert told == [(None, None), *[(TAG, DATE)] * 3, (None, DATE), *[(TAG, DATE)] * 4]


# -- 7 to 10: when ------------------------------------------------------------------------------------------------


async def test_point_07_never_sooner_than_the_server_asks_also_after_a_restart(
    database: Database, site: FeedSite, one: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)), cache_control="max-age=18000", etag=TAG)
    async with running(database, one) as run:
        await run.advance(timedelta(hours=2))
    async with running(database, one, story=run.story) as run:
        await run.advance(timedelta(hours=2, minutes=59))
        assert len(site.asked("/feed")) == 1
        await run.advance(timedelta(minutes=1))
    assert len(site.asked("/feed")) == 2


FRESH = {
    "max-age less Age": {"cache_control": "public, max-age=14400", "age": "3600"},
    "max-age before Expires": {"cache_control": "max-age=10800", "expires": "Tue, 18 Mar 2025 22:00:00 GMT"},
    "Expires less Date": {"date": "Mon, 17 Mar 2025 01:00:00 GMT", "expires": "Mon, 17 Mar 2025 04:00:00 GMT"},
}


@pytest.mark.parametrize("status", [200, 304, 429])
@pytest.mark.parametrize("headers", FRESH.values(), ids=FRESH)
async def test_point_08_freshness_is_a_floor_on_200_304_and_429(
    database: Database, site: FeedSite, one: Path, status: int, headers: dict[str, str]
) -> None:
    settings = replace(QUICK, poll_interval=timedelta(minutes=10))
    site.put("/feed", rss(stories(site, 1)), etag=TAG)
    async with running(database, one, settings=settings) as run:
        site.put("/feed", rss(stories(site, 1, 2)), status=429 if status == 429 else 200, **headers,  # type: ignore[arg-type]  # all of them are texts
                 etag='"b"' if status == 200 else TAG,
                 heeds=Heeds.NOTHING if status == 429 else Heeds.RIGHTLY)  # fmt: skip
        await run.advance(timedelta(minutes=10))
    check = run.checks()[-1]
    assert check.status == status and check.next_due == check.observed + timedelta(hours=3)


def _after(seconds: int, form: str) -> str:
    """Retry-After of so many seconds from the real now."""
    moment = REAL + timedelta(seconds=seconds)
    if form == "seconds":
        return str(seconds)
    forms = {"RFC 1123": format_datetime(moment, usegmt=True), "RFC 850": moment.strftime("%A, %d-%b-%y %H:%M:%S GMT"),
             "asctime": moment.strftime("%a %b %e %H:%M:%S %Y")}  # fmt: skip
    return forms[form]


REAL = START + timedelta(days=3, seconds=7)
"""Real time in these tests; the date header of the server is set apart."""


@pytest.mark.parametrize("form", ["seconds", "RFC 1123", "RFC 850", "asctime"])
@pytest.mark.parametrize("status", [429, 503, 403, 500])
async def test_point_09_retry_after_counts_in_every_form(
    database: Database, site: FeedSite, one: Path, status: int, form: str
) -> None:
    now = format_datetime(REAL, usegmt=True)
    site.put("/feed", status=status, retry_after=_after(36_000, form), date=now)
    async with running(database, one, real=SteppedClock(REAL)) as run:
        (check,) = run.checks()
        assert check.next_due is not None and check.next_due - check.observed == timedelta(hours=10)
        await run.advance(timedelta(hours=9, minutes=59))
    assert len(site.asked("/feed")) == 1


async def test_point_09_the_longest_of_retry_after_and_back_off_counts(
    database: Database, site: FeedSite, one: Path
) -> None:
    site.put("/feed", status=429, retry_after="60")
    async with running(database, one) as run:
        due = run.checks()[0].next_due
        assert due is not None and due > START + HOUR


@pytest.mark.parametrize("status", [429, 503, 403, 500])
async def test_point_09_retry_after_counts_up_to_a_day_also_after_a_restart(
    database: Database, site: FeedSite, one: Path, status: int
) -> None:
    site.put("/feed", status=status, retry_after="864000")
    real, almost = SteppedClock(REAL), DAY - timedelta(minutes=1)
    async with running(database, one, real=real) as run:
        assert run.checks()[0].next_due == START + DAY
    real.advance_to(REAL + almost)
    async with running(database, one, real=real, story=run.story) as run:
        await run.advance(almost)
        assert len(site.asked("/feed")) == 1
        real.advance_to(REAL + DAY)
        await run.advance(timedelta(minutes=1))
    assert len(site.asked("/feed")) == 2


NEIGHBOURS = {
    "host": {"www.a.test": False, "b.a.test": True, "c.test": True},
    "domain": {"www.a.test": False, "b.a.test": False, "c.test": True},
    "url": {"www.a.test": True, "b.a.test": True, "c.test": True},
}
"""By the scope of a limit: who is asked although `a.test` said 429."""


@pytest.mark.parametrize("scope", NEIGHBOURS)
async def test_point_09_the_host_is_left_alone_as_wide_as_the_source_says_over_a_restart_until_it_is_over(
    database: Database, site: FeedSite, tmp_path: Path, scope: str
) -> None:
    hosts = NEIGHBOURS[scope]
    site.put("/feed", status=429, retry_after="7200", host="a.test")
    first = source(site.url("/feed", host="a.test"), name="limited", limits=scope)
    real = SteppedClock(REAL)
    async with running(database, listed(tmp_path, first), real=real) as run:
        pass
    for host in hosts:
        site.put("/feed", rss([]), host=host)
    others = [source(site.url("/feed", host=host), name=host.replace(".", "-")) for host in hosts]
    async with running(database, listed(tmp_path, first, *others), real=real, story=run.story):
        assert {host: any(asked.host == host for asked in site.requests) for host in hosts} == hosts
    real.advance_to(REAL + timedelta(hours=2, seconds=1))
    async with running(database, listed(tmp_path, first, *others), real=real, story=run.story) as run:
        await run.advance(timedelta(hours=3))
        assert {asked.host for asked in site.requests} == {"a.test", *hosts}


async def test_point_09_pages_of_a_limited_host_wait_too(database: Database, site: FeedSite, tmp_path: Path) -> None:
    site.put("/feed", rss(stories(site, 1, host="a.test")), host="feeds.test")
    site.put("/limited", status=429, retry_after="3600", host="a.test")
    both = [source(site.url("/limited", host="a.test"), name="limited"),
            source(site.url("/feed", host="feeds.test"), name="two", interval="1h")]  # fmt: skip
    real = SteppedClock(REAL)
    settings = replace(QUICK, poll_concurrency=1)
    async with running(database, listed(tmp_path, *both), real=real, settings=settings) as run:
        assert len(site.asked("/limited")) == 1 and not site.asked("/1")
        real.advance_to(REAL + HOUR)
        await run.settled()
        while not run.pages():
            await run.settled()
            real.advance_to(real.now() + timedelta(seconds=1))
    assert len(site.asked("/1")) == 1


def hinted(head: str, site: FeedSite) -> str:
    return rss(stories(site, 1)).replace("<title>Site</title>", f"<title>Site</title>{head}", 1)


HINTS = {
    "ttl": ("<ttl>180</ttl>", timedelta(hours=3)),
    "ttl above the cap": ("<ttl>999</ttl>", timedelta(hours=4)),
    "sy": (
        (
            '<sy:updatePeriod xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">daily</sy:updatePeriod>'
            '<sy:updateFrequency xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">8</sy:updateFrequency>'
        ),
        timedelta(hours=3),
    ),
    "skipHours": ("<skipHours><hour>13</hour><hour>14</hour></skipHours>", timedelta(hours=3)),
    "skipDays": ("<skipDays><day>Tuesday</day></skipDays>", timedelta(hours=8) + HOUR),
}
"""START is a Tuesday, 12:00 GMT, and the usual interval is an hour."""


@pytest.mark.parametrize(("head", "wait"), HINTS.values(), ids=HINTS)
async def test_point_10_the_feeds_own_hints_count_up_to_a_cap(
    database: Database, site: FeedSite, one: Path, head: str, wait: timedelta
) -> None:
    site.put("/feed", hinted(head, site), etag=TAG)
    settings = replace(QUICK, hint_cap=4 * HOUR)
    async with running(database, one, settings=settings) as run:
        assert run.checks()[0].next_due == START + wait


async def test_point_10_hints_hold_while_the_server_says_304_and_stand_below_headers_and_operators(
    database: Database, site: FeedSite, tmp_path: Path
) -> None:
    site.put("/feed", hinted("<ttl>180</ttl>", site), etag=TAG)
    site.put("/named", hinted("<ttl>180</ttl>", site))
    site.put("/headers", hinted("<ttl>180</ttl>", site), cache_control="max-age=21600")
    named = [source(site.url("/feed")), source(site.url("/named"), name="named", interval="1h"),
             source(site.url("/headers"), name="headers")]  # fmt: skip
    settings = replace(QUICK, hint_cap=4 * HOUR)
    async with running(database, listed(tmp_path, *named), settings=settings) as run:
        waits = {check.source.id: (check.next_due or START) - START for check in run.checks()}
        assert waits == {"one": 3 * HOUR, "named": HOUR, "headers": 6 * HOUR}
    async with running(database, listed(tmp_path, named[0]), settings=settings, story=run.story) as run:
        await run.advance(3 * HOUR)
        (check,) = run.checks()
    assert check.outcome is CheckOutcome.NOT_MODIFIED and check.next_due == START + 6 * HOUR


# -- 11: what a request looks like --------------------------------------------------------------------------------


async def test_point_11_plain_gets_of_exactly_what_was_listed(
    database: Database, site: FeedSite, tmp_path: Path
) -> None:
    """No Referer, cookie, extra query or HEAD; one address each time; who asks is said, gzip is taken."""
    import gzip

    body = gzip.compress(rss(stories(site, 1)).encode())
    site.put("/feed?format=rss&x=%C4%8D", body, content_encoding="gzip", set_cookie="id=1; path=/", etag=TAG)
    path = listed(tmp_path, source(site.url("/feed?format=rss&x=%C4%8D")))
    async with running(database, path) as run:
        await polls(run, 3)
    async with running(database, path, story=run.story) as run:
        await run.advance()
    assert len(run.pages()) == 0 and len(site.asked("/1")) == 1
    assert {asked.path for asked in site.requests} == {"/feed?format=rss&x=%C4%8D", "/1", "/robots.txt", PLACE}
    assert len(site.asked("/feed?format=rss&x=%C4%8D")) == 5
    for asked in site.requests:
        assert asked.method == "GET" and asked.headers["user-agent"] == "Wirewatch/test"
        assert not asked.headers.keys() & {"referer", "cookie", "range", "origin", "from"}
        assert "gzip" in asked.headers["accept-encoding"]


# -- 12: redirects ------------------------------------------------------------------------------------------------


async def moved_feed(site: FeedSite, status: int = 301) -> None:
    site.put("/feed", status=status, location="/new")
    site.put("/new", rss(stories(site, 1)), etag=TAG)


@pytest.mark.parametrize("status", [301, 308])
async def test_point_12_a_permanent_redirect_is_remembered_after_seven_days(
    database: Database, site: FeedSite, one: Path, status: int
) -> None:
    await moved_feed(site, status)
    async with running(database, one, settings=SLOW) as run:
        await polls(run, 13, 12 * HOUR)
        assert len(site.asked("/feed")) == 14 and not run.checks()[-1].moved_to
    async with running(database, one, settings=SLOW, story=run.story) as run:
        await polls(run, 1, 12 * HOUR)
        assert len(site.asked("/feed")) == 15 and run.checks()[-1].moved_to == site.url("/new")
    async with running(database, one, settings=SLOW, story=run.story) as run:
        await polls(run, 5, 12 * HOUR)
    assert len(site.asked("/feed")) == 15 and len(site.asked("/new")) == 20
    assert Condition.MOVED in run.checks()[-1].conditions
    assert sent(site.asked("/new")[-1]) == (TAG, None)


@pytest.mark.parametrize("status", [302, 303, 307])
async def test_point_12_a_temporary_redirect_is_never_remembered(
    database: Database, site: FeedSite, one: Path, status: int
) -> None:
    await moved_feed(site, status)
    async with running(database, one, settings=SLOW) as run:
        await polls(run, 40, 12 * HOUR)
    assert len(site.asked("/feed")) == 41


async def test_point_12_every_hop_must_be_permanent(database: Database, site: FeedSite, one: Path) -> None:
    await moved_feed(site)
    site.put("/feed", status=301, location="/between")
    site.put("/between", status=302, location="/new")
    async with running(database, one, settings=SLOW) as run:
        await polls(run, 20, 12 * HOUR)
    assert len(site.asked("/feed")) == 21


async def test_point_12_a_captive_portal_is_forgotten_as_it_goes(database: Database, site: FeedSite, one: Path) -> None:
    """It leads everything to its login page, permanently; and even one that serves a feed is gone within the week."""
    site.put("/feed", status=301, location="/login")
    site.put("/login", page("Hotel", "pay"))
    async with running(database, one, settings=SLOW) as run:
        await polls(run, 20, 12 * HOUR)
        site.put("/login", rss(stories(site, 9)))
        await polls(run, 8, 12 * HOUR)
        site.put("/feed", rss(stories(site, 1)))
        await polls(run, 12, 12 * HOUR)
    asked = len(site.asked("/login"))
    assert asked and not any(check.moved_to for check in run.checks())
    assert site.requests[-1].path == "/feed"


async def test_point_12_a_remembered_target_that_fails_is_forgotten(
    database: Database, site: FeedSite, one: Path
) -> None:
    await moved_feed(site)
    async with running(database, one, settings=SLOW) as run:
        await polls(run, 16, 12 * HOUR)
        site.put("/feed", rss(stories(site, 1)))
        site.put("/new", status=404)
        site.requests.clear()
        await polls(run, 4, DAY)
    assert [asked.path for asked in site.requests][:2] == ["/new", "/feed"]
    assert run.checks()[-1].outcome in (CheckOutcome.UNCHANGED, CheckOutcome.FRESH) and not run.checks()[-1].moved_to


async def test_point_12_a_remembered_target_is_checked_weekly_against_the_own_address(
    database: Database, site: FeedSite, one: Path
) -> None:
    await moved_feed(site)
    async with running(database, one, settings=SLOW) as run:
        await polls(run, 14, 12 * HOUR)
        site.requests.clear()
        site.remove("/feed")  # the old place goes away: the target stays
        await polls(run, 15, 12 * HOUR)
        assert len(site.asked("/feed")) == 1 and {check.failures for check in run.checks()} == {0}
        site.put("/feed", rss(stories(site, 1, 2)))  # the old place serves the feed itself again: that counts
        await polls(run, 14, 12 * HOUR)
    assert run.checks()[-1].moved_to == "" and site.requests[-1].path == "/feed"


# -- 13: errors that last -----------------------------------------------------------------------------------------


async def test_point_13_gone_stops_is_told_and_is_tested_weekly_four_times(
    database: Database, site: FeedSite, one: Path, tmp_path: Path
) -> None:
    site.put("/feed", status=410)
    async with running(database, one) as run:
        assert run.checks()[0].next_due == START + 7 * DAY
        await polls(run, 30, DAY)
    async with running(database, one, story=run.story, bus=run.bus) as run:
        await polls(run, 60, DAY)
        assert len(site.asked("/feed")) == 5
        assert [check.observed - START for check in run.checks()] == [week * 7 * DAY for week in range(5)]
        assert all(Condition.GONE in check.conditions for check in run.checks())
        assert run.checks()[-1].next_due is None
    site.put("/feed", rss(stories(site, 1)))
    changed = replace(QUICK, sources_reload=timedelta(milliseconds=10))
    async with running(database, one, story=run.story, settings=changed) as run:
        assert run.checks() == []
        listed(tmp_path, source(site.url("/feed"), country="RS"))  # a changed line is a new chance
        while not run.checks():
            await asyncio.sleep(0.01)
            await run.settled()
    assert run.checks()[-1].outcome is CheckOutcome.FRESH and not run.checks()[-1].conditions


async def test_point_13_not_found_backs_off_and_is_never_given_up(
    database: Database, site: FeedSite, one: Path
) -> None:
    site.put("/feed", status=404)
    async with running(database, one) as run:
        await polls(run, 60, DAY)
        failed = len(site.asked("/feed"))
        site.put("/feed", rss(stories(site, 1)))
        await polls(run, 1, DAY)
        waits = [(check.next_due or START) - check.observed for check in run.checks()[:-1]]
        assert 50 <= failed <= 61 and all(HOUR <= wait <= DAY for wait in waits) and max(waits) > 12 * HOUR
        assert run.outcomes()[-1] is CheckOutcome.FRESH


# -- 14: 304 for ever ---------------------------------------------------------------------------------------------


async def test_point_14_a_304_that_lasts_is_audited_once_a_day_at_most(
    database: Database, site: FeedSite, one: Path
) -> None:
    """An honest server that has no news: one whole answer a day, and no distrust."""
    site.put("/feed", rss(stories(site, 1)), etag=TAG, last_modified=DATE)
    async with running(database, one) as run:
        await polls(run, 30)
    async with running(database, one, story=run.story) as run:
        await polls(run, 70)
    whole = [number for number, asked in enumerate(site.asked("/feed")) if sent(asked) == (None, None)]
    assert whole == [0, 25, 50, 75, 100]
    assert not any(Condition.LYING_VALIDATORS in check.conditions for check in run.checks())


async def test_point_14_a_server_caught_lying_is_distrusted_and_trusted_again_step_by_step(
    database: Database, site: FeedSite, one: Path
) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG, heeds=Heeds.FALSELY)
    async with running(database, one) as run:
        site.put("/feed", rss(stories(site, 1, 2)), etag=TAG, heeds=Heeds.FALSELY)
        await polls(run, 25)
        assert run.outcomes()[1:] == [CheckOutcome.NOT_MODIFIED] * 24 + [CheckOutcome.FRESH]
        assert run.checks()[-1].conditions == (Condition.LYING_VALIDATORS,)
        site.requests.clear()
    async with running(database, one, story=run.story) as run:
        await polls(run, 47)
        assert [sent(asked) for asked in site.asked("/feed")] == [(None, None)] * 47  # two days, with the audit's own
        site.requests.clear()
        site.put("/feed", rss(stories(site, 1, 2)), etag=TAG)  # the cache was mended
        await polls(run, 80)
    whole = [number for number, asked in enumerate(site.asked("/feed")) if sent(asked) == (None, None)]
    lying = [Condition.LYING_VALIDATORS in check.conditions for check in run.checks()[47:]]
    assert whole == [24, 49, 74]  # conditions again at once, and an audit a day: three without a lie
    assert lying == [True] * 74 + [False] * 6


async def test_point_14_caught_again_is_distrusted_for_longer(database: Database, site: FeedSite, one: Path) -> None:
    site.put("/feed", rss(stories(site, 1)), etag=TAG, heeds=Heeds.FALSELY)
    async with running(database, one) as run:
        for number in (2, 3):
            site.put("/feed", rss(stories(site, *range(1, number + 1))), etag=TAG, heeds=Heeds.FALSELY)
            await polls(run, 220)
        await polls(run, 80)
        async with database.reading() as connection:
            row = (await connection.execute(sa.select(SOURCES))).one()
    told = "".join("c" if sent(asked)[0] else "w" for asked in site.asked("/feed"))
    assert row.lies == 2 and [len(whole) for whole in told.split("c") if len(whole) > 1] == [48, 96]


# -- 15: pages in place of feeds ----------------------------------------------------------------------------------

CHALLENGE = (
    '<!DOCTYPE html><html lang="en-US"><head><title>Just a moment...</title></head><body><noscript>Enable JavaScript '
    "and cookies to continue</noscript><script>window._cf_chl_opt = {cType: 'managed'};</script></body></html>"
)


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_point_15_a_challenge_page_is_told_from_an_empty_feed_and_from_a_page(
    database: Database, site: FeedSite, tmp_path: Path, status: int
) -> None:
    for path in ("/wall", "/page", "/empty"):
        site.put(path, rss(stories(site, 1)))
    names = [source(site.url(path), name=path[1:], limits="url") for path in ("/wall", "/page", "/empty")]
    async with running(database, listed(tmp_path, *names)) as run:
        site.put("/wall", CHALLENGE, status=status, content_type="text/html")
        site.put("/page", page("Parked", "This domain is for sale"))
        site.put("/empty", rss([]))
        await run.advance()
    wall, parked, empty = (
        next(check for check in reversed(run.checks()) if check.source.id == name) for name in ("wall", "page", "empty")
    )
    assert Condition.BLOCKED in wall.conditions and "Cloudflare" in wall.detail and wall.failures == 1
    assert wall.outcome is not CheckOutcome.EMPTY
    assert (parked.outcome, parked.conditions) == (CheckOutcome.NOT_A_FEED, (Condition.TURNED_INTO_PAGE,))
    assert "a web page: Parked" in parked.detail and parked.entries == 0
    assert (empty.outcome, empty.conditions, empty.failures) == (CheckOutcome.EMPTY, (), 0)
