"""What a person may write as a term, and what it means to the automaton.

===================  =====================================================================================
`savez~`             a stem with the endings its look suggests (`vojničk~` as an adjective, `NATO~` an acronym)
`Hrvatska~place_a`   a dictionary form or a stem with the endings of a named class
`provokacij*`        an open prefix: any ending of at most `LONGEST_TAIL` letters
`memorandum`         the word itself in any case, script and diacritics
`trojni pakt~`       words one after the other, each of one of these kinds
`= NATO`             exactly these characters, capitals and diacritics included
===================  =====================================================================================

Terms are folded, so one spelling in one script stands for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from shared.text.fold import Folded
from shared.text.inflect import Inflections, guess, inflections

LONGEST_TAIL = 8
"""Letters that may follow an open prefix: `-ovićevima` fits, another compound hardly ever does."""
FLEETING = "rclk"
"""The consonants before which a Slavic name drops its last a: Petar, Petra; Slovenac, Slovenca."""


class Kind(StrEnum):
    """What may follow the stem."""

    BARE = "bare"
    INFLECTED = "inflected"
    PREFIX = "prefix"


class BadTerm(ValueError):
    """A term that cannot mean anything; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Part:
    """One word of a term: folded stem, what may follow, and the class of endings."""

    stem: str
    kind: Kind = Kind.BARE
    endings: str = ""


@dataclass(frozen=True, slots=True)
class Term:
    """A term as written and its words; `exact` is the surface that alone counts, if the term asks for that."""

    written: str
    parts: tuple[Part, ...]
    exact: str = ""

    @property
    def anchor(self) -> int:
        """The part to search for: the longest stem, being the rarest."""
        return max(range(len(self.parts)), key=lambda at: (len(self.parts[at].stem), -at))


def parse(written: str, table: Inflections | None = None) -> Term:
    """The term of `written`. Raises BadTerm."""
    text = written.strip()
    if text.startswith("="):
        surface = text[1:].strip()
        return Term(written, tuple(Part(word) for word in _split(surface, written)), exact=surface)
    words = text.split()
    if not words:
        raise BadTerm("an empty term: write a word, such as savez~")
    return Term(written, tuple(part for word in words for part in _parts(word, table or inflections())))


def inflected(text: str, kind: str, table: Inflections | None = None) -> Term:
    """The term of a name in its dictionary form whose last word has this class and whose other words are plain."""
    *first, last = text.split()
    return parse(" ".join([*first, f"{last}~{kind}" if kind != "inv" else last]), table)


def _parts(word: str, table: Inflections) -> list[Part]:
    if word.endswith("*"):
        return _prefix(word)
    stem, mark, kind = word.partition("~")
    if "*" in word or "~" in kind:
        raise BadTerm(f"{word!r}: write ~ or * once, at the end of a word")
    if not mark:
        return [Part(part) for part in _split(stem, word)]
    *first, last = _split(stem, word)
    kind = kind or guess(last, stem)
    if kind not in table.kinds():
        raise BadTerm(f"{word!r}: no class of endings {kind!r}; write one of {', '.join(sorted(table.kinds()))}")
    return [*(Part(part) for part in first), Part(table.stem(last, kind), Kind.INFLECTED, kind)]


def _prefix(word: str) -> list[Part]:
    *first, last = _split(word[:-1], word)
    if "*" in word[:-1] or "~" in word:
        raise BadTerm(f"{word!r}: write * once, at the end of a word")
    if len(last) < 3:
        raise BadTerm(f"{word!r}: an open prefix needs at least 3 letters")
    return [*(Part(part) for part in first), Part(last, Kind.PREFIX)]


def _split(text: str, written: str) -> list[str]:
    words = Folded(text).words.split()
    if not words:
        raise BadTerm(f"{written!r} holds no letter or digit")
    return words


def fleeting(stem: str) -> str:
    """The stem without its fleeting a (`petar` to `petr`), or "" where there is none."""
    if len(stem) > 3 and stem[-1] in FLEETING and stem[-2] == "a" and stem[-3] not in "aeiou":
        return stem[:-2] + stem[-1]
    return ""


def softened(stem: str) -> str:
    """The stem as written before an i where й or ј is swallowed (deklaracij-a, deklaraci-i), or ""."""
    return stem[:-1] if stem.endswith("ij") else ""


@lru_cache(maxsize=262_144)
def spellings(part: Part) -> tuple[tuple[str, bool], ...]:
    """How the stem of a part is spelled: itself, and where a vowel or j drops out; the flag asks for an ending that
    begins with i."""
    found = [(part.stem, False)]
    if part.kind is Kind.INFLECTED:
        found += [(stem, True) for stem in (softened(part.stem),) if stem]
        found += [(stem, False) for stem in (fleeting(part.stem),) if stem]
    return tuple(found)
