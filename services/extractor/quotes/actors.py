"""Everybody in a field who could have said something, in order: who is named, who holds an office, strangers, nobody.

A name counts as a subject by its ending where endings tell, and not behind a preposition. An office ("the Serbian
president") is whoever holds it on the day, and one without its state is whoever of that office was named last. Two
capitalised words that are no known name are a stranger, told by name. Somebody without any name (a witness, a
spokesman) is there so that what they say is not given to a name beside them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.extractor.quotes.offices import Offices
from services.extractor.quotes.view import NOT_SAID, NOUNS_CAPITAL, Place, View, by_first_word
from shared.events import Mention

SPEAKERS = frozenset({"person", "org", "metonym", "state", "alliance"})
TITLE = "title"
OFFICE, STRANGER, NOBODY, PRONOUN = "office", "stranger", "nobody", "pronoun"
_OWNERS = frozenset({"state", "metonym", "adjective"})
_POSSESSIVE = ("'s", "’s")
_APART = 2
"""Words between an office and its state."""
_OPENING = " \t\u00a0„“”«»\"'‘’‚(–—-"
_CLOSING = ("”", "“", "»", "«", '"')
_LONGEST_NAME = 4


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


@dataclass(frozen=True, slots=True)
class Register:
    """Who can be meant in an article: everybody mentioned in it, and who holds which office on its day."""

    mentions: Sequence[Mention]
    offices: Offices


def cast(view: View, register: Register, silent: Sequence[Place]) -> Cast:
    """Everybody in a field but those who are named inside quotations (`silent`)."""
    here = [one for one in register.mentions if one.span.field == view.name and one.span.end <= len(view.text)]
    named = [_named(view, one) for one in here if one.kind in SPEAKERS]
    strangers = _with_voices(view, list(_strangers(view, here)))
    held, taken = _offices(view, here, register, [*named, *strangers])
    others = [one for one in named if not any(_overlap(one, place) for place in taken)]
    known = [*others, *held, *strangers]
    everybody = [*known, *(one for one in _small(view) if not _is_title_of(view, one, known))]
    return Cast((one for one in everybody if not _is_inside(one, silent)), _of_title(view, register))


def _is_title_of(view: View, small: Actor, known: Sequence[Actor]) -> bool:
    """Whether what somebody is stands before the name: professor X."""
    return small.kind == NOBODY and any(view.is_joined(small.end, one.start) for one in known)


def _of_title(view: View, register: Register) -> Actor | None:
    """The person named last in the title, a subject rather than anybody else."""
    if view.name == TITLE:
        return None
    people = [one for one in register.mentions if one.span.field == TITLE and one.kind == "person"]
    last = next((one for one in reversed(people) if one.subject), people[-1] if people else None)
    return Actor(0, 0, last.entity_id, last.name, last.kind, last.subject) if last is not None else None


def _named(view: View, mention: Mention) -> Actor:
    start, end = mention.span.start, mention.span.end
    possessive = any(mark in view.text[end - 2 : end + 2] for mark in _POSSESSIVE)
    subject = mention.subject and not is_governed(view, start) and not possessive
    return Actor(start, end, mention.entity_id, mention.name, mention.kind, subject)


def is_governed(view: View, start: int) -> bool:
    """Whether a preposition stands right before a name: no subject, even where forms do not show it."""
    before = view.word_before(start)
    if before is None or view.spoken is None or not view.is_joined(before.end, start):
        return False
    return before.folded in view.spoken.not_speakers_after or before.folded in view.quoting.governing


def _offices(
    view: View, here: Sequence[Mention], register: Register, named: Sequence[Actor]
) -> tuple[list[Actor], list[Place]]:
    """The offices that stand without their holder's name, and the places they take with their states."""
    owners = [one for one in here if one.kind in _OWNERS]
    held, taken = [], []
    for place, title in _titles(view):
        owner = _owner(view, place, owners)
        whole = _with(place, owner)
        beside = (one for one in named if one.kind in {"person", STRANGER})
        if owner is not None:
            taken.append(whole)
        if not any(_touches(view, one, whole) for one in beside):
            held.append(_holder(Office(whole, title, owner), register, view))
    return held, taken


def _titles(view: View) -> Iterator[tuple[Place, str]]:
    """The places of offices with their titles, the longest first at each place."""
    known = view.quoting.offices
    phrases = by_first_word(tuple(known))
    words, at = view.words, 0
    while at < len(words):
        end = view.phrase_at(at, phrases) if words[at].folded in phrases else at
        if end > at:
            yield Place(words[at].start, words[end - 1].end), known[tuple(one.folded for one in words[at:end])]
        at = max(end, at + 1)


def _owner(view: View, place: Place, owners: Sequence[Mention]) -> Mention | None:
    """The state or adjective that goes with an office: an adjective before it, a state behind it, a state before it."""
    before = [one for one in owners if _precedes(view, one, place)]
    behind = [one for one in owners if _follows(view, one, place)]
    adjectives = [one for one in before if one.kind == "adjective"]
    return next(iter([*adjectives, *behind, *before]), None)


def _precedes(view: View, owner: Mention, place: Place) -> bool:
    gap = view.text[owner.span.end : place.start] if owner.span.end <= place.start else "\n"
    words = gap.removeprefix("'s").removeprefix("’s").split()
    return len(gap) < LONGEST_GAP and not words and not set(gap) & _PARTING


