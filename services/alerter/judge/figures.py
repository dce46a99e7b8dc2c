"""Figures: the numbers of a text that may be news. Routine is left out: years, dates, times, ordinals, small counts,
shares in percent, and numbers that are part of a name (S-300, 1244/99)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shared.text.fold import fold_word
from shared.text.languages import Language

FIGURE = "number:"
SMALLEST = 20
"""Smaller numbers count hours, days, people in a room."""
FIRST_YEAR, LAST_YEAR = 1100, 2100
_NUMBER = re.compile(r"(?<![\w.,:/\-–])(\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+|\d{2,9})(?![\w/:\-–%]|[.,]\d)")
_AFTER = re.compile(r"\.?\s*([^\W\d_]+|%|‰)")
_SEPARATORS = re.compile(r"[.,\u00a0\u202f ]")
_PERCENT = ("odsto", "posto", "procen", "percent", "perqind", "pqind", "otsto", "odstot", "prozent", "procent")


def figures(text: str, start: int, end: int, known: Language | None) -> Iterator[tuple[int, int, str]]:
    """Start, end and value of every number between two places of a text that is not of routine."""
    for found in _NUMBER.finditer(text, start, end):
        value = _SEPARATORS.sub("", found[1]).lstrip("0")
        if value and int(value) >= SMALLEST and not _is_routine(text, found, value, known):
            yield found.start(), found.end(), value


def _is_routine(text: str, found: re.Match[str], value: str, known: Language | None) -> bool:
    if found[1].isdigit() and FIRST_YEAR <= int(value) <= LAST_YEAR:
        return True
    after = _AFTER.match(text, found.end())
    if after is None:
        return text[found.end() : found.end() + 1] == "."  # 25.3.
    word = fold_word(after[1])
    if after[1] in "%‰" or word.startswith(_PERCENT):
        return True
    return known is not None and word in known.months
