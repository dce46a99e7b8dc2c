"""reaction: actor x act x topic. Who of the side asked for took which position on the subject of the story.

The actor is a person of that side in office on the day, an institution, or a capital or state standing for its
government, as a possible subject. The act is a verb the actor governs, or words in what the actor says. Who governs a
verb is decided by nearness among *all* actors of the sentence, so another side's minister beside the verb takes it
(direction: Kurti accused Vučić); what is quoted belongs to its speaker. A negated verb does not count. Without an actor
of its own a sentence goes on with the last one, less surely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.alerter.judge.acts import STANCE, Cue, anaphors, lexicon
from services.alerter.judge.reading import TITLE, Reading, Sentence
from services.alerter.options import ACTS
from shared.events import Mention, Quote
from shared.text.languages import Language

ACTORS = frozenset({"person", "org", "metonym", "state"})
_PLACES = frozenset({"metonym", "state"})
NEGATED_WITHIN = 3
"""Words before a verb in which a negation turns it (measured as enough on 31 statements in six languages)."""
FOLLOWING = 1.5
"""A subject behind its verb counts as this much farther away than one before it."""
RIGHT_BEFORE, ANAPHOR_WITHIN, OBJECT_WITHIN = 3, 4, 3
"""Words between a capital and its verb, a pronoun and its verb, a verb and its object."""
AGAINST = frozenset({"condemn", "threaten"})
NEEDS_TOPIC = frozenset({"welcome"})
"""Acts that say nothing unless the subject stands in the same sentence: one can support anything."""
CARRIED = 2
"""Sentences for which a statement goes on without its actor being named again."""
SURE_VERB, SURE_SAID, SURE_COMMENT = 0.9, 0.8, 0.7
LESS_CARRIED, LESS_TOPIC_NEAR, LESS_TOPIC_ARTICLE, LESS_TOPIC_FAR = 0.2, 0.1, 0.25, 0.45
SENTENCES_ABOUT = 2
"""Sentences on the subject that make the whole article one on it."""


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


@dataclass(slots=True)
class _Scene:
    """A sentence being read: its actors by word, verbs, cues, quotes; and who spoke before it."""

    sentence: Sentence
    words: list[str]
    actors: list[tuple[int, Mention]]
    speaking: list[int]
    cues: list[Cue]
    quotes: list[Quote]
    carried: Mention | None = None
    found: list[tuple[Mention, str, float, Quote | None]] = field(default_factory=list)


def reactions(reading: Reading, side: str) -> list[Statement]:
    """The positions of `side` in an article, the surest of each actor and act, in the order of the text."""
    best: dict[tuple[str, str], Statement] = {}
    last: Mention | None = None
    age = 0
    for sentence in reading.sentences:
        scene = _scene(reading, sentence)
        scene.carried = last if age < CARRIED and sentence.field != TITLE else None
        _attribute(scene, reading)
        for one in _statements(scene, reading, side):
            known = best.get((one.actor.entity_id, one.act))
            if known is None or one.confidence > known.confidence:
                best[(one.actor.entity_id, one.act)] = one
        last, age = _goes_on(scene, last, age)
    return _without_idle_comments(best.values())


def _scene(reading: Reading, sentence: Sentence) -> _Scene:
    words = [word.folded for word in sentence.words]
    quotes = reading.quotes_in(sentence)
    actors = [(at, one) for one in reading.mentions_in(sentence) if (at := _place(sentence, one)) >= 0]
    spoken = reading.language
    cues = list(lexicon(reading.article.language.macro).find(words))
    scene = _Scene(sentence, words, actors, _speaking(words, spoken), cues, quotes)
    scene.actors = [(at, one) for at, one in actors if _can_act(scene, at, one, reading)]
    return scene


def _place(sentence: Sentence, mention: Mention) -> int:
    return next((at for at, word in enumerate(sentence.words) if word.start >= mention.span.start), -1)


def _can_act(scene: _Scene, at: int, mention: Mention, reading: Reading) -> bool:
    """Whether a mention can be who acts: a subject, outside quotation marks, behind no preposition, owning nothing."""
    opens = mention.kind == "org" and at <= 1  # its last word is a genitive: Ministarstvo spoljnih poslova Srbije
    if mention.kind not in ACTORS or not (mention.subject or opens) or not mention.side:
        return False
    if any(one.kind == "direct" and one.span.start <= mention.span.start < one.span.end for one in scene.quotes):
        return False
    before = scene.words[at - 1] if at > 0 and scene.sentence.words[at].joined else ""
    if reading.language is not None and before in reading.language.not_speakers_after:
        return False
    return reading.field(scene.sentence.field)[mention.span.end : mention.span.end + 2] not in ("'s", "’s")


def _speaking(words: Sequence[str], spoken: Language | None) -> list[int]:
    if spoken is None:
        return []
    stems = tuple(verb.stem for verb in spoken.verbs)
    return [at for at, word in enumerate(words) if word.startswith(stems)]


def _attribute(scene: _Scene, reading: Reading) -> None:
    """Give every cue of the scene to whoever governs it."""
    for cue in scene.cues:
        quote = _quote_at(scene, cue)
        if quote is not None and not cue.verb and not quote.speaker_id and reading.article.quotes:
            continue  # the extractor looked for the speaker and found nobody
        actor, less = _speaker_of(quote, reading) if quote and not cue.verb else (None, 0.0)
        if actor is None:
            actor, less = _governor(scene, cue, reading)
        if actor is not None and not _is_void(scene, cue, actor, reading):
            scene.found.append((actor, cue.act, (SURE_VERB if cue.verb else SURE_SAID) - less, quote))
    if not scene.cues:
        _comment(scene, reading)


def _comment(scene: _Scene, reading: Reading) -> None:
    """Somebody speaks, and no class of act fits."""
    for quote in scene.quotes:
        actor, less = _speaker_of(quote, reading)
        if actor is not None:
            scene.found.append((actor, "comment", SURE_COMMENT - less, quote))
    if not scene.quotes and scene.speaking:
        actor = _nearest(scene, scene.speaking[0])
        if actor is not None:
            scene.found.append((actor, "comment", SURE_COMMENT, None))


def _quote_at(scene: _Scene, cue: Cue) -> Quote | None:
    start = scene.sentence.words[cue.first].start
    return next((one for one in scene.quotes if one.span.start <= start < one.span.end), None)


def _speaker_of(quote: Quote, reading: Reading) -> tuple[Mention | None, float]:
    if not quote.speaker_id:
        return None, 0.0
    named = next((one for one in reading.article.entities if one.entity_id == quote.speaker_id), None)
    if named is not None and named.kind in _PLACES:
        return None, 0.0  # a country in the sentence is rather what is spoken of
    return named, 0.0 if quote.confidence >= 0.5 else LESS_CARRIED


def _governor(scene: _Scene, cue: Cue, reading: Reading) -> tuple[Mention | None, float]:
    """Who does an act: the headline speaker before a colon, a named actor of the sentence, a capital or state right
    before the verb, else whoever spoke last and is meant by a pronoun or an office."""
    speaker = _headline_speaker(scene, cue, reading)
    if speaker is not None:
        return speaker, 0.0
    verb = cue.first if cue.verb else _verb_of(scene, cue)
    named = _named(scene, cue, verb, reading)
    place = _place_before(scene, verb)
    if place is not None and (named is None or (cue.verb and place.side != named.side)):
        return (scene.carried, LESS_CARRIED) if _means_carried(scene, verb, reading) and not cue.verb else (place, 0.0)
    if named is None and _means_carried(scene, verb, reading):
        return scene.carried, LESS_CARRIED
    return named, 0.0


def _named(scene: _Scene, cue: Cue, verb: int, reading: Reading) -> Mention | None:
    """The person or institution that governs a cue. What is said belongs to the last subject before it, where case
    tells subjects from objects; elsewhere to the subject of its verb."""
    named = [(at, one) for at, one in scene.actors if one.kind not in _PLACES]
    cased = reading.language is not None and reading.language.cased
    before = [one for at, one in named if at <= cue.first]
    if not cue.verb and cased and before:
        return before[-1]
    ahead = [(at, one) for at, one in named if at <= verb]
    if ahead:
        return ahead[-1][1]
    return min(((at - verb, one.entity_id, one) for at, one in named), default=(0, "", None))[2]


def _place_before(scene: _Scene, verb: int) -> Mention | None:
    """A capital or state that stands right before the verb, or right behind it (javlja Beograd)."""
    places = [(at, one) for at, one in scene.actors if one.kind in _PLACES]
    near = [(abs(verb - at), one) for at, one in places if -1 <= verb - at <= RIGHT_BEFORE]
    return min(near, key=lambda pair: (pair[0], pair[1].entity_id))[1] if near else None


def _means_carried(scene: _Scene, verb: int, reading: Reading) -> bool:
    """Whether a sentence goes on with the last speaker: it opens with its verb, quotes, or has a pronoun or an office
    where the subject would be."""
    if scene.carried is None:
        return False
    meant = anaphors(reading.article.language.macro)
    around = [*scene.words[:2], *scene.words[max(0, verb - ANAPHOR_WITHIN) : verb + ANAPHOR_WITHIN]]
    return verb <= 1 or bool(scene.quotes) or any(meant.holds(word) for word in around)


def _headline_speaker(scene: _Scene, cue: Cue, reading: Reading) -> Mention | None:
    """`Name: what is said`: the last actor before the cue with a colon right behind the name."""
    text = reading.field(scene.sentence.field)
    for at, mention in reversed(scene.actors):
        if at < cue.first and text[mention.span.end : mention.span.end + 1] == ":":
            return mention
    return None


def _verb_of(scene: _Scene, cue: Cue) -> int:
    """The verb that introduces what is said: the last one before the cue, else the first behind it."""
    verbs = sorted({*scene.speaking, *(one.first for one in scene.cues if one.verb)})
    before = [at for at in verbs if at <= cue.first]
    return before[-1] if before else next((at for at in verbs if at > cue.first), cue.first)


def _nearest(scene: _Scene, verb: int) -> Mention | None:
    """The actor nearest to a verb, those before it first; capitals and states only where nobody else is named."""
    named = [(at, one) for at, one in scene.actors if one.kind not in _PLACES] or scene.actors
    return min(((_distance(at, verb), one.entity_id, one) for at, one in named), default=(0.0, "", None))[2]


def _distance(at: int, verb: int) -> float:
    return verb - at if at <= verb else FOLLOWING * (at - verb)


def _is_void(scene: _Scene, cue: Cue, actor: Mention, reading: Reading) -> bool:
    """A verb that is negated, or whose object is the actor's own side (nobody threatens himself)."""
    if not cue.verb:
        return False
    if _is_negated(scene, cue, reading.language):
        return True
    behind = range(cue.end, cue.end + OBJECT_WITHIN)
    own = (one for one in reading.mentions_in(scene.sentence) if one.side == actor.side and one.kind in ACTORS)
    return cue.act in AGAINST and any(_place(scene.sentence, one) in behind for one in own)


