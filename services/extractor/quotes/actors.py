"""Somebody who could have said something, everybody of a field by place, and who can be meant in an article."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.extractor.quotes.offices import Offices
from services.extractor.quotes.view import View
from shared.events import Mention

TITLE = "title"
REACH = 100
"""Characters of the longest name."""
OFFICE, STRANGER, NOBODY, PRONOUN = "office", "stranger", "nobody", "pronoun"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody: where, the id on the list or "", the name to show, the kind, whether the form can be a subject, and of
    a stranger whether any verb of saying stands beside the name."""

    start: int
    end: int
    id: str
    name: str
    kind: str
    subject: bool
    speaks: bool = False

    @property
    def human(self) -> bool:
        """A known person, or a stranger who speaks somewhere: another row of capitals may be anything."""
        return self.kind == "person" or (self.kind == OFFICE and bool(self.id)) or self.speaks

    @property
    def place(self) -> bool:
        """A state or a capital, which is spoken of more often than it speaks."""
        return self.kind in {"state", "metonym"}


class Cast:
    """The actors of a field by place; `elsewhere` is who was named last in the title, for a text."""

    def __init__(self, actors: Iterable[Actor], elsewhere: Actor | None = None) -> None:
        self.actors = sorted(actors, key=lambda one: one.start)
        self.elsewhere = elsewhere
        self._starts = [one.start for one in self.actors]

    def within(self, start: int, end: int) -> list[Actor]:
        """Those who stand wholly in a stretch."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        return [one for one in self.actors[first:last] if one.end <= end]

    def around(self, start: int, end: int) -> list[Actor]:
        """Those who may overlap a stretch or stand right beside it."""
        first, last = bisect_left(self._starts, start - REACH), bisect_left(self._starts, end + REACH)
        return self.actors[first:last]


@dataclass(frozen=True, slots=True)
class Register:
    """Who can be meant in an article: everybody mentioned in it, and who holds which office on its day."""

    mentions: Sequence[Mention]
    offices: Offices


def is_governed(view: View, start: int) -> bool:
    """Whether a preposition stands right before a name: no subject, even where forms do not show it."""
    before = view.word_before(start)
    if before is None or view.spoken is None or not view.is_joined(before.end, start):
        return False
    return before.folded in view.spoken.not_speakers_after or before.folded in view.quoting.governing
