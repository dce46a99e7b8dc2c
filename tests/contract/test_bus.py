"""One behaviour suite for both buses: what services may rely on, and no more.

Every test runs on the embedded log and on a real Apache Kafka broker. A difference would be a strict xfail with its
reason; there is none at present. Nothing here measures time; waits are bounded by `eventually`.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import pytest

from shared.bus import (
    Bus,
    BusUnavailable,
    CommitRefused,
    Consumer,
    ConsumerOptions,
    Message,
    OffsetPolicy,
    Partition,
    Publisher,
    Record,
    RecordTooLarge,
    TopicMismatch,
)
from shared.bus.murmur2 import murmur2, partition_of
from shared.topics import TopicSpec
from tests.fakes.fixtures_bus import Lab, bus_process, lines_of, rest_of, tell

SESSION = 6.0
WEEK = timedelta(days=7)
FEED = TopicSpec("feed", 12, WEEK, -1, 100_000)
TWIN = TopicSpec("twin", 12, WEEK, -1, 100_000)
PLAIN = TopicSpec("plain", 1, WEEK, -1, 100_000)
PAGES = TopicSpec("pages", 1, WEEK, -1, 2_000_000, compressed=True)
SHORT = TopicSpec("short", 1, timedelta(hours=1), -1, 100_000)
SMALL = TopicSpec("small", 1, WEEK, 2_000_000, 1_000_000)
SPECS = (FEED, TWIN, PLAIN, PAGES, SHORT, SMALL)

P0 = Partition("plain", 0)
LATELY = int((time.time() - 3600) * 1000)
"""An hour ago in milliseconds: what is older than the retention may go at any moment."""

# Taken from org.apache.kafka.common.utils.Utils.murmur2 of kafka-clients 4.3.1: key, hash, partition of twelve.
JAVA_VECTORS = [
    (b"", 275646681, 9),
    (b"a", 2731586172, 4),
    (b"ab", 316155434, 2),
    (b"abc", 479470107, 3),
    (b"abcd", 2971317748, 8),
    (b"abcde", 461995741, 1),
    (b"wirewatch", 674535000, 0),
    (b"kosovo-albania-croatia", 2138446771, 7),
    ("Приштина".encode(), 1654804824, 0),
    ("Vučić i Kurti".encode(), 1802746453, 1),
    ("Shqipëria".encode(), 4234996446, 10),
    (b"0123456789abcdef0123456789abcdef", 81657833, 5),
    (b"watch:alliance", 3584526855, 7),
    (b"\x00\x01\x02", 51419311, 7),
    ("😀".encode(), 131881617, 9),
    (bytes(range(253)), 3298778860, 8),
    (bytes(range(254)), 1651449572, 8),
    (bytes(range(255)), 1542706800, 0),
    (bytes(range(256)), 2346620022, 10),
]


@pytest.fixture
async def bus(lab: Lab) -> Bus:
    opened = await lab.open()
    await opened.ensure_topics(SPECS)
    return opened


def message(n: int, *, topic: str = "plain", key: str | None = None, size: int = 0) -> Message:
    return Message(topic, (key or f"key {n}").encode(), f"{n}".encode().ljust(size, b"."))


def number(record: Record) -> int:
    return int((record.value or b"").rstrip(b"."))


async def publish(bus: Bus, messages: Sequence[Message]) -> None:
    publisher = await bus.publisher()
    await publisher.publish(messages)
    await publisher.close()


async def take(consumer: Consumer, count: int, *, most: int = 100) -> list[Record]:
    """Poll until `count` records have come; fails after 20 seconds."""
    records: list[Record] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            records += await consumer.poll(max_records=most, timeout=0.5)
    return records


async def eventually(holds: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while True:
            verdict = holds()
            if verdict if isinstance(verdict, bool) else await verdict:
                return
            await asyncio.sleep(0.02)


class Witness:
    """Notes what a member is told, and may do something about it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, frozenset[Partition]]] = []
        self.at_revoke: Callable[[frozenset[Partition]], Awaitable[None]] | None = None
        self.at_assign: Callable[[frozenset[Partition]], Awaitable[None]] | None = None

    async def assigned(self, partitions: frozenset[Partition]) -> None:
        self.told.append(("assigned", partitions))
        if self.at_assign is not None:
            await self.at_assign(partitions)

    async def revoked(self, partitions: frozenset[Partition]) -> None:
        self.told.append(("revoked", partitions))
        if self.at_revoke is not None:
            await self.at_revoke(partitions)

    def options(
        self, *, policy: OffsetPolicy = "earliest", name: str = "test", rebalance: float = 45.0
    ) -> ConsumerOptions:
        return ConsumerOptions(
            session_timeout=SESSION, rebalance_timeout=rebalance, offset_policy=policy, client_id=name,
            on_assigned=self.assigned, on_revoked=self.revoked,
        )  # fmt: skip


