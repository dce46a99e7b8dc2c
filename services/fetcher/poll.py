"""One poll of a source: a conditional request, and exactly one outcome.

Validators go back byte for byte as they came, both of them when both were given; what is absent from a 200 is
forgotten, what a 304 brings anew replaces the old, and nothing is kept of an error. They belong to the address that
gave them: a 304 from somewhere else is not believed. A validator with bytes outside ASCII is not kept, because it
cannot be sent back unchanged.

Left out on purpose: hints inside the feed (`ttl`, `skipHours`), remembering permanent redirects, and the audit of
servers that answer 304 for ever.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.fetcher.pace import Pace
from services.fetcher.parse import Damage, Feed, Unusable, parse_feed
from services.fetcher.schedule import freshness, retry_after
from services.fetcher.sources import Source
from services.fetcher.store import SourceState
from shared.clock import Clock
from shared.events import CheckOutcome
from shared.http import Door, FailureKind, HttpFailure, Limits, Response

ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"

AWAY = 256_000
"""Bytes from which parsing leaves the event loop for a thread (about 3 ms)."""

DEFAULT_PAUSE = timedelta(minutes=1)
"""For a host that answers 429 without saying how long."""

WORKED = frozenset({CheckOutcome.FRESH, CheckOutcome.UNCHANGED, CheckOutcome.NOT_MODIFIED, CheckOutcome.EMPTY})
"""Outcomes that end a row of failures."""

FAILURES = {
    FailureKind.REFUSED: CheckOutcome.REFUSED,
    FailureKind.TOO_LARGE: CheckOutcome.TOO_LARGE,
    FailureKind.BAD_ENCODING: CheckOutcome.BROKEN,
}
"""Failures of the door that are not simply `unreachable`."""


@dataclass(frozen=True, slots=True)
class Polled:
    """What came of a poll. `state` is the source's state with the validators as they are to be kept; `feed` is set
    when the body was read anew; `floor` is the server's wish for the time until the next poll."""

    outcome: CheckOutcome
    state: SourceState
    detail: str = ""
    status: int | None = None
    feed: Feed | None = None
    base: str = ""
    floor: timedelta = timedelta()
    size: int = 0


@dataclass(frozen=True, slots=True)
class Poller:
    """What polling needs. `limits` bound the request, the wait for a turn comes on top."""

    door: Door
    pace: Pace
    real: Clock
    limits: Limits

    async def poll(self, source: Source, state: SourceState) -> Polled:
        """Ask once. Never raises for what a server does."""
        if state.url != source.url:
            state = replace(forgotten(state), url=source.url)
        try:
            response = await self._ask(source, conditions(state))
            if response.status == 304 and response.url != state.validated_url:
                state = forgotten(state)
                response = await self._ask(source, {})
        except HttpFailure as failure:
            outcome = FAILURES.get(failure.kind, CheckOutcome.UNREACHABLE)
            return Polled(outcome, state, detail=f"{failure.kind}: {failure.detail}")
        return await self._judge(source, state, response)

    async def _ask(self, source: Source, headers: Mapping[str, str]) -> Response:
        async with self.pace.turn(source.url, spacing=source.spacing):
            return await self.door.get(source.url, headers={"accept": ACCEPT, **headers}, limits=self.limits)

    async def _judge(self, source: Source, state: SourceState, response: Response) -> Polled:
        now = self.real.now()
        if response.status == 304 and state.validated_url:
            kept = validated(state, response, partly=True)
            return Polled(CheckOutcome.NOT_MODIFIED, kept, status=304, floor=freshness(response.headers))
        if not 200 <= response.status < 300:
            return self._refusal(source, state, response, now)
        return await _read(state, response)

    def _refusal(self, source: Source, state: SourceState, response: Response, now: datetime) -> Polled:
        outcome = outcome_of(response)
        wish = retry_after(response.headers, now)
        if outcome is CheckOutcome.THROTTLED:
            wish = max(wish, freshness(response.headers))
            self.pace.pause(source.url, wish or DEFAULT_PAUSE)
        detail = f"HTTP {response.status}"
        return Polled(outcome, state, detail=detail, status=response.status, floor=wish, size=len(response.body))


def outcome_of(response: Response) -> CheckOutcome:
    """What a status other than success means."""
    if response.status == 429 or (response.status == 503 and "retry-after" in response.headers):
        return CheckOutcome.THROTTLED
    if response.status == 410:
        return CheckOutcome.GONE
    if 400 <= response.status < 500:
        return CheckOutcome.CLIENT_ERROR
    return CheckOutcome.SERVER_ERROR  # a redirect to nowhere and a 304 nobody asked for are a server's mistakes, too


async def _read(state: SourceState, response: Response) -> Polled:
    body_hash = hashlib.blake2b(response.body, digest_size=20).hexdigest()
    kept = validated(state, response)
    facts = {"status": response.status, "floor": freshness(response.headers), "size": len(response.body)}
    if body_hash == state.body_hash:
        return Polled(CheckOutcome.UNCHANGED, kept, **facts)  # type: ignore[arg-type]  # the dict is of these fields
    found = await _parsed(response.body)
    if isinstance(found, Unusable):
        outcome = CheckOutcome.NOT_A_FEED if found.damage is Damage.NOT_A_FEED else CheckOutcome.BROKEN
        return Polled(outcome, state, detail=found.detail, **facts)  # type: ignore[arg-type]
    outcome = CheckOutcome.FRESH if found.entries else CheckOutcome.EMPTY
    kept = replace(kept, body_hash=body_hash)
    return Polled(outcome, kept, feed=found, base=response.url, **facts)  # type: ignore[arg-type]


async def _parsed(body: bytes) -> Feed | Unusable:
    return parse_feed(body) if len(body) < AWAY else await asyncio.to_thread(parse_feed, body)


# -- validators ---------------------------------------------------------------------------------------------------


def conditions(state: SourceState) -> dict[str, str]:
    """The headers of a conditional request, none for a source without validators."""
    named = {"if-none-match": state.etag, "if-modified-since": state.last_modified}
    return {name: value for name, value in named.items() if value}


def forgotten(state: SourceState) -> SourceState:
    """Without validators."""
    return replace(state, etag=None, last_modified=None, validated_url=None, body_hash=None)


def validated(state: SourceState, response: Response, *, partly: bool = False) -> SourceState:
    """With the validators of a good answer; `partly` keeps those that it does not name (a 304)."""
    etag, modified = _kept(response, "etag"), _kept(response, "last-modified")
    if partly:
        etag, modified = etag or state.etag, modified or state.last_modified
    return replace(state, etag=etag, last_modified=modified, validated_url=response.url if etag or modified else None)


def _kept(response: Response, name: str) -> str | None:
    value = response.headers.get(name)
    return value if value and value.isascii() and len(value) <= 1_024 else None
