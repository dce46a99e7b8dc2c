"""When sources are due: deterministic, with jitter, and never sooner than a server asks."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.plan.budget import UNKNOWN, Budget
from services.fetcher.plan.rhythm import Rhythm, begun
from services.fetcher.plan.schedule import (
    LONGEST_WAIT,
    SHORTEST_WAIT,
    Decider,
    Plan,
    Schedule,
    freshness,
    http_date,
    retry_after,
)
from services.fetcher.sources import Source

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
TEN = timedelta(minutes=10)
PLAN = Plan(TEN, 0.05, timedelta(minutes=1))
NONE = timedelta()


def source(number: int) -> Source:
    return Source(id=f"s{number}", name="S", url="https://e.test/")


def test_first_polls_are_spread_and_planned_alike_every_time() -> None:
    planned = [PLAN.first(source(number), NOW) for number in range(200)]
    assert planned == [PLAN.first(source(number), NOW) for number in range(200)]
    assert all(NOW <= moment < NOW + timedelta(minutes=1) for moment in planned)
    assert len({int((moment - NOW).total_seconds()) // 10 for moment in planned}) == 6


def test_success_keeps_the_interval_but_for_a_little_wandering() -> None:
    waits = [PLAN.after_success(source(number), NOW, NONE) - NOW for number in range(200)]
    assert all(TEN * 0.95 <= wait <= TEN * 1.05 for wait in waits) and len(set(waits)) > 150
    assert Plan(TEN, 0.0).after_success(source(1), NOW, NONE) == NOW + TEN
    assert PLAN.after_success(source(1), NOW, timedelta(hours=3)) == NOW + timedelta(hours=3)


def test_back_off_grows_with_full_jitter_up_to_a_day() -> None:
    for failures in (1, 2, 5, 20, 1_000_000):
        waits = [PLAN.after_failure(source(number), NOW, failures, NONE) - NOW for number in range(300)]
        most = min(LONGEST_WAIT, TEN * 2 ** min(failures, 30))
        assert all(TEN <= wait <= most for wait in waits)
        assert max(waits) > most * 0.9 and min(waits) < TEN + (most - TEN) * 0.1
    assert PLAN.after_failure(source(1), NOW, 1, timedelta(hours=5)) == NOW + timedelta(hours=5)


def test_a_source_may_have_its_own_interval() -> None:
    slow = Source(id="slow", name="S", url="https://e.test/", interval=timedelta(days=2))
    assert PLAN.after_failure(slow, NOW, 3, NONE) == NOW + timedelta(days=2)


# -- by rhythm ----------------------------------------------------------------------------------------------------


def published(count: int, *, days: float = 10) -> Rhythm:
    """Of a source with so many entries, evenly over the last days."""
    return begun([NOW - timedelta(days=days) * (number + 1) / count for number in range(count)], NOW)


def budget(polls: float = 24, **roots: float) -> Budget:
    made = Budget(polls)
    for name, root in roots.items():
        made.note(name, root)
    return made


COUNTS = st.integers(1, 3_000)
A_MOMENT = timedelta(milliseconds=1)
FLOORS = st.floats(0, 100_000).map(lambda seconds: timedelta(seconds=seconds))


@given(COUNTS, st.floats(0, 3_000), st.integers(0, 10_000), st.floats(1, 400))
def test_more_rate_is_never_polled_later(count: int, more: float, minute: int, polls: float) -> None:
    now, one, rhythm = NOW + timedelta(minutes=minute), source(1), published(count)
    waits = []
    for known in (rhythm, replace(rhythm, entries=rhythm.entries + more)):
        plan = Plan(budget=budget(polls, other=3.0))
        waits.append(plan.after_success(one, now, NONE, plan.usual(one, now, known)) - now)
    assert SHORTEST_WAIT <= waits[1] <= waits[0] + A_MOMENT and waits[0] <= LONGEST_WAIT


@given(COUNTS, FLOORS, st.integers(0, 40), st.floats(1, 16))
def test_floors_always_win(count: int, floor: timedelta, failures: int, heat: float) -> None:
    plan, one = Plan(budget=budget(other=3.0)), source(1)
    usual = plan.usual(one, NOW, published(count), heat)
    assert plan.after_success(one, NOW, floor, usual) - NOW >= floor
    assert plan.after_failure(one, NOW, failures, floor, usual) - NOW >= max(floor, usual)
    assert plan.after_success(one, NOW, floor, usual) == plan.after_success(one, NOW, floor, usual)


def test_the_budget_is_what_is_spent() -> None:
    """Polled by their plan for a week, sources of very different rates use the polls that the operator allows."""
    plan = Plan(jitter=0.05, budget=Budget(polls=30))
    rhythms = {f"s{number}": published(number * number + 1) for number in range(12)}
    sources = {name: source(int(name[1:])) for name in rhythms}
    for name, one in sources.items():
        plan.usual(one, NOW, rhythms[name])
    queue, polls, end = Schedule(), dict.fromkeys(sources, 0), NOW + timedelta(days=7)
    for name in sources:
        queue.put(name, NOW)
    while (now := queue.next_due()) is not None and now < end:
        for name, _ in list(queue.take_due(now)):
            polls[name] += 1
            rhythm = replace(rhythms[name], at=now.timestamp())  # as if its rate never changed
            queue.put(name, plan.after_success(sources[name], now, NONE, plan.usual(sources[name], now, rhythm)))
    assert sum(polls.values()) == pytest.approx(12 * 7 * 30, rel=0.02)
    ratio = polls["s11"] / polls["s3"]
    assert ratio == pytest.approx(math.sqrt(rhythms["s11"].rate(NOW) / rhythms["s3"].rate(NOW)), rel=0.05)


def test_weight_and_heat_count_inside_the_root() -> None:
    plan = Plan(budget=budget(other=3.0, s1=3.0))
    rhythm, amount = published(100), plan.budget.amount
    plain = rhythm.curve(NOW).reach(NOW, amount, LONGEST_WAIT)
    heavy = Source(id="s1", name="S", url="https://e.test/", weight=4.0)
    assert Plan(budget=budget(other=3.0)).usual(source(1), NOW, rhythm, 16.0) == pytest.approx(plain / 4, rel=0.3)
    spent = {one.weight: Plan(budget=budget(s2=3.0, s3=3.0)).usual(one, NOW, rhythm) for one in (source(1), heavy)}
    assert spent[4.0] < spent[1.0]


def test_a_stated_interval_is_kept_whatever_the_source_publishes() -> None:
    plan = Plan(jitter=0.0, budget=budget(other=3.0))
    stated = Source(id="s1", name="S", url="https://e.test/", interval=timedelta(seconds=30))
    assert plan.usual(stated, NOW, published(3_000), heat=16.0) == timedelta(seconds=30)
    assert plan.after_success(stated, NOW, NONE, plan.usual(stated, NOW)) == NOW + timedelta(seconds=30)
    assert plan.budget.amount == pytest.approx(3.0 / 24)  # it takes no part


def test_the_budget_forgets_who_left_and_adds_up_over_many_notes() -> None:
    made = Budget(24)
    assert made.amount == UNKNOWN / 24
    for turn in range(1_000):
        made.note(f"s{turn % 7}", 0.1 * (turn % 13))
    last = {f"s{turn % 7}": 0.1 * (turn % 13) for turn in range(1_000)}
    assert made.amount == pytest.approx(sum(last.values()) / 7 / 24)
    made.drop("s3")
    made.drop("never there")
    del last["s3"]
    assert made.amount == pytest.approx(sum(last.values()) / 6 / 24)


def test_what_decided_is_told() -> None:
    plan, one = Plan(), source(1)
    hour, week = timedelta(hours=1), timedelta(days=7)
    assert plan.decider(one, hour, NONE, 0) is Decider.RHYTHM
    assert plan.decider(one, hour, NONE, 0, heat=8.0) is Decider.HOT_STORY
    assert plan.decider(one, hour, hour, 0) is Decider.SERVER
    assert plan.decider(one, 2 * hour, hour, 0) is Decider.RHYTHM
    assert plan.decider(one, 2 * hour, hour, 3) is Decider.BACK_OFF
    assert plan.decider(one, week, week, 1) is Decider.GONE
    assert Plan(hour).decider(one, hour, NONE, 0) is Decider.STATED


def test_the_queue_gives_out_what_is_due_in_order_and_once() -> None:
    queue = Schedule()
    for name, minutes in (("b", 2), ("a", 1), ("c", 9), ("d", 1)):
        queue.put(name, NOW + timedelta(minutes=minutes))
    queue.put("b", NOW + timedelta(minutes=3))
    queue.drop("d")
    assert queue.next_due() == NOW + timedelta(minutes=1)
    taken = list(queue.take_due(NOW + timedelta(minutes=5)))
    assert taken == [("a", NOW + timedelta(minutes=1)), ("b", NOW + timedelta(minutes=3))]
    assert queue.next_due() == NOW + timedelta(minutes=9)
    assert "a" not in queue and "c" in queue


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": "public, MAX-AGE = 600"}, 600),
        ({"cache-control": "s-maxage=900, max-age=600", "age": "100"}, 500),
        ({"cache-control": "max-age=600", "age": "9999"}, 0),
        ({"cache-control": "max-age=600, no-cache"}, 0),
        ({"cache-control": "no-store"}, 0),
        ({"cache-control": "max-age=99999999"}, 86_400),
        ({"expires": "Tue, 18 Mar 2025 13:00:00 GMT", "date": "Tue, 18 Mar 2025 12:00:00 GMT"}, 3_600),
        ({"expires": "0", "date": "Tue, 18 Mar 2025 12:00:00 GMT"}, 0),
        ({"expires": "Tue, 18 Mar 2025 13:00:00 GMT"}, 0),
    ],
)
def test_freshness(headers: dict[str, str], seconds: int) -> None:
    assert freshness(headers).total_seconds() == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"retry-after": "120"}, 120),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, 0),
        ({"retry-after": "999999999"}, 86_400),
        ({"retry-after": "Tue, 18 Mar 2025 12:05:00 GMT"}, 300),
        ({"retry-after": "Tuesday, 18-Mar-25 12:05:00 GMT"}, 300),
        ({"retry-after": "Tue Mar 18 12:05:00 2025"}, 300),
        ({"retry-after": "Tue, 18 Mar 2025 12:05:00 GMT", "date": "Tue, 18 Mar 2025 12:04:00 GMT"}, 60),
        ({"retry-after": "Tue, 18 Mar 2025 11:00:00 GMT"}, 0),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: int) -> None:
    assert retry_after(headers, NOW).total_seconds() == seconds


def test_an_http_date_is_bounded() -> None:
    assert http_date("9" * 100_000) is None
