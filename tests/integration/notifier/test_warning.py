"""A receiver that fails for five days: warned of by other ways, disabled, its alerts kept, and replayed on resuming."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.notifier import subscribe
from services.notifier.receiver import Received, Reply, politely
from services.notifier.subscribe import Filters, Limits
from services.notifier.tables import SubscriptionState
from services.notifier.warn import PATIENCE
from shared.db import Database
from shared.events import DeliveryOutcome
from tests.fakes.alerts import alert
from tests.integration.notifier.world import World, running, world

LONG = Limits(expiry=timedelta(days=30))
HOURS = 3


@pytest.fixture
async def here(database: Database) -> AsyncIterator[World]:
    async with world(database) as made:
        yield made


async def state_of(here: World, subscription_id: str) -> SubscriptionState:
    async with here.database.reading() as connection:
        return (await subscribe.found(connection, [subscription_id]))[subscription_id].state


async def until_recorded(here: World, attempts: int) -> None:
    async with asyncio.timeout(20):
        while len(await here.attempts()) < attempts:
            await here.pass_(1)
            await asyncio.sleep(0.005)


async def test_five_days_of_failures(here: World) -> None:
    well = False

    def behave(got: Received) -> Reply:
        return politely(got) if well else Reply(500)

    async with here.receiver(behave) as bad, here.receiver() as desk, here.receiver() as stranger:
        one = await here.subscribe(bad, limits=LONG)
        await here.subscribe(desk, filters=Filters(notices=True))
        await here.subscribe(stranger, filters=Filters(notices=True), owner="somebody else")
        dispatch = here.dispatch()
        began = here.real.now()
        async with running(dispatch):
            number = 0
            while await state_of(here, one.id) is SubscriptionState.ACTIVE:
                await here.raise_(dispatch, alert(number))
                number += 1
                before = len(bad.received)
                await here.pass_(HOURS * 3600)
                await here.until(lambda before=before: len(bad.received) > before, step=1)  # type: ignore[misc]
                await here.until(lambda: not dispatch.busy)
            lasted = here.real.now() - began
            assert PATIENCE <= lasted < PATIENCE + timedelta(hours=2 * HOURS)
            await here.raise_(dispatch, alert(1000))
            asked = len(bad.received)
            await here.pass_(86_400)
            await here.until(lambda: len(desk.times) == 4, step=1)
            assert len(bad.received) == asked and not stranger.received
            assert (await here.states())["parked"] == number + 1

            well, resumed = True, here.real.now()
            async with here.database.transaction() as connection:
                assert await subscribe.resume(connection, one.id, now=here.real.now())
            await here.raise_(dispatch, alert(2000, ledger=alert().ledger.__class__(raised=here.real.now())))
            await here.until_states({"delivered": number + 2 + 4}, step=0.5)

    told_once = {event.id: event for event in here.log.warned}  # the outbox may tell again after a jump of the clock
    assert [event.share for event in told_once.values()] == [50, 70, 90, 100]
    assert [event.disabled for event in told_once.values()] == [False, False, False, True]
    assert all(event.reason == "http_500" and event.subscription_id == one.id for event in here.log.warned)
    notices = [got.event() for got in desk.received if got.verified]  # a jump of the clock made some too old on the way
    assert [event["data"]["share"] for event in notices] == [50, 70, 90, 100]
    assert [event["type"].split(".")[2] for event in notices] == ["failing"] * 3 + ["disabled"]

    late = [got for got in bad.received if got.at >= resumed]
    replayed = [got for got in late if got.event().get("replay")]
    (live,) = (got for got in late if not got.event().get("replay"))
    assert len(late) == len({got.id for got in late}) == number + 2 and live.at < replayed[-1].at
    assert all(got.at >= resumed + timedelta(seconds=place) for place, got in enumerate(replayed))
    order = [got.event()["sequence"] for got in replayed]
    assert order == sorted(order)
    told = {event.delivery_id: event for event in here.log.told if event.outcome is DeliveryOutcome.DELIVERED}
    assert all(told[got.id].replay for got in replayed) and not told[live.id].replay


async def test_a_success_ends_the_count(here: World) -> None:
    mood = Reply(500)
    async with here.receiver(lambda got: mood if mood.status == 500 else politely(got)) as receiver:
        one = await here.subscribe(receiver, limits=LONG)
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(1))
            await until_recorded(here, 2)
            await here.pass_(3 * 86_400)
            await here.until(lambda: len(here.log.warned) == 1, step=1)
            mood = Reply(204)
            await here.until_states({"delivered": 1}, step=60)
            mood = Reply(500)
            await here.raise_(dispatch, alert(2))
            await here.pass_(2 * 86_400)
            before = len(await here.attempts())
            await until_recorded(here, before + 1)
        assert await state_of(here, one.id) is SubscriptionState.ACTIVE and len(here.log.warned) == 1


async def test_gone_is_told_at_once(here: World) -> None:
    async with here.receiver(lambda _: Reply(410)) as receiver, here.receiver() as desk:
        one = await here.subscribe(receiver)
        await here.subscribe(desk, filters=Filters(notices=True))
        async with running(here.dispatch()):
            await here.raise_(None, alert(1))
            await here.until(lambda: bool(here.log.warned and desk.received), step=1)
    (event,) = here.log.warned
    assert (event.subscription_id, event.share, event.disabled, event.reason) == (one.id, 100, True, "http_410")
    assert desk.received[0].event()["data"]["subscription"] == one.id


async def test_a_warning_that_was_not_told_is_told_by_the_next_process(here: World) -> None:
    async with here.receiver(lambda _: Reply(410)) as receiver:
        await here.subscribe(receiver)
        here.log.away = True
        await here.raise_(None, alert(1))
        async with running(here.dispatch()):
            await here.until_states({"failed": 1}, step=0.2)
        assert not here.log.warned
        here.log.away = False
        await here.pass_(60)
        async with running(here.dispatch(holder="two")):
            await here.until(lambda: bool(here.log.warned), step=1)
