"""What a watch may lack: words near its hits that it does not know, and words that only its false positives have.

Counted in documents, each copy group once would be better still, but the topic of matches knows no groups. A word is
compared with how often the language uses it anyway (the shipped background tables, at `PER_DOCUMENT` words a text):
the log-likelihood of Dunning (1993) for one cell, which does not overrate what occurred once.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.alerter.watch import Clause, Watch, Word, inside
from shared.events import ArticleMatched, Span
from shared.text.fold import Folded
from shared.text.languages import PER_DOCUMENT, language, macro
from shared.text.terms import Part

NEAR = 8
"""Tokens around a hit that are looked at."""
SHARED = 5
"""First letters that a word shares with a stem of the watch to be called a form of it."""
RARE = 10.0
"""Occurrences per million words assumed of a word that no table knows."""
LEAST = 2
"""Documents a suggestion must occur in."""


class Reason(StrEnum):
    """Why something is suggested."""

    FORM = "form"
    TERM = "term"
    EXCLUDE = "exclude"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A folded word with its commonest surface: a form of a term, a new term, or something to exclude."""

    reason: Reason
    word: str
    surface: str
    language: str
    documents: int
    score: float
    of: str = ""


def suggest(
    watch: Watch, right: Sequence[ArticleMatched], wrong: Sequence[ArticleMatched] = (), *, most: int = 40
) -> list[Suggestion]:
    """Suggestions from matches that were right and from those that were wrong, the strongest of each reason first."""
    stems = sorted({part.stem for one in watch.concepts.values() for part in _parts(one.clause)})
    near, everywhere, bad = _counted(right, NEAR), _counted(right, None), _counted(wrong, None)
    found = [near.suggestion(key, stems) for key, count in near.seen.items() if count >= LEAST]
    found += [bad.exclusion(key) for key, count in bad.seen.items() if count >= LEAST and key not in everywhere.seen]
    found.sort(key=lambda one: (-one.score, one.word))
    return [one for reason in Reason for one in [each for each in found if each.reason is reason][:most]]


Key = tuple[str, str]
"""A language and a folded word."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """In how many documents each unknown word stands, its commonest surface, and documents by language."""

    seen: Counter[Key]
    surfaces: dict[Key, str]
    size: Counter[str]

    def suggestion(self, key: Key, stems: Sequence[str]) -> Suggestion:
        code, word = key
        of = next((stem for stem in stems if _is_akin(word, stem)), "")
        score = _likelihood(self.seen[key], self.size[code], _rate(code, word))
        return Suggestion(Reason.FORM if of else Reason.TERM, word, self.surfaces[key], code, self.seen[key], score, of)

    def exclusion(self, key: Key) -> Suggestion:
        share = round(self.seen[key] / self.size[key[0]], 3)
        return Suggestion(Reason.EXCLUDE, key[1], self.surfaces[key], key[0], self.seen[key], share)


def plain(one: Suggestion) -> dict[str, Any]:
    """A suggestion as a row."""
    return {"reason": str(one.reason), "word": one.word, "as_written": one.surface, "language": one.language,
            "documents": one.documents, "score": one.score, "form_of": one.of}  # fmt: skip


def _counted(matches: Iterable[ArticleMatched], near: int | None) -> _Counts:
    seen: Counter[Key] = Counter()
    surfaces: dict[Key, Counter[str]] = defaultdict(Counter)
    size: Counter[str] = Counter()
    for match in matches:
        code = macro(match.article.language.macro)
        size[code] += 1
        words = list(_words(match, near))
        seen.update({(code, word) for word, _ in words})
        for word, surface in words:
            surfaces[code, word][surface] += 1
    return _Counts(seen, {key: counts.most_common(1)[0][0] for key, counts in surfaces.items()}, size)


def _is_akin(word: str, stem: str) -> bool:
    return len(stem) >= SHARED and word.startswith(stem[: max(SHARED, len(stem) - 2)])


def _words(match: ArticleMatched, near: int | None) -> Iterable[tuple[str, str]]:
    """Words of title and text that no hit or entity covers and that are not among the commonest of the language."""
    article = match.article
    spoken = language(macro(article.language.macro))
    stop = spoken.stop_words if spoken else frozenset()
    spans = [hit.span for hit in match.hits] + [one.span for one in article.entities]
    for name, text in (("title", article.title), ("text", article.text)):
        folded = Folded(text)
        taken = _tokens(folded, [span for span in spans if span.field == name])
        hits = _tokens(folded, [hit.span for hit in match.hits if hit.span.field == name])
        for number, start in enumerate(folded.token_starts):
            end = folded.words.find(" ", start)
            word = folded.words[start : end if end > 0 else None]
            if number in taken or len(word) < 4 or word.isdigit() or word in stop:
                continue
            if near is None or any(abs(number - hit) <= near for hit in hits):
                left, right = folded.span(start, start + len(word))
                yield word, text[left:right]


def _tokens(folded: Folded, spans: Iterable[Span]) -> set[int]:
    found: set[int] = set()
    for span in spans:
        first, last = folded.token_at(folded.at(span.start)), folded.token_at(folded.at(span.end - 1))
        found.update(range(first, last + 1))
    return found


def _rate(code: str, word: str) -> float:
    spoken = language(code)
    return spoken.background.get(word, RARE) if spoken else RARE


def _likelihood(count: int, size: int, rate: float) -> float:
    """2 n log(n / expected): 0 where the word is as common as ever."""
    expected = max(1e-6, size * rate * PER_DOCUMENT / 1e6)
    return round(2 * count * math.log(count / expected), 1) if count > expected else 0.0


def _parts(clause: Clause) -> list[Part]:
    own = list(clause.term.parts) if isinstance(clause, Word) else []
    return [*own, *(part for below in inside(clause) for part in _parts(below))]
