"""All watches to one engine: one automaton over all terms, each watch under what it cannot match without.

For every watch the rarest required condition is chosen, and of it the terms and entities one of which must occur. An
article's hits then name the few watches worth evaluating. A watch without such a condition is always evaluated.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

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
Pair = tuple[frozenset[int], frozenset[int], int]
"""Two sets of terms of which one each must stand within so many tokens."""
AreClose = Callable[[frozenset[int], frozenset[int], int], bool]
_COMMON = 50.0
"""Occurrences per million words assumed of a stem that no background list holds."""
_ENTITY = 400.0
"""The same of an entity: states and capitals are in every third article."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """One watch: as loaded, with its terms numbered, and what every match of it has, the rarest first; `others` are all
    but the rarest."""

    source: Watch
    watch: Watch
    needs: tuple[frozenset[Anchor], ...]
    others: tuple[frozenset[Anchor], ...]
    close: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Engine:
    """Compiled watches. Swap it whole when a watch changes. `dropped` counts watches whose terms are still in the
    automaton, where they hit for nobody."""

    rows: tuple[Compiled, ...]
    watches: tuple[Watch, ...]
    lexicon: Lexicon[int]
    numbers: dict[Term, int]
    terms: tuple[Term, ...]
    anchored: dict[Anchor, tuple[int, ...]]
    unanchored: tuple[int, ...]
    languages: frozenset[str]
    dropped: int = 0

    @property
    def is_worth_growing(self) -> bool:
        """Whether another engine should start from this one: not when too much in it serves nobody any more."""
        return self.dropped <= len(self.rows) // 4 + 1

    def candidates(self, found: Collection[Anchor], are_close: AreClose | None = None) -> list[Watch]:
        """The watches that may match an article with these terms and entities, in the order of their ids: of every set
        that they need, something is there, and what they need close together may be (`are_close` says so)."""
        missing = _without(found)
        rows = [self.rows[at] for at in sorted(self.reached(found))]
        hopeful = [row for row in rows if not row.others or not any(map(missing, row.others))]
        if are_close is not None:
            hopeful = [row for row in hopeful if all(are_close(*pair) for pair in row.close)]
        return [row.watch for row in hopeful]

    def reached(self, found: Collection[Anchor]) -> set[int]:
        """The numbers of the watches whose rarest need is met, and of those that need nothing."""
        reached = set(self.unanchored)
        for anchor in self.anchored.keys() & found:
            reached.update(self.anchored[anchor])
        return reached

    def watches_language(self, code: str) -> bool:
        """Whether any watch reads this language; a text in an unknown one is read by all."""
        return not code or code in self.languages or "" in self.languages


def _without(found: Collection[Anchor]) -> Callable[[Collection[Anchor]], bool]:
    return frozenset(found).isdisjoint


def build(watches: Iterable[Watch], before: Engine | None = None) -> Engine:
    """Compile the active ones of `watches`; those that `before` was built from are taken over as they are, so that a
    reload costs what has changed. Raises BadTerm never: the loader has checked them."""
    with _uncollected():
        return _built(watches, before if before is not None and before.is_worth_growing else None)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the cyclic collector, which takes more than half of the time of a build (measured with 60,000 terms):
    hundreds of thousands of values are made and every one of them stays."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _built(watches: Iterable[Watch], before: Engine | None) -> Engine:
    active = sorted((one for one in watches if one.status is Status.ACTIVE), key=lambda one: one.id)
    known = {id(row.source): row for row in before.rows} if before is not None else {}
    numbers = dict(before.numbers) if before is not None else {}
    told = len(numbers)
    rows = tuple(known.get(id(one)) or _compiled(one, numbers) for one in active)
    fresh = [(number, term) for term, number in islice(numbers.items(), told, None)]
    anchored: dict[Anchor, list[int]] = {}
    for at, row in enumerate(rows):
        for anchor in row.needs[0] if row.needs else ():
            anchored.setdefault(anchor, []).append(at)
    dropped = len(known) - sum(id(one) in known for one in active)
    return Engine(
        rows=rows,
        watches=tuple(row.watch for row in rows),
        lexicon=before.lexicon.grown(fresh) if before is not None else Lexicon.build(fresh),
        numbers=numbers,
        terms=tuple(numbers),
        anchored={anchor: tuple(places) for anchor, places in anchored.items()},
        unanchored=tuple(at for at, row in enumerate(rows) if not row.needs),
        languages=frozenset(code for row in rows for code in row.watch.languages or ("",)),
        dropped=(before.dropped if before is not None else 0) + dropped,
    )


def _compiled(source: Watch, numbers: dict[Term, int]) -> Compiled:
    watch = _numbered_watch(source, numbers)
    needs = needs_of(watch)
    return Compiled(source, watch, needs, needs[1:], close_of(watch))


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
    if isinstance(clause, AnyOf):
        return _any_numbered([_numbered(part, numbers) for part in clause.parts])
    if isinstance(clause, AllOf | AtLeast):
        return replace(clause, parts=tuple(_numbered(part, numbers) for part in clause.parts))
    if isinstance(clause, Near):
        groups = tuple(_numbered(part, numbers) for part in clause.groups)
        return Near(clause.within, groups, clause.count, clause.ordered)
    if isinstance(clause, Not | Only):
        return replace(clause, part=_numbered(clause.part, numbers))
    return clause


def _any_numbered(parts: list[Clause]) -> AnyOf:
    words = [part.number for part in parts if isinstance(part, Word)]
    others = [part for part in parts if not isinstance(part, Word)] if len(words) < len(parts) else ()
    return AnyOf(tuple(parts), frozenset(words), tuple(others))


def anchors_of(watch: Watch) -> frozenset[Anchor] | None:
    """The rarest set of terms and entities one of which every match holds; None when there is none."""
    return next(iter(needs_of(watch)), None)


def needs_of(watch: Watch) -> tuple[frozenset[Anchor], ...]:
    """Sets of terms and entities of each of which every match holds one, the rarest first."""
    costs = _Costs(watch)
    found = dict.fromkeys(one for clause in watch.require for one in costs.needs(clause))
    return tuple(sorted(found, key=costs.rate))


def close_of(watch: Watch) -> tuple[Pair, ...]:
    """The pairs of words that every match has close together."""
    return tuple(pair for clause in watch.require for pair in _pairs(clause, watch))


def _pairs(clause: Clause, watch: Watch) -> list[Pair]:
    if isinstance(clause, Concept):
        return _pairs(watch.concepts[clause.name].clause, watch)
    if isinstance(clause, Only):
        return _pairs(clause.part, watch)
    if isinstance(clause, AllOf):
        return [pair for part in clause.parts for pair in _pairs(part, watch)]
    if isinstance(clause, Near) and isinstance(clause.within, int) and len(clause.groups) == clause.count == 2:
        one, other = (_only_words(group, watch) for group in clause.groups)
        return [(one, other, clause.within)] if one and other else []
    return []


def _only_words(clause: Clause, watch: Watch) -> frozenset[int]:
    """The terms of a clause that is nothing but words, else none."""
    if isinstance(clause, Word):
        return frozenset({clause.number})
    if isinstance(clause, Concept):
        return _only_words(watch.concepts[clause.name].clause, watch)
    if isinstance(clause, Only):
        return _only_words(clause.part, watch)
    return clause.numbers if isinstance(clause, AnyOf) and not clause.others else frozenset()


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

    def needs(self, clause: Clause) -> list[frozenset[Anchor]]:
        """What a clause cannot hold without: of all parts where all must hold, else one set for the whole."""
        if isinstance(clause, Concept):
            return self.needs(self._watch.concepts[clause.name].clause)
        if isinstance(clause, Only):
            return self.needs(clause.part)
        if isinstance(clause, AllOf) or (isinstance(clause, Near) and clause.count == len(clause.groups)):
            return [one for part in inside(clause) for one in self.needs(part)]
        whole = self.anchors(clause)
        return [whole] if whole is not None else []

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
    known = _background().get(stem, 0.0)
    open_end = 4.0 if kind is Kind.PREFIX else 1.0
    return max(known, _COMMON / max(1, len(stem) - 4)) * open_end


@cache
def _background() -> dict[str, float]:
    """How often words occur, in the language that uses them most."""
    found: dict[str, float] = {}
    for one in languages().values():
        for word, rate in one.background.items():
            found[word] = max(rate, found.get(word, 0.0))
    return found


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
