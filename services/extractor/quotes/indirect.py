"""Indirect speech, sentence by sentence: clauses that a verb opens, "according to X, …", and "…, said X" without marks.

A sentence is read one way only, the surest first. What overlaps words in marks is left to those.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from services.extractor.quotes.actors import NOBODY, PRONOUN, STRANGER, Actor, Cast
from services.extractor.quotes.clauses import (
    bare_clause,
    comma_clause,
    dropped,
    is_free,
    nominal_clause,
    that_clauses,
    trimmed,
)
from services.extractor.quotes.evidence import (
    BARE_WORDS,
    SURE_ACCORDING,
    SURE_BARE,
    SURE_UNSAID,
    Speaker,
    Told,
    doer,
    is_impersonal,
    is_negated,
    lacks_subject,
    last_person,
    named,
)
from services.extractor.quotes.view import NOT_SAID, Place, View
from shared.text.segment import Piece

FEWEST_WORDS, FEWEST_BEFORE = 3, 4
"""Words of a clause, and of one whose verb comes behind it."""
SOURCE_WITHIN = 40
"""Characters between "according to" and the name: the office before it."""
_PARTED = re.compile(r";\s+")
_COMMA = re.compile(",")
ASIDE = 50
"""Characters of what is said about a source."""
MOST_COMMAS = 30
"""Commas of one sentence that are looked at; more make a list."""
TOLD_WITHIN = 9
"""Words of "…, said X" with what goes on about X."""


def indirect(view: View, people: Cast, taken: Sequence[Place]) -> Iterator[tuple[Place, Speaker]]:
    """What is told of somebody's speech outside the stretches `taken`, which are in order."""
    for sentence in _parts(view):
        first = bisect_left(taken, sentence.start, key=lambda one: one.end)
        quoted = first < len(taken) and taken[first].start < sentence.end
        for place, speaker in _in_sentence(view, sentence, people, quoted=quoted):
            first = bisect_left(taken, place.start, key=lambda one: one.end)
            if is_free(place, taken[first : first + 1]):
                yield place, speaker


def _parts(view: View) -> Iterator[Piece]:
    """Sentences, and what a semicolon parts of them."""
    for sentence in view.sentences:
        start = sentence.start
        for mark in _PARTED.finditer(view.text, sentence.start, sentence.end):
            yield Piece(start, mark.start())
            start = mark.end()
        yield Piece(start, sentence.end)


def _in_sentence(view: View, sentence: Piece, people: Cast, *, quoted: bool) -> Sequence[tuple[Place, Speaker]]:
    """The first reading that finds anything; a verb behind a comma is that of words in marks, where there are any."""
    if found := list(that_clauses(view, sentence, people)):
        return found
    for way in (_according, _behind_name, _told_behind, bare_clause, comma_clause, nominal_clause):
        one = way(view, sentence, people) if not (quoted and way is _told_behind) else None
        if one is not None:
            return [one]
    return ()


