"""What a service gives to the consume loop: a step. Services contain no offsets, no acknowledgements, no loops.

A step takes decoded events and answers each with exactly one `Outcome`. What it raises is one of `shared.errors`
(Permanent: dead letter; Transient: tried again in place, in order; Fenced: dropped), anything else is a defect.
Outputs are published by the loop before the input is acknowledged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.bus import Record
from shared.codec import Trace
from shared.events import Event
from shared.lease import Fence
from shared.topics import Topic


@dataclass(frozen=True, slots=True)
class Work:
    """One decoded input. `fence` is set where the step is fenced: pass it to every transaction of that input."""

    event: Any
    record: Record
    trace: Trace
    fence: Fence | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an input ended: a member of the step's closed enum, and the events to publish (in this order)."""

    label: StrEnum
    outputs: tuple[Event, ...] = field(default=())


Handle = Callable[[Work], Awaitable[Outcome]]
HandleBatch = Callable[[Sequence[Work]], Awaitable[Sequence[Outcome]]]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a service: what it reads, as which group, and the function that does it.

    Exactly one of `handle` and `handle_batch` is given. `handle` runs concurrently: in order per key, others may
    overtake, at most `in_flight` records and `in_flight_bytes` bytes in hand. `handle_batch` gets up to `batch`
    records of one partition, in order, to be done in one transaction (so with one fence), and answers one outcome per
    record; when it fails the loop calls it again with each record alone. Batches of a partition begin at least `rest`
    seconds apart: what arrives meanwhile shares a transaction, and the first after a quiet time does not wait.
    """

    group: str
    topics: tuple[Topic, ...]
    outcomes: type[StrEnum]
    handle: Handle | None = None
    handle_batch: HandleBatch | None = None
    fenced: bool = False
    in_flight: int = 64
    in_flight_bytes: int = 64 * 1024 * 1024
    batch: int = 64
    rest: float = 0.0
