"""Conditions of a source: what a check and the state it left say beyond the outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.fetcher.plan.budget import Budget
from services.fetcher.plan.rhythm import begun, learned
from services.fetcher.plan.schedule import Plan
from services.fetcher.plan.wishes import Caps
from services.fetcher.poll.after import BELIEVED, Check, after, taught
from services.fetcher.poll.health import SHORTEST_SILENCE, checked, conditions
from services.fetcher.poll.poll import Polled
from services.fetcher.read.feed import Feed, FeedEntry
from services.fetcher.sources import Source
from services.fetcher.store import Found, Item, SourceState
from shared.events import CheckOutcome, Condition, Entry, Mode

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = Source(id="one", name="One", url="https://one.test/feed", interval=HOUR)
STATE = SourceState(source_id="one", url=SOURCE.url, next_due=NOW, seeded=True, last_worked=NOW, last_fresh=NOW)
PLAN = Plan(timedelta(), 0.0, timedelta(), Budget(96.0))
CAPS = Caps(timedelta(minutes=15), timedelta(hours=8))


def check(outcome: CheckOutcome, state: SourceState = STATE, *, now: datetime = NOW, language: str = "") -> Check:
    feed = Feed(kind="rss", language=language, entries=(FeedEntry(title="a"),)) if language else None
    return Check(SOURCE, state, Polled(outcome, state, feed=feed), (), now)


def told(one: Check) -> tuple[Condition, ...]:
    return conditions(one, after(one, PLAN, CAPS))


@pytest.mark.parametrize("outcome", [CheckOutcome.UNCHANGED, CheckOutcome.NOT_MODIFIED])
def test_silence_is_longer_than_a_day_and_than_ten_usual_gaps(outcome: CheckOutcome) -> None:
    often = replace(STATE, gap=HOUR.total_seconds())
    assert told(check(outcome, often, now=NOW + SHORTEST_SILENCE)) == ()
    assert told(check(outcome, often, now=NOW + SHORTEST_SILENCE + HOUR)) == (Condition.SILENT,)
    seldom = replace(STATE, gap=timedelta(days=1).total_seconds())
    assert told(check(outcome, seldom, now=NOW + timedelta(days=9))) == ()
    assert told(check(outcome, seldom, now=NOW + timedelta(days=11))) == (Condition.SILENT,)


def test_a_broken_fetch_and_a_source_that_never_had_news_are_not_silent() -> None:
    often = replace(STATE, gap=HOUR.total_seconds())
    assert Condition.SILENT not in told(check(CheckOutcome.UNREACHABLE, often, now=NOW + timedelta(days=9)))
    assert told(check(CheckOutcome.UNCHANGED, replace(STATE, last_fresh=None), now=NOW + timedelta(days=9))) == ()


def test_three_failures_in_a_row_are_failing() -> None:
    state = STATE
    for expected in ((), (), (Condition.FAILING,)):
        one = check(CheckOutcome.SERVER_ERROR, state)
        state = after(one, PLAN, CAPS)
        assert conditions(one, state) == expected


def test_another_language_is_told_until_it_is_believed() -> None:
    state = after(check(CheckOutcome.FRESH, language="sr-Latn"), PLAN, CAPS)
    one = check(CheckOutcome.FRESH, state, language="en")
    state = after(one, PLAN, CAPS)
    assert conditions(one, state) == (Condition.LANGUAGE_CHANGED,)
    assert checked(one, state, NOW).language == "en"
    later = check(CheckOutcome.FRESH, state, now=NOW + BELIEVED, language="en")
    assert told(later) == ()
    back = check(CheckOutcome.FRESH, state, language="sr")
    assert told(back) == ()


# -- silence by the source's own rhythm ---------------------------------------------------------------------------

FRIDAY = datetime(2025, 3, 14, 16, tzinfo=UTC)


def office(until: datetime, weeks: int = 8) -> list[datetime | None]:
    """Five entries a working day, at office hours, up to `until`."""
    hours = (until - HOUR * number for number in range(weeks * 7 * 24))
    return [moment for moment in hours if moment.weekday() < 5 and moment.hour in (8, 10, 12, 14, 16)]


def of_an_office(gap: timedelta | None = timedelta(hours=2)) -> SourceState:
    """A source that works in an office, and whose last news came on a Friday afternoon."""
    rhythm = learned(begun([], FRIDAY - timedelta(weeks=8)), office(FRIDAY), FRIDAY)
    seconds = gap.total_seconds() if gap else None
    return replace(STATE, last_fresh=FRIDAY, gap=seconds, rhythm=rhythm.packed())


def is_silent(state: SourceState, at: datetime) -> bool:
    return Condition.SILENT in told(check(CheckOutcome.UNCHANGED, state, now=at))


def found(at: datetime) -> Found:
    entry = Entry(guid="e", link="", title="t")
    return Found(Item(entry_id="e", source=SOURCE.facts(), url="", entry=entry, mode=Mode.LIVE, observed=at, seen=at))


def test_a_weekend_is_no_silence_of_a_source_that_rests_on_weekends() -> None:
    monday = FRIDAY + timedelta(days=2, hours=15)
    assert is_silent(replace(of_an_office(), rhythm=None), monday)  # by its gap alone it would be
    assert not is_silent(of_an_office(), monday)
    assert is_silent(of_an_office(), FRIDAY + timedelta(days=6))


def test_silence_does_not_make_a_source_one_of_which_little_is_expected() -> None:
    weeks = [is_silent(of_an_office(), FRIDAY + timedelta(days=days)) for days in range(6, 200, 7)]
    assert all(weeks)


def test_a_source_that_is_new_to_us_can_fall_silent_by_what_its_feed_showed() -> None:
    busy = begun([NOW - number * HOUR for number in range(48)], NOW)
    state = replace(STATE, gap=None, rhythm=busy.packed())
    assert is_silent(state, NOW + timedelta(days=2)) and not is_silent(state, NOW + timedelta(hours=23))
    little = begun([NOW - HOUR, NOW - 2 * HOUR], NOW)
    assert not is_silent(replace(state, rhythm=little.packed()), NOW + timedelta(days=30))


def test_the_usual_gap_is_counted_in_the_sources_own_hours() -> None:
    before = of_an_office(gap=None)
    monday = FRIDAY + timedelta(days=2, hours=16)
    state = after(Check(SOURCE, before, Polled(CheckOutcome.FRESH, before), (found(monday),), monday), PLAN, CAPS)
    assert state.gap is not None and state.gap < (monday - FRIDAY).total_seconds() / 2


def test_what_a_hub_pushes_is_no_silence() -> None:
    thursday = FRIDAY + timedelta(days=6)
    pushed = taught(of_an_office(), (found(thursday),), thursday)
    assert is_silent(of_an_office(), thursday + HOUR) and not is_silent(pushed, thursday + HOUR)
