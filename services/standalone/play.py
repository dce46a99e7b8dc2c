"""The story clock's driver: one step, wait until the pipeline has digested it, keep the pace of the real clock.

Because the clock never runs ahead of the input, `observed`, windows and confirmations come out the same on a fast and
on a slow machine: ten runs agree.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import perf_counter

from shared.bus import Bus, Partition
from shared.clock import SteppedClock
from shared.consume import ConsumeLoop
from shared.run import Service

STEP = timedelta(minutes=15)
STALLED = 60.0
"""Seconds of real time in which one step must be digested; beyond it something hangs, and the demo says so."""


class PipelineStalled(Exception):
    """A step of the clock was not digested in time; the message says who still had work in hand."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Whether everything that the last clock step caused is done."""

    bus: Bus
    services: tuple[Service, ...]
    loops: tuple[ConsumeLoop, ...]

    def __call__(self) -> list[str]:
        """Services with work in hand."""
        return [service.name for service in self.services if service.busy()]

    async def behind(self) -> list[str]:
        """Groups that have not finished what is on their topics, and services that are busy. Two equal readings of the
        ends rule out that a record slipped from one topic to the next between them."""
        if busy := self():
            return busy
        before = await self._ends()
        late = [loop.step.group for loop in self.loops if self._is_late(loop, before)]
        return late or self() or ([] if await self._ends() == before else ["the log"])

    async def settle(self, moment: datetime) -> bool:
        """Tell the services that everything up to this time was done; whether that caused more."""
        told = [await service.settled(moment) for service in self.services if service.settled is not None]
        return any(told)

    async def _ends(self) -> dict[Partition, int]:
        return await self.bus.end_offsets(self._partitions())

    def _partitions(self) -> list[Partition]:
        topics = {topic.name: topic.partitions for loop in self.loops for topic in loop.step.topics}
        return [Partition(name, number) for name, count in topics.items() for number in range(count)]

    @staticmethod
    def _is_late(loop: ConsumeLoop, ends: dict[Partition, int]) -> bool:
        mine = {topic.name for topic in loop.step.topics}
        return any(loop.finished(place) < end for place, end in ends.items() if place.topic in mine)


async def wait_until_quiet(quiet: Quiet) -> None:
    """Return when nothing is left to do. Raises PipelineStalled."""
    deadline = perf_counter() + STALLED
    await asyncio.sleep(0)
    while late := await quiet.behind():
        if perf_counter() > deadline:
            raise PipelineStalled(f"no end after {STALLED:.0f} s, still working: {', '.join(late)}")
        await asyncio.sleep(0.002)


async def play(
    clock: SteppedClock, *, until: datetime, seconds: float, quiet: Quiet, told: Callable[[datetime], None]
) -> None:
    """Advance `clock` to `until`, spread over about `seconds` of real time; `told` hears of every step."""
    start, began = clock.now(), perf_counter()
    while (moment := _next(clock, until)) > clock.now():
        clock.advance_to(moment)
        await wait_until_quiet(quiet)
        if await quiet.settle(moment):
            await wait_until_quiet(quiet)
        told(moment)
        share = (moment - start) / (until - start)
        await asyncio.sleep(max(0.0, began + share * seconds - perf_counter()))


def _next(clock: SteppedClock, until: datetime) -> datetime:
    """The first whole step at which somebody wakes: what happens within a step happens at its end."""
    moment = clock.now() + STEP
    wake = clock.next_wake()
    if wake is not None and wake > moment:
        moment += STEP * -((moment - wake) // STEP)
    return min(until, moment)
