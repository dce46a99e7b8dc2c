"""Names in a text that are no entities of the list: candidates for it.

A name is two to four words in a row that begin with a capital, none of them at the start of a sentence unless it is
written with a capital elsewhere too. Words that are common in the language are taken off its ends. Different cases of a
name have one key: the folded words without the endings that names take.

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
_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
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
    words = [Piece(word.start(), word.end()) for word in _WORD.finditer(text)]
    covered = sorted(taken)
    names: dict[str, Unknown] = {}
    for run in _runs(text, words, _openers(text, words, spoken)):
        kept = _trimmed(text, run, spoken)
        if SHORTEST <= len(kept) <= LONGEST and not _overlaps(kept, covered):
            name = Unknown(_key(text, kept, code), text[kept[0].start : kept[-1].end])
            names.setdefault(name.key, name)
    return tuple(names.values())[:MOST]


def _openers(text: str, words: Sequence[Piece], spoken: Language) -> frozenset[int]:
    """Where a word opens a sentence and has its capital for that reason alone, as far as the text shows."""
    starts = {_first(text, one) for one in sentences(text, spoken)}
    inside = {fold_word(text[one.start : one.end]) for one in words
              if one.start not in starts and text[one.start].isupper()}  # fmt: skip
    return frozenset(one.start for one in words
                     if one.start in starts and fold_word(text[one.start : one.end]) not in inside)  # fmt: skip


def _first(text: str, sentence: Piece) -> int:
    """Where the first word of a sentence begins."""
    found = _WORD.search(text, sentence.start, sentence.end)
    return found.start() if found else sentence.start


def _runs(text: str, words: Sequence[Piece], openers: frozenset[int]) -> Iterator[list[Piece]]:
    """Words with capitals that follow one another with a blank between."""
    run: list[Piece] = []
    for one in words:
        follows = bool(run) and text[run[-1].end : one.start] == " "
        if not follows and run:
            yield run
            run = []
        if _capital(text, one) and one.start not in openers:
            run.append(one)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _capital(text: str, word: Piece) -> bool:
    written = text[word.start : word.end]
    return written[0].isupper() and len(written) > 1 and not written.isupper()


def _trimmed(text: str, run: list[Piece], spoken: Language) -> list[Piece]:
    """Without common words at its ends."""
    common = [_common(text[one.start : one.end], spoken) for one in run]
    start = next((at for at, known in enumerate(common) if not known), len(run))
    end = next((len(run) - at for at, known in enumerate(reversed(common)) if not known), 0)
    return run[start:end]


def _common(word: str, spoken: Language) -> bool:
    folded = fold_word(word)
    return folded in spoken.stop_words or folded in spoken.background or folded in spoken.months


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
