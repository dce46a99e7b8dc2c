"""When sources are due: deterministic, with jitter, and never sooner than a server asks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.fetcher.schedule import LONGEST_WAIT, Plan, Schedule, freshness, http_date, retry_after
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
