"""Breakers in the sender: an open lane is parked in SQL, holds nobody, is probed with one request, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.notifier import subscribe
from services.notifier.breaker import IN_A_ROW, Standing
from services.notifier.receiver import Reply, politely
from services.notifier.subscribe import Filters, Limits, Wanted
from shared.db import Database
from tests.fakes.alerts import alert
from tests.integration.notifier.world import LOOPBACK, World, kill, running, world


@pytest.fixture
async def here(database: Database) -> AsyncIterator[World]:
    async with world(database) as made:
        yield made


async def standing(here: World, subscription_id: str) -> Standing:
    async with here.database.reading() as connection:
        return (await subscribe.found(connection, [subscription_id]))[subscription_id].standing


async def until_recorded(here: World, attempts: int) -> None:
    async with asyncio.timeout(20):
        while len(await here.attempts()) < attempts:
            await asyncio.sleep(0.005)


async def test_an_open_breaker_parks_the_lane_and_probes_with_one_request(here: World) -> None:
    async with here.receiver(lambda _: Reply(500)) as bad, here.receiver() as good:
        one = await here.subscribe(bad)
        await here.subscribe(good)
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, *(alert(number) for number in range(20)))
            await here.until(lambda: len(good.received) == 20)
            await until_recorded(here, 20 + IN_A_ROW)
            await here.until(lambda: not dispatch.busy)
            first = await standing(here, one.id)
            assert first.opens == 1 and first.probe_at and first.probe_at > here.real.now()
            await here.raise_(dispatch, alert(20))
            await here.until(lambda: len(good.received) == 21)
            await here.until(lambda: one.id not in dispatch._lanes and not dispatch.busy, step=0.5)
            assert len(bad.received) == IN_A_ROW

            await here.pass_((first.probe_at - here.real.now()).total_seconds())
            await here.until(lambda: len(bad.received) == IN_A_ROW + 1, step=0.1)
            await until_recorded(here, 21 + IN_A_ROW + 1)
            await here.until(lambda: not dispatch.busy)
            second = await standing(here, one.id)
            assert second.opens == 2 and len(bad.received) == IN_A_ROW + 1

            bad.behave = politely
            await here.until_states({"delivered": 42}, step=1)
        assert await standing(here, one.id) == Standing()
        assert len(bad.received) == IN_A_ROW + 1 + 21


async def test_an_open_breaker_survives_a_kill_and_a_takeover(here: World) -> None:
    async with here.receiver(lambda _: Reply(503)) as bad:
        one = await here.subscribe(bad)
        dispatch = here.dispatch(holder="one")
        task = asyncio.create_task(dispatch.run(asyncio.Event()))
        await here.raise_(dispatch, *(alert(number) for number in range(9)))
        await until_recorded(here, IN_A_ROW)
        await kill(task)
        before = await standing(here, one.id)
        assert before.opens == 1 and before.probe_at
        other = here.dispatch(holder="two")
        async with running(other):
            await here.raise_(other, alert(9))
            await here.until(lambda: not other.busy)
            for _ in range(3):  # rounds of the tender before the probe is due
                await here.pass_(2)
                await here.until(lambda: not other.busy)
            assert len(bad.received) == IN_A_ROW and here.real.now() < before.probe_at
            bad.behave = politely
            await here.until_states({"delivered": 10}, step=2)
    assert await standing(here, one.id) == Standing()


async def test_a_changed_address_is_asked_at_once(here: World) -> None:
    async with here.receiver(lambda _: Reply(502)) as bad, here.receiver() as good:
        one = await here.subscribe(bad)
        good.secrets = bad.secrets
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, *(alert(number) for number in range(IN_A_ROW + 1)))
            await until_recorded(here, IN_A_ROW)
            async with here.database.transaction() as connection:
                wanted = Wanted(good.url, Filters(), Limits())
                assert await subscribe.change(connection, one.id, wanted, guard=LOOPBACK, now=here.real.now())
            before = here.real.now()
            await here.until(lambda: len(good.received) == 1, step=0.1)
            assert (here.real.now() - before).total_seconds() < 5


async def test_a_receiver_that_dislikes_messages_is_awake(here: World) -> None:
    async with here.receiver(lambda _: Reply(422)) as picky:
        one = await here.subscribe(picky)
        async with running(here.dispatch()):
            await here.raise_(None, *(alert(number) for number in range(12)))
            await here.until(lambda: len(picky.received) >= 12, step=0.5)
        assert (await standing(here, one.id)).opens == 0
