"""What a clause means for an article: whether it holds, and where.

An *occurrence* is a place where a clause holds: first and last token, and the hits it is made of. Distances count from
the last token of one occurrence to the first of the next; nothing is near across fields. `explain` reads the same memo
that the decision was made from, so the two cannot disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from services.alerter.match.article import Article, Place, fewer_tokens
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


class Held(NamedTuple):
    """Whether a clause holds, and where. `not` holds nowhere in particular."""

    held: bool
    places: tuple[Place, ...] = ()


_NONE = Held(False)


class Reading:
    """One watch read against one article; every clause is decided once."""

    def __init__(self, watch: Watch, article: Article) -> None:
        self.watch = watch
        self.article = article
        self._memo: dict[int, Held] = {}
        self._concepts: dict[str, Held] = {}

    def matched(self) -> bool:
        """Whether the language is watched, all of `require` hold, none of `exclude`, and the score suffices."""
        watch = self.watch
        if not self.reads_language():
            return False
        for clause in watch.require:
            if not self.holds(clause).held:
                return False
        for clause in watch.exclude:
            if self.holds(clause).held:
                return False
        return self.score() >= watch.score.threshold

    def reads_language(self) -> bool:
        """Whether the watch is meant for the article's language; an unknown one is read."""
        code = self.article.language
        return not code or not self.watch.languages or code in self.watch.languages

    def score(self) -> float:
        """The sum over the concepts that occur: weight times the factor of the best field they occur in."""
        return round(sum([self.part(name) for name in self.watch.concepts]), 3)

    def part(self, name: str) -> float:
        """What a concept adds to the score."""
        weight = self.watch.concepts[name].weight
        held = self.concept(name) if weight else _NONE  # building blocks weigh nothing, and there are many of them
        if not held.held:
            return 0.0
        score = self.watch.score
        factors = (score.title_factor, score.lead_factor, 1.0)
        return weight * max([factors[place.field] for place in held.places], default=1.0)

    def holds(self, clause: Clause) -> Held:
        """Whether a clause holds and where."""
        if isinstance(clause, Concept):
            return self.concept(clause.name)
        memo = self._memo.get(id(clause))
        if memo is None:
            memo = self._memo[id(clause)] = _DECIDE[type(clause)](self, clause)
        return memo

    def concept(self, name: str) -> Held:
        """Whether a concept holds and where."""
        known = self._concepts.get(name)
        if known is None:
            known = self._concepts[name] = self.holds(self.watch.concepts[name].clause)
        return known

    def _word(self, clause: Word) -> Held:
        return _where(self.article.words(clause.number))

    def _entities(self, clause: Entities) -> Held:
        return _where(self.article.mentions(clause.ids, clause.kinds))

    def _role(self, clause: Role) -> Held:
        return _where(self.article.holders(clause.title, clause.of, clause.ids))

    def _pattern(self, clause: Pattern) -> Held:
        return _where(self.article.pattern(clause.expression))

    def _number(self, clause: Number) -> Held:
        return _where(self.article.numbers(clause.low, clause.high))

    def _about(self, clause: About) -> Held:
        return Held(self.article.is_about(clause.what, clause.values))

    def _any(self, clause: AnyOf) -> Held:
        """The words among the parts all at once, in the order of their numbers; then the others."""
        numbers, words = clause.numbers & self.article.found, self.article.words
        if not clause.others and len(numbers) < 2:
            return Held(True, words(next(iter(numbers)))) if numbers else _NONE
        places = [place for number in sorted(numbers) for place in words(number)]
        held = bool(places)
        for part in clause.others:
            one = self.holds(part)
            held = held or one.held
            places += one.places
        return Held(held, tuple(places)) if held else _NONE

    def _all(self, clause: AllOf) -> Held:
        return self._count(clause.parts, len(clause.parts))

    def _at_least(self, clause: AtLeast) -> Held:
        return self._count(clause.parts, clause.count)

    def _not(self, clause: Not) -> Held:
        return Held(not self.holds(clause.part).held)

    def _count(self, parts: Sequence[Clause], count: int) -> Held:
        held = [one for one in (self.holds(part) for part in parts) if one.held]
        if len(held) < count or not held:
            return _NONE
        return Held(True, tuple(place for one in held for place in one.places))

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
        if len(groups) - groups.count(()) < clause.count:
            return _NONE
        if isinstance(clause.within, int):
            near = _Nearness(self.article.folded.words, clause.within)
            return _where(tuple(_in_order(groups, near) if clause.ordered else _close(groups, near, clause.count)))
        unit = self._unit(clause.within)
        return _where(tuple(_together(groups, unit, clause.count, ordered=clause.ordered)))

    def _unit(self, within: str) -> dict[Place, int]:
        """The number of the sentence, paragraph or field of each place, worked out once per place."""
        article = self.article
        number = {SENTENCE: article.sentence, PARAGRAPH: article.paragraph}.get(within, article.field_at)
        return _Numbers(number)


