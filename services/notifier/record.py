"""Writes down what came of attempts, in groups.

Attempts that finish while a commit is running are committed together by the next one (group commit): alone an attempt
waits for nobody, under load a hundred share one synced write. What is to be told stands in an outbox in the same
transaction (`tell` publishes it), so a crash between commit and publication tells it again, under the same id.

An attempt whose lease was lost meanwhile is not recorded: the new owner sends again under the same `webhook-id`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import metrics, subscribe, warn
from services.notifier.breaker import Standing
from services.notifier.deliver import Attempt
from services.notifier.tables import (
    ATTEMPTS,
    DELIVERIES,
    OUTBOX,
    SUBSCRIPTIONS,
    WARNINGS,
    DeliveryState,
    SubscriptionState,
)
from services.notifier.tell import PATIENCE, Teller, Untold, delete_told, first_of, untold
from shared import ids
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailable, insert_new
from shared.events import DeliveryAttempted, DeliveryOutcome, SubscriptionFailed
from shared.health import UNHEARD, Pulse
from shared.lease import Lease, still_held

log = structlog.get_logger()

GROUP = 256
"""Attempts in one commit: beyond that the write no longer gets cheaper by the attempt, only later."""

NOTE_SUCCESS = timedelta(minutes=1)
"""How exactly the last success of a subscription is kept: a write for each would double the work."""

FINAL = {
    DeliveryOutcome.DELIVERED: DeliveryState.DELIVERED,
    DeliveryOutcome.FAILED: DeliveryState.FAILED,
    DeliveryOutcome.GONE: DeliveryState.FAILED,
    DeliveryOutcome.REFUSED: DeliveryState.FAILED,
    DeliveryOutcome.EXPIRED: DeliveryState.EXPIRED,
}
"""Where an outcome leaves a delivery; RETRY leaves it pending."""


@dataclass(frozen=True, slots=True)
class Finished:
    """An attempt and the right by which it was made; `standing` is the breaker's, where the attempt changed it."""

    attempt: Attempt
    lease: Lease
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An attempt that was dealt with; `kept` says whether it was written or belonged to somebody else by then."""

    attempt: Attempt
    kept: bool


@dataclass(frozen=True, slots=True)
class Written:
    """What a commit brought: the leases still held, what is to be told now, whom we warned of."""

    held: set[str]
    untold: list[Untold]
    warnings: list[SubscriptionFailed]


class Recorder:
    """Takes finished attempts by `put`, reports them by `after` once they are committed."""

    def __init__(
        self, database: Database, teller: Teller, *, real: Clock, story: Clock,
        after: Callable[[Sequence[Recorded]], None], pulse: Pulse = UNHEARD,
    ) -> None:  # fmt: skip
        self._database, self._teller, self._real, self._story = database, teller, real, story
        self._pulse = pulse
        self._after = after
        self._finished: deque[Finished] = deque()
        self._noted: dict[str, datetime] = {}
        self._arrived, self._closed = asyncio.Event(), asyncio.Event()

    def put(self, finished: Finished) -> None:
        """An attempt ended."""
        self._finished.append(finished)
        self._arrived.set()

    def close(self) -> None:
        """Nothing more comes: `write` returns when it is done with what there is."""
        self._closed.set()
        self._arrived.set()

    async def write(self) -> None:
        """Commit what finishes, until closed and empty."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._finished:
                await self._commit([self._finished.popleft() for _ in range(min(GROUP, len(self._finished)))])
            self._pulse.rest()
            if self._closed.is_set():
                return

    async def _commit(self, group: Sequence[Finished]) -> None:
        told = self._teller.take_told()
        while True:
            self._pulse.beat()
            try:
                async with self._database.transaction() as connection:
                    written = await self._write_group(connection, group, told)
                break
            except DatabaseUnavailable as error:
                log.warning("attempts_not_recorded", attempts=len(group), error=str(error))
                if self._closed.is_set():
                    return  # still pending in SQL: sent again under the same ids
                await first_of(self._closed.wait(), self._real.sleep(PATIENCE))
        self._account(group, written)
        self._teller.put(written.untold)

    async def _write_group(
        self, connection: AsyncConnection, group: Sequence[Finished], told: Sequence[Untold]
    ) -> Written:
        """In the order in which everybody locks: leases, changes, subscriptions, deliveries."""
        held = await still_held(connection, list({one.lease.name: one.lease for one in group}.values()))
        mine = [one for one in group if one.lease.name in held]
        attempts = [one.attempt for one in mine]
        now = self._real.now()
        warnings = await _disable(connection, attempts, now) + await warn.warn(connection, _failures(attempts), now)
        await self._note_health(connection, attempts)
        await _execute(connection, _BREAKER, _standings(mine))
        await _write_deliveries(connection, attempts)
        events = [self._event(attempt) for attempt in attempts]
        warned = [untold(one, "") for one in warnings]
        await _write_outbox(connection, OUTBOX, events, now)
        await _write_outbox(connection, WARNINGS, warned, now)
        await delete_told(connection, told)
        return Written(held, [*events, *warned], warnings)

    def _event(self, attempt: Attempt) -> Untold:
        return untold(event_of(attempt, self._story.now()), attempt.delivery.alert.trace)

    async def _note_health(self, connection: AsyncConnection, attempts: Sequence[Attempt]) -> None:
        """Failures in a row and the last success; of a healthy subscription only once a minute."""
        good, bad = [], []
        for subscription_id, some in sorted(_by_subscription(attempts).items()):
            health = _health(some)
            if health["s"] is None:
                self._noted.pop(subscription_id, None)
                bad.append({"i": subscription_id, "f": health["f"], "since": health["since"]})
            elif health["f"] or self._is_news(subscription_id, health["s"]):
                self._noted[subscription_id] = health["s"]
                good.append({"i": subscription_id, **health})
        await _execute(connection, _GOOD, good)
        await _execute(connection, _BAD, bad)
        await _execute(connection, _HOLD, _holds(attempts))

    def _is_news(self, subscription_id: str, success: datetime) -> bool:
        noted = self._noted.get(subscription_id)
        return noted is None or success - noted >= NOTE_SUCCESS

    def _account(self, group: Sequence[Finished], written: Written) -> None:
        recorded = [Recorded(one.attempt, one.lease.name in written.held) for one in group]
        for warning in written.warnings:
            warn.account(warning)
        for one in recorded:
            _count(one)
        self._after(recorded)


