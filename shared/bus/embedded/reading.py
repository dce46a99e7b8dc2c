"""Reading and deleting, as functions over a connection: fetch, find by time, retention, lag.

Deleting moves a lane's `start`, which is what a reader's position is compared with; it happens in the writer's thread,
in bounded steps, so that it never holds up appends for long.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.bus import OffsetPolicy, Partition, PartitionLag, Record
from shared.bus.embedded.append import decompress, load_end, unpack_headers
from shared.bus.embedded.schema import LANE, LANE_BITS

DELETED_AT_ONCE = 2000
COLUMNS = "id, timestamp, packed, key, headers, value"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A place to read on from."""

    partition: Partition
    lane: int
    position: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was found at a `Wanted`: records, the position after them, and how many were skipped to get there. `dry`
    says that there was nothing more."""

    wanted: Wanted
    records: list[Record]
    position: int
    skipped: int
    dry: bool


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much to read at once: records and bytes together, and bytes of one partition."""

    records: int
    bytes: int
    partition_bytes: int
    policy: OffsetPolicy


def fetch(conn: sqlite3.Connection, wanted: Sequence[Wanted], bounds: Bounds) -> list[Fetched]:
    """Read from each place in turn until the bounds are reached; at least one record if there is one."""
    found = []
    records, size = bounds.records, bounds.bytes
    for place in wanted:
        if records <= 0 or size <= 0:
            break
        part = fetch_one(conn, place, replace(bounds, records=records, bytes=min(size, bounds.partition_bytes)))
        found.append(part)
        records -= len(part.records)
        size -= sum(record.size for record in part.records)
    return found


def fetch_one(conn: sqlite3.Connection, wanted: Wanted, bounds: Bounds) -> Fetched:
    """Read one lane. A position outside of it (deleted by retention, or beyond the end of a file that was put back)
    is moved by the policy."""
    records = read(conn, wanted, limit=bounds.records, size=bounds.bytes)
    if records and records[0].offset == wanted.position:
        return _fetched(wanted, wanted, records, bounds)
    start, end = start_of(conn, wanted.lane), load_end(conn, wanted.lane).next
    if start <= wanted.position <= end:
        return _fetched(wanted, wanted, records, bounds)
    moved = Wanted(wanted.partition, wanted.lane, start if bounds.policy == "earliest" else end)
    records = read(conn, moved, limit=bounds.records, size=bounds.bytes)
    return _fetched(wanted, moved, records, bounds)


def read(conn: sqlite3.Connection, place: Wanted, *, limit: int, size: int) -> list[Record]:
    """At most `limit` records of about `size` bytes together, from a place on."""
    first = place.lane << LANE_BITS
    rows = conn.execute(
        f"select {COLUMNS} from records where id >= ? and id < ? order by id limit ?",  # noqa: S608 - a constant
        (first + max(0, place.position), first + LANE, limit),
    )
    records = []
    for row in rows:
        records.append(record_of(place.partition, row[0] - first, row))
        size -= records[-1].size
        if size <= 0:
            break
    return records


def record_of(partition: Partition, offset: int, row: Sequence[object]) -> Record:
    """A row as a record."""
    _id, timestamp, packed, key, headers, value = row
    return Record(
        partition.topic, partition.number, offset, timestamp, key,  # type: ignore[arg-type]
        decompress(value) if packed else value,  # type: ignore[arg-type]
        unpack_headers(headers) if headers else (),  # type: ignore[arg-type]
    )  # fmt: skip


def last_offsets(conn: sqlite3.Connection) -> dict[int, int]:
    """The offset of the last record of every lane that has one."""
    rows = conn.execute(
        "select lanes.id, (select records.id from records where records.id >= lanes.id << :bits"
        " and records.id < (lanes.id + 1) << :bits order by records.id desc limit 1) from lanes",
        {"bits": LANE_BITS},
    )
    return {lane: last & (LANE - 1) for lane, last in rows if last is not None}