async def join(
    bus: Bus,
    topic: str = "plain",
    group: str = "g",
    *,
    witness: Witness | None = None,
    policy: OffsetPolicy = "earliest",
) -> Consumer:
    return await bus.subscribe([topic], group, (witness or Witness()).options(policy=policy))


# ---- topics ----------------------------------------------------------------------------------------------------------


async def test_topics_are_created_once_and_listed(bus: Bus) -> None:
    assert await bus.ensure_topics(SPECS) == []
    assert await bus.topics() == {spec.name: spec.partitions for spec in SPECS}


async def test_a_partition_count_is_never_changed(bus: Bus) -> None:
    with pytest.raises(TopicMismatch, match="12 partitions"):
        await bus.ensure_topics([TopicSpec("new", 1, WEEK, -1, 1000), TopicSpec("feed", 6, WEEK, -1, 1000)])
    assert "new" not in await bus.topics()


async def test_changed_settings_of_a_topic_are_brought_in_line(bus: Bus, lab: Lab) -> None:
    await bus.ensure_topics([TopicSpec("plain", 1, WEEK, -1, 50)])
    another = await lab.open()
    publisher = await another.publisher()
    with pytest.raises(RecordTooLarge):
        await publisher.publish([message(1, size=100)])


async def test_publishing_to_a_topic_that_does_not_exist_is_refused(bus: Bus) -> None:
    publisher = await bus.publisher()
    with pytest.raises(BusUnavailable, match="no topic"):
        await publisher.publish([message(1, topic="nowhere")])


# ---- publishing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("key", "hashed", "partition"), JAVA_VECTORS)
def test_murmur2_is_the_java_clients(key: bytes, hashed: int, partition: int) -> None:
    assert murmur2(key) == hashed
    assert partition_of(key, 12) == partition


async def test_the_key_decides_the_partition_as_in_the_java_client(bus: Bus) -> None:
    publisher = await bus.publisher()
    positions = await publisher.publish([Message("feed", key, b"x") for key, _, _ in JAVA_VECTORS])
    assert [position.partition.number for position in positions] == [number for _, _, number in JAVA_VECTORS]


async def test_a_given_partition_overrides_the_key(bus: Bus) -> None:
    publisher = await bus.publisher()
    [position] = await publisher.publish([Message("feed", b"a", b"x", partition=11)])
    assert position.partition == Partition("feed", 11)


async def test_positions_come_in_the_order_given_and_offsets_grow(bus: Bus) -> None:
    publisher = await bus.publisher()
    positions = await publisher.publish([message(n) for n in range(50)])
    more = await publisher.publish([message(n) for n in range(50)])
    offsets = [position.offset for position in positions + more]
    assert offsets == sorted(set(offsets))


async def test_many_tasks_may_publish_at_once(bus: Bus) -> None:
    publisher = await bus.publisher()
    await asyncio.gather(*(publisher.publish([message(n, topic="feed")]) for n in range(200)))
    records = await take(await join(bus, "feed"), 200)
    assert sorted(number(record) for record in records) == list(range(200))


