"""Which registered domains this process may ask: leases in SQL, shared out among all fetchers.

A domain is asked by one process at a time. Each fetcher holds about its share of the domains that sources are on,
renews them three times in their length, and gives some back when another fetcher joins; a domain that only pages are on
is taken when it is met and let go when nobody asks for it any more. Whoever holds a lease stops dialling one request's
deadline before it ends, so that a request is over before somebody else may begin. A process that wakes up late finds
its leases run out: it asks nobody, and its writes are refused by their tokens (`store.write`). The leases are looked
at for every request, and again when its connection is dialled and when it is written: by two clocks, so that neither a
stop of the process nor a set clock goes unseen. What remains is a stop in the microseconds between that look and the
system call, and one while an answer is under way: the system keeps that connection open, and nobody here can close it.

A redirect may lead to a domain that another process holds. It is *wished* for then: the holder lets go of it in its
next round, as soon as nothing is under way there, and nobody but the wisher takes it. A domain changes hands by a wish
at most once in the length of a lease.

SQLite has one process: there everything is ours, and nothing is written.

Source: Kleppmann, "How to do distributed locking" (2016). Left out on purpose: moving a domain to where it is cheapest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.alarm import first
from services.fetcher.manners.pace import HostPaused, Still
from services.fetcher.plan.schedule import share
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailable
from shared.health import UNHEARD, Pulse
from shared.lease import LEASES, Lease, release_leases, take_lease, take_leases
from shared.urls import registered_domain

log = structlog.get_logger()

DOMAIN, PEER, WISH = "fetcher domain", "fetcher", "fetcher wish"
"""Kinds of lease: of a domain, of a fetcher that runs, and of the right to be the next one that holds a domain."""

ROUNDS = 3
"""Renewals in the length of a lease: two may fail."""


def uptime() -> float:
    """Seconds that nobody can set and that go on while a machine sleeps, where the system has such a clock."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class HeldElsewhere(HostPaused):
    """Another process holds the domain, or our own lease is about to end; `left` is when to look again."""


@dataclass(frozen=True, slots=True)
class _Round:
    """What a round of sharing out found: live leases of others by domain, what others wish for, our leases, and how
    many fetchers run."""

    others: dict[str, datetime]
    promised: frozenset[str]
    held: dict[str, Lease]
    peers: int


async def _nobody(_names: Collection[str]) -> None:
    return None


