"""Consumer groups as rows: leases, generations, eager rebalance, committed offsets. All of it runs inside a transaction
of the writer's thread, so that members in several processes agree without talking to each other.

A rebalance is what Kafka's eager protocol does. Somebody joins, leaves, or lets the lease run out: the group is
*joining*. Every member notices, gives up its partitions, and comes back (`join`). When all have, or when the deadline
(the longest rebalance time-out) has passed, whoever notices first counts the generation up and assigns by range; who
has not come back is out. Until then commits of the current generation are accepted, afterwards they are refused.

Leases are kept on the monotonic clock, which one host's processes share: a wall clock that jumps evicts nobody. After a
restart of the machine it begins again, so a lease that ends unreasonably far ahead counts as run out.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.bus import CommitRefused, Partition


@dataclass(frozen=True, slots=True)
class Member:
    """Who a member is and how patient the group is with it, in milliseconds."""

    group: str
    id: str
    topics: tuple[str, ...]
    session: int
    rebalance: int


@dataclass(frozen=True, slots=True)
class View:
    """What a member sees of its group. `assigned` is None while it is not of `generation`, or lost."""

    generation: int
    joining: bool
    known: bool
    assigned: frozenset[Partition] | None


def monotonic_ms() -> int:
    """The clock of leases."""
    return time.monotonic_ns() // 1_000_000


def join(conn: sqlite3.Connection, member: Member) -> View:
    """Enter the group, or come back ready after giving up everything: starts a rebalance unless one is on."""
    now = monotonic_ms()
    conn.execute("insert or ignore into groups values (?, 0, 0, 0)", (member.group,))
    generation = _generation(conn, member.group)
    conn.execute(
        "insert or replace into members values (?, ?, ?, ?, ?, ?, ?, '[]')",
        (member.group, member.id, member.session, member.rebalance, now + member.session,
         json.dumps(sorted(member.topics)), generation + 1),
    )  # fmt: skip
    stir(conn, member.group)
    return _settled(conn, member, now)


def beat(conn: sqlite3.Connection, member: Member) -> View:
    """Prolong the lease and look."""
    now = monotonic_ms()
    _expire(conn, member.group, now)
    conn.execute(
        "update members set expires = ? where name = ? and member = ?",
        (now + member.session, member.group, member.id),
    )
    return _settled(conn, member, now)


def leave(conn: sqlite3.Connection, member: Member) -> None:
    """Go away, or be thrown out; the others share what was owned."""
    gone = conn.execute("delete from members where name = ? and member = ?", (member.group, member.id)).rowcount
    if gone:
        stir(conn, member.group)
        _settle(conn, member.group, monotonic_ms())


def stir(conn: sqlite3.Connection, group: str) -> None:
    """Start a rebalance unless one is on."""
    (patience,) = conn.execute("select coalesce(max(rebalance), 0) from members where name = ?", (group,)).fetchone()
    conn.execute(
        "update groups set joining = 1, deadline = ? where name = ? and joining = 0",
        (monotonic_ms() + patience, group),
    )


def commit(conn: sqlite3.Connection, member: Member, generation: int, offsets: Mapping[int, int]) -> None:
    """Store next offsets by lane, if the member is of the current generation and its lease holds."""
    row = conn.execute(
        "select 1 from members natural join groups where name = ? and member = ? and generation = ? and expires >= ?",
        (member.group, member.id, generation, monotonic_ms()),
    ).fetchone()
    if row is None:
        raise CommitRefused(f"{member.id} is not of the current generation of {member.group}")
    conn.executemany(
        "insert or replace into offsets values (?, ?, ?)", [(member.group, lane, n) for lane, n in offsets.items()]
    )


def committed(conn: sqlite3.Connection, group: str, lane: int) -> int | None:
    """The group's next offset."""
    row = conn.execute("select next from offsets where name = ? and lane = ?", (group, lane)).fetchone()
    return None if row is None else int(row[0])


def share(topics: Mapping[str, int], members: Mapping[str, Sequence[str]]) -> dict[str, list[Partition]]:
    """Kafka's range assignor: topic by topic, members in the order of their ids, the first ones get one more. Topics
    of equal partition counts are shared out alike, so one member owns a key in all of them."""
    shares: dict[str, list[Partition]] = {member: [] for member in members}
    for topic, partitions in sorted(topics.items()):
        readers = sorted(member for member, wanted in members.items() if topic in wanted)
        for index, member in enumerate(readers):
            each, more = divmod(partitions, len(readers))
            first = index * each + min(index, more)
            shares[member] += [Partition(topic, first + n) for n in range(each + (index < more))]
    return shares


def _generation(conn: sqlite3.Connection, group: str) -> int:
    return int(conn.execute("select generation from groups where name = ?", (group,)).fetchone()[0])


def _expire(conn: sqlite3.Connection, group: str, now: int) -> None:
    gone = conn.execute(
        "delete from members where name = ? and (expires < ? or expires > ? + 2 * session)", (group, now, now)
    ).rowcount
    if gone:
        stir(conn, group)


def _settled(conn: sqlite3.Connection, member: Member, now: int) -> View:
    _settle(conn, member.group, now)
    generation, joining = conn.execute(
        "select generation, joining from groups where name = ?", (member.group,)
    ).fetchone()
    row = conn.execute(
        "select joined, assigned from members where name = ? and member = ?", (member.group, member.id)
    ).fetchone()
    if row is None:
        return View(generation, bool(joining), known=False, assigned=None)
    current = row[0] == generation
    assigned = frozenset(Partition(topic, n) for topic, n in json.loads(row[1])) if current else None
    return View(generation, bool(joining), known=True, assigned=assigned)


def _settle(conn: sqlite3.Connection, group: str, now: int) -> None:
    """End the rebalance if everybody is ready or the time is up."""
    row = conn.execute(
        "select generation + 1, deadline from groups where name = ? and joining = 1", (group,)
    ).fetchone()
    if row is None:
        return
    following, deadline = row
    (missing,) = conn.execute(
        "select count(*) from members where name = ? and joined < ?", (group, following)
    ).fetchone()
    if missing and now < deadline:
        return
    conn.execute("delete from members where name = ? and joined < ?", (group, following))
    conn.execute("update groups set joining = 0, generation = ? where name = ?", (following, group))
    _assign(conn, group)


def _assign(conn: sqlite3.Connection, group: str) -> None:
    members = {
        member: json.loads(topics)
        for member, topics in conn.execute("select member, topics from members where name = ?", (group,))
    }
    counts = dict(conn.execute("select name, partitions from topics").fetchall())
    wanted = {topic: counts.get(topic, 0) for topics in members.values() for topic in topics}
    for member, owned in share(wanted, members).items():
        conn.execute(
            "update members set assigned = ? where name = ? and member = ?",
            (json.dumps([[place.topic, place.number] for place in owned]), group, member),
        )