def _is_negated(scene: _Scene, cue: Cue, spoken: Language | None) -> bool:
    before = scene.words[max(0, cue.first - NEGATED_WITHIN) : cue.first]
    return spoken is not None and any(word in spoken.negations for word in before)


def _statements(scene: _Scene, reading: Reading, side: str) -> Iterable[Statement]:
    less, topic = _topic(scene.sentence, reading)
    for actor, act, confidence, quote in scene.found:
        if act in NEEDS_TOPIC and not scene.sentence.near:
            continue
        if side in ("", actor.side) and _holds_office(actor):
            yield Statement(actor, act, scene.sentence, round(confidence - less, 2), quote, topic)


def _holds_office(actor: Mention) -> bool:
    """A person speaks for a country only while in office; the role was read from the dated list for that day."""
    return actor.kind != "person" or bool(actor.role)


def _topic(sentence: Sentence, reading: Reading) -> tuple[float, str]:
    """How far the subject of the watch is from a sentence, and which concept it is."""
    concepts = [hit.concept for hit in reading.match.hits if _in(hit.span.start, hit.span.field, sentence)]
    first = next((hit.concept for hit in reading.match.hits), "")
    if sentence.near:
        return 0.0, concepts[0] if concepts else first
    near = any(one.near for one in reading.sentences if one.field == TITLE or _is_beside(one, sentence))
    if near:
        return LESS_TOPIC_NEAR, first
    about = sum(one.near for one in reading.sentences) >= SENTENCES_ABOUT
    return (LESS_TOPIC_ARTICLE if about else LESS_TOPIC_FAR), first