def event_of(attempt: Attempt, observed: datetime) -> DeliveryAttempted:
    """What the topic is told of an attempt."""
    delivery, decision = attempt.delivery, attempt.decision
    return DeliveryAttempted(
        id=ids.attempt(delivery.id, attempt.number),
        observed=observed,
        delivery_id=delivery.id,
        subscription_id=delivery.subscription_id,
        alert_id=delivery.alert.id,
        alert_revision=delivery.alert.revision,
        watch_id=delivery.alert.watch_id,
        number=attempt.number,
        outcome=decision.outcome,
        status=attempt.status,
        reason=decision.reason,
        seconds=attempt.seconds,
        next_attempt=decision.next_attempt,
        replay=bool(delivery.replay),
        ledger=msgspec.structs.replace(delivery.alert.ledger, sent=attempt.started),
    )


def _by_subscription(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    grouped: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        grouped.setdefault(attempt.delivery.subscription_id, []).append(attempt)
    return grouped


def _health(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """Failures in a row at the end, since when, and the last success."""
    failures, since, success = 0, None, None
    for attempt in attempts:
        if attempt.decision.outcome is DeliveryOutcome.DELIVERED:
            failures, since, success = 0, None, attempt.started
        elif attempt.decision.outcome is not DeliveryOutcome.EXPIRED:
            failures, since = failures + 1, since or attempt.started
    return {"f": failures, "since": since, "s": success}


def _holds(attempts: Iterable[Attempt]) -> list[dict[str, Any]]:
    held = {
        attempt.delivery.subscription_id: attempt.decision.hold_until
        for attempt in attempts
        if attempt.decision.hold_until is not None
    }
    return [{"i": subscription_id, "h": moment} for subscription_id, moment in sorted(held.items())]


def _standings(group: Iterable[Finished]) -> list[dict[str, Any]]:
    """The last standing of each breaker that changed."""
    changed = {one.lease.name: one.standing for one in group if one.standing is not None}
    return [{"i": name, "n": standing.opens, "p": standing.probe_at} for name, standing in sorted(changed.items())]


_THIS = SUBSCRIPTIONS.c.id == sa.bindparam("i")
_SINCE = sa.bindparam("since", type_=SUBSCRIPTIONS.c.failing_since.type)
_GOOD = (
    sa.update(SUBSCRIPTIONS)
    .where(_THIS)
    .values(failures=sa.bindparam("f"), failing_since=_SINCE, last_success=sa.bindparam("s"), warned=0)
)
_BAD = (
    sa.update(SUBSCRIPTIONS)
    .where(_THIS)
    .values(
        failures=SUBSCRIPTIONS.c.failures + sa.bindparam("f"),
        failing_since=sa.func.coalesce(SUBSCRIPTIONS.c.failing_since, _SINCE),
    )
)
_HOLD = sa.update(SUBSCRIPTIONS).where(_THIS).values(hold_until=sa.bindparam("h"))
_BREAKER = sa.update(SUBSCRIPTIONS).where(_THIS).values(breaker_opens=sa.bindparam("n"), probe_at=sa.bindparam("p"))
_DONE = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == sa.bindparam("i"))
    .values(state=sa.bindparam("s"), reason=sa.bindparam("r"), attempts=sa.bindparam("n"), finished=sa.bindparam("at"))
)
_AGAIN = (
    sa.update(DELIVERIES)
    .where(DELIVERIES.c.id == sa.bindparam("i"))
    .values(reason=sa.bindparam("r"), attempts=sa.bindparam("n"), next_attempt=sa.bindparam("at"))
)
"""Leaves the state alone: a subscription paused meanwhile has its deliveries parked."""


