"""What a clause means for an article: whether it holds, and where.

An *occurrence* is a place where a clause holds: first and last token, and the hits it is made of. Distances count from
the last token of one occurrence to the first of the next; nothing is near across fields. `explain` reads the same memo
that the decision was made from, so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.alerter.match.article import Article, Place
from services.alerter.watch import (
    PARAGRAPH,
    QUOTE,
    SENTENCE,
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
    Watch,
    Word,
)


@dataclass(frozen=True, slots=True)
class Held:
    """Whether a clause holds, and where. `not` holds nowhere in particular."""

    held: bool
    places: tuple[Place, ...] = ()


_NONE = Held(held=False)


class Reading:
    """One watch read against one article; every clause is decided once."""

    def __init__(self, watch: Watch, article: Article) -> None:
        self.watch = watch
        self.article = article
        self._memo: dict[int, Held] = {}
        self._concepts: dict[str, Held] = {}

    def matched(self) -> bool:
        """Whether the language is watched, all of `require` hold, none of `exclude`, and the score suffices."""
        return (
            self.reads_language()
            and all(self.holds(clause).held for clause in self.watch.require)
            and not any(self.holds(clause).held for clause in self.watch.exclude)
            and self.score() >= self.watch.score.threshold
        )

    def reads_language(self) -> bool:
        """Whether the watch is meant for the article's language; an unknown one is read."""
        code = self.article.language
        return not code or not self.watch.languages or code in self.watch.languages

    def score(self) -> float:
        """The sum over the concepts that occur: weight times the factor of the best field they occur in."""
        return round(sum(self.part(name) for name in self.watch.concepts), 3)

    def part(self, name: str) -> float:
        """What a concept adds to the score."""
        factors = {0: self.watch.score.title_factor, 1: self.watch.score.lead_factor}
        held = self.holds(Concept(name))
        best = max((factors.get(place.field, 1.0) for place in held.places), default=1.0 if held.held else 0.0)
        return self.watch.concepts[name].weight * best

    def holds(self, clause: Clause) -> Held:
        """Whether a clause holds and where."""
        if isinstance(clause, Concept):
            known = self._concepts.get(clause.name)
            if known is None:
                known = self._concepts[clause.name] = self.holds(self.watch.concepts[clause.name].clause)
            return known
        memo = self._memo.get(id(clause))
        if memo is None:
            memo = self._memo[id(clause)] = self._decide(clause)
        return memo

    def _decide(self, clause: Clause) -> Held:  # noqa: PLR0911, PLR0912 - one line for each kind of clause
        match clause:
            case Word(number=number):
                return _where(self.article.words(number))
            case Entities(ids=ids, kinds=kinds):
                return _where(self.article.mentions(ids, kinds))
            case Role(title=title, of=of, ids=ids):
                return _where(self.article.holders(title, of, ids))
            case Pattern(expression=expression):
                return _where(self.article.pattern(expression))
            case Number(low=low, high=high):
                return _where(self.article.numbers(low, high))
            case About(what=what, values=values):
                return Held(held=self.article.is_about(what, values))
            case AnyOf(parts=parts):
                return self._count(parts, 1)
            case AllOf(parts=parts):
                return self._count(parts, len(parts))
            case AtLeast(count=count, parts=parts):
                return self._count(parts, count)
            case Not(part=part):
                return Held(held=not self.holds(part).held)
            case Only():
                return self._only(clause)
            case Near():
                return self._near(clause)
            case _:
                return self.holds(clause)

    def _count(self, parts: Sequence[Clause], count: int) -> Held:
        held = [one for one in (self.holds(part) for part in parts) if one.held]
        if len(held) < count or not held:
            return _NONE
        return Held(held=True, places=tuple(place for one in held for place in one.places))

    def _only(self, clause: Only) -> Held:
        code = self.article.language
        if clause.languages and code and code not in clause.languages:
            return _NONE
        held = self.holds(clause.part)
        if not clause.fields or not held.held:
            return held
        return _where(tuple(place for place in held.places if self._stands_in(place, clause.fields)))

    def _stands_in(self, place: Place, fields: tuple[str, ...]) -> bool:
        article = self.article
        return article.field_name(place.field) in fields or (QUOTE in fields and article.is_quoted(place.start))

    def _near(self, clause: Near) -> Held:
        groups = [self.holds(group).places for group in clause.groups]
        if sum(1 for places in groups if places) < clause.count:
            return _NONE
        if isinstance(clause.within, int):
            chains = _in_order(groups, clause.within) if clause.ordered else _close(groups, clause.within, clause.count)
            return _where(tuple(chains))
        unit = self._unit(clause.within)
        return _where(tuple(_together(groups, unit, clause.count, ordered=clause.ordered)))

    def _unit(self, within: str) -> dict[Place, int]:
        """The number of the sentence, paragraph or field of each place, worked out once per place."""
        article = self.article
        number = {SENTENCE: article.sentence, PARAGRAPH: article.paragraph}.get(within, article.field_at)
        return _Numbers(number)


