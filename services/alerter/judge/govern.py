"""Who governs a verb, a feeling, a reaction or a claim, decided by place and form among all actors of a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from services.alerter.judge.actors import Actor
from services.alerter.judge.acts import Cue, anaphors, kinds
from services.alerter.judge.scene import NEGATED_WITHIN, Scene, done_by, is_negated, opens_clause

BEING_WITHIN, CLAUSE_WITHIN = 2, 2
"""Words between a form of to be and its participle, and between the word that opens a clause and its subject."""
OPENING, RIGHT_BEHIND, BEHIND, PLACE_WITHIN, OWNER_WITHIN = 2, 2, 6, 8, 3
"""Words: before a verb that opens its sentence; between a verb and a place behind it, or a name behind it; between a
place and its verb; a reaction and whose it is."""
RIGHT_BEFORE = 3
"""Words between a capital and the verb it stands right before."""
DONE_BY = frozenset({"condemn", "reject", "welcome"})
"""Acts that are told in the passive, too: condemned by Belgrade."""
TAKES_NO_NAME = frozenset({"", "comment"})
"""Saying and reacting: a name behind such a verb is its subject, not its object."""
SUBJUNCTIVE = frozenset({"da", "te", "sa", "na"})
"""Words that open a clause of what is wanted as often as of what is said."""
LESS_CARRIED = 0.1
"""How much less sure it is that somebody named before goes on."""


def subject_of(scene: Scene, verb: int, act: str) -> tuple[Actor | None, float]:
    """Who does a verb: the headline's speaker before a colon, whoever it is done by, a name behind a verb that follows
    what is said, the last named subject before it, a place right before it, whoever spoke last where the verb has no
    subject of its own, else a place farther before it or a name behind it. An unsure one is less sure."""
    headline = headline_speaker(scene, verb)
    if headline is not None:
        return headline, 0.0
    if _is_theirs(scene):
        return (Actor(0, 0, scene.carried), LESS_CARRIED) if scene.carried is not None else (None, 0.0)
    able = [one for one in scene.cast.actors if one.subject or one.source]
    before = [one for one in able if one.at < verb]
    named = [one for one in before if not one.place and not _is_in_aside(scene, one, verb)]
    near = [one for one in before if one.place and verb - one.end < RIGHT_BEFORE
            and (not named or one.at > named[-1].at) and not opens_clause(scene, one.end)]  # fmt: skip
    aside = _is_aside(scene, verb)
    behind = _behind(scene, verb, able, act)
    return next(
        (found for found in (
            (_agent(scene, verb, act, before), 0.0),
            (behind if aside and not act else None, 0.0),
            (near[-1] if near and not aside and (act or not named) else None, 0.0),
            (named[-1] if named else None, 0.0),
            (_pronoun(scene, verb), LESS_CARRIED),
            (None if aside else _place_before(scene, before, verb), 0.0),
            (behind, 0.0),
            (_inside(scene), 0.0),
        ) if found[0] is not None),
        (None, 0.0),
    )  # fmt: skip


def _is_in_aside(scene: Scene, actor: Actor, verb: int) -> bool:
    """Whether a name stands in a clause about the one before it: Vucic, who met Rutte, warned."""
    opens = (one.first for one in scene.cast.marked("relative") if one.first <= actor.at)
    about = any(one.end == first for first in opens for one in scene.cast.actors if one.subject and one is not actor)
    words = scene.sentence.words
    return about and any(not words[at].joined for at in range(actor.end, verb + 1))


def _is_theirs(scene: Scene) -> bool:
    """Whether a sentence is according to somebody named before it: by him, the reaction was mild."""
    mark = next(iter(scene.cast.marked("theirs")), None)
    return mark is not None and not any(one.subject and not one.place and one.at < mark.first
                                        for one in scene.cast.actors)  # fmt: skip


def _place_before(scene: Scene, before: Sequence[Actor], verb: int) -> Actor | None:
    """A place farther before its verb, in the same clause."""
    places = [one for one in before if one.place and verb - one.end < PLACE_WITHIN]
    return places[-1] if places and not opens_clause(scene, places[-1].end) else None


def is_told_by_others(scene: Scene, actor: Actor) -> bool:
    """Whether another side or an expert says it of an actor: Kurti says that Serbia threatens. Media only report."""
    opens = [one.first for one in scene.cast.marked("that") if 0 <= actor.at - one.end < CLAUSE_WITHIN]
    verbs = [at for at in scene.verbs if opens and at < opens[-1]]
    tellers = [one for one in scene.cast.actors if verbs and one.subject and one.at < verbs[-1]]
    side = actor.mention.side if actor.mention is not None else ""
    teller = tellers[-1] if tellers else actor
    return not teller.media and (teller.mention is None or teller.mention.side != side)


def _inside(scene: Scene) -> Actor | None:
    """Where people think or say it, in a sentence without a subject: u Beogradu smatraju."""
    if any(one.subject for one in scene.cast.actors):
        return None
    return next((one for one in scene.cast.actors if one.inside and one.at <= OPENING), None)


def _is_aside(scene: Scene, verb: int) -> bool:
    """Whether a verb follows what is said, or stands within it: "…", said X; the pact, he says, is …"""
    words = scene.sentence.words
    quoted = any(one.kind == "direct" and one.span.end <= words[verb].start for one in scene.quotes)
    return verb > 0 and (quoted or not words[verb].joined)


def is_suffered(scene: Scene, verb: int) -> bool:
    """Whether a verb is told of whom it was done to, and nobody is named who did it: Serbia was accused."""
    if verb not in {one.first for one in scene.cast.marked("passive")}:
        return False
    turns = any(0 < verb - one.first <= NEGATED_WITHIN for one in scene.cast.marked("be"))
    telling = "be" not in kinds(scene.reading.article.language.macro)  # the participle itself is a passive
    return (turns or telling) and done_by(scene, verb) is None


def _agent(scene: Scene, verb: int, act: str, before: Sequence[Actor]) -> Actor | None:
    """By whom something was done: condemned by Belgrade."""
    passive = any(one.first == verb for one in scene.cast.marked("passive"))
    return done_by(scene, verb) if act in DONE_BY and (passive or not before) else None


def _behind(scene: Scene, verb: int, able: Sequence[Actor], act: str) -> Actor | None:
    """A subject behind its verb. What can be an object is none: a place, and where forms do not tell, any name."""
    for one in able:
        if verb < one.at <= verb + (RIGHT_BEHIND if one.place else BEHIND):
            return None if act not in TAKES_NO_NAME and (one.place or not scene.cased) else one
    return None


def _pronoun(scene: Scene, verb: int) -> Actor | None:
    """Whoever spoke last, where the verb opens the sentence or a pronoun does."""
    if scene.carried is None:
        return None
    meant = anaphors(scene.reading.article.language.macro)
    drops = verb < OPENING and not any(one.subject and one.at <= verb + RIGHT_BEHIND for one in scene.cast.actors)
    behind_quote = any(one.kind == "direct" and not one.speaker_id for one in scene.quotes)
    around = [*scene.words[:OPENING], *scene.words[max(0, verb - OPENING) : verb + OPENING]]
    if drops or any(meant.holds(word) for word in around) or (behind_quote and not _named_behind(scene, verb)):
        return Actor(max(0, verb - 1), verb, scene.carried)
    return None


def _named_behind(scene: Scene, verb: int) -> bool:
    return any(one.subject and verb < one.at <= verb + BEHIND for one in scene.cast.actors)


def headline_speaker(scene: Scene, at: int) -> Actor | None:
    """`Name: what is said`: the last actor before a word with a colon right behind the name."""
    text = scene.reading.field(scene.sentence.field)
    for one in reversed(scene.cast.actors):
        end = scene.sentence.words[one.end - 1].end
        if one.end <= at and one.subject and text[end : end + 1] == ":":
            return one
    return None


def according(scene: Scene) -> Actor | None:
    """Whose words or view a sentence is: according to X."""
    return next((one for one in scene.cast.actors if one.source and one.subject), None)


def verb_of(scene: Scene, cue: Cue) -> int:
    """The verb that introduces what is said: the last one before the cue, else the first behind it; -1 for none."""
    before = [at for at in scene.verbs if at < cue.first]
    return before[-1] if before else next((at for at in scene.verbs if at >= cue.end), -1)


def felt(scene: Scene, mark: Cue) -> Actor | None:
    """Who feels: the subject of a participle (was angered), else the object of the verb (angered him)."""
    being = {one.first for one in scene.cast.marked("be")}
    if being & set(range(mark.first - BEING_WITHIN, mark.first)):
        return subject_of(scene, mark.first, "condemn")[0]
    return _felt_by(scene, mark)


def _felt_by(scene: Scene, mark: Cue) -> Actor | None:
    """Who feels what a verb says: an object by its form, elsewhere the name behind the verb."""
    known = [one for one in scene.cast.actors if one.mention is not None]
    if scene.cased:
        objects = [one for one in known if not one.subject and not _follows_noun(scene, one)]
        return min(objects, key=lambda one: (abs(one.at - mark.first), one.at), default=None)
    return next((one for one in known if mark.end <= one.at <= mark.end + BEHIND), None)


def _follows_noun(scene: Scene, actor: Actor) -> bool:
    """Whether a form without a subject belongs to a capitalised word or another actor right before it."""
    return any(one.end == actor.at and one is not actor for one in scene.cast.actors)


def owner(scene: Scene, mark: Cue) -> Actor | None:
    """Whose a reaction is, or where it was: the side inside, out of which or of whom it is told."""
    if _is_theirs(scene) or any(one.subject and not one.place and not one.source for one in scene.cast.actors):
        return None  # somebody speaks of it
    for one in scene.cast.actors:
        if one.mention is not None and (one.inside or one.source):
            return one
    behind = (one for one in scene.cast.actors if 0 <= one.at - mark.end < OWNER_WITHIN and one.mention is not None)
    return next(behind, None)


def claimant(scene: Scene, mark: Cue) -> Actor | None:
    """Whose claim is told with what it says: rejected the accusations of the president of Serbia that …"""
    for one in scene.cast.actors:
        owns = 0 <= one.at - mark.end < OWNER_WITHIN or 0 <= mark.first - one.end < RIGHT_BEHIND
        if one.mention is not None and not one.subject and not one.inside and owns:
            end = max(one.end, mark.end)
            return one if any(0 <= that.first - end < OWNER_WITHIN for that in scene.cast.marked("that")) else None
    return None


def says_that(scene: Scene) -> Actor | None:
    """A subject that a clause follows at once, whatever the verb between: Belgrade reckons that …"""
    opens = [one.first for one in scene.cast.marked("that") if scene.words[one.first] not in SUBJUNCTIVE]
    for one in scene.cast.actors:
        if one.subject and any(1 <= at - one.end <= OWNER_WITHIN for at in opens):
            return one if not any(is_negated(scene, at) for at in opens) else None
    return None
