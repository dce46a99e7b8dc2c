"""A field of an article as its quotations are looked for in it: words, sentences, and which words introduce speech."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import msgspec

from shared.text.fold import fold_word
from shared.text.languages import Language, language
from shared.text.languages.quoting import Quoting
from shared.text.segment import Piece, sentences

READ = 40_000
"""Characters of a field that are read: more than entities are looked for in; a book costs what a long article does."""
NOT_SAID = frozenset({"demand", "mobilise", "protest"})
"""Acts whose clause says what is wanted rather than what is said."""
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of a field."""

    start: int
    end: int


class Word(msgspec.Struct, frozen=True, gc=False):
    """A word: where it stands, folded, whether with a capital, and the act it tells of when it is a reporting verb."""

    start: int
    end: int
    folded: str
    capital: bool
    act: str


class View:
    """A field, read. Positions are code points of the field; whatever is costly is made when first asked for."""

    def __init__(self, name: str, text: str, spoken: Language | None) -> None:
        self.name = name
        self.text = text[:READ]
        self.spoken = spoken
        self.code = spoken.code if spoken is not None else ""
        self.quoting = spoken.quoting if spoken is not None else _NO_QUOTING

    @cached_property
    def words(self) -> list[Word]:
        """All words in order."""
        code = self.code
        words = [Word(one.start(), one.end(), *_known(one[0], code)) for one in _WORD.finditer(self.text)]
        compound = (at for at, one in enumerate(words) if one.act and self.text[one.start - 1 : one.start] == "-")
        for at in compound:
            words[at] = msgspec.structs.replace(words[at], act="")  # self-assured
        nouns = self.quoting.nouns
        for at in [at for at, one in enumerate(words) if one.act and one.folded in nouns]:
            words[at] = self._as_noun(words, at)
        return words

    def _as_noun(self, words: list[Word], at: int) -> Word:
        """A word that is a verb right behind its subject only: Serbia claims, but other claims."""
        before = words[at - 1] if at else None
        known = before is not None and (before.capital or before.folded in self.quoting.pronouns)
        return words[at] if known else msgspec.structs.replace(words[at], act="")

    @cached_property
    def is_headline_case(self) -> bool:
        """Whether most words have a capital: then capitals say nothing."""
        return len(self.words) > 3 and sum(one.capital for one in self.words) * 2 > len(self.words)

    @cached_property
    def _starts(self) -> list[int]:
        return [one.start for one in self.words]

    @cached_property
    def sentences(self) -> list[Piece]:
        """All sentences in order."""
        return sentences(self.text, self.spoken)

    @cached_property
    def sources(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """Phrases that name a source (according to), by their first word."""
        return by_first_word(_split(self.spoken.according) if self.spoken is not None else ())

    @cached_property
    def theirs(self) -> dict[str, tuple[tuple[str, ...], ...]]:
        """The same with a pronoun in them (according to him)."""
        return by_first_word(self.quoting.according_them)

    @cached_property
    def sourcing(self) -> list[int]:
        """The words that may begin such a phrase, in order."""
        return [at for at, one in enumerate(self.words) if one.folded in self.sources or one.folded in self.theirs]

    def within(self, start: int, end: int) -> range:
        """The numbers of the words that begin in a stretch."""
        return range(bisect_left(self._starts, start), bisect_left(self._starts, end))

    def word_before(self, start: int) -> Word | None:
        """The word before a position."""
        at = bisect_left(self._starts, start) - 1
        return self.words[at] if at >= 0 else None

    def sentence_at(self, position: int) -> int:
        """The number of the sentence that holds a position, or the last one before it; -1 before the first."""
        return bisect_right(self.sentences, position, key=lambda one: one.start) - 1

    def is_joined(self, start: int, end: int, most: int = 2) -> bool:
        """Whether two positions are so near that nothing but a blank or a comma parts them."""
        return 0 <= end - start <= most and not self.text[start:end].strip(" ,\u00a0")

    def is_beside_verb(self, start: int, end: int) -> bool:
        """Whether a verb of saying stands within two words of a stretch, in its sentence."""
        inside, sentence = self.within(start, end), self.sentence_at(start)
        around = (*self.words[max(0, inside[0] - 2) : inside[0]], *self.words[inside[-1] + 1 : inside[-1] + 3])
        return any(one.act and self.sentence_at(one.start) == sentence for one in around)

    def phrase_at(self, at: int, phrases: Mapping[str, tuple[tuple[str, ...], ...]]) -> int:
        """Where the longest of some phrases that begins at a word ends, or the word where none does."""
        for words in phrases.get(self.words[at].folded, ()):
            if tuple(one.folded for one in self.words[at : at + len(words)]) == words:
                return at + len(words)
        return at

    def count(self, place: Place) -> int:
        """How many words begin in a stretch."""
        return len(self.within(place.start, place.end))


_NO_QUOTING = Quoting()
NOUNS_CAPITAL = frozenset({"de"})
"""Languages that write every noun with a capital, and so no verb within a sentence."""


@lru_cache(maxsize=65_536)
def _known(surface: str, code: str) -> tuple[str, bool, str]:
    """A word of a language folded, whether it has a capital, and the act that it tells of."""
    folded, capital = fold_word(surface), surface[0].isupper()
    return folded, capital, "" if capital and code in NOUNS_CAPITAL else verb(folded, code)


@lru_cache(maxsize=65_536)
def verb(folded: str, code: str) -> str:
    """The act that a word of a language tells of as a reporting verb, "" when it is none."""
    stems, shortest, longest = _stems(code)
    for length in range(min(longest, len(folded)), shortest - 1, -1):
        if act := stems.get(folded[:length]):
            return act
    return ""


@lru_cache(maxsize=64)
def _stems(code: str) -> tuple[dict[str, str], int, int]:
    spoken = language(code)
    if spoken is None:
        return {}, 1, 0
    stems = dict.fromkeys(spoken.quoting.verbs, "say") | {one.stem: one.act for one in spoken.verbs}
    return stems, min(map(len, stems)), max(map(len, stems))


@lru_cache(maxsize=64)
def _split(phrases: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(phrase.replace("'", " ").split()) for phrase in phrases)


@lru_cache(maxsize=256)
def by_first_word(phrases: tuple[tuple[str, ...], ...]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Phrases by their first word, the longest first."""
    found: dict[str, list[tuple[str, ...]]] = {}
    for one in sorted(phrases, key=len, reverse=True):
        found.setdefault(one[0], []).append(one)
    return {first: tuple(rest) for first, rest in found.items()}


def starts_with(folded: str, stems: Sequence[str]) -> bool:
    """Whether a word begins with one of some stems."""
    return folded.startswith(tuple(stems))
