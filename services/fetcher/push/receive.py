"""What a hub pushes (WebSub section 7): its signature over the raw bytes, then the way of a polled body.

A forged or unsigned body is dropped and counted, and its sender hears what it would hear otherwise. A push says
something about its own source only, and is acknowledged when its entries are in the frontier's table: what is then
lost is fetched after a restart.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from services.fetcher.push import metrics, store
from services.fetcher.push.metrics import PushOutcome
from services.fetcher.push.store import State, Subscription
from services.fetcher.push.subscribe import Subscriber
from services.fetcher.read.feed import Feed
from services.fetcher.sources import Source
from services.fetcher.store import Found
from shared import ids
from shared.clock import Clock
from shared.db import Database
from shared.events import CheckOutcome, SourceChecked
from shared.http.decode import BadEncoding, Body, read_codings

log = structlog.get_logger()

LARGEST = 5_000_000
"""Bytes of a body, as sent and decoded: those of a polled feed."""
SAFE = frozenset({"sha256", "sha384", "sha512"})
SIGNATURE = "x-hub-signature"


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a pushed body: how many of its entries were new, None where it could not be read."""

    new: int | None


TakeIn = Callable[[str, bytes], Awaitable[Taken | None]]
"""Source id and decoded body: what came of it, None where the source is not watched now."""


def pushed_check(
    source: Source, feed: Feed, body: bytes, found: Sequence[Found], *, next_due: datetime
) -> SourceChecked:
    """The event of a push that brought something: a check that nobody had planned."""
    observed = found[0].item.observed
    return SourceChecked(
        id=ids.source_push(source.id, body), observed=observed, source=source.facts(), due=observed,
        outcome=CheckOutcome.FRESH, detail="pushed", entries=len(feed.entries), new_entries=len(found),
        next_due=next_due,
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Receiver:
    """Receives pushes. `sha1` lets signatures with SHA-1 count, which some old hubs make."""

    database: Database
    real: Clock
    subscriber: Subscriber
    take_in: TakeIn
    sha1: bool = False

    async def known(self, push_id: str) -> Subscription | None:
        """The subscription of a callback, None where no push may come to it. Raises DatabaseUnavailable."""
        async with self.database.reading() as connection:
            row = await store.found(connection, push_id)
        return row if row is not None and row.state is not State.DENIED else None

    async def receive(self, row: Subscription, headers: Mapping[str, str], body: bytes) -> PushOutcome:
        """Take in what was sent to the callback of `row` (names of headers in lower case). Raises
        DatabaseUnavailable."""
        began = self.real.now()
        outcome, new = await self._received(row, headers, body)
        if outcome is PushOutcome.ACCEPTED:
            metrics.SECONDS.observe(max(0.0, (self.real.now() - began).total_seconds()))
        log.info("push_received", source=row.source_id, outcome=outcome, bytes=len(body), new_entries=new)
        return outcome

    async def _received(self, row: Subscription, headers: Mapping[str, str], body: bytes) -> tuple[PushOutcome, int]:
        if not is_signed(headers.get(SIGNATURE, ""), row.secret, body, sha1=self.sha1):
            return PushOutcome.BAD_SIGNATURE if headers.get(SIGNATURE) else PushOutcome.UNSIGNED, 0
        if not row.is_active(self.real.now()):
            return PushOutcome.NOT_SUBSCRIBED, 0
        decoded = _decoded(headers.get("content-encoding", ""), body)
        taken = await self.take_in(row.source_id, decoded) if decoded is not None else Taken(None)
        if taken is None:
            return PushOutcome.NOT_SUBSCRIBED, 0
        await self.subscriber.pushed(row, readable=taken.new is not None)
        if taken.new is None:
            return PushOutcome.UNUSABLE, 0
        return (PushOutcome.ACCEPTED if taken.new else PushOutcome.NOTHING_NEW), taken.new


def is_signed(header: str, secret: str, body: bytes, *, sha1: bool) -> bool:
    """Whether `header` (`method=hex`, WebSub section 7.1) proves that who wrote `body` knows `secret`."""
    method, _, told = header.strip().partition("=")
    if method not in SAFE and not (sha1 and method == "sha1"):
        return False
    expected = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return hmac.compare_digest(expected.encode(), told.strip().lower().encode("utf-8", "replace"))


def _decoded(coding: str, body: bytes) -> bytes | None:
    """The body without its content coding, None where that cannot be undone within `LARGEST`."""
    try:
        decoder = Body(read_codings([coding]), limit=LARGEST, most_codings=2)
        decoder.feed(body)
        if decoder.full:
            return None
        decoder.finish()
    except BadEncoding:
        return None
    return decoder.value()
