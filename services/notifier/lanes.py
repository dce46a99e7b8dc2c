"""Lanes: which delivery goes next, so that no receiver waits for another.

One lane a subscription, a global bound over all, turns in a ring. Two rings: lanes whose receiver answers well, and
lanes in trouble, which together may use at most half of the global bound; so however many receivers hang, the other
half is free. Inside a lane the window starts at one request, doubles with each good answer up to the subscription's
bound, and falls back to one with each bad one: a hundred hanging receivers occupy a hundred places, not four hundred.

Pure bookkeeping: no SQL, no network, no clock of its own. A delivery is *in hand* from `offer` or `fill` until
`recorded`; it is *flying* from `take` until `land`.

A lane whose breaker opened is *parked*: it gives back what it has in hand, sends nothing more, and is closed when the
last of its requests is recorded; what is due waits in SQL, and the lane that probes later is a new one.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.notifier.breaker import Breaker
from services.notifier.deliver import Target
from services.notifier.store import Delivery
from shared.lease import Lease

AHEAD = 64
"""Deliveries of a lane kept in memory ahead of sending; what is beyond waits in SQL."""


@dataclass(slots=True)
class Bucket:
    """A token bucket: `rate` requests a second, and as many at once after a pause of a second."""

    rate: float
    tokens: float = 1.0
    at: datetime | None = None

    def ready_at(self, now: datetime) -> datetime:
        """When the next request may go; `now` if at once."""
        self._refill(now)
        if self.tokens >= 1.0:
            return now
        return now + timedelta(seconds=(1.0 - self.tokens) / self.rate)

    def spend(self) -> None:
        """A request goes."""
        self.tokens -= 1.0

    def _refill(self, now: datetime) -> None:
        passed = 0.0 if self.at is None else max(0.0, (now - self.at).total_seconds())
        self.tokens = min(max(1.0, self.rate), self.tokens + passed * self.rate)
        self.at = now


@dataclass(slots=True)
class Lane:
    """What is known of one subscription while this process sends to it.

    `more` says that SQL holds further due deliveries than those in hand; `margin` is how long before the lease ends the
    last request may start; with `digests` what grows stale becomes a line of one. `done_meanwhile` and `missed` are
    what happened between a read of SQL and its `fill`.
    """

    target: Target
    in_flight: int
    lease: Lease
    margin: timedelta
    breaker: Breaker
    digests: bool = False
    bucket: Bucket | None = None
    failures: int = 0
    hold_until: datetime | None = None
    window: int = 1
    more: bool = False
    done_meanwhile: set[str] | None = None
    missed: bool = False
    ready: deque[Delivery] = field(default_factory=deque)
    in_hand: set[str] = field(default_factory=set)
    flying: int = 0
    used: datetime | None = None
    waits_until: datetime | None = None
    queued: bool = False
    dropped: bool = False
    parked: bool = False

    @property
    def id(self) -> str:
        """The subscription."""
        return self.target.id

    @property
    def troubled(self) -> bool:
        """Whether its receiver failed the last time."""
        return self.failures > 0

    @property
    def room(self) -> int:
        """How many deliveries it still takes in hand."""
        most = 0 if self.parked else AHEAD if self.breaker.closed else 1  # half open: what is probed with
        return max(0, most - len(self.in_hand))

    @property
    def hungry(self) -> bool:
        """Whether SQL has more and there is room for a good part of it."""
        return self.more and self.room > 0 and len(self.in_hand) <= AHEAD // 2

    def free_at(self, now: datetime) -> datetime | None:
        """When the next request may go: `now`, later, or None for not before something lands or is renewed."""
        if not self.ready or self.parked or self.flying >= self._most_at_once:
            return None
        if not self.lease.usable(now, self.margin):
            return None
        held = max(now, self.hold_until) if self.hold_until else now
        return held if held > now or self.bucket is None else self.bucket.ready_at(now)

    @property
    def _most_at_once(self) -> int:
        return min(self.window, self.in_flight) if self.breaker.closed else 1

    def park(self) -> None:
        """Give back what does not fly."""
        self.parked = self.more = True
        self.in_hand -= {one.id for one in self.ready}
        self.ready.clear()

    @property
    def on_their_way(self) -> set[str]:
        """Deliveries that were taken off and are not recorded."""
        return self.in_hand - {one.id for one in self.ready}

    def give_back_stale(self, now: datetime) -> None:
        """Give back what became a line of a digest in SQL."""
        stale = {one.id for one in self.ready if one.stale is not None and one.stale <= now and not one.replay}
        if stale:
            self.ready = deque(one for one in self.ready if one.id not in stale)
            self.in_hand -= stale

    def take(self, now: datetime) -> Delivery:
        """The next delivery; only when `free_at` says now."""
        if self.bucket is not None:
            self.bucket.spend()
        self.flying += 1
        self.used = now
        return self.ready.popleft()

    def land(self, healthy: bool | None) -> None:
        """A request of this lane came to its end."""
        self.flying -= 1
        if healthy is None:
            return
        self.failures = 0 if healthy else self.failures + 1
        self.window = min(self.window * 2, self.in_flight) if healthy else 1


@dataclass(frozen=True, slots=True)
class Flight:
    """A delivery on its way; `troubled` says on which ring's account."""

    lane: Lane
    delivery: Delivery
    troubled: bool


