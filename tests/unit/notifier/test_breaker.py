"""The breaker: when it opens, whom it probes, when it closes, and that it forgets nothing that matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.breaker import (
    ENOUGH,
    IN_A_ROW,
    LONGEST_PAUSE,
    Breaker,
    BreakerState,
    Standing,
    pause,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_it_opens_at_the_fifth_failure_in_a_row() -> None:
    breaker = Breaker("a")
    assert [breaker.note(False, NOW) is not None for _ in range(IN_A_ROW)] == [False] * (IN_A_ROW - 1) + [True]
    assert breaker.state(NOW) is BreakerState.OPEN and breaker.standing.opens == 1


def test_failures_counted_before_a_restart_count() -> None:
    breaker = Breaker("a", failures=IN_A_ROW - 1)
    assert breaker.note(False, NOW) is not None


def test_it_opens_when_most_of_the_last_minute_failed() -> None:
    breaker = Breaker("a")
    changes = [breaker.note(number % 3 == 1, after(number)) for number in range(ENOUGH)]
    assert changes[:-1] == [None] * (ENOUGH - 1) and changes[-1] is not None


def test_the_same_share_over_a_longer_time_leaves_it_closed() -> None:
    breaker = Breaker("a")
    assert not any(breaker.note(number % 3 == 0, after(number * 10)) for number in range(100))


def test_half_and_half_leaves_it_closed() -> None:
    breaker = Breaker("a")
    assert not any(breaker.note(number % 2 == 0, after(number)) for number in range(50))


def test_a_probe_closes_it_or_opens_it_for_longer() -> None:
    breaker = Breaker("a", Standing(1, after(10)))
    assert breaker.state(after(9)) is BreakerState.OPEN
    assert breaker.state(after(10)) is BreakerState.HALF_OPEN
    again = breaker.note(False, after(10))
    assert again is not None and again.opens == 2 and breaker.state(after(11)) is BreakerState.OPEN
    assert again.probe_at is not None
    assert breaker.note(True, again.probe_at) == Standing() and breaker.closed


def test_what_fails_late_does_not_move_the_probe() -> None:
    breaker = Breaker("a", Standing(1, after(10)))
    assert breaker.note(False, after(5)) is None and breaker.standing == Standing(1, after(10))


def test_an_answer_that_comes_late_closes_it() -> None:
    breaker = Breaker("a", Standing(1, after(10)))
    assert breaker.note(True, after(5)) == Standing()


def test_after_closing_it_takes_as_many_failures_as_ever() -> None:
    breaker = Breaker("a", Standing(3, NOW))
    breaker.note(True, NOW)
    assert not any(breaker.note(False, after(1)) for _ in range(IN_A_ROW - 1))
    again = breaker.note(False, after(1))
    assert again is not None and again.opens == 1


@given(opens=st.integers(1, 10_000), seed=st.text(max_size=20))
def test_pauses_are_bounded_and_always_the_same(opens: int, seed: str) -> None:
    assert 7.5 <= pause(opens, seed) <= LONGEST_PAUSE
    assert pause(opens, seed) == pause(opens, seed)


def test_pauses_grow() -> None:
    means = [sum(pause(opens, str(seed)) for seed in range(200)) / 200 for opens in range(1, 9)]
    assert means == sorted(means)


@given(moves=st.lists(st.tuples(st.booleans(), st.integers(0, 400)), max_size=200))
def test_a_restart_between_any_two_attempts_keeps_it_open_or_closed(moves: list[tuple[bool, int]]) -> None:
    breaker, now = Breaker("a"), NOW
    for good, seconds in moves:
        now += timedelta(seconds=seconds)
        before = breaker.state(now)
        breaker.note(good, now)
        again = Breaker("a", breaker.standing, breaker.failures)
        assert again.state(now) is breaker.state(now)
        assert breaker.closed or not good
        assert before is not BreakerState.HALF_OPEN or breaker.state(now) is not BreakerState.HALF_OPEN
