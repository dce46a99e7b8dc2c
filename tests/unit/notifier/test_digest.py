"""Windows of digests and quiet hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.digest import waits_until, window_end
from services.notifier.subscribe import InvalidSubscription, Limits, Quiet

NIGHT = Quiet(begins="22:00", ends="07:00", zone="Europe/Belgrade")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24 20:59", None), ("2026-11-24 21:00", "2026-11-25 06:00"), ("2026-11-25 03:00", "2026-11-25 06:00"),
        ("2026-11-25 05:59:59", "2026-11-25 06:00"), ("2026-11-25 06:00", None),
        ("2026-07-01 19:59", None), ("2026-07-01 20:00", "2026-07-02 05:00"),
        ("2026-10-24 21:00", "2026-10-25 06:00"), ("2026-03-28 23:00", "2026-03-29 05:00"),
    ],
)  # fmt: skip
def test_quiet_hours_are_those_of_their_zone_also_where_the_clock_changes(now: str, until: str | None) -> None:
    assert waits_until(Limits(quiet=NIGHT), utc(now)) == (utc(until) if until else None)


def test_quiet_hours_within_a_day() -> None:
    noon = Limits(quiet=Quiet(begins="12:00", ends="13:30"))
    assert waits_until(noon, utc("2026-11-24 12:10")) == utc("2026-11-24 13:30")
    assert waits_until(noon, utc("2026-11-24 13:30")) is None


def test_a_digest_that_would_end_in_quiet_hours_comes_after_them() -> None:
    both = Limits(digest=timedelta(hours=6), quiet=NIGHT)
    assert waits_until(both, utc("2026-11-24 19:00")) == utc("2026-11-25 06:00")
    assert waits_until(both, utc("2026-11-24 13:00")) == utc("2026-11-24 18:00")


@given(seconds=st.integers(0, 10**9), minutes=st.integers(1, 10_080))
def test_a_window_ends_later_and_no_later_than_its_length(seconds: int, minutes: int) -> None:
    now, length = utc("2026-01-01 00:00") + timedelta(seconds=seconds), timedelta(minutes=minutes)
    assert now < window_end(now, length) <= now + length
    assert window_end(window_end(now, length) - timedelta(microseconds=1), length) == window_end(now, length)


@pytest.mark.parametrize(
    "quiet",
    [
        Quiet(begins="22", ends="soon"), Quiet(begins="22:00", ends="22:00"), Quiet(begins="25:00", ends="07:00"),
        Quiet(begins="22:00", ends="07:00", zone="Nowhere/At_All"), Quiet(begins="22:00+01:00", ends="07:00"),
        Quiet(begins="22:00", ends="07:00", zone="../etc/passwd"),
    ],
)  # fmt: skip
def test_hours_that_say_nothing_are_refused(quiet: Quiet) -> None:
    with pytest.raises(InvalidSubscription, match="quiet"):
        quiet.check()
