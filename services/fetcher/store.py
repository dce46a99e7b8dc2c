"""Reading and writing the fetcher's tables: plain functions over a connection, many rows a call."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.entries.names import Name, NameKind
from services.fetcher.entries.recognise import Bearer, Known
from services.fetcher.metrics import PageOutcome
from services.fetcher.poll.children import ChildState
from services.fetcher.revisit.row import Revisit, remember, visited
from services.fetcher.tables import CHILDREN, ENTRIES, FILES, KEYS, PAUSES, SOURCES
from shared.db import among, insert_new, upsert, upsert_many
from shared.events import Entry, Mode, Published, Source
from shared.lease import Lease, still_held
from shared.urls import registered_domain


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is known of a source: a row of `fetcher_sources`."""

    source_id: str
    url: str
    next_due: datetime
    failures: int = 0
    seeded: bool = False
    etag: str | None = None
    last_modified: str | None = None
    validated_url: str | None = None
    body_hash: str | None = None
    last_outcome: str | None = None
    last_checked: datetime | None = None
    last_fresh: datetime | None = None
    last_worked: datetime | None = None
    last_read: datetime | None = None
    gap: float | None = None
    unheeded: int = 0
    habit: str | None = None
    audited: datetime | None = None
    lies: int = 0
    doubt: int = 0
    distrusted_until: datetime | None = None
    moved: bool = False
    moved_to: str | None = None
    moved_since: datetime | None = None
    moved_seen: int = 0
    moved_asked: datetime | None = None
    gone: int = 0
    hints: str | None = None
    language: str | None = None
    other_language: str | None = None
    other_since: datetime | None = None
    rhythm: bytes | None = None
    not_before: datetime | None = None
    decided_by: str | None = None
    conditions: str | None = None
    shapes: str | None = None


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry whose page is to be published: all that the event needs besides the page. `seen` is real time. `led_to`
    is where redirects led, `hops` in number, when the domain there was another process's: it goes on from there."""

    entry_id: str
    source: Source
    url: str
    entry: Entry
    published: Published | None = None
    mode: Mode
    observed: datetime
    seen: datetime
    from_feed: bool = False
    led_to: str = ""
    hops: int = 0

    @property
    def place(self) -> str:
        """Where the page is asked for."""
        return self.led_to or self.url


