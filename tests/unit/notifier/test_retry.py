"""The retry schedule and what follows from each answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.retry import FEW, STEPS, Answer, Schedule, decide, jitter, read_retry_after
from shared.events import DeliveryOutcome
from shared.http import FailureKind

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@given(seed=st.text(max_size=40))
def test_every_schedule_reaches_over_three_days_and_then_ends(seed: str) -> None:
    waits = [Schedule().wait(retry, seed) or 0.0 for retry in range(1, len(STEPS) + 1)]
    assert 72 * 3600 < sum(waits) < 96 * 3600
    assert Schedule().wait(len(STEPS) + 1, "seed") is None


@given(retry=st.integers(1, len(STEPS)), seed=st.text(max_size=40))
def test_a_wait_lies_around_its_step_and_is_always_the_same(retry: int, seed: str) -> None:
    wait = Schedule().wait(retry, seed)
    assert wait is not None and STEPS[retry - 1] * 0.5 <= wait < STEPS[retry - 1] * 1.5
    assert wait == Schedule().wait(retry, seed)


def test_jitter_spreads_evenly() -> None:
    values = [jitter(str(number), 1) for number in range(4000)]
    assert abs(sum(values) / len(values) - 0.5) < 0.02
    assert min(values) < 0.01 and max(values) > 0.99


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_two_hundreds_are_delivered(status: int) -> None:
    assert decide(Answer(status), number=1, seed="s", now=NOW).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 501, 502, 503, 504, 599])
def test_what_may_pass_uses_the_whole_schedule(status: int) -> None:
    outcomes = [decide(Answer(status), number=number, seed="s", now=NOW).outcome for number in range(1, 13)]
    assert outcomes == [DeliveryOutcome.RETRY] * 11 + [DeliveryOutcome.FAILED]


@pytest.mark.parametrize(
    "status", [100, 199, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 413, 415, 422, 451]
)
def test_what_will_hardly_change_uses_a_few(status: int) -> None:
    outcomes = [decide(Answer(status), number=number, seed="s", now=NOW).outcome for number in range(1, FEW + 2)]
    assert outcomes == [DeliveryOutcome.RETRY] * FEW + [DeliveryOutcome.FAILED]


@pytest.mark.parametrize("kind", [kind for kind in FailureKind if kind is not FailureKind.REFUSED])
def test_no_answer_uses_the_whole_schedule(kind: FailureKind) -> None:
    decision = decide(Answer(failure=kind), number=11, seed="s", now=NOW)
    assert decision.outcome is DeliveryOutcome.RETRY and decision.reason == kind
    assert decide(Answer(failure=kind), number=12, seed="s", now=NOW).outcome is DeliveryOutcome.FAILED


def test_a_refused_address_ends_as_refused() -> None:
    answer = Answer(failure=FailureKind.REFUSED)
    assert decide(answer, number=FEW, seed="s", now=NOW).outcome is DeliveryOutcome.RETRY
    assert decide(answer, number=FEW + 1, seed="s", now=NOW).outcome is DeliveryOutcome.REFUSED


def test_gone_disables() -> None:
    decision = decide(Answer(410), number=1, seed="s", now=NOW)
    assert (decision.outcome, decision.disable, decision.next_attempt) == (DeliveryOutcome.GONE, True, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120), (" 120 ", 120), ("0", 1), ("999999999999", 86_400), ("86400", 86_400),
        ("Tue, 24 Nov 2026 09:02:00 GMT", 120), ("Tue, 24 Nov 2026 10:02:00 +0100", 120),
        ("Tuesday, 24-Nov-26 09:02:00 GMT", 120), ("Tue Nov 24 09:02:00 2026", 120),
        ("Tue, 24 Nov 2026 08:00:00 GMT", 1), ("Tue, 24 Nov 2099 08:00:00 GMT", 86_400),
        ("", None), ("soon", None), ("-5", None), ("1.5", None), ("١٢٠", None), ("9" * 100, None), ("Tue, 99", None),
        ("Tue, 24 Nov 99999 09:02:00 GMT", None), ("0000000000", 1),
    ],
)  # fmt: skip
def test_retry_after_in_both_forms_inside_the_bounds(text: str, seconds: float | None) -> None:
    assert read_retry_after(text, NOW) == seconds


@given(text=st.text(max_size=80))
def test_no_retry_after_surprises_it(text: str) -> None:
    read = read_retry_after(text, NOW)
    assert read is None or 1 <= read <= 86_400


@pytest.mark.parametrize(("status", "held"), [(429, True), (503, True), (500, False), (404, False)])
def test_retry_after_wins_and_holds_the_lane_only_where_it_is_meant_for_all(status: int, held: bool) -> None:
    decision = decide(Answer(status, retry_after="100"), number=1, seed="s", now=NOW)
    assert decision.next_attempt is not None
    assert NOW + timedelta(seconds=100) <= decision.next_attempt <= NOW + timedelta(seconds=110)
    assert decision.hold_until == (decision.next_attempt if held else None)


def test_a_throttle_without_a_time_holds_nothing() -> None:
    assert decide(Answer(429, retry_after="later"), number=1, seed="s", now=NOW).hold_until is None
