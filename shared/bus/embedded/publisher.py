"""Publishing to the embedded log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.bus import BusUnavailable, Message, Position
from shared.bus.embedded.append import now_ms, place
from shared.bus.embedded.chaos import Dice

if TYPE_CHECKING:
    from shared.bus.embedded import EmbeddedBus

CLOSE_SECONDS = 10.0


class EmbeddedPublisher:
    """Writes messages; made by `EmbeddedBus.publisher`. Safe to use from several tasks: the writer commits together
    what they publish at the same time."""

    def __init__(self, bus: EmbeddedBus, number: int) -> None:
        self._bus = bus
        self._dice = Dice(bus.chaos, f"publisher {number}")
        self._flying = 0
        self._landed = asyncio.Event()
        self._landed.set()
        self._closed = False

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        """Write and wait until durable; positions in the order given."""
        if self._closed:
            raise BusUnavailable("the publisher is closed")
        if not messages:
            return []
        unsure = self._dice.happens("unsure")
        if unsure and self._dice.half():
            raise BusUnavailable("chaos: the request was lost")
        positions = await self._write(messages)
        if unsure:
            raise BusUnavailable("chaos: the answer was lost")
        return positions

    async def close(self) -> None:
        """Wait for what is in flight, within a bounded time."""
        self._closed = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._landed.wait()
        except TimeoutError:
            raise BusUnavailable("messages in flight did not become durable in time") from None

    async def _write(self, messages: Sequence[Message]) -> list[Position]:
        now = now_ms()
        known = self._bus.known
        placed = []
        for message in messages:
            topic = known.get(message.topic) or await self._bus.topic(message.topic)
            placed.append(place(topic, message, now))
        self._flying += 1
        self._landed.clear()
        try:
            return await self._bus.append(placed)
        finally:
            self._flying -= 1
            if not self._flying:
                self._landed.set()
