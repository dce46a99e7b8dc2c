"""Keeps the lanes in line with SQL: takes and renews leases, opens, fills, changes and closes lanes.

A round is one transaction: look, then act on memory after the commit. There is one each poll interval, which finds
retries, other replicas' deliveries and changed subscriptions, and one at once when somebody hails: a delivery for a
subscription without a lane, a lane that ran low while SQL has more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import digest, key_pairs, metrics, store, subscribe
from services.notifier.breaker import Breaker, BreakerState
from services.notifier.deliver import Target
from services.notifier.key_pairs import Pair
from services.notifier.lanes import AHEAD, Bucket, Lane, Lanes
from services.notifier.seal import Sealer, Unopened
from services.notifier.settings import NotifierSettings
from services.notifier.sign import Secret
from services.notifier.store import Delivery
from services.notifier.subscribe import Subscription
from services.notifier.tables import SubscriptionState
from services.notifier.tell import Teller, first_of
from shared.db import DatabaseUnavailable
from shared.lease import Lease, release_leases, still_held, take_leases
from shared.run import Parts

log = structlog.get_logger()

LEASE_KIND = "subscription"
MARGIN = timedelta(seconds=5)
"""Beside the receiver's time-out, for the commit that follows: after it nothing of ours is in the air."""

IDLE = timedelta(seconds=20)
"""A lane without work for this long is closed and its lease let go."""

BUSY_LOOKS = timedelta(seconds=5)
"""How often SQL is asked for retries and other replicas' deliveries of a lane that has work in hand anyway."""

COUNT_EVERY = timedelta(seconds=15)
RECOVER_EVERY = timedelta(seconds=30)


@dataclass(slots=True)
class Turns:
    """When things were last done that are not done in every round (real time), and the changes seen so far."""

    survey: datetime | None = None
    count: datetime | None = None
    recover: datetime | None = None
    changes: int = -1


@dataclass(frozen=True, slots=True)
class Signers:
    """What signs for a subscription: its secrets, and the notifier's own key pairs."""

    secrets: tuple[Secret, ...]
    pairs: tuple[Pair, ...] = ()


@dataclass(slots=True)
class Seen:
    """What a round found: leases renewed (None: lost), lanes to open, deliveries for lanes."""

    due: dict[str, datetime] = field(default_factory=dict)
    surveyed: bool = False
    renewed: dict[str, Lease | None] = field(default_factory=dict)
    opened: list[Lane] = field(default_factory=list)
    digested: list[Lane] = field(default_factory=list)
    read: list[tuple[Lane, list[Delivery], bool]] = field(default_factory=list)


def _passed(last: datetime | None, now: datetime, interval: timedelta) -> bool:
    return last is None or now - last >= interval


