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
    """The person spoken of last before a position: the first subject of the last sentence that names anybody; failing
    that the person of the title, and the first behind."""
    before = [one for one in people.within(max(0, position - BACK), position) if one.human]
    if before:
        sentence = view.sentence_at(before[-1].start)
        same = [one for one in before if view.sentence_at(one.start) == sentence]
        return next((one for one in same if one.subject), None) or same[-1]
    behind = (one for one in people.within(position, position + BACK) if one.human and one.subject)
    return people.elsewhere or next(behind, None)


def is_bare(view: View, verb: int, words: range) -> bool:
    """Whether a verb has nothing but small words and pronouns around it, and so no subject of its own."""
    stop = view.spoken.stop_words if view.spoken is not None else frozenset[str]()
    small = stop | view.quoting.pronouns | view.quoting.auxiliaries | view.quoting.adverbs
    return all(at == verb or view.words[at].folded in small or len(view.words[at].folded) <= 2 for at in words)


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
    """Whether a negation stands right before a verb."""
    if view.spoken is None:
        return False
    return any(one.folded in view.spoken.negations for one in view.words[max(0, verb - NEGATED_WITHIN) : verb])
