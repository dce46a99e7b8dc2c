"""The log of attempts, and sending again: one, a range, all since the last success; the same id, marked, slower."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.notifier import history, resend, subscribe
from services.notifier.exchange import KEPT_CHARACTERS, MASKED
from services.notifier.receiver import Received, Receiver, Reply, politely
from services.notifier.resend import Range
from services.notifier.subscribe import InvalidSubscription, Limits
from shared.db import Database
from tests.fakes.alerts import alert
from tests.integration.notifier.test_commands import wirewatch
from tests.integration.notifier.world import World, running, world


@pytest.fixture
async def here(database: Database) -> AsyncIterator[World]:
    async with world(database) as made:
        yield made


def replays(receiver: Receiver) -> list[Received]:
    return [got for got in receiver.received if got.event().get("replay")]


async def test_an_attempt_keeps_what_was_said_and_nothing_secret(here: World) -> None:
    answer = Reply(500, {"set-cookie": "session=1", "x-note": "busy"}, b"\x1b[31m" + b"x" * 9000)
    replies = iter([answer])
    async with here.receiver(lambda got: next(replies, politely(got))) as receiver:
        one = await here.subscribe(receiver)
        async with running(here.dispatch()):
            await here.raise_(None, alert())
            await here.until_states({"delivered": 1}, step=1)
        async with here.database.reading() as connection:
            (listed,) = await history.listed(connection, one.id)
            shown = await history.shown(connection, listed.id)
            assert await history.shown(connection, listed.id, owner="somebody else") is None
    assert shown is not None and shown["ledger"]["raised"] and shown["type"] == "wirewatch.alert.first_seen.v1"
    first, second = shown["attempts"]
    assert (first["outcome"], first["status"], second["outcome"]) == ("retry", 500, "delivered")
    assert first["answer"]["headers"] | {"set-cookie": MASKED, "x-note": "busy"} == first["answer"]["headers"]
    assert len(first["answer"]["body"]) == KEPT_CHARACTERS and "\x1b" not in first["answer"]["body"]
    sent = receiver.received[1]
    assert second["request"]["headers"]["webhook-id"] == sent.id == listed.id
    assert second["request"]["headers"]["webhook-signature"] == MASKED
    assert second["request"]["bytes"] == len(sent.body)
    assert shown["body"] == sent.body.decode()[:KEPT_CHARACTERS]
    assert second["address"] == "127.0.0.1" and first["timings"]["first_byte"] > 0 and first["timings"]["connect"] > 0


async def test_one_is_sent_again_under_its_id_with_a_new_time(here: World) -> None:
    async with here.receiver() as receiver:
        await here.subscribe(receiver)
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(1), alert(2))
            await here.until_states({"delivered": 2})
            first = receiver.received[0]
            await here.pass_(100)
            async with here.database.transaction() as connection:
                assert await resend.resend_one(connection, first.id, now=here.real.now()) == 1
                assert await resend.resend_one(connection, first.id, now=here.real.now()) == 0
                assert await resend.resend_one(connection, "nothing", now=here.real.now()) is None
                other = await resend.resend_one(connection, first.id, now=here.real.now(), owner="somebody else")
                assert other is None
            await here.until(lambda: len(receiver.received) == 3, step=0.5)
            await here.until_states({"delivered": 2})
    again = receiver.received[2]
    assert again.verified and again.id == first.id and again.event()["replay"] is True
    assert int(again.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 100
    assert [row.number for row in await here.attempts() if row.delivery_id == first.id] == [1, 2]
    assert [event.replay for event in here.log.told] == [False, False, True]


async def test_a_resent_delivery_has_the_whole_schedule_again(here: World) -> None:
    well = False
    async with here.receiver(lambda got: politely(got) if well else Reply(422)) as receiver:
        await here.subscribe(receiver)
        async with running(here.dispatch()):
            await here.raise_(None, alert())
            await here.until_states({"failed": 1}, step=5)
            await here.pass_(5 * 86_400)
            async with here.database.transaction() as connection:
                assert await resend.resend_one(connection, receiver.received[0].id, now=here.real.now()) == 1
            await here.until(lambda: len(receiver.received) == 5, step=1)
            well = True
            await here.until_states({"delivered": 1}, step=5)
    assert [row.outcome for row in await here.attempts()] == [*["retry"] * 3, "failed", "retry", "delivered"]


async def test_a_range_goes_slower_than_live_and_after_it(here: World) -> None:
    async with here.receiver() as receiver:
        one = await here.subscribe(receiver, limits=Limits(in_flight=4))
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(0))
            await here.pass_(60)
            begins = here.real.now()
            await here.raise_(dispatch, *(alert(number) for number in range(1, 21)))
            await here.until_states({"delivered": 21}, step=0.1)
            await here.pass_(60)
            async with here.database.transaction() as connection:
                span = Range(begins, begins + timedelta(seconds=30))
                now = here.real.now()
                assert await resend.resend_range(connection, one.id, span, now=now) == 20
            await here.pass_(5)
            await here.raise_(dispatch, alert(30))
            await here.until_states({"delivered": 22}, step=0.5)
    again = replays(receiver)
    assert len(again) == 20 == len({got.id for got in again}) and receiver.repeats == 20
    assert [got.event()["sequence"] for got in again] == sorted(got.event()["sequence"] for got in again)
    assert all(got.at >= now + timedelta(seconds=place) for place, got in enumerate(again))
    live = next(got for got in receiver.received if got.id not in {one.id for one in receiver.received[:21]})
    assert live.at < again[-1].at


async def test_since_the_last_success_sends_what_was_lost_and_nothing_else(here: World) -> None:
    mood = Reply(204)
    async with here.receiver(lambda got: mood if mood.status == 422 else politely(got)) as receiver:
        one = await here.subscribe(receiver)
        dispatch = here.dispatch()
        async with running(dispatch):
            mood = Reply(422)
            await here.raise_(dispatch, alert(1))
            await here.until_states({"failed": 1}, step=5)
            mood = Reply(204)
            await here.raise_(dispatch, alert(2))
            await here.until_states({"failed": 1, "delivered": 1})
            await here.pass_(1)
            mood = Reply(422)
            await here.raise_(dispatch, alert(3), alert(4))
            await here.until_states({"failed": 3, "delivered": 1}, step=5)
            mood = Reply(204)
            async with here.database.transaction() as connection:
                assert await resend.resend_since_success(connection, one.id, now=here.real.now()) == 2
                assert await resend.resend_since_success(connection, "nothing", now=here.real.now()) is None
            await here.until_states({"failed": 1, "delivered": 3}, step=0.5)
    assert len(replays(receiver)) == 2


async def test_a_replay_holds_nothing_new_in_an_ordered_subscription(here: World) -> None:
    replies: list[Reply] = []
    async with here.receiver(
        lambda got: replies.pop() if replies and got.event().get("replay") else politely(got)
    ) as r:
        await here.subscribe(r, limits=Limits(ordered=True))
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, alert(1, story_id="s"), alert(2, story_id="s"))
            await here.until_states({"delivered": 2}, step=0.1)
            replies.append(Reply(503))
            async with here.database.transaction() as connection:
                assert await resend.resend_one(connection, r.received[0].id, now=here.real.now()) == 1
            await here.until(lambda: len(r.received) == 3, step=0.5)
            await here.raise_(dispatch, alert(3, story_id="s"))
            await here.until_states({"delivered": 2, "pending": 1}, step=0.01)
            await here.until_states({"delivered": 3}, step=1)


async def test_nothing_is_sent_again_to_a_paused_subscription(here: World) -> None:
    async with here.receiver() as receiver:
        one = await here.subscribe(receiver)
        async with here.database.transaction() as connection:
            assert await subscribe.pause(connection, one.id, now=here.real.now())
            with pytest.raises(InvalidSubscription, match="is paused"):
                await resend.resend_range(connection, one.id, Range(lost=True), now=here.real.now())


async def test_the_commands(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        words = ("subscriptions", "add", receiver.url, "--watch", "a", "--no-test", "--json")
        _, out, errors = await wirewatch(tmp_path, *words)
        name = json.loads(out)["id"]
        code, out, errors = await wirewatch(tmp_path, "deliveries", "list", name, "--json")
        assert (code, json.loads(out)) == (0, []), errors
        code, out, _ = await wirewatch(tmp_path, "deliveries", "resend", "--subscription", name, "--since-success")
        assert (code, out.strip()) == (0, "0 to be sent again")
        code, out, _ = await wirewatch(
            tmp_path, "deliveries", "resend", "--subscription", name, "--after", "2026-01-01"
        )
        assert (code, out.strip()) == (0, "0 to be sent again")
        for wrong, line in (
            (("resend",), "name deliveries"), (("resend", "--subscription", name), "say which of them"),
            (("resend", "nothing"), "there is no 'nothing'"), (("show", "nothing"), "there is no 'nothing'"),
        ):  # fmt: skip
            code, _, errors = await wirewatch(tmp_path, "deliveries", *wrong)
            assert code == 2 and line in errors
