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
BACK = 300
"""Characters before a quotation in which the subject of a bare "rekao je" was last named."""
BARE_WORDS = 3
"""A verb among so few words has no subject of its own: "rekao je", "deklaroi ai", "he said"."""
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


def doer(view: View, verb: int, first: int, last: int, actors: Sequence[Actor]) -> Actor | None:
    """The subject of a verb among the words `first` to `last`: the nearest before it, else the nearest behind."""
    start, end = view.words[verb].start, view.words[verb].end
    able = [one for one in actors if one.subject]
    before = [one for one in able if view.words[first].start <= one.start and one.end <= start]
    if before:
        named = [one for one in before if one.kind != PRONOUN]
        return (named or before)[-1]
    until = view.words[min(last, verb + BEHIND)].end
    behind = [one for one in able if end <= one.start and one.end <= max(until, end) + 40]
    near = [one for one in behind if one.start <= until]
    return near[0] if near else None


def named(actor: Actor, verb: str, sure: float, why: str, people: Cast) -> Speaker:
    """The speaker that an actor is: a pronoun is whoever was named last, nobody is nobody."""
    if actor.kind == NOBODY:
        return Speaker(None, verb, 0.0, f"{why}, unnamed")
    if actor.kind != PRONOUN:
        return Speaker(actor, verb, sure, why)
    meant = people.person_before(actor.start, BACK)
    return Speaker(meant, verb, SURE_BARE if meant else 0.0, f"{why}, pronoun")


def is_negated(view: View, verb: int) -> bool:
    """Whether a negation stands right before a verb."""
    if view.spoken is None:
        return False
    return any(one.folded in view.spoken.negations for one in view.words[max(0, verb - NEGATED_WITHIN) : verb])
