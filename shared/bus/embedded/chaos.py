"""Chaos: all that Kafka allows, often. Services tested under it cannot come to rely on the embedded log's being nicer.

Nothing here goes beyond Kafka. A record is redelivered only after its partition was revoked and assigned again; a
commit is refused only when the member is out of its generation; an unknown durability is answered by publishing again,
which puts the message into the log twice; order within a partition always holds. Probabilities are per poll, commit or
publish; the same seed and the same calls give the same trouble.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from shared.bus import Partition, Record
from shared.bus.embedded.reading import Fetched


@dataclass(frozen=True, slots=True)
class Chaos:
    """What goes wrong, and how often."""

    seed: int
    redeliver: float = 0.02
    """Per poll: the member is thrown out as if its session had expired; what it has not committed comes again."""
    rebalance: float = 0.02
    """Per poll: the group rebalances for no reason, with a clean revoke."""
    refuse: float = 0.02
    """Per commit: the member turns out to be thrown out already; the commit is refused."""
    unsure: float = 0.02
    """Per publish: the answer is lost; half of the time the messages were written."""
    delay: float = 0.05
    """Per poll and partition: nothing comes from it for `delay_seconds`."""
    delay_seconds: float = 0.2
    shuffle: bool = True
    """Mix the order across partitions, and return fewer records than there are."""


class Dice:
    """The random decisions of one publisher or consumer. Without chaos nothing ever happens."""

    def __init__(self, chaos: Chaos | None, salt: str) -> None:
        self._chaos = chaos
        self._random = random.Random(f"{chaos.seed if chaos else 0}/{salt}")
        self._until: dict[Partition, float] = {}

    def happens(self, what: str) -> bool:
        """Does `what` (the name of a probability) happen now?"""
        return self._chaos is not None and self._random.random() < float(getattr(self._chaos, what))

    def half(self) -> bool:
        """A fair coin."""
        return self._random.random() < 0.5

    def held_back(self, partition: Partition, now: float) -> bool:
        """Is this partition slow at the moment?"""
        if self._chaos is None:
            return False
        if self._until.get(partition, 0.0) <= now and self.happens("delay"):
            self._until[partition] = now + self._chaos.delay_seconds
        return self._until.get(partition, 0.0) > now

    def next_release(self) -> float | None:
        """When the first slow partition is fast again."""
        return min(self._until.values(), default=None)

    def released(self, now: float) -> None:
        """Forget partitions that are not slow any more."""
        self._until = {partition: until for partition, until in self._until.items() if until > now}

    def mixed(self, parts: Sequence[Fetched]) -> list[Record]:
        """The records of all parts; in chaos across partitions in any order."""
        if self._chaos is None or not self._chaos.shuffle:
            return [record for part in parts for record in part.records]
        lanes = [list(reversed(part.records)) for part in parts if part.records]
        mixed = []
        while lanes:
            lane = self._random.choice(lanes)
            mixed.append(lane.pop())
            if not lane:
                lanes.remove(lane)
        return mixed

    def fewer(self, limit: int) -> int:
        """How many records to return at most."""
        if self._chaos is None or not self._chaos.shuffle or limit <= 1:
            return limit
        return self._random.randint(1, limit)
