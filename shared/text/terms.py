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
"""The consonants before which a Slavic or Albanian word drops its last vowel: Petar, Petra; Slovenec, Slovenca."""
_HISSING = {"k": "c", "g": "z", "h": "s"}
"""What k, g and h become before an i: odluka, odluci; dijalog, dijalozi; uspeh, uspesi."""
_HISSING_FEMININE = frozenset({"noun_a", "place_a"})
_HISSING_MASCULINE = frozenset({"noun_c", "word"})
_VOWELS = frozenset("aeiou")
_SYLLABIC = _VOWELS | {"r"}
"""What makes a syllable, so that a stem of one does not lose its only vowel (znak)."""
_PARTED = {"v": "ae", "k": "a", "lj": "a", "nj": "e"}
_PARTED_KINDS = frozenset({"noun_a", "noun_o", "noun_e", "noun_i", "word"})
_CHANGING = frozenset("cghijklrtv")
"""The last letters of stems that have another spelling, to be quick about all others."""
_SHORTEST = 3
"""Letters that another spelling of a stem must keep."""


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

    def __hash__(self) -> int:
        return hash(self.stem)  # an enumeration's hash is slow, and the stem says nearly all


@dataclass(frozen=True, slots=True)
class Term:
    """A term as written and its words; `exact` is the surface that alone counts, if the term asks for that."""

    written: str
    parts: tuple[Part, ...]
    exact: str = ""

    def __hash__(self) -> int:
        return hash(self.written)  # says nearly all there is to say, and terms are hashed by the hundred thousand

    @property
    def anchor(self) -> int:
        """The part to search for: the longest stem, being the rarest."""
        if len(self.parts) == 1:
            return 0
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
    if kind not in table.kinds:
        raise BadTerm(f"{word!r}: no class of endings {kind!r}; write one of {', '.join(sorted(table.kinds))}")
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
    """The stem without its fleeting vowel (`petar` to `petr`, `bruselj` to `bruslj`), or "" where there is none."""
    end = len(stem) - (2 if stem.endswith("lj") else 1)
    if end > 2 and stem[end] in FLEETING and stem[end - 1] in "ae" and stem[end - 2] not in _VOWELS:
        return stem[: end - 1] + stem[end:] if _SYLLABIC.intersection(stem[: end - 1]) else ""
    return ""


def softened(stem: str, kind: str = "") -> str:
    """The stem as written before an i, or "" where that changes nothing.

    й and ј are swallowed after a vowel (deklaracij-a, deklaraci-i; idej-a, ide-i); k, g and h hiss in feminines and in
    masculines of more than one syllable. Shorter ones take -ovi (znak, znakovi), and would be found in verbs (znači).
    """
    if stem[-1:] == "j" and stem[-2:-1] in _VOWELS:
        other = stem[:-1]
    elif stem[-1:] in _HISSING and _hisses(stem, kind):
        other = stem[:-1] + _HISSING[stem[-1]]
    else:
        return ""
    return other if len(other) >= _SHORTEST else ""


def _hisses(stem: str, kind: str) -> bool:
    if kind in _HISSING_FEMININE:
        return not stem.endswith("ck")  # tačka, tački
    if kind == "noun_c" and stem.endswith("rk"):
        return True  # Grk, Turk
    return kind in _HISSING_MASCULINE and sum(letter in _VOWELS for letter in stem) > 1


def jotated(stem: str) -> str:
    """The stem of an abstract noun before -u (bezbednost, bezbednošću), or "" when it is none."""
    return stem[:-1] + "c" if stem.endswith("ost") and len(stem) > 5 else ""  # not most, gost


def opened(stem: str, kind: str) -> tuple[str, ...]:
    """The stem of a noun whose last consonants are parted in the genitive plural, by a in the west and e in Slovene:
    ministarstv-o, ministarstava, ministrstev; strank-a, stranaka; zemlj-a, zemalja; grožnj-a, groženj."""
    last = stem[-2:] if stem[-1] == "j" else stem[-1]
    root = stem[: -len(last)]
    if (
        kind not in _PARTED_KINDS
        or last not in _PARTED
        or root[-1:] in _VOWELS
        or not _SYLLABIC.intersection(root[:-1])
    ):
        return ()
    return tuple(root + vowel + last for vowel in _PARTED[last])


def cut(stem: str, kind: str) -> str:
    """The stem of a town in the plural (Vinkovci, Vinkovc-e, Vinkovc-ima) without its i, or "" when it is none."""
    return stem[:-1] if kind == "place_i" and stem.endswith("ci") else ""


@lru_cache(maxsize=262_144)
def spellings(part: Part) -> tuple[tuple[str, bool], ...]:
    """How the stem of a part is spelled: itself, and where a sound changes or drops out; the flag asks for an ending
    that begins with i."""
    stem, kind = part.stem, part.endings
    if part.kind is not Kind.INFLECTED or stem[-1] not in _CHANGING:
        return ((stem, False),)
    others = (fleeting(stem), jotated(stem), cut(stem, kind), *opened(stem, kind))
    found = ((stem, False), (softened(stem, kind), True), *((other, False) for other in others))
    return tuple(spelling for spelling in found if spelling[0])
