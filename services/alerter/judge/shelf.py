"""Shelves: small keyed facts that a kind of alert keeps of a watch, all in one table.

A kind names a shelf once (`ShelfSpec`, a constant in its module, listed in `kinds.SHELVES`) and works on plain values;
what changed is written with the batch, what is out of its time is dropped here and in SQL. Resident shelves are read
whole when an owner loads a watch; the others hold one row per article and are asked for by key, as families are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import msgspec

V = TypeVar("V", bound=msgspec.Struct)


class View(Protocol):
    """The entries of a shelf arranged another way, for who would have to look through all of them; told of every
    change."""

    def put(self, key: str, value: object) -> None:
        """An entry is new or another."""

    def drop(self, key: str) -> None:
        """An entry is gone."""


@dataclass(frozen=True, slots=True)
class ShelfSpec(Generic[V]):
    """A shelf: its name in SQL, what stands on it, for how long after the moment of an entry, whether it is read
    whole, and how its entries are arranged besides. `kept` None keeps an entry until it is dropped."""

    part: str
    value: type[V]
    kept: timedelta | None
    resident: bool = True
    view: Callable[[], View] | None = None


class Shelf(Generic[V]):
    """The entries of one shelf of one watch: a value and its moment under a key."""

    def __init__(self, spec: ShelfSpec[V]) -> None:
        self.spec = spec
        self.changed: set[str] = set()
        self.view = spec.view() if spec.view is not None else None
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

    def latest(self) -> Iterator[tuple[str, tuple[datetime, V]]]:
        """Every key with its moment and value, those entered last first."""
        return reversed(self._entries.items())

    def put(self, key: str, moment: datetime, value: V) -> None:
        """Set an entry, to be written with the batch."""
        self.known(key, moment, value)
        self.changed.add(key)

    def drop(self, key: str) -> None:
        """Remove an entry, if it is there."""
        if self._entries.pop(key, None) is not None:
            self.changed.add(key)
            if self.view is not None:
                self.view.drop(key)

    def known(self, key: str, moment: datetime, value: V) -> None:
        """An entry as SQL has it."""
        self._entries[key] = (moment, value)
        if self.view is not None:
            self.view.put(key, value)

    def entry(self, key: str) -> tuple[datetime, V] | None:
        """Moment and value under `key`."""
        return self._entries.get(key)

    def forget(self, now: datetime) -> None:
        """Let go of what is out of its time, and of rows that can be asked for again. SQL is purged by itself."""
        kept = self.spec.kept
        if not self.spec.resident:
            self._leave({})
        elif kept is not None:
            self._leave({key: one for key, one in self._entries.items() if one[0] >= now - kept})

    def _leave(self, entries: dict[str, tuple[datetime, V]]) -> None:
        if self.view is not None:
            for key in self._entries.keys() - entries.keys():
                self.view.drop(key)
        self._entries = entries
