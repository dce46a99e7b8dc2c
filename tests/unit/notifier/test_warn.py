"""When a subscription that fails is warned of, and when it is disabled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.warn import END, MARKS, NOTICE, PATIENCE, share_reached

SINCE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "warned", "told"),
    [
        (0, 0, None), (59.9, 0, None), (60, 0, 50), (60, 50, None), (83.9, 50, None), (84, 50, 70), (108, 70, 90),
        (119.9, 90, None), (120, 90, END), (300, 0, 90), (300, 50, 90),
    ],
)  # fmt: skip
def test_each_mark_is_told_once_and_the_end_comes_last(hours: float, warned: int, told: int | None) -> None:
    at = SINCE + timedelta(hours=108) if warned == MARKS[-1] else None
    assert share_reached(SINCE, warned, at, SINCE + timedelta(hours=hours)) == told


@given(waits=st.lists(st.integers(1, 80), max_size=60))
def test_nobody_is_disabled_unwarned_or_too_early(waits: list[int]) -> None:
    now, warned, told_at = SINCE, 0, None
    for hours in waits:
        now += timedelta(hours=hours)
        share = share_reached(SINCE, warned, told_at, now)
        if share == END:
            assert now - SINCE >= PATIENCE and warned == MARKS[-1] and told_at is not None
            assert now - told_at >= NOTICE == timedelta(hours=12)
            return
        if share is not None:
            assert share > warned
            warned, told_at = share, now
