"""Everybody in a field who could have said something: who is named, who holds an office, strangers, nobody.

A name counts as a subject by its ending where endings tell, and not behind a preposition. Somebody without any name (a
witness, a spokesman) is there so that what they say is not given to a name beside them.
"""

from __future__ import annotations

from bisect import bisect_left
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
    held, taken = held_in(view, here, register, [*named, *strangers])
    others = [one for one in named if not any(_overlap(one, place) for place in taken)]
    small = list(_small(view))
    known = [_beside(view, one, small) for one in (*others, *held, *strangers)]
    everybody = [*known, *(one for one in small if not _is_title_of(view, one, known))]
    return Cast((one for one in everybody if not _is_inside(one, silent)), _of_title(view, register))


def _beside(view: View, actor: Actor, small: Sequence[Actor]) -> Actor:
    """An institution right behind somebody unnamed is whose he is: a spokesman of it speaks, not it."""
    owned = actor.kind in _OWNING and any(
        one.kind == NOBODY and view.is_joined(one.end, actor.start, most=1) for one in small
    )
    return replace(actor, subject=False) if owned else actor


def _named(view: View, mention: Mention) -> Actor:
    start, end = mention.span.start, mention.span.end
    possessive = any(mark in view.text[end - 2 : end + 2] for mark in _POSSESSIVE)
    subject = mention.subject and not is_governed(view, start) and not possessive
    return Actor(start, end, mention.entity_id, mention.name, mention.kind, subject)


def _is_title_of(view: View, small: Actor, known: Sequence[Actor]) -> bool:
    """Whether what somebody is stands before the name, or in it: professor X."""
    people = [one for one in known if one.kind in {"person", STRANGER}]
    inside = any(one.start <= small.start < one.end for one in people)
    return inside or (small.kind == NOBODY and any(view.is_joined(small.end, one.start) for one in people))


def _of_title(view: View, register: Register) -> Actor | None:
    """The person named last in the title, a subject rather than anybody else."""
    if view.name == TITLE:
        return None
    people = [one for one in register.mentions if one.span.field == TITLE and one.kind == "person"]
    last = next((one for one in reversed(people) if one.subject), people[-1] if people else None)
    return Actor(0, 0, last.entity_id, last.name, last.kind, last.subject) if last is not None else None


def _small(view: View) -> Iterator[Actor]:
    """People without a name, and pronouns."""
    for at, word in enumerate(view.words):
        if word.folded in view.quoting.nobody and not _is_empty(view, at):
            yield Actor(word.start, word.end, "", "", NOBODY, not is_governed(view, word.start))
        elif word.folded in view.quoting.pronouns:
            yield Actor(word.start, word.end, "", "", PRONOUN, not is_governed(view, word.start))


def _is_empty(view: View, at: int) -> bool:
    """Whether a small word (it, jedan) is nobody who says something: only beside a verb of saying it is."""
    folded = view.words[at].folded
    small = folded in view.quoting.begins or (view.spoken is not None and folded in view.spoken.stop_words)
    return small and not any(one.act for one in view.words[max(0, at - 2) : at + 2])


def _overlap(actor: Actor, place: Place) -> bool:
    return actor.start < place.end and place.start < actor.end


def _is_inside(actor: Actor, silent: Sequence[Place]) -> bool:
    at = bisect_left(silent, actor.end, key=lambda one: one.end)
    return at < len(silent) and silent[at].start <= actor.start
