"""Subscriptions with hubs: asked for, renewed at 80 % of the lease, left; and how far polling may slow down meanwhile.

A request is written before it is sent, since a hub may verify it before it answers. What a hub refuses or does not
verify is asked again after doubling waits. Any replica may ask: a row is claimed by changing it, so one request goes
out. Polling slows down only for a source whose hub has pushed, and is back to normal as soon as a poll finds what was
not pushed, or the lease is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.fetcher.alarm import Alarm, first
from services.fetcher.plan.schedule import LONGEST_WAIT, share
from services.fetcher.push import metrics, store
from services.fetcher.push.ask import Hubs
from services.fetcher.push.metrics import AskOutcome
from services.fetcher.push.offer import Offer
from services.fetcher.push.store import Pending, State, Subscription
from services.fetcher.store import Found
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailable
from shared.health import UNHEARD, Pulse

log = structlog.get_logger()

PATIENCE = timedelta(hours=1)
"""How long a hub may take to verify what we asked; later it is not ours any more."""
FIRST_WAIT = timedelta(minutes=1)
LOOK = 30.0
"""Seconds between looks at the table: what other replicas asked and heard."""
FAREWELLS = 3
"""Times a hub is asked to let go; its lease ends by itself."""
GRACE = timedelta(minutes=10)
"""A poll may find an entry before its push arrives; what is older was missed."""
SETTLED = timedelta(days=1)
"""A publisher that names another hub at every answer changes ours once a day."""
AT_ONCE = 8
"""Requests to hubs at the same time."""


@dataclass(slots=True, kw_only=True)
class Subscriber:
    """The subscriptions of an installation. `slow` is the time between polls of a source that is pushed, `lost` hears
    of sources that are to be polled as usual again."""

    hubs: Hubs
    database: Database
    real: Clock
    slow: timedelta
    lost: Callable[[str], None]
    pulse: Pulse = UNHEARD
    alarm: Alarm = field(default_factory=Alarm)
    in_hand: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _wanted: frozenset[str] = frozenset()
    _rows: dict[str, Subscription] = field(default_factory=dict)
    _by_source: dict[str, Subscription] = field(default_factory=dict)
    _changed: dict[str, datetime] = field(default_factory=dict)

    # -- what polls say and ask ------------------------------------------------------------------------------------

    def floor(self, source_id: str) -> timedelta:
        """How far apart polls of a source may be: zero unless its hub pushes."""
        row = self._by_source.get(source_id)
        return self.slow if row is not None and row.slows(self.real.now()) else timedelta()

    async def consider(self, source_id: str, offer: Offer | None) -> None:
        """A poll has read what the publisher offers; None says nothing."""
        row = self._by_source.get(source_id)
        if offer is None or (row is not None and (row.hub, row.topic) == (offer.hub, offer.topic)):
            return
        now = self.real.now()
        if now - self._changed.get(source_id, now - SETTLED) < SETTLED:
            return
        try:
            await self._begin(source_id, offer, now)
        except DatabaseUnavailable as error:  # the next poll says it again
            log.warning("push_delayed", source=source_id, error=str(error))

    async def _begin(self, source_id: str, offer: Offer, now: datetime) -> None:
        """Write a subscription to be asked for in place of the one there is; another process may have been quicker."""
        async with self.database.transaction() as connection:
            row = await store.of_source(connection, source_id)
            if row is not None and (row.hub, row.topic) != (offer.hub, offer.topic):
                await store.note(connection, row.push_id, **_leaving(now))
                row = None
            if row is None:
                await store.insert(connection, store.new(source_id, offer, now))
        self._changed[source_id] = now
        self.alarm.ring()

    async def polled(self, source_id: str, found: Iterable[Found], observed: datetime) -> None:
        """A poll found new entries: those that should have been pushed long ago show that pushes stopped."""
        row = self._by_source.get(source_id)
        if row is None or not row.proven or not any(_was_missed(entry, observed) for entry in found):
            return
        log.warning("push_missed", source=source_id, hub=row.hub, last_push=row.pushed)
        try:
            await self._note(row, proven=False)
        except DatabaseUnavailable as error:  # what is missed next shows it again
            log.warning("push_delayed", source=source_id, error=str(error))

    async def pushed(self, row: Subscription, *, readable: bool) -> None:
        """A hub has pushed: it works, unless nobody can read what it pushes."""
        await self._note(row, pushed=self.real.now(), proven=readable)

    async def load(self) -> None:
        """Take up what was agreed before. Raises DatabaseUnavailable."""
        async with self.database.reading() as connection:
            rows = await store.subscriptions(connection)
        self._rows, self._by_source = {}, {}
        self._keep(rows)
        for state in State:
            metrics.SUBSCRIPTIONS.labels(state).set(sum(row.state is state for row in rows))

    def keep(self, wanted: Collection[str]) -> None:
        """From now on leave the subscriptions of all sources but `wanted`."""
        self._wanted = frozenset(wanted)
        self.alarm.ring()

    def _keep(self, rows: Iterable[Subscription]) -> None:
        for row in rows:
            self._rows[row.push_id] = row
            if row.state is not State.LEAVING:
                self._by_source[row.source_id] = row
            elif self._by_source.get(row.source_id, row).push_id == row.push_id:
                self._by_source.pop(row.source_id, None)

    async def _note(self, row: Subscription, *, proven: bool, pushed: datetime | None = None) -> None:
        changes: dict[str, Any] = {"proven": proven, **({"pushed": pushed} if pushed else {})}
        async with self.database.transaction() as connection:
            await store.note(connection, row.push_id, **changes)
        was = self._slowed()
        self._keep([replace(row, **changes)])
        self._tell_lost(was)

    # -- the loop --------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        """Ask hubs as it is due, as tasks of `group`, until `stop`."""
        while not stop.is_set():
            self.alarm.rung.clear()
            self.pulse.beat()
            try:
                await self._turn(group)
            except DatabaseUnavailable as error:
                log.warning("push_delayed", error=str(error))
            self.pulse.rest()
            await first(stop, self.real.sleep(self._pause()), alarm=self.alarm)

    async def _turn(self, group: asyncio.TaskGroup) -> None:
        """Read the table and begin what is due."""
        was = self._slowed()
        await self.load()
        now = self.real.now()
        await self._leave([row for row in self._rows.values() if row.source_id not in self._wanted], now)
        await self._lapse([row for row in self._rows.values() if row.state is State.ACTIVE and not row.is_active(now)])
        self._tell_lost(was)
        for row in sorted(self._rows.values(), key=lambda row: row.next_try):
            if row.next_try <= now and row.push_id not in self.in_hand and len(self.in_hand) < AT_ONCE:
                self.in_hand[row.push_id] = group.create_task(self._next(row), name=f"hub:{row.source_id}")

    def _pause(self) -> float:
        now = self.real.now()
        waits = [(row.next_try - now).total_seconds() for name, row in self._rows.items() if name not in self.in_hand]
        return max(1.0, min([LOOK, *waits]))

    async def _leave(self, rows: Iterable[Subscription], now: datetime) -> None:
        for row in rows:
            if row.state is not State.LEAVING:
                async with self.database.transaction() as connection:
                    await store.note(connection, row.push_id, **_leaving(now))
                self._keep([replace(row, **_leaving(now))])

    async def _lapse(self, rows: Collection[Subscription]) -> None:
        """The lease ended before the hub renewed it: ask as for the first time."""
        for row in rows:
            async with self.database.transaction() as connection:
                if not await store.lapse(connection, row):
                    continue
            log.warning("push_lapsed", source=row.source_id, hub=row.hub, lease_until=row.lease_until)
            self._keep([replace(row, state=State.ASKED, proven=False)])
            self.lost(row.source_id)

    def _slowed(self) -> set[str]:
        now = self.real.now()
        return {row.source_id for row in self._by_source.values() if row.slows(now)}

    def _tell_lost(self, was: Collection[str]) -> None:
        for source_id in set(was) - self._slowed():
            self.lost(source_id)

    # -- one request -----------------------------------------------------------------------------------------------

    async def _next(self, row: Subscription) -> None:
        try:
            if row.state is State.LEAVING and (row.tries >= FAREWELLS or row.lease_until is None):
                async with self.database.transaction() as connection:
                    await store.remove(connection, row.push_id)
                self._rows.pop(row.push_id, None)
            else:
                await self._ask(row, Pending.UNSUBSCRIBE if row.state is State.LEAVING else Pending.SUBSCRIBE)
        except DatabaseUnavailable as error:
            log.warning("push_delayed", source=row.source_id, error=str(error))
        finally:
            del self.in_hand[row.push_id]
            if len(self.in_hand) == AT_ONCE - 1:
                self.alarm.ring()  # others may have waited for a place

    async def _ask(self, row: Subscription, mode: Pending) -> None:
        """Claim the row, ask the hub, plan when to ask again if it does not verify."""
        now = self.real.now()
        wait = _wait(row)
        claim: dict[str, Any] = {"pending": mode, "pending_until": now + PATIENCE, "tries": row.tries + 1,
                 "next_try": now + max(wait, PATIENCE)}  # fmt: skip
        async with self.database.transaction() as connection:
            if not await store.revise(connection, row, **claim):
                return
        claimed = replace(row, **claim)
        self._keep([claimed])
        asked = await self.hubs.ask(claimed, mode)
        metrics.ASKED.labels(asked.outcome).inc()
        if asked.outcome is AskOutcome.ACCEPTED:
            return
        again = now + max(wait, asked.wish)
        async with self.database.transaction() as connection:
            if await store.revise(connection, claimed, next_try=again):
                self._keep([replace(claimed, next_try=again)])


def _leaving(now: datetime) -> dict[str, Any]:
    return {"state": State.LEAVING, "pending": None, "proven": False, "next_try": now, "tries": 0}


def _was_missed(entry: Found, observed: datetime) -> bool:
    published = entry.item.published
    return published is None or observed - published.at > GRACE


def _wait(row: Subscription) -> timedelta:
    doubled: timedelta = FIRST_WAIT * (1 << min(row.tries, 20))
    return min(LONGEST_WAIT, doubled) * (0.5 + 0.5 * share(row.push_id, row.tries))
