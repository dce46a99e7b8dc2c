"""Names in a text that are no entities of the list: candidates for it.

A name is two to four words in a row that begin with a capital, none of them at the start of a sentence unless it is
written with a capital elsewhere too. Stop words are taken off its ends, and two of the rest are no common ones.
Different cases of a name have one key: the folded words without the endings that names take.

Left out on purpose: titles of articles, where English capitalises everything, German, which does so with nouns, and
names of one word, most of which are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import msgspec

from shared.text.fold import fold_word
from shared.text.inflect import inflections
from shared.text.languages import Language, language
from shared.text.segment import Piece, sentences

MOST = 12
"""Names kept of an article."""
READ = 30_000
"""Characters in which they are looked for."""
SHORTEST, LONGEST = 2, 4
"""Words of a name."""
CAPITAL_NOUNS = frozenset({"de"})
_CAPITALS = "".join(letter for letter in map(chr, range(0x530)) if letter.isupper())
"""Of the Latin, Greek and Cyrillic letters."""
_CAPITALISED = rf"[{_CAPITALS}][^\W\d_]+(?:[-'’][^\W\d_]+)*"
_RUN = re.compile(rf"(?<![\w'’-]){_CAPITALISED}(?: {_CAPITALISED})*")
_WORD = re.compile(_CAPITALISED)
_LETTER = re.compile(r"[^\W\d_]")
_PERSON = ("person_c", "person_a", "person_o", "person_i", "person_e")
_LONGEST_ENDING = 6
_STEM = 3
"""Letters that a word keeps when an ending is taken off."""


class Unknown(msgspec.Struct, frozen=True, array_like=True):
    """A name: its key, and as it was written the first time."""

    key: str
    surface: str


def unknown_names(text: str, code: str, taken: Iterable[tuple[int, int]]) -> tuple[Unknown, ...]:
    """The unknown names of a text in order, each once. `code` is the macro language, `taken` the stretches that are
    something known."""
    spoken = language(code)
    if spoken is None or not spoken.stop_words or code in CAPITAL_NOUNS:
        return ()
    text = text[:READ]
    covered = sorted(taken)
    names: dict[str, Unknown] = {}
    for run in _runs(text, spoken):
        kept = _trimmed(text, run, spoken)
        if SHORTEST <= len(kept) <= LONGEST and not _overlaps(kept, covered) and _uncommon(text, kept, spoken):
            name = Unknown(_key(text, kept, code), text[kept[0].start : kept[-1].end])
            names.setdefault(name.key, name)
    return tuple(names.values())[:MOST]


def _runs(text: str, spoken: Language) -> list[list[Piece]]:
    """Words with capitals that follow one another, without openers of sentences that have theirs for that reason alone,
    as far as the text shows, and without acronyms."""
    found = [_words(text, run.start(), run.end()) for run in _RUN.finditer(text)]
    starts = (
        {_first_letter(text, one) for one in sentences(text, spoken)} if any(len(run) > 1 for run in found) else set()
    )
    inside = {fold_word(text[one.start : one.end]) for run in found for one in run if one.start not in starts}
    return [part for run in found for part in _parts(text, run, starts, inside)]


def _words(text: str, start: int, end: int) -> list[Piece]:
    return [Piece(word.start(), word.end()) for word in _WORD.finditer(text, start, end)]


def _first_letter(text: str, sentence: Piece) -> int:
    found = _LETTER.search(text, sentence.start, sentence.end)
    return found.start() if found else sentence.start


def _parts(text: str, run: list[Piece], starts: set[int], inside: set[str]) -> Iterator[list[Piece]]:
    """A run, cut where a sentence begins and where an acronym stands."""
    part: list[Piece] = []
    for one in run:
        written = text[one.start : one.end]
        begins = one.start in starts
        if begins or written.isupper():
            yield part
            part = []
        if not written.isupper() and (not begins or fold_word(written) in inside):
            part.append(one)
    yield part


def _trimmed(text: str, run: list[Piece], spoken: Language) -> list[Piece]:
    """Without stop words and months at its ends."""
    start, end = 0, len(run)
    while start < end and _stops(text, run[start], spoken):
        start += 1
    while start < end and _stops(text, run[end - 1], spoken):
        end -= 1
    return run[start:end]


def _stops(text: str, word: Piece, spoken: Language) -> bool:
    folded = fold_word(text[word.start : word.end])
    return folded in spoken.stop_words or folded in spoken.months


def _uncommon(text: str, run: Sequence[Piece], spoken: Language) -> bool:
    """Whether enough of the words are no common ones: a title before a surname makes no name of two words."""
    return sum(fold_word(text[one.start : one.end]) not in spoken.background for one in run) >= SHORTEST


def _overlaps(run: Sequence[Piece], covered: Sequence[tuple[int, int]]) -> bool:
    return any(start < run[-1].end and run[0].start < end for start, end in covered)


def _key(text: str, run: Sequence[Piece], code: str) -> str:
    return " ".join(stem(text[one.start : one.end], code) for one in run)


def stem(word: str, code: str) -> str:
    """A folded word without the longest ending that a person's name may have in a language."""
    folded = fold_word(word)
    longest = min(_LONGEST_ENDING, len(folded) - _STEM)
    cuts = (folded[:-size] for size in range(longest, 0, -1) if folded[-size:] in _endings(code))
    return next(cuts, folded)


@cache
def _endings(code: str) -> frozenset[str]:
    return frozenset(ending for kind in _PERSON for ending in inflections().endings(kind, code))
