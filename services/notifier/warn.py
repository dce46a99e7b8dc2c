"""What follows when a receiver fails for days: warnings by other ways, and an end after five days of nothing else.

The warnings come at 50, 70 and 90 % of that time: as an event of the topic `subscriptions.failed`, as a log line, as a
metric, and as a message to those subscriptions of the same owner that ask for notices (`Filters.notices`). Each is a
consequence of an attempt that failed: who is sent nothing is neither warned nor disabled. Nobody is disabled without
having had the last warning half a day before, however long the pauses between attempts.

What is disabled keeps what comes to it, and delivers it when its owner resumes it. Ids follow from the subscription,
since when it fails, and the share of the time, so that a repeated decision is the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import body, metrics, store, subscribe
from services.notifier.store import Delivery, StoredAlert
from services.notifier.subscribe import Subscription
from services.notifier.tables import SUBSCRIPTIONS, SubscriptionState
from shared import ids
from shared.codec import Trace
from shared.events import Ledger, SubscriptionFailed

log = structlog.get_logger()

PATIENCE = timedelta(days=5)
MARKS = (50, 70, 90)
END = 100
"""Per cent of the patience."""

NOTICE = PATIENCE * (END - MARKS[-1]) / 100
"""Time from the last warning to the end."""

SUBJECT = "subscriptions"
"""What stands in the place of a watch where a message is about a subscription."""

DISABLED_TYPE, FAILING_TYPE = "wirewatch.subscription.disabled.v1", "wirewatch.subscription.failing.v1"


def share_reached(since: datetime, warned: int, warned_at: datetime | None, now: datetime) -> int | None:
    """The share of the patience to be told of now: the highest mark that was not told, the end only after the last."""
    share = (now - since) / PATIENCE * 100
    if share >= END and warned == MARKS[-1] and warned_at is not None and now - warned_at >= NOTICE:
        return END
    return max((mark for mark in MARKS if warned < mark <= share), default=None)


async def warn(connection: AsyncConnection, failures: Mapping[str, str], now: datetime) -> list[SubscriptionFailed]:
    """Warn of those that fail, or disable them; to be told on the topic. `failures` are the subscriptions whose last
    attempt failed, each with the reason."""
    told = []
    for row in await _failing(connection, failures, now):
        share = share_reached(row.failing_since, row.warned, row.warned_at, now)
        if share is not None:
            told.append(_failed(row, share, failures[row.id], now))
    for one in told:
        await _settle(connection, one, now)
    return told


async def _failing(connection: AsyncConnection, names: Mapping[str, str], now: datetime) -> Sequence[Any]:
    if not names:
        return []
    early = now - PATIENCE * MARKS[0] / 100
    mine = SUBSCRIPTIONS.c.id.in_(sorted(names)) & (SUBSCRIPTIONS.c.failing_since <= early)
    query = sa.select(SUBSCRIPTIONS).where(mine, SUBSCRIPTIONS.c.state == SubscriptionState.ACTIVE)
    return (await connection.execute(query.order_by(SUBSCRIPTIONS.c.id))).all()


async def gone(connection: AsyncConnection, reasons: Mapping[str, str], now: datetime) -> list[SubscriptionFailed]:
    """The same for those that a receiver itself ended, and that are disabled already."""
    if not reasons:
        return []
    query = sa.select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id.in_(sorted(reasons))).order_by(SUBSCRIPTIONS.c.id)
    told = [_failed(row, END, reasons[row.id], now) for row in await connection.execute(query)]
    for one in told:
        await _notify(connection, one, now)
    return told


def _failed(row: Any, share: int, reason: str, now: datetime) -> SubscriptionFailed:
    since = row.failing_since or now
    return SubscriptionFailed(
        id=ids.of("failing", row.id, since.isoformat(), share),
        observed=now,
        subscription_id=row.id,
        owner=row.owner,
        since=since,
        share=share,
        failures=row.failures + 1,
        reason=reason,
        disabled=share == END,
        ends=None if share == END else max(since + PATIENCE, now + NOTICE),
    )


async def _settle(connection: AsyncConnection, told: SubscriptionFailed, now: datetime) -> None:
    if told.disabled:
        state, reason = SubscriptionState.DISABLED, f"failed for {PATIENCE.days} days"
        await subscribe.stop_sending(connection, told.subscription_id, state, reason, now=now)
    mine = sa.update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.id == told.subscription_id)
    await connection.execute(mine.values(warned=told.share, warned_at=now))
    await _notify(connection, told, now)


async def _notify(connection: AsyncConnection, told: SubscriptionFailed, now: datetime) -> None:
    """A message to each subscription of the owner that asks for notices."""
    wanting = [one for one in await subscribe.listed(connection, owner=told.owner) if _wants(one, told)]
    if not wanting:
        return
    first = await store.reserve(connection, len(wanting))
    content = _content(told)
    messages = [
        Delivery(ids.delivery(told.id, 0, one.id), one.id, first + place, attempts=0,
                 expires=now + one.limits.expiry, alert=content)
        for place, one in enumerate(wanting)
    ]  # fmt: skip
    await store.add_own(connection, messages, now)


def _wants(one: Subscription, told: SubscriptionFailed) -> bool:
    return one.filters.notices and one.id != told.subscription_id and one.state is SubscriptionState.ACTIVE


def _content(told: SubscriptionFailed) -> StoredAlert:
    return StoredAlert(
        id=told.id,
        revision=0,
        watch_id=SUBJECT,
        story_id=told.subscription_id,
        type=DISABLED_TYPE if told.disabled else FAILING_TYPE,
        severity="critical" if told.disabled else "warning",
        observed=told.observed,
        ledger=Ledger(raised=told.observed),
        trace=Trace.start(told.id).parent,
        data=body.notice_data(told),
    )


def account(told: SubscriptionFailed) -> None:
    """Count and log what was committed."""
    metrics.WARNED.labels(str(told.share)).inc()
    log.warning(
        "subscription_disabled" if told.disabled else "subscription_failing",
        **{name: value for name, value in msgspec.to_builtins(told).items() if name not in {"id", "observed"}},
    )
