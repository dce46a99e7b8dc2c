"""WebSub with a real hub on loopback: subscribing, verifying, renewing, pushes good and bad, and polls meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from services.fetcher.push import metrics
from services.fetcher.push.metrics import PushOutcome, VerifyOutcome
from services.fetcher.push.store import State
from services.fetcher.settings import FetcherSettings
from services.fetcher.tables import PUSHES
from shared import db
from shared.clock import RealClock, SteppedClock
from shared.db import Database
from shared.errors import Misconfigured
from shared.settings import replace
from tests.fakes.fake_bus import FakeBus
from tests.fakes.feed_site import FeedSite, feed_site, rss
from tests.fakes.hub import CHALLENGE, Hub, free_port, hub
from tests.integration.test_fetcher import HOUR, MIGRATIONS, QUICK, START, Run, listed, running, source, stories

LEASE = timedelta(seconds=1_000)


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@pytest.fixture
async def one() -> AsyncIterator[Hub]:
    async with hub() as made:
        yield made


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


@pytest.fixture
async def sqlite(tmp_path: Path) -> AsyncIterator[Database]:
    opened = db.open_database(f"sqlite:///{tmp_path}/push.db")
    await db.migrate(opened, "fetcher", MIGRATIONS)
    yield opened
    await opened.close()


def pushing(**more: Any) -> FetcherSettings:
    port = free_port()
    address = f"http://127.0.0.1:{port}/news"
    patient = {"request_timeout": timedelta(seconds=10)} | more  # none of these waits for one; a busy machine may
    return replace(QUICK, push_port=port, push_public_url=address, push_poll=6 * HOUR, **patient)


def put_feed(site: FeedSite, one: Hub, *numbers: int, path: str = "/feed", **more: Any) -> str:
    """Serve a feed that names the hub, and its articles; its text."""
    text = rss(stories(site, *numbers))
    site.put(path, text, link=f'<{one.url}>; rel="hub", <{site.url(path)}>; rel="self"', **more)
    return text


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


async def rows(database: Database) -> list[Any]:
    async with database.reading() as connection:
        return list(await connection.execute(sa.select(PUSHES)))


async def standing(database: Database, *states: State) -> None:
    """Wait until the subscriptions stand like this."""
    async with asyncio.timeout(10):
        while sorted(row.state for row in await rows(database)) != sorted(states):
            await asyncio.sleep(0.005)


def received(outcome: PushOutcome) -> float:
    return float(metrics.RECEIVED.labels(outcome)._value.get())


@dataclass
class Pushed:
    """A fetcher with a verified subscription."""

    run: Run
    settings: FetcherSettings
    real: SteppedClock


@contextlib.asynccontextmanager
async def subscribed(
    database: Database, site: FeedSite, one: Hub, folder: Path, *, settings: FetcherSettings | None = None,
    bus: FakeBus | None = None, **more: str,
) -> AsyncIterator[Pushed]:  # fmt: skip
    """A fetcher whose one source has been polled once and is pushed from now on."""
    put_feed(site, one, 1)
    chosen, real = settings or pushing(), SteppedClock(datetime(2026, 1, 1, tzinfo=UTC))
    path = listed(folder, source(site.url("/feed"), **more))
    async with running(database, path, settings=chosen, real=real, bus=bus) as run:
        await one.verified()
        await standing(database, State.ACTIVE)
        yield Pushed(run, chosen, real)


# -- subscribing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early", [False, True])
async def test_a_hub_named_in_a_header_is_asked_and_verified(
    tables: Database, site: FeedSite, one: Hub, tmp_path: Path, early: bool
) -> None:
    one.early = early
    async with subscribed(tables, site, one, tmp_path) as pushed:
        (asked,), (row,) = one.asked, await rows(tables)
    assert asked["hub.mode"] == "subscribe" and asked["hub.topic"] == site.url("/feed")
    assert asked["hub.callback"].startswith(f"{pushed.settings.push_public_url}/push/")
    assert len(asked["hub.callback"].rpartition("/")[2]) == 43 and len(asked["hub.secret"]) == 43
    assert asked["hub.lease_seconds"] == "864000"
    assert row.lease_until == pushed.real.now() + LEASE and row.next_try == pushed.real.now() + LEASE * 0.8
    told = one.answers[0]
    assert (told.status, told.text) == (200, CHALLENGE)
    assert told.headers["content-type"].startswith("text/plain") and told.headers["x-content-type-options"] == "nosniff"


async def test_a_hub_named_in_the_feed_is_found_as_well(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    links = f'<atom:link rel="hub" href="{one.url}"/><atom:link rel="self" href="http://elsewhere.test/topic"/>'
    text = rss(stories(site, 1)).replace("<rss ", '<rss xmlns:atom="http://www.w3.org/2005/Atom" ')
    site.put("/feed", text.replace("<language>", f"{links}<language>"))
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=pushing()):
        await one.verified()
    assert one.asked[0]["hub.topic"] == "http://elsewhere.test/topic"


async def test_without_a_public_address_nobody_is_asked(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    put_feed(site, one, 1)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed")))) as run:
        await run.advance()
    assert one.asked == [] and await rows(sqlite) == []


async def test_a_source_may_leave_its_hub_alone(sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    put_feed(site, one, 1)
    path = listed(tmp_path, source(site.url("/feed"), push="false"))
    async with running(sqlite, path, settings=pushing()) as run:
        await run.advance()
    assert one.asked == []


async def test_a_public_address_that_is_none_is_told(sqlite: Database, tmp_path: Path, site: FeedSite) -> None:
    settings = replace(pushing(), push_public_url="news.example.org")
    with pytest.raises(Misconfigured, match=r"WIREWATCH_PUSH_PUBLIC_URL is 'news\.example\.org': write the address"):
        async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=settings):
            pass


async def test_a_hub_that_refuses_is_asked_again_later_and_as_it_wishes(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    one.answer, one.retry_after = 503, "7200"
    put_feed(site, one, 1)
    real = SteppedClock(START)
    path, settings = listed(tmp_path, source(site.url("/feed"))), pushing()
    async with running(sqlite, path, settings=settings, real=real):
        await one.was_asked()
        await asyncio.sleep(0.05)
        (row,) = await rows(sqlite)
        assert row.next_try == START + 2 * HOUR and row.state == State.ASKED
        real.advance_to(START + 2 * HOUR - timedelta(seconds=1))
        await asyncio.sleep(0.05)
        assert len(one.asked) == 1
        one.answer = 202
        real.advance_to(START + 2 * HOUR)
        await one.verified()


async def test_a_hub_that_never_verifies_is_asked_again(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    one.verifies = False
    put_feed(site, one, 1)
    real = SteppedClock(START)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=pushing(), real=real):
        await one.was_asked()
        await asyncio.sleep(0.05)
        real.advance_to(START + timedelta(minutes=61))
        await one.was_asked(2)
    assert one.asked[0] == one.asked[1]


# -- the hub's question -------------------------------------------------------------------------------------------


async def test_only_what_was_asked_is_verified(sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    one.verifies = False
    put_feed(site, one, 1)
    settings = pushing()
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=settings):
        await one.was_asked()
        callback = one.asked[0]["hub.callback"]
        refused = metrics.VERIFIED.labels(VerifyOutcome.REFUSED)
        before = refused._value.get()
        wrong = [
            await one.question("subscribe", topic=site.url("/other")),
            await one.question("unsubscribe"),
            await one.question("publish"),
            await one.question("subscribe", callback=callback[:-3] + "AAA"),
            await one.question("subscribe", hub_challenge=""),
            await one.question("subscribe", hub_challenge="x" * 5_000),
        ]
        one.lease = 5
        wrong.append(await one.question("subscribe"))
        assert {(told.status, told.text) for told in wrong} == {(404, "")}
        assert refused._value.get() == before + len(wrong)
        await standing(sqlite, State.ASKED)
        one.lease = 1_000
        assert (await one.question("subscribe")).text == CHALLENGE
        replayed = await one.question("subscribe")
        assert (replayed.status, replayed.text) == (404, "")
        assert (await one.question("unsubscribe")).status == 404
        await standing(sqlite, State.ACTIVE)


async def test_a_question_that_comes_too_late_is_not_ours(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    one.verifies = False
    put_feed(site, one, 1)
    real = SteppedClock(START)
    async with running(sqlite, listed(tmp_path, source(site.url("/feed"))), settings=pushing(), real=real):
        await one.was_asked()
        async with sqlite.transaction() as connection:
            await connection.execute(sa.update(PUSHES).values(next_try=START + 9 * HOUR))
        real.advance_to(START + timedelta(minutes=61))
        assert (await one.question("subscribe")).status == 404


async def test_a_lease_that_the_hub_forgets_to_say_is_what_we_asked(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    one.lease = None
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        (row,) = await rows(sqlite)
        assert row.lease_until == pushed.real.now() + timedelta(days=10)


async def test_a_denial_ends_the_pushes_and_polling_goes_on(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        await one.push(put_feed(site, one, 1, 2))
        assert (await one.question("denied", topic=site.url("/x"))).status == 404
        told = await one.question("denied", hub_reason="not for you")
        assert (told.status, told.text) == (200, "")
        await standing(sqlite, State.DENIED)
        assert await one.push(put_feed(site, one, 1, 2, 3)) == 404
        await pushed.run.advance()
        assert len(pushed.run.pages()) == 3  # found by the poll
        one.asked.clear()
        pushed.real.advance_to(pushed.real.now() + timedelta(days=8))
        await one.was_asked()


ELSEWHERE = ("GET /", "GET /news/push/", "POST /metrics", "GET /docs", "GET /openapi.json", "PUT ", "HEAD ", "DELETE ")


@pytest.mark.parametrize(("method", "path"), [asked.split(" ") for asked in ELSEWHERE])
async def test_the_port_serves_nothing_else(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path, method: str, path: str
) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        base = f"http://127.0.0.1:{pushed.settings.push_port}"
        told = await one.get(base + path if path else one.asked[0]["hub.callback"], method=method)
    assert (told.status, told.text) == (404, "")
    assert "server" not in told.headers and told.headers["cache-control"] == "no-store"
    assert told.headers["content-security-policy"].startswith("default-src 'none'")


# -- pushes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["", "gzip"])
async def test_a_push_is_fetched_at_once_and_a_poll_finds_nothing_new(
    tables: Database, site: FeedSite, one: Hub, tmp_path: Path, coding: str
) -> None:
    async with subscribed(tables, site, one, tmp_path) as pushed:
        body = put_feed(site, one, 1, 2, 3).encode()
        accepted = received(PushOutcome.ACCEPTED)
        assert await one.push(gzip.compress(body) if coding else body, coding=coding) == 202
        await until(lambda: len(pushed.run.pages()) == 3)
        assert received(PushOutcome.ACCEPTED) == accepted + 1
        check = pushed.run.checks()[-1]
        assert (check.outcome, check.new_entries, check.detail) == ("fresh", 2, "pushed")
        nothing = received(PushOutcome.NOTHING_NEW)
        assert await one.push(body) == 202
        assert received(PushOutcome.NOTHING_NEW) == nothing + 1
        await pushed.run.advance(7 * HOUR)
    assert [asked.path for asked in site.requests].count("/2") == 1
    assert len({page.id for page in pushed.run.pages()}) == len(pushed.run.pages()) == 3


async def test_ids_are_those_of_a_poll(sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        await one.push(put_feed(site, one, 1, 2))
        await until(lambda: len(pushed.run.pages()) == 2)
    other = db.open_database(f"sqlite:///{tmp_path}/other.db")
    await db.migrate(other, "fetcher", MIGRATIONS)
    async with running(other, listed(tmp_path, source(site.url("/feed")))) as polled:
        ids = {page.id for page in polled.pages()}
    await other.close()
    assert {page.id for page in pushed.run.pages()} == ids


async def test_bad_pushes_are_acknowledged_and_dropped(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        body = put_feed(site, one, 1, 2)
        before = {outcome: received(outcome) for outcome in PushOutcome}
        assert await one.push(body, signature="") == 202
        assert await one.push(body, signature="sha256=00") == 202
        assert await one.push(body, secret="guessed") == 202
        assert await one.push(body, method="sha1") == 202
        assert await one.push("<html>", coding="") == 202
        assert await one.push("no gzip", coding="gzip") == 202
        assert await one.push(gzip.compress(b" " * 50_000_000), coding="gzip") == 202
        callback = one.asked[0]["hub.callback"]
        assert await one.push(body, callback=f"{callback[:-2]}AA") == 404
        counted = {outcome: received(outcome) - before[outcome] for outcome in PushOutcome}
        assert {outcome.value: count for outcome, count in counted.items() if count} == {
            "unsigned": 1, "bad_signature": 3, "unusable": 3, "unknown": 1,
        }  # fmt: skip
        assert len(pushed.run.pages()) == 1


async def test_sha1_counts_where_the_operator_says_so(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    async with subscribed(sqlite, site, one, tmp_path, settings=pushing(push_sha1=True)) as pushed:
        await one.push(put_feed(site, one, 1, 2), method="sha1")
        await until(lambda: len(pushed.run.pages()) == 2)


async def test_a_huge_body_is_not_read(sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    async with subscribed(sqlite, site, one, tmp_path):
        before = received(PushOutcome.TOO_LARGE)
        assert await one.push(b"x" * 5_000_001) == 413
        assert received(PushOutcome.TOO_LARGE) == before + 1


async def test_a_push_speaks_for_its_own_source_only(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    """What a hub says of another source's entries is that of its own source: other ids, its own name."""
    put_feed(site, one, 1, path="/feed")
    put_feed(site, one, 5, path="/other")
    both = listed(tmp_path, source(site.url("/feed")), source(site.url("/other"), name="other"))
    async with running(sqlite, both, settings=pushing()) as run:
        await one.verified(2)
        await standing(sqlite, State.ACTIVE, State.ACTIVE)
        at = next(at for at, asked in enumerate(one.asked) if asked["hub.topic"] == site.url("/other"))
        await one.push(rss(stories(site, 1, 2), title="One"), to=at)
        await until(lambda: len(run.pages()) == 4)
        assert [page.source.id for page in run.pages()[2:]] == ["other", "other"]
        site.put("/feed", rss(stories(site, 1, 2)))
        await run.advance(7 * HOUR)
    assert {(page.source.id, page.entry.guid) for page in run.pages()} == {
        ("one", "g1"), ("one", "g2"), ("other", "g1"), ("other", "g2"), ("other", "g5"),
    }  # fmt: skip