def _follows(view: View, owner: Mention, place: Place) -> bool:
    start = owner.span.start
    gap = view.text[place.end : start] if start >= place.end else "\n"
    return len(gap) < LONGEST_GAP and not set(gap) & _PARTING and len(view.within(place.end, start)) <= _APART


LONGEST_GAP = 25
_PARTING = frozenset(',.;:!?\n"„“”«»()')


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


def _with_voices(view: View, strangers: Sequence[Actor]) -> list[Actor]:
    """Strangers with whether they speak anywhere."""
    voices = {one.name for one in strangers if one.subject and view.is_beside_verb(one.start, one.end)}
    return [replace(one, speaks=one.name in voices) for one in strangers]


def _strangers(view: View, here: Sequence[Mention]) -> Iterator[Actor]:
    """People on no list: rows of capitalised words beside no known name, and surnames of those or beside a verb of
    saying."""
    if view.is_headline_case:
        return
    known = {at for one in here for at in view.within(one.span.start, one.span.end)}
    surnames: dict[str, str] = {}
    done = 0
    for at, word in enumerate(view.words):
        if not word.capital or at < done:
            continue
        done = _row(view, at, known)
        if done - at > 1:
            actor = _stranger(view, at, done, known)
            if actor is not None:
                surnames[view.words[done - 1].folded] = actor.name
                yield actor
        elif done > at and (name := surnames.get(word.folded) or _surname(view, at)):
            yield Actor(word.start, word.end, "", name, STRANGER, not is_governed(view, word.start))


def _surname(view: View, at: int) -> str:
    """A capitalised word that can be no other than a name, beside a verb of saying: "…", Kennedy said."""
    word = view.words[at]
    if view.code in NOUNS_CAPITAL or len(word.folded) < 3 or word.act or _begins_sentence(view, at):
        return ""
    if view.quoting.oblique_names and word.folded.endswith(view.quoting.oblique_names):
        return ""
    around = view.words[max(0, at - 1) : at + 2]
    beside = [one for one in around if one.act and one.act not in NOT_SAID and one is not word]
    near = any(view.is_joined(one.end, word.start, 1) or view.is_joined(word.end, one.start, 1) for one in beside)
    return view.text[word.start : word.end] if near and not _is_everyday(view, word.folded) else ""


def _is_everyday(view: View, folded: str) -> bool:
    spoken = view.spoken
    if spoken is None:
        return False
    return folded in spoken.stop_words or folded in spoken.months or folded in spoken.background


def _opens_anything(view: View, at: int) -> bool:
    """Whether a word opens a sentence, or what follows a quotation."""
    before = view.text[max(0, view.words[at].start - 3) : view.words[at].start].rstrip()
    return before[-1:] in _CLOSING or _begins_sentence(view, at)


def _begins_sentence(view: View, at: int) -> bool:
    """Whether a capital shows nothing but that a sentence begins; behind a closed quotation it does."""
    before = view.text[max(0, view.words[at].start - 3) : view.words[at].start]
    if before.rstrip()[-1:] in _CLOSING and before.endswith(" "):
        return False
    sentence = view.sentence_at(view.words[at].start)
    return sentence < 0 or not view.text[view.sentences[sentence].start : view.words[at].start].strip(_OPENING)


def _row(view: View, at: int, known: set[int]) -> int:
    """Where a row of capitalised words that begins at a word ends."""
    end = at
    while end < len(view.words) and end not in known and view.words[end].capital:
        if end > at and not _is_row(view, end):
            break
        end += 1
    return end


def _is_row(view: View, number: int) -> bool:
    """Whether a word goes on with the name that the word before belongs to; a point ends it unless it is an initial."""
    before, word = view.words[number - 1], view.words[number]
    gap = view.text[before.end : word.start]
    return _is_one_name(gap) or (gap == ". " and len(before.folded) == 1)


def _is_one_name(gap: str) -> bool:
    return gap in (" ", "-", "\u00a0")


def _stranger(view: View, at: int, end: int, known: set[int]) -> Actor | None:
    first = at
    while first < end - 1 and _is_common(view, first) and _opens_anything(view, first):
        first += 1
    first = max(first, end - (2 if view.code in NOUNS_CAPITAL else _LONGEST_NAME))
    words = view.words[first:end]
    beside = {first - 1, end} & known
    if len(words) < 2 or len(words[-1].folded) < 2 or any(one.folded.isdigit() for one in words):
        return None
    start, stop = words[0].start, words[-1].end
    if beside and any(_is_beside(view, one, start, stop) for one in beside):
        return None
    oblique = words[-1].folded.endswith(view.quoting.oblique_names) if view.quoting.oblique_names else False
    return Actor(start, stop, "", view.text[start:stop], STRANGER, not oblique and not is_governed(view, start))


def _is_beside(view: View, number: int, start: int, end: int) -> bool:
    """Whether a known name touches a row: the row is a part of it that the list does not know."""
    word = view.words[number]
    gap = view.text[word.end : start] if word.end <= start else view.text[end : word.start]
    return word.capital and _is_one_name(gap)


def _is_common(view: View, number: int) -> bool:
    """Whether a capital says nothing, because the word begins a sentence or is one of every day."""
    word = view.words[number]
    return bool(word.act) or _is_everyday(view, word.folded)


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
