"""Terms: what of an article could be new, by family, with how prominently it stands: words, phrases of two and three,
names on no list, listed entities, and numbers that are not of routine (`figures`).

Left out before anything is counted: stop words, dates, concepts that are known already, reporting verbs. A phrase
stands inside one sentence, its words joined by nothing but blanks, hyphens and quotation marks, with at most one little
word between (trka u naoružanju). Phrases of three are looked for only where a text stands out: in titles, leads and
quotation marks and near the watch's concepts.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import msgspec

from services.alerter.judge import families
from services.alerter.judge.figures import FIGURE, figures
from services.alerter.judge.reading import TITLE, Reading, Sentence, Word
from shared.text.languages import Language, language

SHORTEST = 3
THING, NAME = "entity:", "name:"
THINGS = frozenset({"document", "alliance"})
"""Kinds of entities that are terms of their own weight: a paper or a pact is news in a story."""
NAMED = frozenset({"person", "org", "place", "state"})
"""Kinds of entities that are new when a watch meets them first, though being listed says little."""
ORDINARY = 3.0
"""Occurrences per million words from which a single word is ordinary: about one document in a thousand."""


class Term(msgspec.Struct, frozen=True):
    """A family in an article, at its most prominent place. `rare` are the words no background list knows,
    `sentence` is a hash of the folded sentence it stands in: 0 in a title, since outlets find the same short title by
    themselves."""

    key: str
    number: int
    words: int
    field: str
    start: int
    end: int
    form: str
    title: bool
    lead: bool
    scare: bool
    near: bool
    capital: bool
    rare: tuple[str, ...]
    parts: tuple[str, ...]
    sentence: int = 0

    @property
    def prominence(self) -> int:
        """How much the place says that the term is meant to be noticed."""
        return 4 * self.title + 3 * self.scare + 2 * self.lead + self.near


class _Content(msgspec.Struct, frozen=True, gc=False):
    word: Word
    keys: tuple[str, ...]
    rare: bool
    gap: bool


def terms(reading: Reading) -> dict[int, Term]:
    """Every family of the article by its number."""
    found: dict[int, Term] = {}
    code = reading.article.language.macro
    for sentence in reading.sentences:
        place = _place(reading, sentence)
        for one in (*_terms_of(place, sentence, code), *_things(reading, place, sentence),
                    *_figures(reading, place, sentence)):  # fmt: skip
            known = found.get(one.number)
            found[one.number] = one if known is None else _merged(known, one)
    return found


@dataclass(frozen=True, slots=True)
class _Place:
    """A sentence as its terms carry it."""

    field: str
    text: str
    title: bool
    lead: bool
    near: bool
    hash: int


def _place(reading: Reading, sentence: Sentence) -> _Place:
    title = sentence.field == TITLE
    hashed = 0 if title else zlib.crc32(" ".join([word.folded for word in sentence.words]).encode())
    return _Place(
        sentence.field, reading.field(sentence.field), title, reading.in_lead(sentence), sentence.near, hashed
    )


def _things(reading: Reading, place: _Place, sentence: Sentence) -> Iterator[Term]:
    """Entities of the list that are named: known to the list, perhaps new to the watch."""
    for one in reading.mentions_in(sentence):
        if one.kind in THINGS or one.kind in NAMED:
            key = (THING if one.kind in THINGS else NAME) + one.entity_id
            yield _listed(place, key, one.span.start, one.span.end)


def _figures(reading: Reading, place: _Place, sentence: Sentence) -> Iterator[Term]:
    """Numbers that are not of routine."""
    for start, end, value in figures(place.text, sentence.start, sentence.end, reading.language):
        yield _listed(place, FIGURE + value, start, end)


def _listed(place: _Place, key: str, start: int, end: int) -> Term:
    return Term(
        key, families.number(key), 2, place.field, start, end, place.text[start:end], place.title, place.lead,
        scare=False, near=place.near, capital=False, rare=(key,), parts=(key,), sentence=place.hash,
    )  # fmt: skip


def _merged(known: Term, other: Term) -> Term:
    best, rest = (other, known) if other.prominence > known.prominence else (known, other)
    return msgspec.structs.replace(
        best, title=best.title or rest.title, lead=best.lead or rest.lead, scare=best.scare or rest.scare,
        near=best.near or rest.near, capital=best.capital and rest.capital,
    )  # fmt: skip


def _terms_of(place: _Place, sentence: Sentence, code: str) -> Iterator[Term]:
    run: list[_Content] = []
    stands_out = place.title or place.near or place.lead
    for content in _contents(sentence, code):
        if content is None:
            run = []
            continue
        if not content.word.joined:
            run = []
        if run or len(content.keys) > 1 or _alone(content):
            yield from _ending_with(place, sentence, run[-1:], content)
        if len(run) > 1 and _is_phrase([*run, content], stands_out=stands_out):
            yield _term(place, sentence, [*run, content])
        run = [*run[-1:], content]


def _contents(sentence: Sentence, code: str) -> Iterator[_Content | None]:
    """Content words in order; None where a phrase is cut (a name, a number, a second little word)."""
    known = language(code)
    little = 0
    for word in sentence.words:
        if known is not None and word.folded in known.stop_words:
            little += 1
            if little > 1 or not word.joined:
                yield None
            continue
        keys, rare = ((), False) if word.known else _judged(word.folded, code)
        yield _Content(word, keys, rare, little > 0) if keys else None
        little = 0


def _ending_with(place: _Place, sentence: Sentence, run: Sequence[_Content], last: _Content) -> Iterator[Term]:
    if len(last.keys) > 1 or _alone(last):
        yield _term(place, sentence, [last])
    if run and _says_something([*run, last]):
        yield _term(place, sentence, [*run, last])


def _is_phrase(contents: Sequence[_Content], *, stands_out: bool) -> bool:
    """Whether three words are a term: somebody put them into quotation marks, or none is of the watch's concepts, about
    which every outlet has its own words."""
    if all(one.word.scare for one in contents):
        return True
    return stands_out and not any(one.word.hit for one in contents)


def _says_something(contents: Sequence[_Content]) -> bool:
    """A word of the watch's own concepts beside an ordinary word is no new term, and beside a new one it adds nothing
    to it."""
    others = [one for one in contents if not one.word.hit]
    return len(others) != 1 or others[0].keys[0].startswith("=")


def _alone(content: _Content) -> bool:
    """A glossary word and a word of the watch's own concepts are no new terms by themselves."""
    return not content.keys[0].startswith("=") and not content.word.hit