def next_offsets(conn: sqlite3.Connection) -> dict[int, int]:
    """The offset after the last record of every lane, where retention left an empty one. One statement: asking for each
    of a hundred lanes by itself costs ten times as much."""
    rows = conn.execute(
        "select lanes.id, lanes.start, (select records.id from records where records.id >= lanes.id << :bits"
        " and records.id < (lanes.id + 1) << :bits order by records.id desc limit 1) from lanes",
        {"bits": LANE_BITS},
    )
    return {lane: start if last is None else (last & (LANE - 1)) + 1 for lane, start, last in rows}


def start_of(conn: sqlite3.Connection, lane: int) -> int:
    """The first offset that may still be there."""
    row = conn.execute("select start from lanes where id = ?", (lane,)).fetchone()
    return int(row[0]) if row else 0


def first_at(conn: sqlite3.Connection, lane: int, timestamp: int) -> int | None:
    """The first offset whose timestamp is at or after `timestamp`. `newest` only grows, so its first record that
    reaches it is the answer, unless a record from the future pushed it up and was deleted since: then look on."""
    offset = _first(conn, lane, lambda row: row[1] >= timestamp)
    if offset is None:
        return None
    first = lane << LANE_BITS
    row = conn.execute(
        "select id from records where id >= ? and id < ? and timestamp >= ? order by id limit 1",
        (first + offset, first + LANE, timestamp),
    ).fetchone()
    return None if row is None else int(row[0]) - first


def kept_from(conn: sqlite3.Connection, lane: int, oldest: int, most: int) -> int:
    """The first offset that retention keeps: records older than `oldest` (ms) go, and what is over `most` bytes."""
    end = load_end(conn, lane)
    by_time = first_at(conn, lane, oldest)
    start = end.next if by_time is None else by_time
    if most >= 0:
        by_size = _first(conn, lane, lambda row: row[2] > end.total - most)
        start = max(start, end.next if by_size is None else by_size)
    return max(start, start_of(conn, lane))


def delete_before(conn: sqlite3.Connection, lane: int, offset: int) -> int:
    """Delete a bounded number of records before `offset` and move the start; how many went."""
    first = lane << LANE_BITS
    row = conn.execute(
        "select id from records where id >= ? and id < ? order by id limit 1 offset ?",
        (first, first + offset, DELETED_AT_ONCE),
    ).fetchone()
    until = first + offset if row is None else row[0]
    gone = conn.execute("delete from records where id >= ? and id < ?", (first, until)).rowcount
    conn.execute("update lanes set start = ? where id = ? and start < ?", (until - first, lane, until - first))
    return gone


def lag_of(conn: sqlite3.Connection, group: str, partition: Partition, lane: int) -> PartitionLag:
    """How far a group is behind in a lane."""
    row = conn.execute("select next from offsets where name = ? and lane = ?", (group, lane)).fetchone()
    committed = None if row is None else int(row[0])
    beginning = start_of(conn, lane)
    first = lane << LANE_BITS
    waiting = conn.execute(
        "select timestamp from records where id >= ? and id < ? order by id limit 1",
        (first + max(committed or 0, beginning), first + LANE),
    ).fetchone()
    return PartitionLag(
        partition, committed, beginning, load_end(conn, lane).next, None if waiting is None else waiting[0]
    )


def _first(conn: sqlite3.Connection, lane: int, reached: Callable[[Sequence[int]], bool]) -> int | None:
    """Binary search for the first record of a lane from which on `reached` holds; offsets may have gaps."""
    first = lane << LANE_BITS
    low, high = start_of(conn, lane), load_end(conn, lane).next
    answer = None
    while low < high:
        middle = (low + high) // 2
        row = conn.execute(
            "select id, newest, total from records where id >= ? and id < ? order by id limit 1",
            (first + middle, first + high),
        ).fetchone()
        if row is None:
            high = middle
        elif reached(row):
            answer, high = row[0] - first, middle
        else:
            low = row[0] - first + 1
    return answer


def _fetched(asked: Wanted, at: Wanted, records: list[Record], bounds: Bounds) -> Fetched:
    position = records[-1].offset + 1 if records else at.position
    size = sum(record.size for record in records)
    dry = len(records) < bounds.records and size < bounds.bytes
    return Fetched(asked, records, position, max(0, at.position - asked.position), dry)
