"""Entities in a text: every name of the list found, checked and explained.

The longest name wins (`longest`) and `ignore` entries eat their text. A name written with a capital needs one in the
text. A weak name needs support, and another person's first name or a veto word blocks any (`support`). Of several
people with one surname, the one whose full name came last is meant.

Found are names of the list only. Left out on purpose: guessing unknown names (the extractor collects those for review)
and telling who a pronoun means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from shared.text.entities import Entity, Name, person_class
from shared.text.fold import Folded, fold_word
from shared.text.languages import language
from shared.text.lexicon import Hit, Lexicon
from shared.text.longest import longest
from shared.text.names import namesakes
from shared.text.segment import sentences
from shared.text.support import Evidence, blocked, namesake, support
from shared.text.terms import Term, parse

ADJECTIVE = "adjective"


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
class _First:
    """A key of the lexicon: a first name, folded."""

    name: str


@dataclass(frozen=True, slots=True)
class _Beside:
    """A key of the lexicon: a word that makes another name of a place before or after it."""

    before: bool


_Key = _Named | _Word | _First | _Beside


@dataclass(frozen=True, slots=True)
class Candidate:
    """A name found that may be meant."""

    hit: Hit[_Key]
    entity: Entity
    name: Name

    @property
    def place(self) -> tuple[int, int]:
        """Where it is, folded."""
        return self.hit.start, self.hit.end

    @property
    def owner(self) -> str:
        """Whose name it is."""
        return self.entity.id

    @property
    def rank(self) -> tuple[bool, ...]:
        """What decides between names of the same length."""
        return not self.name.strong, self.name.adjective


class Gazetteer:
    """The entities of a pack, compiled. Build once; `find` is free of state."""

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self.entities = dict(entities)
        terms = [(key, term) for one in entities.values() for key, term in _terms(one)]
        self._lexicon: Lexicon[_Key] = Lexicon.build([*terms, *(_others() if terms else ())])

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
        code = spoken.code if spoken else code
        hits = self._lexicon.find(folded, code)
        if not hits:
            return []
        evidence = Evidence(folded, sentences(folded.original, spoken), spoken, country)
        _note(hits, evidence)
        candidates = longest(self._candidates(hits, code))
        for one in candidates:
            if one.name.strong and not one.name.adjective and not namesake(one, evidence):
                evidence.sure.setdefault(one.entity.id, []).append(one.hit.start)
        accepted = [(one, why) for one in candidates if (why := _accepted(one, evidence))]
        return [_found(one, why, day) for one, why in _latest(accepted, evidence)]

    def knows(self, name: str) -> bool:
        """Whether a name is one of the list, also of its `ignore` entries, in any language."""
        return any(
            isinstance(hit.key, _Named) and hit.span == (0, len(name)) for hit in self._lexicon.find(Folded(name))
        )

    def _candidates(self, hits: Iterable[Hit[_Key]], code: str) -> list[Candidate]:
        found = []
        for hit in hits:
            if not isinstance(hit.key, _Named):
                continue
            entity = self.entities[hit.key.entity]
            name = entity.names[hit.key.at]
            if (not name.languages or code in name.languages or not code) and _capital(hit, name):
                found.append(Candidate(hit, entity, name))
        return found


def _terms(entity: Entity) -> Iterable[tuple[_Key, Term]]:
    for at, name in enumerate(entity.names):
        yield _Named(entity.id, at), name.term
    for term in entity.words:
        yield _Word(entity.id, veto=False), term
    for term in entity.veto:
        yield _Word(entity.id, veto=True), term


def _others() -> Iterable[tuple[_Key, Term]]:
    """What may tell namesakes of any entity."""
    known = namesakes()
    yield from ((_First(fold_word(name)), parse(f"{name}~{person_class(name)}")) for name in known.first_names)
    yield from ((_Beside(before=True), parse(word)) for word in known.before)
    yield from ((_Beside(before=False), parse(word)) for word in known.after)


def _note(hits: Iterable[Hit[_Key]], evidence: Evidence) -> None:
    """Keep what the text holds for and against names."""
    for hit in hits:
        match hit.key:
            case _Word(entity, veto):
                evidence.words.add((entity, veto, evidence.sentence(hit.span[0])))
            case _First(name) if hit.surface[:1].isupper():
                evidence.firsts.setdefault(hit.end, set()).add(name)
            case _Beside(before):
                evidence.beside.add((before, hit.end if before else hit.start))
            case _:
                pass


def _capital(hit: Hit[_Key], name: Name) -> bool:
    written = name.term.written.lstrip("= ")
    return not written[:1].isupper() or hit.surface[:1].isupper()


def _accepted(one: Candidate, evidence: Evidence) -> str:
    """Why a name is accepted, "" when it is not."""
    if one.entity.type == "ignore" or blocked(one, evidence):
        return ""
    return "strong" if one.name.strong else support(one, evidence)


def _latest(accepted: Sequence[tuple[Candidate, str]], evidence: Evidence) -> list[tuple[Candidate, str]]:
    """Of several people found at one place the one whose full name was written last before it."""
    by_place: dict[tuple[int, int], list[tuple[Candidate, str]]] = {}
    for one in accepted:
        by_place.setdefault(one[0].place, []).append(one)
    kept = []
    for place, rivals in by_place.items():
        people = [one for one in rivals if one[0].entity.type == "person"]
        chosen = max(people, key=lambda one: evidence.last_sure(one[0].entity.id, place[0]), default=None)
        kept += [one for one in rivals if one[0].entity.type != "person" or one is chosen]
    return kept


def _found(one: Candidate, why: str, day: date | None) -> Found:
    entity, hit = one.entity, one.hit
    start, end = hit.span
    role = entity.role_at(day)
    kind = ADJECTIVE if one.name.adjective else entity.type
    return Found(entity, kind, start, end, hit.surface, hit.subject, str(role) if role else "", f"{why}: {hit.form}")