class Tender:
    """The loop that asks SQL on behalf of the lanes; sets `wake` when there may be something to send."""

    def __init__(
        self, settings: NotifierSettings, parts: Parts, *, lanes: Lanes, teller: Teller, sealer: Sealer,
        holder: str, wake: asyncio.Event,
    ) -> None:  # fmt: skip
        self._settings, self._database, self._real = settings, parts.database, parts.real
        self._lanes, self._teller, self._sealer, self._holder = lanes, teller, sealer, holder
        self._wake, self._hail = wake, asyncio.Event()
        self._wanted: set[str] = set()
        self._asked: set[str] = set()
        self._looked: dict[str, datetime] = {}
        self._unopened: set[str] = set()
        self._resting: dict[str, datetime] = {}
        self._turns = Turns()
        self._pulse = parts.health.pulse("notifier:tend")

    @property
    def busy(self) -> bool:
        """Whether somebody waits for a lane."""
        return bool(self._wanted or self._asked)

    def want(self, subscription_ids: Collection[str]) -> None:
        """Open lanes for these if nobody else has them, and fill those that have room: now."""
        self._wanted.update(subscription_ids)
        if self._wanted or not subscription_ids:
            self._hail.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Tend until `stop` is set."""
        poll = self._settings.delivery_poll.total_seconds()
        while not stop.is_set():
            self._hail.clear()
            self._pulse.beat()
            try:
                await self._round()
                self._pulse.rest()
                await first_of(stop.wait(), self._hail.wait(), self._real.sleep(poll))
            except DatabaseUnavailable as error:
                log.warning("deliveries_not_read", error=str(error))
                self._pulse.rest()
                await first_of(stop.wait(), self._real.sleep(poll))

    async def leave(self) -> None:
        """Let go of all leases, so that others need not wait for their end."""
        try:
            await self._teller.forget_told()
            await self._close(self._lanes.all(), self._real.now())
        except DatabaseUnavailable as error:
            log.warning("leases_not_released", error=str(error))  # they end by themselves

    # -- a round -------------------------------------------------------------------------------------------------

    async def _round(self) -> None:
        """Raises DatabaseUnavailable, with nothing changed but what will be asked again."""
        now = self._real.now()
        self._asked, self._wanted = self._wanted, set()
        try:
            async with self._database.transaction() as connection:
                seen = await self._look(connection, now)
        except DatabaseUnavailable:
            self._wanted |= self._asked
            raise
        finally:
            self._asked = set()
        self._act(seen, now)
        if seen.surveyed:
            await self._occasionally(now)

    async def _look(self, connection: AsyncConnection, now: datetime) -> Seen:
        seen = Seen()
        if _passed(self._turns.survey, now, self._settings.delivery_poll):
            await self._survey(connection, seen, now)
        await self._lease(connection, seen, now)
        if seen.surveyed or seen.opened:
            await self._digest(connection, seen, now)
        await self._read_deliveries(connection, seen, now)
        return seen

    async def _read_deliveries(self, connection: AsyncConnection, seen: Seen, now: datetime) -> None:
        """One statement for each lane that is known to have a backlog, few for all the others."""
        lanes = [lane for lane in self._lanes.all() if self._is_worth_a_look(lane, seen, now)]
        deep, others = [lane for lane in lanes if lane.hungry], [lane for lane in lanes if not lane.hungry]
        for lane in (*lanes, *seen.opened):
            self._lanes.reading(lane)
        for lane in deep:
            limit = AHEAD + len(lane.in_hand)
            rows = await store.due(connection, lane.id, now=now, limit=limit)
            seen.read.append((lane, rows, len(rows) == limit))
        names = {lane.id: lane for lane in (*others, *seen.opened)}
        found = await store.due_of_many(connection, names, now=now, each=2 * AHEAD)  # what is in hand comes again
        seen.read += [(names[name], rows, more) for name, (rows, more) in found.items()]

    async def _digest(self, connection: AsyncConnection, seen: Seen, now: datetime) -> None:
        """What grew stale becomes a line, and windows that ended become messages, under the leases of their lanes."""
        lanes = {lane.id: lane for lane in (*self._lanes.all(), *seen.opened)}
        ended = await store.windows_ended(connection, lanes, now) if lanes else set()
        digesting = [lane.lease for lane in lanes.values() if lane.digests or lane.id in ended]
        held = await still_held(connection, digesting)
        mine = await subscribe.found(connection, sorted(held)) if held else {}
        flying = {one for name in held for one in lanes[name].on_their_way}
        await digest.gather_stale(connection, mine.values(), flying, now)
        await digest.compose(connection, {name: one for name, one in mine.items() if name in ended}, now)
        seen.digested = [lanes[name] for name in held]

    async def _survey(self, connection: AsyncConnection, seen: Seen, now: datetime) -> None:
        """When each subscription is due, and what changed."""
        seen.surveyed, self._turns.survey = True, now
        seen.due = await store.survey(connection)
        changes = await subscribe.changes(connection)
        if changes != self._turns.changes:
            self._unopened.clear()
            self._resting.clear()
            await self._reload(connection, now)
            self._turns.changes = changes
        metrics.OLDEST_DUE.set(max(0.0, (now - min(seen.due.values(), default=now)).total_seconds()))

    async def _lease(self, connection: AsyncConnection, seen: Seen, now: datetime) -> None:
        """Take leases for what is wanted and renew those that have run for a third of their length."""
        length = self._settings.delivery_lease
        aging = {lane.id for lane in self._lanes.all() if lane.lease.expires - now < length * 2 / 3}
        wanted = self._asked | {one for one, due in seen.due.items() if due <= now}
        self._resting = {one: until for one, until in self._resting.items() if until > now}
        names = aging | {one for one in wanted if self._may_open(one)}
        if names:
            leases = await take_leases(connection, LEASE_KIND, names, self._holder, now=now, length=length)
            seen.renewed = {name: leases.get(name) for name in aging}
            fresh = {name: lease for name, lease in leases.items() if name not in aging}
            readable = await self._read(connection, list(fresh), now)
            lanes = [_lane(one, signers, fresh[one.id], now) for one, signers in readable]
            seen.opened = [lane for lane in lanes if not self._rests(lane, now)]

    def _may_open(self, name: str) -> bool:
        there = name in self._lanes or self._lanes.is_leaving(name)
        return not there and name not in self._unopened and name not in self._resting

    def _rests(self, lane: Lane, now: datetime) -> bool:
        """Whether its breaker is open: somebody hailed it for what is to wait in SQL."""
        probe_at = lane.breaker.standing.probe_at
        if probe_at is None or probe_at <= now:
            return False
        self._resting[lane.id] = probe_at
        return True

    def _is_worth_a_look(self, lane: Lane, seen: Seen, now: datetime) -> bool:
        if lane.hungry or lane.id in self._asked:
            return True
        due = seen.due.get(lane.id)
        if due is None or due > now or not lane.room:
            return False
        return not lane.in_hand or _passed(self._looked.get(lane.id), now, BUSY_LOOKS)

    def _act(self, seen: Seen, now: datetime) -> None:
        for name, lease in seen.renewed.items():
            self._renew(name, lease)
        for lane in seen.opened:
            self._lanes.open(lane)
        for lane in seen.digested:
            lane.give_back_stale(now)
        for lane, rows, more in seen.read:
            self._lanes.fill(lane, rows, more=more)
            self._looked[lane.id] = now
        self._wake.set()

    def _renew(self, name: str, lease: Lease | None) -> None:
        lane = self._lanes.get(name)
        if lane is None:
            return
        if lease is None or lease.token != lane.lease.token:
            self._lanes.drop(name)  # somebody had it in between
        else:
            lane.lease = lease
            self._lanes.revive(lane)

    # -- subscriptions -------------------------------------------------------------------------------------------

    async def _reload(self, connection: AsyncConnection, now: datetime) -> None:
        """Bring the lanes in line with changed subscriptions; one that is paused or gone loses its lane."""
        lanes = self._lanes.all()
        read = {one.id: (one, signers) for one, signers in await self._read(connection, [x.id for x in lanes], now)}
        for lane in lanes:
            if lane.id not in read:
                self._lanes.drop(lane.id)
            elif lane.target.version != read[lane.id][0].version:
                _adjust(lane, *read[lane.id])
                self._lanes.revive(lane)

    async def _read(
        self, connection: AsyncConnection, names: Sequence[str], now: datetime
    ) -> list[tuple[Subscription, Signers]]:
        """The named subscriptions that may be sent to, with what signs for them."""
        found = (await subscribe.found(connection, names)).values() if names else ()
        active = [one for one in found if one.state is SubscriptionState.ACTIVE]
        sealed = await subscribe.sealed_secrets(connection, [one.id for one in active], now=now)
        pairs = await self._pairs(connection, now) if active else ()
        readable = [(one, self._opened(one.id, sealed.get(one.id, ()))) for one in active]
        return [(one, Signers(secrets, pairs)) for one, secrets in readable if secrets]

    async def _pairs(self, connection: AsyncConnection, now: datetime) -> tuple[Pair, ...]:
        """The notifier's own key pairs; none where one does not open: the secrets still sign."""
        try:
            return await key_pairs.current(connection, sealer=self._sealer, now=now)
        except Unopened as error:
            log.error("key_pair_not_opened", error=str(error))
            return ()

    def _opened(self, subscription_id: str, sealed: Iterable[bytes]) -> tuple[Secret, ...]:
        """The secrets, none where one does not open: the other subscriptions are not to suffer."""
        try:
            secrets = tuple(Secret(self._sealer.open(one, subscription_id)) for one in sealed)
        except Unopened as error:
            log.error("secret_not_opened", subscription_id=subscription_id, error=str(error))
            secrets = ()
        if not secrets:
            self._unopened.add(subscription_id)
            metrics.UNOPENED.set(len(self._unopened))
        return secrets

    # -- now and then --------------------------------------------------------------------------------------------

    async def _occasionally(self, now: datetime) -> None:
        metrics.LANES.set(len(self._lanes.all()))
        await self._close([lane for lane in self._lanes.all() if _is_idle(lane, now)], now)
        await self._teller.forget_told()
        if _passed(self._turns.recover, now, RECOVER_EVERY):
            self._turns.recover = now
            await self._teller.recover()
        if _passed(self._turns.count, now, COUNT_EVERY):
            self._turns.count = now
            async with self._database.reading() as connection:
                metrics.PENDING.set(await store.pending(connection))
                probes = await store.probes(connection)
            half_open = sum(one <= now for one in probes)
            metrics.BREAKERS.labels(BreakerState.HALF_OPEN).set(half_open)
            metrics.BREAKERS.labels(BreakerState.OPEN).set(len(probes) - half_open)

    async def _close(self, lanes: Sequence[Lane], now: datetime) -> None:
        if not lanes:
            return
        for lane in lanes:
            self._lanes.drop(lane.id)
            self._looked.pop(lane.id, None)
        async with self._database.transaction() as connection:
            await release_leases(connection, [lane.lease for lane in lanes], now=now)


def _is_idle(lane: Lane, now: datetime) -> bool:
    return not lane.in_hand and (lane.parked or (not lane.more and _passed(lane.used, now, IDLE)))


def _lane(one: Subscription, signers: Signers, lease: Lease, now: datetime) -> Lane:
    return Lane(
        target=_target(one, signers),
        in_flight=one.limits.in_flight,
        lease=lease,
        margin=timedelta(seconds=one.limits.timeout) + MARGIN,
        breaker=Breaker(one.id, one.standing, one.failures),
        digests=one.limits.expires_after is not None,
        bucket=Bucket(one.rate) if one.rate else None,
        failures=one.failures,
        hold_until=one.hold_until,
        more=True,
        used=now,
    )


def _adjust(lane: Lane, one: Subscription, signers: Signers) -> None:
    lane.target, lane.in_flight = _target(one, signers), one.limits.in_flight
    lane.margin = timedelta(seconds=one.limits.timeout) + MARGIN
    lane.digests = one.limits.expires_after is not None
    lane.bucket = Bucket(one.rate) if one.rate else None


def _target(one: Subscription, signers: Signers) -> Target:
    timeout = one.limits.timeout
    return Target(one.id, one.url, signers.secrets, timeout, one.version, one.thin, signers.pairs)
