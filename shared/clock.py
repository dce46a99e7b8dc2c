"""Time has owners: the story clock drives schedules, windows and dates, the real clock drives leases and latencies.

Both are `Clock`s and are passed in; nothing else asks the operating system for the time. In production they are the
same object. The demo's story clock runs fast and waits for the pipeline (`SteppedClock`), so what a demo decides does
not depend on how fast the machine is.

Left out on purpose: monotonic time. Latencies are differences of `real.now()` because their ends lie in different
processes; a negative step is counted by whoever observes it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the time is, and a way to wait for it to pass."""

    def now(self) -> datetime:
        """The time, with zone UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when this clock has advanced by `seconds`."""
        ...


class RealClock:
    """The operating system's clock."""

    def now(self) -> datetime:
        """The time, with zone UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await asyncio.sleep(max(0.0, seconds))


class SteppedClock:
    """A clock that stands still until somebody calls `advance_to`; sleepers wake in the order of their times."""

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The time it was last advanced to."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was advanced far enough; at once for zero or less."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), future))
        await future

    def next_wake(self) -> datetime | None:
        """When the earliest sleeper is due, or None when nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def advance_to(self, moment: datetime) -> None:
        """Set the time and wake everybody due; a moment in the past changes nothing."""
        self._now = max(self._now, moment)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            _, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                future.set_result(None)
