"""Entries whose page is still to be fetched, in memory: who is next, and what waits for another try.

The table is the truth; here stands a bounded piece of it. News before history, wherever it is from, and the newest of
history first, so that a backlog of days comes in from its end; domains in turn, and with pacing one page of a domain at
a time, so that a large feed neither keeps the others waiting nor holds places that only wait. History never takes all
the room.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime

from services.fetcher.manners.pace import Pace
from services.fetcher.store import Job
from shared.events import Mode
from shared.urls import registered_domain

ROOM = 5_000
"""Jobs in memory, at about 5 KB each; the rest waits in the table."""

HISTORY = 0.75
"""Share of the room that history may fill: news always finds some."""

Queued = tuple[float, int, Job]
"""Its rank, the smallest first; the number in which it came; the job."""


@dataclass(slots=True)
class _Ring:
    """Jobs of one kind by registered domain, and the domains in turn."""

    queues: dict[str, list[Queued]] = field(default_factory=dict)
    turns: deque[str] = field(default_factory=deque)

    def put(self, domain: str, queued: Queued) -> None:
        if domain not in self.queues:
            self.queues[domain] = []
            self.turns.append(domain)
        heapq.heappush(self.queues[domain], queued)

    def take_out(self, domain: str, queued: Queued) -> None:
        queue = self.queues[domain]
        if queue[0] is queued:
            heapq.heappop(queue)
        else:  # rare: its elders wait for another host of the domain
            queue.remove(queued)
            heapq.heapify(queue)
        if not queue:
            del self.queues[domain]
            self.turns.remove(domain)


@dataclass(slots=True)
class Frontier:
    """The jobs at hand. `one_each` allows one job a domain at a time."""

    pace: Pace
    one_each: bool
    room: int = ROOM
    overflowed: bool = False
    """Whether the table holds jobs that had no room here."""
    _news: _Ring = field(default_factory=_Ring)
    _history: _Ring = field(default_factory=_Ring)
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
        room = self.room if job.item.mode is Mode.LIVE else self.room * HISTORY
        if len(self._known) >= room:
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
        for ring in (self._news, self._history):
            for _ in range(len(ring.turns)):
                ring.turns.rotate(-1)
                domain = ring.turns[-1]
                if (free := self._free(ring, domain)) is not None:
                    ring.take_out(domain, free)
                    return self._given(domain, free[2])
        return None

    def _given(self, domain: str, job: Job) -> Job:
        if self.one_each:
            self._busy.add(domain)
        return job

    def ready(self, now: datetime) -> bool:
        """Whether `take` would find a job."""
        self._wake(now)
        return any(self._free(ring, domain) for ring in (self._news, self._history) for domain in ring.turns)

    def next_change(self) -> datetime | None:
        """When the earliest of the later tries is due."""
        return self._later[0][0] if self._later else None

    def waiting_for_hosts(self) -> bool:
        """Whether there are jobs that only wait for a host's pause to end."""
        return any(domain not in self._busy for ring in (self._news, self._history) for domain in ring.turns)

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
        ring = self._news if job.item.mode is Mode.LIVE else self._history
        ring.put(registered_domain(job.item.place), (_rank(job), next(self._count), job))

    def _wake(self, now: datetime) -> None:
        while self._later and self._later[0][0] <= now:
            _, _, job = heapq.heappop(self._later)
            self._place(replace(job, retry_at=None))

    def _release(self, job: Job) -> None:
        self._busy.discard(registered_domain(job.item.place))

    def _free(self, ring: _Ring, domain: str) -> Queued | None:
        """The next job of a domain that is not busy and whose host has not asked for a pause."""
        if domain in self._busy:
            return None
        queue = ring.queues[domain]
        if not self.pace.has_pauses(domain):
            return queue[0]
        return min((queued for queued in queue if not self.pace.paused(queued[2].item.place)), default=None)


def _rank(job: Job) -> float:
    """News in the order in which it was seen; of history the newest first, what has no date last."""
    published = job.item.published
    return 0.0 if job.item.mode is Mode.LIVE or published is None else -published.at.timestamp()
