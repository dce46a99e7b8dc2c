"""Good manners towards a registered domain: one connection, a distance between requests, a pause when it asks for one.

Real time, and in this process only. A turn waits for its domain first and for a place under the global cap second, so
that waiting costs others nothing.

Left out on purpose: adapting the distance to the answer time, and a lease shared between processes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.urls import registered_domain

FORGET_ABOVE = 4_096
"""Domains remembered before those that are idle are forgotten."""


@dataclass(slots=True)
class _Domain:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: datetime | None = None
    paused_until: datetime | None = None
    waiting: int = 0


class Pace:
    """The manners of one process. `cap` bounds requests at the same time over all domains."""

    def __init__(self, real: Clock, *, spacing: timedelta, cap: int) -> None:
        self._real = real
        self._spacing = spacing
        self._cap = asyncio.Semaphore(cap)
        self._domains: dict[str, _Domain] = {}

    @asynccontextmanager
    async def turn(
        self, url: str, *, spacing: timedelta | None = None, delay: timedelta | None = None
    ) -> AsyncIterator[None]:
        """Hold the right to make one request to the domain of `url`. `spacing` replaces the general distance, `delay`
        (a crawl-delay) may only lengthen it. A distance of zero switches the manners off, the cap apart."""
        distance = max(self._distance(spacing), delay or timedelta()) if self._distance(spacing) else timedelta()
        if not distance:
            async with self._cap:
                yield
            return
        domain = self._of(url)
        domain.waiting += 1
        try:
            async with domain.turn:
                await self._wait_for(domain)
                async with self._cap:
                    try:
                        yield
                    finally:
                        domain.free_at = self._real.now() + distance
        finally:
            domain.waiting -= 1

    def pause(self, url: str, length: timedelta) -> None:
        """The host asked to be left alone: nobody takes a turn there until it is over."""
        if length > timedelta():
            domain = self._of(url)
            until = self._real.now() + length
            domain.paused_until = max(until, domain.paused_until or until)

    def paused(self, url: str) -> timedelta:
        """How long the domain of `url` is still to be left alone."""
        domain = self._domains.get(registered_domain(url))
        if domain is None or domain.paused_until is None:
            return timedelta()
        return max(timedelta(), domain.paused_until - self._real.now())

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
        for name, domain in list(self._domains.items()):
            until = max(domain.free_at or now, domain.paused_until or now)
            if not domain.waiting and until <= now:
                del self._domains[name]
