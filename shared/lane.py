"""A lane: the records of one owned partition between poll and commit.

Records of the same key run one after another, others may overtake (`KeyedLane`); or the whole partition runs in
micro-batches (`BatchLane`). Either way `Tracker` knows the first offset that is not finished: that, and nothing
beyond it, may be committed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from shared.bus import Partition, Record


class Abandoned(Exception):
    """The lane's work is no longer ours (fenced) or the loop is stopping over a defect: leave everything open."""


class Tracker:
    """The contiguous finished prefix of a partition. Gaps between offsets are normal (compaction, markers)."""

    def __init__(self) -> None:
        self._open: deque[int] = deque()
        self._finished: set[int] = set()
        self.next: int | None = None
        """The offset to commit: after the last record of the finished prefix; None before any finished."""

    def start(self, offset: int) -> None:
        """A record was taken in hand; offsets rise."""
        self._open.append(offset)

    def finish(self, offset: int) -> None:
        """A record is done, in whatever order."""
        self._finished.add(offset)
        while self._open and self._open[0] in self._finished:
            done = self._open.popleft()
            self._finished.remove(done)
            self.next = done + 1


class Lane(Protocol):
    """What the loop asks of a lane."""

    place: Partition
    tracker: Tracker

    def accept(self, record: Record) -> None:
        """Take a record in hand; never waits."""
        ...

    def stop_feeding(self) -> None:
        """Drop what has not been started; it will be read again by the next owner."""
        ...

    async def wait(self) -> None:
        """Return when nothing is running. Raises nothing."""
        ...

    def cancel(self) -> None:
        """Give up what is running."""
        ...


Process = Callable[[Sequence[Record]], Awaitable[None]]
"""Bring records to their outcome (one for a keyed lane, a batch for a batch lane); returns only when they are done."""

Finished = Callable[[Record], None]


class KeyedLane:
    """Concurrent between keys, in order within one. A record without a key is on its own."""

    def __init__(self, place: Partition, process: Process, finished: Finished, dropped: Finished) -> None:
        self.place = place
        self.tracker = Tracker()
        self._process, self._finished, self._dropped = process, finished, dropped
        self._waiting: dict[bytes, deque[Record]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, record: Record) -> None:
        """Queue behind its key, or start at once."""
        self.tracker.start(record.offset)
        key = record.key or b"\x00%d" % record.offset
        if key in self._waiting:
            self._waiting[key].append(record)
            return
        self._waiting[key] = deque([record])
        self._start(self._run_key(key))

    def _start(self, work: Awaitable[None]) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_key(self, key: bytes) -> None:
        queue = self._waiting[key]
        record: Record | None = None
        try:
            while queue:
                record = queue.popleft()
                await self._process([record])
                self.tracker.finish(record.offset)
                self._finished(record)
                record = None
        except Abandoned:
            pass  # somebody else finishes these; the tracker keeps them open, so they are never committed from here
        finally:
            for left in ([record] if record else []) + list(queue):
                self._dropped(left)
            del self._waiting[key]

    def stop_feeding(self) -> None:
        """Empty the queues behind what is running."""
        for queue in self._waiting.values():
            while queue:
                self._dropped(queue.popleft())

    async def wait(self) -> None:
        """Return when no task is left."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def cancel(self) -> None:
        """Cancel every task."""
        for task in self._tasks:
            task.cancel()


class BatchLane:
    """One micro-batch at a time, in order: what a transaction over a partition's state needs. Batches begin at least
    `rest` seconds apart."""

    def __init__(
        self, place: Partition, process: Process, finished: Finished, dropped: Finished, *, batch: int, rest: float = 0
    ) -> None:
        self.place = place
        self.tracker = Tracker()
        self._process, self._finished, self._dropped = process, finished, dropped
        self._batch, self._rest = batch, rest
        self._rested = 0.0
        self._wake = asyncio.Event()
        self._queue: deque[Record] = deque()
        self._task: asyncio.Task[None] | None = None

    def accept(self, record: Record) -> None:
        """Queue; start the worker if there is none, and wake it for a whole batch."""
        self.tracker.start(record.offset)
        self._queue.append(record)
        if len(self._queue) >= self._batch:
            self._wake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        await asyncio.sleep(0)  # lets the rest of the poll join the first batch
        while await self._is_more():
            taken = [self._queue.popleft() for _ in range(min(self._batch, len(self._queue)))]
            done = 0
            try:
                await self._process(taken)
                for record in taken:
                    self.tracker.finish(record.offset)
                    self._finished(record)
                done = len(taken)
            except Abandoned:
                self.stop_feeding()
            finally:
                for record in taken[done:]:
                    self._dropped(record)

    async def _is_more(self) -> bool:
        """Whether there is something to do, once the rest since the last batch began is over."""
        now = asyncio.get_running_loop().time
        self._wake.clear()
        if 0 < len(self._queue) < self._batch and now() < self._rested:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._rested - now()):
                    await self._wake.wait()
        if self._queue:
            self._rested = now() + self._rest
        return bool(self._queue)

    def stop_feeding(self) -> None:
        """Empty the queue behind the running batch."""
        self._wake.set()
        while self._queue:
            self._dropped(self._queue.popleft())

    async def wait(self) -> None:
        """Return when the worker rests."""
        while self._task is not None and not self._task.done():
            await asyncio.wait({self._task})

    def cancel(self) -> None:
        """Cancel the running batch."""
        self.stop_feeding()
        if self._task is not None:
            self._task.cancel()
