"""The two threads that touch the file: one writes with group commit, one reads. The event loop never waits for a disk.

A writer takes whatever has queued up while it was committing into its next transaction; there is no linger, since the
commit itself is the wait. One `call_soon_threadsafe` per commit hands all results back. A job that refuses (raises a
`Failure`) must do so before it writes anything; any other error rolls the whole transaction back and every job of it
fails with `BusUnavailable`, which is the truth: whether it was written is unknown to the caller.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from shared.bus import BusUnavailable
from shared.errors import Failure

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], Any]
Ticket = tuple[Job, "asyncio.Future[Any]"]
Settled = tuple["asyncio.Future[Any]", Any, BaseException | None]

LARGEST_BATCH = 256


class FileThread:
    """A thread that owns a connection and runs jobs on it. With `undo` it is a writer: its jobs run in transactions,
    and `undo` is told (in the thread) when one was rolled back."""

    def __init__(
        self, name: str, opened: Callable[[], sqlite3.Connection], *, undo: Callable[[], None] | None = None
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Ticket | None] = SimpleQueue()
        self._opened = opened
        self._undo = undo
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._closed = False

    async def start(self) -> None:
        """Open the connection; raises what opening raises."""
        self._thread.start()
        await self.call(lambda _conn: None)

    async def call(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run `job` on the thread; for a writer, return when it is committed."""
        if self._closed:
            raise BusUnavailable("the bus is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put((job, future))
        return await future

    async def close(self) -> None:
        """Finish what is queued and end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        try:
            conn = self._opened()
        except sqlite3.Error as error:
            self._refuse(error)
            return
        rounds = self._read_round if self._undo is None else self._commit_round
        try:
            while rounds(conn):
                pass
        except Exception as error:  # noqa: BLE001 - nobody may wait for ever for a thread that has ended
            self._refuse(error)
        finally:
            conn.close()

    def _refuse(self, error: Exception) -> None:
        while (ticket := self._queue.get()) is not None:
            self._hand_back([(ticket[1], None, BusUnavailable(f"the log cannot be used: {error}"))])

    def _read_round(self, conn: sqlite3.Connection) -> bool:
        ticket = self._queue.get()
        if ticket is not None:
            self._hand_back([attempt(ticket, conn)])
        return ticket is not None

    def _commit_round(self, conn: sqlite3.Connection) -> bool:
        tickets, more = self._collect()
        if tickets and self._undo is not None:
            self._hand_back(in_transaction(tickets, conn, self._undo))
        return more

    def _collect(self) -> tuple[list[Ticket], bool]:
        ticket = self._queue.get()
        tickets: list[Ticket] = []
        try:
            while ticket is not None and len(tickets) < LARGEST_BATCH:
                tickets.append(ticket)
                ticket = self._queue.get_nowait()
        except Empty:
            return tickets, True
        if ticket is None:
            return tickets, False
        tickets.append(ticket)
        return tickets, True

    def _hand_back(self, settled: Sequence[Settled]) -> None:
        try:
            self._loop.call_soon_threadsafe(settle, settled)
        except RuntimeError:  # the loop is gone: nobody is left to tell
            self._closed = True


def settle(settled: Sequence[Settled]) -> None:
    """Give every waiting caller its result; those that were cancelled are not waiting any more."""
    for future, result, error in settled:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def attempt(ticket: Ticket, conn: sqlite3.Connection) -> Settled:
    """Run one job; failures of a closed kind are its result, errors of the file mean that the bus is unavailable."""
    job, future = ticket
    try:
        return future, job(conn), None
    except Failure as failure:
        return future, None, failure
    except sqlite3.Error as error:
        return future, None, BusUnavailable(f"log: {error}")
    except Exception as error:  # noqa: BLE001 - it belongs to the caller, not to this thread
        return future, None, error


def in_transaction(tickets: Sequence[Ticket], conn: sqlite3.Connection, undo: Callable[[], None]) -> list[Settled]:
    """Run the jobs in one synced transaction."""
    try:
        conn.execute("begin immediate")
        settled = []
        for ticket in tickets:
            outcome = attempt(ticket, conn)
            if isinstance(outcome[2], Exception) and not is_refusal(outcome[2]):
                raise outcome[2]
            settled.append(outcome)
        conn.execute("commit")
    except Exception as error:  # noqa: BLE001 - one defect must not end the thread that everybody writes through
        with contextlib.suppress(sqlite3.Error):  # some errors have rolled back already
            conn.execute("rollback")
        undo()
        return [(future, None, unavailable(error)) for _job, future in tickets]
    return settled


def is_refusal(error: Exception) -> bool:
    """Did a job refuse before it wrote anything?"""
    return isinstance(error, Failure) and not isinstance(error, BusUnavailable)


def unavailable(error: Exception) -> BusUnavailable:
    """The failure to tell every job of a transaction that was rolled back."""
    return error if isinstance(error, BusUnavailable) else BusUnavailable(f"log: {type(error).__name__}: {error}")