async def test_a_record_that_is_too_large_is_refused_and_nothing_of_the_call_is_written(bus: Bus) -> None:
    publisher = await bus.publisher()
    with pytest.raises(RecordTooLarge):
        await publisher.publish([message(1), message(2, size=100_001), message(3)])
    await publisher.publish([message(4)])
    assert [number(record) for record in await take(await join(bus), 1)] == [4]


async def test_a_record_of_just_the_allowed_size_passes(bus: Bus) -> None:
    publisher = await bus.publisher()
    await publisher.publish([Message("small", b"k" * 10, bytes(1_000_000 - 10))])
    [record] = await take(await join(bus, "small"), 1)
    assert record.size == 1_000_000


async def test_publishing_after_close_is_refused(bus: Bus) -> None:
    publisher = await bus.publisher()
    await publisher.close()
    with pytest.raises(BusUnavailable):
        await publisher.publish([message(1)])


# ---- records ---------------------------------------------------------------------------------------------------------


async def test_headers_key_value_and_timestamp_come_back_as_they_were(bus: Bus) -> None:
    headers = (
        ("ce_id", b"1"),
        ("ce_id", b"again"),
        ("binary", bytes(range(256))),
        ("empty", b""),
        ("naslov", "šć".encode()),
    )
    sent = Message("plain", bytes(range(256)), bytes(range(256)) * 3, headers, timestamp=LATELY + 123)
    await publish(bus, [sent, Message("plain", b"k", None), Message("plain", None, b"no key")])
    first, second, third = await take(await join(bus), 3)
    assert (first.key, first.value, first.headers, first.timestamp) == (sent.key, sent.value, headers, sent.timestamp)
    assert (second.key, second.value, third.key, third.value) == (b"k", None, None, b"no key")


async def test_a_message_with_neither_key_nor_value_gets_an_empty_value(bus: Bus) -> None:
    await publish(bus, [Message("plain", None, None, (("why", b"a stranger's record"),))])
    [record] = await take(await join(bus), 1)
    assert (record.key, record.value, len(record.headers)) == (None, b"", 1)


async def test_values_of_compressed_topics_come_back_as_they_were(bus: Bus) -> None:
    values = [b"<html>" * 100_000, b"", b"x", bytes(range(256)) * 1000]
    await publish(bus, [Message("pages", b"k", value) for value in values])
    assert [record.value for record in await take(await join(bus, "pages"), 4)] == values


async def test_a_record_without_a_timestamp_gets_the_present(bus: Bus) -> None:
    before = time.time() * 1000 - 5000
    await publish(bus, [message(1)])
    [record] = await take(await join(bus), 1)
    assert before < record.timestamp < before + 60_000


async def test_timestamps_from_the_future_are_accepted(bus: Bus) -> None:
    ahead = int((time.time() + 90 * 86400) * 1000)
    await publish(bus, [Message("plain", b"k", b"1", timestamp=ahead)])
    assert [record.timestamp for record in await take(await join(bus), 1)] == [ahead]


# ---- reading as a group ----------------------------------------------------------------------------------------------


async def test_order_holds_per_key(bus: Bus) -> None:
    publisher = await bus.publisher()
    for start in range(0, 300, 50):
        await publisher.publish([message(n, topic="feed", key=f"k{n % 7}") for n in range(start, start + 50)])
    seen: dict[bytes, list[int]] = {}
    for record in await take(await join(bus, "feed"), 300, most=17):
        seen.setdefault(record.key or b"", []).append(number(record))
    assert all(numbers == sorted(numbers) for numbers in seen.values())
    assert sum(map(len, seen.values())) == 300


