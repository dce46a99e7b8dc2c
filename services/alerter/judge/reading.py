"""Reading: an article as judging sees it, cut once into sentences of folded words with what is known of each word."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import msgspec

from shared.events import ArticleMatched, Mention, Mode, Quote, Span
from shared.text.fold import fold_text, fold_word
from shared.text.languages import Language, language
from shared.text.segment import sentences, tokens

TITLE, LEAD, TEXT = "title", "lead", "text"
DIRECT, MIXED, INDIRECT = "direct", "mixed", "indirect"
_SCARE = re.compile(r"[„“”«»\"‘‚’]([^\W_][^„“”«»\"‘‚\n]{2,60}?)[“”«»\"’]")
_SPEECH = re.compile(r"[„“”«»\"]([^„“”«»\"\n]{12,600})[“”«»\"]")
_SCARE_WORDS = 4
"""Quotation marks around at most this many words name a thing rather than repeat a speech."""
_JOINING = re.compile(r"[\s\-‐‑–„“”«»\"'‘’‚]*")
"""Between the words of one phrase stand blanks, hyphens and quotation marks, nothing else."""


class Word(msgspec.Struct, frozen=True, gc=False):
    """One token: where it stands, its folded form, whether it is in scare quotes, part of a known name or of a hit, and
    whether nothing but blanks, hyphens and marks parts it from the word before."""

    folded: str
    start: int
    end: int
    capital: bool
    scare: bool
    known: bool
    hit: bool
    joined: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a field, with its words and whether a concept of the watch was hit in it."""

    field: str
    number: int
    start: int
    end: int
    words: tuple[Word, ...]
    near: bool

    def bare(self) -> Sentence:
        """The sentence without its words: what is kept of it when its article has been read."""
        return Sentence(self.field, self.number, self.start, self.end, (), self.near)


class Reading:
    """A matched article, read. Everything costly is made when first asked for."""

    def __init__(self, match: ArticleMatched) -> None:
        self.match = match
        self.article = match.article
        self.live = match.mode is Mode.LIVE and match.article.mode is Mode.LIVE
        self.moment = _moment(match)
        self.language: Language | None = language(self.article.language.macro)
        self.lead = "" if self.article.text.startswith(self.article.lead) else self.article.lead
        self.agency = fold_text(self.article.agency).strip()
        self._fields = {TITLE: self.article.title, LEAD: self.article.lead, TEXT: self.article.text}

    def field(self, name: str) -> str:
        """The text of a field."""
        return self._fields.get(name, "")

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """The sentences of title, lead and text; a lead that only repeats the text is left out."""
        fields = [(TITLE, self.article.title), (LEAD, self.lead), (TEXT, self.article.text)]
        return tuple(one for name, text in fields if text for one in self._cut(name, text))

    @cached_property
    def folded_words(self) -> list[str]:
        """All words of the text in order, for shingles."""
        return fold_text(self.article.text or self.article.lead).translate(_BLANKS).split()

    @cached_property
    def lead_end(self) -> int:
        """Where the first paragraph of the text ends: it counts as the lead."""
        end = self.article.text.find("\n")
        return len(self.article.text) if end < 0 else end

    @cached_property
    def quotes(self) -> tuple[Quote, ...]:
        """The words in marks and headlines of the article, mixed ones as direct: what is only told of somebody's speech
        is read here by its own grammar. Where the extractor named none, what stands in quotation marks, by nobody."""
        own = (one for one in self.article.quotes if one.kind != INDIRECT)
        quotes = tuple(msgspec.structs.replace(one, kind=DIRECT) if one.kind == MIXED else one for one in own)
        return quotes or tuple(self._marked())

    def in_lead(self, sentence: Sentence) -> bool:
        """Whether a sentence belongs to the lead."""
        return sentence.field == LEAD or (sentence.field == TEXT and not self.lead and sentence.start < self.lead_end)

    def sentence_of(self, span: Span) -> Sentence | None:
        """The sentence that holds a span."""
        return next((one for one in self.sentences if one.field == span.field and one.start <= span.start < one.end),
                    None)  # fmt: skip

    def mentions_in(self, sentence: Sentence) -> Sequence[Mention]:
        """The entities in a sentence, in order."""
        return self._mentions.get((sentence.field, sentence.number), ())

    @cached_property
    def _mentions(self) -> dict[tuple[str, int], list[Mention]]:
        """The entities by field and number of their sentence."""
        starts: dict[str, list[int]] = {}
        numbers: dict[str, list[Sentence]] = {}
        for sentence in self.sentences:
            starts.setdefault(sentence.field, []).append(sentence.start)
            numbers.setdefault(sentence.field, []).append(sentence)
        found: dict[tuple[str, int], list[Mention]] = {}
        for one in self.article.entities:
            at = bisect_right(starts.get(one.span.field, ()), one.span.start) - 1
            if at >= 0 and one.span.start < (sentence := numbers[one.span.field][at]).end:
                found.setdefault((sentence.field, sentence.number), []).append(one)
        return found

    def quotes_in(self, sentence: Sentence) -> list[Quote]:
        """The quotes that begin or end in a sentence."""
        return [one for one in self.quotes if one.span.field == sentence.field
                and one.span.start < sentence.end and one.span.end > sentence.start]  # fmt: skip

    def _cut(self, field: str, text: str) -> Iterator[Sentence]:
        known = _marked(text, ((one.span.start, one.span.end) for one in self.article.entities
                               if one.span.field == field))  # fmt: skip
        hits = _marked(text, ((one.start, one.end) for one in self._topic_spans(field)))
        scare = _marked(text, _scare_quotes(text))
        pieces = sentences(text, self.language)
        words = _words(text, known, hits, scare)
        at = 0
        for number, piece in enumerate(pieces):
            begin = at
            while at < len(words) and words[at].start < piece.end:
                at += 1
            near = hits.find(1, piece.start, piece.end) >= 0
            yield Sentence(field, number, piece.start, piece.end, tuple(words[begin:at]), near)

    def _marked(self) -> Iterator[Quote]:
        for name in (TITLE, TEXT):
            text = self.field(name)
            for found in _SPEECH.finditer(text):
                if len(tokens(found[1])) > _SCARE_WORDS:
                    span = Span(field=name, start=found.start(1), end=found.end(1), surface=found[1])
                    yield Quote(span=span, kind="direct")

    def _topic_spans(self, field: str) -> Iterator[Span]:
        """Hits of the subject itself: a mention of a country alone does not say what a sentence is about."""
        named = {(one.span.start, one.span.end) for one in self.article.entities if one.span.field == field}
        for hit in self.match.hits:
            if hit.span.field == field and (hit.span.start, hit.span.end) not in named:
                yield hit.span


