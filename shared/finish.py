"""How inputs reach their one outcome: decode, step, publish; try again what fails transiently, bury what never can.

A micro-batch goes through the step whole; when it fails, each of its records goes alone, so one bad record costs
nobody but itself. What fails is classified here (`shared.errors` draws the set): `Permanent` becomes a dead letter,
`Transient` is tried again in place for as long as it lasts, `Fenced` goes up to the loop, which drops the work.
Anything else is a defect of ours: buried like poison, unless the breaker says that defects have become the rule.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from time import perf_counter
from typing import TypeVar

import structlog

from shared import codec, metrics
from shared.bus import BusUnavailable, Message, Publisher, Record, RecordTooLarge
from shared.clock import Clock
from shared.codec import Trace
from shared.db import DatabaseUnavailable
from shared.dead import bury
from shared.errors import Fenced, Permanent, Rejected, Transient, Undecodable
from shared.events import Event
from shared.lease import Fence
from shared.step import Outcome, Step, Work
from shared.topics import retry_topic, topic_named

log = structlog.get_logger()
T = TypeVar("T")

BACKOFF_FIRST, BACKOFF_LAST = 0.1, 15.0
"""Seconds between attempts after a transient failure, doubling with full jitter: 0.1 0.2 … 12.8 15 15. The last is
below a drain budget, so a step is never asleep through a whole drain."""

BREAKER_WINDOW, BREAKER_KEYS = 100, 3
"""The breaker's window and the number of distinct keys that our defects must touch: one poison key
is no bad deploy."""

DEAD_REASONS = (Undecodable.reason, "no_value", "unknown_type", Rejected.reason, RecordTooLarge.reason, "defect")
RETRY_REASONS = (Transient.reason, BusUnavailable.reason, DatabaseUnavailable.reason)
"""The reasons that any group can meet; a step may name more (`Failure.reason`)."""


class TooManyDefects(Exception):
    """Our own unexpected exceptions are over half of the last 100 inputs: the process must stop and page somebody."""


class Breaker:
    """Whether our own defects have become the rule rather than the exception (arroyo's dead-letter limits)."""

    def __init__(self) -> None:
        self._last: deque[bytes | None] = deque(maxlen=BREAKER_WINDOW)

    def passed(self) -> None:
        """An input ended well, or badly through its own fault."""
        self._last.append(None)

    def defect(self, key: bytes | None) -> bool:
        """An input met a defect of ours; True when that is one too many."""
        self._last.append(key or b"")
        defects = [key for key in self._last if key is not None]
        return len(defects) > BREAKER_WINDOW // 2 and len(set(defects)) >= BREAKER_KEYS


class Stopped(Exception):
    """The process ends before what was waited for could be had."""


async def patiently(group: str, action: Callable[[], Awaitable[T]], stop: asyncio.Event | None = None) -> T:
    """Repeat `action` in place while it fails transiently; order per key is kept because nothing overtakes. Raises
    Stopped when `stop` is set while it waits: an outage must not hold up the end of the process."""
    for delay in _delays():
        try:
            return await action()
        except Transient as error:
            metrics.RETRIES.labels(group, error.reason).inc()
            log.warning("step_retried", group=group, reason=error.reason, error=str(error))
            if await _stopped_within(delay, stop):
                raise Stopped(group) from error
    raise AssertionError("the delays never end")


async def _stopped_within(seconds: float, stop: asyncio.Event | None) -> bool:
    if stop is None:
        await asyncio.sleep(seconds)
        return False
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True


def _delays() -> Iterator[float]:
    ceiling = BACKOFF_FIRST
    while True:
        yield random.uniform(ceiling / 2, ceiling)
        ceiling = min(BACKOFF_LAST, ceiling * 2)


class Finisher:
    """Brings the inputs of one step to their outcomes. `running` bounds how many calls of the step run at once."""

    def __init__(self, step: Step, *, publisher: Publisher, real: Clock) -> None:
        self._step, self._publisher, self._real = step, publisher, real
        self._breaker = Breaker()
        self._running = asyncio.Semaphore(step.in_flight)

    async def finish(self, records: Sequence[Record], fence: Fence | None) -> None:
        """Return when each of `records` (one, or a micro-batch of one partition) has its counted outcome.

        Raises Fenced when they are not ours any more, TooManyDefects when the process must stop.
        """
        started = perf_counter()
        works = [work for record in records if (work := await self._decode(record, fence)) is not None]
        if not works:
            return
        if len(works) > 1 and await self._done_together(works, started):
            return
        for work in works:
            await self._do_alone(work, started)

    # -- decode ------------------------------------------------------------------------------------------------

    async def _decode(self, record: Record, fence: Fence | None) -> Work | None:
        """The event of a record; None when it had to be buried."""
        trace = codec.trace_of(record)
        try:
            event = codec.decode(record, self._event_type(record))
        except Permanent as error:
            self._breaker.passed()
            await self._bury(record, error.reason, error)
            return None
        return Work(event, record, trace or Trace.start(event.id), fence)

    def _event_type(self, record: Record) -> type[Event]:
        """By the topic; on the retry topic by the CloudEvents type, which names the original one."""
        name = record.topic
        if name == retry_topic(self._step.group):
            name = dict(record.headers).get("ce_type", b"").decode("utf-8", "replace")
        topic = topic_named(name)
        if topic is None or topic not in self._step.topics:
            raise Undecodable(f"{self._step.group} reads no event of type {name!r}", reason="unknown_type")
        return topic.event

    # -- step --------------------------------------------------------------------------------------------------

    async def _done_together(self, works: Sequence[Work], started: float) -> bool:
        try:
            await patiently(self._step.group, lambda: self._do(works, started))
        except Fenced:
            raise
        except Exception as error:  # noqa: BLE001 - whatever one record of a batch raises, each is tried alone
            log.warning("batch_failed", group=self._step.group, size=len(works), error=repr(error))
            return False
        return True

    async def _do_alone(self, work: Work, started: float) -> None:
        try:
            await patiently(self._step.group, lambda: self._do([work], started))
        except Fenced:
            raise
        except Permanent as error:
            self._breaker.passed()
            await self._bury(work.record, error.reason, error)
        except Exception as error:
            log.exception("step_failed", group=self._step.group, event_id=work.event.id)
            if self._breaker.defect(work.record.key):
                raise TooManyDefects(f"{self._step.group}: {type(error).__name__}: {error}") from error
            await self._bury(work.record, "defect", error)

    async def _do(self, works: Sequence[Work], started: float) -> None:
        async with self._running:
            outcomes = await self._call(works)
        messages = [_message(event, work) for work, done in zip(works, outcomes, strict=True) for event in done.outputs]
        if messages:
            await self._publisher.publish(messages)
        for done in outcomes:
            self._breaker.passed()
            self._count(done, started)

    async def _call(self, works: Sequence[Work]) -> Sequence[Outcome]:
        if self._step.handle_batch is not None:
            return await self._step.handle_batch(works)
        assert self._step.handle is not None
        return [await self._step.handle(work) for work in works]

    # -- outcome -----------------------------------------------------------------------------------------------

    def _count(self, done: Outcome, started: float) -> None:
        metrics.RECORDS.labels(self._step.group, done.label).inc()
        metrics.STEP_SECONDS.labels(self._step.group).observe(perf_counter() - started)
        for event in done.outputs:
            metrics.PUBLISHED.labels(self._step.group, codec.type_of(type(event))).inc()

    async def _bury(self, record: Record, reason: str, error: BaseException) -> None:
        letter = bury(record, self._step.group, reason, error, self._real.now())
        await patiently(self._step.group, lambda: self._publisher.publish([letter]))
        metrics.RECORDS.labels(self._step.group, metrics.LoopOutcome.DEAD).inc()
        metrics.DEAD_LETTERS.labels(self._step.group, reason).inc()
        log.error("dead_lettered", group=self._step.group, reason=reason, topic=record.topic,
                  partition=record.partition, offset=record.offset, error=str(error))  # fmt: skip


def _message(event: Event, work: Work) -> Message:
    return codec.encode(event, trace=work.trace, cause=work.event.id)
