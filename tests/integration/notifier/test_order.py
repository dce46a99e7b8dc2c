"""Ordered subscriptions: within a story nothing overtakes, whatever fails and whoever sends; other stories go on."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notifier import store, subscribe
from services.notifier.receiver import Received, Receiver, Reply, politely
from services.notifier.subscribe import ANY, Limits, Wanted
from services.notifier.tables import DELIVERIES
from shared import db
from shared.db import Database, open_database
from shared.events import AlertRaised
from tests.fakes.alerts import alert
from tests.fakes.fixtures_db import SHARED_MIGRATIONS
from tests.integration.notifier.world import LOOPBACK, World, kill, running, world

ORDERED = Limits(ordered=True)


@pytest.fixture
async def here(database: Database) -> AsyncIterator[World]:
    async with world(database) as made:
        yield made


def of_story(story: str, number: int) -> AlertRaised:
    return alert(number, story_id=story)


def story_of(got: Received) -> str:
    story: str = got.event()["data"]["story"]["id"]
    return story


def sequences(receiver: Receiver, story: str) -> list[int]:
    return [int(got.event()["sequence"]) for got in receiver.received if story_of(got) == story]


async def test_the_next_of_a_story_waits_and_other_stories_do_not(here: World) -> None:
    held = True

    def behave(got: Received) -> Reply:
        return Reply(500) if held and story_of(got) == "bad" else politely(got)

    async with here.receiver(behave) as receiver:
        await here.subscribe(receiver, limits=ORDERED)
        dispatch = here.dispatch()
        async with running(dispatch):
            await here.raise_(dispatch, *(of_story("bad", number) for number in range(3)))
            await here.raise_(dispatch, *(of_story("good", number) for number in range(3, 9)))
            await here.until_states({"pending": 3, "delivered": 6}, step=0.2)
            assert len(set(sequences(receiver, "bad"))) == 1
            held = False
            await here.until_states({"delivered": 9}, step=1)
    bad = sequences(receiver, "bad")
    assert bad == sorted(bad) and len(set(bad)) == 3
    assert sequences(receiver, "good") == sorted(set(sequences(receiver, "good")))


async def test_what_is_given_up_lets_the_next_go(here: World) -> None:
    async with here.receiver(lambda _: Reply(422)) as receiver:
        await here.subscribe(receiver, limits=ORDERED)
        async with running(here.dispatch()):
            await here.raise_(None, of_story("one", 1), of_story("one", 2))
            await here.until_states({"failed": 2}, step=5)
    first, second = sorted(set(sequences(receiver, "one")))
    assert sequences(receiver, "one") == [first] * 4 + [second] * 4


async def test_an_unordered_subscription_waits_for_nothing(here: World) -> None:
    held = iter([Reply(500)])
    async with here.receiver(lambda got: next(held, politely(got))) as receiver:
        await here.subscribe(receiver)
        await here.raise_(None, of_story("one", 1), of_story("one", 2))
        async with running(here.dispatch()):
            await here.until_states({"delivered": 1, "pending": 1})


async def test_what_waits_follows_a_change_to_order(here: World) -> None:
    mood = Reply(503)
    async with here.receiver(lambda got: mood if mood.status == 503 else politely(got)) as receiver:
        one = await here.subscribe(receiver, limits=Limits(in_flight=1))
        async with running(here.dispatch()):
            await here.raise_(None, of_story("one", 1), of_story("one", 2))
            await here.until(lambda: len(receiver.received) == 2, step=0.1)
            async with here.database.transaction() as connection:
                wanted = Wanted(receiver.url, ANY, ORDERED)
                assert await subscribe.change(connection, one.id, wanted, guard=LOOPBACK, now=here.real.now())
            await here.raise_(None, of_story("one", 3))
            mood = Reply(204)
            await here.until_states({"delivered": 3}, step=1)
    assert sequences(receiver, "one")[2:] == sorted(sequences(receiver, "one")[2:])


async def test_what_has_to_wait_is_found_by_an_index(here: World) -> None:
    query = store._due(here.real.now()).where(DELIVERIES.c.subscription_id == "a")
    text = str(query.compile(here.database.engine, compile_kwargs={"literal_binds": True}))
    async with here.database.transaction() as connection:
        if here.database.is_sqlite:
            rows = await connection.execute(sa.text(f"EXPLAIN QUERY PLAN {text}"))
            plan = " ".join(str(row) for row in rows)
            assert "notifier_deliveries_story" in plan and "notifier_deliveries_due" in plan
        else:
            await connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
            rows = await connection.execute(sa.text(f"EXPLAIN {text}"))
            assert "notifier_deliveries_story" in " ".join(str(row) for row in rows)


MOVES = st.lists(
    st.sampled_from(["tell", "tell", "tell", "pass", "kill", "take over", "fail", "fail", "refuse", "well"]),
    min_size=5,
    max_size=25,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(moves=MOVES, stories=st.integers(1, 3))
def test_no_story_goes_back_whatever_fails_and_whoever_sends(moves: list[str], stories: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), moves, stories))


async def _play(folder: Path, moves: Sequence[str], stories: int) -> None:
    database = open_database(f"sqlite:///{folder}/world.db")
    await db.migrate(database, "shared", SHARED_MIGRATIONS)
    mood = "well"
    dice = itertools.count()

    def behave(got: Received) -> Reply:
        if mood == "well" or (mood == "fail" and next(dice) % 2):
            return politely(got)
        return Reply(503 if mood == "fail" else 422)

    async with world(database) as here, here.receiver(behave) as receiver:
        await here.subscribe(receiver, limits=ORDERED)
        number, holders = itertools.count(1), itertools.count(1)
        dispatch = here.dispatch(holder="first")
        task = asyncio.create_task(dispatch.run(asyncio.Event()))
        for move in moves:
            if move == "tell":
                told = [of_story(f"story-{one}", next(number)) for one in range(stories)]
                await here.raise_(dispatch, *told)
            elif move == "pass":
                await here.pass_(20)
            elif move in {"kill", "take over"}:
                await kill(task)
                if move == "take over":
                    await here.pass_(70)
                dispatch = here.dispatch(holder=f"{move} {next(holders)}")
                task = asyncio.create_task(dispatch.run(asyncio.Event()))
            else:
                mood = move
            await asyncio.sleep(0.01)
        mood = "well"
        total = next(number) - 1
        await _until_done(here, total)
        await kill(task)
        for one in range(stories):
            seen = sequences(receiver, f"story-{one}")
            assert seen == sorted(seen), (moves, seen)
    await database.close()


async def _until_done(here: World, total: int) -> None:
    async with asyncio.timeout(60):
        while sum(count for state, count in (await here.states()).items() if state != "pending") < total:
            await here.pass_(5)
            await asyncio.sleep(0.005)