async def test_a_poll_returns_no_more_than_asked_for(bus: Bus) -> None:
    await publish(bus, [message(n, topic="feed") for n in range(40)])
    consumer = await join(bus, "feed")
    sizes: list[int] = []
    while sum(sizes) < 40:
        sizes.append(len(await consumer.poll(max_records=7, timeout=2.0)))
    assert max(sizes) <= 7


async def test_several_groups_read_the_same_records(bus: Bus) -> None:
    await publish(bus, [message(n) for n in range(5)])
    one, other = await join(bus, group="one"), await join(bus, group="other")
    assert [number(r) for r in await take(one, 5)] == [number(r) for r in await take(other, 5)] == list(range(5))


async def test_the_committed_offset_is_the_next_to_read(bus: Bus) -> None:
    await publish(bus, [message(n) for n in range(5)])
    consumer = await join(bus)
    records = await take(consumer, 5)
    assert await consumer.committed(P0) is None
    await consumer.commit({P0: records[2].offset + 1})
    assert await consumer.committed(P0) == records[3].offset
    assert await bus.committed("g", [P0]) == {P0: records[3].offset}
    assert await bus.committed("nobody", [P0]) == {P0: None}
    await consumer.close()
    assert [number(record) for record in await take(await join(bus), 2)] == [3, 4]


async def test_what_was_not_committed_comes_again(bus: Bus) -> None:
    await publish(bus, [message(n) for n in range(3)])
    consumer = await join(bus)
    await take(consumer, 3)
    await consumer.close()
    assert [number(record) for record in await take(await join(bus), 3)] == [0, 1, 2]


async def test_a_crash_hands_over_at_the_committed_offset(bus: Bus, lab: Lab) -> None:
    """kill -9 of a member: its session runs out, its successor reads on from what it had committed."""
    await publish(bus, [message(n) for n in range(5)])
    with bus_process("read", lab.address, "plain") as process:
        assert await asyncio.to_thread(lines_of, process, 6) == ["joined", "0", "1", "2", "3", "4"]
        process.kill()
        consumer = await join(bus)
        assert [number(record) for record in await take(consumer, 4)] == [1, 2, 3, 4]


async def test_a_killed_writer_loses_nothing_acknowledged(bus: Bus, lab: Lab) -> None:
    with bus_process("write", lab.address, "feed") as process:
        acknowledged = await asyncio.to_thread(lines_of, process, 200)
        process.kill()
        acknowledged += await asyncio.to_thread(rest_of, process)
    ends = await bus.end_offsets([Partition("feed", n) for n in range(12)])
    records = await take(await join(bus, "feed"), sum(ends.values()))
    assert {int(line) for line in acknowledged} <= {number(record) for record in records}


async def test_a_process_stopped_past_its_session_cannot_commit(bus: Bus, lab: Lab) -> None:
    """SIGSTOP past the session: a successor owns the partition, and the late commit after SIGCONT changes nothing."""
    await publish(bus, [message(n) for n in range(5)])
    with bus_process("hold", lab.address, "plain") as process:
        assert await asyncio.to_thread(lines_of, process, 1) == ["holding 5"]
        await stop_between_transactions(process, await bus.publisher())
        consumer = await join(bus)  # its member id sorts before the other's, so the partition stays here
        await consumer.commit({P0: 2})
        tell(process)
        process.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(lines_of, process, 1) == ["refused"]
        assert await consumer.committed(P0) == 2


async def stop_between_transactions(process: subprocess.Popen[str], publisher: Publisher) -> None:
    """SIGSTOP. On the embedded log a process stopped in the middle of a transaction keeps the lock on the file, and
    everybody else waits (as for a broker that was stopped): then let it go on and try again."""
    while True:
        process.send_signal(signal.SIGSTOP)
        writing = asyncio.create_task(publisher.publish([message(0, topic="twin")]))
        done, _ = await asyncio.wait({writing}, timeout=3.0)
        if done:
            return
        process.send_signal(signal.SIGCONT)
        await writing


