"""A hub's question whether we meant it (WebSub section 5.3), and its word that it will not push (section 5.2).

Only what we asked and the hub has not verified yet is confirmed, with the topic as we wrote it: a question that
comes again, for another topic or too late is answered as if nobody lived here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.push import store
from services.fetcher.push.metrics import VerifyOutcome
from services.fetcher.push.store import Pending, State, Subscription

log = structlog.get_logger()

RENEWED_AT = 0.8
"""Share of a lease after which it is renewed: hubs may be away for a while."""
SHORTEST_LEASE, LONGEST_LEASE = timedelta(minutes=1), timedelta(days=365)
DENIED_WAIT = timedelta(days=7)
LONGEST_CHALLENGE = 4_096
MOST_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell the hub: `body` is text; only `confirmed` and `denied` are told with success."""

    outcome: VerifyOutcome
    body: str = ""


UNKNOWN = Answer(VerifyOutcome.REFUSED)


async def verify(
    connection: AsyncConnection, push_id: str, asked: Mapping[str, str], *, now: datetime, lease: timedelta
) -> Answer:
    """Answer the query `asked` of a GET to the callback `push_id`, and write what follows. `lease` is what we asked
    for: it holds where the hub forgets to say its own."""
    row = await store.found(connection, push_id, lock=True)
    if row is None or asked.get("hub.topic") != row.topic:
        return UNKNOWN
    mode = asked.get("hub.mode", "")
    if mode == "denied":
        return await _denied(connection, row, asked.get("hub.reason", ""), now)
    challenge = asked.get("hub.challenge", "")
    expected = row.pending is not None and row.pending_until is not None and now <= row.pending_until
    if not expected or mode != row.pending or not 0 < len(challenge) <= LONGEST_CHALLENGE:
        return UNKNOWN
    if mode == Pending.UNSUBSCRIBE:
        await store.remove(connection, row.push_id)
        log.info("push_left", source=row.source_id, hub=row.hub)
        return Answer(VerifyOutcome.CONFIRMED, challenge)
    given = _lease(asked.get("hub.lease_seconds", ""), lease)
    if given is None:
        return UNKNOWN
    await _confirm(connection, row, now, given)
    return Answer(VerifyOutcome.CONFIRMED, challenge)


async def _confirm(connection: AsyncConnection, row: Subscription, now: datetime, lease: timedelta) -> None:
    await store.note(
        connection, row.push_id, state=State.ACTIVE, pending=None, pending_until=None, tries=0,
        lease_until=now + lease, next_try=now + lease * RENEWED_AT,
    )  # fmt: skip
    log.info("push_verified", source=row.source_id, hub=row.hub, topic=row.topic, lease_until=now + lease)


async def _denied(connection: AsyncConnection, row: Subscription, reason: str, now: datetime) -> Answer:
    log.warning("push_denied", source=row.source_id, hub=row.hub, topic=row.topic, reason=reason[:300])
    if row.state is State.LEAVING:
        await store.remove(connection, row.push_id)
    else:
        await store.note(
            connection, row.push_id, state=State.DENIED, pending=None, pending_until=None, proven=False,
            lease_until=None, next_try=now + DENIED_WAIT,
        )  # fmt: skip
    return Answer(VerifyOutcome.DENIED)


def _lease(text: str, asked: timedelta) -> timedelta | None:
    """The lease that a hub gives, None where it cannot be one."""
    if not text:
        return asked
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        return None
    given = timedelta(seconds=int(text))
    return min(given, LONGEST_LEASE) if given >= SHORTEST_LEASE else None
