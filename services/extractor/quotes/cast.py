"""Everybody in a field who could have said something: who is named, who holds an office, strangers, nobody.

A name counts as a subject by its ending where endings tell, and not behind a preposition. Somebody without any name (a
witness, a spokesman) is there so that what they say is not given to a name beside them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from services.extractor.quotes.actors import NOBODY, PRONOUN, STRANGER, TITLE, Actor, Cast, Register, is_governed
from services.extractor.quotes.held import held_in
from services.extractor.quotes.strangers import strangers_in
from services.extractor.quotes.view import Place, View
from shared.events import Mention

SPEAKERS = frozenset({"person", "org", "metonym", "state", "alliance"})
_OWNING = SPEAKERS - {"person"}
_POSSESSIVE = ("'s", "’s")


def cast(view: View, register: Register, silent: Sequence[Place]) -> Cast:
    """Everybody in a field but those who are named inside quotations (`silent`)."""
    here = [one for one in register.mentions if one.span.field == view.name and one.span.end <= len(view.text)]
    named = [_named(view, one) for one in here if one.kind in SPEAKERS]
    strangers = strangers_in(view, here)
    people = Cast(one for one in (*named, *strangers) if one.kind in {"person", STRANGER})
    held, taken = held_in(view, here, register, people)
    others = [one for one in named if not _overlaps(one, taken)]
    small = [one for one in _small(view) if not _is_title_of(view, one, people)]
    known = _without_owners(view, [*others, *held, *strangers], small)
    everybody = (one for one in (*known, *small) if not _is_inside(one, silent))
    return Cast(everybody, _of_title(view, register))


def _without_owners(view: View, known: Sequence[Actor], small: Sequence[Actor]) -> Iterator[Actor]:
    """An institution right behind somebody unnamed is whose he is: a spokesman of it speaks, not it."""
    ends = {one.end for one in small if one.kind == NOBODY}
    for one in known:
        owner = one.kind in _OWNING and one.start - 1 in ends and view.text[one.start - 1] == " "
        yield replace(one, subject=False) if owner else one


def _named(view: View, mention: Mention) -> Actor:
    start, end = mention.span.start, mention.span.end
    possessive = any(mark in view.text[end - 2 : end + 2] for mark in _POSSESSIVE)
    subject = mention.subject and not is_governed(view, start) and not possessive
    return Actor(start, end, mention.entity_id, mention.name, mention.kind, subject)


def _is_title_of(view: View, small: Actor, people: Cast) -> bool:
    """Whether what somebody is stands before the name, or in it: professor X."""
    near = people.around(small.start, small.end)
    inside = any(one.start <= small.start < one.end for one in near)
    return inside or (small.kind == NOBODY and any(view.is_joined(small.end, one.start) for one in near))


def _of_title(view: View, register: Register) -> Actor | None:
    """The person named last in the title, a subject rather than anybody else."""
    if view.name == TITLE:
        return None
    people = [one for one in register.mentions if one.span.field == TITLE and one.kind == "person"]
    last = next((one for one in reversed(people) if one.subject), people[-1] if people else None)
    return Actor(0, 0, last.entity_id, last.name, last.kind, last.subject) if last is not None else None


def _small(view: View) -> Iterator[Actor]:
    """People without a name, and pronouns."""
    small = view.quoting.nobody | view.quoting.pronouns
    for at, word in [(at, word) for at, word in enumerate(view.words) if word.folded in small]:
        if word.folded in view.quoting.nobody and not _is_empty(view, at):
            yield Actor(word.start, word.end, "", "", NOBODY, not is_governed(view, word.start))
        elif word.folded in view.quoting.pronouns:
            yield Actor(word.start, word.end, "", "", PRONOUN, not is_governed(view, word.start))


def _is_empty(view: View, at: int) -> bool:
    """Whether a small word (it, jedan) is nobody who says something: only beside a verb of saying it is."""
    folded = view.words[at].folded
    small = folded in view.quoting.begins or (view.spoken is not None and folded in view.spoken.stop_words)
    return small and not any(one.act for one in view.words[max(0, at - 2) : at + 2])


def _overlaps(actor: Actor, places: Sequence[Place]) -> bool:
    """Whether one of some places, which are in order, holds a part of a name."""
    at = bisect_right(places, actor.start, key=lambda one: one.end)
    return at < len(places) and places[at].start < actor.end


def _is_inside(actor: Actor, silent: Sequence[Place]) -> bool:
    at = bisect_left(silent, actor.end, key=lambda one: one.end)
    return at < len(silent) and silent[at].start <= actor.start