def _term(place: _Place, sentence: Sentence, contents: Sequence[_Content]) -> Term:
    first, last = contents[0].word, contents[-1].word
    parts = contents[0].keys if len(contents) == 1 else tuple({key: 0 for one in contents for key in one.keys})
    key, number, ordered = _family(parts)
    form = place.text[first.start : last.end]
    return Term(
        key, number, len(contents), place.field, first.start, last.end, form, place.title, place.lead,
        first.scare and all(one.word.scare for one in contents), place.near,
        first.capital and first is not sentence.words[0] and not place.title,
        tuple([one.keys[0] for one in contents if one.rare]), ordered, place.hash,
    )  # fmt: skip


@lru_cache(maxsize=32_768)
def _family(parts: tuple[str, ...]) -> tuple[str, int, tuple[str, ...]]:
    """Key, number and ordered parts of a family."""
    ordered = tuple(sorted(set(parts)))
    key = families.join(ordered)
    return key, families.number(key), ordered


@lru_cache(maxsize=32_768)
def _judged(folded: str, code: str) -> tuple[tuple[str, ...], bool]:
    """The keys of a word and whether it is rare; no keys where it is no content word."""
    return ((), False) if _is_out(folded, code) else (families.keys_of(folded, code), _is_rare(folded, code))


def _is_rare(folded: str, code: str) -> bool:
    if families.is_ordinary(folded, code) or families.per_million(folded, code) >= ORDINARY:
        return False
    return not families.keys_of(folded, code)[0].startswith("=")


def _is_out(folded: str, code: str) -> bool:
    """Too short, a number, a month, or a reporting verb."""
    known = language(code)
    if len(folded) < SHORTEST or any(letter.isdigit() for letter in folded):
        return True
    if families.keys_of(folded, code)[0].startswith("="):
        return False
    return known is not None and (folded in known.months or _is_verb(folded, known))


def _is_verb(folded: str, known: Language) -> bool:
    stems = _verb_stems(known.code)
    return any(folded[: -tail or None] in stems for tail in range(_LONGEST_TAIL + 1))


@cache
def _verb_stems(code: str) -> frozenset[str]:
    known = language(code)
    return frozenset(verb.stem for verb in known.verbs) if known else frozenset()


_LONGEST_TAIL = 4
"""Letters a verb's stem may be followed by (izjav-ljuje); longer is another word."""


def spread(forms: Iterable[str]) -> tuple[str, ...]:
    """Surface forms for the reader: each once, the first way it was written."""
    kept: dict[str, str] = {}
    for form in forms:
        kept.setdefault(form.casefold(), form)
    return tuple(kept.values())
