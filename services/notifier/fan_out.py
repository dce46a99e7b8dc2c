"""From an alert to one durable delivery a subscription.

A micro-batch of alerts is one transaction. Deliveries are keyed by the `webhook-id`, which follows from alert,
revision and subscription, so an alert that comes again adds nothing. After the commit the sender in this process gets
the new deliveries in memory; whatever is lost on that way it finds in SQL a second later.

An alert is history for a subscription made after it was raised: a group that reads the topic from its beginning
sends nobody the news of last year.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import digest, store, subscribe
from services.notifier.body import data_of, payload_of
from services.notifier.payload import type_of
from services.notifier.store import Delivery, StoredAlert
from services.notifier.subscribe import Subscription, facts_of
from services.notifier.tables import SubscriptionState
from shared import ids
from shared.clock import Clock
from shared.db import Database
from shared.events import AlertRaised, Mode
from shared.step import Outcome, Step, Work
from shared.topics import ALERTS_RAISED

log = structlog.get_logger()

GROUP = "notifier"
BATCH = 64
SKEW = timedelta(minutes=1)
"""How far the clocks of two machines may differ before a new subscription misses its first alert."""

Offer = Callable[[Sequence[Delivery]], None]


class FanOutOutcome(StrEnum):
    """How an alert ended here; exactly one of these."""

    FANNED_OUT = "fanned_out"
    NO_SUBSCRIPTION = "no_subscription"
    DUPLICATE = "duplicate"
    NOT_LIVE = "not_live"


class Book:
    """The subscriptions by the watches they ask for, read again when any of them changed."""

    def __init__(self) -> None:
        self._read_at = -1
        self._by_watch: dict[str, list[Subscription]] = {}
        self._any_watch: list[Subscription] = []

    async def refresh(self, connection: AsyncConnection) -> None:
        """Bring it up to date within the transaction that will write by it."""
        number = await subscribe.changes(connection)
        if number != self._read_at:
            self._fill(await subscribe.listed(connection))
            self._read_at = number

    def _fill(self, subscriptions: Iterable[Subscription]) -> None:
        self._by_watch, self._any_watch = {}, []
        for subscription in (one for one in subscriptions if not one.filters.notices):
            for watch in subscription.filters.watches:
                self._by_watch.setdefault(watch, []).append(subscription)
            if not subscription.filters.watches:
                self._any_watch.append(subscription)

    def wanting(self, alert: AlertRaised) -> list[Subscription]:
        """Who is to be told of this alert, in the order of the ids."""
        asked = {one.id: one for one in (*self._by_watch.get(alert.watch_id, ()), *self._any_watch)}
        facts, shown = facts_of(alert), cache(lambda: payload_of(alert))
        found = [one for one in asked.values() if one.filters.admit(facts, shown) and not _is_history(alert, one)]
        return sorted(found, key=lambda one: one.id)


def _is_history(alert: AlertRaised, subscription: Subscription) -> bool:
    raised = alert.ledger.raised
    return raised is not None and raised < subscription.created - SKEW


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one alert of a batch asks for: the subscriptions that have not got it, by the id of the delivery."""

    work: Work
    wanting: int
    missing: Mapping[str, Subscription]

    @property
    def alert(self) -> AlertRaised:
        alert: AlertRaised = self.work.event
        return alert

    @property
    def outcome(self) -> FanOutOutcome:
        if self.alert.mode is not Mode.LIVE:
            return FanOutOutcome.NOT_LIVE
        if not self.wanting:
            return FanOutOutcome.NO_SUBSCRIPTION
        return FanOutOutcome.FANNED_OUT if self.missing else FanOutOutcome.DUPLICATE


@dataclass(slots=True)
class FanOut:
    """The step: reads alerts, writes deliveries, hands them to `offer`."""

    database: Database
    real: Clock
    offer: Offer
    book: Book = field(default_factory=Book)

    def step(self) -> Step:
        """For the consume loop."""
        return Step(group=GROUP, topics=(ALERTS_RAISED,), outcomes=FanOutOutcome, handle_batch=self.handle, batch=BATCH)

    async def handle(self, works: Sequence[Work]) -> list[Outcome]:
        """One outcome an alert. Raises DatabaseUnavailable, with nothing written."""
        now = self.real.now()
        async with self.database.transaction() as connection:
            await self.book.refresh(connection)
            plans = await self._plans(connection, works)
            active = await _write(connection, plans, now)
        self.offer(active)
        for plan in plans:
            _log(plan)
        return [Outcome(plan.outcome) for plan in plans]

    async def _plans(self, connection: AsyncConnection, works: Sequence[Work]) -> list[_Plan]:
        wanted = [self._wanted(work.event) for work in works]
        taken = await store.known(connection, [key for one in wanted for key in one])
        plans = []
        for work, one in zip(works, wanted, strict=True):
            missing = {key: subscription for key, subscription in one.items() if key not in taken}
            taken |= missing.keys()  # the same alert may come twice in a batch
            plans.append(_Plan(work, len(one), missing))
        return plans

    def _wanted(self, alert: AlertRaised) -> dict[str, Subscription]:
        if alert.mode is not Mode.LIVE:
            return {}
        return {ids.delivery(alert.id, alert.revision, one.id): one for one in self.book.wanting(alert)}


async def _write(connection: AsyncConnection, plans: Sequence[_Plan], now: datetime) -> list[Delivery]:
    """Write what is missing; the deliveries that may be sent at once."""
    live = [plan for plan in plans if plan.alert.mode is Mode.LIVE]
    await store.keep(connection, [stored(plan.alert, plan.work.trace.parent) for plan in live], now)
    total = sum(len(plan.missing) for plan in plans)
    if not total:
        return []
    numbers = itertools.count(await store.reserve(connection, total))
    fresh = [delivery for plan in plans if plan.missing for delivery in _deliveries(plan, numbers, now)]
    waiting = {one.id for plan in plans for one in plan.missing.values() if one.state is not SubscriptionState.ACTIVE}
    await store.add(connection, fresh, waiting, now)
    return [one for one in fresh if one.subscription_id not in waiting and one.gathered is None]


def _deliveries(plan: _Plan, numbers: Iterator[int], now: datetime) -> Iterator[Delivery]:
    alert = stored(plan.alert, plan.work.trace.parent)
    start = plan.alert.ledger.raised or now
    for key, subscription in plan.missing.items():
        limits = subscription.limits
        yield Delivery(
            key, subscription.id, next(numbers), attempts=0, expires=start + limits.expiry, alert=alert,
            story=alert.story_id if limits.ordered else "",
            stale=start + limits.expires_after if limits.expires_after else None,
            gathered=digest.waits_until(limits, now),
        )  # fmt: skip


def stored(alert: AlertRaised, trace: str) -> StoredAlert:
    """An alert as it is kept for sending."""
    return StoredAlert(
        id=alert.id,
        revision=alert.revision,
        watch_id=alert.watch_id,
        story_id=alert.story_id,
        type=type_of(alert.kind),
        severity=alert.severity,
        observed=alert.observed,
        ledger=alert.ledger,
        trace=trace,
        data=data_of(alert),
    )


def _log(plan: _Plan) -> None:
    alert = plan.alert
    log.info(
        "alert_fanned_out",
        outcome=str(plan.outcome),
        alert_id=alert.id,
        revision=alert.revision,
        watch_id=alert.watch_id,
        kind=str(alert.kind),
        deliveries=len(plan.missing),
    )
