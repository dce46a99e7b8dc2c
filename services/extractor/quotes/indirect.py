"""Indirect speech, sentence by sentence: clauses that a verb opens, "according to X, …", and "…, said X" without marks.

A sentence is read one way only, the surest first. What overlaps words in marks is left to those.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from services.extractor.quotes.actors import NOBODY, PRONOUN, Actor, Cast
from services.extractor.quotes.clauses import (
    bare_clause,
    comma_clause,
    dropped,
    is_free,
    nominal_clause,
    that_clauses,
    trimmed,
)
from services.extractor.quotes.evidence import BARE_WORDS, SURE_ACCORDING, Speaker, doer, is_negated, named
from services.extractor.quotes.view import NOT_SAID, Place, View
from shared.text.segment import Piece

FEWEST_WORDS, FEWEST_BEFORE = 3, 4
"""Words of a clause, and of one whose verb comes behind it."""
SOURCE_WITHIN = 40
"""Characters between "according to" and the name: the office before it."""
TOLD_WITHIN = 9
"""Words of "…, said X" with what goes on about X."""


def indirect(view: View, people: Cast, taken: Sequence[Place]) -> Iterator[tuple[Place, Speaker]]:
    """What is told of somebody's speech outside the stretches `taken`, which are in order."""
    for sentence in view.sentences:
        for place, speaker in _in_sentence(view, sentence, people):
            first = bisect_left(taken, place.start, key=lambda one: one.end)
            if is_free(place, taken[first : first + 1]):
                yield place, speaker


def _in_sentence(view: View, sentence: Piece, people: Cast) -> Sequence[tuple[Place, Speaker]]:
    if found := list(that_clauses(view, sentence, people)):
        return found
    for way in (_according, _behind_name, _told_behind, bare_clause, comma_clause, nominal_clause):
        one = way(view, sentence, people)
        if one is not None:
            return [one]
    return ()


def _according(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """According to X, …; …, according to X; X is, according to Y, …"""
    words = view.within(sentence.start, sentence.end)
    for at in words:
        end = _phrase(view, at)
        if end > at:
            source = _source(view, view.words[end - 1].end, people)
            if source is not None:
                place = _rest(view, sentence, view.words[at].start, source.end)
                speaker = named(source, "", SURE_ACCORDING, "according to", people)
                return (place, speaker) if place is not None else None
    return None


def _phrase(view: View, at: int) -> int:
    """Where a phrase that names a source ends, or `at`. The longest of those that fit."""
    best = at
    for phrase in view.spoken.according if view.spoken is not None else ():
        words = phrase.replace("'", " ").split()
        if [one.folded for one in view.words[at : at + len(words)]] == words:
            best = max(best, at + len(words))
    return best


def _source(view: View, start: int, people: Cast) -> Actor | None:
    """Whoever is named right behind; in any form."""
    for one in people.within(start, start + SOURCE_WITHIN + 40):
        if one.start - start <= SOURCE_WITHIN and one.kind not in {NOBODY, PRONOUN}:
            return one if "," not in view.text[start : one.start] else None
    return None


def _rest(view: View, sentence: Piece, start: int, end: int) -> Place | None:
    """What is said: behind the source, or before it where it ends the sentence."""
    behind, before = trimmed(view, end, sentence.end), trimmed(view, sentence.start, start)
    if view.count(behind) >= FEWEST_WORDS:
        return behind
    return before if view.count(before) >= FEWEST_BEFORE else None


def _behind_name(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """X szerint …, X'e göre …"""
    if not view.quoting.according_after:
        return None
    for at in view.within(sentence.start, sentence.end):
        if view.words[at].folded in view.quoting.according_after:
            near = people.within(max(sentence.start, view.words[at].start - 80), view.words[at].start)
            if near and len(view.within(near[-1].end, view.words[at].start)) <= 1 and near[-1].kind != NOBODY:
                place = _rest(view, sentence, near[-1].start, view.words[at].end)
                speaker = named(near[-1], "", SURE_ACCORDING, "according to", people)
                return (place, speaker) if place is not None else None
    return None


def _told_behind(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """…, said X."""
    commas = [at for at in range(sentence.start, sentence.end) if view.text[at] == ","]
    for number, comma in enumerate(commas):
        end = commas[number + 1] if number + 1 < len(commas) else sentence.end
        place = trimmed(view, sentence.start, comma)
        verb = _teller(view, comma, end, people)
        if verb >= 0 and view.count(place) >= FEWEST_BEFORE:
            speaker = _teller_of(view, verb, Place(comma, end), people)
            if speaker is not None:
                return place, speaker
    return None


def _teller(view: View, start: int, end: int, people: Cast) -> int:
    """The verb that follows a comma at once, or behind an auxiliary or its subject; -1 without one."""
    words = view.within(start, end)
    if not words or len(words) > TOLD_WITHIN or _opens(view, words):
        return -1
    first = words[0]
    if view.words[first].folded in view.quoting.auxiliaries and len(words) > 1:
        first += 1
    elif (opening := people.within(start, view.words[words[-1]].end)) and opening[0].start == view.words[first].start:
        first = next(iter(view.within(opening[0].end, end)), first)
    act = view.words[first].act
    return first if act and act not in NOT_SAID and not is_negated(view, first) else -1


def _opens(view: View, words: range) -> bool:
    connectives = view.spoken.connectives if view.spoken is not None else ()
    return any(view.words[at].folded in connectives for at in words)


def _teller_of(view: View, verb: int, window: Place, people: Cast) -> Speaker | None:
    words = view.within(window.start, window.end)
    actor = doer(view, verb, words[0], words[-1], people.within(window.start, window.end))
    if actor is not None:
        return named(actor, view.words[verb].folded, SURE_ACCORDING, "verb behind", people)
    return dropped(view, verb, verb, people) if len(words) <= BARE_WORDS else None
