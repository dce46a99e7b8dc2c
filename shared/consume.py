"""THE consume loop: receive, decode, step, publish, acknowledge; retry, dead letter, drain. One for all services.

What it promises (and `tests/contract/test_consume.py` shows on both buses):

- the poll never waits for a handler; at most `in_flight` records and `in_flight_bytes` bytes are in hand;
- a partition's records run concurrently, in order per key, others may overtake; stateful steps get micro-batches of
  one partition, and each record alone when a batch fails;
- outputs are published and acknowledged before their input counts as finished, and only the contiguous finished
  prefix of a partition is committed, about once a second;
- on revoke and on stop nothing new starts, what runs may finish within the drain budget, what finished is committed;
- every input ends in exactly one counted outcome: one of the step's own, or a dead letter with its original bytes and
  the reason. `Transient` failures are tried again in place with back-off, for as long as they last;
- unexpected exceptions are ours. A few are dead-lettered like poison; when they are over half of the last 100 inputs,
  across several keys, the loop stops the process instead (`TooManyDefects`) and buries nothing more.

Left out on purpose: delayed retries on the bus (order per key would be lost), transactions (why: decision 0002).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import perf_counter

import structlog

from shared import metrics
from shared.bus import Bus, BusUnavailable, CommitRefused, ConsumerOptions, Partition, Record
from shared.clock import Clock
from shared.db import Database
from shared.errors import Fenced
from shared.finish import DEAD_REASONS, RETRY_REASONS, Finisher, Stopped, patiently
from shared.lane import Abandoned, BatchLane, KeyedLane, Lane
from shared.lease import Fence, raise_fences
from shared.step import Step
from shared.topics import retry_topic

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LoopOptions:
    """How the loop runs. Times in real time."""

    drain: timedelta = timedelta(seconds=25)
    commit_every: float = 1.0
    poll_timeout: float = 0.25
    lag_every: float = 10.0
    consumer: ConsumerOptions = field(default_factory=ConsumerOptions)


class ConsumeLoop:
    """Runs one step on one bus. `run` returns when stopped, raises TooManyDefects, nothing else by design."""

    def __init__(
        self, step: Step, *, bus: Bus, real: Clock, database: Database | None = None,
        options: LoopOptions = LoopOptions(), progress: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        if (step.handle is None) == (step.handle_batch is None):
            raise ValueError(f"step {step.group}: give exactly one of handle and handle_batch")
        self.step, self._bus, self._real, self._database = step, bus, real, database
        self._options, self._progress = options, progress
        self._topics = [topic.name for topic in step.topics] + [retry_topic(step.group)]
        self._lanes: dict[Partition, Lane] = {}
        self._fences: dict[int, asyncio.Task[Fence]] = {}
        self._committed: dict[Partition, int] = {}
        self._retired: dict[Partition, int] = {}
        self._failure: BaseException | None = None
        self._paused = False
        self._room = asyncio.Event()
        self.in_hand = 0
        self.in_hand_bytes = 0
        self._skipped = 0
        metrics.prepare_group(step.group, step.outcomes, dead_reasons=DEAD_REASONS, retry_reasons=RETRY_REASONS)

    # -- the loop ----------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set, then drain."""
        try:
            await self._open(stop)
        except Stopped:
            return
        watcher = asyncio.create_task(self._watch_lag())
        try:
            await self._turn_until(stop)
        finally:
            watcher.cancel()
            await self._close()
        if self._failure is not None:
            raise self._failure

    async def _open(self, stop: asyncio.Event) -> None:
        group = self.step.group
        self._publisher = await patiently(group, self._bus.publisher, stop)
        self._finisher = Finisher(self.step, publisher=self._publisher, real=self._real)
        options = replace(self._options.consumer, on_assigned=self._on_assigned, on_revoked=self._on_revoked)
        try:
            self._consumer = await patiently(group, lambda: self._bus.subscribe(self._topics, group, options), stop)
        except Stopped:
            await self._publisher.close()
            raise

    async def _turn_until(self, stop: asyncio.Event) -> None:
        last_commit = perf_counter()
        while not stop.is_set() and self._failure is None:
            self._progress()
            await self._receive()
            if perf_counter() - last_commit >= self._options.commit_every:
                await self._commit()
                last_commit = perf_counter()

    async def _receive(self) -> None:
        if self._is_full() or self._paused:
            await self._wait_for_room()
        self._hold_back()
        room = max(1, self.step.in_flight - self.in_hand)
        timeout = 0.0 if self._paused else self._options.poll_timeout
        try:
            records = await self._consumer.poll(max_records=room, timeout=timeout)
        except BusUnavailable as error:
            log.warning("poll_failed", group=self.step.group, error=str(error))
            await asyncio.sleep(self._options.poll_timeout)
            return
        for record in records:
            self._accept(record)
        self._note_skipped()

    async def _wait_for_room(self) -> None:
        """Wait for half-empty hands, but not so long that the poll stands still."""
        if self._is_half():
            return
        self._room.clear()
        try:
            async with asyncio.timeout(self._options.poll_timeout):
                await self._room.wait()
        except TimeoutError:
            return

    def _accept(self, record: Record) -> None:
        lane = self._lanes.get(record.place)
        if lane is None:  # revoked between poll and here: the next owner reads it
            return
        self.in_hand += 1
        self.in_hand_bytes += record.size
        lane.accept(record)

    def _hold_back(self) -> None:
        """Pause when the hands stay full, resume at half: flapping would throw away what was prefetched."""
        if self._is_full() and not self._paused:
            self._consumer.pause(self._consumer.assignment())
            self._paused = True
        elif self._paused and self._is_half():
            self._consumer.resume(self._consumer.assignment())
            self._paused = False
        metrics.IN_HAND.labels(self.step.group).set(self.in_hand)
        metrics.IN_HAND_BYTES.labels(self.step.group).set(self.in_hand_bytes)

    def _is_full(self) -> bool:
        return self.in_hand >= self.step.in_flight or self.in_hand_bytes >= self.step.in_flight_bytes

    def _is_half(self) -> bool:
        return self.in_hand <= self.step.in_flight // 2 and self.in_hand_bytes <= self.step.in_flight_bytes // 2

    def _note_skipped(self) -> None:
        if more := self._consumer.skipped - self._skipped:
            self._skipped += more
            metrics.SKIPPED.labels(self.step.group).inc(more)

    # -- assignment --------------------------------------------------------------------------------------------

    async def _on_assigned(self, partitions: frozenset[Partition]) -> None:
        metrics.REBALANCES.labels(self.step.group).inc()
        self._paused = False
        for number in {place.number for place in partitions} if self.step.fenced else ():
            self._fences[number] = asyncio.create_task(self._raise_fence(number))
        for place in partitions:
            self._retired.pop(place, None)
            self._lanes[place] = self._lane(place)

    async def _raise_fence(self, number: int) -> Fence:
        database = self._database
        assert database is not None, "a fenced step needs a database"
        return (await patiently(self.step.group, lambda: raise_fences(database, self.step.group, [number])))[number]

    def _lane(self, place: Partition) -> Lane:
        if self.step.handle_batch is None:
            return KeyedLane(place, self._process, self._release, self._release)
        batch, rest = self.step.batch, self.step.rest
        return BatchLane(place, self._process, self._release, self._release, batch=batch, rest=rest)

    def _release(self, record: Record) -> None:
        self.in_hand -= 1
        self.in_hand_bytes -= record.size
        if self._is_half():
            self._room.set()

    async def _on_revoked(self, partitions: frozenset[Partition]) -> None:
        lanes = [self._lanes[place] for place in partitions if place in self._lanes]
        await self._drain(lanes)
        await self._commit(lanes)
        for lane in lanes:
            self._lanes.pop(lane.place, None)
            self._committed.pop(lane.place, None)
            self._retired[lane.place] = lane.tracker.next or 0
        await self._drop_fences({place.number for place in partitions})

    async def _drop_fences(self, numbers: Iterable[int]) -> None:
        """What was cancelled in the middle of a write is waited for, or it would write on behind our back."""
        tasks = [task for number in numbers if (task := self._fences.pop(number, None)) is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            lane.stop_feeding()
        waiting = asyncio.gather(*(lane.wait() for lane in lanes))
        try:
            async with asyncio.timeout(self._options.drain.total_seconds()):
                await waiting
        except TimeoutError:
            log.warning("drain_cut", group=self.step.group, in_hand=self.in_hand)
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*(lane.wait() for lane in lanes))

    async def _close(self) -> None:
        await self._drain(list(self._lanes.values()))
        await self._commit()
        await self._drop_fences(list(self._fences))
        await self._consumer.close()
        await self._publisher.close()
        metrics.IN_HAND.labels(self.step.group).set(self.in_hand)

    # -- acknowledgement ---------------------------------------------------------------------------------------

    async def _commit(self, lanes: Sequence[Lane] | None = None) -> None:
        offsets = self._due(self._lanes.values() if lanes is None else lanes)
        if not offsets:
            return
        outcome = metrics.CommitOutcome.DONE
        try:
            await self._consumer.commit(offsets)
            self._committed.update(offsets)
        except CommitRefused:  # the next owner repeats what was not committed: same ids, nothing new
            outcome = metrics.CommitOutcome.REFUSED
        except BusUnavailable:
            outcome = metrics.CommitOutcome.UNAVAILABLE
        metrics.COMMITS.labels(self.step.group, outcome).inc()
        if outcome is not metrics.CommitOutcome.DONE:
            log.warning("commit_failed", group=self.step.group, outcome=outcome)

    def _due(self, lanes: Iterable[Lane]) -> dict[Partition, int]:
        due: dict[Partition, int] = {}
        for lane in lanes:
            following = lane.tracker.next
            if following is not None and self._committed.get(lane.place) != following:
                due[lane.place] = following
        return due

    @property
    def assigned(self) -> bool:
        """Whether this member owns any partition now."""
        return bool(self._lanes)

    def finished(self, place: Partition) -> int:
        """The offset after the finished prefix of a partition, 0 before any: what the demo's clock waits for."""
        lane = self._lanes.get(place)
        following = lane.tracker.next if lane is not None else self._retired.get(place)
        return following or 0

    # -- one input, or one micro-batch -------------------------------------------------------------------------

    async def _process(self, records: Sequence[Record]) -> None:
        try:
            await self._finisher.finish(records, await self._fence_of(records[0].partition))
        except Fenced as error:
            metrics.FENCED.labels(self.step.group).inc()
            log.warning("fenced", group=self.step.group, place=records[0].place, error=str(error))
            raise Abandoned from error
        except Exception as error:
            self._failure = error
            raise Abandoned from error

    async def _fence_of(self, number: int) -> Fence | None:
        """Shielded: an input that is cut short must not take the fence from the inputs beside it."""
        return await asyncio.shield(self._fences[number]) if self.step.fenced else None

    # -- lag --------------------------------------------------------------------------------------------------

    async def _watch_lag(self) -> None:
        while True:
            try:
                await self._measure_lag()
            except BusUnavailable as error:
                log.warning("lag_unknown", group=self.step.group, error=str(error))
            await asyncio.sleep(self._options.lag_every)

    async def _measure_lag(self) -> None:
        now = self._real.now().timestamp()
        for topic in self._topics:
            lags = await self._bus.lag(self.step.group, [topic])
            metrics.LAG_RECORDS.labels(self.step.group, topic).set(sum(lag.records for lag in lags))
            oldest = [lag.oldest / 1000 for lag in lags if lag.records and lag.oldest is not None]
            metrics.LAG_SECONDS.labels(self.step.group, topic).set(max(0.0, now - min(oldest)) if oldest else 0.0)
