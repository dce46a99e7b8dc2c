"""Who does a verb, who was named last, and how sure each kind of evidence is.

The figures order the kinds of evidence; above 0.5 somebody was named in the sentence, below it somebody is inferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.extractor.quotes.actors import NOBODY, PRONOUN, Actor, Cast
from services.extractor.quotes.view import View

SURE_VERB, SURE_ACCORDING, SURE_COLON, SURE_NEAR, SURE_UNSAID = 0.9, 0.85, 0.8, 0.6, 0.55
SURE_BARE, SURE_SENTENCE, SURE_CARRIED = 0.45, 0.4, 0.35
BACK = 500
"""Characters before a quotation in which the subject of a bare "rekao je" was last named."""
BARE_WORDS = 3
"""A verb among so few words has no subject of its own: "rekao je", "deklaroi ai", "he said"."""
RELATIVE_WITHIN = 4
"""Words between what opens a clause about a name and the verb of that clause."""
BEHIND = 6
"""Words between a verb and a subject behind it."""
NEGATED_WITHIN = 2
"""Words between a negation and the verb that it turns."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who said it, the verb, how sure that is and by which evidence; `actor` is None for nobody known."""

    actor: Actor | None
    verb: str
    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """An actor found by one kind of evidence, before it is known who a pronoun means."""

    actor: Actor
    verb: str
    sure: float
    why: str


def doer(view: View, verb: int, first: int, last: int, actors: Sequence[Actor]) -> Actor | None:
    """The subject of a verb among the words `first` to `last`: whoever a clause is about (X, who said), the nearest
    before it (a place only in the same clause), else the nearest behind."""
    start, end = view.words[verb].start, view.words[verb].end
    about = _antecedent(view, verb, first, actors)
    if about is not None:
        return about
    able = [one for one in actors if one.subject and not (one.place and _is_parted(view, one, start))]
    before = [one for one in able if view.words[first].start <= one.start and one.end <= start]
    if aside := _before_aside(view, before, start):
        return aside
    if before:
        known = [one for one in before if one.kind != PRONOUN]
        return (known or before)[-1]
    until = view.words[min(last, verb + BEHIND)].start
    return next((one for one in able if end <= one.start <= until), None)


def _before_aside(view: View, before: Sequence[Actor], start: int) -> Actor | None:
    """The name before what two commas say about it: X, who represents Y, said."""
    if view.text[max(0, start - 2) : start] != ", ":
        return None
    heads = [one for one in before if one.end < start - 2 and view.text[one.end] == ","]
    return heads[-1] if heads else None


def _is_comma(gap: str) -> bool:
    return gap.strip(" i\u00a0") == ","


def _is_parted(view: View, actor: Actor, start: int) -> bool:
    """Whether a comma stands between a name and what follows it."""
    return "," in view.text[actor.end : start]


def _antecedent(view: View, verb: int, first: int, actors: Sequence[Actor]) -> Actor | None:
    """The name before a clause about it that holds the verb; in whatever form it is."""
    for at in range(verb - 1, max(first, verb - RELATIVE_WITHIN) - 1, -1):
        word = view.words[at]
        if word.folded in view.quoting.relatives:
            gap = [
                one
                for one in actors
                if one.end <= word.start and view.text[one.end : word.start].strip(" i\u00a0") == ","
            ]
            own = any(one.subject and word.end <= one.start <= view.words[verb].start for one in actors)
            return gap[-1] if gap and not own else None
    return None


def last_person(view: View, people: Cast, position: int) -> Actor | None:
    """The person spoken of last before a position: in the last sentence that names anybody, the one beside a verb of
    saying or the first subject, nobody when that is somebody unnamed. Failing that the person of the title, and at the
    beginning the first behind."""
    before = [one for one in people.within(max(0, position - BACK), position) if one.human or one.kind == NOBODY]
    if before:
        sentence = view.sentence_at(before[-1].start)
        same = [one for one in before if view.sentence_at(one.start) == sentence]
        able = [one for one in same if one.subject] or same[-1:]
        speaking = (one for one in able if one.human and view.is_beside_verb(one.start, one.end))
        found = next(speaking, able[0])
        return found if found.human else None
    if people.elsewhere is not None or view.sentence_at(position) > 0:
        return people.elsewhere
    return next((one for one in people.within(position, position + BACK) if one.human and one.subject), None)


def lacks_subject(view: View, verb: int, words: range) -> bool:
    """Whether a verb has no subject of its own among some words, in a language that allows it: small words before it in
    its clause, and behind it none, or a preposition first."""
    if view.quoting.keeps_subject:
        return False
    for at in range(verb - 1, words[0] - 1, -1):
        if "," in view.text[view.words[at].end : view.words[at + 1].start]:
            break
        if not _is_small(view, at):
            return False
    for at in range(verb + 1, words[-1] + 1):
        joined = view.words[at].folded in view.quoting.joining
        if joined or "," in view.text[view.words[at - 1].end : view.words[at].start] or _is_preposition(view, at):
            return True
        if not _is_small(view, at):
            return False
    return True


def _is_small(view: View, at: int) -> bool:
    word, quoting = view.words[at], view.quoting
    if len(word.folded) <= 2 or word.folded in quoting.pronouns | quoting.auxiliaries | quoting.adverbs:
        return True
    return view.spoken is not None and word.folded in view.spoken.stop_words


def _is_preposition(view: View, at: int) -> bool:
    folded, spoken = view.words[at].folded, view.spoken
    return folded in view.quoting.governing or (spoken is not None and folded in spoken.not_speakers_after)


def is_impersonal(view: View, verb: int) -> bool:
    """Whether a verb is told of nobody: navodi se, saopšteno je."""
    word = view.words[verb]
    around = (one for one in view.words[max(0, verb - 1) : verb + 2] if abs(one.start - word.end) < 2 or
              word.start - one.end == 1)  # fmt: skip
    if any(one.folded in view.quoting.impersonal for one in around):
        return True
    return bool(view.quoting.impersonal_ends) and view.words[verb].folded.endswith(view.quoting.impersonal_ends)


def named(view: View, told: Told, people: Cast) -> Speaker:
    """The speaker that an actor is: a pronoun is whoever was spoken of last, nobody is nobody."""
    actor, why = told.actor, told.why
    if actor.kind == NOBODY:
        return Speaker(None, told.verb, 0.0, f"{why}, unnamed")
    if actor.kind != PRONOUN:
        return Speaker(actor, told.verb, told.sure, why)
    meant = last_person(view, people, actor.start)
    return Speaker(meant, told.verb, SURE_BARE if meant else 0.0, f"{why}, pronoun")


def is_negated(view: View, verb: int) -> bool:
    """Whether a negation stands right before a verb, in its sentence; a name that looks like one (Nišu) does not."""
    if view.spoken is None:
        return False
    negations, sentence = view.spoken.negations, view.sentence_at(view.words[verb].start)
    before = (one for one in view.words[max(0, verb - NEGATED_WITHIN) : verb] if one.folded in negations)
    return any(not one.capital or view.sentences[sentence].start == one.start for one in before
               if view.sentence_at(one.start) == sentence)  # fmt: skip
