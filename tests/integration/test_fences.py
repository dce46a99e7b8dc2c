"""Fences and leases on both databases: who was overtaken can write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from shared.db import Database, DatabaseUnavailable, open_database
from shared.errors import Fenced
from shared.lease import FENCES, Lease, raise_fences, release_leases, still_held, take_lease, take_leases
from tests.fakes import postgres

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
LENGTH = timedelta(seconds=30)
WRITES = sa.Table(
    "test_writes", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("epoch", sa.Integer)
)


@pytest.fixture
async def store(database: Database) -> Database:
    async with database.transaction() as connection:
        await connection.run_sync(WRITES.metadata.create_all)
    return database


async def _written(database: Database) -> list[int]:
    async with database.transaction() as connection:
        return [epoch for epoch in await connection.scalars(sa.select(WRITES.c.epoch).order_by(WRITES.c.id))
                if epoch is not None]  # fmt: skip


async def test_each_assignment_raises_the_epoch_of_its_partitions_only(store: Database) -> None:
    first = await raise_fences(store, "match", [0, 1, 1])
    second = await raise_fences(store, "match", [1])
    other = await raise_fences(store, "judge", [1])
    assert ({number: fence.epoch for number, fence in first.items()}, second[1].epoch) == ({0: 1, 1: 1}, 2)
    assert other[1].epoch == 1


async def test_who_was_overtaken_writes_nothing(store: Database) -> None:
    old = (await raise_fences(store, "match", [7]))[7]
    new = (await raise_fences(store, "match", [7]))[7]
    with pytest.raises(Fenced, match="match/7: epoch 1, now 2"):  # noqa: PT012 - the write comes before the check
        async with store.transaction() as connection:
            await connection.execute(WRITES.insert().values(epoch=old.epoch))
            await old.check(connection)
    async with store.transaction() as connection:
        await new.check(connection)
        await connection.execute(WRITES.insert().values(epoch=new.epoch))
    assert await _written(store) == [2]


async def test_a_fence_on_a_partition_nobody_took_does_not_hold(store: Database) -> None:
    held = (await raise_fences(store, "match", [1]))[1]
    async with store.transaction() as connection:
        await connection.execute(FENCES.delete())
    with pytest.raises(Fenced, match="now None"):
        async with store.transaction() as connection:
            await held.check(connection)


async def test_the_new_owner_waits_for_a_transaction_that_passed_its_check(store: Database) -> None:
    """Between the check and the commit nobody can take over, so no write slips in under the next owner."""
    old = (await raise_fences(store, "match", [3]))[3]
    order: list[str] = []

    async def take_over() -> None:
        await raise_fences(store, "match", [3])
        order.append("taken over")

    async with store.transaction() as connection:
        await old.check(connection)
        taking = asyncio.create_task(take_over())
        for _ in range(20):
            await asyncio.sleep(0)
        await connection.execute(WRITES.insert().values(epoch=old.epoch))
        order.append("written")
    await taking
    assert order == ["written", "taken over"]
    with pytest.raises(Fenced):
        async with store.transaction() as connection:
            await old.check(connection)


async def test_owners_of_one_partition_at_once_get_different_epochs(store: Database) -> None:
    await raise_fences(store, "match", range(3))
    taken = await asyncio.gather(*(raise_fences(store, "match", [2, 1, 0]) for _ in range(8)))
    for number in range(3):
        assert sorted(fences[number].epoch for fences in taken) == list(range(2, 10))


async def test_the_very_first_owners_at_once_get_different_epochs(store: Database) -> None:
    taken = await asyncio.gather(*(raise_fences(store, "match", [5]) for _ in range(8)))
    assert sorted(fences[5].epoch for fences in taken) == list(range(1, 9))


async def _take(store: Database, holder: str, now: datetime) -> Lease | None:
    async with store.transaction() as connection:
        return await take_lease(connection, "domain", "example.com", holder, now=now, length=LENGTH)


async def test_a_lease_is_kept_renewed_and_handed_on_when_it_ends(store: Database) -> None:
    first = await _take(store, "a", NOW)
    renewed = await _take(store, "a", NOW + LENGTH / 2)
    refused = await _take(store, "b", NOW + LENGTH)
    taken = await _take(store, "b", NOW + LENGTH * 1.5)
    assert first is not None
    assert renewed is not None
    assert taken is not None
    assert refused is None
    assert [lease.token for lease in (first, renewed, taken)] == [1, 1, 2]
    assert renewed.expires == NOW + LENGTH * 1.5
    async with store.transaction() as connection:
        await taken.check(connection)
    with pytest.raises(Fenced, match=r"domain/example\.com: token 1, now 2"):
        async with store.transaction() as connection:
            await renewed.check(connection)


async def test_a_lease_that_ended_stays_good_while_nobody_else_took_it(store: Database) -> None:
    held = await _take(store, "a", NOW)
    assert held is not None
    async with store.transaction() as connection:
        await held.check(connection)
    assert not held.usable(NOW + LENGTH, timedelta(0))


async def test_only_one_of_many_gets_a_lease(store: Database) -> None:
    taken = await asyncio.gather(*(_take(store, str(holder), NOW) for holder in range(8)))
    assert len([lease for lease in taken if lease]) == 1


async def _take_many(store: Database, holder: str, now: datetime, names: list[str]) -> dict[str, Lease]:
    async with store.transaction() as connection:
        return await take_leases(connection, "domain", names, holder, now=now, length=LENGTH)


async def test_many_leases_go_each_to_one_of_those_that_ask_at_once(store: Database) -> None:
    wanted = [["a", "b", "c"], ["c", "b", "a"], ["b", "d"], ["d", "c"]]
    taken = await asyncio.gather(*(_take_many(store, str(i), NOW, names) for i, names in enumerate(wanted)))
    assert sorted(name for leases in taken for name in leases) == ["a", "b", "c", "d"]
    assert await _take_many(store, "z", NOW, []) == {}


async def test_leases_let_go_of_can_be_taken_at_once_and_lost_ones_are_told(store: Database) -> None:
    mine = await _take_many(store, "a", NOW, ["x", "y"])
    async with store.transaction() as connection:
        await release_leases(connection, [mine["x"]], now=NOW)
    theirs = await _take_many(store, "b", NOW, ["x", "y"])
    assert {name: lease.token for name, lease in theirs.items()} == {"x": 2}
    async with store.transaction() as connection:
        await release_leases(connection, [mine["x"]], now=NOW)
        assert await still_held(connection, mine.values()) == {"y"}
        assert await still_held(connection, theirs.values()) == {"x"}


def test_a_holder_stops_acting_one_deadline_before_the_end() -> None:
    lease = Lease("domain", "example.com", "a", 1, NOW + LENGTH)
    assert lease.usable(NOW, LENGTH - timedelta(seconds=1))
    assert not lease.usable(NOW, LENGTH)


@pytest.fixture
async def away(postgres_url: str, postgres_server: postgres.Server) -> AsyncIterator[Database]:
    """A database whose server the test may stop; it runs again at the end."""
    opened = open_database(postgres_url)
    yield opened
    await opened.close()
    await asyncio.to_thread(postgres_server.start_if_stopped)


@pytest.mark.postgres
async def test_a_server_that_restarts_is_a_transient_failure_and_found_again(
    away: Database, postgres_server: postgres.Server
) -> None:
    async with away.transaction() as connection:
        await connection.run_sync(WRITES.metadata.create_all)
    with pytest.raises(DatabaseUnavailable):  # noqa: PT012 - it breaks off in the middle
        async with away.transaction() as connection:
            await asyncio.to_thread(postgres_server.stop, "immediate")
            await connection.execute(WRITES.insert().values(epoch=1))
    with pytest.raises(DatabaseUnavailable):
        async with away.transaction():
            pass
    await asyncio.to_thread(postgres_server.start)
    assert await _written(away) == []
