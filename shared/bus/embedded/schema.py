"""The file: its tables, and how a connection to it is opened.

Why one table with a composed row id: `id = lane << 40 | offset`, where a lane is a partition of a topic. Appends to a
partition stay neighbours and a range scan needs no second index, but unlike in a WITHOUT ROWID table (whose pages keep
at most about a quarter of a page of a row, sqlite.org/fileformat2.html section 1.6) a 2 KB record lies in one leaf, not
in overflow pages. Measured with 2 KB records and full sync: 25,000 records/s at batch 100 against 8,000. Pages of 8 KB
hold three such records and cost little at batch 1.

`newest` (largest timestamp so far) and `total` (bytes so far) only grow within a lane, so retention and lookup by time
are binary searches: no index is paid for on every append.

Left out on purpose: a file per topic. Deleted pages are used again, the file does not shrink.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

Synchronous = Literal["full", "normal"]

LANE_BITS = 40
LANE = 1 << LANE_BITS
PAGE = 8192
BUSY_SECONDS = 10.0
"""How long to wait for another process's transaction. Longer means that the process was stopped in the middle of it."""

INSERT = (
    "insert into records (id, timestamp, newest, total, packed, key, headers, value) values (?, ?, ?, ?, ?, ?, ?, ?)"
)

TABLES = """
create table if not exists topics (
    name text primary key, partitions integer not null, retention_ms integer not null,
    retention_bytes integer not null, largest integer not null, compressed integer not null
) without rowid;
create table if not exists lanes (
    id integer primary key, topic text not null, partition integer not null,
    start integer not null default 0, unique (topic, partition)
);
create table if not exists records (
    id integer primary key, timestamp integer not null, newest integer not null, total integer not null,
    packed integer not null, key blob, headers blob, value blob
);
create table if not exists groups (
    name text primary key, generation integer not null, joining integer not null, deadline integer not null
) without rowid;
create table if not exists members (
    name text not null, member text not null, session integer not null, rebalance integer not null,
    expires integer not null, topics text not null, joined integer not null, assigned text not null,
    primary key (name, member)
) without rowid;
create table if not exists offsets (
    name text not null, lane integer not null, next integer not null, primary key (name, lane)
) without rowid;
"""


def connect(path: Path, *, synchronous: Synchronous = "full") -> sqlite3.Connection:
    """A connection in autocommit; transactions are written out. One thread at a time may use it."""
    conn = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_SECONDS)
    conn.execute(f"pragma page_size = {PAGE}")
    conn.execute("pragma journal_mode = wal")
    conn.execute(f"pragma synchronous = {synchronous}")
    conn.execute("pragma journal_size_limit = 67108864")
    conn.execute("pragma temp_store = memory")
    return conn


def create(conn: sqlite3.Connection) -> None:
    """Create what is missing, in one transaction: two processes may open a new file at once."""
    conn.execute("begin immediate")
    for statement in TABLES.split(";"):
        if statement.strip():
            conn.execute(statement)
    conn.execute("commit")
