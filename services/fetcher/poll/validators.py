"""Validators: ETag and Last-Modified, kept and sent back byte for byte.

Both go back when both were given, since servers exist on which one of them is broken. What is absent from a 200 is
forgotten, what a 304 brings anew replaces the old, and nothing is kept of an error. They belong to the address that
gave them: a 304 from somewhere else is not believed.

Some servers change their ETag on the way out (`"x-gzip"`) and never know it again. Where three conditional requests in
a row brought the same body whole, the date alone is tried once (RFC 9110 section 13.1.3: with an If-None-Match it would
be ignored), and what came of it is remembered as the source's `habit`.

A validator with bytes outside ASCII is not kept: the HTTP library cannot send it back unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from services.fetcher.store import SourceState
from shared.http import Response

LONGEST = 1_024
"""Characters of a validator; a longer one is no validator but a mistake."""

PATIENCE = 3
"""Conditional requests answered with the same body before the date alone is tried (they may be a server that just does
not do conditional requests: then one more request tells)."""

DATE, BOTH = "date", "both"
"""Habits: 304 comes for the date alone; the date alone does no better."""

Headers = Mapping[str, str]


def conditions(state: SourceState) -> dict[str, str]:
    """The headers of a conditional request, none for a source without validators."""
    named = {"if-none-match": state.etag, "if-modified-since": state.last_modified}
    if state.etag and state.last_modified and (state.habit == DATE or _tries_the_date(state)):
        del named["if-none-match"]
    return {name: value for name, value in named.items() if value}


def _tries_the_date(state: SourceState) -> bool:
    return state.habit is None and state.unheeded >= PATIENCE


def forgotten(state: SourceState) -> SourceState:
    """Without validators, and without what was learned about them."""
    return replace(
        state, etag=None, last_modified=None, validated_url=None, body_hash=None, unheeded=0, habit=None,
    )  # fmt: skip


def validated(state: SourceState, response: Response, *, partly: bool = False) -> SourceState:
    """With the validators of a good answer; `partly` keeps those that it does not name (a 304)."""
    etag, modified = kept(response, "etag"), kept(response, "last-modified")
    if partly:
        etag, modified = etag or state.etag, modified or state.last_modified
    return replace(state, etag=etag, last_modified=modified, validated_url=response.url if etag or modified else None)


def heeded(state: SourceState, sent: Headers, response: Response, *, same_body: bool = False) -> SourceState:
    """What the answer to a request with the conditions `sent` says about conditions here. `state` is from before."""
    alone = state.etag is not None and "if-none-match" not in sent and "if-modified-since" in sent
    if response.status == 304:
        habit = DATE if alone and state.habit is None else state.habit
        return replace(state, unheeded=0, habit=habit)
    if not sent or not same_body:
        return state
    habit = BOTH if alone and state.habit is None else state.habit
    return replace(state, unheeded=min(state.unheeded + 1, PATIENCE), habit=habit)


def kept(response: Response, name: str) -> str | None:
    """The validator of that name in an answer, None where there is none to keep."""
    value = response.headers.get(name)
    return value if value and value.isascii() and len(value) <= LONGEST else None
