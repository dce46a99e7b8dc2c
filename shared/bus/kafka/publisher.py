"""Publishing to Kafka: idempotent, acknowledged by all in-sync replicas.

aiokafka's idempotent producer never lets a batch expire, it retries for ever, and after an out-of-order sequence it is
dead for good (no KIP-360). So a publish has a time-out of ours, and after any error the producer is thrown away. The
next one is built only when the old one is dead: a late retry of it must not overtake what is published again, which is
right to do since ids are deterministic.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import ProducerClosed

from shared.bus import BusUnavailable, Message, Position, RecordTooLarge
from shared.bus.kafka.options import KafkaOptions, translated

if TYPE_CHECKING:
    from shared.bus.kafka import KafkaBus

BATCH_BYTES = 128 * 1024
LARGEST_REQUEST = 16 * 1024 * 1024
"""Above the largest topic; the topic's own bound is checked first, because it must be known before anything is sent."""

ABORT_ATTEMPTS = 20

log = structlog.get_logger()


class KafkaPublisher:
    """Writes messages; made by `KafkaBus.publisher`. Safe to use from several tasks."""

    def __init__(self, bus: KafkaBus, options: KafkaOptions) -> None:
        self._bus = bus
        self._options = options
        self._producer: AIOKafkaProducer | None = None
        self._building = asyncio.Lock()
        self._stopping: set[asyncio.Task[None]] = set()
        self._closed = False

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """Write and wait until every in-sync replica has it; positions in the order given."""
        await self._check(messages)
        producer = await self.ready()
        futures: list[asyncio.Future[Any]] = []
        try:
            with translated("publish"):
                async with asyncio.timeout(self._options.request_timeout * 2):
                    for message in messages:
                        futures.append(await self._send(producer, message))  # noqa: PERF401 - kept when one fails
                    return [self._position(metadata) for metadata in await asyncio.gather(*futures)]
        except BusUnavailable as failure:
            log.warning("producer_rebuilt", error=str(failure))
            self._discard(producer)
            raise
        finally:
            for future in futures:
                if future.done() and not future.cancelled():
                    future.exception()  # of several failures one is raised, the others are seen here

    async def ready(self) -> AIOKafkaProducer:
        """The producer, built if there is none."""
        async with self._building:
            if self._stopping:
                await asyncio.wait(self._stopping)
            if self._closed:
                raise BusUnavailable("the publisher is closed")
            if self._producer is None:
                self._producer = await self._build()
            return self._producer

    async def close(self) -> None:
        """Finish what is in flight, within a bounded time."""
        self._closed = True
        async with self._building:
            producer, self._producer = self._producer, None
        if producer is not None:
            await stopped(producer, self._options.stop_timeout)
        if self._stopping:
            await asyncio.wait(self._stopping)

    async def _build(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._options.client(), acks="all", enable_idempotence=True, compression_type="zstd",
            linger_ms=self._options.linger_ms, max_batch_size=BATCH_BYTES, max_request_size=LARGEST_REQUEST,
        )  # fmt: skip
        try:
            with translated("connect"):
                await producer.start()
        except BaseException:
            await stopped(producer, self._options.stop_timeout)
            raise
        return producer

    async def _check(self, messages: Sequence[Message]) -> None:
        for message in messages:
            topic = await self._bus.topic(message.topic)
            size = len(message.key or b"") + len(message.value or b"")
            size += sum(len(name) + len(value) for name, value in message.headers)
            if size > topic.largest:
                raise RecordTooLarge(f"{message.topic}: {size} bytes, at most {topic.largest}")
            if message.partition is not None and not 0 <= message.partition < topic.partitions:
                raise BusUnavailable(f"{message.topic} has no partition {message.partition}")

    async def _send(self, producer: AIOKafkaProducer, message: Message) -> asyncio.Future[Any]:
        nothing = message.key is None and message.value is None  # aiokafka asserts one; a stranger's record has neither
        future: asyncio.Future[Any] = await producer.send(
            self._options.topic_prefix + message.topic, value=b"" if nothing else message.value, key=message.key,
            partition=message.partition, timestamp_ms=message.timestamp, headers=list(message.headers),
        )  # fmt: skip
        return future

    def _position(self, metadata: Any) -> Position:
        return Position(self._options.here(metadata.topic_partition), metadata.offset)

    def _discard(self, producer: AIOKafkaProducer) -> None:
        """End it in the background; other tasks that still wait for it get an error, and publish again."""
        if self._producer is producer:
            self._producer = None
            task = asyncio.create_task(aborted(producer, self._options.stop_timeout))
            self._stopping.add(task)
            task.add_done_callback(self._stopping.discard)


async def aborted(producer: AIOKafkaProducer, seconds: float) -> None:
    """End a producer without flushing. There is no public way: its sender ignores one cancellation for every request
    that it still waits for, so it is cancelled until it is done."""
    sender = producer._sender.sender_task
    for _ in range(ABORT_ATTEMPTS):
        if sender is None or sender.done():
            break
        sender.cancel()
        await asyncio.wait({sender}, timeout=0.1)
    fail_waiting(producer)
    await stopped(producer, seconds)


def fail_waiting(producer: AIOKafkaProducer) -> None:
    """Tell everybody who waits for a batch that it will not come. aiokafka also tells those who wait for room in it,
    who may not exist: unseen, that would be reported as an error nobody handled."""
    accumulator = producer._message_accumulator
    batches = [batch for waiting in accumulator._batches.values() for batch in waiting]
    batches += accumulator._pending_batches
    accumulator.fail_all(ProducerClosed())
    for batch in batches:
        batch._drain_waiter.exception()


async def stopped(client: Any, seconds: float) -> None:
    """Stop a producer or consumer within a bound; if that is not enough, close its connections under it."""
    task = asyncio.ensure_future(client.stop())
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if not done and isinstance(client, AIOKafkaProducer):
        fail_waiting(client)
        client._sender.sender_task.cancel()
    if not done:
        await asyncio.wait({task}, timeout=1.0)
        await (client.client if isinstance(client, AIOKafkaProducer) else client._client).close()
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        log.warning("stop_failed", error=f"{type(error).__name__}: {error}")
