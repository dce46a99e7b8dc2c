"""Who can act in a sentence: known names, offices with their country, offices that mean somebody named before, others.

A name acts as it stands. An office (zvaničnici, government, ministri) acts for the country whose adjective or name goes
with it (srpski zvaničnici, officials in Serbia, zyrtarët serbë); an office held by a person who is named in the article
is that person. An office alone means whoever of that office was named last. Everybody else who can speak (an expert, a
newspaper, a former minister, a name that is on no list) is somebody, so that what they say is not given to a name
beside them. Which forms can be a subject is told by endings where a language has cases, elsewhere by the preposition.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import msgspec

from services.alerter.judge.acts import OFFICES, Cue, marks
from services.alerter.judge.reading import TITLE, Reading, Sentence
from shared.events import Mention, Quote

ACTORS = frozenset({"person", "org", "metonym", "state"})
PLACES = frozenset({"metonym", "state"})
GROUP = "officials-"
"""How the id of unnamed office holders begins; their side follows."""
OWNER_FIRST = frozenset({"en", "tr", "hu"})
"""Languages that put a country right before its office without an ending that tells."""
BESIDE, BETWEEN, FORMER_WITHIN, NAME_WITHIN = 1, 2, 3, 4
"""Words between an adjective and its office, an office and its country, `former` and the name, an office and its
holder's name."""
_NOMINATIVE = ("i", "и")
"""Adjectives on -i are nominatives where a noun that is one follows, whatever else they may be."""
_MARKS = ("'", "’")
_POSSESSIVE = ("'s", "’s")


class Actor(msgspec.Struct, frozen=True, gc=False):
    """Somebody at a place of a sentence (first word, behind the last). `mention` is None for somebody unknown; `source`
    tells that the words name where a statement comes from (iz Beograda, according to), `inside` where it was (in
    Belgrade), `agent` by whom something was done (by Belgrade), `media` that they report what others say."""

    at: int
    end: int
    mention: Mention | None
    subject: bool = True
    source: bool = False
    inside: bool = False
    agent: bool = False
    media: bool = False

    @property
    def place(self) -> bool:
        """A capital or state that stands for its government."""
        return self.mention is not None and self.mention.kind in PLACES


@dataclass(frozen=True, slots=True)
class Cast:
    """The actors of a sentence and the words of the lexicon they were told by."""

    actors: tuple[Actor, ...]
    marks: tuple[Cue, ...]

    def marked(self, kind: str) -> list[Cue]:
        """The words of a kind."""
        return [one for one in self.marks if one.act == kind]


def cast(reading: Reading, sentence: Sentence, words: Sequence[str], quotes: Sequence[Quote]) -> Cast:
    """Everybody who can act in a sentence, in order."""
    found = tuple(marks(reading.article.language.macro).find(words))
    stage = _stage(reading, sentence, words, found)
    named = [one for one in _named(stage) if not _is_quoted(stage, one, quotes)]
    groups = [one for one in _groups(stage) if not _has_holder(one, named) and not _is_quoted(stage, one, quotes)]
    taken = {at for one in (*named, *groups) for at in range(one.at, one.end)}
    groups += [one for one in _alone(stage, taken) if not _is_quoted(stage, one, quotes)]
    inner = {(one.at, one.end) for one in groups}
    named = [one for one in named if not (one.place and any(at <= one.at < end for at, end in inner))]
    others = [one for one in _others(stage, taken, groups) if not _is_quoted(stage, one, quotes)]
    everybody = [_placed(stage, one) for one in (*named, *groups, *others)]
    ordered = sorted(everybody, key=lambda one: (one.at, one.mention is None))
    return Cast(tuple(_with_neighbours(ordered)), found)


@dataclass(frozen=True, slots=True)
class _Stage:
    """What is looked at to find the actors of a sentence."""

    reading: Reading
    sentence: Sentence
    words: Sequence[str]
    marks: Sequence[Cue]
    cased: bool
    known: Sequence[tuple[int, int, Mention]]
    offices: Sequence[tuple[Cue, str, bool]]

    def mentions(self, kinds: frozenset[str]) -> Iterator[tuple[int, int, Mention]]:
        """The names of these kinds that have a side: first word, behind the last, and the name."""
        return (one for one in self.known if one[2].kind in kinds)


