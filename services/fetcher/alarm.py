"""How the loops of the fetcher wait, and when its defects are too many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

import structlog

log = structlog.get_logger()

MOST_DEFECTS = 20
"""Unexpected exceptions in a row, over all sources and pages, after which the process ends: not the input's fault."""


@dataclass(slots=True)
class Alarm:
    """Wakes a loop. `unsettled` from when it rings until the loop sleeps again with the right time to wake."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)
    unsettled: bool = True

    def ring(self) -> None:
        """Wake the loop."""
        self.unsettled = True
        self.rung.set()


async def first(stop: asyncio.Event, *waits: Awaitable[Any], alarm: Alarm | None = None) -> bool:
    """Wait for the first of `waits`, the alarm or the stop; whether it was the stop. The alarm is settled once all of
    them wait: a stepped clock knows every time to wake by then."""
    events = [stop.wait(), *([alarm.rung.wait()] if alarm is not None else [])]
    tasks = [asyncio.ensure_future(wait) for wait in (*events, *waits)]
    try:
        if alarm is not None:
            await asyncio.sleep(0)
            alarm.unsettled = alarm.rung.is_set()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return stop.is_set()


@dataclass(slots=True)
class Defects:
    """Unexpected exceptions in a row: one source or page that causes them must not stop the others."""

    row: int = 0

    def none(self) -> None:
        """Something worked."""
        self.row = 0

    def note(self, error: Exception, **where: str) -> None:
        """Log a defect of ours. Raises it when it is one too many."""
        self.row += 1
        log.error("fetcher_defect", exc_info=error, row=self.row, **where)
        if self.row >= MOST_DEFECTS:
            raise error
