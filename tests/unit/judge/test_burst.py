"""Bursts: exact tails, the laws of the tests, and what is told of a watch whose clusters multiply."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.judge.burst import LEAST, Profile, Series, add, age, counted, pool, rejected, tail, tried
from services.alerter.judge.memory import Memory
from shared.events import AlertRaised, AlertState, ArticleMatched, Mode
from tests.fakes.judging import tried as told_of
from tests.fakes.small import small

WATCH = "title: The pact\nalerts: [{kind: burst, id: burst, resolve: 6h, cooldown: 0s}]"
DAY = 24 * 60


def exact(count: int, mean: Fraction, size: int) -> float:
    """The upper tail for a whole size, where the terms are fractions."""
    share = mean / (size + mean)
    below = sum(comb(k + size - 1, k) * (1 - share) ** size * share**k for k in range(count))
    return float(1 - below)


@pytest.mark.parametrize("count", [0, 1, 3, 10, 40])
@pytest.mark.parametrize("mean", [Fraction(1, 10), Fraction(2), Fraction(12)])
@pytest.mark.parametrize("size", [1, 2, 7])
def test_the_tail_is_exact(count: int, mean: Fraction, size: int) -> None:
    wanted = exact(count, mean, size)
    assert tail(count, float(mean), size) == pytest.approx(wanted, rel=1e-9, abs=1e-14)


@given(st.integers(0, 60), st.floats(0.01, 50), st.floats(0.2, 50))
def test_more_is_never_more_probable(count: int, mean: float, size: float) -> None:
    assert tail(count + 1, mean, size) <= tail(count, mean, size) + 1e-12


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.001, 0.2))
def test_what_is_rejected_alone_is_rejected_among_others(values: list[float], level: float) -> None:
    bar = rejected(values, 100, level)
    assert all(value <= bar for value in values if value <= level / 100)
    assert bar <= level


def test_benjamini_and_hochberg_step_up() -> None:
    assert rejected([0.01, 0.02, 0.03, 0.5], 4, 0.05) == 0.03
    assert rejected([0.02, 0.5], 4, 0.05) == -1
    assert rejected([], 4, 0.05) == -1


@given(st.permutations(list(range(6))))
def test_the_order_within_a_tick_does_not_matter(order: list[int]) -> None:
    one, other = Series(until=0), Series(until=0)
    for at in range(6):
        add(one, 200, at)
    for at in order:
        add(other, 200, at)
    assert counted(one, 205) == counted(other, 205)


def test_the_day_under_test_is_not_its_own_past() -> None:
    series, profile = Series(until=0), Profile(pool())
    for tick in range(1_000, 1_100):
        add(series, tick)
    age(series, 1_100, profile, 1_000.0)
    assert series.events == 0
    assert counted(series, 1_100)[-1] == 100
    age(series, 1_400, profile, 1_000.0)
    assert series.events > 50


def test_fewer_than_three_are_no_burst() -> None:
    series = Series(until=0)
    add(series, 5_000, LEAST - 1)
    assert list(tried(series, 5_000, pool(), Profile(pool()))) == []


# ---- the kind --------------------------------------------------------------------------------------------------------


def article(number: int, minutes: float, *, source: str = "", **more: object) -> ArticleMatched:
    words = " ".join(f"r{number}x{at}" for at in range(12))
    return small(f"Savez {number}", f"{words} savez.", source=source or f"s{number % 23}", minutes=minutes, **more)  # type: ignore[arg-type]


def ordinary(days: int) -> list[ArticleMatched]:
    """One article every four hours, more or less."""
    dice = random.Random(1)
    return [article(at, at * 240 + dice.uniform(-90, 90)) for at in range(days * 6)]


def burst_of(count: int, start: float, step: float = 4) -> list[ArticleMatched]:
    return [article(10_000 + at, start + at * step) for at in range(count)]


def bursts(matches: list[ArticleMatched], memory: Memory | None = None) -> list[AlertRaised]:
    return told_of(matches, watch=WATCH, memory=memory)


def test_ordinary_days_are_no_burst() -> None:
    assert bursts(ordinary(20)) == []


def test_a_burst_is_told_with_its_figures_and_resolved_when_it_is_over() -> None:
    alerts = bursts(
        [*ordinary(12), *burst_of(12, 12 * DAY), *[article(20_000 + at, 13 * DAY + at * 240) for at in range(6)]]
    )
    first, *updates, last = alerts
    assert first.state is AlertState.OPEN
    assert first.headline == "Burst: “The pact”"
    assert first.extra["clusters"] >= LEAST
    assert first.extra["expected"] < first.extra["clusters"]
    assert first.extra["p"] < first.extra["level"]
    assert first.extra["budget_a_day"] == 0.5
    assert first.extra["told_today"] == 1
    assert {one.state for one in updates} <= {AlertState.UPDATE}
    assert last.state is AlertState.RESOLVED
    assert last.headline == "At rest: Burst: “The pact”"
    assert last.reason.startswith("Nothing more was told of it for 6 hours")
    assert len({one.id for one in alerts}) == 1


def test_copies_and_one_outlet_make_no_burst() -> None:
    text = " ".join(f"rec{at}" for at in range(99)) + " savez"
    copies = [small("Savez", text, source=f"c{at}", minutes=12 * DAY + at * 3) for at in range(30)]
    assert bursts([*ordinary(12), *copies]) == []
    assert bursts([*ordinary(12), *[article(10_000 + at, 12 * DAY + at / 10, source="one") for at in range(30)]]) == []


def test_a_young_watch_says_nothing() -> None:
    assert bursts([*ordinary(2), *burst_of(20, 2 * DAY)]) == []


def test_history_is_not_counted() -> None:
    history = [article(10_000 + at, 12 * DAY + at, mode=Mode.BACKFILL) for at in range(30)]
    assert bursts([*ordinary(12), *history]) == []
