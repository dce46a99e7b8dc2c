"""Readers: in a backlog, texts are read in a process of their own while this one judges what was read before.

Reading is about half of the work of judging and needs nothing but the article and the rules, so a second core takes it
over. A batch is cut into portions; the first is read here at once, the others are handed over, and what nobody has
begun is read here rather than waited for. What is found is the same either way.

Nothing is started for the few articles of a quiet hour, and a worker that dies costs nothing but time: its texts are
read here, and after some such losses all are.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import msgspec
import structlog

from services.alerter.judge.findings import Findings, find
from services.alerter.judge.metrics import READ_ASIDE
from services.alerter.judge.reading import Reading
from services.alerter.rules import WatchRules
from shared.events import ArticleMatched
from shared.workers import context, die_with_parent

PORTION = 16
"""Matches read, and then judged, together: few enough that judging begins early, enough for SQL to be asked rarely."""
LOSSES = 3
"""Workers that may die before all is read here."""

log = structlog.get_logger()
_MATCHES = msgspec.msgpack.Decoder(list[ArticleMatched])
_FOUND = msgspec.msgpack.Decoder(list[Findings])
_ENCODE = msgspec.msgpack.Encoder().encode
Rules = Mapping[str, WatchRules]


@dataclass(slots=True, eq=False)
class Portion:
    """Matches to be read, by the rules of their watches; where that was begun, and what was found."""

    matches: Sequence[ArticleMatched]
    rules: Rules
    begun: asyncio.Future[bytes] | None = None
    pool: ProcessPoolExecutor | None = None
    found: list[Findings] | None = None


class Readers:
    """The processes that read, `workers` of them; with 0 everything is read here. Portions are handed over as the
    processes get on, never called back: cancelling what a pool holds is what pools break at."""

    def __init__(self, workers: int) -> None:
        self.losses, self._workers, self._out = 0, workers, 0
        self._pool: ProcessPoolExecutor | None = None
        self._starting: asyncio.Task[None] | None = None
        self._waiting: deque[Portion] = deque()

    @property
    def is_ready(self) -> bool:
        """Whether a process is there to read."""
        return self._pool is not None

    def begin(self, portions: Sequence[Portion]) -> None:
        """Hand over the portions of a batch but the first; so far a process is there. Those of the batch before that
        nobody has begun are forgotten."""
        self._waiting = deque(one for one in portions[1:] if one.matches)
        if not self._waiting or not self._workers or self.losses >= LOSSES:
            return
        if self._pool is None:
            self._starting = self._starting or asyncio.create_task(self._start())
        self._feed()

    def _feed(self) -> None:
        """Keep every process busy, with one portion at hand for whichever is done first."""
        while self._pool is not None and self._waiting and self._out <= self._workers:
            self._hand_over(self._pool, self._waiting.popleft())

    def _hand_over(self, pool: ProcessPoolExecutor, portion: Portion) -> None:
        try:
            sent = pool.submit(read_many, _ENCODE(portion.matches), dict(portion.rules))
        except BrokenProcessPool as error:
            self._lose(pool, error)
            return
        self._out += 1
        portion.begun, portion.pool = asyncio.wrap_future(sent), pool
        portion.begun.add_done_callback(self._came_back)

    def _came_back(self, begun: asyncio.Future[bytes]) -> None:
        self._out -= 1
        if not begun.cancelled():
            begun.exception()  # looked at here, since its batch may have ended meanwhile
        self._feed()

    async def read(self, at: int, portions: Sequence[Portion]) -> list[Findings]:
        """What is found in each match of the portion `at`; while that is waited for, the last portion of the batch that
        nobody has begun is read here. Raises what reading raises."""
        mine = portions[at]
        if mine in self._waiting:
            self._waiting.remove(mine)
        while mine.begun is not None and not mine.begun.done() and self._waiting:
            other = self._waiting.pop()
            other.found = await _read_here(other)
        if mine.begun is not None:
            mine.found = await self._answer(mine.begun, mine.pool)
        return mine.found if mine.found is not None else await _read_here(mine)

    async def _answer(self, begun: asyncio.Future[bytes], pool: ProcessPoolExecutor | None) -> list[Findings] | None:
        """What a process found; None if it died over it."""
        try:
            found = _FOUND.decode(await asyncio.shield(begun))
        except BrokenProcessPool as error:
            self._lose(pool, error)
            return None
        READ_ASIDE.inc(len(found))
        return found

    async def close(self) -> None:
        """End the processes; what they hold is dropped."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        if self._pool is not None:
            await asyncio.to_thread(self._pool.shutdown, cancel_futures=True)

    async def _start(self) -> None:
        pool = ProcessPoolExecutor(
            self._workers, mp_context=context("services.alerter.judge.worker"), initializer=die_with_parent
        )
        try:
            await asyncio.wrap_future(await asyncio.to_thread(pool.submit, ready))
            self._pool = pool
        except (BrokenProcessPool, OSError) as error:
            self._count(pool, error)
        self._starting = None

    def _lose(self, pool: ProcessPoolExecutor | None, error: Exception) -> None:
        """A process died, and its pool with it. Whoever notices second finds it known."""
        if pool is not None and pool is self._pool:
            self._pool = None
            self._count(pool, error)

    def _count(self, pool: ProcessPoolExecutor, error: Exception) -> None:
        self.losses += 1
        log.warning("reader_lost", error=str(error), losses=self.losses, most=LOSSES)
        pool.shutdown(wait=False)


async def _read_here(portion: Portion) -> list[Findings]:
    """Read in this process, with the loop let go after each."""
    found = []
    for match in portion.matches:
        found.append(find(Reading(match), portion.rules[match.watch_id]))
        await asyncio.sleep(0)
    return found


def read_many(matches: bytes, rules: Rules) -> bytes:
    """Inside a worker: packed matches in, packed findings out, in order."""
    return _ENCODE([find(Reading(one), rules[one.watch_id]) for one in _MATCHES.decode(matches)])


def ready() -> bool:
    """Whether a worker has loaded everything: it answers."""
    return True
