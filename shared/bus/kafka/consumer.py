"""A member of a group on Kafka, around `AIOKafkaConsumer`. What this adds to it:

- Records of a new assignment are held back until `on_assigned` has returned; aiokafka starts fetching before it.
- `on_revoked` is awaited on close as well, and for lost partitions.
- Start positions are set at assignment, and a position that retention deleted is moved by our own policy
  (`auto_offset_reset="none"`): counted and logged, which aiokafka's policy is not.
- A poll ends in time even during a rebalance, in which `getmany` forgets its time-out.
- Every commit and stop is bounded; aiokafka retries a commit for as long as the coordinator is away.

`getmany` is never wrapped in `wait_for`. Cancelling it where it waits is safe, since it hands out records without
another await; that is why it runs in a task of its own (aiokafka/consumer/fetcher.py, `fetched_records`), which puts
them aside at once: whoever asked may be cancelled in the turn of the loop in which they came.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import (
    CommitFailedError,
    IllegalStateError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)

from shared.bus import BusUnavailable, CommitRefused, ConsumerOptions, Partition, Record
from shared.bus.kafka.options import KafkaOptions, translated
from shared.bus.kafka.publisher import stopped
from shared.bus.rebalance import call_listener

if TYPE_CHECKING:
    from shared.bus.kafka import KafkaBus

COMMIT_SECONDS = 10.0
FETCH_WAIT_MS = 500
FETCH_BYTES = 50 * 1024 * 1024
GRACE_SECONDS = 0.05

log = structlog.get_logger()


class KafkaConsumer(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka insists on its own class
    """Reads as a member of a group; made by `KafkaBus.subscribe`."""

    def __init__(self, bus: KafkaBus, group: str, settings: KafkaOptions, options: ConsumerOptions) -> None:
        self.skipped = 0
        self.group = group
        self._bus = bus
        self._settings = settings
        self._options = options
        self._consumer = make(settings, options, group)
        self._owned: frozenset[Partition] = frozenset()
        self._epoch = 0
        self._readable = asyncio.Event()
        self._handing_over = asyncio.Lock()
        self._held: tuple[int, list[Record]] = (0, [])
        self._closed = False

    async def start(self, topics: Sequence[str]) -> None:
        """Join, and return when the first assignment stands."""
        self._consumer.subscribe([self._settings.topic_prefix + topic for topic in topics], listener=self)
        try:
            with translated("join"):
                async with asyncio.timeout(self._options.rebalance_timeout + self._settings.request_timeout):
                    await self._consumer.start()
                    await self._readable.wait()
        except BaseException:
            await stopped(self._consumer, self._settings.stop_timeout)
            raise

    async def close(self) -> None:
        """Give up what is owned and leave at once."""
        if self._closed:
            return
        self._closed = True
        await self._give_up()
        await stopped(self._consumer, self._settings.stop_timeout)
        self._bus.gone(self)

    # ---- rebalance, called by aiokafka's coordination task ----------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:  # noqa: ARG002 - all are
        """Eager protocol: everything is given up. Heartbeats go on meanwhile."""
        await self._give_up()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Set the positions, tell the owner of the handlers, then let records through."""
        self._epoch += 1
        self._owned = frozenset(self._settings.here(partition) for partition in assigned)
        if self._owned:
            await self._set_positions()
            await call_listener(self._options.on_assigned, self._owned, self.group)
        self._readable.set()

    async def _give_up(self) -> None:
        self._readable.clear()
        self._epoch += 1
        async with self._handing_over:
            if self._owned:
                await call_listener(self._options.on_revoked, self._owned, self.group)
            self._owned = frozenset()

    async def _set_positions(self) -> None:
        """In bulk, before anybody asks. When the cluster does not answer, `poll` comes back to it."""
        try:
            positions = await self._bus.start_positions(self.group, self._owned, self._options.offset_policy)
        except BusUnavailable as failure:
            log.warning("start_positions_unknown", group=self.group, error=str(failure))
            return
        for partition, offset in positions.items():
            with contextlib.suppress(IllegalStateError):
                self._consumer.seek(self._settings.there(partition), offset)

    # ---- reading ----------------------------------------------------------------------------------------------------

    async def poll(self, *, max_records: int, timeout: float) -> list[Record]:  # noqa: ASYNC109 - see the port
        """Records in order per partition; empty after `timeout` seconds."""
        until = asyncio.get_running_loop().time() + timeout
        while True:
            left = max(0.0, until - asyncio.get_running_loop().time())
            if not await self._wait_readable(left):
                return []
            records = self._take_held(max_records) or await self._fetch(max_records, left)
            if records or asyncio.get_running_loop().time() >= until:
                return records

    async def _wait_readable(self, left: float) -> bool:
        if not self._readable.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._readable.wait()
        return self._readable.is_set()

    async def _fetch(self, max_records: int, left: float) -> list[Record]:
        task = asyncio.create_task(self._getmany(max_records, left))
        try:
            await asyncio.wait({task}, timeout=left + GRACE_SECONDS)
            if not task.done():
                return []
            with translated("poll"):
                task.result()
        except BusUnavailable as failure:
            await self._recover(failure)
            return []
        finally:
            if not task.done():
                task.cancel()
        return self._take_held(max_records)

    async def _getmany(self, max_records: int, left: float) -> None:
        """Ask, and hold what comes. Once records were handed out their offsets are behind us, so they are put aside
        without another await: the poll that asked may be cancelled before it comes back to take them."""
        found = await self._consumer.getmany(timeout_ms=int(left * 1000), max_records=max_records)
        records = [self._record(record) for part in found.values() for record in part]
        epoch, held = self._held
        self._held = self._epoch, [*held, *records] if epoch == self._epoch else records

    def _take_held(self, max_records: int) -> list[Record]:
        """Records may wait here while `on_assigned` runs. Those of an earlier assignment are dropped and come again."""
        epoch, records = self._held
        if epoch != self._epoch:
            self._held = (0, [])
            return []
        if not self._readable.is_set():
            return []
        self._held = (epoch, records[max_records:])
        return records[:max_records]

    def _record(self, record: Any) -> Record:
        place = self._settings.here(TopicPartition(record.topic, record.partition))
        return Record(
            place.topic, place.number, record.offset, record.timestamp, record.key, record.value, tuple(record.headers)
        )

    async def _recover(self, failure: BusUnavailable) -> None:
        """Positions that are not there are moved by the policy; everything else is for the caller."""
        cause = failure.__cause__
        if isinstance(cause, OffsetOutOfRangeError):
            for partition, offset in cause.args[0].items():
                await self._move(partition, offset)
        elif isinstance(cause, NoOffsetForPartitionError):
            await self._set_positions()
        else:
            raise failure

    async def _move(self, partition: TopicPartition, offset: int) -> None:
        place = self._settings.here(partition)
        beginning, end = await self._bus.bounds(place)
        moved = beginning if self._options.offset_policy == "earliest" else end
        with contextlib.suppress(IllegalStateError):  # revoked meanwhile
            self._consumer.seek(partition, moved)
        skipped = max(0, moved - offset)
        self.skipped += skipped
        log.warning(
            "offset_out_of_range", group=self.group, topic=place.topic, partition=place.number, position=offset,
            policy=self._options.offset_policy, skipped=skipped,
        )  # fmt: skip

    # ---- positions --------------------------------------------------------------------------------------------------

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store the next offsets to read."""
        foreign = offsets.keys() - self._owned
        if foreign:
            raise CommitRefused(f"not assigned: {sorted(foreign)}")
        if not offsets:
            return
        try:
            with translated("commit"):
                async with asyncio.timeout(COMMIT_SECONDS):
                    await self._consumer.commit({self._settings.there(place): n for place, n in offsets.items()})
        except BusUnavailable as failure:
            if isinstance(failure.__cause__, CommitFailedError | IllegalStateError):
                raise CommitRefused(str(failure.__cause__)) from failure
            raise

    def assignment(self) -> frozenset[Partition]:
        """What this member owns now."""
        return self._owned

    def pause(self, partitions: Collection[Partition]) -> None:
        """Poll nothing from these until resumed. aiokafka drops what it has fetched of them already."""
        for partition in self._owned.intersection(partitions):
            with contextlib.suppress(IllegalStateError):
                self._consumer.pause(self._settings.there(partition))
                self._put_back(partition)

    def resume(self, partitions: Collection[Partition]) -> None:
        """Poll from these again."""
        for partition in self._owned.intersection(partitions):
            with contextlib.suppress(IllegalStateError):
                self._consumer.resume(self._settings.there(partition))

    async def position(self, partition: Partition) -> int:
        """The next offset this member will poll."""
        self._check_owned(partition)
        with translated("position"):
            async with asyncio.timeout(COMMIT_SECONDS):
                position: int = await self._consumer.position(self._settings.there(partition))
        return min([position, *(record.offset for record in self._held_of(partition))])

    async def seek(self, partition: Partition, offset: int) -> None:
        """Poll from `offset` next."""
        self._check_owned(partition)
        self._put_back(partition)
        self._consumer.seek(self._settings.there(partition), offset)

    async def committed(self, partition: Partition) -> int | None:
        """The group's next offset, None if it never committed."""
        return (await self._bus.committed(self.group, [partition]))[partition]

    def _held_of(self, partition: Partition) -> list[Record]:
        epoch, records = self._held
        return [record for record in records if record.place == partition] if epoch == self._epoch else []

    def _put_back(self, partition: Partition) -> None:
        """Records that were fetched but not handed out yet are fetched again."""
        held = self._held_of(partition)
        if held:
            self._consumer.seek(self._settings.there(partition), held[0].offset)
            self._held = (self._epoch, [record for record in self._held[1] if record.place != partition])

    def _check_owned(self, partition: Partition) -> None:
        if partition not in self._owned:
            raise CommitRefused(f"not assigned: {partition}")


def make(settings: KafkaOptions, options: ConsumerOptions, group: str) -> AIOKafkaConsumer:
    """An `AIOKafkaConsumer` with our settings. A join waits for the slowest member: hence the request time-out."""
    common = settings.client() | {
        "client_id": options.client_id,
        "request_timeout_ms": int((options.rebalance_timeout + settings.request_timeout) * 1000),
    }
    return AIOKafkaConsumer(
        **common, group_id=settings.topic_prefix + group, enable_auto_commit=False, auto_offset_reset="none",
        partition_assignment_strategy=(RangePartitionAssignor,), fetch_max_wait_ms=FETCH_WAIT_MS,
        fetch_max_bytes=FETCH_BYTES, max_partition_fetch_bytes=options.max_partition_bytes,
        session_timeout_ms=int(options.session_timeout * 1000),
        heartbeat_interval_ms=int(min(3.0, options.session_timeout / 3) * 1000),
        rebalance_timeout_ms=int(options.rebalance_timeout * 1000),
    )  # fmt: skip