async def _execute(connection: AsyncConnection, statement: Any, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        await connection.execute(statement, rows)


async def _disable(connection: AsyncConnection, attempts: Iterable[Attempt], now: datetime) -> list[SubscriptionFailed]:
    gone = {one.delivery.subscription_id: one.decision.reason for one in attempts if one.decision.disable}
    for subscription_id, reason in sorted(gone.items()):
        state = SubscriptionState.DISABLED
        await subscribe.stop_sending(connection, subscription_id, state, reason, now=now)
    return await warn.gone(connection, gone, now)


def _failures(attempts: Sequence[Attempt]) -> dict[str, str]:
    """The subscriptions all of whose attempts here failed, with the reason of the last."""
    failed = {}
    for subscription_id, some in _by_subscription(attempts).items():
        health = _health(some)
        if health["f"] and health["s"] is None:
            failed[subscription_id] = next(one.decision.reason for one in reversed(some) if one.decision.reason)
    return failed


async def _write_deliveries(connection: AsyncConnection, attempts: Sequence[Attempt]) -> None:
    await _execute(connection, insert_new(ATTEMPTS, connection.dialect.name), [_attempt_row(one) for one in attempts])
    done, again = [], []
    for one in attempts:
        row = {"i": one.delivery.id, "r": one.decision.reason, "n": one.number}
        if one.decision.outcome is DeliveryOutcome.RETRY:
            again.append({**row, "at": one.decision.next_attempt})
        else:
            done.append({**row, "s": FINAL[one.decision.outcome], "at": one.started})
    await _execute(connection, _DONE, done)
    await _execute(connection, _AGAIN, again)


def _attempt_row(attempt: Attempt) -> dict[str, Any]:
    timings = attempt.timings
    return {
        "id": ids.attempt(attempt.delivery.id, attempt.number),
        "delivery_id": attempt.delivery.id,
        "subscription_id": attempt.delivery.subscription_id,
        "number": attempt.number,
        "started": attempt.started,
        "seconds": attempt.seconds,
        "outcome": attempt.decision.outcome,
        "status": attempt.status,
        "reason": attempt.decision.reason,
        "excerpt": attempt.excerpt,
        "request": attempt.request,
        "answer": attempt.answer,
        "address": attempt.address,
        "dns": timings.dns if timings else None,
        "connect": timings.connect if timings else None,
        "tls": timings.tls if timings else None,
        "first_byte": timings.first_byte if timings else None,
    }


async def _write_outbox(connection: AsyncConnection, table: sa.Table, events: Sequence[Untold], now: datetime) -> None:
    rows = [{"id": one.id, "event": one.message.value, "trace": one.trace, "created": now} for one in events]
    await _execute(connection, insert_new(table, connection.dialect.name), rows)


def _count(recorded: Recorded) -> None:
    attempt, outcome = recorded.attempt, recorded.attempt.decision.outcome
    if not recorded.kept:
        metrics.FENCED.inc()
        return
    metrics.ATTEMPTS.labels(outcome).inc()
    if outcome is not DeliveryOutcome.EXPIRED:
        metrics.ATTEMPT_SECONDS.observe(attempt.seconds)
        if attempt.number == 1:
            metrics.observe_sent(msgspec.structs.replace(attempt.delivery.alert.ledger, sent=attempt.started))
    _log(attempt)


def _log(attempt: Attempt) -> None:
    delivery, decision = attempt.delivery, attempt.decision
    log.info(
        "delivery_attempted",
        outcome=str(decision.outcome),
        reason=decision.reason,
        status=attempt.status,
        number=attempt.number,
        seconds=round(attempt.seconds, 4),
        delivery_id=delivery.id,
        subscription_id=delivery.subscription_id,
        alert_id=delivery.alert.id,
        watch_id=delivery.alert.watch_id,
        next_attempt=decision.next_attempt.isoformat() if decision.next_attempt else None,
    )
