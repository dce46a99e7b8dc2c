"""Good manners towards a registered domain: one connection, a distance between requests, a pause when it asks for one.

Real time, and in this process only; pauses can be kept and restored. A turn waits for its domain first and for a place
under the global cap second, so that waiting costs others nothing. The distance, from the end of one request to the
begin of the next, is the longest of the spacing, the crawl-delay and the time that the domain takes to answer: a slow
server is busy at most half of its time with us (AutoThrottle of Scrapy with a concurrency of one). A slower answer
counts at once, a quicker one by half, so that a quick error hardly shortens the distance.

A pause is for a host (with or without `www.`) or for a whole registered domain, as the source says (`LimitScope`).

Left out on purpose: which process may ask a domain at all (`domains`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from services.fetcher.sources import LimitScope
from services.fetcher.store import Pause
from shared.clock import Clock
from shared.urls import host_of, registered_domain

FORGET_ABOVE = 4_096
"""Domains remembered before those that are idle are forgotten."""

LONGEST_ANSWER = timedelta(seconds=30)
"""Of the time to answer that lengthens the distance."""

NOTHING = timedelta()


class HostPaused(Exception):
    """The host asked for a pause while a turn was waited for; `left` is how long it is still to be left alone."""

    def __init__(self, left: timedelta) -> None:
        super().__init__(left)
        self.left = left


Still = Callable[[], None]
"""Raises HostPaused where a request that has its turn may not be sent any more."""


class Owner(Protocol):
    """Who may ask a domain at all (`domains.Domains`)."""

    async def hold(self, url: str) -> object:
        """Take or have the right. Raises HostPaused where another process has it."""

    def check(self, url: str) -> Still | None:
        """The same right before a request, without waiting; what it returns asks again while the request is made."""

    async def wish(self, url: str) -> None:
        """Ask whoever has the right to give it to us."""


@dataclass(slots=True)
class _Domain:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: datetime | None = None
    answers_in: timedelta = NOTHING
    pauses: dict[str, datetime] = field(default_factory=dict)
    waiting: int = 0

    def answered(self, began: datetime, now: datetime, distance: timedelta) -> None:
        """A request ended: from when on the next one may begin."""
        took = min(now - began, LONGEST_ANSWER)
        self.answers_in = max(took, (self.answers_in + took) / 2)
        self.free_at = now + max(distance, self.answers_in)

    def idle(self, now: datetime) -> bool:
        return not self.waiting and all(until <= now for until in (self.free_at or now, *self.pauses.values()))


class Pace:
    """The manners of one process. `cap` bounds requests at the same time over all domains."""

    def __init__(self, real: Clock, *, spacing: timedelta, cap: int) -> None:
        self._real = real
        self._spacing = spacing
        self._cap = asyncio.Semaphore(cap)
        self._domains: dict[str, _Domain] = {}
        self.owner: Owner | None = None

    @asynccontextmanager
    async def turn(
        self, url: str, *, spacing: timedelta | None = None, delay: timedelta | None = None
    ) -> AsyncIterator[Still | None]:
        """Hold the right to make one request to the domain of `url`. `spacing` replaces the general distance, `delay`
        (a crawl-delay) may only lengthen it. A distance of zero switches the manners off, the cap and pauses apart.
        Yields what is to be asked again before anything is dialled or written (None: nothing).
        Raises HostPaused where the host asked to be left alone."""
        distance = max(self._distance(spacing), delay or NOTHING) if self._distance(spacing) else NOTHING
        if not distance:
            await self.hold(url)
            async with self._cap:
                yield self._check(url)
            return
        domain = self._of(url)
        domain.waiting += 1
        try:
            async with domain.turn:
                await self.hold(url)
                await self._wait_for(domain)
                async with self._cap:
                    still = self._check(url)
                    began = self._real.now()
                    try:
                        yield still
                    finally:
                        domain.answered(began, self._real.now(), distance)
        finally:
            domain.waiting -= 1

    # -- pauses ----------------------------------------------------------------------------------------------------

    def pause(self, url: str, length: timedelta, scope: LimitScope = LimitScope.HOST) -> Pause | None:
        """The host asked to be left alone: nobody takes a turn there until it is over. Returns the pause that is to be
        kept; None where `scope` means the one address only (then the next poll is later, that is all)."""
        if length <= NOTHING or scope is LimitScope.URL:
            return None
        host = host_of(url) if scope is LimitScope.HOST else ""
        name = f"host:{_bare(host)}" if host else f"domain:{registered_domain(url)}"
        until = self._real.now() + length
        pauses = self._of(url).pauses
        pauses[name] = max(until, pauses.get(name, until))
        return Pause(name, pauses[name])

    def restore(self, pauses: Iterable[Pause]) -> None:
        """Keep pauses of an earlier process."""
        for pause in pauses:
            self._of(pause.name.partition(":")[2]).pauses[pause.name] = pause.until

    def paused(self, url: str) -> timedelta:
        """How long the host of `url` is still to be left alone."""
        domain = self._domains.get(registered_domain(url))
        if domain is None or not domain.pauses:
            return NOTHING
        names = (f"host:{_bare(host_of(url))}", f"domain:{registered_domain(url)}")
        now = self._real.now()
        return max(NOTHING, *(domain.pauses.get(name, now) - now for name in names))

    def has_pauses(self, domain: str) -> bool:
        """Whether any host of this registered domain is to be left alone."""
        known = self._domains.get(domain)
        now = self._real.now()
        return known is not None and any(until > now for until in known.pauses.values())

    def _check(self, url: str) -> Still | None:
        if left := self.paused(url):
            raise HostPaused(left)
        return self.owner.check(url) if self.owner is not None else None

    # -- other processes -------------------------------------------------------------------------------------------

    async def hold(self, url: str) -> None:
        """Have the domain of `url` for this process. Raises HostPaused where another has it."""
        if self.owner is not None:
            await self.owner.hold(url)

    async def wish(self, url: str) -> None:
        """Ask the process that has the domain of `url` to hand it over."""
        if self.owner is not None:
            await self.owner.wish(url)

    def arrived(self, domains: Iterable[str], pauses: Iterable[Pause]) -> None:
        """These domains were another process's until now: its last request may just be over, and hosts may have asked
        it for pauses."""
        for name in domains:
            domain = self._of(name)
            free_at = self._real.now() + self._spacing
            domain.free_at = max(free_at, domain.free_at or free_at)
        self.restore(pauses)

    def busy(self, domain: str) -> bool:
        """Whether a request to this registered domain is under way or waits for its turn."""
        known = self._domains.get(domain)
        return known is not None and known.waiting > 0

    # -- distances -------------------------------------------------------------------------------------------------

    def _distance(self, spacing: timedelta | None) -> timedelta:
        return self._spacing if spacing is None else spacing

    async def _wait_for(self, domain: _Domain) -> None:
        if domain.free_at is not None:
            await self._real.sleep((domain.free_at - self._real.now()).total_seconds())

    def _of(self, url: str) -> _Domain:
        if len(self._domains) > FORGET_ABOVE:
            self._forget()
        return self._domains.setdefault(registered_domain(url), _Domain())

    def _forget(self) -> None:
        now = self._real.now()
        for name in [name for name, domain in self._domains.items() if domain.idle(now)]:
            del self._domains[name]


def _bare(host: str) -> str:
    return host.removeprefix("www.")