@dataclass(slots=True, kw_only=True)
class Domains:
    """The leases of one process. `wanted` are the domains of the sources in force, `busy` says whether requests to a
    domain are under way; `gained` and `lost` hear of changes, `shared` of the end of every round."""

    database: Database
    real: Clock
    holder: str
    length: timedelta
    margin: timedelta
    wanted: Callable[[], Collection[str]] = field(default=tuple)
    busy: Callable[[str], bool] = field(default=lambda _name: False)
    gained: Callable[[Collection[str]], Awaitable[None]] = field(default=_nobody)
    lost: Callable[[Collection[str]], None] = field(default=lambda _names: None)
    shared: Callable[[], None] = field(default=lambda: None)
    pulse: Pulse = UNHEARD
    uptime: Callable[[], float] = uptime
    _held: dict[str, Lease] = field(default_factory=dict)
    _others: dict[str, datetime] = field(default_factory=dict)
    _promised: frozenset[str] = frozenset()
    _used: dict[str, datetime] = field(default_factory=dict)
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def alone(self) -> bool:
        """Whether no other process can exist."""
        return self.database.is_sqlite

    def owns(self, url: str) -> bool:
        """Whether the domain of `url` is ours, as far as is known here."""
        return self.alone or registered_domain(url) in self._held

    def elsewhere(self) -> list[str]:
        """The domains that others hold, or are to have next."""
        now = self.real.now()
        return [*(name for name, until in self._others.items() if until > now), *self._promised]

    def check(self, url: str) -> Still | None:
        """Right before a request; what it returns is asked again before every dial and every write of it. Both raise
        HeldElsewhere where the request might not be over before our lease is."""
        if self.alone:
            return None
        up, now = self.uptime(), self.real.now()  # before the look: time that passes meanwhile counts
        lease = self._held.get(registered_domain(url))
        if lease is None or not lease.usable(now, self.margin):
            raise HeldElsewhere(self.length / ROUNDS)
        return partial(self._still, lease, now, up)

    def _still(self, lease: Lease, began: datetime, up: float) -> None:
        """A request may be sent for as long as it may last: its lease was good for that long when it began."""
        passed = max(self.real.now() - began, timedelta(seconds=self.uptime() - up))
        held = self._held.get(lease.name)
        if passed >= self.margin or held is None or held.token != lease.token:
            raise HeldElsewhere(self.length / ROUNDS)

    async def wish(self, url: str) -> None:
        """Ask the process that holds the domain of `url` to let go of it for us. Raises DatabaseUnavailable."""
        if self.alone:
            return
        name, now = registered_domain(url), self.real.now()
        async with self.database.transaction() as connection:
            await take_lease(connection, WISH, name, self.holder, now=now, length=self.length)

    async def hold(self, url: str) -> Lease | None:
        """The lease under which the domain of `url` may be asked, taken where nobody has it; None where there are none.
        Raises HeldElsewhere and DatabaseUnavailable."""
        if self.alone:
            return None
        name, now = registered_domain(url), self.real.now()
        self._used[name] = now
        if name in self._promised:
            raise HeldElsewhere(self.length / ROUNDS)
        if (lease := self._usable(name)) is not None:
            return lease
        async with self._taking:
            return self._usable(name) or await self._take(name)

    def _usable(self, name: str) -> Lease | None:
        lease = self._held.get(name)
        return lease if lease is not None and lease.usable(self.real.now(), self.margin) else None

    async def _take(self, name: str) -> Lease:
        now = self.real.now()
        if (until := self._others.get(name, now)) > now:
            raise HeldElsewhere(until - now)
        async with self.database.transaction() as connection:
            free = not await self._is_promised(connection, name, now)
            lease = (
                await take_lease(connection, DOMAIN, name, self.holder, now=now, length=self.length) if free else None
            )
        if lease is None:
            self._others[name] = now + self.length / ROUNDS
            raise HeldElsewhere(self.length / ROUNDS)
        new = name not in self._held
        self._held[name] = lease
        if new:
            await self.gained([name])
        return lease

    async def _is_promised(self, connection: AsyncConnection, name: str, now: datetime) -> bool:
        """Whether somebody else wished for a domain, since our last round perhaps."""
        others = (LEASES.c.kind == WISH) & (LEASES.c.holder != self.holder)
        found = sa.select(LEASES.c.name).where(others, LEASES.c.name == name, LEASES.c.expires > now)
        return await connection.scalar(found) is not None

    # -- sharing out -----------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """The first round, before anything is planned. Raises DatabaseUnavailable."""
        if not self.alone:
            await self.share_out()

    async def run(self, stop: asyncio.Event) -> None:
        """Renew, claim and give back until `stop`."""
        if self.alone:
            return
        while not await first(stop, self.real.sleep(self.length.total_seconds() / ROUNDS)):
            self.pulse.beat()
            try:
                await self.share_out()
            except DatabaseUnavailable as error:  # what we hold runs out, and nothing is asked then
                log.warning("domains_not_renewed", held=len(self._held), error=str(error))
            self.pulse.rest()

    async def share_out(self) -> None:
        """One round."""
        async with self._taking:
            before, now = set(self._held), self.real.now()
            async with self.database.transaction() as connection:
                found = await self._round(connection, now)
            self._held, self._others, self._promised = found.held, found.others, found.promised
            gained, lost = found.held.keys() - before, before - found.held.keys()
            if lost:
                self.lost(lost)
            if gained:
                await self.gained(gained)
        if gained or lost:
            log.info(
                "domains_shared_out", held=len(found.held), gained=len(gained), lost=len(lost), fetchers=found.peers
            )
        self.shared()

    async def _round(self, connection: AsyncConnection, now: datetime) -> _Round:
        await take_lease(connection, PEER, self.holder, self.holder, now=now, length=self.length)
        live = (await connection.execute(sa.select(LEASES).where(LEASES.c.expires > now, _OURS))).all()
        peers = sum(row.kind == PEER for row in live)
        others = {row.name: row.expires for row in live if row.kind == DOMAIN and row.holder != self.holder}
        wishes = {row.name: row.holder for row in live if row.kind == WISH}
        keep, given = self._plan(others, wishes, peers, now)
        held = await take_leases(connection, DOMAIN, keep, self.holder, now=now, length=self.length)
        await release_leases(connection, [self._held[name] for name in given], now=now)
        return _Round(others, frozenset(name for name, by in wishes.items() if by != self.holder), held, peers)

    def _plan(
        self, others: Collection[str], wishes: Mapping[str, str], peers: int, now: datetime
    ) -> tuple[list[str], list[str]]:
        """The domains to renew or claim, and those to give back."""
        wanted, taken = set(self.wanted()), self._held.keys() | set(others)
        wished = {name for name, by in wishes.items() if by == self.holder}
        promised = wishes.keys() - wished
        fair = -(-len(wanted) // max(1, peers))
        mine = self._in_turn((wanted & self._held.keys()) - wishes.keys())
        surplus = [name for name in (*mine[fair:], *(promised & self._held.keys())) if not self.busy(name)]
        free = self._in_turn(wanted - taken - wishes.keys())
        claimed = [*free[: max(0, fair - len(mine))], *(wished - taken)]
        recently = now - self.length
        met = [name for name in self._held if name not in wanted and name not in wishes]
        idle = [name for name in met if self._used.get(name, now) < recently and not self.busy(name)]
        for name in idle:
            self._used.pop(name, None)
        given = [*surplus, *idle]
        return [*(set(self._held) - set(given)), *claimed], given

    def _in_turn(self, names: Collection[str]) -> list[str]:
        """In an order of this process's own, so that two do not want the same first."""
        return sorted(names, key=lambda name: (share(self.holder, name), name))

    async def let_go(self) -> None:
        """Give everything back at a stop: others need not wait. Nothing may be under way."""
        if self.alone:
            return
        leases = [*self._held.values()]
        self._held = {}
        try:
            async with self.database.transaction() as connection:
                now = self.real.now()
                peer = await take_lease(connection, PEER, self.holder, self.holder, now=now, length=timedelta())
                await release_leases(connection, [*leases, *([peer] if peer else [])], now=now)
        except DatabaseUnavailable as error:  # they run out by themselves
            log.warning("domains_not_released", held=len(leases), error=str(error))


_OURS = LEASES.c.kind.in_((DOMAIN, PEER, WISH))
