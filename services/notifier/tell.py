"""Tells the topic what was committed, and takes it out of the outbox once the bus has acknowledged it.

Left out on purpose: order beyond that of the commits. The topic is keyed by subscription, and a subscription has one
sender at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import metrics
from services.notifier.tables import OUTBOX, WARNINGS
from shared import codec
from shared.bus import BusUnavailable, Message, Publisher
from shared.clock import Clock
from shared.codec import Trace
from shared.db import Database
from shared.events import DeliveryAttempted, SubscriptionFailed
from shared.health import UNHEARD, Pulse
from shared.topics import topic_of

log = structlog.get_logger()

AT_ONCE = 500
MOST = 10_000
"""Events kept in memory while the bus is away; the others wait in the outbox only."""

OUTBOXES: tuple[tuple[sa.Table, type[DeliveryAttempted | SubscriptionFailed]], ...] = (
    (OUTBOX, DeliveryAttempted), (WARNINGS, SubscriptionFailed),
)  # fmt: skip

STALE = timedelta(seconds=30)
"""An event in the outbox this old was not told by who wrote it."""

PATIENCE = 1.0
"""Seconds between attempts to reach a database or a bus that is away."""


@dataclass(frozen=True, slots=True)
class Untold:
    """A row of the outbox, ready for the bus."""

    id: str
    trace: str
    message: Message


def untold(event: DeliveryAttempted | SubscriptionFailed, trace: str) -> Untold:
    """The row of an event; `trace` is the trace context of what caused it."""
    return Untold(event.id, trace, codec.encode(event, trace=Trace(trace) if trace else None))


class Teller:
    """Publishes what it is given by `put`, in that order."""

    def __init__(self, database: Database, *, real: Clock, pulse: Pulse = UNHEARD) -> None:
        self._database, self._real, self._pulse = database, real, pulse
        self._untold: deque[Untold] = deque()
        self._told: list[Untold] = []
        self._arrived, self._closed = asyncio.Event(), asyncio.Event()

    def put(self, events: Iterable[Untold]) -> None:
        """These stand in the outbox, committed."""
        for event in events:
            if len(self._untold) < MOST:
                self._untold.append(event)
        metrics.UNTOLD.set(len(self._untold))
        self._arrived.set()

    def take_told(self) -> list[Untold]:
        """What may be deleted from the outbox with the next commit."""
        told, self._told = self._told, []
        return told

    def close(self) -> None:
        """Nothing more comes: `run` returns when it is done with what there is, or at the first refusal."""
        self._closed.set()
        self._arrived.set()

    async def run(self, publisher: Publisher) -> None:
        """Publish until closed; what the bus does not take stays in the outbox."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._untold and await self._tell_some(publisher):
                pass
            self._pulse.rest()
            if self._closed.is_set():
                return

    async def _tell_some(self, publisher: Publisher) -> bool:
        some = [self._untold[index] for index in range(min(AT_ONCE, len(self._untold)))]
        self._pulse.beat()
        try:
            await publisher.publish([one.message for one in some])
        except BusUnavailable as error:
            log.warning("attempts_not_told", events=len(self._untold), error=str(error))
            if self._closed.is_set():
                return False
            await first_of(self._closed.wait(), self._real.sleep(PATIENCE))
            return True
        for one in some:
            self._untold.popleft()
            self._told.append(one)
        metrics.UNTOLD.set(len(self._untold))
        return True

    async def forget_told(self) -> None:
        """Delete what was told from the outbox, where no commit came that would have done it along the way."""
        told = self.take_told()
        if told:
            async with self._database.transaction() as connection:
                await delete_told(connection, told)

    async def recover(self) -> None:
        """Tell again what somebody wrote and did not tell before they ended. Raises DatabaseUnavailable."""
        if self._untold:
            return
        known = {one.id for one in self._told}
        for table, kind in OUTBOXES:
            query = sa.select(table).where(table.c.created < self._real.now() - STALE)
            async with self._database.reading() as connection:
                rows = (await connection.execute(query.order_by(table.c.created).limit(AT_ONCE))).all()
            events = ((codec.decode_bytes(row.event, kind), row) for row in rows if row.id not in known)
            self.put(untold(event, row.trace) for event, row in events)


async def delete_told(connection: AsyncConnection, told: Sequence[Untold]) -> None:
    """Take these out of the outbox."""
    for table, kind in OUTBOXES:
        mine = [{"i": one.id} for one in told if one.message.topic == topic_of(kind).name]
        if mine:
            await connection.execute(sa.delete(table).where(table.c.id == sa.bindparam("i")), mine)


async def first_of(*works: Coroutine[Any, Any, Any]) -> None:
    """Return when the first of them has, and cancel the others."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
