"""Digests: what need not be told at once, or no more, is told in lines of one message.

A delivery becomes a line when its subscription wants digests, when it comes in quiet hours, or when it grows stale
before it is sent. It is then *gathered*, and due at the end of its window. That row is the timer: it stands in SQL, and
whoever holds the lease of the subscription when the window has ended makes the message, in the transaction that ends
its lines. The id follows from subscription, window and first line: no window makes two messages of one line.

Windows of digests are counted from midnight UTC; quiet hours are in the time zone of the subscription.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import body, store
from services.notifier.payload import DIGEST_TYPE, Digest, Line, Timings
from services.notifier.store import Delivery, StoredAlert
from services.notifier.subscribe import Limits, Quiet, Subscription
from services.notifier.tables import DELIVERIES, PENDING, DeliveryState, Replay
from services.notifier.trim import cut
from shared import ids
from shared.codec import Trace
from shared.db import EPOCH
from shared.events import Ledger

SUBJECT = "digests"
STALE_WINDOW = timedelta(minutes=15)
"""The window of stale alerts where a subscription names none: a receiver that comes back gets one message, not many."""

MOST_LINES, LONGEST_TEXT, LONGEST_LINK = 30, 200, 600
"""Of one message: 30 lines of 200 characters and a link stay below 64 KiB even if each character takes four bytes."""

AT_ONCE = 1000
"""Lines read in one transaction; the others follow in the next round."""


def waits_until(limits: Limits, now: datetime) -> datetime | None:
    """When what comes at `now` is to be told in a digest, None where it is to be told at once."""
    end = window_end(now, limits.digest) if limits.digest else now
    end = _after_quiet(limits.quiet, end)
    return end if end > now else None


def window_end(now: datetime, length: timedelta) -> datetime:
    """The end of the window that contains `now`."""
    return EPOCH + ((now - EPOCH) // length + 1) * length


def _after_quiet(quiet: Quiet | None, moment: datetime) -> datetime:
    if quiet is None:
        return moment
    zone = ZoneInfo(quiet.zone)
    here = moment.astimezone(zone)
    begins, ends = time.fromisoformat(quiet.begins), time.fromisoformat(quiet.ends)
    now = here.time()
    within = begins <= now < ends if begins < ends else now >= begins or now < ends
    if not within:
        return moment
    day = here.date() + timedelta(days=1) if now >= ends else here.date()
    return datetime.combine(day, ends, zone).astimezone(UTC)


async def gather_stale(
    connection: AsyncConnection, subscriptions: Iterable[Subscription], flying: Collection[str], now: datetime
) -> None:
    """What grew stale before it was sent becomes a line, but for what is on its way at the moment."""
    for one in subscriptions:
        if one.limits.expires_after is None:
            continue
        due = _after_quiet(one.limits.quiet, window_end(now, one.limits.digest or STALE_WINDOW))
        mine = (DELIVERIES.c.subscription_id == one.id) & (DELIVERIES.c.state == PENDING)
        stale = mine & (DELIVERIES.c.replay == Replay.LIVE) & (DELIVERIES.c.stale <= now)
        stale &= DELIVERIES.c.id.not_in(sorted(flying))
        columns = {"state": DeliveryState.GATHERED, "reason": "stale", "next_attempt": due}
        await connection.execute(sa.update(DELIVERIES).where(stale).values(columns))


async def compose(connection: AsyncConnection, subscriptions: Mapping[str, Subscription], now: datetime) -> None:
    """Make a message of the lines whose window has ended; the caller holds the leases in this transaction."""
    for name, one in sorted(subscriptions.items()):
        rows = await store.gathered(connection, name, now=now, limit=AT_ONCE)
        for window, lines in itertools.groupby(rows, key=lambda row: row.next_attempt):
            for part in _parts(list(lines)):
                await _compose(connection, one, window, part, now)


def _parts(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(rows), MOST_LINES):
        yield rows[start : start + MOST_LINES]


async def _compose(
    connection: AsyncConnection, one: Subscription, window: datetime, rows: Sequence[Any], now: datetime
) -> None:
    digest_id = ids.of("digest", one.id, window.isoformat(), rows[0].id)
    number = await store.reserve(connection, 1)
    content = _content(digest_id, one.id, window, rows, now)
    message = Delivery(digest_id, one.id, number, attempts=0, expires=now + one.limits.expiry, alert=content)
    await store.add_own(connection, [message], now)
    mine = sa.update(DELIVERIES).where(DELIVERIES.c.id.in_([row.id for row in rows]))
    await connection.execute(mine.values(state=DeliveryState.DIGESTED, reason=f"digest {digest_id}", finished=now))


def _content(
    digest_id: str, subscription_id: str, window: datetime, rows: Sequence[Any], now: datetime
) -> StoredAlert:  # fmt: skip
    data = Digest(window=window, lines=tuple(_line(row) for row in rows), timings=Timings(raised=now))
    return StoredAlert(
        id=digest_id,
        revision=0,
        watch_id=SUBJECT,
        story_id=subscription_id,
        type=DIGEST_TYPE,
        severity="info",
        observed=now,
        ledger=Ledger(raised=now),
        trace=Trace.start(digest_id).parent,
        data=body.encoded(data),
    )


def _line(row: Any) -> Line:
    told = msgspec.json.decode(row.data)
    alert, article = told["alert"], told.get("article", {})
    link = article.get("url", "")
    return Line(
        id=row.id,
        alert=row.alert_id,
        revision=row.revision,
        kind=alert["kind"],
        severity=row.severity,
        headline=cut(alert["headline"], LONGEST_TEXT),
        watch=row.watch_id,
        story=row.story_id,
        url=link if len(link) <= LONGEST_LINK else "",
        sequence=f"{row.sequence:016d}",
        stale=row.reason == "stale",
    )
