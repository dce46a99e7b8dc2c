"""One automaton for all terms: find every word of every term in a text, in any script, case and form.

Aho-Corasick over the folded text finds the stems (140 MB/s at 10,000 of them); for each one the rest of the token is
looked up in the endings of the language, and the other words of a phrase are compared to its left and right. Cost
grows with what was found, hardly with how many terms there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from shared.text.fold import Folded
from shared.text.inflect import Form, Inflections, inflections
from shared.text.terms import LONGEST_TAIL, Kind, Part, Term, parse, spellings

K = TypeVar("K", bound=Hashable)
_Scanned = tuple[int, int, int, Form]
_BARE = Form("", "exact", "", subject=True)
_NO_ENDING = {"": _BARE}
_GAP = frozenset(" -'\"")
"""What may stand between two words of a phrase: never a comma or the end of a sentence."""
SMALL = 5_000
"""Patterns up to which a DFA is worth its memory: a fifth faster with 600, a fourteenth with 70,000 (measured)."""
_LONGEST_GAP = 3
_JOINING = frozenset("-'")
"""Marks between a name and its ending."""


@dataclass(frozen=True)
class Hit(Generic[K]):
    """A term found. `start` and `end` are folded positions; everything about the original is worked out when asked."""

    key: K
    term: str
    start: int
    end: int
    form: Form
    within: Folded

    @cached_property
    def span(self) -> tuple[int, int]:
        """Start and end in the original text."""
        return self.within.span(self.start, self.end)

    @property
    def surface(self) -> str:
        """The characters of the original."""
        start, end = self.span
        return self.within.original[start:end]

    @property
    def token(self) -> int:
        """The number of the first token."""
        return self.within.token_at(self.start)

    @property
    def subject(self) -> bool:
        """Whether the form can be a grammatical subject."""
        return self.form.subject


@dataclass(frozen=True, slots=True)
class _Entry:
    """What to check where a stem was found: the part, its term, the keys it stands for."""

    number: int
    term: Term
    at: int
    part: Part
    only_i: bool = False


_Entries = tuple[tuple[tuple[int, str], ...], tuple[_Entry, ...]]
"""Of a stem: terms decided by the ending alone (number, class of endings), and those that need more."""


class Lexicon(Generic[K]):
    """A compiled set of terms. Build once, find many times; swap it whole when terms change."""

    def __init__(self, terms: dict[Term, list[K]], table: Inflections, before: Lexicon[K] | None = None) -> None:
        self._table = table
        old = (before._terms, before._keys, before._stems) if before is not None else ([], [], {})
        self._terms: list[Term] = [*old[0], *terms]
        self._keys: list[tuple[K, ...]] = [*old[1], *(tuple(dict.fromkeys(keys)) for keys in terms.values())]
        self._stems: dict[str, _Entries] = {**old[2], **_merged(old[2], _by_stem(terms, len(old[0])))}
        self._lengths = [len(stem) for stem in self._stems]
        self._plain = [plain for plain, _ in self._stems.values()]
        self._other = [other for _, other in self._stems.values()]
        self._kinds: dict[str, dict[str, Mapping[str, Form]]] = {}
        patterns = [" " + stem for stem in self._stems]
        self._automaton = (
            AhoCorasick(patterns, matchkind=MatchKind.Standard, store_patterns=False) if patterns else None
        )

    @classmethod
    def build(cls, terms: Iterable[tuple[K, str | Term]], table: Inflections | None = None) -> Lexicon[K]:
        """Compile (key, term) pairs; equal terms share their work. Raises BadTerm."""
        chosen = table or inflections()
        grouped: dict[Term, list[K]] = {}
        for key, written in terms:
            term = written if isinstance(written, Term) else parse(written, chosen)
            grouped.setdefault(term, []).append(key)
        return cls(grouped, chosen)

    def grown(self, terms: Iterable[tuple[K, Term]]) -> Lexicon[K]:
        """This lexicon and more terms, none of them in it already: the automaton is made anew, all else is shared."""
        return Lexicon({term: [key] for key, term in terms}, self._table, self)

    def __len__(self) -> int:
        return len(self._terms)

    def find(self, folded: Folded, language: str = "") -> list[Hit[K]]:
        """Every term in the text, in order of where it starts; overlapping ones too. `language` is a macro code."""
        return [
            Hit(key, self._terms[number].written, start, end, form, folded)
            for number, start, end, form in sorted(self.scan(folded, language), key=lambda found: found[1:3])
            for key in self._keys[number]
        ]

    def keys(self, number: int) -> tuple[K, ...]:
        """The keys of the term with this number."""
        return self._keys[number]

    def scan(self, folded: Folded, language: str = "") -> list[tuple[int, int, int, Form]]:
        """The same without objects, unordered: number of the term, folded start and end, form.

        Most stems found are decided by the rest of the token alone, so that much is done here in one place.
        """
        if self._automaton is None:
            return []
        reading = _Reading(folded, folded.words, folded.text, language)
        words, text, kinds, found = reading.words, reading.text, self._kinds_in(language), list[_Scanned]()
        lengths, plain, other, size = self._lengths, self._plain, self._other, len(words)
        joined: dict[tuple[int, int], tuple[int, Form]] = {}
        for pattern, start, _ in self._automaton.find_matches_as_indexes(" " + words, overlapping=True):
            end = start + lengths[pattern]
            stop = words.find(" ", end)
            if stop < 0:
                stop = size
            rest = words[end:stop]
            for number, kind in plain[pattern]:
                form = kinds[kind].get(rest)
                if form is not None:
                    found.append((number, start, stop, form))
            if stop < size and text[stop] in _JOINING and plain[pattern]:
                joined |= self._joined(reading, pattern, start, end)
            for entry in other[pattern]:
                checked = self._check(entry, reading, start, end)
                if checked is not None:
                    found.append(checked)
        return _with_joined(found, joined) if joined else found

    def _joined(self, reading: _Reading, pattern: int, start: int, end: int) -> dict[tuple[int, int], tuple[int, Form]]:
        """Terms whose ending is joined by a mark (NATO-u, Ankara'nın): number and start to end and form."""
        stop = reading.joined_end(end)
        kinds, ending = self._kinds_in(reading.language), reading.text[end:stop]
        return {
            (number, start): (stop, form) for number, kind in self._plain[pattern] if (form := kinds[kind].get(ending))
        }

    def _kinds_in(self, language: str) -> dict[str, Mapping[str, Form]]:
        """The endings of a language by class; those of bare words, which have no class, are none at all."""
        known = self._kinds.get(language)
        if known is None:
            kinds = {kind for row in self._plain for _, kind in row}
            known = {kind: self._table.endings(kind, language) if kind else _NO_ENDING for kind in kinds}
            self._kinds[language] = known
        return known

    def _check(self, entry: _Entry, reading: _Reading, start: int, end: int) -> tuple[int, int, int, Form] | None:
        done = self._ending(entry.part, reading, end, only_i=entry.only_i)
        if done is None:
            return None
        end, form = done
        if len(entry.term.parts) > 1:
            around = self._phrase(entry, reading, (start, end), form)
            if around is None:
                return None
            start, end, form = around
        if entry.term.exact and reading.surface(start, end) != entry.term.exact:
            return None
        return entry.number, start, end, form

    def _ending(self, part: Part, reading: _Reading, end: int, *, only_i: bool = False) -> tuple[int, Form] | None:
        """Where the token ends and how, if what follows the stem at `end` is allowed."""
        stop = reading.token_end(end)
        if part.kind is Kind.BARE:
            return (stop, _BARE) if stop == end else None
        rest = reading.words[end:stop]
        if part.kind is Kind.PREFIX:
            return (stop, Form(rest, "prefix", "", subject=True)) if len(rest) <= LONGEST_TAIL else None
        endings = self._table.endings(part.endings, reading.language)
        if reading.text[stop : stop + 1] in _JOINING:
            joined = reading.joined_end(end)
            form = endings.get(reading.text[end:joined])
            if form is not None:
                return joined, form
        form = endings.get(rest)
        return None if form is None or (only_i and not rest.startswith("i")) else (stop, form)

    def _phrase(
        self, entry: _Entry, reading: _Reading, place: tuple[int, int], form: Form
    ) -> tuple[int, int, Form] | None:
        start, end = place
        for part in entry.term.parts[entry.at + 1 :]:
            done = self._word(part, reading, reading.next_token(end))
            if done is None:
                return None
            end, form = done[0], _telling(form, done[1])
        for part in reversed(entry.term.parts[: entry.at]):
            begin = reading.token_before(start)
            done = self._word(part, reading, begin)
            if done is None:
                return None
            start, form = begin, _telling(done[1], form)
        return start, end, form

    def _word(self, part: Part, reading: _Reading, begin: int) -> tuple[int, Form] | None:
        for stem, only_i in spellings(part) if begin >= 0 else ():
            if reading.words.startswith(stem, begin):
                done = self._ending(part, reading, begin + len(stem), only_i=only_i)
                if done is not None:
                    return done
        return None


@dataclass(frozen=True, slots=True)
class _Reading:
    """The text being searched, with what every check needs at hand."""

    folded: Folded
    words: str
    text: str
    language: str

    def surface(self, start: int, end: int) -> str:
        """The original characters between two folded positions."""
        left, right = self.folded.span(start, end)
        return self.folded.original[left:right]

    def token_end(self, start: int) -> int:
        """Where the token that goes on at `start` ends."""
        stop = self.words.find(" ", start)
        return len(self.words) if stop < 0 else stop

    def joined_end(self, start: int) -> int:
        """Where an ending that begins at `start` and goes on after a joining mark ends."""
        return self.token_end(self.token_end(start) + 1)

    def next_token(self, end: int) -> int:
        """Where the token after `end` begins, or -1 when more than a gap of a phrase is between."""
        begin, words = end, self.words
        while begin < len(words) and begin - end <= _LONGEST_GAP and words[begin] == " ":
            if self.text[begin] not in _GAP:
                return -1
            begin += 1
        return begin if end < begin < len(words) and words[begin] != " " else -1

    def token_before(self, start: int) -> int:
        """Where the token before `start` begins, or -1 likewise."""
        stop, words = start, self.words
        while stop > 0 and start - stop <= _LONGEST_GAP and words[stop - 1] == " ":
            if self.text[stop - 1] not in _GAP:
                return -1
            stop -= 1
        return words.rfind(" ", 0, stop) + 1 if 0 < stop < start and words[stop - 1] != " " else -1


def _with_joined(found: list[_Scanned], joined: dict[tuple[int, int], tuple[int, Form]]) -> list[_Scanned]:
    """What was found, with a joined ending in the place of the same term without it."""
    kept = [one for one in found if one[:2] not in joined]
    return [*kept, *((number, start, stop, form) for (number, start), (stop, form) in joined.items())]


def _telling(left: Form, right: Form) -> Form:
    """The form that tells the case of a phrase: an oblique one, else the last that is inflected."""
    if not left.subject:
        return left
    return right if not right.subject or right is not _BARE else left


def _automaton(patterns: list[str]) -> AhoCorasick | None:
    chosen = Implementation.DFA if len(patterns) <= SMALL else None
    return (
        AhoCorasick(patterns, matchkind=MatchKind.Standard, store_patterns=False, implementation=chosen)
        if patterns else None
    )  # fmt: skip


def _by_stem(terms: Iterable[Term], first: int) -> dict[str, _Entries]:
    """What to check at each spelling of each stem; the terms are numbered from `first`."""
    plain: dict[str, list[tuple[int, str]]] = {}
    other: dict[str, list[_Entry]] = {}
    for number, term in enumerate(terms, first):
        part, alone = term.parts[term.anchor], _is_plain(term)
        for stem, only_i in spellings(part):
            if alone and not only_i:
                plain.setdefault(stem, []).append((number, part.endings))
            else:
                other.setdefault(stem, []).append(_Entry(number, term, term.anchor, part, only_i))
    stems = dict.fromkeys((*plain, *other))
    return {stem: (tuple(plain.get(stem, ())), tuple(other.get(stem, ()))) for stem in stems}


def _merged(old: Mapping[str, _Entries], new: dict[str, _Entries]) -> dict[str, _Entries]:
    for stem in old.keys() & new.keys():
        new[stem] = (old[stem][0] + new[stem][0], old[stem][1] + new[stem][1])
    return new


def _is_plain(term: Term) -> bool:
    """Whether the ending alone decides: one word, inflected or bare, in any capitals."""
    return len(term.parts) == 1 and not term.exact and term.parts[0].kind is not Kind.PREFIX