def _is_beside(one: Sentence, other: Sentence) -> bool:
    return one.field == other.field and abs(one.number - other.number) == 1


def _in(start: int, field_name: str, sentence: Sentence) -> bool:
    return field_name == sentence.field and sentence.start <= start < sentence.end


def _goes_on(scene: _Scene, last: Mention | None, age: int) -> tuple[Mention | None, int]:
    """Who is speaking after a sentence: its own governing actor, else the one before, a sentence older."""
    if scene.found:
        return scene.found[-1][0], 0
    if scene.actors and (scene.speaking or last is None):
        return _nearest(scene, scene.speaking[0] if scene.speaking else 0), 0
    return last, age + 1


def _without_idle_comments(found: Iterable[Statement]) -> list[Statement]:
    """A comment is told only of a named actor who does nothing weightier in the text; a capital or a state only where
    nobody of its side is named with the same act, for it stands for those."""
    ordered = sorted(found, key=lambda one: (one.sentence.field != TITLE, one.sentence.start, ACTS.index(one.act)))
    acting = {one.actor.entity_id for one in ordered if one.act != "comment"}
    named = {one.act for one in ordered if one.actor.kind not in _PLACES}
    return [
        one
        for one in ordered
        if (one.act != "comment" or one.actor.entity_id not in acting)
        and (one.actor.kind not in _PLACES or one.act not in named | {"comment"})
    ]
