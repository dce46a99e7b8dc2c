"""The script of a text, by the blocks of Unicode that its letters are in (ISO 15924 codes)."""

from __future__ import annotations

from collections import Counter

UNKNOWN = "Zyyy"
_BLOCKS = (
    (0x0000, 0x0250, "Latn"), (0x1E00, 0x1F00, "Latn"), (0x0400, 0x0530, "Cyrl"), (0x0370, 0x0400, "Grek"),
    (0x1F00, 0x2000, "Grek"), (0x0600, 0x0780, "Arab"), (0x0590, 0x0600, "Hebr"),
)  # fmt: skip


def script_of(text: str) -> str:
    """The script of most letters; "" without letters."""
    counts: Counter[str] = Counter()
    for letter, count in Counter(text).items():  # a text has a few dozen different ones
        if letter.isalpha():
            counts[_block(letter)] += count
    return counts.most_common(1)[0][0] if counts else ""


def _block(letter: str) -> str:
    point = ord(letter)
    return next((script for start, end, script in _BLOCKS if start <= point < end), UNKNOWN)