def _stage(reading: Reading, sentence: Sentence, words: Sequence[str], found: Sequence[Cue]) -> _Stage:
    cased = reading.language is not None and reading.language.cased
    return _Stage(
        reading, sentence, words, found, cased, tuple(_known(reading, sentence)), tuple(_offices(found, cased=cased))
    )


def _known(reading: Reading, sentence: Sentence) -> Iterator[tuple[int, int, Mention]]:
    mentions = [one for one in reading.mentions_in(sentence) if one.side]
    if not mentions:
        return
    starts, ends = [word.start for word in sentence.words], [word.end for word in sentence.words]
    for one in mentions:
        at = bisect_right(ends, one.span.start)
        if at < len(ends):
            yield at, max(bisect_left(starts, one.span.end, at), at + 1), one


def _offices(found: Sequence[Cue], *, cased: bool) -> Iterator[tuple[Cue, str, bool]]:
    """Marks of offices: which, and whether the form can be a subject. Of several at a word the longest is meant, and a
    form that is written out rather than a stem."""
    best: dict[int, Cue] = {}
    for mark in found:
        known = best.get(mark.first)
        if mark.act.rstrip("~") in OFFICES and (known is None or _weight(mark) > _weight(known)):
            best[mark.first] = mark
    for mark in best.values():
        yield mark, mark.act.rstrip("~"), "~" not in mark.act or not cased


def _weight(mark: Cue) -> tuple[int, bool]:
    return mark.end, not mark.act.endswith("~")


def _named(stage: _Stage) -> Iterator[Actor]:
    text = stage.reading.field(stage.sentence.field)
    for at, end, mention in stage.mentions(ACTORS):
        subject = mention.subject
        if mention.kind == "org":  # its last word is a genitive; its head tells (Ministarstvo spoljnih poslova Srbije)
            heads = [one.act for one in stage.marks if one.act.rstrip("~") == "institution" and at <= one.first < end]
            subject = "institution" in heads if heads else subject or at <= 1
        yield Actor(at, end, mention, subject and not _owns(text, mention))


def _owns(text: str, mention: Mention) -> bool:
    end = mention.span.end
    return text[end : end + 2] in _POSSESSIVE or mention.span.surface.endswith(_POSSESSIVE)


def _is_quoted(stage: _Stage, actor: Actor, quotes: Sequence[Quote]) -> bool:
    start = stage.sentence.words[actor.at].start if quotes else 0
    return any(one.kind == "direct" and one.span.start <= start < one.span.end for one in quotes)


def _groups(stage: _Stage) -> Iterator[Actor]:
    """Offices with the adjective or the name of their country."""
    adjectives = list(stage.mentions(frozenset({"adjective"})))
    states = list(stage.mentions(PLACES))
    for mark, office, subject in stage.offices:
        for at, end, mention in adjectives:
            if 0 <= mark.first - end <= BESIDE or 0 <= at - mark.end <= BESIDE:
                start, stop = min(at, mark.first), max(end, mark.end)
                form = subject and (mention.subject or not stage.cased or mention.span.surface.endswith(_NOMINATIVE))
                yield Actor(start, stop, _holder(stage, office, mention), form)
                break
        else:
            for at, end, mention in states:
                if _is_of(stage, mention, at, mark) or _is_owned(stage, mention, end, mark):
                    yield Actor(min(at, mark.first), max(end, mark.end), _holder(stage, office, mention), subject)
                    break
            else:
                yield from _there(stage, mark, office, subject=subject)


