"""Several fetchers on one database: each domain is asked by one of them, whatever happens to the others."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from services import fetcher
from services.fetcher.manners.domains import Domains, HeldElsewhere
from shared.clock import SteppedClock
from shared.db import Database, migrate, open_database
from tests.fakes.feed_site import FeedSite, Story, feed_site, page, rss
from tests.fakes.fetcher_process import LEASE, SPACING
from tests.fakes.fixtures_db import SHARED_MIGRATIONS
from tests.fakes.kafka_broker import ROOT

START = datetime(2025, 3, 18, 12, 0, tzinfo=UTC)
HOSTS = [f"news-{number}.test" for number in range(7)]
STORIES = 3
WAIT = 90.0
HURRY = 0.9
"""The server sees a request a moment after it was sent, sooner or later than the one before it: of the spacing, at
least this share is seen."""


@dataclass(slots=True)
class Replica:
    """A fetcher process and what it published."""

    name: str
    process: asyncio.subprocess.Process
    said: list[list[str]] = field(default_factory=list)

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode().split())


@contextlib.asynccontextmanager
async def replica(name: str, url: str, sources: Path) -> AsyncIterator[Replica]:
    command = [sys.executable, "-m", "tests.fakes.fetcher_process", name, url, str(sources)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    made = Replica(name, process)
    reading = asyncio.ensure_future(made.read())
    try:
        yield made
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        await process.wait()
        await reading


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        for host in HOSTS:
            links = [made.url(f"/{number}", host=host) for number in range(STORIES)]
            made.put("/feed", rss([Story(f"{host} {link}", link, guid=link) for link in links]), host=host)
            for number in range(STORIES):
                made.put(f"/{number}", page(f"{host} {number}", "text " * 20), host=host, wait=0.05)
        yield made


def listed(folder: Path, site: FeedSite) -> Path:
    path = folder / "sources.yaml"
    rows = [f"- id: s{n}\n  name: S{n}\n  url: {site.url('/feed', host=host)}" for n, host in enumerate(HOSTS)]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not holds():
            await asyncio.sleep(0.1)


def askers(site: FeedSite, since: float = 0.0) -> dict[str, set[str]]:
    """Who asked each host after a time."""
    found: dict[str, set[str]] = defaultdict(set)
    for asked in site.requests:
        if asked.at > since:
            found[asked.host].add(asked.headers["user-agent"])
    return found


def now() -> float:
    return asyncio.get_running_loop().time()


def last_asker(site: FeedSite) -> dict[str, str]:
    return {asked.host: asked.headers["user-agent"] for asked in site.requests}


def closest(site: FeedSite) -> float:
    """The shortest time between two requests to a host."""
    times: dict[str, list[float]] = defaultdict(list)
    for asked in site.requests:
        times[asked.host].append(asked.at)
    return min(later - earlier for each in times.values() for earlier, later in pairwise(each))


@pytest.mark.postgres
async def test_three_fetchers_share_the_domains_and_take_over_from_one_another(
    postgres_url: str, site: FeedSite, tmp_path: Path
) -> None:
    database = open_database(postgres_url)
    await migrate(database, "shared", SHARED_MIGRATIONS)
    await migrate(database, "fetcher", Path(fetcher.__file__).parent / "migrations")
    sources = listed(tmp_path, site)
    async with contextlib.AsyncExitStack() as stack:
        first, second, third = [
            await stack.enter_async_context(replica(name, postgres_url, sources)) for name in ("one", "two", "three")
        ]
        everybody = {"one", "two", "three"}
        await until(lambda: set(last_asker(site).values()) == everybody and len(last_asker(site)) == len(HOSTS))
        await until(lambda: all(len(site.asked(f"/{number}")) >= len(HOSTS) for number in range(STORIES)))

        first.process.kill()
        await first.process.wait()
        killed = now()
        await until(lambda: len(askers(site, killed + LEASE.total_seconds())) == len(HOSTS))
        assert set(last_asker(site).values()) == {"two", "three"}

        second.process.send_signal(signal.SIGSTOP)
        stopped = now()
        await until(lambda: set(last_asker(site).values()) == {"three"})
        second.process.send_signal(signal.SIGCONT)
        woken = now()
        await until(lambda: "two" in set(last_asker(site).values()) and now() > woken + LEASE.total_seconds())
        assert second.process.returncode is None
        held = askers(site, stopped)
        assert any(held[host] == {"three"} for host in HOSTS)

    assert max(site.most_open.values()) == 1
    assert closest(site) >= SPACING.total_seconds() * HURRY
    published: dict[str, set[str]] = defaultdict(set)
    for kind, entry, page_id in (line for one in (first, second, third) for line in one.said if len(line) == 3):
        if kind == "page":
            published[entry].add(page_id)
    assert len(published) == len(HOSTS) * STORIES
    assert all(len(ids) == 1 for ids in published.values())
    await database.close()


@pytest.fixture
async def prepared(postgres_url: str) -> str:
    database = open_database(postgres_url)
    await migrate(database, "shared", SHARED_MIGRATIONS)
    await migrate(database, "fetcher", Path(fetcher.__file__).parent / "migrations")
    await database.close()
    return postgres_url


@pytest.mark.postgres
async def test_a_process_stopped_in_the_middle_of_a_look_up_sends_nothing_when_it_wakes(
    prepared: str, site: FeedSite, tmp_path: Path
) -> None:
    link = site.url("/late", host="pages.test")
    site.put("/feed", rss([Story("Late", link, guid=link)]), host=HOSTS[0])
    site.put("/late", page("Late", "text " * 20), host="pages.test")
    sources, told = listed(tmp_path, site), tmp_path / "stop-one"
    told.write_text("pages.test", encoding="utf-8")
    async with contextlib.AsyncExitStack() as stack:
        one = await stack.enter_async_context(replica("one", prepared, sources))
        await until(lambda: not told.exists())
        two = await stack.enter_async_context(replica("two", prepared, sources))
        await until(lambda: len(site.asked("/late")) == 1)
        one.process.send_signal(signal.SIGCONT)
        woken = now()
        await until(lambda: any("one" in names for names in askers(site, woken).values()))
    assert {asked.headers["user-agent"] for asked in site.requests if asked.host == "pages.test"} == {"two"}
    assert len(site.asked("/late")) == 1
    assert max(site.most_open.values()) == 1
    published = [line for line in one.said + two.said if line[0] == "page"]
    assert len({line[1] for line in published if line in two.said}) >= 1


@pytest.mark.postgres
async def test_redirects_to_domains_of_other_fetchers_are_followed_by_those(
    prepared: str, site: FeedSite, tmp_path: Path
) -> None:
    """The feeds of even hosts lie on the odd ones, and every article leads to the host after the next."""
    hosts = HOSTS[:6]
    for at, host in enumerate(hosts):
        onward, over = hosts[at ^ 1], hosts[(at + 2) % len(hosts)]
        links = [site.url(f"/go/{at}/{number}", host=host) for number in range(STORIES)]
        site.put(
            f"/list/{at}", rss([Story(link, link, guid=link) for link in links]), host=onward if at % 2 == 0 else host
        )
        if at % 2 == 0:
            site.put("/feed", status=302, host=host, location=site.url(f"/list/{at}", host=onward))
        else:
            site.put("/feed", rss([Story(link, link, guid=link) for link in links]), host=host)
        for number in range(STORIES):
            place = f"/at/{at}/{number}"
            site.put(f"/go/{at}/{number}", status=302, host=host, location=site.url(place, host=over))
            site.put(place, page(f"{host} {number}", "text " * 20), host=over, wait=0.05)
    path = tmp_path / "sources.yaml"
    rows = [f"- id: s{n}\n  name: S{n}\n  url: {site.url('/feed', host=host)}" for n, host in enumerate(hosts)]
    path.write_text("\n".join(rows), encoding="utf-8")
    everything = len(hosts) * STORIES
    async with contextlib.AsyncExitStack() as stack:
        three = [await stack.enter_async_context(replica(name, prepared, path)) for name in ("one", "two", "three")]

        def published() -> list[tuple[str, str]]:
            return [(line[1], line[2]) for one in three for line in one.said if len(line) == 3 and line[0] == "page"]

        await until(lambda: len({entry for entry, _ in published()}) == everything)
        await until(
            lambda: {line[1] for one in three for line in one.said if line[0] == "check"} == {f"s{n}" for n in range(6)}
        )
        await until(lambda: all(len(site.asked(f"/list/{at}")) > 1 for at in (0, 2, 4)))
    assert len(set(published())) == everything, "a page has one id, however often it is published"
    assert max(site.most_open.values()) == 1
    assert closest(site) >= SPACING.total_seconds() * HURRY


# -- one by one ---------------------------------------------------------------------------------------------------

LENGTH, MARGIN = timedelta(seconds=90), timedelta(seconds=30)
NAMES = [f"{letter}.test" for letter in "abcdef"]


@pytest.fixture
async def shared(postgres_url: str) -> AsyncIterator[Database]:
    database = open_database(postgres_url)
    await migrate(database, "shared", SHARED_MIGRATIONS)
    yield database
    await database.close()


def domains(database: Database, clock: SteppedClock, holder: str) -> Domains:
    return Domains(
        database=database, real=clock, holder=holder, length=LENGTH, margin=MARGIN, wanted=lambda: NAMES
    )  # fmt: skip


def held(one: Domains) -> set[str]:
    return {name for name in NAMES if one.owns(f"https://{name}/")}


@pytest.mark.postgres
async def test_domains_are_shared_out_evenly_and_given_back(shared: Database) -> None:
    clock = SteppedClock(START)
    one, two = domains(shared, clock, "one"), domains(shared, clock, "two")
    await one.share_out()
    assert held(one) == set(NAMES)
    for _ in range(2):
        await two.share_out()
        await one.share_out()
    await two.share_out()
    assert len(held(one)) == len(held(two)) == 3
    assert held(one) | held(two) == set(NAMES)
    await two.let_go()
    await one.share_out()
    assert held(one) == set(NAMES)


@pytest.mark.postgres
async def test_a_domain_under_way_is_not_given_back(shared: Database) -> None:
    clock = SteppedClock(START)
    one, two = domains(shared, clock, "one"), domains(shared, clock, "two")
    await one.share_out()
    one.busy = lambda _name: True
    await two.share_out()
    await one.share_out()
    assert held(one) == set(NAMES)


@pytest.mark.postgres
async def test_nobody_asks_where_a_request_might_outlast_the_lease(shared: Database) -> None:
    clock = SteppedClock(START)
    one, two = domains(shared, clock, "one"), domains(shared, clock, "two")
    await one.share_out()
    one.check("https://a.test/1")
    clock.advance_to(START + LENGTH - MARGIN)
    with pytest.raises(HeldElsewhere):
        one.check("https://a.test/1")
    with pytest.raises(HeldElsewhere):
        await two.hold("https://a.test/1")
    clock.advance_to(START + LENGTH)
    assert await two.hold("https://a.test/1") is not None
    with pytest.raises(HeldElsewhere):
        await one.hold("https://a.test/1")
    await one.share_out()
    assert "a.test" not in held(one)


@pytest.mark.postgres
async def test_a_domain_of_pages_is_taken_when_met_and_let_go_when_idle(shared: Database) -> None:
    clock = SteppedClock(START)
    one, two = domains(shared, clock, "one"), domains(shared, clock, "two")
    assert await one.hold("https://www.elsewhere.test/1") is not None
    with pytest.raises(HeldElsewhere):
        await two.hold("https://elsewhere.test/2")
    await one.share_out()
    clock.advance_to(START + LENGTH - MARGIN / 2)
    await one.share_out()
    assert one.owns("https://elsewhere.test/")
    clock.advance_to(clock.now() + LENGTH)
    await one.share_out()
    assert not one.owns("https://elsewhere.test/")
    assert await two.hold("https://elsewhere.test/2") is not None


# -- wishes -------------------------------------------------------------------------------------------------------


@pytest.mark.postgres
async def test_a_domain_that_is_wished_for_goes_to_the_wisher_alone(shared: Database) -> None:
    clock = SteppedClock(START)
    one, two, three = (domains(shared, clock, name) for name in ("one", "two", "three"))
    await one.share_out()
    await two.wish("https://www.a.test/1")
    await one.share_out()
    assert not one.owns("https://a.test/")
    for other in (one, three):
        with pytest.raises(HeldElsewhere):
            await other.hold("https://a.test/1")
        await other.share_out()
        assert not other.owns("https://a.test/")
    await two.share_out()
    assert two.owns("https://a.test/")
    await one.wish("https://a.test/2")
    await two.share_out()
    assert two.owns("https://a.test/"), "once in the length of a lease"


@pytest.mark.postgres
async def test_a_domain_under_way_is_handed_over_when_that_is_done(shared: Database) -> None:
    clock = SteppedClock(START)
    one, two = domains(shared, clock, "one"), domains(shared, clock, "two")
    await one.share_out()
    await two.wish("https://a.test/1")
    one.busy = lambda name: name == "a.test"
    await one.share_out()
    assert one.owns("https://a.test/")
    with pytest.raises(HeldElsewhere):
        await one.hold("https://a.test/1")
    assert one.check("https://a.test/1") is not None, "what has its turn is not cut"
    one.busy = lambda _name: False
    await one.share_out()
    assert not one.owns("https://a.test/")


@pytest.mark.postgres
async def test_a_wish_ends_with_its_lease(shared: Database) -> None:
    clock = SteppedClock(START)
    one, two = domains(shared, clock, "one"), domains(shared, clock, "two")
    await one.share_out()
    await two.wish("https://a.test/1")
    await one.share_out()
    clock.advance_to(START + LENGTH)
    await one.share_out()
    assert one.owns("https://a.test/")
