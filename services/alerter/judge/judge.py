"""The step: batches of causes in, alerts out, one fenced transaction a batch. A cause is a match, a time that passed,
a verdict of a reader or a request of an operator.

What a watch has seen is kept in memory from batch to batch while the fence is the same; judging works on that alone.
SQL is read before and written after, so the write lock is held for the writing only. An alert and its decision are in
that one transaction before the offset is committed, and a cause that comes again is answered from the decision.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TypeVar

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerter.judge import store
from services.alerter.judge import tables as t
from services.alerter.judge.causes import Cause, answered, is_ours, watch_of
from services.alerter.judge.decide import decide
from services.alerter.judge.findings import Findings
from services.alerter.judge.kinds.first_seen import waiting_for
from services.alerter.judge.memory import Changes, Memory
from services.alerter.judge.metrics import ALERTS, JUDGE_SECONDS, JudgeOutcome
from services.alerter.judge.outside import NOTHING, Lookout, Outside
from services.alerter.judge.readers import PORTION, Portion, Readers
from services.alerter.judge.reading import Reading
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.watches import load_rules
from services.alerter.rules import WatchRules
from shared.clock import Clock
from shared.codec import decode_bytes
from shared.db import Database
from shared.events import AlertRaised, ArticleMatched
from shared.lease import Fence
from shared.step import Outcome, Work

log = structlog.get_logger()
T = TypeVar("T")
_ENCODE = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Kept:
    """A watch's memory and the fence it was loaded under."""

    fence: Fence | None
    memory: Memory


@dataclass(slots=True)
class _Batch:
    """A batch on its way through: what was read of each match, what SQL said, what was decided."""

    causes: list[Cause]
    fence: Fence | None
    rules: dict[str, WatchRules] = field(default_factory=dict)
    decided: dict[str, list[bytes]] = field(default_factory=dict)
    read: dict[str, tuple[Reading, Findings]] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    outside: Outside = NOTHING
    portions: list[Portion] = field(default_factory=list)
    judged: dict[str, Outcome] = field(default_factory=dict)
    decisions: list[dict[str, object]] = field(default_factory=list)
    alerts: list[dict[str, object]] = field(default_factory=list)


