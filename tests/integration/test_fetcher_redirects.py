"""Redirects to other registered domains, and processes that were stopped: judged by what the servers were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from services import fetcher
from services.fetcher.manners.ask import Forbidden, LedElsewhere, Permits, Request, ask, insist
from services.fetcher.manners.domains import Domains, HeldElsewhere
from services.fetcher.manners.pace import Pace, Still
from services.fetcher.manners.robots import Robots
from shared import db
from shared.clock import RealClock, SteppedClock
from shared.db import Database
from shared.events import CheckOutcome
from shared.http import Door, FailureKind, Guard, HttpFailure, Limits
from shared.lease import Lease
from tests.fakes.feed_site import FeedSite, Loopback, feed_site, page, rss
from tests.integration.test_fetcher import listed, running, source

START = datetime(2025, 3, 18, 12, tzinfo=UTC)
SPACING = timedelta(seconds=0.3)
HURRY = 0.9
"""The server sees a request a moment after it was sent: of the spacing, at least this share is seen."""


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with Door(user_agent="x", guard=Guard((ip_network("127.0.0.0/8"),)), resolver=Loopback()) as made:
        yield made


@pytest.fixture
async def robots(database: Database, door: Door) -> Robots:
    await db.migrate(database, "fetcher", Path(fetcher.__file__).parent / "migrations")
    return Robots(door, Pace(RealClock(), spacing=timedelta(), cap=5), database, RealClock(), "wirewatch")


def pace(*, spacing: timedelta = timedelta(), others: Collection[str] = ()) -> Pace:
    made = Pace(RealClock(), spacing=spacing, cap=5)
    made.owner = Others(others)
    return made


@dataclass(slots=True)
class Others:
    """An owner of everything but the hosts that others hold."""

    hosts: Collection[str]
    wished: list[str] = field(default_factory=list)

    async def hold(self, url: str) -> None:
        if any(f"//{host}" in url for host in self.hosts):
            raise HeldElsewhere(timedelta(seconds=7))

    def check(self, url: str) -> Still | None:
        return None

    async def wish(self, url: str) -> None:
        self.wished.append(url)


def leads(site: FeedSite, start: str, target: str, *, status: int = 302) -> None:
    """An address `/` of host `start` that leads to another one."""
    site.put("/", status=status, host=start, location=target)


def request(url: str, robots: Permits | None = None, limits: Limits | None = None) -> Request:
    return Request(url=url, headers={"accept": "*/*"}, limits=limits or Limits(), robots=robots)


def asked(site: FeedSite) -> list[str]:
    return [f"{one.host}{one.path}" for one in site.requests]


async def test_the_other_domain_is_asked_in_a_turn_of_its_own(site: FeedSite, door: Door) -> None:
    leads(site, "a.test", site.url("/1", host="b.test"))
    for path in ("/0", "/1"):
        site.put(path, page("B", "text"), host="b.test", wait=0.1)
    manners = pace(spacing=SPACING)
    first = asyncio.ensure_future(ask(door, manners, request(site.url("/0", host="b.test"))))
    response = await ask(door, manners, request(site.url("/", host="a.test")))
    await first
    assert response.url == site.url("/1", host="b.test")
    assert [hop.location for hop in response.hops] == [response.url]
    assert site.most_open["b.test"] == 1
    begun = [one.at for one in site.requests if one.host == "b.test"]
    assert begun[1] - begun[0] >= SPACING.total_seconds() * HURRY


async def test_two_domains_that_lead_to_each_other_do_not_wait_in_a_ring(site: FeedSite, door: Door) -> None:
    leads(site, "a.test", site.url("/end", host="b.test"))
    leads(site, "b.test", site.url("/end", host="a.test"))
    site.put("/end", page("End", "text"), wait=0.05)
    manners = pace(spacing=timedelta(seconds=0.05))
    async with asyncio.timeout(10):
        found = await asyncio.gather(
            *(ask(door, manners, request(site.url("/", host=host))) for host in ("a.test", "b.test"))
        )
    assert [response.status for response in found] == [200, 200]


async def test_a_redirect_inside_the_domain_stays_in_its_turn(site: FeedSite, door: Door) -> None:
    leads(site, "a.test", site.url("/1", host="www.a.test"))
    site.put("/1", page("A", "text"), host="www.a.test")
    await ask(door, pace(spacing=timedelta(hours=1)), request(site.url("/", host="a.test")))
    assert asked(site) == ["a.test/", "www.a.test/1"]


async def test_a_domain_that_another_process_holds_is_not_asked(site: FeedSite, door: Door) -> None:
    target = site.url("/1", host="b.test")
    leads(site, "a.test", target)
    manners = pace(others=["b.test"])
    with pytest.raises(LedElsewhere) as led:
        await ask(door, manners, request(site.url("/", host="a.test")))
    assert (led.value.url, led.value.hops, led.value.left) == (target, 1, timedelta(seconds=7))
    assert asked(site) == ["a.test/"]
    assert manners.owner.wished == []  # type: ignore[union-attr]  # an `Others`
    with pytest.raises(LedElsewhere):
        await insist(door, manners, request(site.url("/", host="a.test")))
    assert manners.owner.wished == [target]  # type: ignore[union-attr]  # an `Others`


@pytest.mark.parametrize("target", ["b.test/no", "a.test/no", "www.a.test/no"])
async def test_robots_of_the_place_a_redirect_leads_to_are_obeyed(
    site: FeedSite, door: Door, robots: Robots, target: str
) -> None:
    host, _, path = target.partition("/")
    site.put("/robots.txt", "User-agent: *\nDisallow: /no\n")
    leads(site, "a.test", site.url(f"/{path}", host=host))
    site.put("/no", page("No", "text"))
    assert (await robots.verdict(site.url("/", host="a.test"))).allowed
    with pytest.raises(Forbidden) as forbidden:
        await ask(door, pace(), request(site.url("/", host="a.test"), robots))
    assert forbidden.value.url == site.url("/no", host=host)
    assert not site.asked("/no")
    assert {one.host for one in site.asked("/robots.txt")} == {"a.test", host}
    assert len(site.asked("/robots.txt")) == len({"a.test", host})


async def test_robots_are_not_asked_for_where_they_do_not_apply(site: FeedSite, door: Door) -> None:
    site.put("/robots.txt", "User-agent: *\nDisallow: /\n")
    leads(site, "a.test", site.url("/1", host="b.test"))
    site.put("/1", page("B", "text"))
    assert (await ask(door, pace(), request(site.url("/", host="a.test")))).status == 200
    assert not site.asked("/robots.txt")


async def test_the_number_of_redirects_is_bounded_over_all_domains(site: FeedSite, door: Door) -> None:
    hosts = ["a.test", "b.test"]
    for at in range(20):
        site.put(f"/{at}", status=302, location=site.url(f"/{at + 1}", host=hosts[(at + 1) % 2]))
    with pytest.raises(HttpFailure) as failure:
        await ask(door, pace(), request(site.url("/0", host="a.test")))
    assert failure.value.kind is FailureKind.TOO_MANY_REDIRECTS
    assert len(site.requests) == 1 + Limits().redirects


async def test_the_deadline_counts_all_domains_together(site: FeedSite, door: Door) -> None:
    for at, host in enumerate(["a.test", "b.test", "c.test"]):
        site.put(f"/{at}", status=302, location=site.url(f"/{at + 1}", host=f"{'bcd'[at]}.test"), host=host, wait=0.4)
    site.put("/3", page("D", "text"), host="d.test", wait=0.4)
    with pytest.raises(HttpFailure) as failure:
        await ask(door, pace(), request(site.url("/0", host="a.test"), limits=Limits(total=1.0)))
    assert failure.value.kind is FailureKind.TIMEOUT
    assert "d.test/3" not in asked(site)


@pytest.mark.parametrize("place", ["http://10.0.0.1/", "ftp://b.test/x", "http://[::1]/", "javascript:alert(1)"])
async def test_a_redirect_to_nowhere_allowed_is_refused(site: FeedSite, door: Door, place: str) -> None:
    leads(site, "a.test", place)
    with pytest.raises(HttpFailure) as failure:
        await ask(door, pace(), request(site.url("/", host="a.test")))
    assert failure.value.kind is FailureKind.REFUSED
    assert asked(site) == ["a.test/"]


async def test_a_listing_that_leads_to_a_forbidden_domain_is_denied(
    database: Database, site: FeedSite, tmp_path: Path
) -> None:
    await db.migrate(database, "fetcher", Path(fetcher.__file__).parent / "migrations")
    leads(site, "a.test", site.url("/list", host="b.test"))
    site.put("/robots.txt", "User-agent: *\nDisallow: /list\n", host="b.test")
    one = source(site.url("/", host="a.test"), kind="listing")
    async with running(database, listed(tmp_path, one)) as run:
        assert run.outcomes() == [CheckOutcome.ROBOTS_DENIED]
    assert not site.asked("/list")


async def test_a_feed_may_lead_to_another_domain(database: Database, site: FeedSite, tmp_path: Path) -> None:
    await db.migrate(database, "fetcher", Path(fetcher.__file__).parent / "migrations")
    leads(site, "a.test", site.url("/feed", host="b.test"))
    site.put("/feed", rss([]), host="b.test")
    async with running(database, listed(tmp_path, source(site.url("/", host="a.test")))) as run:
        assert run.outcomes() == [CheckOutcome.EMPTY]
    assert asked(site) == ["a.test/", "b.test/feed"]


# -- stopped between the look at the lease and the dial -----------------------------------------------------------

LENGTH, MARGIN = timedelta(seconds=90), timedelta(seconds=30)


@dataclass(slots=True)
class Slept:
    """Two clocks that a stop of the process moves: the one that can be set, and the one that cannot."""

    wall: SteppedClock
    up: float = 0.0

    def passes(self, length: timedelta, *, wall: bool = True, up: bool = True) -> None:
        if wall:
            self.wall.advance_to(self.wall.now() + length)
        self.up += length.total_seconds() if up else 0.0


@dataclass(slots=True)
class Sleepy:
    """A resolver in which the process is stopped for a while."""

    clocks: Slept
    length: timedelta
    wall: bool = True
    up: bool = True

    async def resolve(self, host: str) -> Sequence[str]:
        self.clocks.passes(self.length, wall=self.wall, up=self.up)
        return ["127.0.0.1"]


def holding(database: Database, clocks: Slept) -> Domains:
    made = Domains(
        database=database, real=clocks.wall, holder="one", length=LENGTH, margin=MARGIN, uptime=lambda: clocks.up
    )  # fmt: skip
    made._held["a.test"] = Lease("fetcher domain", "a.test", "one", 1, START + LENGTH)
    return made


@pytest.mark.postgres
@pytest.mark.parametrize(("wall", "up"), [(True, True), (True, False), (False, True)])
async def test_a_process_stopped_before_the_dial_does_not_dial(
    postgres_url: str, site: FeedSite, wall: bool, up: bool
) -> None:
    site.put("/", page("A", "text"))
    clocks, database = Slept(SteppedClock(START)), db.open_database(postgres_url)
    still = holding(database, clocks).check("http://a.test/")
    assert still is not None
    guard, url = Guard((ip_network("127.0.0.0/8"),)), site.url("/", host="a.test")
    async with Door(user_agent="x", guard=guard, resolver=Sleepy(clocks, MARGIN / 2, wall, up)) as door:
        assert (await door.get(url, still=still)).status == 200
    async with Door(user_agent="x", guard=guard, resolver=Sleepy(clocks, MARGIN, wall, up)) as door:
        with pytest.raises(HeldElsewhere):
            await door.get(url, still=still)
    assert len(site.requests) == 1
    await database.close()


@pytest.mark.postgres
async def test_a_process_stopped_before_the_write_on_an_open_connection_does_not_write(
    postgres_url: str, site: FeedSite, door: Door
) -> None:
    site.put("/", page("A", "text"))
    clocks, database = Slept(SteppedClock(START)), db.open_database(postgres_url)
    still = holding(database, clocks).check("http://a.test/")
    url = site.url("/", host="a.test")
    assert (await door.get(url, still=still)).status == 200  # the connection stays open
    clocks.passes(MARGIN)
    with pytest.raises(HeldElsewhere):
        await door.get(url, still=still)
    assert len(site.requests) == 1
    await database.close()


@pytest.mark.postgres
async def test_a_lease_that_was_lost_meanwhile_ends_the_request(postgres_url: str, site: FeedSite, door: Door) -> None:
    site.put("/", page("A", "text"))
    clocks, database = Slept(SteppedClock(START)), db.open_database(postgres_url)
    domains = holding(database, clocks)
    still = domains.check("http://a.test/")
    domains._held["a.test"] = Lease("fetcher domain", "a.test", "one", 3, START + 2 * LENGTH)
    with pytest.raises(HeldElsewhere):
        await door.get(site.url("/", host="a.test"), still=still)
    assert not site.requests
    await database.close()