async def test_the_policy_decides_where_a_new_group_begins(bus: Bus) -> None:
    await publish(bus, [message(1)])
    consumer = await join(bus, policy="latest")
    assert await consumer.position(P0) == 1
    await publish(bus, [message(2)])
    assert [number(record) for record in await take(consumer, 1)] == [2]
    assert consumer.skipped == 0


async def test_a_long_poll_is_woken_by_a_record(bus: Bus) -> None:
    consumer = await join(bus)
    assert await consumer.poll(max_records=10, timeout=0.05) == []
    polling = asyncio.create_task(consumer.poll(max_records=10, timeout=60.0))
    await asyncio.sleep(0.3)
    assert not polling.done()
    await publish(bus, [message(1)])
    async with asyncio.timeout(10):
        assert [number(record) for record in await polling] == [1]


async def test_a_long_poll_is_woken_by_another_process(bus: Bus, lab: Lab) -> None:
    consumer = await join(bus)
    another = await lab.open()
    polling = asyncio.create_task(consumer.poll(max_records=10, timeout=60.0))
    await asyncio.sleep(0.3)
    await publish(another, [message(1)])
    async with asyncio.timeout(10):
        assert [number(record) for record in await polling] == [1]


async def test_a_cancelled_poll_loses_nothing(bus: Bus) -> None:
    consumer = await join(bus)
    publisher = await bus.publisher()
    for n in range(20):
        polling = asyncio.create_task(consumer.poll(max_records=1, timeout=30.0))
        await asyncio.sleep(0.003 * (n % 5))
        polling.cancel()
        publishing = publisher.publish([message(n)])
        await asyncio.gather(polling, publishing, return_exceptions=True)
        if not polling.cancelled():
            await consumer.seek(P0, polling.result()[0].offset)
    assert [number(record) for record in await take(consumer, 20)] == list(range(20))


async def test_a_poll_cancelled_while_it_comes_back_loses_nothing(bus: Bus) -> None:
    """Records at hand are taken in a few turns of the loop: cancelled in each of them, all the same they come."""
    consumer = await join(bus)
    await publish(bus, [message(n) for n in range(60)])
    taken = await take(consumer, 1, most=1)
    for turns in range(40):
        polling = asyncio.create_task(consumer.poll(max_records=1, timeout=30.0))
        for _ in range(turns % 8):
            await asyncio.sleep(0)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        taken += [] if polling.cancelled() else polling.result()
    taken += await take(consumer, 60 - len(taken))
    assert [number(record) for record in taken] == list(range(60))


async def test_paused_partitions_give_nothing_until_resumed_and_lose_nothing(bus: Bus) -> None:
    publisher = await bus.publisher()
    await publisher.publish([message(n, topic="feed") for n in range(120)])
    consumer = await join(bus, "feed")
    slow = {Partition("feed", n) for n in range(6)}
    first = await take(consumer, 10, most=10)
    consumer.pause(slow)
    await publisher.publish([message(n, topic="feed") for n in range(120, 240)])
    quick: list[Record] = []
    while batch := await consumer.poll(max_records=50, timeout=1.5):
        quick += batch
    assert quick
    assert not {record.place for record in quick} & slow
    consumer.resume(slow)
    rest = await take(consumer, 240 - len(first) - len(quick))
    assert sorted(number(record) for record in first + quick + rest) == list(range(240))


async def test_seek_and_position(bus: Bus) -> None:
    await publish(bus, [message(n) for n in range(10)])
    consumer = await join(bus)
    await take(consumer, 10)
    assert await consumer.position(P0) == 10
    await consumer.seek(P0, 7)
    assert await consumer.position(P0) == 7
    assert [number(record) for record in await take(consumer, 3)] == [7, 8, 9]


