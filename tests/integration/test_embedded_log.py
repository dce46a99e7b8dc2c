"""What is special about the embedded log: one file that several processes share and kill, its chaos mode, and trouble
with the file itself. What it has in common with Kafka is in `tests/contract/test_bus.py`."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from shared.bus import (
    BusUnavailable,
    CommitRefused,
    ConsumerOptions,
    Message,
    OffsetPolicy,
    Partition,
    Record,
)
from shared.bus.embedded import Chaos, EmbeddedBus, groups, schema
from shared.topics import TopicSpec
from tests.fakes.fixtures_bus import bus_process, lines_of, rest_of

WEEK = timedelta(days=7)
FEED = TopicSpec("feed", 12, WEEK, -1, 100_000)
PLAIN = TopicSpec("plain", 1, WEEK, -1, 100_000)
PAGES = TopicSpec("pages", 1, WEEK, -1, 2_000_000, compressed=True)
P0 = Partition("plain", 0)
PLACES = [Partition("feed", n) for n in range(12)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
async def bus(path: Path) -> AsyncIterator[EmbeddedBus]:
    opened = await EmbeddedBus.open(path)
    await opened.ensure_topics([FEED, PLAIN, PAGES])
    yield opened
    await opened.close()


def options(policy: OffsetPolicy = "earliest") -> ConsumerOptions:
    return ConsumerOptions(session_timeout=6.0, offset_policy=policy)


def message(n: int, topic: str = "plain", size: int = 0) -> Message:
    return Message(topic, f"key {n % 7}".encode(), str(n).encode().ljust(size, b"."))


def number(record: Record) -> int:
    return int((record.value or b"").rstrip(b"."))


async def everything(bus: EmbeddedBus, places: list[Partition]) -> list[Record]:
    return [record for place in places for record in await bus.read(place, 0, 1_000_000)]


# ---- processes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
async def test_kill_9_of_the_writer_loses_nothing_acknowledged_and_leaves_no_gap(
    bus: EmbeddedBus, path: Path, seed: int
) -> None:
    with bus_process("write", f"embedded:{path}", "feed") as process:
        acknowledged = await asyncio.to_thread(lines_of, process, random.Random(seed).randrange(20, 400))
        process.kill()
        acknowledged += await asyncio.to_thread(rest_of, process)
    records = await everything(bus, PLACES)
    assert {int(line) for line in acknowledged} <= {number(record) for record in records}
    for place in PLACES:
        offsets = [record.offset for record in records if record.place == place]
        assert offsets == list(range(len(offsets)))


async def test_two_processes_write_to_one_file_without_losing_or_overwriting(bus: EmbeddedBus, path: Path) -> None:
    publisher = await bus.publisher()
    ours = 0
    with bus_process("write", f"embedded:{path}", "plain") as process:
        theirs = await asyncio.to_thread(lines_of, process, 50)
        for ours in range(1, 101):
            await publisher.publish([message(-ours)])
        theirs += await asyncio.to_thread(lines_of, process, 50)
        process.kill()
        theirs += await asyncio.to_thread(rest_of, process)
    records = await everything(bus, [P0])
    assert [record.offset for record in records] == list(range(len(records)))
    numbers = [number(record) for record in records]
    assert {int(line) for line in theirs} <= set(numbers)
    assert [n for n in numbers if n < 0] == [-n for n in range(1, ours + 1)]


async def test_two_openings_of_a_new_file_at_once(path: Path) -> None:
    opened = await asyncio.gather(*(EmbeddedBus.open(path) for _ in range(4)))
    created = await asyncio.gather(*(bus.ensure_topics([FEED]) for bus in opened))
    assert sorted(created) == [[], [], [], ["feed"]]
    await asyncio.gather(*(bus.close() for bus in opened))


async def test_what_was_published_is_there_after_reopening(path: Path) -> None:
    for n in range(3):
        bus = await EmbeddedBus.open(path, synchronous="normal" if n == 1 else "full")
        await bus.ensure_topics([PLAIN])
        [position] = await (await bus.publisher()).publish([message(n)])
        assert position.offset == n
        await bus.close()


# ---- chaos -----------------------------------------------------------------------------------------------------------


async def consume(bus: EmbeddedBus, seen: list[int], stop: asyncio.Event) -> None:
    """A consumer that does what Kafka asks of one, and nothing more: ends count when they are committed."""
    consumer = await bus.subscribe(["feed"], "g", options())
    while not stop.is_set():
        records = await consumer.poll(max_records=50, timeout=0.1)
        ends: dict[Partition, int] = {}
        for record in records:
            assert record.offset >= ends.get(record.place, 0), "order within a partition always holds"
            ends[record.place] = record.offset + 1
            seen.append(number(record))
        try:
            await consumer.commit(ends)
        except CommitRefused:
            continue
    await consumer.close()


async def publish_persistently(bus: EmbeddedBus, messages: list[Message]) -> int:
    """Publish until it is acknowledged; how many attempts it took."""
    publisher = await bus.publisher()
    for attempt in range(1, 1000):
        try:
            await publisher.publish(messages)
        except BusUnavailable:
            continue
        return attempt
    raise AssertionError("never acknowledged")


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_chaos_loses_nothing_and_repeats_something(path: Path, seed: int) -> None:
    chaos = Chaos(seed, redeliver=0.1, rebalance=0.1, refuse=0.1, unsure=0.2, delay=0.1, delay_seconds=0.05)
    bus = await EmbeddedBus.open(path, chaos=chaos)
    await bus.ensure_topics([FEED])
    seen: list[int] = []
    stop = asyncio.Event()
    members = [asyncio.create_task(consume(bus, seen, stop)) for _ in range(2)]
    attempts = 0
    for start in range(0, 400, 10):
        attempts += await publish_persistently(bus, [message(n, "feed") for n in range(start, start + 10)])
    async with asyncio.timeout(60):
        while not set(range(400)) <= set(seen):
            await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*members)
    await bus.close()
    assert attempts > 40
    assert len(seen) > 400


async def test_without_revoke_nothing_is_redelivered(path: Path) -> None:
    """Delays and shuffling alone: every record exactly once, in order per partition, in no order across them."""
    bus = await EmbeddedBus.open(path, chaos=Chaos(7, redeliver=0, rebalance=0, refuse=0, unsure=0, delay_seconds=0.02))
    await bus.ensure_topics([FEED])
    await (await bus.publisher()).publish([message(n, "feed") for n in range(200)])
    consumer = await bus.subscribe(["feed"], "g", options())
    records: list[Record] = []
    async with asyncio.timeout(20):
        while len(records) < 200:
            records += await consumer.poll(max_records=40, timeout=0.5)
    await bus.close()
    for place in PLACES:
        offsets = [record.offset for record in records if record.place == place]
        assert offsets == list(range(len(offsets)))
    changes = sum(one.place != other.place for one, other in pairwise(records))
    assert changes > 12, "records of different partitions alternate"


# ---- groups ----------------------------------------------------------------------------------------------------------


def test_range_assignment_gives_the_first_members_more() -> None:
    shares = groups.share({"a": 5, "b": 5}, {"m2": ["a", "b"], "m1": ["a", "b"], "m3": ["b"]})
    assert {member: [(p.topic, p.number) for p in places] for member, places in shares.items()} == {
        "m1": [("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1)],
        "m2": [("a", 3), ("a", 4), ("b", 2), ("b", 3)],
        "m3": [("b", 4)],
    }


async def test_a_lease_from_before_a_restart_of_the_machine_has_run_out(bus: EmbeddedBus, path: Path) -> None:
    """The monotonic clock begins again at a boot: a lease that ends far ahead belongs to nobody."""
    with sqlite3.connect(path) as conn:
        conn.execute("insert into groups values ('g', 4, 0, 0)")
        far = groups.monotonic_ms() + 10**9
        conn.execute(
            "insert into members values ('g', 'ghost', 10000, 45000, ?, '[\"plain\"]', 4, '[[\"plain\", 0]]')", (far,)
        )
    conn.close()
    async with asyncio.timeout(10):
        consumer = await bus.subscribe(["plain"], "g", options())
    assert consumer.assignment() == {P0}


# ---- the file --------------------------------------------------------------------------------------------------------


async def test_values_of_compressed_topics_are_compressed_in_the_file(bus: EmbeddedBus, path: Path) -> None:
    value = b"<p>Deklarata e Tiranes</p>" * 10_000
    await (await bus.publisher()).publish([Message("pages", b"k", value)])
    [record] = await bus.read(Partition("pages", 0), 0, 1)
    assert record.value == value
    with sqlite3.connect(path) as conn:
        [(kept,)] = conn.execute("select length(value) from records").fetchall()
    conn.close()
    assert kept < len(value) / 50


async def test_retention_in_bytes_keeps_at_least_that_much(bus: EmbeddedBus) -> None:
    await bus.ensure_topics([TopicSpec("plain", 1, WEEK, 10_000, 100_000)])
    await (await bus.publisher()).publish([message(n, size=995) for n in range(30)])  # 1,000 bytes with the key
    assert await bus.retain() == 20
    assert [number(record) for record in await everything(bus, [P0])] == list(range(20, 30))
    [position] = await (await bus.publisher()).publish([message(30)])
    assert position.offset == 30


async def test_offsets_go_on_after_retention_has_emptied_a_partition(bus: EmbeddedBus, path: Path) -> None:
    await (await bus.publisher()).publish([message(n) for n in range(5)])
    assert await bus.trim(P0, 100) == 5
    another = await EmbeddedBus.open(path)
    assert await another.end_offsets([P0]) == {P0: 5}
    [position] = await (await another.publisher()).publish([message(5)])
    assert position.offset == 5
    await another.close()


async def test_a_deleted_record_from_the_future_misleads_nobody(bus: EmbeddedBus) -> None:
    await (await bus.publisher()).publish(
        [Message("plain", b"k", b"1", timestamp=at) for at in (10, 10**15, 20, 30)]
    )  # fmt: skip
    assert await bus.offsets_for_time([P0], 25) == {P0: 1}
    await bus.trim(P0, 2)
    assert await bus.offsets_for_time([P0], 25) == {P0: 3}
    assert await bus.offsets_for_time([P0], 31) == {P0: None}


async def test_a_position_beyond_the_end_of_a_file_that_was_put_back_moves(bus: EmbeddedBus) -> None:
    await (await bus.publisher()).publish([message(n) for n in range(3)])
    consumer = await bus.subscribe(["plain"], "g", options())
    await consumer.seek(P0, 1000)
    assert [number(record) for record in await consumer.poll(max_records=10, timeout=5.0)] == [0, 1, 2]


async def test_a_disk_that_is_full_is_an_outage_that_ends(bus: EmbeddedBus) -> None:
    publisher = await bus.publisher()
    await publisher.publish([message(0)])
    await bus.write(lambda conn: conn.execute("pragma max_page_count = 1").fetchall())
    with pytest.raises(BusUnavailable, match="full"):
        await publisher.publish([message(n, size=90_000) for n in range(1, 10)])
    await bus.write(lambda conn: conn.execute("pragma max_page_count = 1000000").fetchall())
    before = await bus.end_offsets([P0])
    [position] = await publisher.publish([message(1000)])
    assert position.offset == before[P0]


async def test_a_job_that_fails_spoils_neither_the_writer_nor_the_offsets(bus: EmbeddedBus) -> None:
    publisher = await bus.publisher()

    def defect(_conn: sqlite3.Connection) -> None:
        raise RuntimeError("a defect")

    results = await asyncio.gather(publisher.publish([message(0)]), bus.write(defect), return_exceptions=True)
    assert isinstance(results[1], BusUnavailable)
    written = len(await everything(bus, [P0]))
    assert written == (0 if isinstance(results[0], BusUnavailable) else 1)
    [position] = await publisher.publish([message(1)])
    assert position.offset == written


async def test_a_file_that_is_no_log_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "not.db"
    path.write_bytes(b"this is not a database" * 1000)
    with pytest.raises(BusUnavailable, match=r"not\.db"):
        await EmbeddedBus.open(path)


async def test_use_after_close_is_refused(path: Path) -> None:
    bus = await EmbeddedBus.open(path)
    await bus.ensure_topics([PLAIN])
    publisher = await bus.publisher()
    await bus.close()
    with pytest.raises(BusUnavailable):
        await publisher.publish([message(1)])
    with pytest.raises(BusUnavailable):
        await bus.topics()


def test_synchronous_is_full_unless_asked_otherwise(path: Path) -> None:
    conn = schema.connect(path)
    assert conn.execute("pragma synchronous").fetchone() == (2,)
    assert conn.execute("pragma journal_mode").fetchone() == ("wal",)
    conn.close()
