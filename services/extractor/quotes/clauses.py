"""Clauses that a verb of saying opens: X said that …, X said …, X warnte, …, and before the verb in Turkish.

Where a clause holds a further "that" with its own subject, the inner one is the quotation and its subject the speaker
(Vučić said that Kurti had said that …); where a second verb goes on (… and added that), both are. A known verb makes
the speaker surer; without one, a subject right before a word that opens nothing but what is said or thought suffices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.extractor.quotes.actors import Actor, Cast
from services.extractor.quotes.evidence import (
    BACK,
    SURE_ACCORDING,
    SURE_BARE,
    SURE_UNSAID,
    Speaker,
    doer,
    is_negated,
    named,
)
from services.extractor.quotes.view import NOT_SAID, Place, View, starts_with
from shared.text.segment import Piece

VERB_WITHIN, WEAK_WITHIN, UNSAID_WITHIN = 7, 2, 3
"""Words before what opens a clause: its verb; its verb where the opening word has other uses; a subject where no verb
is known."""
JOINED_WITHIN = 3
"""Words between what joins two clauses and the verb of the second."""
FEWEST_WORDS = 3
_SUBJUNCTIVE = frozenset({"da", "te", "sa", "na"})
"""Words that open a clause of what is wanted where the language has another one for what is said."""
_COMPARING = frozenset({"me", "mai", "plus"})
"""Words behind which the opening word of a clause compares: më i madh se."""
_EDGES = " \t\n\u00a0.,;:!?…–—-"
_BLANK = " \n\u00a0"
_MARKS = "\"“”„«»'’‘‚)("


@dataclass(frozen=True, slots=True)
class Opening:
    """A word that opens what is said, the verb before it (-1 for none known), and the first word of its segment."""

    at: int
    verb: int
    first: int
    joined: bool


def that_clauses(view: View, sentence: Piece, people: Cast) -> Iterator[tuple[Place, Speaker]]:
    """The clauses that a word opens: that, da, se, …"""
    openings = _openings(view, sentence, people)
    before: Speaker | None = None
    for number, one in enumerate(openings):
        following = openings[number + 1] if number + 1 < len(openings) else None
        speaker = _speaker(view, one, people, before)
        before = speaker
        if following is not None and not following.joined:
            continue
        end = sentence.end if following is None else view.words[following.first].start
        place = trimmed(view, view.words[one.at].end, end)
        if speaker is not None and view.count(place) >= FEWEST_WORDS:
            yield place, speaker


def _openings(view: View, sentence: Piece, people: Cast) -> list[Opening]:
    words = view.within(sentence.start, sentence.end)
    found: list[Opening] = []
    if view.spoken is None or not words:
        return found
    first = words[0]
    for at in words[1:]:
        if view.words[at].folded in view.spoken.connectives:
            verb = _verb_before(view, at, first)
            if verb >= 0 or (verb == _NONE and _is_unsaid(view, at, first, people)):
                start = _joint(view, verb, first) if found and verb >= 0 else first
                found.append(Opening(at, verb, start, start > first))
                first = at + 1
    return found


_NONE, _REFUSED = -1, -2


def _verb_before(view: View, at: int, first: int) -> int:
    """The verb of saying before an opening word; `_REFUSED` where there is one that says nothing."""
    word = view.words[at].folded
    strong = view.quoting.strong
    if strong and word in _SUBJUNCTIVE:
        return _REFUSED
    reach = VERB_WITHIN if word in strong or (not strong and word in _main(view)) else WEAK_WITHIN
    for verb in range(at - 1, max(first, at - reach) - 1, -1):
        act = view.words[verb].act
        if act and (verb == first or not view.words[verb].capital):
            return verb if _says(view, verb, act) else _REFUSED
    return _NONE


def _main(view: View) -> tuple[str, ...]:
    """The first word of the list is the one that means `that`."""
    return view.spoken.connectives[:1] if view.spoken is not None else ()


def _says(view: View, verb: int, act: str) -> bool:
    if act in NOT_SAID or (view.quoting.refusals and starts_with(view.words[verb].folded, view.quoting.refusals)):
        return False
    return act == "reject" or not is_negated(view, verb)


def _is_unsaid(view: View, at: int, first: int, people: Cast) -> bool:
    """Whether a subject stands right before a word that opens only what is said: X reckons that."""
    if view.words[at].folded not in view.quoting.strong:
        return False
    before = range(max(first, at - UNSAID_WITHIN - 1), at)
    if any(view.words[one].folded in _COMPARING for one in before) or not before:
        return False
    able = [one for one in people.within(view.words[before[0]].start, view.words[at].start) if one.subject and one.id]
    between = view.within(able[-1].end, view.words[at].start) if able else range(0)
    negations = view.spoken.negations if view.spoken is not None else frozenset[str]()
    return bool(between) and not any(view.words[one].folded in negations for one in between)


def _joint(view: View, verb: int, first: int) -> int:
    """Where a second verb of the same speaker begins its segment: behind a comma or a word that joins; else `first`."""
    for at in range(verb, max(first, verb - JOINED_WITHIN), -1):
        if view.words[at - 1].folded in view.quoting.joining:
            return at - 1
        if "," in view.text[view.words[at - 1].end : view.words[at].start]:
            return at
    return first


def _speaker(view: View, one: Opening, people: Cast, before: Speaker | None) -> Speaker | None:
    start, end = view.words[one.first].start, view.words[one.at].start
    inside = people.within(start, end)
    if one.verb < 0:
        able = [actor for actor in inside if actor.subject]
        return named(able[-1], "", SURE_UNSAID, "clause", people) if able else None
    word = view.words[one.verb].folded
    actor = doer(view, one.verb, one.first, one.at - 1, inside)
    if actor is not None:
        return named(actor, word, SURE_ACCORDING, "verb and clause", people)
    return before if one.joined and before is not None else dropped(view, one.first, one.verb, people)


def dropped(view: View, first: int, verb: int, people: Cast) -> Speaker:
    """The speaker of a verb without a named subject: whoever was named last, where nothing else can be its subject."""
    word = view.words[verb].folded
    meant = people.person_before(view.words[first].start, BACK) if _is_alone(view, first, verb) else None
    if meant is None:
        return Speaker(None, word, 0.0, "verb and clause, unnamed")
    return Speaker(meant, word, SURE_BARE, "verb and clause, subject before")


def _is_alone(view: View, first: int, verb: int) -> bool:
    """Whether nothing but small words stands before a verb."""
    stop = view.spoken.stop_words if view.spoken is not None else frozenset[str]()
    return all(view.words[at].folded in stop or len(view.words[at].folded) <= 2 for at in range(first, verb))


def bare_clause(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """X said the pact was …: a clause without a word that opens it."""
    words = view.within(sentence.start, sentence.end)
    for at in words[1:-FEWEST_WORDS]:
        if view.words[at].folded in view.quoting.bare and not is_negated(view, at):
            following = at + 1
            if view.text[view.words[at].end : view.words[following].start] != " " or not _begins(view, following):
                continue
            actor = _right_before(view, at, people)
            if actor is not None:
                place = trimmed(view, view.words[following].start, sentence.end)
                return place, named(actor, view.words[at].folded, SURE_ACCORDING, "verb and clause", people)
    return None


def _begins(view: View, at: int) -> bool:
    """Whether a word can be the subject that begins a clause."""
    return view.words[at].capital or view.words[at].folded in view.quoting.begins


def _right_before(view: View, verb: int, people: Cast) -> Actor | None:
    start = view.words[max(0, verb - 2)].start
    able = [one for one in people.within(max(0, start - 40), view.words[verb].start) if one.subject]
    return able[-1] if able and len(view.within(able[-1].end, view.words[verb].start)) <= 1 else None


def comma_clause(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """X warnte, das Bündnis …: a clause behind a comma."""
    words, stems = view.within(sentence.start, sentence.end), view.quoting.after_comma
    for at in words[:-FEWEST_WORDS] if stems else ():
        word, following = view.words[at], view.words[at + 1]
        if not word.act or not starts_with(word.folded, stems) or is_negated(view, at):
            continue
        if view.text[word.end : following.start] == ", " and following.folded not in view.quoting.no_clause:
            actor = doer(view, at, words[0], at, people.within(sentence.start, word.start))
            if actor is not None:
                place = trimmed(view, following.start, sentence.end)
                return place, named(actor, word.folded, SURE_ACCORDING, "verb and clause", people)
    return None


def nominal_clause(view: View, sentence: Piece, people: Cast) -> tuple[Place, Speaker] | None:
    """X, …diğini söyledi: a clause made a noun, before its verb at the end of the sentence."""
    words, endings = view.within(sentence.start, sentence.end), view.quoting.nominal
    if not endings or len(words) < FEWEST_WORDS + 2:
        return None
    verb = words[-1]
    if not view.words[verb].act or not view.words[verb - 1].folded.endswith(endings):
        return None
    able = [one for one in people.within(sentence.start, view.words[verb].start) if one.subject]
    if not able:
        return None
    place = trimmed(view, able[0].end, view.words[verb].start)
    return place, named(able[0], view.words[verb].folded, SURE_ACCORDING, "verb and clause", people)


def trimmed(view: View, start: int, end: int) -> Place:
    """A stretch without blanks and punctuation at its ends, nor a mark whose other half stands outside."""
    text = view.text
    while start < end and (text[start] in _EDGES or (text[start] in _MARKS and text[start + 1 : start + 2] in _EDGES)):
        start += 1
    while end > start and (text[end - 1] in _EDGES or (text[end - 1] in _MARKS and text[end - 2] in _EDGES)):
        end -= 1
    return Place(start, end)


def is_free(place: Place, taken: Sequence[Place]) -> bool:
    """Whether a stretch touches none of some others."""
    return not any(place.start < one.end and one.start < place.end for one in taken)
