"""Permanent redirects: remembered after a quarantine, asked about again, forgotten when they lead nowhere.

A hotel's login page and a broken proxy answer 301, too, so a target is remembered only when it was seen to be a feed
for seven days and five times, by permanent redirects alone (301, 308) at every hop. `http` to `https` of the same host
and path is remembered at once. 302, 303 and 307 are never remembered: they say so themselves (RFC 9110 section 15.4).

A remembered target is asked in place of the source's own address. Once a week the own address is asked again: where it
does not lead to the target any more, that counts. A target that fails for good (404, 410, no feed) or three times in a
row is forgotten, and the own address is asked next. Story time throughout.

Left out on purpose: changing the address in the sources file (that is the operator's; the event tells it).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from services.fetcher.store import SourceState
from shared.events import CheckOutcome
from shared.http import Response

PERMANENT = frozenset({301, 308})
QUARANTINE = timedelta(days=7)
SIGHTINGS = 5
RECHECK = timedelta(days=7)
FAILURES = 3
"""In a row, at a remembered target, before it is forgotten; those of `FOR_GOOD` at once."""

FOR_GOOD = frozenset({CheckOutcome.CLIENT_ERROR, CheckOutcome.GONE, CheckOutcome.NOT_A_FEED})
BEARABLE = frozenset({CheckOutcome.THROTTLED, CheckOutcome.ROBOTS_DENIED})
"""Outcomes that say nothing against the target."""


def address_of(state: SourceState, now: datetime) -> str:
    """Where to ask: the remembered target, but for the weekly look at the source's own address."""
    if not state.moved or state.moved_to is None:
        return state.url
    return state.url if state.moved_asked is None or now - state.moved_asked >= RECHECK else state.moved_to


def target_of(asked: str, response: Response) -> str | None:
    """Where permanent redirects alone led from `asked`; None where there was none, or another kind among them."""
    if not response.hops or any(hop.status not in PERMANENT for hop in response.hops):
        return None
    downgraded = urlsplit(asked).scheme == "https" and urlsplit(response.url).scheme == "http"
    return None if downgraded else response.url


def sighted(state: SourceState, asked: str, response: Response, now: datetime) -> SourceState:
    """The state after a good answer to a request to `asked`: one sighting more of where it led, or of nothing."""
    if asked != state.url:
        return state
    target = target_of(asked, response)
    if target is None:
        return stayed(state)
    if target != state.moved_to:
        state = replace(stayed(state), moved_to=target, moved_since=now)
    seen = state.moved_seen + 1
    proven = seen >= SIGHTINGS and state.moved_since is not None and now - state.moved_since >= QUARANTINE
    moved = state.moved or proven or is_upgrade(asked, target)
    return replace(state, moved=moved, moved_seen=seen, moved_asked=now)


def failed_at(state: SourceState, asked: str, outcome: CheckOutcome, now: datetime) -> SourceState:
    """The state after a bad answer to a request to `asked`. `failures` still counts those before."""
    if not state.moved or outcome in BEARABLE:
        return state
    if asked == state.url:  # the weekly look: the old place may well be gone
        return replace(state, moved_asked=now)
    if outcome in FOR_GOOD or state.failures + 1 >= FAILURES:
        return stayed(state)
    return state


def stayed(state: SourceState) -> SourceState:
    """Nothing remembered, no target in quarantine."""
    return replace(state, moved=False, moved_to=None, moved_since=None, moved_seen=0, moved_asked=None)


def is_upgrade(url: str, target: str) -> bool:
    """Whether only the scheme (and with it the port) changed, from `http` to `https`."""
    old, new = urlsplit(url), urlsplit(target)
    same = (old.hostname, old.path, old.query) == (new.hostname, new.path, new.query)
    return same and (old.scheme, new.scheme) == ("http", "https")
