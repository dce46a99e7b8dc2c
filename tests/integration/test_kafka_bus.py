"""What is special about Kafka: a broker that goes away and comes back. The behaviour in common with the embedded log is
in `tests/contract/test_bus.py`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
import uvloop

from shared.bus import BusUnavailable, CommitRefused, Consumer, ConsumerOptions, Message, Partition, Publisher, Record
from shared.bus.kafka import KafkaBus, KafkaOptions
from shared.bus.kafka.options import translated
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
    return KafkaOptions(bootstrap=broker.bootstrap, topic_prefix=prefix, request_timeout=2.0, stop_timeout=1.0)


@pytest.fixture
async def bus(broker: Broker) -> AsyncIterator[KafkaBus]:
    opened = await KafkaBus.open(options_for(broker))
    await opened.ensure_topics([FEED])
    yield opened
    await opened.close()


def message(n: int) -> Message:
    return Message("feed", f"key {n % 7}".encode(), str(n).encode())


@dataclass
class Writing:
    """One number after the other, each until it is acknowledged; how often the bus was unavailable."""

    publisher: Publisher
    acknowledged: list[int] = field(default_factory=list)
    failures: int = 0

    async def go_on(self) -> None:
        while True:
            try:
                await self.publisher.publish([message(len(self.acknowledged))])
            except BusUnavailable:
                self.failures += 1
                await asyncio.sleep(0.2)
            else:
                self.acknowledged.append(len(self.acknowledged))

    async def more(self, count: int) -> None:
        goal = len(self.acknowledged) + count
        await eventually(lambda: len(self.acknowledged) >= goal)


@dataclass
class Reading:
    """A member that reads and commits; `failures` counts its refused calls."""

    consumer: Consumer
    seen: set[int] = field(default_factory=set)
    failures: int = 0

    async def go_on(self) -> None:
        while True:
            try:
                records = await self.consumer.poll(max_records=100, timeout=0.2)
                self.seen.update(int(record.value or b"") for record in records)
                await self.consumer.commit({record.place: record.offset + 1 for record in records} or {PLACES[0]: 0})
            except (BusUnavailable, CommitRefused):
                self.failures += 1
                await asyncio.sleep(0.1)


@asynccontextmanager
async def at_work(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Beside the test; what raises fails it."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(ended, asyncio.CancelledError), ended


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


async def read_all(bus: KafkaBus) -> list[Record]:
    return [record for place in PLACES for record in await bus.read(place, 0, 1_000_000)]


async def test_a_broker_that_is_killed_loses_nothing_acknowledged_and_its_clients_go_on(
    broker: Broker, bus: KafkaBus
) -> None:
    writing = Writing(await bus.publisher())
    reading = Reading(await bus.subscribe(["feed"], "g", ConsumerOptions(session_timeout=6.0)))
    async with at_work(writing.go_on(), reading.go_on()):
        await writing.more(50)
        await eventually(lambda: len(reading.seen) >= 20)
        broker.kill()
        await eventually(lambda: writing.failures > 0 and reading.failures > 0)
        await asyncio.to_thread(broker.start)
        await writing.more(50)
        await eventually(lambda: reading.seen >= set(writing.acknowledged[:80]))
    assert set(writing.acknowledged) <= {int(record.value or b"") for record in await read_all(bus)}


async def test_a_broker_that_does_not_answer_is_an_outage_not_a_hang(broker: Broker, bus: KafkaBus) -> None:
    writing = Writing(await bus.publisher())
    await writing.publisher.publish([message(0)])
    broker.pause()
    async with asyncio.timeout(30):
        ended = await asyncio.gather(
            writing.publisher.publish([message(1)]), bus.end_offsets(PLACES), return_exceptions=True
        )
    assert [type(error) for error in ended] == [BusUnavailable, BusUnavailable]
    broker.resume()
    async with at_work(writing.go_on()):
        await writing.more(5)


async def test_settings_that_operators_made_are_kept(bus: KafkaBus) -> None:
    """Bringing retention in line replaces all of a topic's own settings; what we did not set must survive."""
    await bus.ensure_topics([TopicSpec("feed", 3, timedelta(days=1), -1, 100_000)])
    before = await bus.settings_of("feed")
    assert before["retention.ms"] == "86400000"
    await bus.ensure_topics([TopicSpec("feed", 3, timedelta(days=2), -1, 50_000)])
    after = await bus.settings_of("feed")
    assert after == before | {"retention.ms": "172800000", "max.message.bytes": str(50_000 + 65536)}


async def test_reading_what_retention_takes_meanwhile_comes_to_an_end(
    bus: KafkaBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = await bus.publisher()
    [position] = await publisher.publish([message(0)])
    measure = bus.end_offsets

    async def measure_then_lose(places: Collection[Partition]) -> dict[Partition, int]:
        found = await measure(places)
        await bus.trim(position.partition, found[position.partition])
        return found

    monkeypatch.setattr(bus, "end_offsets", measure_then_lose)
    assert await bus.read(position.partition, 0, 10) == []


async def test_no_broker_at_all_is_said_in_one_line() -> None:
    with pytest.raises(BusUnavailable, match=r"connect to 127\.0\.0\.1:1"):
        await KafkaBus.open(KafkaOptions(bootstrap="127.0.0.1:1", request_timeout=2.0))


def test_writing_to_a_connection_that_was_lost_is_an_outage() -> None:
    """On the loop that the product uses: uvloop tells of it in its own way."""

    async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def write_late() -> None:
        async with await asyncio.start_server(cut, "127.0.0.1", 0) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.transport.abort()
            await asyncio.sleep(0.05)
            with translated("commit"):
                writer.write(b"too late")

    with pytest.raises(BusUnavailable, match="commit: the connection was lost"):
        uvloop.run(write_late())
    with pytest.raises(RuntimeError, match="a defect of ours"), translated("commit"):
        raise RuntimeError("a defect of ours")


async def test_closing_while_the_broker_is_away_is_bounded(broker: Broker) -> None:
    """The last one: the broker stays down."""
    bus = await KafkaBus.open(options_for(broker))
    await bus.ensure_topics([FEED])
    publisher = await bus.publisher()
    await bus.subscribe(["feed"], "g", ConsumerOptions(session_timeout=6.0))
    broker.kill()
    with pytest.raises(BusUnavailable):
        await publisher.publish([message(1)])
    async with asyncio.timeout(30):
        await bus.close()
