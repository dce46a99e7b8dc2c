"""Worker processes that can be killed: every page has a deadline and a memory limit, and costs at most its worker.

Threads give trafilatura nothing (the GIL) and crash it; timeouts inside a process cannot interrupt a parser in C. So
pages are read in processes of a pebble pool, which ends a worker at the deadline and starts another while the rest go
on. Workers are forked from a server that has everything loaded (`warm`), never from this process.

A page that costs its worker is read once more the cheap way; if that fails too it is `Rejected` and the consume loop
puts it aside. A pool that broke for other reasons (an idle worker was killed) is replaced, and the pages it held
are read again at no charge to them.
"""

from __future__ import annotations

import asyncio
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import timedelta

import structlog
from pebble import ProcessExpired, ProcessPool

from services.extractor.metrics import POOL_REPLACED, SECOND_READINGS, Loss
from services.extractor.reading import Answer, Failed, unpack
from services.extractor.workers import worker
from services.extractor.workers.worker import Plan
from shared.errors import Rejected, Transient
from shared.events import PageFetched
from shared.workers import context

REBUILDS = 3
"""Times a page is given to a new pool before its step waits (Transient): then the machine is at fault."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Lost:
    """An attempt that gave no answer."""

    reason: Loss
    detail: str


class Readers:
    """The pool. `read` may be called from many tasks at once; there is no thread per task."""

    def __init__(self, plan: Plan, *, workers: int, deadline: timedelta, recycle: int) -> None:
        self._plan = plan
        self._workers = workers
        self._deadline = deadline.total_seconds()
        self._recycle = recycle
        self._pool = self._new_pool()
        self._burials: set[asyncio.Future[None]] = set()

    async def start(self) -> None:
        """Start the workers and return when one is ready."""
        await asyncio.wrap_future(self._pool.schedule(worker.ready))

    def launch(self) -> None:
        """Start the workers and return at once; the first pages wait for them."""
        self._pool.schedule(worker.ready)

    async def read(self, page: PageFetched) -> Answer:
        """Read a page. Raises Rejected (reason `deadline`, `worker_died` or `memory`) when both ways cost a worker."""
        first = await self._attempt(page, cheap=False)
        if not isinstance(first, _Lost):
            return first
        SECOND_READINGS.labels(first.reason).inc()
        log.warning("page_costly", page=page.id, url=page.url, reason=str(first.reason), detail=first.detail)
        second = await self._attempt(page, cheap=True)
        if not isinstance(second, _Lost):
            return second
        if second.reason is Loss.DEFECT:
            raise RuntimeError(second.detail)
        raise Rejected(f"{page.url}: {first.reason}, then {second.reason}", reason=str(second.reason))

    async def close(self) -> None:
        """End the workers; whatever they hold is dropped."""
        await asyncio.gather(*self._burials, return_exceptions=True)
        await asyncio.to_thread(_end, self._pool)

    async def _attempt(self, page: PageFetched, *, cheap: bool) -> Answer | _Lost:
        for _ in range(REBUILDS):
            pool = self._pool
            try:
                sent = unpack(await asyncio.wrap_future(pool.schedule(worker.run, (page, cheap), {}, self._deadline)))
            except TimeoutError:
                return _Lost(Loss.DEADLINE, f"{self._deadline:g} s")
            except ProcessExpired as error:
                return _Lost(Loss.WORKER_DIED, f"exit code {error.exitcode}")
            except (BrokenProcessPool, RuntimeError) as error:  # pebble says RuntimeError once it is broken
                self._replace(pool, error)
                continue
            return _Lost(Loss(sent.reason), sent.detail) if isinstance(sent, Failed) else sent
        raise Transient("the workers cannot be kept running", reason="workers")

    def _replace(self, broken: ProcessPool, error: Exception) -> None:
        """A new pool in place of a broken one; whoever comes second finds it done."""
        if self._pool is not broken:
            return
        POOL_REPLACED.inc()
        log.error("workers_replaced", error=str(error))
        self._pool = self._new_pool()
        burial = asyncio.get_running_loop().run_in_executor(None, _end, broken)
        self._burials.add(burial)  # the loop itself keeps no hold of it
        burial.add_done_callback(self._burials.discard)

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._workers,
            max_tasks=self._recycle,
            initializer=worker.prepare,
            initargs=[self._plan],
            context=context("services.extractor.workers.warm"),
        )


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble types its pools only in part
    pool.join()
