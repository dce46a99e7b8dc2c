"""Reading in processes that can be killed: every page has a deadline and a memory limit, and costs at most its worker.

Threads give trafilatura nothing (the GIL) and crash it; timeouts inside a process cannot interrupt a parser in C. So
pages are read in processes of a pebble pool, which ends a worker at the deadline and starts another while the rest go
on. Workers are forked from a server that has everything loaded (`warm`), never from this process.

A page that costs its worker is read once more the cheap way, alone in a worker of its own beside the crew, so that
nobody waits behind it; if that fails too it is `Rejected` and the consume loop puts it aside. Both readings together
keep the deadline. The queue before the workers is the consume loop's, which is bounded in pages and in bytes.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

import structlog

from services.extractor.metrics import SECOND_READINGS, Loss
from services.extractor.reading import Answer
from services.extractor.workers.crew import Crew, Lost
from services.extractor.workers.worker import Plan
from shared.errors import Rejected
from shared.events import PageFetched

FULL_SHARE = 0.6
"""Of the deadline, for the full reading: the slowest honest page takes 0.2 s, the slowest text just allowed 4 s. The
cheap reading of the worst of 65 poisonous documents took 2.3 s on a busy core and has the rest."""
LARGEST_MB = 400
"""MiB that a worker may hold before its crew is relieved: three times what a fresh one does."""

log = structlog.get_logger()


class Readers:
    """The crew, and the worker for second readings. `read` may be called from many tasks at once; there is no thread
    per task."""

    def __init__(
        self, plan: Plan, *, workers: int, deadline: timedelta, recycle: int, largest_mb: int = LARGEST_MB
    ) -> None:
        self._full = deadline.total_seconds() * FULL_SHARE
        self._cheap = deadline.total_seconds() - self._full
        self._crew = Crew(plan, size=workers, recycle=recycle, largest_mb=largest_mb)
        self._alone = Crew(plan, size=1, recycle=recycle, largest_mb=largest_mb)

    async def start(self) -> None:
        """Start the workers and return when one is ready."""
        await self._crew.start()

    def launch(self) -> None:
        """Start the workers and return at once; the first pages wait for them."""
        self._crew.launch()

    async def read(self, page: PageFetched) -> Answer:
        """Read a page. Raises Rejected (reason `deadline`, `worker_died` or `memory`) when both ways cost a worker, and
        RuntimeError with the traceback when both met a defect of ours."""
        first = await self._crew.attempt(page, cheap=False, seconds=self._full)
        if not isinstance(first, Lost):
            return first
        SECOND_READINGS.labels(first.reason).inc()
        log.warning("page_costly", page=page.id, url=page.url, reason=str(first.reason), detail=first.detail)
        second = await self._read_alone(page)
        if not isinstance(second, Lost):
            return second
        if second.reason is Loss.DEFECT:
            raise RuntimeError(second.detail)
        raise Rejected(f"{page.url}: {first.reason}, then {second.reason}", reason=str(second.reason))

    @property
    def largest_resident_mb(self) -> int:
        """The most MiB that a worker of the crew held after a page."""
        return self._crew.largest_resident_mb

    async def close(self) -> None:
        """End the workers; whatever they hold is dropped."""
        await asyncio.gather(self._crew.close(), self._alone.close())

    async def _read_alone(self, page: PageFetched) -> Answer | Lost:
        """The second reading. Its time runs while others are before it, too: what is left of the deadline is all there
        is, whoever took it."""
        try:
            async with asyncio.timeout(self._cheap):
                return await self._alone.attempt(page, cheap=True, seconds=self._cheap)
        except TimeoutError:
            return Lost(Loss.DEADLINE, f"{self._cheap:g} s in line for the second reading")