def _there(stage: _Stage, mark: Cue, office: str, *, subject: bool) -> Iterator[Actor]:
    """An office of the place named last: Belgrade sees it differently: officials there have …"""
    beside = [one for one in stage.marks if one.act == "there" and (one.first == mark.end or one.end == mark.first)]
    start, field = stage.sentence.words[mark.first].start, stage.sentence.field
    places = [
        one for one in stage.reading.article.entities
        if beside and one.kind in PLACES and one.side and one.span.field == field and one.span.start < start
    ]  # fmt: skip
    if places:
        first, end = min(mark.first, beside[0].first), max(mark.end, beside[0].end)
        yield Actor(first, end, _holder(stage, office, places[-1]), subject)


def _is_of(stage: _Stage, mention: Mention, at: int, mark: Cue) -> bool:
    """An office of a country: vlasti Srbije, officials in Serbia, Sırbistan Cumhurbaşkanı, Hrvatski ministar."""
    if at < mark.first:
        first = stage.reading.article.language.macro in OWNER_FIRST
        adjective = stage.cased and not mention.subject and mention.span.surface.endswith(_NOMINATIVE)  # Hrvatski
        within = any(one.act == "inside" and one.end == at for one in stage.marks)  # In Belgrade officials
        return (first or adjective or within) and at + 1 == mark.first and _is_joined(stage, mark.first)
    between = range(mark.end, at)
    if at < mark.end or len(between) > BETWEEN or _is_parted(stage, mark.end, at):
        return False
    of = {one.first for one in stage.marks if one.act == "of"}
    return all(place in of for place in between) if between else not mention.subject


def _is_owned(stage: _Stage, mention: Mention, end: int, mark: Cue) -> bool:
    """Serbia's government, Serbiens Regierung."""
    text = stage.reading.field(stage.sentence.field)
    return _owns(text, mention) and 0 <= mark.first - end <= BETWEEN + 1


def _is_parted(stage: _Stage, first: int, last: int) -> bool:
    """Whether a comma or the like stands between two words."""
    return any(not stage.sentence.words[at].joined for at in range(first, last + 1) if at < len(stage.words))


def _holder(stage: _Stage, office: str, country: Mention) -> Mention:
    """The person of that office and side who is named in the article, else its office holders without a name."""
    if office != "officials":
        for one in stage.reading.article.entities:
            if one.kind == "person" and one.side == country.side and _holds(one, office):
                return _standing(one, country)
    return _unnamed(country)


def _holds(person: Mention, office: str) -> bool:
    return office in person.role if office == "minister" else person.role.startswith(office)


def _standing(person: Mention, place: Mention) -> Mention:
    """A person meant where something else stands."""
    return Mention(entity_id=person.entity_id, name=person.name, kind=person.kind, span=place.span, side=person.side,
                   role=person.role, subject=place.subject, why="by office")  # fmt: skip


def _unnamed(country: Mention) -> Mention:
    return Mention(entity_id=GROUP + country.side, name=f"officials of {country.name}", kind="org", span=country.span,
                   side=country.side, subject=country.subject, why="office of a country")  # fmt: skip


def _has_holder(group: Actor, named: Sequence[Actor]) -> bool:
    """Whether the name of an office's holder or of an institution goes with it: srpski predsednik Aleksandar Vučić."""
    side = group.mention.side if group.mention else ""
    return any(
        (-1 <= one.at - group.end < NAME_WITHIN and one.mention.kind == "person")
        or (one.mention.kind not in PLACES and one.at < group.end and group.at < one.end)
        for one in named if one.mention is not None and one.mention.side == side
    )  # fmt: skip


def _alone(stage: _Stage, taken: set[int]) -> Iterator[Actor]:
    """Offices without a country that mean somebody named before: the president, predsednik, ministri."""
    for mark, office, subject in stage.offices:
        if office == "officials" or mark.first in taken or _is_named_on(stage, mark, taken):
            continue
        start = stage.sentence.words[mark.first].start
        person = _last_of(stage, office, start)
        if person is not None:
            yield Actor(mark.first, mark.end, person, subject)


def _is_named_on(stage: _Stage, mark: Cue, taken: set[int]) -> bool:
    """Whether a name that follows says who is meant."""
    return any(
        at in taken or (stage.sentence.words[at].capital and stage.sentence.words[at].joined)
        for at in range(mark.end, min(mark.end + 3, len(stage.words)))
    )  # fmt: skip


