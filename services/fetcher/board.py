"""The metrics of sources: how many are in which condition, and five series for each of the first of the file.

Series of single sources are bounded by a setting; the rest is added up under `other`, which has no time of its last
news.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from services.fetcher import metrics
from services.fetcher.metrics import OTHER
from services.fetcher.poll.poll import WORKED
from shared.events import SourceChecked


@dataclass(slots=True)
class Board:
    """What is shown of the sources. `most` bounds those with series of their own."""

    most: int
    _own: frozenset[str] = frozenset()
    _conditions: dict[str, frozenset[str]] = field(default_factory=dict)

    def list(self, source_ids: Iterable[str]) -> None:
        """These are the sources from now on, in the order of the file."""
        ids = tuple(source_ids)
        own = frozenset(ids[: self.most])
        for source_id in self._conditions.keys() - set(ids):
            self._hold(source_id, frozenset())
            del self._conditions[source_id]
        moved = {source_id: self._conditions.get(source_id, frozenset()) for source_id in self._own ^ own}
        for source_id in moved:
            self._hold(source_id, frozenset())
        for source_id in self._own - own:
            metrics.forget_source(source_id)
        self._own = own
        for source_id in moved.keys() & set(ids):
            self._hold(source_id, moved[source_id])

    def show(self, event: SourceChecked) -> None:
        """A check ended."""
        name = self._name(event.source.id)
        metrics.SOURCE_CHECKS.labels(name, "worked" if event.outcome in WORKED else "failed").inc()
        metrics.SOURCE_ENTRIES.labels(name).inc(event.new_entries)
        if event.new_entries and name != OTHER:
            metrics.SOURCE_FRESH.labels(name).set(event.observed.timestamp())
        self._hold(event.source.id, frozenset(event.conditions))

    def _hold(self, source_id: str, now: frozenset[str]) -> None:
        before = self._conditions.get(source_id, frozenset())
        self._conditions[source_id] = now
        for condition in before - now:
            metrics.CONDITIONS.labels(condition).dec()
        for condition in now - before:
            metrics.CONDITIONS.labels(condition).inc()
        metrics.SOURCE_TROUBLES.labels(self._name(source_id)).inc(len(now) - len(before))

    def _name(self, source_id: str) -> str:
        return source_id if source_id in self._own else OTHER
