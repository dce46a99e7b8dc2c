"""An article made ready for matching: its fields folded as one text, and every hit of every term in it.

What only a few articles need (sentences, places of entities, surfaces) is worked out when the first clause asks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from services.alerter.match.compile import Engine
from services.alerter.watch import FIELDS
from shared import events
from shared.text.fold import Folded, fold_text
from shared.text.inflect import Form
from shared.text.languages import language, macro
from shared.text.segment import Piece, holder, paragraphs, sentences


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found: folded start, first and last token, number of the field, the hits and their tokens.

    A place made of several hits spans everything between them, but only their own tokens are taken by it.
    """

    start: int
    first: int
    last: int
    field: int
    hits: tuple[int, ...]
    tokens: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Found:
    """A hit before anybody needs its surface: what was found (a term's number or a mention), folded place, form."""

    what: int | events.Mention
    start: int
    end: int
    form: Form | None = None


class Article:
    """An extracted article seen by an engine. Positions are folded ones in the joined text unless said otherwise."""

    def __init__(self, extracted: events.ArticleExtracted, engine: Engine) -> None:
        self.extracted = extracted
        self.language = macro(extracted.language.macro)
        self._engine = engine
        parts = (extracted.title, extracted.lead, extracted.text)
        self.folded = Folded("\n".join(parts))
        title, lead = len(fold_text(parts[0])), len(fold_text(parts[1]))
        self._starts = (0, title + 1, title + lead + 2)
        self._originals = (0, len(parts[0]) + 1, len(parts[0]) + len(parts[1]) + 2)
        self._found: list[_Found] = []
        self._words: dict[int, list[int]] = {}
        self._places: dict[int, Place] = {}
        for number, start, end, form in engine.lexicon.scan(self.folded, self.language):
            for key in engine.lexicon.keys(number):
                self._words.setdefault(key, []).append(len(self._found))
                self._found.append(_Found(key, start, end, form))

    def anchors(self) -> Iterable[int | str]:
        """What was found, as the engine indexes watches: numbers of terms and ids of entities."""
        return [*self._words, *{mention.entity_id for mention in self.extracted.entities}]

    def words(self, number: int) -> tuple[Place, ...]:
        """The places of a term."""
        return tuple(self._place(at) for at in self._words.get(number, ()))

    def mentions(self, ids: tuple[str, ...], kinds: tuple[str, ...] = ()) -> tuple[Place, ...]:
        """The places of entities, of certain kinds of mention if any are given."""
        chosen = [at for name in ids for at in self._by_entity.get(name, ())]
        kept = (at for at in chosen if not kinds or self._kind(at) in kinds)
        return tuple(self._place(at) for at in kept)

    @cached_property
    def _by_entity(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for mention in self.extracted.entities:
            if mention.span.field in FIELDS:
                base = self._originals[FIELDS.index(mention.span.field)]
                start, end = (self.folded.at(base + at) for at in (mention.span.start, mention.span.end))
                found.setdefault(mention.entity_id, []).append(len(self._found))
                self._found.append(_Found(mention, start, end))
        return found

    def _kind(self, at: int) -> str:
        what = self._found[at].what
        return what.kind if isinstance(what, events.Mention) else ""

    def _place(self, at: int) -> Place:
        known = self._places.get(at)
        if known is None:
            one = self._found[at]
            first, last = self.folded.token_at(one.start), self.folded.token_at(max(one.start, one.end - 1))
            tokens = frozenset(range(first, last + 1))
            known = self._places[at] = Place(one.start, first, last, self.field_at(one.start), (at,), tokens)
        return known

    def field_at(self, start: int) -> int:
        """The number of the field that holds a position."""
        return bisect_right(self._starts, start) - 1

    def field_name(self, number: int) -> str:
        """The name of a field."""
        return FIELDS[number]

    def sentence(self, start: int) -> int:
        """The number of the sentence that holds a position."""
        return holder(self._sentences, self.folded.offsets[start])

    def paragraph(self, start: int) -> int:
        """The number of the paragraph that holds a position."""
        return holder(self._paragraphs, self.folded.offsets[start])

    @cached_property
    def _sentences(self) -> list[Piece]:
        return sentences(self.folded.original, language(self.language))

    @cached_property
    def _paragraphs(self) -> list[Piece]:
        return paragraphs(self.folded.original)

    def position(self, at: int) -> tuple[int, int]:
        """Where a hit stands, to sort by."""
        return self._found[at].start, self._found[at].end

    def hit(self, at: int, concept: str) -> events.Hit:
        """A hit as it goes out: the surface with its offsets in its own field."""
        one = self._found[at]
        if isinstance(one.what, events.Mention):
            return events.Hit(concept=concept, term=one.what.entity_id, span=one.what.span, form=one.what.why)
        start, end = self.folded.span(one.start, one.end)
        field = self.field_at(one.start)
        base, surface = self._originals[field], self.folded.original[start:end]
        span = events.Span(field=FIELDS[field], start=start - base, end=end - base, surface=surface)
        return events.Hit(concept=concept, term=self._engine.terms[one.what].written, span=span, form=str(one.form))
