"""The state of a source after a check: what is remembered of it, and when it is due again. Pure; story time.

The server's wishes are floors; the feed's own come after them (`wishes`). What it said last holds until it says
something else, also while it answers 304.

410 stops a source: it is asked once a week four times more, then never, until its line in the sources file changes. Any
other failure only pushes the next poll back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.fetcher.entries.discover import FIRST_SIGHT
from services.fetcher.plan import wishes
from services.fetcher.plan.rhythm import learned, looked, unpacked
from services.fetcher.plan.schedule import GONE_WAIT, Plan
from services.fetcher.plan.wishes import Caps
from services.fetcher.poll import audit
from services.fetcher.poll.poll import WORKED, Polled
from services.fetcher.sources import Source
from services.fetcher.store import Found, SourceState
from shared.events import CheckOutcome

GONE_TESTS = 4
"""Times that a source is asked again after its first 410."""

LEARNING = 0.2
"""The share of the newest gap in the usual one."""

BELIEVED = timedelta(days=7)
"""After which another language is the source's."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check and what it found; `before` is the state that it began with, `now` story time, `heat` by how much more
    than usual the source is worth now."""

    source: Source
    before: SourceState
    polled: Polled
    found: tuple[Found, ...]
    now: datetime
    heat: float = 1.0


def after(check: Check, plan: Plan, caps: Caps) -> SourceState:
    """The state to keep."""
    polled, now = check.polled, check.now
    state = replace(polled.state, last_outcome=polled.outcome, last_checked=now, rhythm=_rhythm(check))
    if polled.outcome not in WORKED:
        return _failed(check, state, plan)
    state = replace(state, failures=0, gone=0, last_worked=now, seeded=state.seeded or polled.feed is not None)
    state = _weighed(check, state)
    if polled.feed is not None:
        state = _spoken(replace(state, hints=wishes.kept(polled.feed.hints)), polled.feed.language, now)
    if polled.outcome is CheckOutcome.FRESH:
        state = replace(state, last_fresh=now, gap=_gap(polled.state, now))
    floor = max(polled.floor, _wish(check, state, caps))
    due = plan.after_success(check.source, now, floor, _usual(check, state, plan))
    later = _unskipped(check, state, due, caps)
    return _due(check, state, plan, later, floor if later == due else max(floor, later - now))


def _is_stated(check: Check) -> bool:
    """Whether the operator said how often the source is asked: then the feed's own wishes do not count."""
    return check.source.interval is not None


def _wish(check: Check, state: SourceState, caps: Caps) -> timedelta:
    return timedelta() if _is_stated(check) else wishes.at_least(wishes.restored(state.hints), caps)


def _unskipped(check: Check, state: SourceState, due: datetime, caps: Caps) -> datetime:
    return due if _is_stated(check) else wishes.unskipped(due, wishes.restored(state.hints), caps)


def _gap(state: SourceState, now: datetime) -> float | None:
    """The usual seconds, by the source's own hours, between two polls that brought something new, the last ones
    weighing most. `state` is that of before the second."""
    if state.last_fresh is None:
        return state.gap
    last = waited(state, now).total_seconds()
    return last if state.gap is None else state.gap + LEARNING * (last - state.gap)


def waited(state: SourceState, now: datetime) -> timedelta:
    """How long nothing new has come, by the source's own hours where they are known."""
    if state.last_fresh is None:
        return timedelta()
    rhythm = unpacked(state.rhythm)
    return rhythm.waited(state.last_fresh, now) if rhythm else now - state.last_fresh


def _spoken(state: SourceState, declared: str, now: datetime) -> SourceState:
    """What language the feed says it is in; another one than before is believed after a week."""
    language = declared.replace("_", "-").partition("-")[0].lower()
    if not language or language == state.language:
        return replace(state, other_language=None, other_since=None) if language else state
    if state.language is None or (
        language == state.other_language and state.other_since and now - state.other_since >= BELIEVED
    ):
        return replace(state, language=language, other_language=None, other_since=None)
    since = state.other_since if language == state.other_language else now
    return replace(state, other_language=language, other_since=since)


def _failed(check: Check, state: SourceState, plan: Plan) -> SourceState:
    failures = state.failures + 1
    gone = check.polled.outcome is CheckOutcome.GONE
    floor = max(check.polled.floor, GONE_WAIT if gone else timedelta())
    usual = _usual(check, state, plan)
    due = check.now + GONE_WAIT if gone else plan.after_failure(check.source, check.now, failures, floor, usual)
    state = replace(state, failures=failures, gone=state.gone + 1 if gone else 0)
    return _due(check, state, plan, due, floor)


def _rhythm(check: Check) -> bytes | None:
    """What is known of when the source publishes."""
    feed, known = check.polled.feed, check.polled.state.rhythm
    if feed is None:
        return known
    shown = [entry.published for entry in feed.entries]
    return looked(unpacked(known), shown, _came(check.found), check.now).packed()


def _came(found: Sequence[Found]) -> list[datetime | None]:
    """When new entries were published, as far as they tell. What was there at the first sight of a list is not new."""
    entries = [one.item.entry for one in found]
    return [entry.published for entry in entries if entry.published or FIRST_SIGHT not in entry.flags]


def taught(state: SourceState, found: Sequence[Found], now: datetime) -> SourceState:
    """The state once a hub has pushed entries: its rhythm learns of them, it is not silent; the next poll keeps it."""
    known = unpacked(state.rhythm)
    if known is None:
        return state
    return replace(state, rhythm=learned(known, _came(found), now).packed(), last_fresh=now, gap=_gap(state, now))


def _usual(check: Check, state: SourceState, plan: Plan) -> timedelta:
    return plan.usual(check.source, check.now, unpacked(state.rhythm), check.heat)


def _due(check: Check, state: SourceState, plan: Plan, due: datetime, floor: timedelta) -> SourceState:
    """With the next time, what decided it, and the time before which nothing may bring it forward."""
    decider = plan.decider(check.source, due - check.now, floor, state.failures, check.heat)
    return replace(state, next_due=due, decided_by=decider, not_before=check.now + floor if floor else None)


def _weighed(check: Check, state: SourceState) -> SourceState:
    question = check.polled.question
    if question is None:
        return state
    dates = [one.item.entry.published for one in check.found]
    return audit.weighed(
        check.before, state, check.now, audit=question.audit, asked=bool(question.conditions), dates=dates
    )


def is_stopped(state: SourceState) -> bool:
    """Whether the source is not asked any more."""
    return state.gone > GONE_TESTS
