"""The quotations of an article: THE order in which they are looked for.

In each field: what stands in marks and lines that begin with a dash, each with its speaker; turns of an interview or
statements of a title; then indirect speech in what is left. Stretches never cross; what was found first stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from services.extractor.quotes.actors import TITLE, Cast, Register
from services.extractor.quotes.attribute import Last, Said, speaker_of
from services.extractor.quotes.cast import cast
from services.extractor.quotes.clauses import is_free
from services.extractor.quotes.dialogue import dashed, turns
from services.extractor.quotes.evidence import Speaker
from services.extractor.quotes.headline import headlines
from services.extractor.quotes.indirect import indirect
from services.extractor.quotes.marks import stretches
from services.extractor.quotes.offices import Offices
from services.extractor.quotes.speech import DIRECT, HEADLINE, INDIRECT, form_of, is_speech
from services.extractor.quotes.view import Place, View
from shared.events import Mention, Quote, Span
from shared.text.languages import language

MOST = 60
"""Quotations kept of one article."""
MOST_MARKED = 400
"""Stretches between marks that are looked at in one field."""
NO_OFFICES = Offices()

Told = tuple[Place, str, Speaker | None]


def quotes_in(
    fields: Sequence[tuple[str, str]], code: str, entities: Sequence[Mention], offices: Offices = NO_OFFICES
) -> tuple[Quote, ...]:
    """The quotations in named fields, in order. `entities` are the mentions found in those fields, `offices` who holds
    which office on the day. Spans count code points of their field; two of them never cross."""
    spoken, register = language(code), Register(entities, offices)
    found: list[Quote] = []
    for name, text in fields:
        view = View(name, text, spoken)
        told = sorted(_told(view, register), key=lambda one: one[0].start)
        found += [_quote(view, *one) for one in told]
    return tuple(found[:MOST])


def _told(view: View, register: Register) -> list[Told]:
    marked = list(islice(stretches(view.text), MOST_MARKED))
    lines = [one for one in dashed(view) if is_free(one, marked)] if view.name != TITLE else []
    silent = sorted([*marked, *lines], key=lambda one: one.start)
    people = cast(view, register, silent)
    spoken = [one for one in silent if one in lines or is_speech(view, one)]
    told = _attributed(view, spoken, people)
    further = headlines(view, people) if view.name == TITLE else turns(view, people)
    told += _kept(told, ((place, HEADLINE if view.name == TITLE else DIRECT, who) for place, who in further))
    taken = sorted((place for place, _, _ in told), key=lambda one: one.start)
    return told + _kept(told, ((place, INDIRECT, who) for place, who in indirect(view, people, taken)))


def _attributed(view: View, spoken: Sequence[Place], people: Cast) -> list[Told]:
    """Words in marks with their speakers, each from what lies between the one before and the one behind."""
    told: list[Told] = []
    last = Last()
    for number, place in enumerate(spoken):
        since = spoken[number - 1].end if number else 0
        until = spoken[number + 1].start if number + 1 < len(spoken) else len(view.text)
        said = Said(place, form_of(view, place, since), since, until)
        speaker = speaker_of(view, said, people, last)
        if speaker is not None:
            last = Last(speaker, place.end)
        told.append((place, said.form, speaker))
    return told


def _kept(told: Sequence[Told], further: Iterable[Told]) -> list[Told]:
    """Those that touch nothing found before."""
    kept: list[Told] = []
    for one in further:
        if len(kept) >= MOST:
            break
        if is_free(one[0], [place for place, _, _ in (*told, *kept)]):
            kept.append(one)
    return kept


def _quote(view: View, place: Place, form: str, speaker: Speaker | None) -> Quote:
    span = Span(field=view.name, start=place.start, end=place.end, surface=view.text[place.start : place.end])
    if speaker is None or speaker.actor is None:
        return Quote(span=span, kind=form, verb=speaker.verb if speaker else "", why=speaker.why if speaker else "")
    actor = speaker.actor
    return Quote(span=span, kind=form, speaker_id=actor.id, speaker=actor.name, verb=speaker.verb,
                 confidence=speaker.confidence, why=speaker.why)  # fmt: skip
