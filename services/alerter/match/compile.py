"""All watches to one engine: one automaton over all terms, each watch under what it cannot match without.

For every watch the rarest required condition is chosen, and of it the terms and entities one of which must occur. An
article's hits then name the few watches worth evaluating. A watch without such a condition is always evaluated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from services.alerter.watch import (
    About,
    AllOf,
    AnyOf,
    AtLeast,
    Clause,
    Concept,
    Entities,
    Near,
    Not,
    Number,
    Only,
    Pattern,
    Role,
    Status,
    Watch,
    Weighed,
    Word,
    concepts_of,
    inside,
)
from shared.text.languages import languages
from shared.text.lexicon import Lexicon
from shared.text.terms import Kind, Term

Anchor = int | str
"""A term by its number, or an entity by its id."""
_COMMON = 50.0
"""Occurrences per million words assumed of a stem that no background list holds."""
_ENTITY = 400.0
"""The same of an entity: states and capitals are in every third article."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Compiled watches. Swap it whole when a watch changes."""

    watches: tuple[Watch, ...]
    lexicon: Lexicon[int]
    terms: tuple[Term, ...]
    anchored: dict[Anchor, tuple[int, ...]]
    unanchored: tuple[int, ...]
    languages: frozenset[str]

    def candidates(self, found: Iterable[Anchor]) -> list[Watch]:
        """The watches that may match an article with these terms and entities, in the order of their ids."""
        chosen = set(self.unanchored)
        for anchor in found:
            chosen.update(self.anchored.get(anchor, ()))
        return [self.watches[at] for at in sorted(chosen)]

    def watches_language(self, code: str) -> bool:
        """Whether any watch reads this language; a text in an unknown one is read by all."""
        return not code or code in self.languages or "" in self.languages


def build(watches: Iterable[Watch]) -> Engine:
    """Compile the active ones of `watches`. Raises BadTerm never: the loader has checked them."""
    active = sorted((one for one in watches if one.status is Status.ACTIVE), key=lambda one: one.id)
    numbers: dict[Term, int] = {}
    numbered = tuple(_numbered_watch(one, numbers) for one in active)
    anchored: dict[Anchor, list[int]] = {}
    unanchored = []
    for at, watch in enumerate(numbered):
        anchors = anchors_of(watch)
        for anchor in anchors or ():
            anchored.setdefault(anchor, []).append(at)
        if anchors is None:
            unanchored.append(at)
    return Engine(
        watches=numbered,
        lexicon=Lexicon.build((number, term) for term, number in numbers.items()),
        terms=tuple(numbers),
        anchored={anchor: tuple(places) for anchor, places in anchored.items()},
        unanchored=tuple(unanchored),
        languages=frozenset(code for one in numbered for code in one.languages or ("",)),
    )


def _numbered_watch(watch: Watch, numbers: dict[Term, int]) -> Watch:
    concepts = {
        name: Weighed(name, _numbered(one.clause, numbers), one.weight, one.line)
        for name, one in watch.concepts.items()
    }
    require = tuple(_numbered(clause, numbers) for clause in watch.require)
    exclude = tuple(_numbered(clause, numbers) for clause in watch.exclude)
    return replace(watch, concepts=concepts, require=require, exclude=exclude)


def _numbered(clause: Clause, numbers: dict[Term, int]) -> Clause:
    if isinstance(clause, Word):
        return Word(clause.term, numbers.setdefault(clause.term, len(numbers)))
    if isinstance(clause, AnyOf | AllOf | AtLeast):
        return replace(clause, parts=tuple(_numbered(part, numbers) for part in clause.parts))
    if isinstance(clause, Near):
        return replace(clause, groups=tuple(_numbered(part, numbers) for part in clause.groups))
    if isinstance(clause, Not | Only):
        return replace(clause, part=_numbered(clause.part, numbers))
    return clause


def anchors_of(watch: Watch) -> frozenset[Anchor] | None:
    """The rarest set of terms and entities one of which every match holds; None when there is none."""
    costs = _Costs(watch)
    sets = [costs.anchors(clause) for clause in watch.require]
    known = [one for one in sets if one is not None]
    return min(known, key=costs.rate) if known else None


class _Costs:
    """Chooses anchors: `any` needs those of all parts, `all` and `near` those of their rarest part."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._rates: dict[Anchor, float] = {}

    def anchors(self, clause: Clause) -> frozenset[Anchor] | None:
        """The anchors of a clause, or None when it may hold without any hit."""
        if isinstance(clause, Word):
            self._rates[clause.number] = _rate(clause.term)
            return frozenset({clause.number})
        if isinstance(clause, Entities | Role):
            self._rates.update(dict.fromkeys(clause.ids, _ENTITY))
            return frozenset(clause.ids)
        if isinstance(clause, Concept):
            return self.anchors(self._watch.concepts[clause.name].clause)
        if isinstance(clause, Not | Pattern | Number | About):
            return None
        return self._of_parts(clause, [self.anchors(part) for part in inside(clause)])

    def _of_parts(self, clause: Clause, parts: list[frozenset[Anchor] | None]) -> frozenset[Anchor] | None:
        if isinstance(clause, AnyOf):
            return self._union(parts)
        spare = len(parts) - (clause.count if isinstance(clause, AtLeast | Near) else len(parts))
        known = sorted((one for one in parts if one is not None), key=self.rate)
        # Of n parts `count` must hold, so among any n - count + 1 of them at least one does.
        return self._union(list(known[: spare + 1])) if len(known) > spare else None

    def _union(self, parts: list[frozenset[Anchor] | None]) -> frozenset[Anchor] | None:
        known = [one for one in parts if one is not None]
        return frozenset().union(*known) if len(known) == len(parts) else None

    def rate(self, anchors: Collection[Anchor]) -> float:
        """How often one of them may occur, per million words."""
        return sum(self._rates[anchor] for anchor in anchors)


def _rate(term: Term) -> float:
    rarest = min(_stem_rate(part.stem, part.kind) for part in term.parts)
    return rarest / len(term.parts)


def _stem_rate(stem: str, kind: Kind) -> float:
    known = max((one.background.get(stem, 0.0) for one in languages().values()), default=0.0)
    open_end = 4.0 if kind is Kind.PREFIX else 1.0
    return max(known, _COMMON / max(1, len(stem) - 4)) * open_end


def used_concepts(watch: Watch) -> set[str]:
    """The concepts that conditions, excludes, alerts or other concepts refer to."""
    used = set().union(*(concepts_of(clause) for clause in (*watch.require, *watch.exclude)))
    for rule in watch.alerts:
        topic = rule.options.get("topic")
        if isinstance(topic, dict) and isinstance(topic.get("concept"), str):
            used.add(topic["concept"])
    for _ in watch.concepts:
        used |= set().union(*(concepts_of(watch.concepts[name].clause) for name in used if name in watch.concepts))
    return used
