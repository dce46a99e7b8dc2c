"""Entities in a text: every name of the list found, checked and explained.

The longest name wins and `ignore` entries eat their text. A name written with a capital needs one in the text. A weak
name (a surname many share, an office without its state) needs support: the entity's strong name anywhere in the
article, one of the entities it `needs`, a word of its `words` in the sentence, or an outlet of its `countries`; another
person's first name before it (Dafina Kurti) blocks it. Veto words in the sentence block every name.

Found are names of the list only. Left out on purpose: guessing unknown names and telling who a pronoun means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from shared.text.entities import Entity, Name
from shared.text.fold import Folded, fold_word
from shared.text.languages import Language, language
from shared.text.lexicon import Hit, Lexicon
from shared.text.longest import longest
from shared.text.segment import Piece, holder, sentences
from shared.text.terms import Term

ADJECTIVE = "adjective"
LONGEST_WORD = 40
"""Characters looked at before a surname for another person's first name."""


@dataclass(frozen=True, slots=True)
class Found:
    """An entity found: original start and end in the text it was looked for in, and why it was accepted.

    `kind` is the type of the entity, or `adjective` for its demonyms and adjectives (kosovski, Albanian).
    """

    entity: Entity
    kind: str
    start: int
    end: int
    surface: str
    subject: bool
    role: str
    why: str


@dataclass(frozen=True, slots=True)
class _Named:
    """A key of the lexicon: a name of an entity."""

    entity: str
    at: int


@dataclass(frozen=True, slots=True)
class _Word:
    """A key of the lexicon: a word that supports or blocks an entity."""

    entity: str
    veto: bool


@dataclass(frozen=True, slots=True)
class _Candidate:
    hit: Hit[_Named | _Word]
    entity: Entity
    name: Name

    @property
    def place(self) -> tuple[int, int]:
        return self.hit.start, self.hit.end

    @property
    def owner(self) -> str:
        return self.entity.id

    @property
    def rank(self) -> tuple[bool, ...]:
        return not self.name.strong, self.name.adjective


@dataclass
class _Evidence:
    """What the whole article holds for and against its weak names."""

    text: str
    sentences: Sequence[Piece]
    language: Language | None
    country: str
    sure: set[str] = field(default_factory=set)
    words: set[tuple[str, bool, int]] = field(default_factory=set)

    def sentence(self, at: int) -> int:
        """The number of the sentence that holds an original position."""
        return holder(self.sentences, at)


class Gazetteer:
    """The entities of a pack, compiled. Build once; `find` is free of state."""

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self.entities = dict(entities)
        self._lexicon: Lexicon[_Named | _Word] = Lexicon.build(
            (key, term) for one in entities.values() for key, term in _terms(one)
        )

    @cached_property
    def sides(self) -> dict[str, str]:
        """The side of every entity that has one."""
        return {one.id: one.side for one in self.entities.values() if one.side}

    def find(self, text: str, code: str = "", *, day: date | None = None, country: str = "") -> list[Found]:
        """The entities of `text` in order. `code` is its language, `day` decides offices, `country` is the outlet's."""
        return self.find_in(Folded(text), code, day=day, country=country)

    def find_in(self, folded: Folded, code: str = "", *, day: date | None = None, country: str = "") -> list[Found]:
        """The same for a text that is folded already."""
        spoken = language(code)
        hits = self._lexicon.find(folded, spoken.code if spoken else code)
        if not hits:
            return []
        evidence = _Evidence(folded.original, sentences(folded.original, spoken), spoken, country)
        for hit in hits:
            if isinstance(hit.key, _Word):
                evidence.words.add((hit.key.entity, hit.key.veto, evidence.sentence(hit.span[0])))
        candidates = longest(self._candidates(hits, spoken.code if spoken else code))
        evidence.sure = {one.entity.id for one in candidates if one.name.strong and not one.name.adjective}
        return [found for one in candidates if (found := _judged(one, evidence, day)) is not None]

    def _candidates(self, hits: Iterable[Hit[_Named | _Word]], code: str) -> list[_Candidate]:
        found = []
        for hit in hits:
            if not isinstance(hit.key, _Named):
                continue
            entity = self.entities[hit.key.entity]
            name = entity.names[hit.key.at]
            if (not name.languages or code in name.languages or not code) and _capital(hit, name):
                found.append(_Candidate(hit, entity, name))
        return found


def _terms(entity: Entity) -> Iterable[tuple[_Named | _Word, Term]]:
    for at, name in enumerate(entity.names):
        yield _Named(entity.id, at), name.term
    for term in entity.words:
        yield _Word(entity.id, veto=False), term
    for term in entity.veto:
        yield _Word(entity.id, veto=True), term


def _capital(hit: Hit[_Named | _Word], name: Name) -> bool:
    written = name.term.written.lstrip("= ")
    return not written[:1].isupper() or hit.surface[:1].isupper()


def _judged(one: _Candidate, evidence: _Evidence, day: date | None) -> Found | None:
    entity, name, hit = one.entity, one.name, one.hit
    if entity.type == "ignore":
        return None
    start, end = hit.span
    at = evidence.sentence(start)
    if entity.veto and (entity.id, True, at) in evidence.words:
        return None
    why = "strong" if name.strong else _support(one, evidence, at)
    if not why:
        return None
    role = entity.role_at(day)
    kind = ADJECTIVE if name.adjective else entity.type
    return Found(entity, kind, start, end, hit.surface, hit.subject, str(role) if role else "", f"{why}: {hit.form}")


def _support(one: _Candidate, evidence: _Evidence, at: int) -> str:
    entity = one.entity
    if entity.type == "person" and _other_first_name(one, evidence):
        return ""
    if entity.id in evidence.sure:
        return "full name in the article"
    if (entity.id, False, at) in evidence.words:
        return "supported by a word"
    if evidence.country and evidence.country in entity.countries:
        return "outlet's country"
    needed = next((need for need in entity.needs if need in evidence.sure), "")
    return f"supported by {needed}" if needed else ""


def _other_first_name(one: _Candidate, evidence: _Evidence) -> bool:
    """Whether a capitalised word that is no title, stop word or common word stands right before the surname."""
    start = one.hit.span[0]
    before = evidence.text[max(0, start - LONGEST_WORD) : start]
    word = before.rstrip(" ").rsplit(None, 1)[-1:] if before.endswith(" ") else []
    if not word or not word[0].isalpha() or not word[0][0].isupper() or word[0].isupper():
        return False
    folded = fold_word(word[0])
    if evidence.language is None:
        return True
    spoken = evidence.language
    common = folded in spoken.stop_words or folded in spoken.background or folded[:-1] in spoken.background
    return not common and not any(folded.startswith(verb.stem) for verb in spoken.verbs)
