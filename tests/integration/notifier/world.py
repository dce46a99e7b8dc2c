"""A notifier with everything real but time: a database, the door, receivers on loopback; its clock is stepped."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network

import sqlalchemy as sa

from services.notifier import store, subscribe
from services.notifier.app import MIGRATIONS
from services.notifier.dispatch import Dispatch
from services.notifier.fan_out import FanOut
from services.notifier.receiver import Received, Receiver, Reply, politely
from services.notifier.retry import SHIPPED, Schedule
from services.notifier.seal import Sealer
from services.notifier.settings import NotifierSettings
from services.notifier.subscribe import ANY, Filters, Limits, Subscription, Wanted
from services.notifier.tables import ATTEMPTS
from shared import db
from shared.bus import BusUnavailable, Message, Partition, Position, Record
from shared.clock import SteppedClock
from shared.codec import Trace, decode_bytes
from shared.db import Database
from shared.events import AlertRaised, DeliveryAttempted, SubscriptionFailed
from shared.http import Door, Guard
from shared.run import Parts
from shared.step import Outcome, Work
from shared.topics import SUBSCRIPTIONS_FAILED
from tests.fakes.alerts import NOON, REAL

LOOPBACK = Guard((IPv4Network("127.0.0.0/8"),))
SEALER = Sealer.of([b"k" * 32])
LIMITS = Limits()
PATIENCE = 60.0


@dataclass(slots=True)
class Log:
    """A bus of which the notifier's sender uses the writing end only; `away` makes it refuse."""

    told: list[DeliveryAttempted] = field(default_factory=list)
    warned: list[SubscriptionFailed] = field(default_factory=list)
    away: bool = False

    async def publisher(self) -> Log:
        return self

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        if self.away:
            raise BusUnavailable("away")
        for message in messages:
            if message.topic == SUBSCRIPTIONS_FAILED.name:
                self.warned.append(decode_bytes(message.value or b"", SubscriptionFailed))
            else:
                self.told.append(decode_bytes(message.value or b"", DeliveryAttempted))
        return [Position(Partition(message.topic, 0), 0) for message in messages]

    async def close(self) -> None:
        """Nothing is kept open."""


@dataclass(slots=True)
class World:
    """The parts a test looks at."""

    database: Database
    door: Door
    real: SteppedClock
    log: Log

    def parts(self) -> Parts:
        return Parts(self.log, self.database, self.door, SteppedClock(NOON), self.real)  # type: ignore[arg-type]

    def dispatch(self, *, holder: str = "one", schedule: Schedule = SHIPPED, in_flight: int = 512) -> Dispatch:
        settings = NotifierSettings(delivery_in_flight=in_flight)
        return Dispatch(settings, self.parts(), sealer=SEALER, holder=holder, schedule=schedule)

    async def subscribe(
        self, receiver: Receiver, *, limits: Limits = LIMITS, filters: Filters = ANY, url: str = "",
        owner: str = "operator",
    ) -> Subscription:  # fmt: skip
        async with self.database.transaction() as connection:
            wanted = Wanted(url or receiver.url, filters, limits, owner)
            made, secret = await subscribe.create(
                connection, wanted, sealer=SEALER, guard=LOOPBACK, now=self.real.now() - timedelta(days=1)
            )
        receiver.trust(secret)
        return made

    async def raise_(self, dispatch: Dispatch | None, *alerts: AlertRaised) -> list[Outcome]:
        """Fan out, with or without a sender in the process."""
        step = FanOut(self.database, self.real, dispatch.offer if dispatch else lambda _: None)
        return await step.handle([work(one) for one in alerts])

    async def states(self) -> dict[str, int]:
        async with self.database.reading() as connection:
            return dict(await store.states(connection))

    async def attempts(self) -> list[sa.Row[tuple[object, ...]]]:
        async with self.database.reading() as connection:
            query = sa.select(ATTEMPTS).order_by(ATTEMPTS.c.started, ATTEMPTS.c.number)
            return list(await connection.execute(query))

    def receiver(self, behave: Callable[[Received], Reply] = politely) -> Receiver:
        return Receiver(behave=behave, real=self.real)

    async def pass_(self, seconds: float) -> None:
        """Let real time pass, and everybody who waits for it go on."""
        self.real.advance_to(self.real.now() + timedelta(seconds=seconds))
        await asyncio.sleep(0)

    async def until(self, holds: Callable[[], bool], *, step: float = 0.0) -> None:
        """Wait for a condition, passing `step` seconds of the stepped clock at each look."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                if step:
                    await self.pass_(step)
                await asyncio.sleep(0.005)

    async def until_states(self, wanted: dict[str, int], *, step: float = 0.0) -> None:
        """Wait until the deliveries are in these states."""
        async with asyncio.timeout(PATIENCE):
            while await self.states() != wanted:
                if step:
                    await self.pass_(step)
                await asyncio.sleep(0.005)


def work(event: AlertRaised) -> Work:
    return Work(event, Record("alerts", 0, 0, 0, None, None), Trace.start(event.id))


@contextlib.asynccontextmanager
async def world(database: Database, *, now: datetime = REAL + timedelta(seconds=1)) -> AsyncIterator[World]:
    await db.migrate(database, "notifier", MIGRATIONS)
    async with Door(user_agent="Wirewatch/test", guard=LOOPBACK, connections=1000) as door:
        yield World(database, door, SteppedClock(now), Log())


@contextlib.asynccontextmanager
async def running(dispatch: Dispatch) -> AsyncIterator[asyncio.Event]:
    """The sender runs within the block and is stopped, drained, at its end."""
    stop = asyncio.Event()
    task = asyncio.create_task(dispatch.run(stop))
    try:
        yield stop
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await task


async def kill(task: asyncio.Task[None]) -> None:
    """End a sender as kill -9 would: nothing of it runs any more."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
