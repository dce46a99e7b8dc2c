"""Why an article matched a watch, or why not: hits, concepts, score and the tree of clauses with true or false."""

from __future__ import annotations

from dataclasses import dataclass

from services.alerter.match.evaluate import Reading
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
    Watch,
    Word,
    inside,
)
from shared import events

NOT_EXCLUDED = "none of the excluded"
MOST_SHOWN = 200
"""Hits kept in an event; an article that repeats its terms more often than that gains nothing by the rest."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on an article for one watch, with everything needed to explain it."""

    watch: Watch
    matched: bool
    score: float
    concepts: tuple[str, ...]
    hits: tuple[events.Hit, ...]
    why: events.Clause


@dataclass(frozen=True, slots=True)
class _Shown:
    """The hits of an event and where each of the article's stands among them."""

    hits: tuple[events.Hit, ...]
    index: dict[int, int]
    whole: bool
    opened: set[str]


def explain(reading: Reading, *, whole: bool = False) -> Verdict:
    """The decision of a reading, explained. `whole` also shows the alternatives that did not occur."""
    watch = reading.watch
    matched = reading.matched()
    held = _telling(reading)
    shown = _shown(reading, held, whole=whole)
    parts = (
        _leaf(f"language {reading.article.language or 'unknown'} is watched", held=reading.reads_language()),
        *(_tree(reading, shown, clause) for clause in watch.require),
        *(_excluded(reading, shown, clause) for clause in watch.exclude),
        _score(reading),
    )
    why = events.Clause(label=f"watch {watch.id}", held=matched, parts=parts)
    return Verdict(watch, matched, reading.score(), held, shown.hits, why)


def _telling(reading: Reading) -> tuple[str, ...]:
    """The concepts that hold and weigh something; those of weight 0 are building blocks, told only in the tree."""
    held = [name for name in reading.watch.concepts if reading.concept(name).held]
    return tuple(name for name in held if reading.watch.concepts[name].weight != 0) or tuple(held)


def _shown(reading: Reading, held: tuple[str, ...], *, whole: bool) -> _Shown:
    own: dict[int, str] = {}
    for name in held:
        for place in reading.concept(name).places:
            for hit in place.hits:
                own.setdefault(hit, name)
    order = sorted(own, key=reading.article.position)[:MOST_SHOWN]
    index = {at: number for number, at in enumerate(order)}
    return _Shown(tuple(reading.article.hit(at, own[at]) for at in order), index, whole, set())


def _score(reading: Reading) -> events.Clause:
    watch, score = reading.watch, reading.score()
    parts = tuple(_leaf(f"{name} {part:+g}", held=True) for name in watch.concepts if (part := reading.part(name)) != 0)
    label = f"score {score:g} of at least {watch.score.threshold:g}"
    return events.Clause(label=label, held=score >= watch.score.threshold, parts=parts)


def _excluded(reading: Reading, shown: _Shown, clause: Clause) -> events.Clause:
    inner = _tree(reading, shown, clause)
    return events.Clause(label=NOT_EXCLUDED, held=not inner.held, parts=(inner,))


def _tree(reading: Reading, shown: _Shown, clause: Clause) -> events.Clause:
    """A clause with what it is made of: every concept opened once, and what does not hold only in a whole tree."""
    held = reading.holds(clause)
    parts: tuple[events.Clause, ...] = ()
    if held.held or shown.whole:
        parts = tuple(_tree(reading, shown, part) for part in _below(reading, shown, clause))
    hits: tuple[int, ...] = ()
    if isinstance(clause, Word | Entities | Role | Pattern | Number | Near):
        hits = tuple(dict.fromkeys(shown.index[hit] for one in held.places for hit in one.hits if hit in shown.index))
    return events.Clause(label=label(clause), held=held.held, parts=parts, hits=hits)


def _below(reading: Reading, shown: _Shown, clause: Clause) -> tuple[Clause, ...]:
    if isinstance(clause, Concept):
        if clause.name in shown.opened:
            return ()
        shown.opened.add(clause.name)
        return (reading.watch.concepts[clause.name].clause,)
    below = inside(clause)
    if isinstance(clause, AnyOf | AtLeast) and not shown.whole:
        return tuple(part for part in below if reading.holds(part).held)
    return below


def _leaf(text: str, *, held: bool) -> events.Clause:
    return events.Clause(label=text, held=held)


def label(clause: Clause) -> str:  # noqa: PLR0911, PLR0912 - one line for each kind of clause
    """A clause in a few words."""
    match clause:
        case Word(term=term):
            return term.written
        case Entities(ids=ids):
            return f"entity {', '.join(ids)}"
        case Role(title=title, of=of):
            return f"{title} of {of}" if of else title
        case Pattern(expression=expression):
            return f"pattern {expression}"
        case Number(low=low, high=high):
            return f"number {_range(low, high)}"
        case About(what=what, values=values):
            return f"{what} {', '.join(values)}"
        case Concept(name=name):
            return f"concept {name}"
        case AnyOf(parts=parts):
            return f"any of {len(parts)}"
        case AllOf(parts=parts):
            return f"all of {len(parts)}"
        case AtLeast(count=count, parts=parts):
            return f"at least {count} of {len(parts)}"
        case Near(within=within, groups=groups, count=count, ordered=ordered):
            where = f"within {within} tokens" if isinstance(within, int) else f"in one {within}"
            return f"{count} of {len(groups)} {where}{', in order' if ordered else ''}"
        case Not():
            return "not"
        case Only(fields=fields, languages=spoken):
            return f"only in {', '.join((*fields, *spoken))}"


def _range(low: float | None, high: float | None) -> str:
    ends = ["" if end is None else f"{end:g}" for end in (low, high)]
    return ends[0] if low == high else " to ".join(ends).strip()