async def test_what_is_not_owned_has_no_position_and_cannot_be_committed(bus: Bus) -> None:
    consumer = await join(bus)
    stranger = Partition("feed", 0)
    for attempt in (consumer.position(stranger), consumer.seek(stranger, 0), consumer.commit({stranger: 1})):
        with pytest.raises(CommitRefused):
            await attempt


# ---- rebalance -------------------------------------------------------------------------------------------------------


async def poll_along(consumer: Consumer, into: list[Record]) -> None:
    """What a consume loop does all the time."""
    while True:
        into += await consumer.poll(max_records=50, timeout=0.2)


async def test_members_share_by_range_and_a_key_has_one_owner_in_both_topics(bus: Bus, lab: Lab) -> None:
    others = [await lab.open() for _ in range(2)]
    topics = ["feed", "twin"]
    members = [await bus.subscribe(topics, "g", Witness().options(name=f"m{n}")) for n in range(1)]
    for n, other in enumerate(others):
        members.append(await other.subscribe(topics, "g", Witness().options(name=f"m{n + 1}")))
    await eventually(lambda: [len(member.assignment()) for member in members] == [8, 8, 8])
    for member in members:
        owned = member.assignment()
        numbers = sorted(place.number for place in owned if place.topic == "feed")
        assert numbers == list(range(numbers[0], numbers[0] + 4))
        assert numbers == sorted(place.number for place in owned if place.topic == "twin")
    assert len(frozenset.union(*(member.assignment() for member in members))) == 24


async def test_revoke_is_awaited_before_another_member_gets_the_partition(bus: Bus, lab: Lab) -> None:
    """The old owner drains and commits in `on_revoked`; nothing is read twice."""
    await publish(bus, [message(n, topic="feed") for n in range(100)])
    witness, newcomer = Witness(), Witness()
    consumer = await join(bus, "feed", witness=witness)
    records = await take(consumer, 100)
    order: list[str] = []

    async def drain(partitions: frozenset[Partition]) -> None:
        assert consumer.assignment() == partitions
        await asyncio.sleep(1.0)
        ends: dict[Partition, int] = {}
        for record in records:
            ends[record.place] = max(ends.get(record.place, 0), record.offset + 1)
        await consumer.commit(ends)
        order.append("drained")

    async def note(_partitions: frozenset[Partition]) -> None:
        order.append("taken over")

    witness.at_revoke, newcomer.at_assign = drain, note
    more: list[Record] = []
    polling = asyncio.create_task(poll_along(consumer, more))
    other = await join(await lab.open(), "feed", witness=newcomer)
    assert order == ["drained", "taken over"]
    await eventually(lambda: len(consumer.assignment()) == len(other.assignment()) == 6)
    assert await other.poll(max_records=10, timeout=1.0) == more == []
    polling.cancel()
    assert [what for what, _ in witness.told] == ["assigned", "revoked", "assigned"]
    assert witness.told[1][1] == witness.told[0][1]


async def test_no_record_is_polled_before_on_assigned_has_returned(bus: Bus) -> None:
    witness = Witness()
    consumer = await join(bus, "feed", witness=witness)
    returned: list[bool] = []
    read: list[Record] = []
    returned_when_read: list[bool] = []

    async def slowly(_partitions: frozenset[Partition]) -> None:
        await asyncio.sleep(1.0)
        returned.append(True)

    async def poll_and_note() -> None:
        while not read:
            read.extend(await consumer.poll(max_records=10, timeout=0.5))
            returned_when_read.append(bool(returned))

    witness.at_assign = slowly
    polling = asyncio.create_task(poll_and_note())
    other = await join(bus, "feed")  # the first member is given half of the partitions anew
    await publish(bus, [message(n, topic="feed") for n in range(100)])
    async with asyncio.timeout(20):
        await polling
    assert returned_when_read[-1]
    await other.close()


