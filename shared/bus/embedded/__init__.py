"""The bus on one machine: an append-only log on SQLite (WAL), behind the port that Kafka has, behaving alike.

Several processes on one host may use the same file; never put it on a network file system. What is acknowledged is in
the write-ahead log and synced (`synchronous="normal"` gives up the last moments on power loss, never on a crash).

    schema.py      tables and connections        groups.py    leases, generations, assignment, offsets
    threads.py     the writer and the reader     consumer.py  a member of a group
    append.py      messages to rows              publisher.py
    reading.py     fetch, find, retention        chaos.py     as unpleasant as Kafka may be

Left out on purpose: what SQLite could do and Kafka cannot (one transaction over output, offset and state), compaction,
and more than one host.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from shared.bus import (
    BusUnavailable,
    ConsumerOptions,
    OffsetPolicy,
    Partition,
    PartitionLag,
    Position,
    Record,
    TopicMismatch,
)
from shared.bus.embedded import groups, reading, schema
from shared.bus.embedded.append import Appender, Placed, TopicInfo, load_end, now_ms
from shared.bus.embedded.chaos import Chaos
from shared.bus.embedded.consumer import EmbeddedConsumer
from shared.bus.embedded.publisher import EmbeddedPublisher
from shared.bus.embedded.threads import FileThread
from shared.topics import TopicSpec

__all__ = ["Chaos", "EmbeddedBus"]

T = TypeVar("T")

PROBE_SECONDS = 0.02
"""How often to look whether another process wrote: `pragma data_version` takes about 3 microseconds."""
OWN_PROBE_SECONDS = 0.1
"""When to look again after a look that found only what this process wrote: it cost 0.7 ms (200 lanes) for nothing."""
RETENTION_SECONDS = 60.0
READ_BYTES = 32 * 1024 * 1024

log = structlog.get_logger()


class EmbeddedBus:
    """The whole log. Make it with `await EmbeddedBus.open(path)`; it belongs to the running event loop."""

    def __init__(
        self, path: Path, *, synchronous: schema.Synchronous = "full", chaos: Chaos | None = None,
        retention_seconds: float = RETENTION_SECONDS,
    ) -> None:  # fmt: skip
        self.chaos = chaos
        self.known: dict[str, TopicInfo] = {}
        self._retention_seconds = retention_seconds
        self._appender = Appender()
        self._writer = FileThread(
            "bus-writer", lambda: schema.connect(path, synchronous=synchronous), undo=self._appender.forget
        )
        self._reader = FileThread("bus-reader", lambda: schema.connect(path))
        self._publishers: list[EmbeddedPublisher] = []
        self._consumers: set[EmbeddedConsumer] = set()
        self._ends: dict[int, int] = {}
        self._made = 0
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(
        cls, path: Path, *, synchronous: schema.Synchronous = "full", chaos: Chaos | None = None,
        retention_seconds: float = RETENTION_SECONDS,
    ) -> EmbeddedBus:  # fmt: skip
        """Open the file, creating it if it is not there. Raises BusUnavailable."""
        path.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(create, path)
        bus = cls(path, synchronous=synchronous, chaos=chaos, retention_seconds=retention_seconds)
        await bus._writer.start()
        await bus._reader.start()
        probe = await asyncio.to_thread(schema.connect, path)
        bus._tasks = [asyncio.create_task(bus._watch(probe)), asyncio.create_task(bus._retain_often())]
        return bus

    async def close(self) -> None:
        """Close every publisher and consumer made here, then the file."""
        for consumer in list(self._consumers):
            await consumer.close()
        for publisher in self._publishers:
            with contextlib.suppress(BusUnavailable):
                await publisher.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._writer.close()
        await self._reader.close()

    # ---- the port ---------------------------------------------------------------------------------------------------

    async def ensure_topics(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing and bring retention in line."""
        created = await self.write(lambda conn: ensure(conn, specs))
        self.known = await self.read_file(load_topics)
        return created

    async def topics(self) -> dict[str, int]:
        """Existing topics and their partition counts."""
        rows = await self.read_file(lambda conn: conn.execute("select name, partitions from topics").fetchall())
        return dict(rows)

    async def differing(self, specs: Sequence[TopicSpec]) -> dict[str, str]:
        """Topics that are not as specified, and how."""
        return await self.read_file(lambda conn: differing(conn, specs))

    async def publisher(self) -> EmbeddedPublisher:
        """A new writer."""
        self._made += 1
        self._publishers.append(EmbeddedPublisher(self, self._made))
        return self._publishers[-1]

    async def subscribe(self, topics: Sequence[str], group: str, options: ConsumerOptions) -> EmbeddedConsumer:
        """Join `group` and read `topics`."""
        for topic in topics:
            await self.topic(topic)
        consumer = EmbeddedConsumer(self, tuple(topics), group, options)
        self._consumers.add(consumer)
        await consumer.start()
        return consumer

    async def end_offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offset after the last record."""
        lanes = await self._lanes(partitions)
        ends = await self.read_file(reading.next_offsets)
        return {place: ends.get(lane, 0) for place, lane in lanes.items()}

    async def committed(self, group: str, partitions: Collection[Partition]) -> dict[Partition, int | None]:
        """The next offset that a group reads, None where it never committed."""
        lanes = await self._lanes(partitions)
        return await self.read_file(
            lambda conn: {place: groups.committed(conn, group, lane) for place, lane in lanes.items()}
        )

    async def offsets_for_time(self, partitions: Collection[Partition], timestamp: int) -> dict[Partition, int | None]:
        """The first offset whose timestamp is at or after `timestamp`."""
        lanes = await self._lanes(partitions)
        return await self.read_file(
            lambda conn: {place: reading.first_at(conn, lane, timestamp) for place, lane in lanes.items()}
        )

    async def lag(self, group: str, topics: Sequence[str]) -> list[PartitionLag]:
        """How far `group` is behind."""
        places = [place for topic in topics for place in (await self.topic(topic)).places]
        lanes = await self._lanes(places)
        return await self.read_file(
            lambda conn: [reading.lag_of(conn, group, place, lane) for place, lane in lanes.items()]
        )

    async def read(self, partition: Partition, offset: int, limit: int) -> list[Record]:
        """Read without a group."""
        lane = (await self._lanes([partition]))[partition]
        place = reading.Wanted(partition, lane, offset)
        return await self.read_file(lambda conn: reading.read(conn, place, limit=limit, size=READ_BYTES))

    # ---- for operators and tests ------------------------------------------------------------------------------------

    async def retain(self, now: int | None = None) -> int:
        """Delete what retention does not keep any more; how many records went."""
        at = now_ms() if now is None else now
        rows = await self.read_file(
            lambda conn: conn.execute(
                "select lanes.id, retention_ms, retention_bytes from lanes join topics on name = topic"
            ).fetchall()
        )
        gone = 0
        for lane, milliseconds, most in rows:
            gone += await self._retain_lane(lane, at - milliseconds, most)
        return gone

    async def trim(self, partition: Partition, offset: int) -> int:
        """Delete the records of a partition before `offset`; how many went."""
        lane = (await self._lanes([partition]))[partition]
        end = await self.read_file(lambda conn: load_end(conn, lane).next)
        return await self._delete_before(lane, min(offset, end))

    # ---- for publishers and consumers -------------------------------------------------------------------------------

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` in the writer's next transaction."""
        return await self._writer.call(job)

    async def read_file(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` on the reader's connection."""
        return await self._reader.call(job)

    async def append(self, placed: Sequence[Placed]) -> list[Position]:
        """Append, and wake the readers of this process at once."""
        positions = await self._writer.call(lambda conn: self._appender.write(conn, placed))
        if self._consumers:
            self._tell({self.lane(position.partition): position.offset for position in positions})
        return positions

    async def topic(self, name: str) -> TopicInfo:
        """What is known of a topic; another process may have created it a moment ago."""
        if name not in self.known:
            self.known = await self.read_file(load_topics)
        if name not in self.known:
            raise BusUnavailable(f"no topic {name}: run `wirewatch init`")
        return self.known[name]

    def lane(self, partition: Partition) -> int:
        """The lane of a partition of a known topic."""
        return self.known[partition.topic].lanes[partition.number]

    async def start_positions(
        self, group: str, partitions: Collection[Partition], policy: OffsetPolicy
    ) -> dict[Partition, int]:
        """Where a member begins: at the committed offset, else by the policy."""
        lanes = await self._lanes(partitions)
        return await self.read_file(
            lambda conn: {place: start_position(conn, group, lane, policy) for place, lane in lanes.items()}
        )

    def gone(self, consumer: EmbeddedConsumer) -> None:
        """A consumer has closed."""
        self._consumers.discard(consumer)

    # ---- background -------------------------------------------------------------------------------------------------

    async def _watch(self, conn: sqlite3.Connection) -> None:
        """Look for what other processes did: a cheap probe, and only after a change the ends of the lanes and the
        state of the groups. It runs in the event loop and so waits for no lock."""
        conn.execute("pragma busy_timeout = 0")
        version = -1
        states: dict[str, tuple[int, int]] = {}
        try:
            while True:
                pause = PROBE_SECONDS
                with contextlib.suppress(sqlite3.OperationalError):
                    seen = conn.execute("pragma data_version").fetchone()[0]
                    if seen != version and self._consumers:
                        now = group_states(conn)
                        if not self._tell(reading.last_offsets(conn)):
                            pause = OWN_PROBE_SECONDS
                        self._stir({name for name in now if now[name] != states.get(name)})
                        version, states = seen, now
                await asyncio.sleep(pause)
        finally:
            conn.close()

    def _tell(self, ends: Mapping[int, int]) -> bool:
        """Wake the readers of the lanes that have grown since they were told last, and say whether any has: most
        changes that the probe sees are this process's own; to wake every reader for them costs more than reading."""
        grown = {lane for lane, offset in ends.items() if offset > self._ends.get(lane, -1)}
        self._ends.update((lane, ends[lane]) for lane in grown)
        for consumer in self._consumers if grown else ():
            consumer.arrived(grown)
        return bool(grown)

    def _stir(self, groups: Collection[str]) -> None:
        for consumer in self._consumers:
            if consumer.group in groups:
                consumer.stir()

    async def _retain_often(self) -> None:
        while True:
            await asyncio.sleep(self._retention_seconds)
            try:
                gone = await self.retain()
            except BusUnavailable as failure:
                log.warning("retention_failed", error=str(failure))
            else:
                log.debug("retention_ran", records=gone)

    async def _retain_lane(self, lane: int, oldest: int, most: int) -> int:
        start, kept = await self.read_file(
            lambda conn: (reading.start_of(conn, lane), reading.kept_from(conn, lane, oldest, most))
        )
        return await self._delete_before(lane, kept) if kept > start else 0

    async def _delete_before(self, lane: int, offset: int) -> int:
        gone = 0
        while (step := await self.write(lambda conn: reading.delete_before(conn, lane, offset))) > 0:
            gone += step
        return gone

    async def _lanes(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        return {place: (await self.topic(place.topic)).lanes[place.number] for place in partitions}


def create(path: Path) -> None:
    """Create the file and its tables."""
    try:
        conn = schema.connect(path)
        try:
            schema.create(conn)
        finally:
            conn.close()
    except sqlite3.Error as error:
        raise BusUnavailable(f"cannot open the log {path}: {error}") from error


def ensure(conn: sqlite3.Connection, specs: Sequence[TopicSpec]) -> list[str]:
    """Create missing topics, update the others; nothing is written when a partition count differs."""
    existing = dict(conn.execute("select name, partitions from topics").fetchall())
    for spec in specs:
        count = existing.get(spec.name, spec.partitions)
        if count != spec.partitions:
            raise TopicMismatch(f"{spec.name} has {count} partitions, the topology says {spec.partitions}")
    for spec in specs:
        row = row_of(spec)
        conn.execute("insert or replace into topics values (?, ?, ?, ?, ?, ?)", tuple(row.values()))
        conn.executemany(
            "insert or ignore into lanes (topic, partition) values (?, ?)",
            [(spec.name, number) for number in range(spec.partitions)],
        )
    return [spec.name for spec in specs if spec.name not in existing]


def row_of(spec: TopicSpec) -> dict[str, str | int]:
    """The row of a topic, in the order of the table's columns."""
    return {
        "name": spec.name,
        "partitions": spec.partitions,
        "retention_ms": int(spec.retention.total_seconds() * 1000),
        "retention_bytes": spec.retention_bytes,
        "largest": spec.largest,
        "compressed": int(spec.compressed),
    }


def differing(conn: sqlite3.Connection, specs: Sequence[TopicSpec]) -> dict[str, str]:
    """Topics that are not as specified, and how."""
    columns = ("name", "partitions", "retention_ms", "retention_bytes", "largest", "compressed")
    rows = conn.execute(f"select {', '.join(columns)} from topics").fetchall()  # noqa: S608 - our own words
    existing = {row[0]: dict(zip(columns, row, strict=True)) for row in rows}
    found = {spec.name: "missing" for spec in specs if spec.name not in existing}
    for spec in specs:
        own = existing.get(spec.name)
        different = [
            f"{key} is {own[key]}, not {value}" for key, value in row_of(spec).items() if own and own[key] != value
        ]
        if different:
            found[spec.name] = ", ".join(different)
    return found


def load_topics(conn: sqlite3.Connection) -> dict[str, TopicInfo]:
    """All topics with their lanes."""
    lanes: dict[str, list[int]] = {}
    for topic, lane in conn.execute("select topic, id from lanes order by topic, partition"):
        lanes.setdefault(topic, []).append(lane)
    return {
        name: TopicInfo(
            name, largest, bool(compressed), tuple(lanes[name]),
            tuple(Partition(name, number) for number in range(len(lanes[name]))),
        )
        for name, largest, compressed in conn.execute("select name, largest, compressed from topics")
    }  # fmt: skip


def start_position(conn: sqlite3.Connection, group: str, lane: int, policy: OffsetPolicy) -> int:
    """The committed offset, else the first or the next one."""
    offset = groups.committed(conn, group, lane)
    if offset is not None:
        return offset
    return reading.start_of(conn, lane) if policy == "earliest" else load_end(conn, lane).next


def group_states(conn: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Generation and phase of every group."""
    return {name: (generation, joining) for name, generation, joining in conn.execute(
        "select name, generation, joining from groups"
    )}  # fmt: skip
