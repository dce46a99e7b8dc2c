"""The process edge's vocabulary: what a service is given and what it gives back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from shared.bus import Bus
from shared.clock import Clock
from shared.db import Database
from shared.http import Door
from shared.step import Step

Task = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then finishes what it has in hand and returns. Whatever it raises stops the process."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process edge builds once and hands to every service."""

    bus: Bus
    database: Database
    door: Door
    story: Clock
    real: Clock


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Service:
    """A wired service: its steps for the consume loop, and tasks that run beside them.

    `busy` says whether work that a clock step caused is still in hand (the demo's clock waits for it). `close` frees
    what the service opened itself (worker processes, servers).
    """

    name: str
    steps: tuple[Step, ...] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    busy: Callable[[], bool] = _never
    close: Callable[[], Awaitable[None]] | None = None
