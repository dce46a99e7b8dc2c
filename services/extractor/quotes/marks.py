"""Where words stand between quotation marks, of any language and nested; in one pass over the marks of a text.

A mark opens or closes by its shape and by what stands beside it: „ always opens, “ closes „ and opens otherwise, " and
' open behind a blank and close before one. What opens inside a quotation of another shape is part of it. A mark that
never closes ends with its paragraph, if its shape can only open or the next paragraph opens again, as quotations over
several paragraphs do; one whose other half stands in the next paragraph goes on to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from services.extractor.quotes.view import Place

LONGEST = 2_000
"""Characters of one quotation: longer ones are marks that were forgotten."""
_CLOSES = {
    "„": "“”\"‟",
    "‟": "”\"",
    "“": "”“\"",
    "”": "”",
    "«": "»",
    "»": "«",
    "‹": "›",
    "‚": "‘’",
    "‘": "’",
    '"': '"',
    "'": "'",
}  # fmt: skip
_NESTS = frozenset("„«“")
"""Shapes that open again inside themselves."""
_ONLY_OPENS = frozenset("„«")
_LIGHT = frozenset("'‘‚’")
"""Shapes that are apostrophes, too."""
_MARK = re.compile("[„‟“”«»‹›‚‘’\"'\n]")


@dataclass(slots=True)
class _Open:
    """A quotation being read."""

    mark: str
    start: int
    depth: int = 1
    broken: int = -1


def stretches(text: str) -> Iterator[Place]:
    """What stands between marks, outermost only, in order; without the marks. One step a mark."""
    opened: _Open | None = None
    for found in _MARK.finditer(text):
        if opened is not None and found.start() - opened.start > LONGEST:
            opened = None
        place, opened = _step(text, opened, found[0], found.start())
        if place is not None:
            yield place
    if opened is not None and opened.mark in _ONLY_OPENS:
        yield Place(opened.start, opened.broken if opened.broken >= 0 else len(text))


def _step(text: str, opened: _Open | None, mark: str, at: int) -> tuple[Place | None, _Open | None]:
    """What a mark ends, and what is open behind it."""
    if opened is None:
        return None, _Open(mark, at + 1) if _opens(text, mark, at) else None
    if mark == "\n":
        opened.broken = at if opened.broken < 0 else opened.broken
    elif _closes(text, opened, mark, at):
        opened.depth -= 1
        if opened.depth == 0:
            return _closed(text, opened, at), None
    elif _opens(text, mark, at) and _gives_way(text, opened, mark, at):
        again = mark == opened.mark and _begins_line(text, at)
        return _ended(opened, again=again), _Open(mark, at + 1)
    elif mark == opened.mark and mark in _NESTS:
        opened.depth += 1
    return None, opened


def _gives_way(text: str, opened: _Open, mark: str, at: int) -> bool:
    """Whether what is open was none: its paragraph ended and a line begins with a mark, or it looks the same on both
    sides; or it was an apostrophe, and a real mark comes."""
    if opened.mark == "'" and mark not in _LIGHT:
        return True
    return opened.broken >= 0 and (_begins_line(text, at) or opened.mark in _CLOSES[opened.mark])


def _opens(text: str, mark: str, at: int) -> bool:
    if mark not in _CLOSES:
        return False
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if mark in _ONLY_OPENS:
        return bool(after)
    if not after or (after.isspace() and mark not in "»"):
        return False
    return not (before.isalnum() or (before in ".,!?…" and before))


def _closes(text: str, opened: _Open, mark: str, at: int) -> bool:
    if mark not in _CLOSES[opened.mark]:
        return mark == "’" == text[at + 1 : at + 2] and opened.mark in _NESTS  # two single marks for a double one
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if mark in _LIGHT:
        return not after.isalnum() and not before.isspace()
    if mark in {'"', opened.mark}:
        return not (after.isalnum() and (before.isspace() or not before.isalnum()))
    return True


def _closed(text: str, opened: _Open, end: int) -> Place | None:
    """A light mark does not close beyond its paragraph, nor does one that looks the same on both sides."""
    if opened.broken >= 0 and (opened.mark in _LIGHT or opened.mark in _CLOSES[opened.mark]):
        return None
    return _trimmed(text, opened.start, end)


def _ended(opened: _Open, *, again: bool) -> Place | None:
    """A quotation whose paragraph ended before it did."""
    ends = opened.broken > opened.start and (again or opened.mark in _ONLY_OPENS)
    return Place(opened.start, opened.broken) if ends else None


def _begins_line(text: str, at: int) -> bool:
    return text[:at].endswith("\n") if at < 2 else text[at - 1] == "\n"


def _trimmed(text: str, start: int, end: int) -> Place:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Place(start, end)
