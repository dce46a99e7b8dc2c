"""Readers: in a backlog, texts are read in a process of their own while this one judges what was read before.

Reading is about half of the work of judging and needs nothing but the article and the rules, so a second core takes it
over. A batch is cut into portions; the first is read here at once, the others are handed over, and one that nobody has
begun when its turn comes is read here after all. What is found is the same either way.

Nothing is started for the few articles of a quiet hour, and a worker that dies costs nothing but time: its texts are
read here, and after some such losses all are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
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


@dataclass(slots=True)
class Portion:
    """Matches to be read, by the rules of their watches; where that was begun, and what was found."""

    matches: Sequence[ArticleMatched]
    rules: Rules
    begun: Future[bytes] | None = None
    found: list[Findings] | None = None


class Readers:
    """The processes that read, `workers` of them; with 0 everything is read here."""

    def __init__(self, workers: int) -> None:
        self._workers, self._losses = workers, 0
        self._pool: ProcessPoolExecutor | None = None
        self._starting: asyncio.Task[None] | None = None

    def begin(self, portions: Sequence[Portion]) -> None:
        """Hand over all portions of a batch but the first; so far a process is there."""
        others = [one for one in portions[1:] if one.matches]
        if not others or not self._workers or self._losses >= LOSSES:
            return
        if self._pool is None:
            self._starting = self._starting or asyncio.create_task(self._start())
            return
        for one in others:
            one.begun = self._handed(self._pool, one)

    def _handed(self, pool: ProcessPoolExecutor, portion: Portion) -> Future[bytes] | None:
        try:
            return pool.submit(read_many, _ENCODE(portion.matches), dict(portion.rules))
        except BrokenProcessPool as error:
            self._lose(pool, error)
            return None

    async def read(self, at: int, portions: Sequence[Portion]) -> list[Findings]:
        """What is found in each match of the portion `at`; what is not begun yet is read here rather than waited for,
        the last of the batch first. Raises what reading raises."""
        mine = portions[at]
        if mine.begun is not None and not mine.begun.cancel():
            for other in reversed(portions[at + 1 :]):
                if mine.begun.done():
                    break
                if other.begun is not None and other.begun.cancel():
                    other.found = await _read_here(other)
            mine.found = await self._answer(mine.begun)
        return mine.found if mine.found is not None else await _read_here(mine)

    async def _answer(self, begun: Future[bytes]) -> list[Findings] | None:
        """What a worker found; None if it died over it."""
        pool = self._pool
        try:
            sent: bytes = await asyncio.wrap_future(begun)
        except BrokenProcessPool as error:
            self._lose(pool, error)
            return None
        found = _FOUND.decode(sent)
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
        except (BrokenProcessPool, OSError) as error:
            self._lose(pool, error)
        else:
            self._pool = pool
        self._starting = None

    def _lose(self, pool: ProcessPoolExecutor | None, error: Exception) -> None:
        """A worker died. Whoever notices second finds it known."""
        if pool is None or (self._pool is not None and pool is not self._pool):
            return
        self._losses += 1
        log.warning("reader_lost", error=str(error), losses=self._losses, most=LOSSES)
        pool.shutdown(wait=False, cancel_futures=True)
        self._pool = None


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
