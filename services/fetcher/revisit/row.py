"""A page that was published and may be fetched again: a row of `fetcher_revisits`, and plain functions over a
connection."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.tables import REVISITS
from shared.db import among, insert_new

UNHEARD = timedelta(days=1)
"""How long a page is remembered that no alert names: later it is no news (the 24-hour rule)."""
HEARD = timedelta(days=14)
MOST = 100_000
"""Rows of pages that no alert has named, at some KB each; beyond that the oldest are forgotten."""
CLAIM = timedelta(hours=1)
"""A visit that a process took and did not end is made again after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisit:
    """`url` is where the page lay, as events tell it; `item` all that is known of the entry (JSON). `due` is None while
    nothing is planned; `quiet` counts visits since the last edit that was told, `missing` those in a row that found
    nothing. What alerts told: `article_id`, `story_id`, and until when the story is live. `ended` says why there is no
    further visit; `domain` is the registered domain that is asked."""

    entry_id: str
    source_id: str
    url: str
    item: bytes
    seen: datetime
    due: datetime | None = None
    tries: int = 0
    quiet: int = 0
    missing: int = 0
    body_hash: str
    etag: str | None = None
    last_modified: str | None = None
    article_id: str = ""
    story_id: str = ""
    live_until: datetime | None = None
    ended: str | None = None
    domain: str | None = None


VISITED = ("due", "tries", "quiet", "missing", "body_hash", "etag", "last_modified", "ended")
"""What a visit changes; the rest is what alerts told meanwhile."""


async def remember(connection: AsyncConnection, rows: Sequence[Revisit]) -> None:
    """Write new ones; those that are known stay as they are."""
    if rows:
        await connection.execute(insert_new(REVISITS, connection.dialect.name), [asdict(row) for row in rows])


_VISITED = (
    sa.update(REVISITS)
    .where(REVISITS.c.entry_id == sa.bindparam("row"))
    .values({name: sa.bindparam(f"new_{name}", type_=REVISITS.c[name].type) for name in VISITED})
)


async def visited(connection: AsyncConnection, rows: Sequence[Revisit]) -> None:
    """Write what visits changed."""
    if rows:
        values = [{"row": row.entry_id, **{f"new_{name}": getattr(row, name) for name in VISITED}} for row in rows]
        await connection.execute(_VISITED, values)


async def claim_due(
    connection: AsyncConnection, now: datetime, most: int, but: Collection[str], elsewhere: Collection[str] = ()
) -> list[Revisit]:
    """Up to `most` rows that are due, the earliest first; nobody else gets them for an hour. Those of `but` are in hand
    already, those on domains that are asked `elsewhere` are for whoever does."""
    ours = _ours(connection, elsewhere)
    query = sa.select(REVISITS).where(REVISITS.c.due <= now, ours).order_by(REVISITS.c.due, REVISITS.c.entry_id)
    locked = query.limit(most + len(but)).with_for_update(skip_locked=True)
    found = [_read(row) for row in await connection.execute(locked)]
    taken = [row for row in found if row.entry_id not in but][:most]
    mine = REVISITS.c.entry_id.in_([row.entry_id for row in taken])
    await connection.execute(sa.update(REVISITS).where(mine).values(due=now + CLAIM))
    return taken


async def next_due(connection: AsyncConnection, elsewhere: Collection[str] = ()) -> datetime | None:
    """When the earliest visit is due, but for those on domains that are asked `elsewhere`."""
    earliest = sa.select(sa.func.min(REVISITS.c.due)).where(_ours(connection, elsewhere))
    found: datetime | None = await connection.scalar(earliest)
    return found


def _ours(connection: AsyncConnection, elsewhere: Collection[str]) -> sa.ColumnElement[bool]:
    if not elsewhere:
        return sa.true()
    return sa.or_(REVISITS.c.domain.is_(None), sa.not_(among(REVISITS.c.domain, elsewhere, connection.dialect.name)))


async def named(connection: AsyncConnection, source_id: str, url: str, story_id: str) -> list[Revisit]:
    """The page at this address of a source, and all pages whose story this is; locked."""
    page = (REVISITS.c.source_id == source_id) & (REVISITS.c.url == url)
    story = REVISITS.c.story_id == story_id if story_id else sa.false()
    query = sa.select(REVISITS).where(page | story).order_by(REVISITS.c.entry_id)
    return [_read(row) for row in await connection.execute(query.with_for_update())]


async def note(connection: AsyncConnection, entry_id: str, **changes: Any) -> None:
    """Write what an alert told."""
    await connection.execute(sa.update(REVISITS).where(REVISITS.c.entry_id == entry_id).values(**changes))


async def purge(connection: AsyncConnection, now: datetime) -> int:
    """Forget what no alert named for a day or what lies more than two weeks back, and what is too much; how many."""
    unheard = REVISITS.c.live_until.is_(None)
    old = (unheard & (REVISITS.c.seen < now - UNHEARD)) | (REVISITS.c.live_until < now - HEARD)
    newest = sa.select(REVISITS.c.seen).where(unheard).order_by(REVISITS.c.seen.desc()).offset(MOST).limit(1)
    bound = await connection.scalar(newest)
    beyond = unheard & (REVISITS.c.seen <= bound) if bound is not None else sa.false()
    return (await connection.execute(sa.delete(REVISITS).where(old | beyond))).rowcount


def _read(row: Any) -> Revisit:
    return Revisit(**row._mapping)
