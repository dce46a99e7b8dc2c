"""Readers: in a backlog, texts are read in a process of their own while this one judges what was read before.

Reading is about half of the work of judging and needs nothing but the article and the rules, so a second core takes it
over. A batch is cut into portions; the first is read here at once, the others are handed over, and what nobody has
begun is read here rather than waited for. What is found is the same either way.

Nothing is started for the few articles of a quiet hour, and a worker that dies costs nothing but time: its texts are
read here, and after some such losses all are.
"""

from __future__ import annotations

import asyncio
import pickle
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog

from services.alerter.judge.findings import Findings, find
from services.alerter.judge.metrics import READ_ASIDE
from services.alerter.judge.reading import Reading
from services.alerter.rules import WatchRules
from shared.aside import Aside, Lost
from shared.events import ArticleMatched

PORTION = 32
"""Matches read, and then judged, together: few enough that judging begins early, enough for SQL to be asked rarely."""
AT_HAND = 2
"""Portions a process is given: the one it reads, and the next, so that it does not wait for us."""
LOSSES = 3
"""Processes that may die before all is read here."""

log = structlog.get_logger()
_MATCHES = msgspec.msgpack.Decoder(list[ArticleMatched])
_FOUND = msgspec.msgpack.Decoder(list[Findings])
_ENCODE = msgspec.msgpack.Encoder().encode
Rules = Mapping[str, WatchRules]


@dataclass(slots=True, eq=False)
class Portion:
    """Matches to be read, by the rules of their watches; by whom that was begun, and what was found."""

    matches: Sequence[ArticleMatched]
    rules: Rules
    begun: asyncio.Future[bytes] | None = None
    reader: Aside | None = None
    found: list[Findings] | None = None


class Readers:
    """The processes that read, `workers` of them; with 0 everything is read here. Portions are handed over as the
    processes get on, never called back."""

    def __init__(self, workers: int) -> None:
        self.losses, self._workers = 0, workers
        self._readers: list[Aside] = []
        self._starting: asyncio.Task[None] | None = None
        self._waiting: deque[Portion] = deque()

    @property
    def is_ready(self) -> bool:
        """Whether a process is there to read."""
        return bool(self._readers)

    def begin(self, portions: Sequence[Portion]) -> None:
        """Hand over the portions of a batch but the first; so far a process is there. Those of the batch before that
        nobody has begun are forgotten."""
        self._waiting = deque(one for one in portions[1:] if one.matches)
        if self._waiting and len(self._readers) < self._workers and self.losses < LOSSES and self._starting is None:
            self._starting = asyncio.create_task(self._start())
        self._feed()

    def _feed(self) -> None:
        """Keep every process busy."""
        for reader in self._readers:
            while self._waiting and reader.open_questions < AT_HAND:
                portion = self._waiting.popleft()
                question = pickle.dumps((_ENCODE(portion.matches), dict(portion.rules)))
                portion.begun, portion.reader = reader.ask(question), reader
                portion.begun.add_done_callback(self._came_back)

    def _came_back(self, begun: asyncio.Future[bytes]) -> None:
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
            mine.found = await self._answer(mine.begun, mine.reader)
        return mine.found if mine.found is not None else await _read_here(mine)

    async def _answer(self, begun: asyncio.Future[bytes], reader: Aside | None) -> list[Findings] | None:
        """What a process found; None if it died over it."""
        try:
            found = _FOUND.decode(await asyncio.shield(begun))
        except Lost as error:
            self._lose(reader, error)
            return None
        READ_ASIDE.inc(len(found))
        return found

    async def close(self) -> None:
        """End the processes; what they hold is dropped."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        await asyncio.gather(*(reader.close() for reader in self._readers))

    async def _start(self) -> None:
        try:
            while len(self._readers) < self._workers:
                self._readers.append(await Aside.start(read_many, "services.alerter.judge.worker"))
                self._feed()
        except Lost as error:
            self._count(error)
        finally:
            self._starting = None

    def _lose(self, reader: Aside | None, error: Exception) -> None:
        """A process died. Whoever notices second finds it known."""
        if reader in self._readers:
            self._readers.remove(reader)
            self._count(error)

    def _count(self, error: Exception) -> None:
        self.losses += 1
        log.warning("reader_lost", error=str(error), losses=self.losses, most=LOSSES)


async def _read_here(portion: Portion) -> list[Findings]:
    """Read in this process, with the loop let go after each."""
    found = []
    for match in portion.matches:
        found.append(find(Reading(match), portion.rules[match.watch_id]))
        await asyncio.sleep(0)
    return found


def read_many(question: bytes) -> bytes:
    """Inside a process aside: packed matches and the rules of their watches in, packed findings out, in order."""
    matches, rules = pickle.loads(question)  # noqa: S301 - from our own service
    return _ENCODE([find(Reading(one), rules[one.watch_id]) for one in _MATCHES.decode(matches)])
