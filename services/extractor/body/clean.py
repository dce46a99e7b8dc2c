"""Tidying of a found text: one form of characters, blanks and paragraphs; no repeated headline, no first line that is
furniture."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 100_000
"""Characters kept: twice the longest article of 181; more is a list or an archive on one page."""
MOST_MARKS = 16
"""Combining marks kept in a row; composing characters takes time that grows with the square of them."""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_MARK = "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARKS = re.compile(rf"([{_MARK}]{{{MOST_MARKS}}})[{_MARK}]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BLANKS = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """Composed, without invisible characters; one blank between words, one newline between paragraphs."""
    composed = unicodedata.normalize("NFC", few_marks(text[: 4 * LONGEST]))
    visible = _CONTROL.sub(" ", composed.translate(_INVISIBLE))
    lines = (_BLANKS.sub(" ", line).strip() for line in visible[:LONGEST].split("\n"))
    return "\n".join(line for line in lines if line)


def few_marks(text: str) -> str:
    """`text` with at most 16 combining marks in a row."""
    return _MARKS.sub(r"\1", text)


def without_title(text: str, title: str) -> str:
    """`text` without a first line that only repeats the title."""
    first, _, rest = text.partition("\n")
    return rest if rest and title and _bare(first) == _bare(title) else text


def _bare(line: str) -> str:
    return "".join(one for one in line.casefold() if one.isalnum())
