"""How much is polled in all: one number, shared out among the sources by what each is expected to publish.

A source is due again when the root of its rate has summed up to an amount that is the same for all. This amount
follows from the mean number of polls a source and day that the operator allows, over the sources there are: who
publishes more takes a larger share, and none takes more than there is.

Sources whose interval is stated take no part, and what servers' wishes and back-off save is not spent elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from services.fetcher.plan.rhythm import PRIOR_DAYS, PRIOR_ENTRIES

UNKNOWN = math.sqrt(PRIOR_ENTRIES / PRIOR_DAYS)
"""The root of the rate of a source of which nothing is known."""


@dataclass(slots=True)
class Budget:
    """The roots of the sources' rates, each the mean of its week, in entries a day to the half. `polls` is the mean
    number of polls a source and day."""

    polls: float
    _roots: dict[str, float] = field(default_factory=dict)
    _total: float = 0.0
    _notes: int = 0

    def note(self, source_id: str, root: float) -> None:
        """What a source is expected to publish now."""
        self._total += root - self._roots.get(source_id, 0.0)
        self._roots[source_id] = root
        self._notes += 1
        if self._notes > len(self._roots):  # once a round, so that roundings do not add up
            self._total, self._notes = math.fsum(self._roots.values()), 0

    def drop(self, source_id: str) -> None:
        """A source that takes no part any more."""
        self._total -= self._roots.pop(source_id, 0.0)

    @property
    def amount(self) -> float:
        """What the integral of a source's root comes to between two polls."""
        mean = self._total / len(self._roots) if self._roots else UNKNOWN
        return mean / self.polls
