"""Offices in a text that stand without their holder's name: the Serbian president, ministar odbrane Srbije.

An office goes with the adjective before it, the state behind it or before it, and is whoever holds it on the day. One
without its state is whoever of that office was named last before it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.extractor.quotes.actors import NOBODY, OFFICE, REACH, Actor, Cast, Register, is_governed
from services.extractor.quotes.view import Place, View, by_first_word
from shared.events import Mention

APART, LONGEST_GAP = 2, 25
"""Words and characters between an office and its state."""
_OWNERS = frozenset({"state", "metonym", "adjective"})
_PARTING = frozenset(',.;:!?\n"„“”«»()')


def held_in(view: View, here: Sequence[Mention], register: Register, people: Cast) -> tuple[list[Actor], list[Place]]:
    """The offices that stand without their holder's name, and the places they take with their states."""
    owners = sorted((one for one in here if one.kind in _OWNERS), key=lambda one: one.span.start)
    starts = [one.span.start for one in owners]
    held, taken = [], []
    for place, title in _titles(view):
        near = slice(bisect_left(starts, place.start - REACH), bisect_left(starts, place.end + LONGEST_GAP))
        owner = _owner(view, place, owners[near])
        whole = _with(place, owner)
        if owner is not None:
            taken.append(whole)
        if not any(_touches(view, one, whole) for one in people.around(whole.start, whole.end)):
            held.append(_holder(Office(whole, title, owner), register, view))
    return held, taken


def _titles(view: View) -> Iterator[tuple[Place, str]]:
    """The places of offices with their titles, the longest first at each place."""
    known = view.quoting.offices
    phrases = by_first_word(tuple(known))
    words, done = view.words, 0
    for at in [at for at, one in enumerate(words) if one.folded in phrases]:
        end = view.phrase_at(at, phrases) if at >= done else at
        if end > at:
            yield Place(words[at].start, words[end - 1].end), known[tuple(one.folded for one in words[at:end])]
            done = end


def _owner(view: View, place: Place, owners: Sequence[Mention]) -> Mention | None:
    """The state or adjective that goes with an office: an adjective before it, a state behind it, a state before it."""
    before = [one for one in owners if _precedes(view, one, place)]
    behind = [one for one in owners if _follows(view, one, place)]
    adjectives = [one for one in before if one.kind == "adjective"]
    return next(iter([*adjectives, *behind, *before]), None)


def _precedes(view: View, owner: Mention, place: Place) -> bool:
    gap = view.text[owner.span.end : place.start] if 0 <= place.start - owner.span.end < LONGEST_GAP else "\n"
    words = gap.removeprefix("'s").removeprefix("’s").split()
    return not words and not set(gap) & _PARTING


def _follows(view: View, owner: Mention, place: Place) -> bool:
    start = owner.span.start
    gap = view.text[place.end : start] if start >= place.end else "\n"
    return len(gap) < LONGEST_GAP and not set(gap) & _PARTING and len(view.within(place.end, start)) <= APART


def _with(place: Place, owner: Mention | None) -> Place:
    if owner is None:
        return place
    return Place(min(place.start, owner.span.start), max(place.end, owner.span.end))


@dataclass(frozen=True, slots=True)
class Office:
    """An office in a text: its place with its state's, its title, and the mention of the state."""

    place: Place
    title: str
    owner: Mention | None


def _holder(office: Office, register: Register, view: View) -> Actor:
    start, end = office.place.start, office.place.end
    found = _holder_of_state(office, register) if office.owner is not None else _holder_named(office, register, view)
    return Actor(start, end, *found, OFFICE if found[0] else NOBODY, not is_governed(view, start))


def _holder_of_state(office: Office, register: Register) -> tuple[str, str]:
    owner = office.owner
    if owner is None or owner.kind == "metonym":
        return "", ""
    return register.offices.holder(office.title, owner.entity_id)


def _holder_named(office: Office, register: Register, view: View) -> tuple[str, str]:
    """Whoever of that office was named last before it, else first behind it."""
    people = (one for one in register.mentions if one.kind == "person")
    same = [one for one in people if office.title in one.role.split(" of ")[0]]
    earlier = [one for one in same if one.span.field != view.name or one.span.start < office.place.start]
    near = earlier[-1] if earlier else next(iter(same), None)
    return (near.entity_id, near.name) if near is not None else ("", "")


def _touches(view: View, actor: Actor, place: Place) -> bool:
    """Whether a name is part of what an office begins: the president, X; X, the president."""
    return view.is_joined(place.end, actor.start) or view.is_joined(actor.end, place.start, most=6)
