"""A crew of worker processes on a pebble pool: what a page does to a worker comes back as a value.

A pool that broke for other reasons than a page (an idle worker was killed) is replaced, and the pages it held are read
again at no charge to them. Workers are recycled after a number of pages; a crew in which one has grown too large is
relieved: a new one takes the next pages while the old one finishes what it holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import structlog
from pebble import ProcessExpired, ProcessPool

from services.extractor.metrics import POOL_RELIEVED, POOL_REPLACED, Loss
from services.extractor.reading import Answer, Failed, unpack
from services.extractor.workers import worker
from services.extractor.workers.worker import Plan
from shared.errors import Transient
from shared.events import PageFetched
from shared.workers import context

REBUILDS = 3
"""Times a page is given to a new pool before its step waits (Transient): then the machine is at fault."""
LEAST = 50
"""Pages that a crew reads before it can be relieved: a limit below what a fresh worker takes must not make each page
start one."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Lost:
    """An attempt that gave no answer."""

    reason: Loss
    detail: str


class Crew:
    """`size` workers; each is replaced after `recycle` pages (0: never), all of them once one holds `largest_mb`.
    `largest_resident_mb` is the most that a worker held after a page."""

    def __init__(self, plan: Plan, *, size: int, recycle: int, largest_mb: int) -> None:
        self._plan = plan
        self._size = size
        self._recycle = recycle
        self._largest = largest_mb
        self._read = 0
        self.largest_resident_mb = 0
        self._pool = self._new_pool()
        self._burials: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        """Start the workers and return when one is ready."""
        await asyncio.wrap_future(self._pool.schedule(worker.ready))

    def launch(self) -> None:
        """Start the workers and return at once; the first pages wait for them."""
        self._pool.schedule(worker.ready)

    async def attempt(self, page: PageFetched, *, cheap: bool, seconds: float) -> Answer | Lost:
        """One reading of at most `seconds`, counted from when a worker takes it. Raises Transient when no worker can
        be kept running."""
        for _ in range(REBUILDS):
            pool = self._pool
            try:
                packed, resident = await asyncio.wrap_future(pool.schedule(worker.run, (page, cheap), {}, seconds))
            except TimeoutError:
                return Lost(Loss.DEADLINE, f"{seconds:g} s")
            except ProcessExpired as error:
                return Lost(Loss.WORKER_DIED, f"exit code {error.exitcode}")
            except (BrokenProcessPool, RuntimeError) as error:  # pebble says RuntimeError once it is broken
                self._replace(pool, error)
                continue
            self._relieve(pool, resident)
            sent = unpack(packed)
            return Lost(Loss(sent.reason), sent.detail) if isinstance(sent, Failed) else sent
        raise Transient("the workers cannot be kept running", reason="workers")

    async def close(self) -> None:
        """End the workers; whatever they hold is dropped."""
        await asyncio.gather(*self._burials, return_exceptions=True)
        await asyncio.to_thread(_end, self._pool)

    def _replace(self, broken: ProcessPool, error: Exception) -> None:
        """A new pool in place of a broken one; whoever comes second finds it done."""
        if self._pool is not broken:
            return
        POOL_REPLACED.inc()
        log.error("workers_replaced", error=str(error))
        self._succeed(broken, _end)

    def _relieve(self, pool: ProcessPool, resident: int) -> None:
        """Count a page, and have the crew relieved where its worker holds more than it may."""
        self._read += 1
        self.largest_resident_mb = max(self.largest_resident_mb, resident)
        if resident <= self._largest or self._read < LEAST or self._pool is not pool:
            return
        POOL_RELIEVED.inc()
        log.info("workers_relieved", resident_mb=resident, pages=self._read)
        self._succeed(pool, _finish)

    def _succeed(self, pool: ProcessPool, bury: Callable[[ProcessPool], None]) -> None:
        self._pool, self._read = self._new_pool(), 0
        burial = asyncio.get_running_loop().run_in_executor(None, bury, pool)
        self._burials.add(burial)  # the loop itself keeps no hold of it
        burial.add_done_callback(self._burials.discard)

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._size,
            max_tasks=self._recycle,
            initializer=worker.prepare,
            initargs=[self._plan],
            context=context("services.extractor.workers.warm"),
        )


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble types its pools only in part
    pool.join()


def _finish(pool: ProcessPool) -> None:
    pool.close()  # type: ignore[no-untyped-call]  # as above
    pool.join()
