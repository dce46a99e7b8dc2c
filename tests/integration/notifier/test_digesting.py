"""Digests in the sender: by wish, in quiet hours, and of what grew stale; made once, whoever makes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from services.notifier import body
from services.notifier.receiver import Received, Receiver, Reply, politely
from services.notifier.subscribe import Limits, Quiet
from shared.db import Database
from shared.events import AlertRaised
from tests.fakes.alerts import alert
from tests.integration.notifier.world import World, kill, running, world

DIGEST = "wirewatch.digest.v1"


@pytest.fixture
async def here(database: Database) -> AsyncIterator[World]:
    async with world(database) as made:
        yield made


def raised(number: int, at: datetime) -> AlertRaised:
    return alert(number, ledger=alert().ledger.__class__(raised=at))


def digests(receiver: Receiver) -> list[Received]:
    """Each once, also where it was tried several times."""
    found = [got for got in receiver.received if got.verified and got.event()["type"] == DIGEST]
    return list({got.id: got for got in found}.values())


def lines(receiver: Receiver) -> list[str]:
    return [line["headline"] for got in digests(receiver) for line in got.event()["data"]["lines"]]


async def test_everything_in_one_message_a_window(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver, limits=Limits(digest=timedelta(hours=1)))
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, *(alert(number, headline=f"h{number}") for number in range(3)))
            await here.pass_(1800)
            await here.until(lambda: not dispatch.busy)
            assert await here.states() == {"gathered": 3} and not receiver.received
            await here.pass_(1800)
            await here.until_states({"digested": 3, "delivered": 1}, step=0.5)
    (got,) = digests(receiver)
    assert lines(receiver) == ["h0", "h1", "h2"] and got.event()["data"]["window"] == "2026-11-24T10:00:00Z"
    assert got.event()["id"] == got.id and len(receiver.received) == 1


async def test_quiet_hours_are_told_at_their_end(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver, limits=Limits(quiet=Quiet(begins="08:00", ends="11:00", zone="Europe/Belgrade")))
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(1), alert(2))
            assert await here.states() == {"gathered": 2}
            await here.pass_(3700)
            await here.until_states({"digested": 2, "delivered": 1}, step=0.5)
            await here.raise_(dispatch, alert(3))
            await here.until_states({"digested": 2, "delivered": 2}, step=0.5)
    assert [got.event()["type"] == DIGEST for got in receiver.received] == [True, False]


async def test_what_grew_stale_is_a_line_and_what_is_fresh_is_not(here: World) -> None:
    well = False
    async with here.receiver(lambda got: politely(got) if well else Reply(503)) as receiver:
        limits = Limits(in_flight=1, expires_after=timedelta(minutes=10))
        await here.subscribe(receiver, limits=limits)
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, *(alert(number, headline=f"stale {number}") for number in range(8)))
            await here.until(lambda: len(receiver.received) >= 5)
            await here.pass_(1200)
            await here.until(lambda: len(receiver.received) >= 6, step=1)
            well, recovered = True, here.real.now()
            await here.raise_(dispatch, raised(50, here.real.now()))
            await here.until_states({"digested": 8, "delivered": 2}, step=2)
    assert sorted(lines(receiver)) == [f"stale {number}" for number in range(8)]
    assert all(line["stale"] for got in digests(receiver) for line in got.event()["data"]["lines"])
    assert [got.event()["type"] == DIGEST for got in receiver.received if got.at >= recovered].count(False) == 1


async def test_what_is_held_in_memory_grows_stale_too(here: World) -> None:
    replies = iter([Reply(429, {"retry-after": "1500"})])
    async with here.receiver(lambda got: next(replies, politely(got))) as receiver:
        await here.subscribe(receiver, limits=Limits(in_flight=1, expires_after=timedelta(minutes=10)))
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, *(alert(number) for number in range(4)))
            await here.until(lambda: len(here.log.told) == 1)
            await here.until_states({"digested": 4, "delivered": 1}, step=10)
    assert len(lines(receiver)) == 4 and len(receiver.received) == 2


async def test_a_window_survives_kills_and_is_told_once(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver, limits=Limits(digest=timedelta(hours=1)))
        one = asyncio.create_task(here.dispatch(holder="one").run(asyncio.Event()))
        await here.raise_(None, *(alert(number, headline=f"h{number}") for number in range(70)))
        await here.pass_(60)
        await kill(one)
        await here.pass_(3600)
        two, three = here.dispatch(holder="two"), here.dispatch(holder="three")
        async with running(two), running(three):
            await here.until_states({"digested": 70, "delivered": 3}, step=1)
    assert lines(receiver) == [f"h{number}" for number in range(70)] and receiver.repeats == 0
    assert all(len(got.body) < body.LARGEST for got in receiver.received)


async def test_the_longest_lines_fit(here: World) -> None:
    article = alert().article
    async with here.receiver() as receiver:
        await here.subscribe(receiver, limits=Limits(digest=timedelta(hours=1)))
        async with running(here.dispatch()):
            long = [
                alert(number, headline="𝔘" * 5000, article=article.__class__(
                    id=article.id, url="https://a.example/" + "x" * 3000, title="t", source=article.source,
                    language=article.language))
                for number in range(30)
            ]  # fmt: skip
            await here.raise_(None, *long)
            await here.pass_(3700)
            await here.until_states({"digested": 30, "delivered": 1}, step=1)
    (got,) = receiver.received
    assert len(got.body) < body.LARGEST and all(line.endswith("…") and len(line) == 200 for line in lines(receiver))
