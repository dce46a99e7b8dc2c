"""Clauses that a verb of saying opens: X said that …, X said …, X warnte, …, and before the verb in Turkish.

Where a clause holds a further "that" with its own subject, the inner one is the quotation and its subject the speaker
(Vučić said that Kurti had said that …); where a second verb goes on (… and added that), both are. A known verb makes
the speaker surer; without one, a subject right before a word that opens nothing but what is said or thought suffices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.extractor.quotes.actors import Actor, Cast, is_governed
from services.extractor.quotes.evidence import (
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
from services.extractor.quotes.view import NOT_SAID, Place, View, starts_with
from shared.text.segment import Piece

VERB_WITHIN, WEAK_WITHIN, UNSAID_WITHIN = 7, 2, 3
"""Words before what opens a clause: its verb; its verb and a small word where the opening word has other uses; a
subject where no verb is known."""
TELLER_WORDS = 4
"""Words of who reports a clause, behind it."""
REJECTED_WITHIN = 2
"""Words up to what is denied; farther behind a denial stands what others said."""
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
        place = _without_teller(view, trimmed(view, _begin(view, one.at), end))
        if speaker is not None and view.count(place) >= FEWEST_WORDS:
            yield place, speaker


def _is_lookalike(view: View, at: int) -> bool:
    """Whether a word only folds to one that opens a clause: së and se."""
    word, others = view.words[at], view.quoting.lookalikes
    return bool(others) and view.text[word.start : word.end].lower() in others


def _begin(view: View, at: int) -> int:
    """Where a clause begins: behind the word that opens it, and what may stand between (da li)."""
    following = view.words[at + 1] if at + 1 < len(view.words) else None
    filler = following is not None and following.folded in view.quoting.fillers
    return following.end if filler and following is not None else view.words[at].end


def _without_teller(view: View, place: Place) -> Place:
    """A clause without who reports it behind a last comma: …, shkruan Danas."""
    comma = view.text.rfind(",", place.start, place.end)
    words = view.within(comma, place.end) if comma >= 0 else range(0)
    if 0 < len(words) <= TELLER_WORDS and view.words[words[0]].act:
        return trimmed(view, place.start, comma)
    return place


def _openings(view: View, sentence: Piece, people: Cast) -> list[Opening]:
    words = view.within(sentence.start, sentence.end)
    found: list[Opening] = []
    if view.spoken is None or not words:
        return found
    first = words[0]
    for at in words[1:]:
        if view.words[at].folded in view.spoken.connectives and not _is_lookalike(view, at):
            verb = _verb_before(view, at, first)
            if verb >= 0 or (verb == _NONE and _is_unsaid(view, at, first, people)):
                start = _joint(view, verb, first) if found and verb >= 0 else first
                found.append(Opening(at, verb, start, start > first))
                first = at + 1
    return found


_DAY = 3
"""Words of a day between a verb and its clause: said late Tuesday that."""
_NONE, _REFUSED = -1, -2


def _verb_before(view: View, at: int, first: int) -> int:
    """The verb of saying before an opening word; `_REFUSED` where there is one that says nothing."""
    word = view.words[at].folded
    strong = view.quoting.strong
    if (strong and word in _SUBJUNCTIVE) or is_governed(view, view.words[at].start):
        return _REFUSED
    weak = word not in strong and (bool(strong) or word not in _main(view))
    reach = WEAK_WITHIN if weak and len(view.words[at - 1].folded) <= 2 else 1 if weak else VERB_WITHIN
    for verb in range(at - 1, max(first, at - reach) - 1, -1):
        act = view.words[verb].act
        if act and (verb == first or not view.words[verb].capital):
            return verb if _says(view, verb, at) and _leads_to(view, verb, at) else _REFUSED
    return _NONE


def _leads_to(view: View, verb: int, at: int) -> bool:
    """Whether no other clause begins between a verb and an opening word: behind a comma nothing but that word may
    stand, or an aside between two."""
    gap = view.text[view.words[verb].end : view.words[at].start]
    if view.quoting.tells and at > verb + 1 and not _may_follow(view, verb, at):
        return False
    comma = gap.rfind(",")
    return comma < 0 or not gap[comma + 1 :].strip() or gap.count(",") > 1


def _may_follow(view: View, verb: int, at: int) -> bool:
    """Whether what follows a verb can stand before its clause: a preposition or an adverb, or with some verbs whoever
    is told; another object takes the clause for itself (reported details of the tour that …)."""
    word, spoken = view.words[verb + 1], view.spoken
    if view.words[verb].folded in view.quoting.tells or spoken is None or (word.capital and at - verb <= _DAY):
        return True
    prepositions = spoken.not_speakers_after | view.quoting.governing
    small = word.folded in prepositions or (word.folded in spoken.stop_words and word.folded not in view.quoting.begins)
    return small or word.folded.endswith("ly")


def _main(view: View) -> tuple[str, ...]:
    """The first word of the list is the one that means `that`."""
    return view.spoken.connectives[:1] if view.spoken is not None else ()


def _says(view: View, verb: int, at: int) -> bool:
    word = view.words[verb]
    refused = view.quoting.refusals and starts_with(word.folded, view.quoting.refusals)
    others = word.act == "reject" and at - verb > REJECTED_WITHIN
    if word.act in NOT_SAID or refused or others:
        return False
    return word.act == "reject" or not is_negated(view, verb)


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
        return named(view, Told(able[-1], "", SURE_UNSAID, "clause"), people) if able else None
    word = view.words[one.verb].folded
    actor = doer(view, one.verb, one.first, one.at - 1, inside)
    if actor is not None:
        return named(view, Told(actor, word, SURE_ACCORDING, "verb and clause"), people)
    return (
        before if one.joined and before is not None else dropped(view, one.verb, range(one.first, one.verb + 1), people)
    )


def dropped(view: View, verb: int, around: range, people: Cast) -> Speaker:
    """The speaker of a verb without a named subject: whoever was spoken of last, where no word around can be it."""
    word = view.words[verb].folded
    alone = lacks_subject(view, verb, around) and not is_impersonal(view, verb)
    meant = last_person(view, people, view.words[around[0]].start) if alone else None
    if meant is None:
        return Speaker(None, word, 0.0, "verb and clause, unnamed")
    return Speaker(meant, word, SURE_BARE, "verb and clause, subject before")


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
                return place, named(view, Told(actor, view.words[at].folded, SURE_ACCORDING, "verb and clause"), people)
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
                return place, named(view, Told(actor, word.folded, SURE_ACCORDING, "verb and clause"), people)
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
    return place, named(view, Told(able[0], view.words[verb].folded, SURE_ACCORDING, "verb and clause"), people)


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