async def test_position_and_seek_work_inside_on_assigned(bus: Bus) -> None:
    witness = Witness()
    members: list[Consumer] = []
    at: list[int] = []

    async def arrange(partitions: frozenset[Partition]) -> None:
        if members:
            for partition in partitions:
                at.append(await members[0].position(partition))
                await members[0].seek(partition, 3)

    witness.at_assign = arrange
    members.append(await join(bus, "feed", witness=witness))
    other = await join(bus, "feed")
    await eventually(lambda: len(at) >= 6)
    assert set(at) == {0}
    assert [await members[0].position(place) for place in members[0].assignment()] == [3] * 6
    await other.close()


async def test_after_a_rebalance_everything_is_read_from_the_committed_offset(bus: Bus, lab: Lab) -> None:
    await publish(bus, [message(n, topic="feed") for n in range(60)])
    consumer = await join(bus, "feed")
    read = await take(consumer, 60)
    polling = asyncio.create_task(poll_along(consumer, read))
    other = await join(await lab.open(), "feed")
    read += await take(other, 1)
    also = asyncio.create_task(poll_along(other, read))
    await eventually(lambda: len(read) >= 120)
    assert sorted(number(record) for record in read) == sorted([*range(60), *range(60)])
    for task in (polling, also):
        task.cancel()


async def test_leaving_hands_the_partitions_over_at_once(bus: Bus, lab: Lab) -> None:
    witness = Witness()
    leaver = await join(bus, "feed", witness=witness)
    stayer = await join(await lab.open(), "feed")
    await eventually(lambda: len(leaver.assignment()) == len(stayer.assignment()) == 6)
    polling = asyncio.create_task(poll_along(stayer, []))
    await leaver.close()
    assert witness.told[-1][0] == "revoked"
    assert leaver.assignment() == frozenset()
    await eventually(lambda: len(stayer.assignment()) == 12)
    polling.cancel()


async def test_a_member_of_an_earlier_generation_cannot_commit(bus: Bus, lab: Lab) -> None:
    """It drains longer than the group waits: it is out, its commit is refused, it comes back as a new member."""
    await publish(bus, [message(n) for n in range(3)])
    witness, refused = Witness(), asyncio.Event()

    async def too_slow(_partitions: frozenset[Partition]) -> None:
        await asyncio.sleep(4.0)
        with pytest.raises(CommitRefused):
            await consumer.commit({P0: 3})
        refused.set()

    consumer = await bus.subscribe(["plain"], "g", witness.options(rebalance=2.0))
    await take(consumer, 3)
    witness.at_revoke = too_slow
    polling = asyncio.create_task(poll_along(consumer, []))
    other = await bus_member(await lab.open())
    assert [number(record) for record in await take(other, 3)] == [0, 1, 2]
    async with asyncio.timeout(20):
        await refused.wait()
    witness.at_revoke = None
    await other.close()
    await eventually(lambda: consumer.assignment() == {P0})
    await consumer.commit({P0: 3})
    polling.cancel()


async def bus_member(bus: Bus) -> Consumer:
    return await bus.subscribe(["plain"], "g", Witness().options(rebalance=2.0))


async def test_a_listener_that_raises_does_not_stop_the_group(bus: Bus) -> None:
    await publish(bus, [message(1)])
    witness = Witness()

    async def fail(_partitions: frozenset[Partition]) -> None:
        raise RuntimeError("a defect of the service")

    witness.at_assign = fail
    consumer = await join(bus, witness=witness)
    assert [number(record) for record in await take(consumer, 1)] == [1]


# ---- retention -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("policy", "first", "skipped"), [("earliest", 6, 4), ("latest", 10, 8)])
async def test_a_committed_offset_that_was_deleted_moves_by_the_policy(
    bus: Bus, lab: Lab, policy: OffsetPolicy, first: int, skipped: int
) -> None:
    await publish(bus, [message(n) for n in range(10)])
    consumer = await join(bus)
    await take(consumer, 10)
    await consumer.commit({P0: 2})
    await consumer.close()
    await lab.trim(P0, 6)
    again = await join(bus, policy=policy)
    read: list[Record] = []
    polling = asyncio.create_task(poll_along(again, read))
    await eventually(lambda: again.skipped > 0)
    await publish(bus, [message(10)])
    await eventually(lambda: bool(read) and number(read[-1]) == 10)
    polling.cancel()
    assert [number(record) for record in read] == list(range(first, 11))
    assert again.skipped == skipped
    assert await again.poll(max_records=10, timeout=0.3) == []