class Ring:
    """Lanes that may have something to send, each once, in turn."""

    def __init__(self) -> None:
        self.flying = 0
        self._lanes: deque[Lane] = deque()

    def __len__(self) -> int:
        return len(self._lanes)

    def put(self, lane: Lane) -> None:
        """To the end, unless it waits already."""
        if not lane.queued:
            lane.queued = True
            self._lanes.append(lane)

    def next(self) -> Lane:
        """The lane whose turn it is."""
        lane = self._lanes.popleft()
        lane.queued = False
        return lane


class Lanes:
    """All lanes of this process."""

    def __init__(self, most: int) -> None:
        """At most `most` requests at the same time."""
        self._most = most
        self._lanes: dict[str, Lane] = {}
        self._leaving: dict[str, Lane] = {}
        self._well, self._troubled = Ring(), Ring()
        self._later: list[tuple[datetime, int, Lane]] = []
        self._order = itertools.count()
        self._troubled_first = False

    def __contains__(self, subscription_id: str) -> bool:
        return subscription_id in self._lanes

    def all(self) -> list[Lane]:
        """Every lane, in a list of its own."""
        return list(self._lanes.values())

    def get(self, subscription_id: str) -> Lane | None:
        """The lane of a subscription, if this process has it."""
        return self._lanes.get(subscription_id)

    @property
    def busy(self) -> bool:
        """Whether any delivery that is due is still in hand or waiting for room."""
        return any(lane.in_hand or (lane.more and not lane.parked) for lane in self._lanes.values())

    @property
    def flying(self) -> int:
        """Requests on their way."""
        return self._well.flying + self._troubled.flying

    # -- what comes in -------------------------------------------------------------------------------------------

    def open(self, lane: Lane) -> None:
        """Start a lane."""
        self._lanes[lane.id] = lane

    def drop(self, subscription_id: str) -> Lane | None:
        """End a lane: what it has in hand stays in SQL, what flies lands by itself."""
        lane = self._lanes.pop(subscription_id, None)
        if lane is not None:
            lane.dropped = True
            lane.park()
            if lane.in_hand:
                self._leaving[subscription_id] = lane
        return lane

    def is_leaving(self, subscription_id: str) -> bool:
        """Whether requests of a lane that was ended are not recorded yet: a new one now would send them again."""
        return subscription_id in self._leaving

    def offer(self, delivery: Delivery) -> bool:
        """Take a new delivery in hand, or note that SQL has more; False where this process has no such lane."""
        lane = self._lanes.get(delivery.subscription_id)
        if lane is None:
            return False
        if lane.more or not lane.room or delivery.story:
            lane.more = lane.missed = True  # what came before it may be in SQL too: the order stays
        else:
            self._add(lane, delivery)
        return True

    def reading(self, lane: Lane) -> None:
        """SQL is about to be read for this lane."""
        lane.done_meanwhile, lane.missed = set(), False

    def fill(self, lane: Lane, deliveries: Iterable[Delivery], *, more: bool) -> None:
        """Take what was read from SQL in hand, but for what is there already or was done since `reading`."""
        done, lane.done_meanwhile = lane.done_meanwhile or set(), None
        fresh = [one for one in deliveries if one.id not in lane.in_hand and one.id not in done and not lane.dropped]
        lane.more = more or lane.missed or len(fresh) > lane.room
        for delivery in fresh[: lane.room]:
            self._add(lane, delivery)

    def _add(self, lane: Lane, delivery: Delivery) -> None:
        lane.in_hand.add(delivery.id)
        if lane.ready and lane.ready[-1].replay and not delivery.replay:  # what is new goes before what is late anyway
            lane.ready.insert(sum(not one.replay for one in lane.ready), delivery)
        else:
            lane.ready.append(delivery)
        self.revive(lane)

    def revive(self, lane: Lane) -> None:
        """Something changed for this lane (work, a landing, a new lease): let it have its turn."""
        if not lane.dropped:
            self._ring_of(lane).put(lane)

    def hungry(self) -> list[Lane]:
        """Lanes for which SQL has more and that have room for half of what they keep."""
        return [lane for lane in self._lanes.values() if lane.hungry]

    # -- what goes out -------------------------------------------------------------------------------------------

    def take(self, now: datetime) -> Flight | None:
        """The next delivery to send, None while nothing may go."""
        self._wake(now)
        if self.flying >= self._most:
            return None
        self._troubled_first = not self._troubled_first
        rings = (self._troubled, self._well) if self._troubled_first else (self._well, self._troubled)
        # the second ring may hand a lane whose state changed over to the first: so the first is asked again
        return self._from(rings[0], now) or self._from(rings[1], now) or self._from(rings[0], now)

    def _from(self, ring: Ring, now: datetime) -> Flight | None:
        if ring is self._troubled and ring.flying >= max(1, self._most // 2):
            return None
        for _ in range(len(ring)):
            lane = ring.next()
            if self._ring_of(lane) is not ring:
                self.revive(lane)
            elif self._may_go(lane, now):
                return self._take_off(lane, ring, now)
        return None

    def _may_go(self, lane: Lane, now: datetime) -> bool:
        free = None if lane.dropped else lane.free_at(now)
        if free is not None and free > now and (lane.waits_until is None or free < lane.waits_until):
            lane.waits_until = free
            heapq.heappush(self._later, (free, next(self._order), lane))
        return free is not None and free <= now

    def _take_off(self, lane: Lane, ring: Ring, now: datetime) -> Flight:
        delivery = lane.take(now)
        ring.flying += 1
        ring.put(lane)
        return Flight(lane, delivery, troubled=ring is self._troubled)

    def _ring_of(self, lane: Lane) -> Ring:
        return self._troubled if lane.troubled else self._well

    def land(self, flight: Flight, *, healthy: bool | None, hold_until: datetime | None = None) -> None:
        """A request came to its end. `healthy` is None where nothing was sent."""
        (self._troubled if flight.troubled else self._well).flying -= 1
        lane = flight.lane
        lane.land(healthy)
        if hold_until is not None:
            lane.hold_until = hold_until
        self.revive(lane)

    def recorded(self, delivery: Delivery) -> None:
        """What came of a delivery is committed: it is not in hand any more."""
        lane = self._lanes.get(delivery.subscription_id) or self._leaving.get(delivery.subscription_id)
        if lane is None:
            return
        lane.in_hand.discard(delivery.id)
        if lane.done_meanwhile is not None:
            lane.done_meanwhile.add(delivery.id)
        if delivery.story:
            lane.more = lane.missed = True  # the next of its story may stand in SQL
        if lane.dropped and not lane.in_hand:
            del self._leaving[delivery.subscription_id]

    def next_moment(self) -> datetime | None:
        """When the earliest lane that waits for a time may go on."""
        return self._later[0][0] if self._later else None

    def _wake(self, now: datetime) -> None:
        while self._later and self._later[0][0] <= now:
            _, _, lane = heapq.heappop(self._later)
            lane.waits_until = None
            self.revive(lane)
