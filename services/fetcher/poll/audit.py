"""Servers that answer 304 for ever: audited at most once a day, distrusted when caught, trusted again step by step.

A cache that lost its way answers "not modified" while the feed goes on. So when a source has answered nothing but 304
for longer than a day and ten of its usual gaps, it is asked once without conditions. When that brings entries that it
had kept from us, it is on probation: for two days (twice as long each time it is caught, at most eight) every request
is unconditional; after that conditions are sent again, with an audit a day, and three days without a lie clear it.

New entries alone prove nothing: they may be minutes old. Kept from us was an entry that is dated before our last look,
or has no date, or came with the very validators that we would have sent. Story time throughout; all of it survives a
restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.fetcher.store import SourceState

DAY = timedelta(days=1)
GAPS = 10
"""Of the usual time between two fresh polls."""

CLEAN_DAYS = 3
LONGEST_DISTRUST = timedelta(days=8)


def is_due(state: SourceState, now: datetime) -> bool:
    """Whether to ask without conditions although there are validators."""
    if state.validated_url is None or state.last_read is None or is_distrusted(state, now):
        return False
    if state.failures or (state.audited is not None and now - state.audited < DAY):
        return False  # days of errors are no days of 304: the first good answer is to be asked for with conditions
    return now - state.last_read > patience(state)


def patience(state: SourceState) -> timedelta:
    """How long 304 is believed."""
    usual = timedelta(seconds=state.gap or 0.0)
    return DAY if state.doubt else max(DAY, GAPS * usual)


def is_distrusted(state: SourceState, now: datetime) -> bool:
    """Whether validators are not used for now."""
    return state.distrusted_until is not None and now < state.distrusted_until


def weighed(
    before: SourceState,
    after: SourceState,
    now: datetime,
    *,
    audit: bool,
    asked: bool,
    dates: Sequence[datetime | None],
) -> SourceState:
    """`after`, the state after a good answer, with what the answer says of the server's 304s. `before` is the state
    whose validators could be sent, `audit` and `asked` say whether they were left out or sent, `dates` are those of the
    new entries."""
    if audit:
        return _caught(after, now) if kept_from_us(before, after, dates) else _cleared(after, now)
    honest = asked and dates and (before.audited is None or now - before.audited >= DAY)
    return _cleared(after, now) if honest else after


def kept_from_us(before: SourceState, after: SourceState, dates: Sequence[datetime | None]) -> bool:
    """Whether new entries of these `dates` were there at the last look already."""
    same = (before.etag, before.last_modified) == (after.etag, after.last_modified)
    looked = before.last_checked
    return bool(dates) and (same or any(date is None or looked is None or date < looked for date in dates))


def _caught(state: SourceState, now: datetime) -> SourceState:
    length = min(DAY * 2 ** min(state.lies + 1, 10), LONGEST_DISTRUST)
    return replace(state, lies=state.lies + 1, doubt=CLEAN_DAYS, distrusted_until=now + length)


def _cleared(state: SourceState, now: datetime) -> SourceState:
    if not state.doubt or is_distrusted(state, now):
        return state
    return replace(state, doubt=state.doubt - 1, audited=now)