def _according(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """According to X, …; …, according to X; X is, according to Y, …; according to him, …"""
    here = view.within(sentence.start, sentence.end)
    first, behind = (bisect_left(view.sourcing, at) for at in (here.start, here.stop))
    for at in view.sourcing[first:behind]:
        if (end := view.phrase_at(at, view.theirs)) > at:
            place = _rest(view, sentence, view.words[at].start, view.words[end - 1].end)
            meant = last_person(view, people, view.words[at].start)
            return (place, Speaker(meant, "", SURE_BARE if meant else 0.0, "according to, pronoun")) if place else None
        end = view.phrase_at(at, view.sources)
        source = _source(view, view.words[end - 1].end, people) if end > at else None
        if source is not None:
            place = _rest(view, sentence, view.words[at].start, _with_aside(view, source.end, sentence.end))
            speaker = named(view, Told(source, "", SURE_ACCORDING, "according to"), people)
            return (place, speaker) if place is not None else None
    return None


def _source(view: View, start: int, people: Cast) -> Actor | None:
    """Whoever is named right behind; in any form."""
    for one in people.within(start, start + SOURCE_WITHIN + 40):
        if one.start - start <= SOURCE_WITHIN and one.kind not in {NOBODY, PRONOUN}:
            return one if "," not in view.text[start : one.start] else None
    return None


def _with_aside(view: View, end: int, stop: int) -> int:
    """Where a source ends with what is said about it before a comma: X of the Post, …"""
    comma = view.text.find(",", end, min(stop, end + ASIDE))
    return comma if comma >= 0 and not any(view.words[at].act for at in view.within(end, comma)) else end


def _rest(view: View, sentence: Piece, start: int, end: int) -> Place | None:
    """What is said: behind the source, or before it where it ends the sentence; all of the sentence where the source
    stands in its middle without commas."""
    behind, before = trimmed(view, end, sentence.end), trimmed(view, sentence.start, start)
    parted = view.text[max(0, start - 3) : start].rstrip().endswith(",") or view.text[end : end + 1] == ","
    if view.count(before) >= 2 and not parted and view.count(behind) >= 2:
        return trimmed(view, sentence.start, sentence.end)
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
                speaker = named(view, Told(near[-1], "", SURE_ACCORDING, "according to"), people)
                return (place, speaker) if place is not None else None
    return None


def _told_behind(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """…, said X; …, he said, …"""
    commas = [one.start() for one in _COMMA.finditer(view.text, sentence.start, sentence.end)]
    for number, comma in enumerate(commas[:MOST_COMMAS]):
        end = commas[number + 1] if number + 1 < len(commas) else sentence.end
        verb = _teller(view, comma, end, people)
        speaker = _teller_of(view, verb, Place(comma, end), people) if verb >= 0 else None
        if speaker is not None:
            before = trimmed(view, sentence.start, comma)
            place = _whole(view, sentence, before, end, speaker)
            if view.count(place) >= FEWEST_BEFORE:
                return place, speaker
    return None


def _whole(view: View, sentence: Piece, before: Place, end: int, speaker: Speaker) -> Place:
    """What stands before the comma; all of the sentence where the verb stands in its middle: too little before it to
    be all, or nobody named whose apposition could follow."""
    goes_on = view.count(Place(end, sentence.end)) >= FEWEST_WORDS
    bare = speaker.confidence <= SURE_BARE
    if goes_on and (bare or view.count(before) < FEWEST_BEFORE):
        return trimmed(view, sentence.start, sentence.end)
    return before


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
    if act := view.words[first].act:
        following = view.words[first + 1].folded if first < words[-1] else ""
        participle = first == words[0] and following in view.quoting.participle_before
        tells = act not in NOT_SAID and not participle
        return first if tells and not is_negated(view, first) else -1
    listed = any(one.end == start for one in people.within(max(0, start - 80), start))
    return first if first in words[:2] and not listed and _is_unknown_verb(view, first, end, people) else -1


def _is_unknown_verb(view: View, at: int, end: int, people: Cast) -> bool:
    """Whether a word that could be any verb has a person as its subject right behind it, in a language whose forms
    tell: …, uważa Albin Kurti."""
    spoken, word = view.spoken, view.words[at]
    if spoken is None or not spoken.cased or word.capital or _is_known(view, word.folded):
        return False
    behind = [one for one in people.within(word.end, end) if one.subject and (one.human or one.kind == STRANGER)]
    between = view.within(word.end, behind[0].start) if behind else range(0)
    return bool(behind) and all(view.words[one].folded in view.quoting.auxiliaries for one in between)


def _is_known(view: View, folded: str) -> bool:
    """Whether a word is known as no verb: a small or everyday word, an office."""
    spoken, quoting = view.spoken, view.quoting
    if spoken is not None and (folded in spoken.stop_words or folded in spoken.background):
        return True
    small = quoting.joining | quoting.relatives | quoting.nobody
    return folded in small or any(folded in office for office in quoting.offices)


def _opens(view: View, words: range) -> bool:
    connectives = view.spoken.connectives if view.spoken is not None else ()
    return any(view.words[at].folded in connectives for at in words)


def _teller_of(view: View, verb: int, window: Place, people: Cast) -> Speaker | None:
    words = view.within(window.start, window.end)
    actor = doer(view, verb, words[0], words[-1], people.within(window.start, window.end))
    if actor is not None and not view.words[verb].act:
        return named(view, Told(actor, "", SURE_UNSAID, "name behind"), people)
    if actor is not None:
        return named(view, Told(actor, view.words[verb].folded, SURE_ACCORDING, "verb behind"), people)
    bare = len(words) <= BARE_WORDS and (lacks_subject(view, verb, words) or is_impersonal(view, verb))
    return dropped(view, verb, words, people) if bare else None
