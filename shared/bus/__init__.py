"""The bus port: what services may ask of a log, and what "acknowledged" promises.

Two adapters implement it: `shared.bus.kafka` (aiokafka) and `shared.bus.embedded` (SQLite). One behaviour suite,
`tests/contract/test_bus.py`, holds them equal. The port keeps to what Kafka gives: order within a partition only, gaps
between offsets, the committed offset is the *next* one to read, several groups read the same data, redelivery after a
crash. What SQLite could give beyond that (one transaction over output, offset and state) is refused on purpose.

Promises
    publish     returns when every message is durable (all in-sync replicas; a synced transaction), in the given order
                per partition. Raises `RecordTooLarge` before anything of the call was written, `BusUnavailable` when
                durability is unknown: publishing again is then right, ids are deterministic.
    poll        waits up to `timeout` seconds for records of the assigned, not paused partitions.
    commit      the group's next offsets. Raises `CommitRefused` when this member is not of the current generation.
    assignment  `on_assigned` is awaited before the first record of a partition is polled, `on_revoked` before somebody
                else may get it: finish and commit there, within the drain budget. Lost partitions (expired session)
                are reported through `on_revoked` too; the commit then raises.
    retention   a committed offset that was deleted is moved by the policy (`earliest` or `latest`), counted in
                `Consumer.skipped`, logged once, never a crash loop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from shared.errors import Permanent, Transient
from shared.topics import TopicSpec

Headers = tuple[tuple[str, bytes], ...]
OffsetPolicy = Literal["earliest", "latest"]


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """A partition of a topic."""

    topic: str
    number: int


@dataclass(frozen=True, slots=True)
class Message:
    """What is published. The key decides the partition (murmur2, as the Java client); `partition` overrides it.
    `timestamp` is milliseconds since the epoch, None for now."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp: int | None = None
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What is read: a message with its place. `size` is the bytes of key, value and headers."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @property
    def place(self) -> Partition:
        """The partition it was read from."""
        return Partition(self.topic, self.partition)

    @property
    def size(self) -> int:
        """Bytes held in memory for it, roughly."""
        return len(self.key or b"") + len(self.value or b"") + sum(len(n) + len(v) for n, v in self.headers)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a published message went."""

    partition: Partition
    offset: int


Listener = Callable[[frozenset[Partition]], Awaitable[None]]


async def ignore(_partitions: frozenset[Partition]) -> None:
    """A listener that does nothing."""


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a member reads. Times in seconds; ship 10 s of session, test with 6 s."""

    session_timeout: float = 10.0
    rebalance_timeout: float = 45.0
    offset_policy: OffsetPolicy = "earliest"
    max_partition_bytes: int = 8 * 1024 * 1024 + 65536
    client_id: str = "wirewatch"
    on_assigned: Listener = field(default=ignore)
    on_revoked: Listener = field(default=ignore)


class Publisher(Protocol):
    """Writes messages; safe to use from several tasks."""

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """Write and wait until durable; positions in the order given."""
        ...

    async def close(self) -> None:
        """Finish what is in flight, within a bounded time."""
        ...


class Consumer(Protocol):
    """A member of a group. Used by one task."""

    skipped: int
    """Records lost to retention since the start."""

    async def poll(self, *, max_records: int, timeout: float) -> list[Record]:  # noqa: ASYNC109 - a long poll's bound is part of the port, cancelling one would lose records
        """Records in order per partition; empty after `timeout` seconds."""
        ...

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store the next offsets to read. Raises CommitRefused, BusUnavailable."""
        ...

    def assignment(self) -> frozenset[Partition]:
        """What this member owns now."""
        ...

    def pause(self, partitions: Collection[Partition]) -> None:
        """Poll nothing from these until resumed; a rebalance resumes."""
        ...

    def resume(self, partitions: Collection[Partition]) -> None:
        """Poll from these again, at the position where they were paused."""
        ...

    async def position(self, partition: Partition) -> int:
        """The next offset this member will poll."""
        ...

    async def seek(self, partition: Partition, offset: int) -> None:
        """Poll from `offset` next."""
        ...

    async def committed(self, partition: Partition) -> int | None:
        """The group's next offset, None if it never committed."""
        ...

    async def close(self) -> None:
        """Leave the group; `on_revoked` is awaited for what is still owned."""
        ...


@dataclass(frozen=True, slots=True)
class PartitionLag:
    """How far a group is behind in a partition. `oldest` is the timestamp (ms) of the next record to read, if any."""

    partition: Partition
    committed: int | None
    beginning: int
    end: int
    oldest: int | None = None

    @property
    def records(self) -> int:
        """Records not yet committed."""
        return max(0, self.end - max(self.committed or 0, self.beginning))


class Bus(Protocol):
    """The whole log: administration, and makers of publishers and consumers."""

    async def ensure_topics(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing and bring retention in line; returns the names created. Never changes a partition
        count: raises TopicMismatch when it differs."""
        ...

    async def topics(self) -> dict[str, int]:
        """Existing topics of this installation and their partition counts."""
        ...

    async def differing(self, specs: Sequence[TopicSpec]) -> dict[str, str]:
        """Topics that are not as specified, and how in a few words: `missing`, or partitions, retention and record size
        as they are and should be. What operators set beyond that is no difference."""
        ...

    async def publisher(self) -> Publisher:
        """A new writer."""
        ...

    async def subscribe(self, topics: Sequence[str], group: str, options: ConsumerOptions) -> Consumer:
        """Join `group` and read `topics`."""
        ...

    async def end_offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offset after the last record."""
        ...

    async def committed(self, group: str, partitions: Collection[Partition]) -> dict[Partition, int | None]:
        """The next offset that a group reads, None where it never committed."""
        ...

    async def offsets_for_time(self, partitions: Collection[Partition], timestamp: int) -> dict[Partition, int | None]:
        """The first offset whose timestamp (ms) is at or after `timestamp`, None if there is none."""
        ...

    async def lag(self, group: str, topics: Sequence[str]) -> list[PartitionLag]:
        """How far `group` is behind."""
        ...

    async def read(self, partition: Partition, offset: int, limit: int) -> list[Record]:
        """Read without a group, for operators (dead letters, traces)."""
        ...

    async def close(self) -> None:
        """Close every publisher and consumer made here."""
        ...


class RecordTooLarge(Permanent):
    """A message is over the topic's bound; nothing of the call was written."""

    reason = "too_large"


class BusUnavailable(Transient):
    """The log cannot be reached or did not answer in time; whether it was written is unknown."""

    reason = "bus_unavailable"


class CommitRefused(Transient):
    """This member is not of the group's current generation any more."""

    reason = "commit_refused"


class TopicMismatch(Permanent):
    """A topic exists with another partition count than the topology says."""

    reason = "topic_mismatch"