def _last_of(stage: _Stage, office: str, start: int) -> Mention | None:
    field = stage.sentence.field
    before = [
        one for one in stage.reading.article.entities
        if one.kind == "person" and _holds(one, office)
        and ((one.span.field == field and one.span.start < start) or one.span.field == TITLE != field)
    ]  # fmt: skip
    return before[-1] if before else None


def _others(stage: _Stage, taken: set[int], groups: Sequence[Actor]) -> Iterator[Actor]:
    """People on no list: by what they are, or by two capitalised words that are no apposition to an office."""
    text, words = stage.reading.field(stage.sentence.field), stage.sentence.words
    for mark in stage.marks:
        kind = mark.act if text[words[mark.end - 1].end :][:1] not in _MARKS else ""
        if kind in {"others", "media"} and mark.first not in taken:
            yield Actor(mark.first, mark.end, None, media=kind == "media")
    free = [at for at, word in enumerate(words) if word.capital and not word.known]
    pairs = [at for at, after in pairwise(free) if after == at + 1 and words[after].joined]
    if not pairs or sum(word.capital for word in words) * 2 > len(words):
        return  # nobody, or a headline that capitalises every word
    near = {at for one in groups for at in range(one.at, one.end + NAME_WITHIN)}
    yield from (Actor(at, at + 2, None) for at in pairs if at not in near)


def _placed(stage: _Stage, actor: Actor) -> Actor:
    """An actor with what the words before make of it: a former one, an object, a source."""
    earlier = range(max(0, actor.at - FORMER_WITHIN), actor.at + 1)
    if any(one.act == "former" and one.first in earlier for one in stage.marks):
        return msgspec.structs.replace(actor, mention=None)
    at = _behind_article(stage, actor.at)
    prior = {one.act for one in stage.marks if one.end == at} if _is_joined(stage, actor.at) else set()
    if any(one.act == "others" and one.end == actor.at for one in stage.marks) and _is_joined(stage, actor.at):
        return msgspec.structs.replace(actor, mention=None)  # an opposition leader in Serbia
    if "according" in prior and not actor.place and (actor.at <= BETWEEN + 1 or not _is_joined(stage, actor.end)):
        return msgspec.structs.replace(actor, subject=True, source=True)
    agent, inside = "agent" in prior, "inside" in prior
    if "out_of" in prior:
        return msgspec.structs.replace(actor, subject=False, source=at <= BETWEEN, agent=agent)
    if not inside and _is_related(stage, actor):
        return msgspec.structs.replace(actor, subject=True)
    spoken = stage.reading.language
    before = stage.words[at - 1] if _is_joined(stage, at) else ""
    governed = "prep" in prior or (spoken is not None and before in spoken.not_speakers_after)
    changed = inside or agent or governed
    subject = actor.subject and not governed and not inside
    return msgspec.structs.replace(actor, subject=subject, inside=inside, agent=agent) if changed else actor


def _with_neighbours(actors: Sequence[Actor]) -> Iterator[Actor]:
    """Places in a row share what is before the first: between Zagreb, Tirana and Pristina."""
    last: Actor | None = None
    for one in actors:
        row = last is not None and last.place and one.place and one.at - last.end <= BETWEEN
        shared = row and last is not None and not last.subject and not last.source
        last = msgspec.structs.replace(one, subject=False) if shared else one
        yield last


def _behind_article(stage: _Stage, at: int) -> int:
    """Where an article before a name begins, or the name: prepositions stand before both."""
    article = any(one.act == "article" and one.end == at for one in stage.marks)
    return at - 1 if article and _is_joined(stage, at) else at


def _is_joined(stage: _Stage, at: int) -> bool:
    return 0 < at < len(stage.words) and stage.sentence.words[at].joined


def _is_related(stage: _Stage, actor: Actor) -> bool:
    """Whether a clause begins behind a name of which it is the subject: s predsednikom, koji …"""
    return not actor.subject and not actor.place and any(
        one.act == "relative" and one.first == actor.end for one in stage.marks
    )  # fmt: skip