async def test_a_reader_that_is_overtaken_by_retention_goes_on(bus: Bus, lab: Lab) -> None:
    await publish(bus, [message(n) for n in range(10)])
    consumer = await join(bus)
    await take(consumer, 10)
    await consumer.seek(P0, 1)
    await lab.trim(P0, 10)
    read: list[Record] = []
    polling = asyncio.create_task(poll_along(consumer, read))
    await eventually(lambda: consumer.skipped == 9 or bool(read))
    await publish(bus, [message(10)])
    await eventually(lambda: bool(read) and number(read[-1]) == 10)
    polling.cancel()


async def test_records_older_than_the_retention_go(bus: Bus, lab: Lab) -> None:
    old = int((time.time() - 2 * 3600) * 1000)
    place = Partition("short", 0)
    await publish(bus, [Message("short", b"k", b"1", timestamp=old + n) for n in range(5)])

    async def gone() -> bool:
        await lab.retain()
        [state] = await bus.lag("nobody", ["short"])
        return state.beginning == 5

    await eventually(gone)
    await publish(bus, [Message("short", b"k", b"2")])
    assert [record.offset for record in await bus.read(place, 0, 10)] == [5]


# ---- administration --------------------------------------------------------------------------------------------------


async def test_end_offsets(bus: Bus) -> None:
    await publish(bus, [message(n) for n in range(4)])
    empty = Partition("feed", 3)
    assert await bus.end_offsets([P0, empty]) == {P0: 4, empty: 0}


async def test_offsets_for_time_finds_the_first_at_or_after(bus: Bus) -> None:
    times = [0, 10, 5, 10, 30, 20]  # timestamps need not grow
    await publish(bus, [Message("plain", b"k", b"x", timestamp=LATELY + at) for at in times])
    for asked, offset in [(-1, 0), (0, 0), (1, 1), (10, 1), (11, 4), (30, 4), (31, None)]:
        assert await bus.offsets_for_time([P0], LATELY + asked) == {P0: offset}, asked


async def test_lag_counts_what_is_not_committed_and_dates_the_oldest(bus: Bus) -> None:
    await publish(bus, [Message("plain", b"k", b"x", timestamp=LATELY + n) for n in range(5)])
    [before] = await bus.lag("g", ["plain"])
    assert (before.committed, before.beginning, before.end, before.records, before.oldest) == (None, 0, 5, 5, LATELY)
    consumer = await join(bus)
    await consumer.commit({P0: 3})
    [behind] = await bus.lag("g", ["plain"])
    assert (behind.committed, behind.records, behind.oldest) == (3, 2, LATELY + 3)
    await consumer.commit({P0: 5})
    [done] = await bus.lag("g", ["plain"])
    assert (done.records, done.oldest) == (0, None)


async def test_lag_after_retention_counts_only_what_is_left(bus: Bus, lab: Lab) -> None:
    await publish(bus, [message(n) for n in range(5)])
    await lab.trim(P0, 4)
    [state] = await bus.lag("g", ["plain"])
    assert (state.beginning, state.end, state.records) == (4, 5, 1)


async def test_read_needs_no_group(bus: Bus) -> None:
    await publish(bus, [message(n) for n in range(6)])
    assert [number(record) for record in await bus.read(P0, 2, 3)] == [2, 3, 4]
    assert await bus.read(P0, 6, 3) == []
    assert [number(record) for record in await bus.read(P0, 0, 100)] == list(range(6))