async def test_a_push_that_cannot_be_kept_comes_again(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log is away: the hub is asked to come again, and what it brought is published once all the same."""
    monkeypatch.setattr("services.fetcher.push.port.KEPT_SECONDS", 0.05)
    bus = FakeBus()
    async with subscribed(sqlite, site, one, tmp_path, bus=bus) as pushed:
        bus.writer.failures = 3
        body = put_feed(site, one, 1, 2)
        assert await one.push(body) == 503
        again = asyncio.ensure_future(one.push(body))
        for _ in range(20):
            pushed.real.advance_to(pushed.real.now() + timedelta(seconds=1))
            await asyncio.sleep(0.01)
        await again
        assert await one.push(body) == 202
        await until(lambda: len(pushed.run.pages()) == 2)
    assert len({check.id for check in pushed.run.checks()}) == 2


# -- polls meanwhile ----------------------------------------------------------------------------------------------


async def test_polls_slow_down_once_pushes_come_and_are_back_when_one_is_missed(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    one.lease = 1_000_000
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        run = pushed.run
        await run.advance()
        assert len(site.asked("/feed")) == 2  # a hub that has not pushed yet slows nothing down
        await one.push(put_feed(site, one, 1, 2))
        await run.advance()
        assert len(site.asked("/feed")) == 3
        await run.advance(5 * HOUR)
        assert len(site.asked("/feed")) == 3
        await run.advance(HOUR)
        assert len(site.asked("/feed")) == 4
        put_feed(site, one, 1, 2, 3)  # and the hub says nothing
        await run.advance(6 * HOUR)
        assert len(run.pages()) == 3
        for polls in (6, 7):
            await run.advance()
            assert len(site.asked("/feed")) == polls
        await one.push(put_feed(site, one, 1, 2, 3, 4))
        await run.advance()
        await run.advance(5 * HOUR)
        assert len(site.asked("/feed")) == 8


async def test_an_entry_that_a_poll_finds_before_its_push_was_not_missed(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        await one.push(put_feed(site, one, 1, 2))
        now = pushed.run.story.now() + HOUR
        text = rss([*stories(site, 1, 2), *stories(site, 3, at=now - timedelta(minutes=5))])
        site.put("/feed", text)
        await pushed.run.advance()
        (row,) = await rows(sqlite)
    assert row.proven and len(pushed.run.pages()) == 3


async def test_a_lease_is_renewed_at_four_fifths(sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        began = pushed.real.now()
        pushed.real.advance_to(began + LEASE * 0.79)
        await asyncio.sleep(0.1)
        assert len(one.asked) == 1
        pushed.real.advance_to(began + LEASE * 0.8)
        await one.verified(2)
        assert one.asked[1] == one.asked[0]
        async with asyncio.timeout(10):
            while (await rows(sqlite))[0].lease_until != began + LEASE * 1.8:
                await asyncio.sleep(0.005)
        pushed.real.advance_to(began + LEASE * 1.1)
        assert await one.push(put_feed(site, one, 1, 2)) == 202
        await until(lambda: len(pushed.run.pages()) == 2)


async def test_a_lost_lease_brings_polling_back_and_pushes_do_not_count(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        await one.push(put_feed(site, one, 1, 2))
        await pushed.run.advance()
        assert pushed.run.story.next_wake() == pushed.run.story.now() + 6 * HOUR
        one.answer = 500
        pushed.real.advance_to(pushed.real.now() + LEASE)
        await standing(sqlite, State.ASKED)
        await until(lambda: pushed.run.story.next_wake() == pushed.run.story.now() + HOUR)
        before = received(PushOutcome.NOT_SUBSCRIBED)
        assert await one.push(put_feed(site, one, 1, 2, 3)) == 202
        assert received(PushOutcome.NOT_SUBSCRIBED) == before + 1 and len(pushed.run.pages()) == 2


async def test_subscriptions_outlive_a_restart(tables: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    one.lease = 1_000_000
    bus = FakeBus()
    async with subscribed(tables, site, one, tmp_path, bus=bus) as pushed:
        await one.push(put_feed(site, one, 1, 2))
        await pushed.run.advance()
    path = listed(tmp_path, source(site.url("/feed")))
    async with running(
        tables, path, settings=pushed.settings, real=pushed.real, bus=bus, story=pushed.run.story
    ) as run:
        async with asyncio.timeout(10):
            while True:
                with contextlib.suppress(OSError):
                    if await one.push(put_feed(site, one, 1, 2, 3)) == 202:
                        break
                await asyncio.sleep(0.01)
        await until(lambda: len(run.pages()) == 3)
        await run.advance(5 * HOUR)
        assert len(site.asked("/feed")) == 2
    assert len(one.asked) == 1


async def test_a_source_that_leaves_the_file_is_unsubscribed(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    settings = pushing(sources_reload=timedelta(milliseconds=20))
    put_feed(site, one, 1)
    site.put("/rest", rss([]))
    rest = source(site.url("/rest"), name="rest")
    path = listed(tmp_path, source(site.url("/feed")), rest)
    async with running(sqlite, path, settings=settings, real=RealClock()) as run:
        await one.verified()
        one.verifies = False
        listed(tmp_path, rest)
        await one.was_asked(2)
        assert one.modes() == ["subscribe", "unsubscribe"] and "hub.secret" not in one.asked[1]
        assert await one.push(put_feed(site, one, 1, 2), to=0) == 410
        assert len(run.pages()) == 1
        assert (await one.question("unsubscribe")).text == CHALLENGE
        await standing(sqlite)
        assert await one.push(put_feed(site, one, 1, 2), to=0) == 404


async def test_another_hub_takes_over_once_a_day(sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    async with hub() as other:
        async with subscribed(sqlite, site, one, tmp_path) as pushed:
            put_feed(site, other, 1, 2)
            await pushed.run.advance()
            assert other.asked == []
            pushed.real.advance_to(pushed.real.now() + timedelta(hours=25))
            put_feed(site, other, 1, 2, 3)
            await pushed.run.advance()
            await other.verified()
            await until(lambda: one.modes()[-1] == "unsubscribe")
        assert other.asked[0]["hub.callback"] != one.asked[0]["hub.callback"]


async def test_a_callback_may_arrive_at_any_replica(tables: Database, site: FeedSite, one: Hub, tmp_path: Path) -> None:
    """The public address leads to the second of two processes; there is one subscription, and one page of an entry."""
    put_feed(site, one, 1)
    path = listed(tmp_path, source(site.url("/feed")))
    second = pushing()
    first = replace(second, push_port=free_port())
    bus = FakeBus()
    async with running(tables, path, settings=first, bus=bus):
        await one.was_asked()
        assert one.answers == [] and len(one.asked) == 1
        async with running(tables, path, settings=second, bus=bus) as run:
            await one.question("subscribe")
            await standing(tables, State.ACTIVE)
            assert await one.push(put_feed(site, one, 1, 2)) == 202
            await until(lambda: len(run.pages()) == 2)
    assert len(one.asked) == 1 and len(await rows(tables)) == 1


async def test_a_defect_of_ours_is_told_and_counted(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        before = received(PushOutcome.DEFECT)
        with monkeypatch.context() as broken:
            broken.setattr("services.fetcher.entries.recall.discover", None)
            assert await one.push(put_feed(site, one, 1, 2)) == 500
        assert received(PushOutcome.DEFECT) == before + 1
        await pushed.run.advance()
        assert len(pushed.run.pages()) == 2


async def test_a_hub_that_hangs_does_not_keep_the_others_waiting(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    async with hub() as slow:
        slow.hangs = True
        put_feed(site, slow, 1, path="/slow")
        put_feed(site, one, 2, path="/quick")
        both = listed(
            tmp_path, source(site.url("/slow"), name="slow"), source(site.url("/quick"), name="quick")
        )  # fmt: skip
        async with running(sqlite, both, settings=replace(pushing(), request_timeout=timedelta(seconds=5))):
            await slow.was_asked()
            await one.verified()
            await standing(sqlite, State.ACTIVE, State.ASKED)


async def test_a_body_that_stops_half_way_is_cut_and_places_are_bounded(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.fetcher.push.port.AT_ONCE", 1)
    monkeypatch.setattr("services.fetcher.push.port.BODY_SECONDS", 0.5)
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        cut, busy = received(PushOutcome.CUT), received(PushOutcome.BUSY)
        path = one.asked[0]["hub.callback"].partition(str(pushed.settings.push_port))[2]
        reader, writer = await asyncio.open_connection("127.0.0.1", pushed.settings.push_port)
        writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<rss>".encode())
        await writer.drain()
        body = put_feed(site, one, 1, 2)
        async with asyncio.timeout(10):
            while await one.push(body) != 503:
                await asyncio.sleep(0.01)
        assert received(PushOutcome.BUSY) == busy + 1
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        assert received(PushOutcome.CUT) == cut + 1
        writer.close()
        assert await one.push(body) == 202


async def test_a_source_that_left_the_file_meanwhile_is_unsubscribed_at_the_next_start(
    sqlite: Database, site: FeedSite, one: Hub, tmp_path: Path
) -> None:
    async with subscribed(sqlite, site, one, tmp_path) as pushed:
        pass
    site.put("/rest", rss([]))
    path = listed(tmp_path, source(site.url("/rest"), name="rest"))
    async with running(sqlite, path, settings=pushed.settings, real=pushed.real):
        await one.was_asked(2)
        assert one.modes() == ["subscribe", "unsubscribe"]
        assert one.asked[1]["hub.callback"] == one.asked[0]["hub.callback"]
