"""Conditions of a source: what a check and the state it left say beyond the outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.fetcher.plan.budget import Budget
from services.fetcher.plan.schedule import Plan
from services.fetcher.plan.wishes import Caps
from services.fetcher.poll.after import BELIEVED, Check, after
from services.fetcher.poll.health import SHORTEST_SILENCE, checked, conditions
from services.fetcher.poll.poll import Polled
from services.fetcher.read.feed import Feed, FeedEntry
from services.fetcher.sources import Source
from services.fetcher.store import SourceState
from shared.events import CheckOutcome, Condition

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
