"""How a source is, beyond one check: the conditions that its event tells. Pure; never mixed into content.

Silence is told only of a source that is read well, so a broken fetch is never called silence. It is silence against the
source itself: longer than a day and than ten of its usual gaps between news, where time passes as the source publishes
(`Rhythm.waited`): a weekend is no silence of a source that rests on weekends, a quiet Monday is. The usual gap is the
longer of that between polls with news, which knows of news that comes in bunches, and that between the entries which
its rhythm lets expect.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from services.fetcher.plan.rhythm import unpacked
from services.fetcher.poll.after import Check, is_stopped, waited
from services.fetcher.poll.poll import GOOD
from services.fetcher.store import SourceState
from shared import ids
from shared.events import CheckOutcome, Condition, SourceChecked

FAILING = 3
"""Failures in a row."""

GAPS, SHORTEST_SILENCE = 10, timedelta(days=1)
"""A source that publishes at random would be quiet for ten of its mean gaps once in 22,000 (e^-10); a day covers the
night."""


def checked(check: Check, state: SourceState, due: datetime) -> SourceChecked:
    """The event of a check that left the source in `state`; `due` is when it was due, which gives the event its id."""
    polled = check.polled
    return SourceChecked(
        id=ids.source_check(check.source.id, due),
        observed=check.now,
        source=check.source.facts(),
        due=due,
        outcome=polled.outcome,
        detail=polled.detail[:300],
        status=polled.status,
        entries=len(polled.feed.entries) if polled.feed else 0,
        new_entries=len(check.found),
        failures=state.failures,
        next_due=None if is_stopped(state) else state.next_due,
        conditions=conditions(check, state),
        moved_to=(state.moved_to or "") if state.moved else "",
        language=state.other_language or state.language or "",
    )


def conditions(check: Check, state: SourceState) -> tuple[Condition, ...]:
    """What holds after `check`, which left the source in `state`."""
    return tuple(condition for condition, holds in RULES if holds(check, state))


def is_silent(check: Check, state: SourceState) -> bool:
    """Whether the source is read well and has been quiet for too long."""
    if check.polled.outcome not in GOOD or state.last_fresh is None:
        return False
    usual = _usual(state, state.last_fresh)
    if usual is None or check.now - state.last_fresh <= SHORTEST_SILENCE:
        return False
    return waited(state, check.now) > GAPS * usual


def _usual(state: SourceState, last: datetime) -> timedelta | None:
    """The gap to be expected by what was known of the source when the last news came: silence itself must not make it a
    source of which little is expected. None where too little is known."""
    rhythm, gap = unpacked(state.rhythm), timedelta(seconds=state.gap or 0)
    if rhythm is None or (state.gap is None and rhythm.entries < GAPS):
        return gap or None
    return max(gap, timedelta(days=1) / rhythm.rate(last))


Rule = Callable[[Check, SourceState], bool]

RULES: tuple[tuple[Condition, Rule], ...] = (
    (Condition.SILENT, is_silent),
    (Condition.FAILING, lambda _check, state: state.failures >= FAILING),
    (Condition.BLOCKED, lambda check, _state: check.polled.wall is not None),
    (Condition.ROBOTS_DENIED, lambda check, _state: check.polled.outcome is CheckOutcome.ROBOTS_DENIED),
    (Condition.MOVED, lambda _check, state: state.moved),
    (Condition.GONE, lambda _check, state: state.gone > 0),
    (Condition.LYING_VALIDATORS, lambda _check, state: state.doubt > 0),
    (Condition.TURNED_INTO_PAGE, lambda check, state: _is_page(check) and state.last_worked is not None),
    (Condition.LANGUAGE_CHANGED, lambda _check, state: state.other_language is not None),
)


def _is_page(check: Check) -> bool:
    return check.polled.page and check.polled.wall is None