@dataclass(frozen=True, slots=True)
class Job:
    """An item and how often its page was tried already."""

    item: Item
    attempts: int = 0
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A new entry: pending, unless it ended on the spot; `left_at` where its page is for another process to fetch."""

    item: Item
    outcome: PageOutcome | None = None
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """What a try for a page changes: it ended with an outcome, or is made again at `retry_at`."""

    entry_id: str
    attempts: int
    outcome: PageOutcome | None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """A host or registered domain to be left alone until then (real time); `name` as in `fetcher_pauses`."""

    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """Names that entries of a source bear."""

    source_id: str
    bearers: Mapping[Name, Bearer]


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to write together."""

    source: SourceState | None = None
    found: tuple[Found, ...] = ()
    named: Named | None = None
    tried: Tried | None = None
    pause: Pause | None = None
    remembered: Revisit | None = None
    visited: Revisit | None = None
    children: tuple[ChildState, ...] = ()
    introduced: SourceState | None = None
    """A source never seen before: its row is left alone where another process was quicker."""
    lease: Lease | None = None
    """Under which this was found out: nothing is written where it changed hands since."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Item)


def packed(item: Item) -> bytes:
    """An item as tables keep it."""
    return _ENCODER.encode(item)


def unpacked(kept: bytes) -> Item:
    """The item of `packed`."""
    return _DECODER.decode(kept)


async def write(connection: AsyncConnection, changes: Sequence[Changes]) -> None:
    """Write all of it that was found out under a lease still held. Entries that exist already stay as they are."""
    changes = await _rightful(connection, changes)
    dialect = connection.dialect.name
    sources = {change.source.source_id: asdict(change.source) for change in changes if change.source}
    found = [_entry_row(entry) for change in changes for entry in change.found]
    tried = [change.tried for change in changes if change.tried]
    if new := [asdict(change.introduced) for change in changes if change.introduced]:
        await connection.execute(insert_new(SOURCES, dialect), new)
    if sources:
        await connection.execute(upsert_many(SOURCES, dialect, keys=("source_id",)), list(sources.values()))
    if found:
        await connection.execute(insert_new(ENTRIES, dialect), found)
    if named := [row for change in changes if change.named for row in _name_rows(change.named)]:
        await connection.execute(upsert_many(KEYS, dialect, keys=("source_id", "kind", "key")), named)
    if pauses := {change.pause.name: asdict(change.pause) for change in changes if change.pause}:
        await connection.execute(upsert_many(PAUSES, dialect, keys=("name",)), list(pauses.values()))
    if children := {(one.source_id, one.url): asdict(one) for change in changes for one in change.children}:
        await connection.execute(upsert_many(CHILDREN, dialect, keys=("source_id", "url")), list(children.values()))
    if ended := [_tried_row(row) for row in tried if row.outcome]:
        await connection.execute(_ENDED, ended)
    if again := [_tried_row(row) for row in tried if not row.outcome]:
        await connection.execute(_AGAIN, again)
    await remember(connection, [change.remembered for change in changes if change.remembered])
    await visited(connection, [change.visited for change in changes if change.visited])


async def _rightful(connection: AsyncConnection, changes: Sequence[Changes]) -> list[Changes]:
    leases = {(change.lease.name, change.lease.token): change.lease for change in changes if change.lease}
    newest = {name: lease for (name, _), lease in sorted(leases.items())}
    held = await still_held(connection, [*newest.values()])
    return [
        change for change in changes
        if change.lease is None or (change.lease.name in held and change.lease.token == newest[change.lease.name].token)
    ]  # fmt: skip


_ROW = sa.update(ENTRIES).where(ENTRIES.c.entry_id == sa.bindparam("row"))
_ENDED = _ROW.values(
    pending=False, item=None, retry_at=None, attempts=sa.bindparam("tries"), outcome=sa.bindparam("ended")
)
_AGAIN = _ROW.values(attempts=sa.bindparam("tries"), retry_at=sa.bindparam("later"))


def _entry_row(found: Found) -> dict[str, Any]:
    return {
        "entry_id": found.item.entry_id,
        "source_id": found.item.source.id,
        "observed": found.item.observed,
        "pending": found.outcome is None,
        "outcome": found.outcome,
        "attempts": 0,
        "retry_at": None,
        "item": None if found.outcome else _ENCODER.encode(found.item),
        "history": found.item.mode is not Mode.LIVE,
        "published": found.item.published.at if found.item.published else None,
        "domain": registered_domain(found.item.url) if found.item.url else "",
        "left_at": found.left_at,
    }


def _name_rows(named: Named) -> list[dict[str, Any]]:
    return [
        {"source_id": named.source_id, "kind": name.kind, "key": name.key, "entry_id": one.entry_id, "seen": one.seen}
        for name, one in sorted(named.bearers.items())  # locks are taken in one order
    ]


def _tried_row(tried: Tried) -> dict[str, Any]:
    row: dict[str, Any] = {"row": tried.entry_id, "tries": tried.attempts}
    return row | ({"ended": tried.outcome} if tried.outcome else {"later": tried.retry_at})


LOST = frozenset(
    {PageOutcome.NO_LINK, PageOutcome.ROBOTS_DENIED, PageOutcome.REFUSED, PageOutcome.GONE, PageOutcome.CLIENT_ERROR,
     PageOutcome.TOO_LARGE, PageOutcome.GIVEN_UP}
)  # fmt: skip
"""How entries end that are told again with a chance: nothing was published of them."""


async def known(connection: AsyncConnection, ids: Collection[str]) -> dict[str, Known]:
    """Those of these entries that were seen before."""
    columns = (ENTRIES.c.entry_id, ENTRIES.c.published, ENTRIES.c.outcome)
    query = sa.select(*columns).where(among(ENTRIES.c.entry_id, ids, connection.dialect.name))
    rows = await connection.execute(query) if ids else ()
    return {row.entry_id: Known(row.published, row.outcome in LOST) for row in rows}


async def bearers(connection: AsyncConnection, source_id: str, names: Collection[Name]) -> dict[Name, Bearer]:
    """Who bears these names at a source."""
    if not names:
        return {}
    keys = among(KEYS.c.key, {name.key for name in names}, connection.dialect.name)
    query = (
        sa.select(KEYS.c.kind, KEYS.c.key, KEYS.c.entry_id, KEYS.c.seen, ENTRIES.c.outcome)
        .join(ENTRIES, ENTRIES.c.entry_id == KEYS.c.entry_id, isouter=True)
        .where(KEYS.c.source_id == source_id, KEYS.c.kind.in_([*NameKind]), keys)
    )
    rows = await connection.execute(query)
    return {Name(NameKind(row.kind), row.key): Bearer(row.entry_id, row.seen, row.outcome in LOST) for row in rows}


async def source_states(connection: AsyncConnection) -> dict[str, SourceState]:
    """Every source known, by id."""
    rows = await connection.execute(sa.select(SOURCES))
    return {row.source_id: SourceState(**row._asdict()) for row in rows}


async def children_of(connection: AsyncConnection, source_id: str) -> dict[str, ChildState]:
    """The sitemaps that the index of a source names or named, by address."""
    rows = await connection.execute(sa.select(CHILDREN).where(CHILDREN.c.source_id == source_id))
    return {row.url: ChildState(**row._asdict()) for row in rows}


async def pauses(connection: AsyncConnection, now: datetime) -> list[Pause]:
    """The pauses that are not over. Those that are, are deleted."""
    await connection.execute(sa.delete(PAUSES).where(PAUSES.c.until <= now))
    return [Pause(row.name, row.until) for row in await connection.execute(sa.select(PAUSES))]


async def kept_file(connection: AsyncConnection, path: str) -> str:
    """The last good text of a sources file, empty where none is kept."""
    return str(await connection.scalar(sa.select(FILES.c.text).where(FILES.c.path == path)) or "")


async def keep_file(connection: AsyncConnection, path: str, text: str, now: datetime) -> None:
    """Keep the text of a sources file that is in force."""
    row = {"path": path, "text": text, "kept": now}
    await connection.execute(upsert(FILES, row, connection.dialect.name, keys=("path",)))


async def states_of(connection: AsyncConnection, source_ids: Collection[str]) -> dict[str, SourceState]:
    """Some of them."""
    mine = among(SOURCES.c.source_id, source_ids, connection.dialect.name)
    rows = await connection.execute(sa.select(SOURCES).where(mine))
    return {row.source_id: SourceState(**row._asdict()) for row in rows}


async def leave(connection: AsyncConnection, item: Item, now: datetime) -> None:
    """Leave a page to whoever holds the domain of its place, unless it is done."""
    values = {"left_at": now, "domain": registered_domain(item.place), "item": _ENCODER.encode(item)}
    mine = (ENTRIES.c.entry_id == item.entry_id) & ENTRIES.c.pending
    await connection.execute(sa.update(ENTRIES).where(mine).values(values))


async def left_since(connection: AsyncConnection, when: datetime, elsewhere: Collection[str]) -> list[Job]:
    """Pages that were left since then, but for those on domains that are asked elsewhere."""
    columns = (ENTRIES.c.item, ENTRIES.c.attempts, ENTRIES.c.retry_at)
    others = among(ENTRIES.c.domain, elsewhere, connection.dialect.name)
    query = sa.select(*columns).where(ENTRIES.c.left_at >= when, ENTRIES.c.pending, sa.not_(others))
    return [Job(_DECODER.decode(row.item), row.attempts, row.retry_at) for row in await connection.execute(query)]


async def is_pending(connection: AsyncConnection, entry_id: str) -> bool:
    """Whether the page of an entry is still to be published."""
    return bool(await connection.scalar(sa.select(ENTRIES.c.pending).where(ENTRIES.c.entry_id == entry_id)))


async def pending(connection: AsyncConnection, most: int, elsewhere: Collection[str] = ()) -> list[Job]:
    """Entries whose page is still to be published, but for those on domains that are asked `elsewhere`: news in the
    order in which it was seen, then history, the newest first."""
    columns = (ENTRIES.c.item, ENTRIES.c.attempts, ENTRIES.c.retry_at)
    query = sa.select(*columns).where(ENTRIES.c.pending).order_by(*_ORDER).limit(most)
    if elsewhere:  # rows of earlier versions do not say
        others = among(ENTRIES.c.domain, elsewhere, connection.dialect.name)
        query = query.where(sa.or_(ENTRIES.c.domain.is_(None), sa.not_(others)))
    return [Job(_DECODER.decode(row.item), row.attempts, row.retry_at) for row in await connection.execute(query)]


_HISTORY = sa.func.coalesce(ENTRIES.c.history, sa.false())
_AGE = sa.case(
    (_HISTORY, -sa.type_coerce(sa.func.coalesce(ENTRIES.c.published, 0), sa.BigInteger)),
    else_=sa.type_coerce(ENTRIES.c.observed, sa.BigInteger),
)
_ORDER = (_HISTORY, _AGE, ENTRIES.c.entry_id)


async def count_pending(connection: AsyncConnection) -> int:
    """How many there are."""
    return int(await connection.scalar(sa.select(sa.func.count()).where(ENTRIES.c.pending)) or 0)
