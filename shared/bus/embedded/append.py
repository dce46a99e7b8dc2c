"""Appending: from messages to rows. `Appender.write` runs in the writer's thread, inside its transaction.

The ends of lanes are kept in memory and are right as long as nobody else wrote: `pragma data_version` changes when
another connection committed, and is read after `begin immediate`, so no one can get in between.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from shared.bus import BusUnavailable, Headers, Message, Partition, Position, RecordTooLarge
from shared.bus.embedded.schema import INSERT, LANE, LANE_BITS
from shared.bus.murmur2 import partition_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LEVEL = 3
Row = tuple[int, int, int, int, int, bytes | None, bytes | None, bytes | None]

pack_headers = msgspec.msgpack.Encoder().encode
unpack_headers = msgspec.msgpack.Decoder(Headers).decode
compress = zstd.compress
decompress = zstd.decompress


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """What has to be known of a topic to append to it. `lanes[n]` and `places[n]` belong to partition n."""

    name: str
    largest: int
    compressed: bool
    lanes: tuple[int, ...]
    places: tuple[Partition, ...]


@dataclass(slots=True)
class End:
    """The end of a lane: next offset, largest timestamp and bytes so far."""

    next: int
    newest: int
    total: int


Placed = tuple[TopicInfo, int, Message, int, bytes | None]


def place(topic: TopicInfo, message: Message, now: int) -> Placed:
    """Choose the partition and check the bound, before anything is written."""
    size = size_of(message)
    if size > topic.largest:
        raise RecordTooLarge(f"{topic.name}: {size} bytes, at most {topic.largest}")
    headers = pack_headers(message.headers) if message.headers else None
    return topic, number_of(topic, message), message, now if message.timestamp is None else message.timestamp, headers


def number_of(topic: TopicInfo, message: Message) -> int:
    """The partition of a message: given, by key, or any for a message without a key (as Kafka)."""
    if message.partition is not None:
        if not 0 <= message.partition < len(topic.lanes):
            raise BusUnavailable(f"{topic.name} has no partition {message.partition}")
        return message.partition
    if message.key is None:
        return random.randrange(len(topic.lanes))
    return partition_of(message.key, len(topic.lanes))


def size_of(message: Message) -> int:
    """Bytes of key, value and headers, as `Record.size`."""
    size = len(message.key or b"") + len(message.value or b"")
    return size + sum(len(name) + len(value) for name, value in message.headers) if message.headers else size


def now_ms() -> int:
    """The wall clock in milliseconds: the timestamp of a record that brings none."""
    return time.time_ns() // 1_000_000


class Appender:
    """Knows the ends of the lanes; used by the writer's thread alone."""

    def __init__(self) -> None:
        self._ends: dict[int, End] = {}
        self._version = -1

    def write(self, conn: sqlite3.Connection, placed: Sequence[Placed]) -> list[Position]:
        """Append in the order given."""
        version = conn.execute("pragma data_version").fetchone()[0]
        if version != self._version:
            self._ends.clear()
            self._version = version
        rows: list[Row] = []
        positions: list[Position] = []
        for topic, number, message, timestamp, headers in placed:
            lane = topic.lanes[number]
            end = self._ends.get(lane) or self._load(conn, lane)
            positions.append(Position(topic.places[number], end.next))
            nothing = message.key is None and message.value is None  # as the Kafka adapter, which must
            is_packed, value = packed(topic, b"" if nothing else message.value)
            end.newest = max(end.newest, timestamp)
            end.total += len(message.key or b"") + len(value or b"") + len(headers or b"")
            at = lane << LANE_BITS | end.next
            end.next += 1
            rows.append((at, timestamp, end.newest, end.total, int(is_packed), message.key, headers, value))
        conn.executemany(INSERT, rows)
        return positions

    def forget(self) -> None:
        """Look the ends up again, after a rollback or a deletion."""
        self._ends.clear()

    def _load(self, conn: sqlite3.Connection, lane: int) -> End:
        end = self._ends[lane] = load_end(conn, lane)
        return end


def packed(topic: TopicInfo, value: bytes | None) -> tuple[bool, bytes | None]:
    """The value as it is kept, and whether it is compressed."""
    if value is None or not topic.compressed:
        return False, value
    return True, compress(value, LEVEL)


def load_end(conn: sqlite3.Connection, lane: int) -> End:
    """The end of a lane from the file: after its last record, or where retention left an empty lane."""
    first = lane << LANE_BITS
    row = conn.execute(
        "select id, newest, total from records where id >= ? and id < ? order by id desc limit 1", (first, first + LANE)
    ).fetchone()
    if row is not None:
        return End(row[0] - first + 1, row[1], row[2])
    start = conn.execute("select start from lanes where id = ?", (lane,)).fetchone()
    return End(start[0] if start else 0, 0, 0)
