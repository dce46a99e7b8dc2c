"""An article made ready for matching: its fields folded as one text, and every hit of every term in it.

What only a few articles need (sentences, places of entities, surfaces) is worked out when the first clause asks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from itertools import islice
from typing import NamedTuple

from services.alerter.clauses import compiled_pattern
from services.alerter.match.compile import Engine
from services.alerter.watch import FIELDS
from shared import events
from shared.text.fold import Folded, fold_text
from shared.text.inflect import Form
from shared.text.languages import language, macro
from shared.text.segment import Piece, holder, paragraphs, sentences

INDIRECT = "indirect"
"""The form of quotations that are told without marks."""
LONG_TOKEN = 20
"""Characters of a token and its blank that hardly any exceeds."""
MOST_FOUND = 200
"""Places of one pattern, and numbers of one article, that are looked at."""
FIGURES = re.compile(r"(?<![\w.,])(?:\d{1,3}(?:[.,\u00a0\u202f ]\d{3})+(?![\d])(?:[.,]\d+)?|\d+(?:[.,]\d+)?)(?!\w)")
"""Numbers in figures, with points, commas or blanks between thousands and either before decimals."""


class Place(NamedTuple):
    """Where something was found: folded start and end (both at ends of tokens), number of the field, and the hits.

    A place made of several hits spans everything between them, but only their own stretches are taken by it; `taken` is
    None where all from start to end is. Tokens are not numbered: how many stand between two places is counted in the
    text when it matters. (A named tuple, since articles make dozens and a frozen class costs more.)
    """

    start: int
    end: int
    field: int
    hits: tuple[int, ...]
    taken: tuple[tuple[int, int], ...] | None = None

    def stretches(self) -> tuple[tuple[int, int], ...]:
        """What it takes of the text."""
        return ((self.start, self.end),) if self.taken is None else self.taken

    def is_apart(self, other: Place) -> bool:
        """Whether it shares no token with another."""
        if self.end <= other.start or other.end <= self.start:
            return True
        mine, theirs = self.stretches(), other.stretches()
        return all(end <= begin or stop <= start for start, end in mine for begin, stop in theirs)


_Found = tuple[int | events.Mention | str, int, int, Form | None]
"""A hit before anybody needs its surface: what was found (the number of a term, a mention, the text of a pattern or
number), folded start and end, form."""


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
        self._words: dict[int, list[int]] = {}
        self._placed: dict[int, tuple[Place, ...]] = {}
        self._found: list[_Found] = [*engine.lexicon.scan(self.folded, self.language)]
        for at, one in enumerate(self._found):
            self._words.setdefault(one[0], []).append(at)  # type: ignore[arg-type] # only words so far
        self.found = frozenset(self._words)

    def anchors(self) -> frozenset[int | str]:
        """What was found, as the engine indexes watches: numbers of terms and ids of entities."""
        return self.found.union(mention.entity_id for mention in self.extracted.entities)

    def words(self, number: int) -> tuple[Place, ...]:
        """The places of a term."""
        known = self._placed.get(number)
        if known is None:
            known = self._placed[number] = tuple(self._place(at) for at in self._words.get(number, ()))
        return known

    def are_close(self, one: frozenset[int], other: frozenset[int], within: int) -> bool:
        """Whether a term of each of two sets may stand within so many tokens: told from the text between them alone,
        before any place is worked out."""
        words, found = self.folded.words, self._found
        mine, theirs = self._hits_of(one), self._hits_of(other)
        for at in mine:
            _, start, end, _ = found[at]
            for near in theirs:
                _, begin, stop, _ = found[near]
                left, right = (end, begin) if start <= begin else (stop, start)
                if fewer_tokens(words, left, right, within) and self.field_at(start) == self.field_at(begin):
                    return True
        return False

    def _hits_of(self, numbers: frozenset[int]) -> list[int]:
        return [at for number in numbers & self.found for at in self._words[number]]

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
                self._found.append((mention, start, end, None))
        return found

    def holders(self, title: str, of: str, ids: tuple[str, ...]) -> tuple[Place, ...]:
        """The places of people named who hold an office at the article's time, as the extractor has noted it."""
        asked = f"{title} of {of}" if of else title
        return tuple(
            self._place(at) for name in ids for at in self._by_entity.get(name, ()) if self._role(at, of) == asked
        )

    def _role(self, at: int, of: str) -> str:
        what = self._found[at][0]
        role = what.role if isinstance(what, events.Mention) else ""
        return role if of else role.partition(" of ")[0]

    def pattern(self, expression: str) -> tuple[Place, ...]:
        """The places of a pattern, the first `MOST_FOUND` of them."""
        found = islice(compiled_pattern(expression).finditer(self.folded.original), MOST_FOUND)
        return tuple(self._note(expression, one.start(), one.end()) for one in found if one.end() > one.start())

    def numbers(self, low: float | None, high: float | None) -> tuple[Place, ...]:
        """The places of numbers between two bounds."""
        return tuple(
            self._note(text, start, start + len(text))
            for value, start, text in self._figures
            if (low is None or value >= low) and (high is None or value <= high)
        )

    @cached_property
    def _figures(self) -> list[tuple[float, int, str]]:
        found = islice(FIGURES.finditer(self.folded.original), MOST_FOUND)
        return [(value_of(one[0]), one.start(), one[0]) for one in found]

    def _note(self, what: str, start: int, end: int) -> Place:
        """A hit at an original place that no automaton found."""
        self._found.append((what, self.folded.at(start), self.folded.at(end), None))
        return self._place(len(self._found) - 1)

    def is_about(self, what: str, values: tuple[str, ...]) -> bool:
        """Whether the outlet, country or section is one of these."""
        source = self.extracted.source
        if what == "country":
            return source.country in values
        if what == "outlet":
            return any(value in (source.id, source.domain) or source.domain.endswith(f".{value}") for value in values)
        words = f" {' '.join(Folded(self.extracted.section).words.split())} "
        return any(f" {_stem(value)}" in words for value in values)

    def is_quoted(self, start: int) -> bool:
        """Whether a position stands inside a quotation; speech that is only told is the reporter's words."""
        return any(begin <= start < end for begin, end in self._quoted)

    @cached_property
    def _quoted(self) -> list[tuple[int, int]]:
        quotes = (one for one in self.extracted.quotes if one.kind != INDIRECT)
        spans = [quote.span for quote in quotes if quote.span.field in FIELDS]
        bases = [self._originals[FIELDS.index(span.field)] for span in spans]
        return [
            (self.folded.at(base + span.start), self.folded.at(base + span.end))
            for base, span in zip(bases, spans, strict=True)
        ]

    def _kind(self, at: int) -> str:
        what = self._found[at][0]
        return what.kind if isinstance(what, events.Mention) else ""

    def _place(self, at: int) -> Place:
        what, start, end, _ = self._found[at]
        if not isinstance(what, int):  # patterns, numbers and mentions may begin and end within a token
            start, end = self._whole_tokens(start, end)
        return Place(start, end, self.field_at(start), (at,))

    def _whole_tokens(self, start: int, end: int) -> tuple[int, int]:
        words = self.folded.words
        if words[start : start + 1] not in ("", " "):
            start = words.rfind(" ", 0, start) + 1
        stop = words.find(" ", max(start, end - 1))
        return start, max(end, len(words) if stop < 0 else stop)

    def field_at(self, start: int) -> int:
        """The number of the field that holds a position."""
        return 2 if start >= self._starts[2] else bisect_right(self._starts, start) - 1

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
        return self._found[at][1:3]

    def hit(self, at: int, concept: str) -> events.Hit:
        """A hit as it goes out: the surface with its offsets in its own field."""
        what, start, end, form = self._found[at]
        if isinstance(what, events.Mention):
            return events.Hit(concept=concept, term=what.entity_id, span=what.span, form=what.why)
        field = self.field_at(start)
        term = what if isinstance(what, str) else self._engine.terms[what].written
        start, end = self.folded.span(start, end)
        base, surface = self._originals[field], self.folded.original[start:end]
        span = events.Span(field=FIELDS[field], start=start - base, end=end - base, surface=surface)
        return events.Hit(concept=concept, term=term, span=span, form=str(form or ""))


def fewer_tokens(words: str, start: int, end: int, most: int) -> bool:
    """Whether fewer than `most` tokens stand in a stretch of the blanked text; a long stretch is read until they are
    too many."""
    bound = start + most * LONG_TOKEN
    if end > bound and len(words[start:bound].split()) >= most:
        return False
    return len(words[start:end].split()) < most


def value_of(figures: str) -> float:
    """The value of a number in figures: three digits after a separator are thousands, else they are decimals."""
    *groups, last = re.split(r"[.,\u00a0\u202f ]", figures)
    if not groups:
        return float(last)
    return float("".join([*groups, last])) if len(last) == 3 else float(f"{''.join(groups)}.{last}")


def _stem(value: str) -> str:
    words = " ".join(Folded(value).words.split())
    return words if value.endswith("*") else f"{words} "
