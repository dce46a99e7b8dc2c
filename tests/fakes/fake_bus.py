"""A publisher that keeps what it is given, and fails when a test wants it to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from shared.bus import BusUnavailable, Message, Partition, Position, RecordTooLarge
from shared.codec import decode_bytes
from shared.events import Event
from shared.topics import topic_of

E = TypeVar("E", bound=Event)


@dataclass(slots=True)
class FakePublisher:
    """`failures` counts down: so many calls write nothing and raise. `lost` calls write and raise all the same, as
    when the acknowledgement is lost. `gate`, when cleared, holds every call back."""

    messages: list[Message] = field(default_factory=list)
    calls: int = 0
    failures: int = 0
    lost: int = 0
    largest: int = 8 * 1024 * 1024
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        self.calls += 1
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise BusUnavailable("as the test wishes")
        if any(len(message.value or b"") > self.largest for message in messages):
            raise RecordTooLarge("too large")
        self.messages.extend(messages)
        if self.lost:
            self.lost -= 1
            raise BusUnavailable("the acknowledgement is lost")
        start = len(self.messages) - len(messages)
        return [Position(Partition(message.topic, 0), start + number) for number, message in enumerate(messages)]

    async def close(self) -> None:
        await asyncio.sleep(0)

    def events(self, kind: type[E]) -> list[E]:
        """What was published of one kind, in order."""
        name = topic_of(kind).name
        return [decode_bytes(message.value or b"", kind) for message in self.messages if message.topic == name]


@dataclass(slots=True)
class FakeBus:
    """As much of the bus port as a service that only writes needs."""

    writer: FakePublisher = field(default_factory=FakePublisher)

    async def publisher(self) -> FakePublisher:
        return self.writer
