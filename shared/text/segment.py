"""Where paragraphs, sentences and tokens begin and end, in code points of the original text.

Rules, not a model: a sentence ends at `.`, `!`, `?` or `…` (and closing marks) before a blank and something that can
begin a sentence. Abbreviations, initials and ordinals (`18. marta`, `gen. Đurić`, `A. Vučić`) do not end one; which
words are abbreviations is data of the language.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

import msgspec

from shared.text.fold import fold_word
from shared.text.languages import Language

_END = re.compile(r"(?<![.!?…])[.!?…]++[\"'“”„»«’‘)\]]*+(?=\s)")
"""Nothing is tried twice, so that a line of dots costs its length and not its square."""
_LINE = re.compile(r"[^\n]+")
_WORD = re.compile(r"[^\W_]+")
_BEFORE = re.compile(r"[^\W_]+(?:[.-][^\W_]+)*$")
_AFTER = re.compile(r"[\s\"'“”„»«’‘(\[–—-]*")
_LONGEST_ORDINAL = 2


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a text: original start and end."""

    start: int
    end: int


def paragraphs(text: str) -> list[Piece]:
    """The lines of `text` that hold anything, without the blanks around them."""
    return [piece for piece in (_trim(text, line.start(), line.end()) for line in _LINE.finditer(text)) if piece]


def sentences(text: str, language: Language | None = None) -> list[Piece]:
    """The sentences of `text`; none crosses a paragraph. Without a language only the general rules hold."""
    found: list[Piece] = []
    for paragraph in paragraphs(text):
        start = paragraph.start
        for end in _END.finditer(text, paragraph.start, paragraph.end):
            if _ends_here(text, end, language):
                found.append(Piece(start, end.end()))
                start = _skip(text, end.end(), paragraph.end)
        if start < paragraph.end:
            found.append(Piece(start, paragraph.end))
    return found


def tokens(text: str) -> list[Piece]:
    """The words and numbers of `text`: runs of letters and digits, as in `Folded.token_starts`."""
    return [Piece(word.start(), word.end()) for word in _WORD.finditer(text)]


def holder(pieces: Sequence[Piece], position: int) -> int:
    """The index of the piece that holds `position`, or of the last one before it; -1 before the first."""
    return bisect_right(pieces, position, key=lambda piece: piece.start) - 1


def _ends_here(text: str, end: re.Match[str], language: Language | None) -> bool:
    following = _AFTER.match(text, end.end())
    after = text[following.end() : following.end() + 1] if following else ""
    if after and not (after.isupper() or after.isdigit()):
        return not after.isalpha()
    if end[0][0] != "." or len(end[0].rstrip("\"'“”„»«’‘)]")) > 1:
        return True
    before = _BEFORE.search(text, max(0, end.start() - 24), end.start())
    return before is None or not _is_short(before[0], language)


def _is_short(written: str, language: Language | None) -> bool:
    if language is not None and fold_word(written) in language.abbreviations:
        return True
    word = written.rpartition("-")[2]
    if word.isdigit():
        return len(word) <= _LONGEST_ORDINAL and language is not None and language.ordinal_dot
    if len(word) == 1 and word.isupper():
        return True
    return language is not None and fold_word(word) in language.abbreviations


def _trim(text: str, start: int, end: int) -> Piece | None:
    start = _skip(text, start, end)
    while end > start and text[end - 1].isspace():
        end -= 1
    return Piece(start, end) if end > start else None


def _skip(text: str, start: int, end: int) -> int:
    while start < end and text[start].isspace():
        start += 1
    return start
