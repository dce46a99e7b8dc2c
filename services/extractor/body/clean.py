"""Tidying of a found text: one form of characters, blanks and paragraphs; no repeated headline, no first line that is
furniture."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 200_000
"""Characters kept: ten times the longest article of 181; more is a list or an archive on one page."""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"))
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BLANKS = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """Composed, without invisible characters; one blank between words, one newline between paragraphs."""
    visible = _CONTROL.sub(" ", unicodedata.normalize("NFC", text).translate(_INVISIBLE))
    lines = (_BLANKS.sub(" ", line).strip() for line in visible[:LONGEST].split("\n"))
    return "\n".join(line for line in lines if line)


def without_title(text: str, title: str) -> str:
    """`text` without a first line that only repeats the title."""
    first, _, rest = text.partition("\n")
    return rest if rest and title and _bare(first) == _bare(title) else text


def _bare(line: str) -> str:
    return "".join(one for one in line.casefold() if one.isalnum())