def _moment(match: ArticleMatched) -> datetime:
    """Event time: when we met it, or for history when it was published, if that is the earlier."""
    published = match.article.published
    if match.mode is Mode.LIVE or published is None:
        return match.observed
    return min(published.at, match.observed)


def _words(text: str, known: bytearray, hits: bytearray, scare: bytearray) -> list[Word]:
    found: list[Word] = []
    last = 0
    for token in tokens(text):
        joined = bool(found) and (
            text[last : token.start] == " " or _JOINING.fullmatch(text, last, token.start) is not None
        )
        surface, start, end = text[token.start : token.end], token.start, token.end
        found.append(
            Word(fold_word(surface), start, end, surface[0].isupper(), scare.find(1, start, end) >= 0,
                 known.find(1, start, end) >= 0, hits.find(1, start, end) >= 0, joined)
        )  # fmt: skip
        last = end
    return _with_first_names(found)


def _with_first_names(words: list[Word]) -> list[Word]:
    """A capitalised word beside a known name belongs to it (Petar Petković where only the surname is listed)."""
    for at, word in enumerate(words):
        if word.known or not word.capital:
            continue
        before = at > 0 and word.joined and words[at - 1].known and words[at - 1].capital
        after = at + 1 < len(words) and words[at + 1].joined and words[at + 1].known and words[at + 1].capital
        if before or after:
            words[at] = msgspec.structs.replace(word, known=True)
    return words


def _scare_quotes(text: str) -> Iterator[tuple[int, int]]:
    for found in _SCARE.finditer(text):
        if len(tokens(found[1])) <= _SCARE_WORDS and found[1][-1] not in ".,!?…":
            yield found.start(1), found.end(1)


def _marked(text: str, spans: Iterable[tuple[int, int]]) -> bytearray:
    """The places of a text that stand in one of these stretches, as ones: asked with `find`, which is quick."""
    places = bytearray(len(text))
    for start, end in spans:
        places[start:end] = b"\x01" * (min(end, len(text)) - start)
    return places


class _Blank(dict[int, str]):
    def __missing__(self, point: int) -> str:
        self[point] = letter = chr(point) if chr(point).isalnum() else " "
        return letter


_BLANKS = _Blank()
