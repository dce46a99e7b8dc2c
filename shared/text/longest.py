"""Of names that overlap, the longest: one walk over what was found, in time that grows with it and not with its square.

Names are taken from the longest to the shortest, so one that overlaps a taken name covers an end of the shorter one:
looking at the first and the last position is enough, and every position is marked once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeVar


class Placed(Protocol):
    """A name found in a text."""

    @property
    def place(self) -> tuple[int, int]:
        """Where it begins and ends."""
        ...

    @property
    def owner(self) -> str:
        """Whose name it is."""
        ...

    @property
    def rank(self) -> tuple[bool, ...]:
        """What decides between names of the same length: the smallest is taken first."""
        ...


P = TypeVar("P", bound=Placed)
_Taken = tuple[tuple[int, int], set[str]]


def longest(names: Iterable[P]) -> list[P]:
    """Without those that overlap a longer one, in the order of the text; of equally long ones that overlap in part the
    first by `rank`, then by order. Where several owners have a name for one and the same stretch, one name of each
    stays: support decides later who is meant."""
    marked: dict[int, _Taken] = {}
    kept = [one for one in sorted(names, key=_by_length) if _take(one, marked)]
    return sorted(kept, key=lambda one: one.place[0])


def _by_length(one: Placed) -> tuple[int, tuple[bool, ...]]:
    start, end = one.place
    return start - end, one.rank


def _take(one: Placed, marked: dict[int, _Taken]) -> bool:
    start, end = one.place
    first, last = marked.get(start), marked.get(end - 1)
    if first is None and last is None:
        marked.update(dict.fromkeys(range(start, end), ((start, end), {one.owner})))
        return True
    if first is None or first is not last or first[0] != (start, end) or one.owner in first[1]:
        return False
    first[1].add(one.owner)
    return True
