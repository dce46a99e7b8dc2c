"""Lanes: whose turn it is, how many may fly, and what a lane in trouble may not do to the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.notifier.breaker import Breaker
from services.notifier.deliver import Target
from services.notifier.fan_out import stored
from services.notifier.lanes import AHEAD, Bucket, Flight, Lane, Lanes
from services.notifier.store import Delivery
from shared.lease import Lease
from tests.fakes.alerts import alert

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ALERT = stored(alert(), "")


def lane(name: str, *, in_flight: int = 4, rate: float | None = None, failures: int = 0) -> Lane:
    lease = Lease("subscription", name, "me", 1, NOW + timedelta(hours=1))
    return Lane(Target(name, "http://a.example/", (), 15.0), in_flight, lease, timedelta(seconds=20),
                Breaker(name), bucket=Bucket(rate) if rate else None, failures=failures)  # fmt: skip


def lanes_of(*lanes: Lane, most: int = 100, each: int = 0) -> Lanes:
    made = Lanes(most)
    for one in lanes:
        made.open(one)
        for number in range(each):
            assert made.offer(delivery(one.id, number))
    return made


def delivery(name: str, number: int) -> Delivery:
    return Delivery(f"{name}-{number}", name, number, attempts=0, expires=NOW + timedelta(days=1), alert=ALERT)


def take_all(lanes: Lanes, now: datetime = NOW) -> list[Flight]:
    taken = []
    while (flight := lanes.take(now)) is not None:
        taken.append(flight)
    return taken


def land_all(lanes: Lanes, flights: list[Flight], *, healthy: bool = True) -> None:
    for flight in flights:
        lanes.land(flight, healthy=healthy)
        lanes.recorded(flight.delivery)


def test_the_window_opens_with_good_answers_and_closes_with_a_bad_one() -> None:
    lanes = lanes_of(lane("a", in_flight=4), each=30)
    sizes = []
    for healthy in (True, True, True, False, True):
        flights = take_all(lanes)
        sizes.append(len(flights))
        land_all(lanes, flights, healthy=healthy)
    assert sizes == [1, 2, 4, 4, 1]


def test_turns_go_round() -> None:
    lanes = lanes_of(lane("a"), lane("b"), lane("c"), each=2)
    assert [flight.delivery.id for flight in take_all(lanes)] == ["a-0", "b-0", "c-0"]


def test_deliveries_of_a_lane_go_in_order() -> None:
    lanes = lanes_of(lane("a"), each=10)
    seen = []
    while flights := take_all(lanes):
        seen += [flight.delivery.id for flight in flights]
        land_all(lanes, flights)
    assert seen == [f"a-{number}" for number in range(10)] and not lanes.busy


def test_lanes_in_trouble_use_at_most_half() -> None:
    bad = [lane(f"bad{number}", failures=3) for number in range(20)]
    good = [lane(f"good{number}") for number in range(20)]
    lanes = lanes_of(*bad, *good, most=10, each=3)
    flights = take_all(lanes)
    assert sum(flight.troubled for flight in flights) == 5 and len(flights) == 10


def test_hanging_receivers_leave_the_other_half_alone_for_ever() -> None:
    bad = [lane(f"bad{number}") for number in range(50)]
    good = lane("good")
    lanes = lanes_of(*bad, most=20, each=20)
    while not all(one.troubled for one in bad):
        land_all(lanes, take_all(lanes), healthy=False)
    take_all(lanes)  # from here on they hang
    lanes.open(good)
    for number in range(30):
        assert lanes.offer(delivery("good", number))
        flights = [flight for flight in take_all(lanes) if flight.lane is good]
        assert flights, number
        land_all(lanes, flights)


def test_a_lane_that_recovers_leaves_the_trouble() -> None:
    one = lane("a", failures=5)
    lanes = lanes_of(one, each=3)
    (flight,) = take_all(lanes)
    assert flight.troubled
    land_all(lanes, [flight])
    flights = take_all(lanes)
    assert flights and not any(flight.troubled for flight in flights)
    land_all(lanes, flights)
    assert lanes.flying == 0


def test_a_rate_spaces_requests_after_the_first_burst() -> None:
    one = lane("a", in_flight=64, rate=2.0)
    one.window = 64
    lanes = lanes_of(one, each=40)
    taken: list[float] = []
    for tick in range(100):
        now = NOW + timedelta(seconds=tick / 10)
        flights = take_all(lanes, now)
        taken += [tick / 10] * len(flights)
        land_all(lanes, flights)
    assert taken[0] == 0 and 19 <= len(taken) <= 21
    assert lanes.next_moment() is not None


def test_a_hold_stops_the_lane_until_its_time() -> None:
    lanes = lanes_of(lane("a"), lane("b"), each=2)
    flights = take_all(lanes)
    for flight in flights:
        lanes.land(flight, healthy=True, hold_until=NOW + timedelta(seconds=90) if flight.lane.id == "a" else None)
    assert {flight.lane.id for flight in take_all(lanes)} == {"b"}
    assert lanes.next_moment() == NOW + timedelta(seconds=90)
    assert {flight.lane.id for flight in take_all(lanes, NOW + timedelta(seconds=90))} == {"a"}


def test_nothing_starts_that_would_outlast_the_lease() -> None:
    one = lane("a")
    lanes = lanes_of(one, each=1)
    one.lease = Lease("subscription", "a", "me", 1, NOW + timedelta(seconds=20))
    assert not take_all(lanes)
    one.lease = Lease("subscription", "a", "me", 1, NOW + timedelta(seconds=60))
    lanes.revive(one)
    assert take_all(lanes)


def test_what_is_too_much_waits_in_sql_and_keeps_the_order() -> None:
    one = lane("a")
    lanes = lanes_of(one, each=AHEAD)
    assert one.room == 0 and lanes.offer(delivery("a", AHEAD)) and one.more
    land_all(lanes, take_all(lanes))
    assert lanes.offer(delivery("a", AHEAD + 1)) and f"a-{AHEAD + 1}" not in one.in_hand
    while not lanes.hungry():
        land_all(lanes, take_all(lanes))
    lanes.reading(one)
    lanes.fill(one, [delivery("a", AHEAD), delivery("a", AHEAD + 1)], more=False)
    seen = []
    while flights := take_all(lanes):
        seen += [flight.delivery.sequence for flight in flights]
        land_all(lanes, flights)
    assert seen == sorted(seen) and seen[-1] == AHEAD + 1 and not lanes.busy


def test_what_is_done_while_sql_is_read_is_not_sent_again() -> None:
    one = lane("a")
    lanes = lanes_of(one, each=1)
    flights = take_all(lanes)
    lanes.reading(one)
    land_all(lanes, flights)
    lanes.fill(one, [delivery("a", 0)], more=False)
    assert not take_all(lanes) and not lanes.busy


def test_what_comes_while_sql_is_read_is_not_forgotten() -> None:
    one = lane("a")
    one.more = True
    lanes = lanes_of(one)
    lanes.reading(one)
    assert lanes.offer(delivery("a", 0))
    lanes.fill(one, [], more=False)
    assert one.more and lanes.hungry() == [one]


def test_a_dropped_lane_sends_nothing_more_and_its_flights_land() -> None:
    lanes = lanes_of(lane("a"), each=5)
    flights = take_all(lanes)
    assert lanes.drop("a") is not None and lanes.drop("a") is None
    assert not lanes.offer(delivery("a", 9)) and not lanes.busy
    land_all(lanes, flights)
    assert not take_all(lanes) and lanes.flying == 0


@given(
    most=st.integers(1, 30),
    moves=st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 3)), max_size=120),
)
def test_no_history_breaks_the_bounds_or_loses_a_delivery(most: int, moves: list[tuple[int, bool, int]]) -> None:
    lanes = lanes_of(*(lane(str(number), in_flight=1 + number % 4) for number in range(10)), most=most)
    offered, flying, seen = 0, [], []
    for name, healthy, count in moves:
        for _ in range(count):
            lanes.offer(delivery(str(name), offered))
            offered += 1
        flying += take_all(lanes)
        assert len(flying) == lanes.flying <= most
        assert sum(flight.troubled for flight in flying) <= max(1, most // 2)
        if flying:
            landed = flying.pop(name % len(flying))
            seen.append(landed.delivery.id)
            land_all(lanes, [landed], healthy=healthy)
    while flying or (flying := take_all(lanes)):
        seen += [flight.delivery.id for flight in flying]
        land_all(lanes, flying)
        flying = take_all(lanes)
    assert len(seen) == len(set(seen)) == offered and not lanes.busy
