"""The way back: from positions in a folded text to positions in its original.

Nearly every character folds to one, so only the places that do not are kept, and a position is found by bisection
among them: an article of 4,000 characters has some dozens of such places, and few of its positions are ever asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import overload


class Offsets(Sequence[int]):
    """For each folded position the original one it came from; one more entry holds the original's length.

    `places` are (original start, original end, folded length), in order, of what does not fold one to one.
    """

    __slots__ = ("_ends", "_folded", "_last", "_length", "_starts")

    def __init__(self, places: Iterable[tuple[int, int, int]], length: int) -> None:
        self._folded: list[int] = []
        self._last: list[int] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        shift = 0
        for start, end, size in places:
            self._folded.append(start + shift)
            self._last.append(start + shift + size)
            self._starts.append(start)
            self._ends.append(end)
            shift += size - (end - start)
        self._length = length + shift + 1

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...
    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        if isinstance(at, slice):
            return [self[one] for one in range(self._length)[at]]
        if at < 0:
            at += self._length
        if not 0 <= at < self._length:
            raise IndexError(at)
        before = bisect_right(self._folded, at) - 1
        if before < 0:
            return at
        return self._starts[before] if at < self._last[before] else self._ends[before] + at - self._last[before]

    def folded(self, original: int) -> int:
        """The folded position of an original one, or of the next character that left a trace."""
        before = bisect_right(self._starts, original) - 1
        if before < 0:
            return original
        if original == self._starts[before]:
            return self._folded[before]
        return self._last[before] + max(0, original - self._ends[before])