class _Numbers(dict[Place, int]):
    """A dictionary that works out what it is asked."""

    def __init__(self, number: Callable[[int], int]) -> None:
        super().__init__()
        self._number = number

    def __missing__(self, place: Place) -> int:
        self[place] = found = self._number(place.start)
        return found


def _where(places: tuple[Place, ...]) -> Held:
    return Held(held=bool(places), places=places)


def _merged(places: Sequence[Place]) -> Place:
    return Place(
        min(place.start for place in places),
        min(place.first for place in places),
        max(place.last for place in places),
        places[0].field,
        tuple(dict.fromkeys(hit for place in places for hit in place.hits)),
        frozenset().union(*(place.tokens for place in places)),
    )


def _close(groups: Sequence[Sequence[Place]], within: int, count: int) -> Iterable[Place]:
    """Unordered: at each place, the latest of every other group that is not too far back."""
    latest: dict[int, Place] = {}
    for place, group in _sorted(groups):
        near = [one for other, one in latest.items() if other != group and _follows(one, place, within)]
        if len(near) + 1 >= count:
            yield _merged([*near, place])
        latest[group] = place


def _follows(one: Place, place: Place, within: int) -> bool:
    return one.field == place.field and place.first - one.last <= within and one.tokens.isdisjoint(place.tokens)


def _in_order(groups: Sequence[Sequence[Place]], within: int) -> Iterable[Place]:
    """Ordered: chains through the groups, each link from the latest chain that ends before the place."""
    chains: list[Place | None] = [None] * len(groups)
    for place, group in _sorted(groups):
        before = chains[group - 1] if group else None
        if group and (before is None or before.last >= place.first or not _follows(before, place, within)):
            continue
        chain = place if before is None else _merged([before, place])
        chains[group] = chain
        if group == len(groups) - 1:
            yield chain


def _together(
    groups: Sequence[Sequence[Place]], unit: dict[Place, int], count: int, *, ordered: bool
) -> Iterable[Place]:
    """In one sentence, paragraph or field: enough groups, with one place each that shares no token with another's."""
    by_unit: dict[int, dict[int, list[Place]]] = {}
    for at, places in enumerate(groups):
        for place in places:
            by_unit.setdefault(unit[place], {}).setdefault(at, []).append(place)
    for found in by_unit.values():
        if len(found) >= count:
            chosen = _apart([sorted(found[at], key=lambda one: one.first) for at in sorted(found)], ordered=ordered)
            if len(chosen) >= count:
                yield _merged(chosen)


def _apart(groups: Sequence[Sequence[Place]], *, ordered: bool) -> list[Place]:
    chosen: list[Place] = []
    for places in groups:
        floor = chosen[-1].last if ordered and chosen else -1
        free = (place for place in places if place.first > floor and _is_apart(place, chosen))
        found = next(free, None)
        if found is not None:
            chosen.append(found)
    return chosen


def _is_apart(place: Place, chosen: Iterable[Place]) -> bool:
    return all(place.tokens.isdisjoint(one.tokens) for one in chosen)


def _sorted(groups: Sequence[Sequence[Place]]) -> list[tuple[Place, int]]:
    found = [(place, group) for group, places in enumerate(groups) for place in places]
    return sorted(found, key=lambda pair: (pair[0].first, pair[0].last, pair[1]))
