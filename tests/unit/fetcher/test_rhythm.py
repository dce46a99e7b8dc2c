"""What a source's past says of its next entry: laws of the rate, the week and the integral."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.plan.rhythm import (
    PRIOR_DAYS,
    PRIOR_ENTRIES,
    RATE_DAYS,
    WEEK_HOURS,
    Curve,
    Rhythm,
    begun,
    learned,
    looked,
    shares,
    smoothed,
    unpacked,
)

NOW = datetime(2025, 3, 18, 12, 30, tzinfo=UTC)
"""A Tuesday."""

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
MONDAY = datetime(2025, 3, 3, tzinfo=UTC)
SPANS = st.floats(0, 40).map(lambda days: timedelta(days=days))
DATES = st.lists(st.one_of(st.none(), SPANS.map(lambda span: NOW - span)), max_size=60)
CURVES = st.lists(st.floats(0.05, 30), min_size=WEEK_HOURS, max_size=WEEK_HOURS).map(Curve)
AMOUNTS = st.floats(0.001, 5)


def every(hours: float, days: float, until: datetime = NOW) -> list[datetime | None]:
    count = int(days * 24 / hours)
    return [until - timedelta(hours=hours) * number for number in range(count)]


def watched(days: float, hours: float, start: datetime = NOW) -> Rhythm:
    """A source looked at every six hours that publishes evenly."""
    rhythm = begun([], start)
    for step in range(1, int(days * 4) + 1):
        now = start + timedelta(hours=6 * step)
        rhythm = learned(rhythm, [now - timedelta(hours=hours * n) for n in range(int(6 / hours))], now)
    return rhythm


def test_of_a_source_nobody_has_seen_five_entries_a_day_are_expected() -> None:
    assert begun([], NOW).rate(NOW) == pytest.approx(PRIOR_ENTRIES / PRIOR_DAYS) == 5


def test_the_rate_is_the_number_of_fourteen_days_and_a_little_prior() -> None:
    quiet, busy = watched(90, 6), watched(90, 0.25)
    end = NOW + 90 * DAY
    assert quiet.rate(end) == pytest.approx((14 * 4 + 1) / (14 + 0.2), rel=0.02)
    assert busy.rate(end) == pytest.approx((14 * 96 + 1) / (14 + 0.2), rel=0.02)


def test_a_source_that_falls_silent_is_expected_to_publish_less() -> None:
    rhythm = begun(every(1, 5), NOW)
    rates = [rhythm.rate(NOW + number * DAY) for number in range(60)]
    assert rates == sorted(rates, reverse=True) and rates[0] > 20 and rates[-1] < 0.8


def test_the_first_feed_tells_how_busy_the_source_was_before() -> None:
    assert begun(every(1, 3), NOW).rate(NOW) == pytest.approx(24, rel=0.15)
    pinned = [*every(1, 3), NOW - 700 * DAY]
    assert begun(pinned, NOW).rate(NOW) == pytest.approx(24, rel=0.15)
    assert begun([None] * 30, NOW).rate(NOW) == 5
    assert begun([NOW + DAY] * 30, NOW).rate(NOW) == 5


def test_a_look_without_anything_new_changes_nothing() -> None:
    rhythm = begun(every(2, 5), NOW)
    assert looked(rhythm, every(2, 5), [], NOW + DAY) == rhythm
    assert looked(None, every(2, 5), [], NOW) == rhythm


def test_the_week_finds_the_hours_of_a_source_and_stays_flat_without_evidence() -> None:
    assert shares((0.0,) * 24) == [1.0] * 24
    tuesdays: list[datetime | None] = [NOW - week * WEEK + timedelta(minutes=n) for week in range(8) for n in range(30)]
    roots = begun(tuesdays, NOW + HOUR).curve(NOW + HOUR).roots
    top = 24 + 12
    assert max(range(WEEK_HOURS), key=roots.__getitem__) == top
    assert roots[top] > 1.5 * roots[top + 24] > 3 * roots[top + 12]  # own hour, another day's, the night
    assert roots[top + 1] > roots[top + 3] > roots[top + 4] > 0


@given(st.lists(st.floats(0, 500), min_size=24, max_size=24))
def test_smoothing_keeps_the_sum_and_the_shares_have_the_mean_one(hours: list[float]) -> None:
    soft = smoothed(hours)
    assert math.fsum(soft) == pytest.approx(math.fsum(hours)) and max(soft) <= max(hours) + 1e-9
    assert math.fsum(shares(soft)) == pytest.approx(24) and min(shares(soft)) > 0


@given(DATES, st.lists(SPANS.map(lambda span: NOW + span), min_size=1, max_size=30), SPANS)
def test_one_entry_more_raises_what_is_expected(
    shown: list[datetime | None], came: list[datetime], span: timedelta
) -> None:
    now = NOW + 41 * DAY
    before = begun(shown, NOW)
    less, more = learned(before, came[1:], now), learned(before, came, now)
    assert more.rate(now + span) >= less.rate(now + span)
    hour = int((came[0] - MONDAY) / HOUR) % WEEK_HOURS
    assert more.curve(now).roots[hour] >= less.curve(now).roots[hour]


@given(CURVES, SPANS, SPANS)
def test_the_integral_is_additive(curve: Curve, first: timedelta, second: timedelta) -> None:
    middle, end = NOW + first, NOW + first + second
    parts = curve.integral(NOW, middle) + curve.integral(middle, end)
    assert curve.integral(NOW, end) == pytest.approx(parts, rel=1e-6, abs=1e-6)


@given(CURVES, AMOUNTS)
def test_reach_is_the_inverse_of_the_integral(curve: Curve, amount: float) -> None:
    wait = curve.reach(NOW, amount, 400 * DAY)
    assert curve.integral(NOW, NOW + wait) == pytest.approx(amount, rel=1e-4, abs=1e-6)
    assert curve.reach(NOW, amount * 1.5, 400 * DAY) >= wait
    assert curve.reach(NOW, amount, timedelta(minutes=3)) == min(wait, timedelta(minutes=3))


def test_two_weeks_have_twice_the_integral_of_one() -> None:
    curve = watched(20, 3).curve(NOW)
    assert curve.integral(NOW, NOW + 2 * WEEK) == pytest.approx(2 * 7 * curve.mean, rel=1e-6)


@given(DATES, DATES)
def test_a_restart_changes_nothing(shown: list[datetime | None], came: list[datetime | None]) -> None:
    kept = learned(begun(shown, NOW - 3 * DAY), came, NOW)
    assert unpacked(kept.packed()) == kept
    again = learned(unpacked(kept.packed()) or kept, came, NOW + DAY)
    assert again == learned(kept, came, NOW + DAY)


def test_what_another_version_kept_is_begun_anew() -> None:
    data = begun([], NOW).packed()
    assert len(data) < 150
    assert unpacked(None) is None and unpacked(b"\x02" + data[1:]) is None and unpacked(data[:-1]) is None


def test_entries_fade() -> None:
    rhythm = begun(every(1, 2), NOW)
    later = learned(rhythm, [None], NOW + timedelta(days=RATE_DAYS))
    assert later.entries == pytest.approx(rhythm.entries / math.e + 1)


def test_bare_days_tell_how_much_is_published_and_not_at_which_hour() -> None:
    midnights: list[datetime | None] = [MONDAY + number * DAY for number in range(15)]
    shown = begun(midnights * 4, NOW)
    assert shown.rate(NOW) == pytest.approx(4, rel=0.2) and set(shown.hours) == {0.0} and sum(shown.weekdays) > 30
    today = NOW.replace(hour=0, minute=0)
    came = learned(begun([], NOW - DAY), [today, today - 5 * DAY], NOW)
    assert came.hours[NOW.hour] == pytest.approx(1) and came.hours[0] == 0
    assert sum(came.weekdays) == pytest.approx(1 + math.exp(-5 / 35), rel=0.02)


@given(DATES, SPANS, SPANS)
def test_time_by_the_sources_hours_adds_up_and_a_week_is_a_week(
    shown: list[datetime | None], first: timedelta, second: timedelta
) -> None:
    rhythm = begun(shown, NOW)
    whole, parts = rhythm.waited(NOW, NOW + first + second), rhythm.waited(NOW, NOW + first)
    parts += rhythm.waited(NOW + first, NOW + first + second)
    assert abs(whole - parts) < timedelta(seconds=1)
    assert abs(rhythm.waited(NOW, NOW + timedelta(weeks=3)) - timedelta(weeks=3)) < timedelta(seconds=1)
    assert rhythm.waited(NOW + first, NOW) == timedelta()
