"""Shelves: small keyed facts that a kind of alert keeps of a watch, all in one table.

A kind names a shelf once (`ShelfSpec`, a constant in its module, listed in `kinds.SHELVES`) and works on plain values;
what changed is written with the batch, what is out of its time is dropped here and in SQL. Resident shelves are read
whole when an owner loads a watch; the others hold one row per article and are asked for by key, as families are.
"""

from __future__ import annotations

from collections.abc import ItemsView, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec

V = TypeVar("V", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class ShelfSpec(Generic[V]):
    """A shelf: its name in SQL, what stands on it, for how long after the moment of an entry, and whether it is read
    whole. `kept` None keeps an entry until it is dropped."""

    part: str
    value: type[V]
    kept: timedelta | None
    resident: bool = True


class Shelf(Generic[V]):
    """The entries of one shelf of one watch: a value and its moment under a key."""

    def __init__(self, spec: ShelfSpec[V]) -> None:
        self.spec = spec
        self.changed: set[str] = set()
        self._entries: dict[str, tuple[datetime, V]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def get(self, key: str) -> V | None:
        """The value under `key`."""
        found = self._entries.get(key)
        return found[1] if found else None

    def moment(self, key: str) -> datetime | None:
        """When the entry under `key` is from (of a timer: when it is due)."""
        found = self._entries.get(key)
        return found[0] if found else None

    def items(self) -> Iterator[tuple[str, datetime, V]]:
        """Every entry: key, moment, value."""
        return ((key, moment, value) for key, (moment, value) in self._entries.items())

    def entries(self) -> ItemsView[str, tuple[datetime, V]]:
        """The same as pairs of key, and moment and value: quicker where thousands are looked at."""
        return self._entries.items()

    def latest(self) -> Iterator[tuple[str, tuple[datetime, V]]]:
        """The same, those entered last first."""
        return reversed(self._entries.items())

    def put(self, key: str, moment: datetime, value: V) -> None:
        """Set an entry, to be written with the batch."""
        self._entries[key] = (moment, value)
        self.changed.add(key)

    def drop(self, key: str) -> None:
        """Remove an entry, if it is there."""
        if self._entries.pop(key, None) is not None:
            self.changed.add(key)

    def known(self, key: str, moment: datetime, value: V) -> None:
        """An entry as SQL has it."""
        self._entries[key] = (moment, value)

    def entry(self, key: str) -> tuple[datetime, V] | None:
        """Moment and value under `key`."""
        return self._entries.get(key)

    def forget(self, now: datetime) -> None:
        """Let go of what is out of its time, and of rows that can be asked for again. SQL is purged by itself."""
        kept = self.spec.kept
        if not self.spec.resident:
            self._entries = {}
        elif kept is not None:
            self._entries = {key: one for key, one in self._entries.items() if one[0] >= now - kept}