_DECIDE: dict[type, Callable[[Reading, Any], Held]] = {
    Word: Reading._word, Entities: Reading._entities, Role: Reading._role, Pattern: Reading._pattern,
    Number: Reading._number, About: Reading._about, AnyOf: Reading._any, AllOf: Reading._all,
    AtLeast: Reading._at_least, Not: Reading._not, Only: Reading._only, Near: Reading._near,
}  # fmt: skip


class _Numbers(dict[Place, int]):
    """A dictionary that works out what it is asked."""

    def __init__(self, number: Callable[[int], int]) -> None:
        super().__init__()
        self._number = number

    def __missing__(self, place: Place) -> int:
        self[place] = found = self._number(place.start)
        return found


def _where(places: tuple[Place, ...]) -> Held:
    return Held(True, places) if places else _NONE


def _merged(places: Sequence[Place]) -> Place:
    return Place(
        min([place.start for place in places]),
        max([place.end for place in places]),
        places[0].field,
        tuple(dict.fromkeys([hit for place in places for hit in place.hits])),
        tuple(dict.fromkeys([stretch for place in places for stretch in place.stretches()])),
    )


class _Nearness(NamedTuple):
    """How near places must be: so many tokens from the last of one to the first of the next, in the blanked text."""

    words: str
    within: int

    def follows(self, one: Place, place: Place) -> bool:
        """Whether a place stands near enough behind another, in the same field and on tokens of its own."""
        return (
            one.field == place.field
            and (place.start <= one.end or fewer_tokens(self.words, one.end, place.start, self.within))
            and one.is_apart(place)
        )


def _close(groups: Sequence[Sequence[Place]], nearness: _Nearness, count: int) -> Iterable[Place]:
    """Unordered: at each place, the latest of every other group that is not too far back."""
    if (
        count == len(groups) == 2 and len(groups[0]) == len(groups[1]) == 1
    ):  # what is found once of each: no need to sort
        one, place = sorted((groups[0][0], groups[1][0]))
        if nearness.follows(one, place):
            yield _merged((one, place))
        return
    latest: dict[int, Place] = {}
    for place, group in _sorted(groups):
        near = [one for other, one in latest.items() if other != group and nearness.follows(one, place)]
        if len(near) + 1 >= count:
            yield _merged([*near, place])
        latest[group] = place


def _in_order(groups: Sequence[Sequence[Place]], nearness: _Nearness) -> Iterable[Place]:
    """Ordered: chains through the groups, each link from the latest chain that ends before the place."""
    chains: list[Place | None] = [None] * len(groups)
    for place, group in _sorted(groups):
        before = chains[group - 1] if group else None
        if group and (before is None or before.end > place.start or not nearness.follows(before, place)):
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
            chosen = _apart([sorted(found[at], key=lambda one: one.start) for at in sorted(found)], ordered=ordered)
            if len(chosen) >= count:
                yield _merged(chosen)


def _apart(groups: Sequence[Sequence[Place]], *, ordered: bool) -> list[Place]:
    chosen: list[Place] = []
    for places in groups:
        floor = chosen[-1].end if ordered and chosen else 0
        free = (place for place in places if place.start >= floor and _is_apart(place, chosen))
        found = next(free, None)
        if found is not None:
            chosen.append(found)
    return chosen


def _is_apart(place: Place, chosen: Iterable[Place]) -> bool:
    return all(map(place.is_apart, chosen))


def _sorted(groups: Sequence[Sequence[Place]]) -> list[tuple[Place, int]]:
    found = [(place, group) for group, places in enumerate(groups) for place in places]
    return sorted(found, key=lambda pair: (pair[0].start, pair[0].end, pair[1]))
