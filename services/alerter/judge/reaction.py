"""reaction: actor x act x topic. Who of the side asked for took which position on the subject of the story.

The actor is a person of that side in office on the day, an institution, its office holders without a name, or a capital
or state standing for its government. The act is a verb the actor governs, words in what the actor says, or a feeling
that has the actor as its object. Who governs a verb is decided by place and form among *all* actors of the sentence, so
another side's minister, an expert or a newspaper takes what is his (direction: Kurti accused Vučić); what is quoted
belongs to its speaker. A negated verb does not count. A sentence without a subject goes on with the last speaker, less
surely.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from services.alerter.judge.actors import ACTORS, PLACES, Actor, Cast, cast
from services.alerter.judge.acts import STANCE, Cue, anaphors, kinds, lexicon, reporting
from services.alerter.judge.reading import TEXT, TITLE, Reading, Sentence
from services.alerter.options import ACTS
from shared.events import Mention, Quote

NEGATED_WITHIN = 3
"""Words before a verb in which a negation turns it (measured as enough on 31 statements in six languages)."""
CAPITAL_NOUNS = frozenset({"de"})
"""Languages that write every noun with a capital, and so no verb within a sentence."""
BEING_WITHIN, CLAUSE_WITHIN = 2, 2
OPENING, RIGHT_BEHIND, BEHIND, PLACE_WITHIN, OBJECT_WITHIN, OWNER_WITHIN = 2, 2, 6, 8, 3, 3
"""Words: before a verb that opens its sentence; between a verb and a place behind it, or a name behind it; between a
place and its verb; a verb and its object; a reaction and whose it is."""
RIGHT_BEFORE = 3
DONE_BY = frozenset({"condemn", "reject", "welcome"})
"""Acts that are told in the passive, too: condemned by Belgrade."""
TAKES_NO_NAME = frozenset({"", "comment"})
"""Saying and reacting: a name behind such a verb is its subject, not its object."""
SUBJUNCTIVE = frozenset({"da", "te", "sa", "na"})
"""Words that open a clause of what is wanted as often as of what is said."""
NOT_ITSELF = frozenset({"condemn", "threaten"})
NEEDS_TOPIC = frozenset({"welcome"})
"""Acts that say nothing unless the subject stands in the same sentence: one can support anything."""
CARRIED = 2
"""Sentences for which a statement goes on without its actor being named again."""
SURE_VERB, SURE_SAID, SURE_FELT, SURE_COMMENT, SURE_TOLD = 0.9, 0.8, 0.8, 0.7, 0.7
LESS_CARRIED, LESS_TOPIC_NEAR, LESS_TOPIC_ARTICLE, LESS_TOPIC_FAR = 0.1, 0.1, 0.2, 0.45
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


@dataclass(frozen=True, slots=True)
class _Found:
    """An act given to somebody; without a mention, to somebody unknown."""

    actor: Mention | None
    act: str
    confidence: float
    quote: Quote | None = None


@dataclass(slots=True)
class _Scene:
    """A sentence being read: its actors, verbs by word, cues and quotes; and who spoke before it."""

    reading: Reading
    sentence: Sentence
    words: list[str]
    cast: Cast
    quotes: list[Quote]
    cues: list[Cue] = field(default_factory=list)
    verbs: list[int] = field(default_factory=list)
    told: dict[int, str] = field(default_factory=dict)
    carried: Mention | None = None
    found: list[_Found] = field(default_factory=list)

    @property
    def cased(self) -> bool:
        """Whether forms tell subjects from objects."""
        return self.reading.language is not None and self.reading.language.cased


def reactions(reading: Reading, side: str) -> list[Statement]:
    """The positions of `side` in an article, the surest of each actor and act, in the order of the text."""
    best: dict[tuple[str, str], Statement] = {}
    if side and not any(one.side == side for one in reading.article.entities):
        return []
    last: Mention | None = None
    age = 0
    near = _near(reading)
    for sentence in reading.sentences:
        scene = _scene(reading, sentence)
        scene.carried = last if age < CARRIED and sentence.field != TITLE else None
        if _concerns(scene, side):
            _attribute(scene)
        for one in _statements(scene, near, side):
            known = best.get((one.actor.entity_id, one.act))
            if known is None or one.confidence > known.confidence:
                best[(one.actor.entity_id, one.act)] = one
        last, age = _goes_on(scene, last, age)
    return _without_idle_comments(best.values())


def _concerns(scene: _Scene, side: str) -> bool:
    """Whether anybody of a side is in a sentence or may go on speaking in it."""
    people = (*(one.mention for one in scene.cast.actors), scene.carried)
    quoted = (one.speaker_id for one in scene.quotes)
    return not side or any(quoted) or any(one is not None and one.side == side for one in people)


def _scene(reading: Reading, sentence: Sentence) -> _Scene:
    words = [word.folded for word in sentence.words]
    quotes = reading.quotes_in(sentence)
    players = cast(reading, sentence, words, quotes)
    return _Scene(reading, sentence, words, players, quotes)


def _speaking(scene: _Scene) -> dict[int, str]:
    """Verbs of saying and of seeing as, outside quotation marks, with the act they hint at (`say`, `view`)."""
    spoken = scene.reading.language
    told = reporting(spoken.code).found(scene.words) if spoken is not None else {}
    told |= {one.first: "view" for one in scene.cast.marked("view")}
    told |= {one.first: "say" for one in scene.cast.marked("speak")}
    nouns = {one.first for one in scene.cast.marked("noun")}
    if scene.reading.article.language.macro in CAPITAL_NOUNS:
        nouns |= {at for at, word in enumerate(scene.sentence.words) if word.capital and at > 0}
    return {at: act for at, act in told.items() if at not in nouns and _direct_at(scene, at) is None}


def _attribute(scene: _Scene) -> None:
    """Give every cue of the scene to whoever governs it."""
    scene.cues = list(lexicon(scene.reading.article.language.macro).find(scene.words))
    scene.told = _speaking(scene)
    scene.verbs = sorted({*scene.told, *(one.first for one in scene.cues if one.verb)})
    for cue in scene.cues:
        if not _is_silent(scene, cue.first):
            _give(scene, cue)
    for mark in scene.cast.marked("feel"):
        felt = None if _is_negated(scene, mark.first) else _felt(scene, mark)
        if felt is not None:
            scene.found.append(_Found(felt.mention, "condemn", SURE_FELT))
    for mark in scene.cast.marked("react"):
        owner = None if _is_negated(scene, mark.first) else _owner(scene, mark)
        if owner is not None:
            scene.found.append(_Found(owner.mention, "condemn", SURE_TOLD))
    for mark in scene.cast.marked("claim"):
        owner = _claimant(scene, mark)
        if owner is not None:
            scene.found.append(_Found(owner.mention, "condemn", SURE_TOLD))
    if not scene.found:
        _comment(scene)


def _give(scene: _Scene, cue: Cue) -> None:
    quote = _quote_at(scene, cue.first)
    inside = quote is not None and quote.kind == "direct"
    if quote is not None and quote.speaker_id and (inside or not cue.verb):
        speaker, less = _speaker_of(quote, scene.reading)
        if speaker is not None:
            scene.found.append(_Found(speaker, cue.act, SURE_SAID - less, quote))
            return
    if cue.verb and not inside:
        if not _is_negated(scene, cue.first) and not _is_suffered(scene, cue.first):
            _by_subject(scene, cue, cue.first, SURE_VERB, None)
        return
    _by_subject(scene, cue, _verb_of(scene, cue), SURE_SAID, quote)


def _by_subject(scene: _Scene, cue: Cue, verb: int, sure: float, quote: Quote | None) -> None:
    if verb < 0:
        speaker = _headline_speaker(scene, cue.first) or _according(scene)
        if speaker is not None:
            scene.found.append(_Found(speaker.mention, cue.act, sure, quote))
        elif not any(one.subject for one in scene.cast.actors) and scene.carried is not None and quote is not None:
            scene.found.append(_Found(scene.carried, cue.act, sure - LESS_CARRIED, quote))
        return
    actor, less = _subject(scene, verb, cue.act if cue.verb else "")
    if actor is None or (cue.verb and _is_of_itself(scene, cue, actor)) or _is_told_by_others(scene, actor):
        return
    scene.found.append(_Found(actor.mention, cue.act, sure - less, quote))


def _subject(scene: _Scene, verb: int, act: str) -> tuple[Actor | None, float]:
    """Who does a verb: the headline's speaker before a colon, whoever it is done by, a name behind a verb that follows
    what is said, the last named subject before it, a place right before it, whoever spoke last where the verb has no
    subject of its own, else a place farther before it or a name behind it. An unsure one is less sure."""
    headline = _headline_speaker(scene, verb)
    if headline is not None:
        return headline, 0.0
    if _is_theirs(scene):
        return (Actor(0, 0, scene.carried), LESS_CARRIED) if scene.carried is not None else (None, 0.0)
    able = [one for one in scene.cast.actors if one.subject or one.source]
    before = [one for one in able if one.at < verb]
    named = [one for one in before if not one.place and not _is_in_aside(scene, one, verb)]
    near = [one for one in before if one.place and verb - one.end < RIGHT_BEFORE
            and (not named or one.at > named[-1].at) and not _opens_clause(scene, one.end)]  # fmt: skip
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


def _is_in_aside(scene: _Scene, actor: Actor, verb: int) -> bool:
    """Whether a name stands in a clause about the one before it: Vucic, who met Rutte, warned."""
    opens = (one.first for one in scene.cast.marked("relative") if one.first <= actor.at)
    about = any(one.end == first for first in opens for one in scene.cast.actors if one.subject and one is not actor)
    words = scene.sentence.words
    return about and any(not words[at].joined for at in range(actor.end, verb + 1))


def _is_theirs(scene: _Scene) -> bool:
    """Whether a sentence is according to somebody named before it: by him, the reaction was mild."""
    mark = next(iter(scene.cast.marked("theirs")), None)
    return mark is not None and not any(one.subject and not one.place and one.at < mark.first
                                        for one in scene.cast.actors)  # fmt: skip


def _place_before(scene: _Scene, before: Sequence[Actor], verb: int) -> Actor | None:
    """A place farther before its verb, in the same clause."""
    places = [one for one in before if one.place and verb - one.end < PLACE_WITHIN]
    return places[-1] if places and not _opens_clause(scene, places[-1].end) else None


def _opens_clause(scene: _Scene, at: int) -> bool:
    """Whether a clause begins with a word: whoever stands before it is told or accused (pozvao Beograd da odgovori)."""
    return any(one.first == at for one in scene.cast.marked("that"))


def _is_told_by_others(scene: _Scene, actor: Actor) -> bool:
    """Whether another side or an expert says it of an actor: Kurti says that Serbia threatens. Media only report."""
    opens = [one.first for one in scene.cast.marked("that") if 0 <= actor.at - one.end < CLAUSE_WITHIN]
    verbs = [at for at in scene.verbs if opens and at < opens[-1]]
    tellers = [one for one in scene.cast.actors if verbs and one.subject and one.at < verbs[-1]]
    side = actor.mention.side if actor.mention is not None else ""
    teller = tellers[-1] if tellers else actor
    return not teller.media and (teller.mention is None or teller.mention.side != side)


def _inside(scene: _Scene) -> Actor | None:
    """Where people think or say it, in a sentence without a subject: u Beogradu smatraju."""
    if any(one.subject for one in scene.cast.actors):
        return None
    return next((one for one in scene.cast.actors if one.inside and one.at <= OPENING), None)


def _is_aside(scene: _Scene, verb: int) -> bool:
    """Whether a verb follows what is said, or stands within it: "…", said X; the pact, he says, is …"""
    words = scene.sentence.words
    quoted = any(one.kind == "direct" and one.span.end <= words[verb].start for one in scene.quotes)
    return verb > 0 and (quoted or not words[verb].joined)


def _is_suffered(scene: _Scene, verb: int) -> bool:
    """Whether a verb is told of whom it was done to, and nobody is named who did it: Serbia was accused."""
    if verb not in {one.first for one in scene.cast.marked("passive")}:
        return False
    turns = any(0 < verb - one.first <= NEGATED_WITHIN for one in scene.cast.marked("be"))
    telling = "be" not in kinds(scene.reading.article.language.macro)  # the participle itself is a passive
    return (turns or telling) and _done_by(scene, verb) is None


def _done_by(scene: _Scene, verb: int) -> Actor | None:
    return next((one for one in scene.cast.actors if one.agent and verb < one.at <= verb + OBJECT_WITHIN), None)


def _agent(scene: _Scene, verb: int, act: str, before: Sequence[Actor]) -> Actor | None:
    """By whom something was done: condemned by Belgrade."""
    passive = any(one.first == verb for one in scene.cast.marked("passive"))
    return _done_by(scene, verb) if act in DONE_BY and (passive or not before) else None


def _behind(scene: _Scene, verb: int, able: Sequence[Actor], act: str) -> Actor | None:
    """A subject behind its verb. What can be an object is none: a place, and where forms do not tell, any name."""
    for one in able:
        if verb < one.at <= verb + (RIGHT_BEHIND if one.place else BEHIND):
            return None if act not in TAKES_NO_NAME and (one.place or not scene.cased) else one
    return None


def _pronoun(scene: _Scene, verb: int) -> Actor | None:
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


def _named_behind(scene: _Scene, verb: int) -> bool:
    return any(one.subject and verb < one.at <= verb + BEHIND for one in scene.cast.actors)


def _headline_speaker(scene: _Scene, at: int) -> Actor | None:
    """`Name: what is said`: the last actor before a word with a colon right behind the name."""
    text = scene.reading.field(scene.sentence.field)
    for one in reversed(scene.cast.actors):
        end = scene.sentence.words[one.end - 1].end
        if one.end <= at and one.subject and text[end : end + 1] == ":":
            return one
    return None


def _according(scene: _Scene) -> Actor | None:
    """Whose words or view a sentence is: according to X."""
    return next((one for one in scene.cast.actors if one.source and one.subject), None)


def _verb_of(scene: _Scene, cue: Cue) -> int:
    """The verb that introduces what is said: the last one before the cue, else the first behind it; -1 for none."""
    before = [at for at in scene.verbs if at < cue.first]
    return before[-1] if before else next((at for at in scene.verbs if at >= cue.end), -1)


def _felt(scene: _Scene, mark: Cue) -> Actor | None:
    """Who feels: the subject of a participle (was angered), else the object of the verb (angered him)."""
    being = {one.first for one in scene.cast.marked("be")}
    if being & set(range(mark.first - BEING_WITHIN, mark.first)):
        return _subject(scene, mark.first, "condemn")[0]
    return _felt_by(scene, mark)


def _felt_by(scene: _Scene, mark: Cue) -> Actor | None:
    """Who feels what a verb says: an object by its form, elsewhere the name behind the verb."""
    known = [one for one in scene.cast.actors if one.mention is not None]
    if scene.cased:
        objects = [one for one in known if not one.subject and not _follows_noun(scene, one)]
        return min(objects, key=lambda one: (abs(one.at - mark.first), one.at), default=None)
    return next((one for one in known if mark.end <= one.at <= mark.end + BEHIND), None)


def _follows_noun(scene: _Scene, actor: Actor) -> bool:
    """Whether a form without a subject belongs to a capitalised word or another actor right before it."""
    return any(one.end == actor.at and one is not actor for one in scene.cast.actors)


def _owner(scene: _Scene, mark: Cue) -> Actor | None:
    """Whose a reaction is, or where it was: the side inside, out of which or of whom it is told."""
    if _is_theirs(scene) or any(one.subject and not one.place and not one.source for one in scene.cast.actors):
        return None  # somebody speaks of it
    for one in scene.cast.actors:
        if one.mention is not None and (one.inside or one.source):
            return one
    behind = (one for one in scene.cast.actors if 0 <= one.at - mark.end < OWNER_WITHIN and one.mention is not None)
    return next(behind, None)


def _claimant(scene: _Scene, mark: Cue) -> Actor | None:
    """Whose claim is told with what it says: rejected the accusations of the president of Serbia that …"""
    for one in scene.cast.actors:
        owns = 0 <= one.at - mark.end < OWNER_WITHIN or 0 <= mark.first - one.end < RIGHT_BEHIND
        if one.mention is not None and not one.subject and not one.inside and owns:
            end = max(one.end, mark.end)
            return one if any(0 <= that.first - end < OWNER_WITHIN for that in scene.cast.marked("that")) else None
    return None


def _says_that(scene: _Scene) -> Actor | None:
    """A subject that a clause follows at once, whatever the verb between: Belgrade reckons that …"""
    opens = [one.first for one in scene.cast.marked("that") if scene.words[one.first] not in SUBJUNCTIVE]
    for one in scene.cast.actors:
        if one.subject and any(1 <= at - one.end <= OWNER_WITHIN for at in opens):
            return one if not any(_is_negated(scene, at) for at in opens) else None
    return None


def _comment(scene: _Scene) -> None:
    """Somebody speaks, and no class of act fits."""
    for quote in scene.quotes:
        speaker, less = _speaker_of(quote, scene.reading)
        if speaker is not None:
            scene.found.append(_Found(speaker, "comment", SURE_COMMENT - less, quote))
    if scene.found:
        return
    for verb, hint in sorted(scene.told.items()):
        if hint == "view" or _is_negated(scene, verb) or _is_silent(scene, verb) or _is_suffered(scene, verb):
            continue
        actor, less = _subject(scene, verb, "" if hint == "say" else "condemn")
        if actor is not None and not _is_told_by_others(scene, actor):
            scene.found.append(_Found(actor.mention, "comment", SURE_COMMENT - less))
            return
    source = _says_that(scene) or _according(scene)
    if source is not None and not _is_told_by_others(scene, source):
        scene.found.append(_Found(source.mention, "comment", SURE_COMMENT))


def _quote_at(scene: _Scene, at: int) -> Quote | None:
    start = scene.sentence.words[at].start
    return next((one for one in scene.quotes if one.span.start <= start < one.span.end), None)


def _is_silent(scene: _Scene, at: int) -> bool:
    """Whether a word belongs to a refusal to say anything."""
    return any(one.first <= at < one.end for one in scene.cast.marked("silent"))


def _direct_at(scene: _Scene, at: int) -> Quote | None:
    quote = _quote_at(scene, at)
    return quote if quote is not None and quote.kind == "direct" else None


def _speaker_of(quote: Quote, reading: Reading) -> tuple[Mention | None, float]:
    if not quote.speaker_id:
        return None, 0.0
    named = next((one for one in reading.article.entities if one.entity_id == quote.speaker_id), None)
    if named is not None and named.kind in PLACES:
        return None, 0.0  # a country in the sentence is rather what is spoken of
    return named, 0.0 if quote.confidence >= 0.5 else LESS_CARRIED


def _is_of_itself(scene: _Scene, cue: Cue, actor: Actor) -> bool:
    """Nobody threatens or condemns his own side."""
    if actor.mention is None or cue.act not in NOT_ITSELF:
        return False
    behind = range(cue.end, cue.end + OBJECT_WITHIN)
    own = (one for one in scene.cast.actors if one.mention is not None and one.mention.side == actor.mention.side)
    return any(one.at in behind and one.at != actor.at for one in own)


def _is_negated(scene: _Scene, at: int) -> bool:
    spoken = scene.reading.language
    before = scene.words[max(0, at - NEGATED_WITHIN) : at]
    if any(at - NEGATED_WITHIN <= one.end <= at for one in scene.cast.marked("never")):
        return True
    return spoken is not None and any(word in spoken.negations for word in before)


def _statements(scene: _Scene, near: Sequence[Sentence], side: str) -> Iterable[Statement]:
    less, topic = _topic(scene, near)
    for one in scene.found:
        if one.actor is None or (one.act in NEEDS_TOPIC and less > 0):
            continue
        if side in ("", one.actor.side) and one.actor.kind in ACTORS and _holds_office(one.actor):
            yield Statement(one.actor, one.act, scene.sentence, round(one.confidence - less, 2), one.quote, topic)


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


def _topic(scene: _Scene, near: Sequence[Sentence]) -> tuple[float, str]:
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


def _goes_on(scene: _Scene, last: Mention | None, age: int) -> tuple[Mention | None, int]:
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
