"""What a watch is, once its file has been read: concepts as trees of clauses, conditions, and the alerts wanted.

A clause is a small frozen value; `services.alerter.match.evaluate` says what each means for an article.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from shared.events import AlertKind
from shared.text.terms import Term

FIELDS = ("title", "lead", "text")
QUOTE = "quote"
WITHIN = (*FIELDS, QUOTE)
"""What `fields:` may ask for: a field of the article, or the inside of a quotation."""
SENTENCE, PARAGRAPH, FIELD = "sentence", "paragraph", "field"
UNITS = (SENTENCE, PARAGRAPH, FIELD)


class Status(StrEnum):
    """`draft` is checked and never matches, `active` matches, `muted` is kept but silent."""

    DRAFT = "draft"
    ACTIVE = "active"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Word:
    """A term of the watch, with its line and column; `number` is given when watches are compiled together."""

    term: Term
    number: int = -1
    place: tuple[int, int] = field(default=(0, 0), compare=False)


@dataclass(frozen=True, slots=True)
class Entities:
    """Mentions of any of these entities; with `kinds` only mentions of these kinds (person, adjective, …)."""

    ids: tuple[str, ...]
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Role:
    """Mentions of whoever holds an office on the day of the article; `ids` have held it at some time."""

    title: str
    of: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression in RE2 syntax over the original text, without regard to case."""

    expression: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number in figures, both ends included; None leaves an end open."""

    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class About:
    """The article's outlet (id or domain), country or section is one of these. It has no place in the text."""

    what: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concept:
    """A reference to a concept of the watch."""

    name: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the parts. When watches are compiled together, `numbers` are those of its words and `others` the
    parts that are none, so that a long list of words costs one look at what was found."""

    parts: tuple[Clause, ...]
    numbers: frozenset[int] = frozenset()
    others: tuple[Clause, ...] = ()


@dataclass(frozen=True, slots=True)
class AllOf:
    """All of the parts, anywhere in the article."""

    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not occur."""

    part: Clause


@dataclass(frozen=True, slots=True)
class AtLeast:
    """At least `count` different parts, anywhere in the article."""

    count: int
    parts: tuple[Clause, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """At least `count` of the groups close together: within so many tokens, or in one sentence, paragraph or field."""

    within: int | str
    groups: tuple[Clause, ...]
    count: int
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Only:
    """The part, counted in these fields (or in quotations) only, in articles of these languages only (empty: all)."""

    part: Clause
    fields: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


Clause = Word | Entities | Role | Pattern | Number | About | Concept | AnyOf | AllOf | Not | AtLeast | Near | Only


@dataclass(frozen=True, slots=True)
class Weighed:
    """A concept: its clause and what its presence adds to the score (negative: takes away). `file` is the included
    file it stands in, "" for the watch's own."""

    name: str
    clause: Clause
    weight: float = 1.0
    line: int = 0
    file: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """The score a match needs, and what a concept in the title or lead is worth."""

    threshold: float = 0.0
    title_factor: float = 2.0
    lead_factor: float = 1.5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A kind of alert wanted. `options` are the rule's other keys as written, durations as timedelta."""

    kind: AlertKind
    id: str
    severity: str = "info"
    options: Mapping[str, Any] = field(default_factory=dict)

    def duration(self, name: str, default: timedelta) -> timedelta:
        """An option that is a duration."""
        value = self.options.get(name)
        return value if isinstance(value, timedelta) else default


@dataclass(frozen=True, slots=True)
class Example:
    """A text that must match, or must not, with the line of the file it stands on."""

    text: str
    language: str
    matches: bool
    title: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """A checked watch."""

    id: str
    title: str
    status: Status
    languages: tuple[str, ...]
    concepts: Mapping[str, Weighed]
    require: tuple[Clause, ...]
    exclude: tuple[Clause, ...]
    score: Score
    alerts: tuple[Wanted, ...]
    examples: tuple[Example, ...] = ()
    version: int = 0

    def wanted(self, kind: AlertKind) -> tuple[Wanted, ...]:
        """The rules of one kind."""
        return tuple(rule for rule in self.alerts if rule.kind is kind)


def inside(clause: Clause) -> tuple[Clause, ...]:
    """The clauses right below one."""
    if isinstance(clause, AnyOf | AllOf | AtLeast):
        return clause.parts
    if isinstance(clause, Near):
        return clause.groups
    return (clause.part,) if isinstance(clause, Not | Only) else ()


def concepts_of(clause: Clause) -> set[str]:
    """The names of the concepts a clause refers to."""
    own = {clause.name} if isinstance(clause, Concept) else set()
    return own.union(*(concepts_of(part) for part in inside(clause)))
