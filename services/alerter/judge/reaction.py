"""reaction: actor x act x topic. Who of the side asked for took which position on the subject of the story.

The actor is a person of that side in office on the day, an institution, its office holders without a name, or a capital
or state standing for its government. The act is a verb the actor governs, words in what the actor says, or a feeling
that has the actor as its object. Who governs a verb is decided by place and form among *all* actors of the sentence, so
another side's minister, an expert or a newspaper takes what is his (direction: Kurti accused Vučić); what is quoted
belongs to its speaker. A negated verb does not count, nor does what somebody denies having done. A sentence without a
subject goes on with the last speaker, less surely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.alerter.judge.actors import ACTORS, PLACES, Actor
from services.alerter.judge.acts import STANCE, Cue, lexicon
from services.alerter.judge.govern import (
    LESS_CARRIED,
    according,
    claimant,
    felt,
    headline_speaker,
    is_suffered,
    is_told_by_others,
    owner,
    says_that,
    subject_of,
    verb_of,
)
from services.alerter.judge.reading import TEXT, TITLE, Reading, Sentence
from services.alerter.judge.scene import (
    OBJECT_WITHIN,
    Found,
    Scene,
    is_asked,
    is_denied,
    is_negated,
    is_silent,
    quote_at,
    scene_of,
    speaking,
)
from services.alerter.options import ACTS
from shared.events import Mention, Quote

NOT_ITSELF = frozenset({"condemn", "threaten"})
"""Acts that nobody does to his own side."""
NEEDS_TOPIC = frozenset({"welcome"})
"""Acts that say nothing unless the subject stands in the same sentence: one can support anything."""
CARRIED = 2
"""Sentences for which a statement goes on without its actor being named again."""
SURE_VERB, SURE_SAID, SURE_FELT, SURE_COMMENT, SURE_TOLD = 0.9, 0.8, 0.8, 0.7, 0.7
LESS_TOPIC_NEAR, LESS_TOPIC_ARTICLE, LESS_TOPIC_FAR = 0.1, 0.2, 0.45
SENTENCES_ABOUT, SHORT, RATHER_SHORT = 2, 4, 8
"""Sentences on the subject that make the whole article one on it, as does being short; in a rather short one a sentence
needs a word that points back."""
PARTIES = 2
"""Sides of the subject named together that make a sentence one on it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One position found in a text."""

    actor: Mention
    act: str
    sentence: Sentence
    confidence: float
    quote: Quote | None
    topic: str

    @property
    def stance(self) -> int:
        """For (1), against (-1) or neither (0)."""
        return STANCE.get(self.act, -1)


def reactions(reading: Reading, side: str) -> list[Statement]:
    """The positions of `side` in an article, the surest of each actor and act, in the order of the text."""
    best: dict[tuple[str, str], Statement] = {}
    if side and not any(one.side == side for one in reading.article.entities):
        return []
    last: Mention | None = None
    age = 0
    near = _near(reading)
    for sentence in reading.sentences:
        scene = scene_of(reading, sentence)
        scene.carried = last if age < CARRIED and sentence.field != TITLE else None
        if _concerns(scene, side):
            _attribute(scene)
        for one in _statements(scene, near, side):
            known = best.get((one.actor.entity_id, one.act))
            if known is None or one.confidence > known.confidence:
                best[(one.actor.entity_id, one.act)] = one
        last, age = _goes_on(scene, last, age)
    return _without_idle_comments(best.values())


def _concerns(scene: Scene, side: str) -> bool:
    """Whether anybody of a side is in a sentence or may go on speaking in it."""
    people = (*(one.mention for one in scene.cast.actors), scene.carried)
    quoted = (one.speaker_id for one in scene.quotes)
    return not side or any(quoted) or any(one is not None and one.side == side for one in people)


def _attribute(scene: Scene) -> None:
    """Give every cue of the scene to whoever governs it."""
    scene.cues = list(lexicon(scene.reading.article.language.macro).find(scene.words))
    scene.told = speaking(scene)
    scene.verbs = sorted({*scene.told, *(one.first for one in scene.cues if one.verb)})
    for cue in scene.cues:
        if not is_silent(scene, cue.first) and not is_denied(scene, cue.first):
            _give(scene, cue)
    for mark in scene.cast.marked("feel"):
        unfelt = is_negated(scene, mark.first) or is_asked(scene, mark.first)
        who = None if unfelt else felt(scene, mark)
        if who is not None:
            scene.found.append(Found(who.mention, "condemn", SURE_FELT))
    for mark in scene.cast.marked("react"):
        who = None if is_negated(scene, mark.first) else owner(scene, mark)
        if who is not None:
            scene.found.append(Found(who.mention, "condemn", SURE_TOLD))
    for mark in scene.cast.marked("claim"):
        who = claimant(scene, mark)
        if who is not None:
            scene.found.append(Found(who.mention, "condemn", SURE_TOLD))
    if not scene.found:
        _comment(scene)


def _give(scene: Scene, cue: Cue) -> None:
    quote = quote_at(scene, cue.first)
    inside = quote is not None and quote.kind == "direct"
    if quote is not None and quote.speaker_id and (inside or not cue.verb):
        speaker, less = _speaker_of(quote, scene.reading)
        if speaker is not None:
            scene.found.append(Found(speaker, cue.act, SURE_SAID - less, quote))
            return
    if cue.verb and not inside:
        undone = is_negated(scene, cue.first) or is_suffered(scene, cue.first) or is_asked(scene, cue.first)
        if not undone:
            _by_subject(scene, cue, cue.first, SURE_VERB, None)
        return
    _by_subject(scene, cue, verb_of(scene, cue), SURE_SAID, quote)


def _by_subject(scene: Scene, cue: Cue, verb: int, sure: float, quote: Quote | None) -> None:
    if verb < 0:
        speaker = headline_speaker(scene, cue.first) or according(scene)
        if speaker is not None:
            scene.found.append(Found(speaker.mention, cue.act, sure, quote))
        elif not any(one.subject for one in scene.cast.actors) and scene.carried is not None and quote is not None:
            scene.found.append(Found(scene.carried, cue.act, sure - LESS_CARRIED, quote))
        return
    actor, less = subject_of(scene, verb, cue.act if cue.verb else "")
    if actor is None or (cue.verb and _is_of_itself(scene, cue, actor)) or is_told_by_others(scene, actor):
        return
    scene.found.append(Found(actor.mention, cue.act, sure - less, quote))


def _comment(scene: Scene) -> None:
    """Somebody speaks, and no class of act fits."""
    for quote in scene.quotes:
        speaker, less = _speaker_of(quote, scene.reading)
        if speaker is not None:
            scene.found.append(Found(speaker, "comment", SURE_COMMENT - less, quote))
    if scene.found:
        return
    for verb, hint in sorted(scene.told.items()):
        if hint == "view" or is_negated(scene, verb) or is_silent(scene, verb) or is_suffered(scene, verb):
            continue
        actor, less = subject_of(scene, verb, "" if hint == "say" else "condemn")
        if actor is not None and not is_told_by_others(scene, actor):
            scene.found.append(Found(actor.mention, "comment", SURE_COMMENT - less))
            return
    source = says_that(scene) or according(scene)
    if source is not None and not is_told_by_others(scene, source):
        scene.found.append(Found(source.mention, "comment", SURE_COMMENT))


def _speaker_of(quote: Quote, reading: Reading) -> tuple[Mention | None, float]:
    if not quote.speaker_id:
        return None, 0.0
    named = next((one for one in reading.article.entities if one.entity_id == quote.speaker_id), None)
    if named is not None and named.kind in PLACES:
        return None, 0.0  # a country in the sentence is rather what is spoken of
    return named, 0.0 if quote.confidence >= 0.5 else LESS_CARRIED


def _is_of_itself(scene: Scene, cue: Cue, actor: Actor) -> bool:
    """Nobody threatens or condemns his own side."""
    if actor.mention is None or cue.act not in NOT_ITSELF:
        return False
    behind = range(cue.end, cue.end + OBJECT_WITHIN)
    own = (one for one in scene.cast.actors if one.mention is not None and one.mention.side == actor.mention.side)
    return any(one.at in behind and one.at != actor.at for one in own)


def _statements(scene: Scene, near: Sequence[Sentence], side: str) -> Iterable[Statement]:
    less, topic = _topic(scene, near)
    for one in scene.found:
        if one.actor is None or (one.act in NEEDS_TOPIC and less > 0):
            continue
        if side in ("", one.actor.side) and one.actor.kind in ACTORS and _holds_office(one.actor):
            yield Statement(
                one.actor, one.act, scene.sentence.bare(), round(one.confidence - less, 2), one.quote, topic
            )


def _holds_office(actor: Mention) -> bool:
    """A person speaks for a country only while in office; the role was read from the dated list for that day."""
    return actor.kind != "person" or bool(actor.role)


def _near(reading: Reading) -> list[Sentence]:
    """The sentences on the subject: by its words, or by several of its parties named together."""
    return [one for one in reading.sentences if one.near or _parties(reading, one) >= PARTIES]


def _parties(reading: Reading, sentence: Sentence) -> int:
    told = {(hit.span.field, hit.span.start) for hit in reading.match.hits}
    return len({one.side for one in reading.mentions_in(sentence)
                if one.side and (one.span.field, one.span.start) in told})  # fmt: skip


def _topic(scene: Scene, near: Sequence[Sentence]) -> tuple[float, str]:
    """How far the subject of the watch is from a sentence, and which concept it is."""
    sentence, hits = scene.sentence, scene.reading.match.hits
    concepts = [hit.concept for hit in hits if _in(hit.span.start, hit.span.field, sentence)]
    first = next((hit.concept for hit in hits), "")
    if sentence in near:
        return 0.0, concepts[0] if concepts else first
    if any(one.field == TITLE or _is_beside(one, sentence) for one in near):
        return LESS_TOPIC_NEAR, first
    length = len(scene.reading.sentences)
    points = length <= RATHER_SHORT and bool(scene.cast.marked("this"))
    about = len(near) >= SENTENCES_ABOUT or length <= SHORT or points
    return (LESS_TOPIC_ARTICLE if about else LESS_TOPIC_FAR), first


def _is_beside(one: Sentence, other: Sentence) -> bool:
    opens = {one.field, other.field} == {TITLE, TEXT} and one.number == other.number == 0
    return opens or (one.field == other.field and abs(one.number - other.number) == 1)


def _in(start: int, field_name: str, sentence: Sentence) -> bool:
    return field_name == sentence.field and sentence.start <= start < sentence.end


def _goes_on(scene: Scene, last: Mention | None, age: int) -> tuple[Mention | None, int]:
    """Who is speaking after a sentence: whoever acted in it, else its first subject, else the one before, a sentence
    older. Somebody unknown who speaks ends what was said before."""
    if scene.found:
        return scene.found[-1].actor, 0
    subjects = [one for one in scene.cast.actors if one.subject and not one.inside]
    if subjects:
        return subjects[0].mention, 0
    return last, age + 1


def _without_idle_comments(found: Iterable[Statement]) -> list[Statement]:
    """A comment is told only of who does nothing weightier in the text; a capital, a state or nameless officials only
    where nobody of their side is named with the same act, for they stand for those."""
    ordered = sorted(found, key=lambda one: (one.sentence.field != TITLE, one.sentence.start, ACTS.index(one.act)))
    acting = {one.actor.entity_id for one in ordered if one.act != "comment"}
    named = {one.act for one in ordered if one.actor.kind not in PLACES}
    sides = {one.actor.side for one in ordered if one.actor.kind not in PLACES or one.act != "comment"}
    return [
        one
        for one in ordered
        if (one.act != "comment" or one.actor.entity_id not in acting)
        and (one.actor.kind not in PLACES or one.act not in named)
        and (one.actor.kind not in PLACES or one.act != "comment" or one.actor.side not in sides)
    ]
