"""Publish, wait for the acknowledgement, only then write state.

Whatever polls and fetches come in while one round is under way go together into the next: one call to the log and one
transaction for all of them, however many there are. Either side is tried again until it works; what was published and
not yet written when the process ends is published again by the next one, with the same ids. Only what is remembered of
a page for alerts to find is written first: they may come back before the rest is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from services.fetcher.manners.tally import Tally
from services.fetcher.store import Changes, write
from shared.bus import Message, Publisher, RecordTooLarge
from shared.clock import Clock
from shared.codec import encode
from shared.db import Database
from shared.errors import Transient
from shared.events import Event
from shared.health import UNHEARD, Pulse

log = structlog.get_logger()
ROUND = 128
ROUND_BYTES = 16 * 1024 * 1024
FIRST_WAIT, LONGEST_WAIT = 0.2, 10.0
"""Seconds between tries while the log or the database is away."""


@dataclass(slots=True)
class _Parcel:
    message: Message | None
    changes: Changes
    landed: asyncio.Future[bool]

    @property
    def size(self) -> int:
        return len(self.message.value or b"") if self.message else 0


@dataclass(slots=True)
class Landing:
    """Where results come ashore. Safe to use from several tasks."""

    publisher: Publisher
    database: Database
    real: Clock
    pulse: Pulse = UNHEARD
    tally: Tally | None = None
    """Counts of requests, written along."""
    _parcels: list[_Parcel] = field(default_factory=list)
    _rounds: asyncio.Task[None] | None = None

    async def land(self, event: Event | None, changes: Changes) -> bool:
        """Returns when the event is durable and the changes are written; False when the event is too large for its
        topic: then neither was."""
        message = encode(event) if event is not None else None
        parcel = _Parcel(message, changes, asyncio.get_running_loop().create_future())
        self._parcels.append(parcel)
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._work(), name="fetcher:landing")
        return await parcel.landed

    async def close(self, patience: float) -> None:
        """Finish what is under way, at most for `patience` seconds."""
        if self._rounds is not None and not self._rounds.done():
            await asyncio.wait([self._rounds], timeout=patience)
            self._rounds.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._rounds

    async def _work(self) -> None:
        try:
            await self._work_off()
        finally:
            self.pulse.rest()

    async def _work_off(self) -> None:
        while self._parcels:
            parcels = self._take()
            try:
                await self._write([one for parcel in parcels for one in _beforehand(parcel.changes)])
                parcels = await self._publish(parcels)
                await self._write([parcel.changes for parcel in parcels])
            except asyncio.CancelledError:
                self._abandon(parcels, None)
                raise
            except Exception as error:  # noqa: BLE001 - a defect of ours: whoever waits hears of it, nobody waits for ever
                self._abandon(parcels, error)
                return
            for parcel in parcels:
                _settle(parcel, landed=True)

    def _abandon(self, parcels: list[_Parcel], error: Exception | None) -> None:
        waiting, self._parcels = [*parcels, *self._parcels], []
        for parcel in waiting:
            if parcel.landed.done():
                continue
            if error is None:
                parcel.landed.cancel()
            else:
                parcel.landed.set_exception(error)

    def _take(self) -> list[_Parcel]:
        size, count = 0, 0
        for parcel in self._parcels[:ROUND]:
            size += parcel.size
            if count and size > ROUND_BYTES:
                break
            count += 1
        taken, self._parcels = self._parcels[:count], self._parcels[count:]
        return taken

    async def _publish(self, parcels: list[_Parcel]) -> list[_Parcel]:
        """The parcels whose message, if any, is durable."""
        messages = [parcel.message for parcel in parcels if parcel.message]
        try:
            if messages:
                await self._patiently_publish(messages)
        except RecordTooLarge:
            return await self._publish_each(parcels)
        return parcels

    async def _publish_each(self, parcels: list[_Parcel]) -> list[_Parcel]:
        good = []
        for parcel in parcels:
            try:
                if parcel.message:
                    await self._patiently_publish([parcel.message])
            except RecordTooLarge:
                _settle(parcel, landed=False)
            else:
                good.append(parcel)
        return good

    async def _patiently_publish(self, messages: Sequence[Message]) -> None:
        wait = FIRST_WAIT
        while True:
            self.pulse.beat()
            try:
                await self.publisher.publish(messages)
            except Transient as error:
                log.warning("publish_delayed", messages=len(messages), reason=error.reason, error=str(error))
            else:
                return
            await self.real.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    async def _write(self, changes: Sequence[Changes]) -> None:
        wait = FIRST_WAIT
        while changes:
            self.pulse.beat()
            try:
                await self._write_once(changes)
            except Transient as error:
                log.warning("write_delayed", rows=len(changes), reason=error.reason, error=str(error))
            else:
                return
            await self.real.sleep(wait)
            wait = min(LONGEST_WAIT, wait * 2)

    async def _write_once(self, changes: Sequence[Changes]) -> None:
        counts = self.tally.taken() if self.tally else {}
        async with self.database.transaction() as connection:
            await write(connection, changes)
            if self.tally:
                await self.tally.write(connection, counts)
        if self.tally:
            self.tally.wrote(counts)


def _beforehand(changes: Changes) -> list[Changes]:
    """What is written before the event is published."""
    return [Changes(remembered=changes.remembered)] if changes.remembered else []


def _settle(parcel: _Parcel, *, landed: bool) -> None:
    if not parcel.landed.done():  # whoever waited may have been cancelled
        parcel.landed.set_result(landed)
