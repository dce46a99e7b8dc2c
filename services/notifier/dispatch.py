"""Sends what is due: starts the attempts that the lanes allow and hands them to the recorder.

Four loops under one task group: `tend` asks SQL and keeps the lanes filled, the pump below starts attempts, woken by
an event and never by polling, the recorder commits, and the teller publishes what is committed.

On the stop nothing new starts; what flies lands, is recorded and told, and the leases are let go, so that another
replica goes on at once. A process that is cut short loses nothing: its deliveries are still pending in SQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from services.notifier import deliver, metrics
from services.notifier.breaker import BreakerState, Standing
from services.notifier.lanes import Flight, Lane, Lanes
from services.notifier.record import Finished, Recorded, Recorder
from services.notifier.retry import SHIPPED, Schedule
from services.notifier.seal import Sealer
from services.notifier.settings import NotifierSettings
from services.notifier.store import Delivery
from services.notifier.tell import Teller
from services.notifier.tend import Tender
from shared.finish import Stopped, patiently
from shared.run import Parts

log = structlog.get_logger()


class Dispatch:
    """The sender of one process; `holder` names it in the leases."""

    def __init__(
        self, settings: NotifierSettings, parts: Parts, *, sealer: Sealer, holder: str, schedule: Schedule = SHIPPED
    ) -> None:
        self._parts, self._schedule = parts, schedule
        self._lanes = Lanes(settings.delivery_in_flight)
        pulse = parts.health.pulse
        self._teller = Teller(parts.database, real=parts.real, pulse=pulse("notifier:tell"))
        self._recorder = Recorder(
            parts.database, self._teller, real=parts.real, story=parts.story, after=self._recorded,
            pulse=pulse("notifier:record"),
        )  # fmt: skip
        self._wake = asyncio.Event()
        self._tender = Tender(
            settings, parts, lanes=self._lanes, teller=self._teller, sealer=sealer, holder=holder, wake=self._wake
        )
        self._flights: set[asyncio.Task[None]] = set()
        self._alarm: tuple[datetime, asyncio.Task[None]] | None = None

    @property
    def busy(self) -> bool:
        """Whether a delivery that is due is still in hand."""
        return self._tender.busy or self._lanes.busy

    def offer(self, deliveries: Sequence[Delivery]) -> None:
        """New deliveries, committed: send them now. What this process may not send is left to the lease."""
        self._tender.want({one.subscription_id for one in deliveries if not self._lanes.offer(one)})
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, then finish what flies."""
        try:
            publisher = await patiently("notifier", self._parts.bus.publisher, stop)
        except Stopped:
            return
        async with asyncio.TaskGroup() as group:
            writer = group.create_task(self._recorder.write())
            group.create_task(self._teller.run(publisher))
            group.create_task(self._tender.run(stop))
            group.create_task(self._wake_at(stop))
            await self._pump(stop)
            self._recorder.close()
            await writer
            self._teller.close()
        await self._tender.leave()
        await publisher.close()

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    # -- sending -------------------------------------------------------------------------------------------------

    async def _pump(self, stop: asyncio.Event) -> None:
        try:
            while not stop.is_set():
                self._wake.clear()
                self._start_all()
                self._set_alarm()
                await self._wake.wait()
            while self._flights:
                await asyncio.wait(self._flights)
        finally:  # after a crash beside us, or when the drain is cut short, nothing of ours stays in the air
            for task in (*self._flights, *([self._alarm[1]] if self._alarm else [])):
                task.cancel()

    def _start_all(self) -> None:
        while (flight := self._lanes.take(self._parts.real.now())) is not None:
            task = asyncio.create_task(self._fly(flight))
            self._flights.add(task)
            task.add_done_callback(self._flights.discard)
        metrics.FLYING.set(self._lanes.flying)

    async def _fly(self, flight: Flight) -> None:
        lane, real = flight.lane, self._parts.real
        attempt = await deliver.attempt(
            self._parts.door, lane.target, flight.delivery, real=real, schedule=self._schedule
        )
        standing = None if attempt.answered is None else lane.breaker.note(attempt.answered, real.now())
        self._lanes.land(flight, healthy=attempt.healthy, hold_until=attempt.decision.hold_until)
        if standing is not None:
            self._breaker_changed(lane, standing)
        self._recorder.put(Finished(attempt, lane.lease, standing))
        self._wake.set()

    def _breaker_changed(self, lane: Lane, standing: Standing) -> None:
        metrics.BREAKER_CHANGES.labels(BreakerState.CLOSED if lane.breaker.closed else BreakerState.OPEN).inc()
        log.info(
            "breaker_closed" if lane.breaker.closed else "breaker_opened",
            subscription_id=lane.id,
            opens=standing.opens,
            probe_at=standing.probe_at.isoformat() if standing.probe_at else None,
        )
        if not lane.breaker.closed:
            lane.park()

    def _set_alarm(self) -> None:
        """Wake the pump when the earliest lane that waits for a time may go on."""
        moment = self._lanes.next_moment()
        if self._alarm is not None and (self._alarm[1].done() or moment is None or moment < self._alarm[0]):
            self._alarm[1].cancel()
            self._alarm = None
        if moment is not None and self._alarm is None:
            self._alarm = (moment, asyncio.create_task(self._ring_at(moment)))

    async def _ring_at(self, moment: datetime) -> None:
        await self._parts.real.sleep((moment - self._parts.real.now()).total_seconds())
        self._wake.set()

    def _recorded(self, recorded: Sequence[Recorded]) -> None:
        for one in recorded:
            self._lanes.recorded(one.attempt.delivery)
            if not one.kept or one.attempt.decision.disable:
                self._lanes.drop(one.attempt.delivery.subscription_id)
        if self._lanes.hungry():
            self._tender.want(())