class Judge:
    """Judges causes. One per process; one batch at a time, since the causes of a watch come on several topics and meet
    in one memory."""

    def __init__(self, database: Database, settings: JudgeSettings, real: Clock, readers: Readers) -> None:
        self._database, self._settings, self._real = database, settings, real
        self._readers = readers
        self._kept: dict[str, _Kept] = {}
        self._lookout = Lookout()
        self._one = asyncio.Lock()

    async def judge(self, works: Sequence[Work]) -> list[Outcome]:
        """One outcome per cause, in order. Raises Fenced and Transient; then nothing was written and memory is
        loaded anew."""
        async with self._one:
            return await self._judge_batch(_Batch([work.event for work in works], works[0].fence if works else None))

    async def _judge_batch(self, batch: _Batch) -> list[Outcome]:
        try:
            async with self._database.reading() as connection:
                outcomes = await self._judge_portions(connection, batch)
            await self._timed("write", self._write(batch))
        except BaseException:
            for cause in batch.causes:
                self._kept.pop(watch_of(cause), None)
            raise
        self._tidy(batch)
        return outcomes

    async def _judge_portions(self, connection: AsyncConnection, batch: _Batch) -> list[Outcome]:
        outcomes: list[Outcome] = []
        await self._timed("read", self._open(connection, batch))
        for at, portion in enumerate(batch.portions):
            found = await self._timed("text", self._readers.read(at, batch.portions))
            if portion.matches:
                await self._timed("read", self._remember(connection, batch, portion, found))
            causes = batch.causes[at * PORTION : (at + 1) * PORTION]
            outcomes += await self._timed("judge", self._decide(causes, batch))
        return outcomes

    async def _timed(self, part: str, work: Awaitable[T]) -> T:
        started = perf_counter()
        result = await work
        JUDGE_SECONDS.labels(part).observe(perf_counter() - started)
        return result

    async def _open(self, connection: AsyncConnection, batch: _Batch) -> None:
        """What SQL says of the batch as a whole; the reading of its texts begins."""
        ours = [cause for cause in batch.causes if is_ours(cause)]
        batch.decided = await store.decided(connection, [cause.id for cause in ours])
        fresh = [cause for cause in ours if cause.id not in batch.decided]
        batch.rules = await load_rules(connection, {watch_of(cause) for cause in fresh})
        fresh = [cause for cause in fresh if watch_of(cause) in batch.rules]
        batch.portions = _portions(batch, {cause.id for cause in fresh})
        self._readers.begin(batch.portions)
        if fresh:
            for watch_id in sorted(batch.rules):
                batch.memories[watch_id] = await self._memory(connection, watch_id, batch.fence)
            await _place(connection, batch.memories, fresh)
            now = max(cause.observed for cause in fresh)
            batch.outside = await self._lookout.look(connection, batch.rules.values(), now)

    async def _remember(
        self, connection: AsyncConnection, batch: _Batch, portion: Portion, found: Sequence[Findings]
    ) -> None:
        """Bring the families that were found in these articles up from SQL."""
        batch.read |= {match.id: (Reading(match), each) for match, each in zip(portion.matches, found, strict=True)}
        for watch_id in sorted({match.watch_id for match in portion.matches}):
            memory = batch.memories[watch_id]
            numbers = {number for match in portion.matches if match.watch_id == watch_id
                       for number in batch.read[match.id][1].terms}  # fmt: skip
            await store.fetch_families(connection, memory, numbers)
            waiting = waiting_for(batch.rules[watch_id], self._settings)
            await store.fetch_sightings(connection, memory, numbers, waiting)

    async def _memory(self, connection: AsyncConnection, watch_id: str, fence: Fence | None) -> Memory:
        kept = self._kept.get(watch_id)
        if kept is None or kept.fence != fence:
            kept = _Kept(fence, await store.load(connection, watch_id, self._settings))
            self._kept[watch_id] = kept
        return kept.memory

    async def _decide(self, causes: Sequence[Cause], batch: _Batch) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for cause in causes:
            outcome = self._again(cause, batch) or self._judged(cause, batch)
            batch.judged[cause.id] = outcome
            outcomes.append(outcome)
            await asyncio.sleep(0)
        return outcomes

    def _again(self, cause: Cause, batch: _Batch) -> Outcome | None:
        """The answer to a cause that was decided before, here or in an earlier batch: the same alerts once more."""
        earlier = batch.judged.get(cause.id)
        if earlier is not None and earlier.label not in _UNDECIDED:
            return Outcome(JudgeOutcome.REPEATED, earlier.outputs)
        if cause.id not in batch.decided:
            return None
        alerts = [decode_bytes(body, AlertRaised) for body in batch.decided[cause.id]]
        return Outcome(JudgeOutcome.REPEATED, tuple(alerts))

    def _judged(self, cause: Cause, batch: _Batch) -> Outcome:
        watch_id = watch_of(cause)
        if not is_ours(cause):
            return Outcome(JudgeOutcome.NOT_OURS)
        if watch_id not in batch.memories:
            return Outcome(JudgeOutcome.UNWATCHED)
        stamped = tuple(self._stamped(alert) for alert in self._alerts(cause, batch))
        label = JudgeOutcome.RAISED if stamped else self._quiet(cause, batch)
        self._note(cause, batch, label, stamped)
        return Outcome(label, stamped)

    def _alerts(self, cause: Cause, batch: _Batch) -> list[AlertRaised]:
        watch_id, settings = watch_of(cause), self._settings
        memory, rules = batch.memories[watch_id], batch.rules[watch_id]
        if not isinstance(cause, ArticleMatched):
            return answered(cause, memory, rules, settings, batch.outside)
        reading, found = batch.read[cause.id]
        return decide(memory, reading, found, rules, settings, outside=batch.outside)

    def _quiet(self, cause: Cause, batch: _Batch) -> JudgeOutcome:
        history = isinstance(cause, ArticleMatched) and not batch.read[cause.id][0].live
        return JudgeOutcome.HISTORY if history else JudgeOutcome.QUIET

    def _stamped(self, alert: AlertRaised) -> AlertRaised:
        ALERTS.labels(alert.kind.value, alert.state.value).inc()
        ledger = msgspec.structs.replace(alert.ledger, raised=self._real.now())
        return msgspec.structs.replace(alert, ledger=ledger)

    def _note(self, cause: Cause, batch: _Batch, label: JudgeOutcome, alerts: tuple[AlertRaised, ...]) -> None:
        watch_id = watch_of(cause)
        moment = batch.read[cause.id][0].moment if cause.id in batch.read else cause.observed
        batch.decisions.append(
            {"match_id": cause.id, "watch_id": watch_id, "moment": moment, "outcome": label.value,
             "alerts": len(alerts)}
        )  # fmt: skip
        batch.alerts += [
            {"alert_id": one.id, "revision": one.revision, "watch_id": watch_id, "match_id": cause.id, "number": at,
             "body": _ENCODE(one)}
            for at, one in enumerate(alerts)
        ]  # fmt: skip
        _log(cause, label, alerts)

    async def _write(self, batch: _Batch) -> None:
        """Memory, alerts and decisions in one transaction, under the fence."""
        if not batch.decisions:
            return
        async with self._database.transaction() as connection:
            if batch.fence is not None:
                await batch.fence.check(connection)
            for memory in batch.memories.values():
                await store.save(connection, memory)
            await store.put(connection, t.ALERTS, batch.alerts)
            await store.put(connection, t.DECISIONS, batch.decisions)
            for watch_id, memory in batch.memories.items():
                waiting = waiting_for(batch.rules[watch_id], self._settings)
                await store.purge(connection, memory, self._settings, waiting)

    def _tidy(self, batch: _Batch) -> None:
        for memory in batch.memories.values():
            memory.changes = Changes()
            for shelf in memory.shelves.values():
                shelf.changed.clear()
            settings = self._settings
            memory.forget(stories=settings.story_memory, copies=settings.copy_window)


