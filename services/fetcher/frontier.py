"""Entries whose page is still to be fetched, in memory: who is next, and what waits for another try.

The table is the truth; here stands a bounded piece of it. News before history; domains in turn, and with pacing one
page of a domain at a time, so that a large feed neither keeps the others waiting nor holds places that only wait.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.fetcher.pace import Pace
from services.fetcher.store import Job
from shared.events import Mode
from shared.urls import registered_domain

ROOM = 5_000
"""Jobs in memory, at about 5 KB each; the rest waits in the table."""

Queued = tuple[bool, int, Job]


@dataclass(slots=True)
class Frontier:
    """The jobs at hand. `one_each` allows one job a domain at a time."""

    pace: Pace
    one_each: bool
    room: int = ROOM
    overflowed: bool = False
    """Whether the table holds jobs that had no room here."""
    _queues: dict[str, list[Queued]] = field(default_factory=dict)
    _turns: deque[str] = field(default_factory=deque)
    _busy: set[str] = field(default_factory=set)
    _later: list[tuple[datetime, int, Job]] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)
    _count: itertools.count[int] = field(default_factory=itertools.count)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, entry_id: object) -> bool:
        return entry_id in self._known

    def add(self, job: Job) -> None:
        """A job to do, now or at its `retry_at`. One that finds no room is left in the table."""
        if job.item.entry_id in self._known:
            return
        if len(self._known) >= self.room:
            self.overflowed = True
            return
        self._known.add(job.item.entry_id)
        self._place(job)

    def wants_more(self) -> bool:
        """Whether there is room again for what waits in the table."""
        return self.overflowed and len(self._known) <= self.room // 2

    def take(self, now: datetime) -> Job | None:
        """The next job to do, None while there is none. Give it back with `retry` or `finish`."""
        self._wake(now)
        for _ in range(len(self._turns)):
            domain = self._turns.popleft()
            job = self._next_of(domain)
            if job is not None:
                return job
        return None

    def ready(self, now: datetime) -> bool:
        """Whether `take` would find a job."""
        self._wake(now)
        return any(self._free(domain) for domain in self._turns)

    def next_change(self) -> datetime | None:
        """When the earliest of the later tries is due."""
        return self._later[0][0] if self._later else None

    def waiting_for_hosts(self) -> bool:
        """Whether there are jobs that only wait for a host's pause to end."""
        return bool(self._turns)

    def retry(self, job: Job, attempts: int, retry_at: datetime) -> None:
        """The job is to be done again at `retry_at`."""
        self._release(job)
        self._place(replace(job, attempts=attempts, retry_at=retry_at))

    def finish(self, job: Job) -> None:
        """The job is done."""
        self._release(job)
        self._known.discard(job.item.entry_id)

    def _place(self, job: Job) -> None:
        if job.retry_at is not None:
            heapq.heappush(self._later, (job.retry_at, next(self._count), job))
            return
        domain = registered_domain(job.item.url)
        queue = self._queues.setdefault(domain, [])
        if not queue and domain not in self._busy:
            self._turns.append(domain)
        heapq.heappush(queue, (job.item.mode is not Mode.LIVE, next(self._count), job))

    def _wake(self, now: datetime) -> None:
        while self._later and self._later[0][0] <= now:
            _, _, job = heapq.heappop(self._later)
            self._place(replace(job, retry_at=None))

    def _next_of(self, domain: str) -> Job | None:
        free = self._free(domain)
        if free is None:
            self._turns.append(domain)
            return None
        queue = self._queues[domain]
        _take_out(queue, free)
        job = free[2]
        if self.one_each:
            self._busy.add(domain)
        elif queue:
            self._turns.append(domain)
        if not queue:
            del self._queues[domain]
        return job

    def _release(self, job: Job) -> None:
        domain = registered_domain(job.item.url)
        if domain in self._busy:
            self._busy.discard(domain)
            if self._queues.get(domain):
                self._turns.append(domain)

    def _free(self, domain: str) -> Queued | None:
        """The next job of a domain whose host has not asked for a pause."""
        queue = self._queues[domain]
        if not self.pace.has_pauses(domain):
            return queue[0]
        return min((queued for queued in queue if not self.pace.paused(queued[2].item.url)), default=None)


def _take_out(queue: list[Queued], queued: Queued) -> None:
    if queue[0] is queued:
        heapq.heappop(queue)
    else:  # rare: its elders wait for another host of the domain
        queue.remove(queued)
        heapq.heapify(queue)
