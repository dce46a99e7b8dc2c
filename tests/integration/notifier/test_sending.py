"""The sender against real receivers: what arrives, what is tried again and when, what is written and told."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.notifier import subscribe
from services.notifier.fan_out import FanOutOutcome
from services.notifier.receiver import Received, Receiver, Reply, politely
from services.notifier.subscribe import Filters, Limits, Wanted
from services.notifier.tables import SUBSCRIPTIONS, SubscriptionState
from shared.db import Database
from shared.events import AlertKind, DeliveryOutcome, Mode
from shared.lease import take_leases
from tests.fakes.alerts import REAL, alert
from tests.fakes.origins import origin
from tests.integration.notifier.world import LOOPBACK, World, kill, running, world


@pytest.fixture
async def here(database: Database) -> AsyncIterator[World]:
    async with world(database) as made:
        yield made


async def test_an_alert_arrives_signed_once_and_is_told(here: World) -> None:
    async with here.receiver() as receiver:
        subscription = await here.subscribe(receiver)
        dispatch = here.dispatch()
        async with running(dispatch):
            outcomes = await here.raise_(dispatch, alert())
            assert [outcome.label for outcome in outcomes] == [FanOutOutcome.FANNED_OUT]
            await here.until_states({"delivered": 1})
            assert [one.label for one in await here.raise_(dispatch, alert())] == [FanOutOutcome.DUPLICATE]
            await here.until(lambda: not dispatch.busy)
        (got,) = receiver.received
        assert got.verified
        event = got.event()
        assert event["id"] == got.id and event["type"] == "wirewatch.alert.first_seen.v1"
        assert event["data"]["timings"]["sent"] == "2026-11-24T09:00:01Z"
        assert got.headers["content-type"].startswith("application/cloudevents+json")
        (told,) = here.log.told
        assert told.outcome is DeliveryOutcome.DELIVERED and told.delivery_id == got.id and told.number == 1
        assert told.subscription_id == subscription.id and told.ledger.sent == here.real.now()


async def test_filters_decide_who_is_told(here: World) -> None:
    async with here.receiver() as wanting, here.receiver() as other:
        await here.subscribe(wanting, filters=Filters(watches=("alliance",), languages=("sq",)))
        await here.subscribe(other, filters=Filters(watches=("alliance",), kinds=(AlertKind.BURST,)))
        outcomes = await here.raise_(None, alert(1), alert(2, watch="other"), alert(3, mode=Mode.REPLAY), alert(1))
        assert [one.label for one in outcomes] == [
            FanOutOutcome.FANNED_OUT, FanOutOutcome.NO_SUBSCRIPTION, FanOutOutcome.NOT_LIVE, FanOutOutcome.DUPLICATE,
        ]  # fmt: skip
        async with running(here.dispatch()):
            await here.until_states({"delivered": 1})
        assert len(wanting.received) == 1 and not other.received


async def test_an_alert_older_than_the_subscription_is_history(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver)
        old = alert(ledger=alert().ledger.__class__(raised=REAL - timedelta(days=2)))
        assert [one.label for one in await here.raise_(None, old)] == [FanOutOutcome.NO_SUBSCRIPTION]


def on_both(first: int, *others: int) -> pytest.MarkDecorator:
    """The first status on both databases, the others on SQLite only: what a status means is asked of no database."""
    postgres = pytest.param("postgresql", first, marks=pytest.mark.postgres)
    rows = [postgres, *(("sqlite", status) for status in (first, *others))]
    return pytest.mark.parametrize(("database_url", "status"), rows, indirect=["database_url"])


@on_both(503, 500, 502, 504, 408, 409, 425, 429)
async def test_what_may_pass_is_tried_again_by_the_schedule(here: World, status: int) -> None:
    replies = iter([Reply(status), Reply(status)])
    async with here.receiver(lambda got: next(replies, politely(got))) as receiver:
        await here.subscribe(receiver)
        async with running(here.dispatch()):
            await here.raise_(None, alert())
            await here.until_states({"delivered": 1}, step=0.5)
    rows = await here.attempts()
    assert [row.outcome for row in rows] == ["retry", "retry", "delivered"]
    assert [row.reason for row in rows] == [f"http_{status}"] * 2 + [""]
    first, second, third = (row.started for row in rows)
    assert 2.5 <= (second - first).total_seconds() <= 10 and 15 <= (third - second).total_seconds() <= 48
    assert {got.id for got in receiver.received} == {receiver.received[0].id}
    assert receiver.repeats == 2 and all(got.verified for got in receiver.received)
    assert [event.outcome for event in here.log.told] == ["retry", "retry", "delivered"]


@on_both(404, 400, 401, 413, 415, 301, 302, 307, 308)
async def test_what_will_hardly_change_is_tried_few_times(here: World, status: int) -> None:
    def turn_away(got: Received) -> Reply:
        return Reply(status, {"location": "/elsewhere"})

    async with here.receiver(turn_away) as receiver:
        await here.subscribe(receiver)
        async with running(here.dispatch()):
            await here.raise_(None, alert())
            await here.until_states({"failed": 1}, step=5)
        assert len(receiver.received) == 4


async def test_gone_disables_and_keeps_what_comes_until_resumed(here: World) -> None:
    gone = True
    async with here.receiver(lambda got: Reply(410) if gone else politely(got)) as receiver:
        subscription = await here.subscribe(receiver, limits=Limits(in_flight=1))
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(1))
            await here.until_states({"failed": 1})
            await here.raise_(dispatch, alert(2))
            assert await here.states() == {"failed": 1, "parked": 1}
            async with here.database.transaction() as connection:
                found = await subscribe.found(connection, [subscription.id])
                assert found[subscription.id].state is SubscriptionState.DISABLED
                assert found[subscription.id].state_reason == "http_410"
                gone = False
                assert await subscribe.resume(connection, subscription.id, now=here.real.now())
            await here.until_states({"failed": 1, "delivered": 1}, step=0.5)
    assert here.log.told[0].outcome is DeliveryOutcome.GONE


@pytest.mark.parametrize("form", ["seconds", "date"])
async def test_retry_after_holds_the_whole_lane(here: World, form: str) -> None:
    value = "90" if form == "seconds" else "Tue, 24 Nov 2026 09:01:31 GMT"
    replies = iter([Reply(429, {"retry-after": value})])
    async with here.receiver(lambda got: next(replies, politely(got))) as receiver:
        await here.subscribe(receiver)
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(1))
            await here.until(lambda: len(here.log.told) == 1)
            await here.raise_(dispatch, alert(2))
            await here.until_states({"delivered": 2}, step=1)
    waits = [(got.at - receiver.received[0].at).total_seconds() for got in receiver.received[1:]]
    assert len(waits) == 2 and all(90 <= wait <= 102 for wait in waits)


async def test_a_receiver_that_hangs_delays_nobody(here: World) -> None:
    async with here.receiver(lambda _: Reply(hang=True)) as hanging, here.receiver() as good:
        for _ in range(20):
            await here.subscribe(hanging, limits=Limits(timeout=30))
        await here.subscribe(good)
        dispatch = here.dispatch(in_flight=30)
        stop = asyncio.Event()
        task = asyncio.create_task(dispatch.run(stop))
        for number in range(30):
            await here.raise_(dispatch, alert(number))
        await here.until(lambda: len(good.received) == 30)
        assert len(hanging.received) == 20
        await kill(task)
    assert good.repeats == 0


async def test_a_timeout_is_tried_again(here: World) -> None:
    replies = iter([Reply(hang=True)])
    async with here.receiver(lambda got: next(replies, politely(got))) as receiver:
        await here.subscribe(receiver, limits=Limits(timeout=1.0))
        await here.raise_(None, alert())
        async with running(here.dispatch()):
            await here.until(lambda: bool(here.log.told))
            await here.until_states({"delivered": 1}, step=0.5)
    assert [(row.outcome, row.reason) for row in await here.attempts()] == [("retry", "timeout"), ("delivered", "")]


async def test_a_receiver_that_is_not_there_is_tried_again(here: World) -> None:
    async with here.receiver() as receiver:
        subscription = await here.subscribe(receiver)
    await here.raise_(None, alert())
    async with running(here.dispatch()):
        await here.until(lambda: bool(here.log.told))
    (told,) = here.log.told
    assert (told.reason, told.outcome, told.status) == ("connect", DeliveryOutcome.RETRY, None)
    async with here.database.transaction() as connection:
        assert (await subscribe.found(connection, [subscription.id]))[subscription.id].failures == 1


async def test_a_refused_address_ends_as_refused(here: World) -> None:
    async with here.receiver() as receiver:
        subscription = await here.subscribe(receiver)
    async with here.database.transaction() as connection:
        metadata = "http://169.254.169.254/latest"  # as if the name behind an accepted address had changed its meaning
        change = sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == subscription.id).values(url=metadata)
        await connection.execute(change)
    await here.raise_(None, alert())
    async with running(here.dispatch()):
        await here.until_states({"failed": 1}, step=5)
    assert [row.outcome for row in await here.attempts()] == ["retry"] * 3 + ["refused"]


async def test_a_crash_between_attempt_and_commit_repeats_under_the_same_id(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver)
        await here.raise_(None, alert())
        dispatch = here.dispatch()
        dispatch._recorder.put = lambda finished: None  # type: ignore[method-assign]  # the process ends before it writes
        task = asyncio.create_task(dispatch.run(asyncio.Event()))
        await here.until(lambda: len(receiver.received) == 1)
        await kill(task)
        assert await here.states() == {"pending": 1}
        async with running(here.dispatch(holder="two")):
            await here.until_states({"delivered": 1}, step=1)
    assert len(receiver.received) == 2 and receiver.repeats == 1
    assert receiver.received[0].id == receiver.received[1].id


async def test_a_sender_that_lost_its_lease_writes_nothing(here: World) -> None:
    async with here.receiver(lambda got: Reply(wait=0.3)) as receiver:
        subscription = await here.subscribe(receiver)
        await here.raise_(None, alert())
        dispatch = here.dispatch(holder="one")
        async with running(dispatch):
            await here.until(lambda: len(receiver.received) == 1)
            later = here.real.now() + timedelta(minutes=5)
            async with here.database.transaction() as connection:
                length = timedelta(minutes=1)
                assert await take_leases(connection, "subscription", [subscription.id], "two", now=later, length=length)
            await here.until(lambda: not dispatch.busy)
        assert await here.states() == {"pending": 1} and await here.attempts() == [] and here.log.told == []
        await here.pass_(600)
        async with running(here.dispatch(holder="three")):
            await here.until_states({"delivered": 1}, step=1)
    assert receiver.repeats == 1


async def test_expiry_ends_a_delivery_without_a_request(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver, limits=Limits(expiry=timedelta(minutes=1)))
        await here.raise_(None, alert())
        await here.pass_(120)
        async with running(here.dispatch()):
            await here.until_states({"expired": 1}, step=1)
    assert not receiver.received
    assert [event.outcome for event in here.log.told] == [DeliveryOutcome.EXPIRED]


async def test_pausing_parks_and_removing_ends(here: World) -> None:
    async with here.receiver() as receiver:
        subscription = await here.subscribe(receiver)
        async with here.database.transaction() as connection:
            assert await subscribe.pause(connection, subscription.id, now=here.real.now())
        await here.raise_(None, alert(1))
        assert await here.states() == {"parked": 1}
        async with here.database.transaction() as connection:
            assert not await subscribe.remove(connection, subscription.id, now=here.real.now(), owner="somebody else")
            assert await subscribe.remove(connection, subscription.id, now=here.real.now())
        assert await here.states() == {"failed": 1}
        assert [one.label for one in await here.raise_(None, alert(2))] == [FanOutOutcome.NO_SUBSCRIPTION]


async def test_what_the_bus_did_not_take_is_told_by_the_next_process(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver)
        here.log.away = True
        await here.raise_(None, alert())
        async with running(here.dispatch()):
            await here.until_states({"delivered": 1})
        assert not here.log.told
        here.log.away = False
        await here.pass_(60)
        async with running(here.dispatch(holder="two")):
            await here.until(lambda: bool(here.log.told), step=1)
    assert [event.outcome for event in here.log.told] == [DeliveryOutcome.DELIVERED]


async def test_two_senders_share_the_subscriptions_and_repeat_nothing(here: World) -> None:
    receivers = [Receiver(real=here.real) for _ in range(4)]
    for receiver in receivers:
        await receiver.start()
        await here.subscribe(receiver)
    one, two = here.dispatch(holder="one"), here.dispatch(holder="two")
    async with running(one), running(two):
        for number in range(0, 40, 2):
            await here.raise_(one, alert(number))
            await here.raise_(two, alert(number + 1))
        await here.until_states({"delivered": 160}, step=0.2)
    assert sum(len(receiver.received) for receiver in receivers) == 160
    assert sum(receiver.repeats for receiver in receivers) == 0
    for receiver in receivers:
        await receiver.stop()


async def test_a_status_counts_even_when_its_body_never_comes(here: World) -> None:
    async def stuck(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok")
        await writer.drain()
        await asyncio.sleep(60)

    async with origin(stuck) as receiver, here.receiver() as unused:
        await here.subscribe(unused, limits=Limits(timeout=1.0), url=receiver.url())
        await here.raise_(None, alert())
        async with running(here.dispatch()):
            await here.until_states({"delivered": 1})
    (row,) = await here.attempts()
    assert row.status == 200 and "within 1 s" in row.excerpt


async def test_a_change_is_obeyed_while_sending(here: World) -> None:
    async with here.receiver() as before, here.receiver() as after:
        subscription = await here.subscribe(before)
        after.secrets = before.secrets
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(1))
            await here.until_states({"delivered": 1})
            async with here.database.transaction() as connection:
                wanted = Wanted(after.url, Filters(watches=("alliance",)), Limits(in_flight=2))
                change = functools.partial(subscribe.change, connection, subscription.id, wanted, guard=LOOPBACK)
                assert not await change(now=here.real.now(), owner="somebody else")
                assert await change(now=here.real.now())
            await here.pass_(2)
            await here.until(lambda: dispatch._lanes.all()[0].in_flight == 2, step=0.5)
            await here.raise_(dispatch, alert(2), alert(3, watch="other"))
            await here.until_states({"delivered": 2}, step=0.5)
        assert len(before.received) == 1 and [got.verified for got in after.received] == [True]


async def test_pausing_stops_what_waits_and_resuming_sends_it(here: World) -> None:
    async with here.receiver(lambda got: Reply(503, {"retry-after": "3600"})) as receiver:
        subscription = await here.subscribe(receiver, limits=Limits(in_flight=1))
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, *(alert(number) for number in range(5)))
            await here.until(lambda: len(here.log.told) == 1)
            async with here.database.transaction() as connection:
                assert await subscribe.pause(connection, subscription.id, now=here.real.now())
            assert await here.states() == {"parked": 5}
            await here.pass_(7200)
            await here.until(lambda: not dispatch.busy, step=1)
            assert len(receiver.received) == 1
            receiver.behave = politely
            async with here.database.transaction() as connection:
                assert await subscribe.resume(connection, subscription.id, now=here.real.now())
            await here.until_states({"delivered": 5}, step=0.5)
    assert [got.event()["sequence"] for got in receiver.received[1:]] == sorted(
        got.event()["sequence"] for got in receiver.received[1:]
    )


async def test_a_backlog_larger_than_memory_arrives_whole_and_in_order(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver, limits=Limits(in_flight=1))
        for start in range(0, 300, 50):
            await here.raise_(None, *(alert(number) for number in range(start, start + 50)))
        async with running(here.dispatch()):
            await here.until_states({"delivered": 300}, step=0.2)
    sequences = [got.event()["sequence"] for got in receiver.received]
    assert sequences == sorted(sequences) and len(set(sequences)) == 300