async def _place(connection: AsyncConnection, memories: Mapping[str, Memory], fresh: Sequence[Cause]) -> None:
    """Bring what is known of the articles themselves, from earlier versions, into the memories of their watches."""
    for watch_id, memory in memories.items():
        articles = [
            one.article.article_id for one in fresh if isinstance(one, ArticleMatched) and one.watch_id == watch_id
        ]
        await store.fetch_members(connection, memory, articles)
        await store.fetch_shelves(connection, memory, articles)


def _portions(batch: _Batch, fresh: Collection[str]) -> list[Portion]:
    """The causes cut into portions, each with the matches that have not been decided yet."""
    cut = (batch.causes[at : at + PORTION] for at in range(0, len(batch.causes), PORTION))
    return [
        Portion([one for one in some if isinstance(one, ArticleMatched) and one.id in fresh], batch.rules)
        for some in cut
    ]


_UNDECIDED = (JudgeOutcome.UNWATCHED, JudgeOutcome.NOT_OURS)


def _log(cause: Cause, label: JudgeOutcome, alerts: tuple[AlertRaised, ...]) -> None:
    told = {"alerts": [one.id for one in alerts], "kinds": [one.kind.value for one in alerts]}
    if isinstance(cause, ArticleMatched):
        log.info(
            "match_judged", match_id=cause.id, watch_id=cause.watch_id, article_id=cause.article.article_id,
            outcome=label.value, mode=cause.mode.value, **told,
        )  # fmt: skip
    else:
        log.info(
            "cause_judged", cause=type(cause).__name__, cause_id=cause.id, watch_id=watch_of(cause),
            outcome=label.value, **told,
        )  # fmt: skip
