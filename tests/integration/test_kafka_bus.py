"""What is special about Kafka: a broker that goes away and comes back. The behaviour in common with the embedded log is
in `tests/contract/test_bus.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest

from shared.bus import BusUnavailable, CommitRefused, ConsumerOptions, Message, Partition, Publisher, Record
from shared.bus.kafka import KafkaBus, KafkaOptions
from shared.topics import TopicSpec
from tests.fakes.fixtures_bus import missing
from tests.fakes.kafka_broker import Broker, Unavailable

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

FEED = TopicSpec("feed", 3, timedelta(days=7), -1, 100_000)
PLACES = [Partition("feed", n) for n in range(3)]


@pytest.fixture(scope="module")
def to_be_killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker apart from the session's."""
    made = Broker(tmp_path_factory.mktemp("killed"))
    try:
        made.start()
    except Unavailable as reason:
        missing("kafka", str(reason))
    yield made
    made.stop()


@pytest.fixture
async def broker(to_be_killed: Broker) -> Broker:
    """A broker that is up when the test begins."""
    if not to_be_killed.alive:
        await asyncio.to_thread(to_be_killed.start)
    return to_be_killed


def options_for(broker: Broker) -> KafkaOptions:
    prefix = f"{uuid4().hex[:6]}."
    return KafkaOptions(bootstrap=broker.bootstrap, topic_prefix=prefix, request_timeout=3.0, stop_timeout=2.0)


@pytest.fixture
async def bus(broker: Broker) -> AsyncIterator[KafkaBus]:
    opened = await KafkaBus.open(options_for(broker))
    await opened.ensure_topics([FEED])
    yield opened
    await opened.close()


def message(n: int) -> Message:
    return Message("feed", f"key {n % 7}".encode(), str(n).encode())


async def publish_for_long(publisher: Publisher, acknowledged: list[int], stop: asyncio.Event) -> int:
    """One number after the other, each until it is acknowledged; how often the bus was unavailable."""
    failures = n = 0
    while not stop.is_set():
        try:
            await publisher.publish([message(n)])
        except BusUnavailable:
            failures += 1
            await asyncio.sleep(0.2)
        else:
            acknowledged.append(n)
            n += 1
    return failures


async def until(acknowledged: list[int], more: int) -> None:
    goal = len(acknowledged) + more
    async with asyncio.timeout(60):
        while len(acknowledged) < goal:
            await asyncio.sleep(0.05)


async def read_all(bus: KafkaBus) -> list[Record]:
    return [record for place in PLACES for record in await bus.read(place, 0, 1_000_000)]


async def test_a_broker_killed_while_publishing_loses_nothing_acknowledged(broker: Broker, bus: KafkaBus) -> None:
    acknowledged: list[int] = []
    stop = asyncio.Event()
    publishing = asyncio.create_task(publish_for_long(await bus.publisher(), acknowledged, stop))
    await until(acknowledged, 50)
    broker.kill()
    await asyncio.sleep(5.0)  # longer than a request may take
    await asyncio.to_thread(broker.start)
    await until(acknowledged, 50)
    stop.set()
    assert await publishing > 0
    assert set(acknowledged) <= {int(record.value or b"") for record in await read_all(bus)}


async def test_a_broker_that_does_not_answer_is_an_outage_not_a_hang(broker: Broker, bus: KafkaBus) -> None:
    publisher = await bus.publisher()
    await publisher.publish([message(0)])
    broker.pause()
    with pytest.raises(BusUnavailable):
        async with asyncio.timeout(30):
            await publisher.publish([message(1)])
    with pytest.raises(BusUnavailable):
        async with asyncio.timeout(30):
            await bus.end_offsets(PLACES)
    broker.resume()
    acknowledged: list[int] = []
    stop = asyncio.Event()
    publishing = asyncio.create_task(publish_for_long(publisher, acknowledged, stop))
    await until(acknowledged, 5)
    stop.set()
    await publishing


async def test_a_member_goes_on_after_the_broker_came_back(broker: Broker, bus: KafkaBus) -> None:
    publisher = await bus.publisher()
    await publisher.publish([message(n) for n in range(20)])
    consumer = await bus.subscribe(["feed"], "g", ConsumerOptions(session_timeout=6.0))
    seen: set[int] = set()
    failures = 0

    async def poll_until(goal: set[int]) -> None:
        nonlocal failures
        async with asyncio.timeout(60):
            while not goal <= seen:
                try:
                    records = await consumer.poll(max_records=100, timeout=0.5)
                    seen.update(int(record.value or b"") for record in records)
                    await consumer.commit({record.place: record.offset + 1 for record in records})
                except (BusUnavailable, CommitRefused):
                    failures += 1
                    await asyncio.sleep(0.1)

    await poll_until(set(range(20)))
    broker.kill()
    assert await consumer.poll(max_records=10, timeout=1.0) == []
    with pytest.raises((BusUnavailable, CommitRefused)):
        await consumer.commit({PLACES[0]: 1})
    await asyncio.to_thread(broker.start)
    stop = asyncio.Event()
    acknowledged: list[int] = []
    publishing = asyncio.create_task(publish_for_long(publisher, acknowledged, stop))
    await until(acknowledged, 30)
    stop.set()
    await publishing
    await poll_until(set(range(30)))


async def test_no_broker_at_all_is_said_in_one_line() -> None:
    with pytest.raises(BusUnavailable, match=r"connect to 127\.0\.0\.1:1"):
        await KafkaBus.open(KafkaOptions(bootstrap="127.0.0.1:1", request_timeout=2.0))


async def test_closing_while_the_broker_is_away_is_bounded(broker: Broker) -> None:
    bus = await KafkaBus.open(options_for(broker))
    await bus.ensure_topics([FEED])
    publisher = await bus.publisher()
    await bus.subscribe(["feed"], "g", ConsumerOptions(session_timeout=6.0))
    broker.kill()
    with pytest.raises(BusUnavailable):
        await publisher.publish([message(1)])
    async with asyncio.timeout(30):
        await bus.close()


async def test_settings_that_operators_made_are_kept(bus: KafkaBus) -> None:
    """Bringing retention in line replaces all of a topic's own settings; what we did not set must survive."""
    await bus.ensure_topics([TopicSpec("feed", 3, timedelta(days=1), -1, 100_000)])
    before = await bus.settings_of("feed")
    assert before["retention.ms"] == "86400000"
    await bus.ensure_topics([TopicSpec("feed", 3, timedelta(days=2), -1, 50_000)])
    after = await bus.settings_of("feed")
    assert after == before | {"retention.ms": "172800000", "max.message.bytes": str(50_000 + 65536)}
