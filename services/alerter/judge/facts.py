"""Facts that articles in any language share when they tell of one event: numbers, days of the year, who is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.alerter.judge.figures import figures
from shared.events import ArticleExtracted
from shared.text.fold import fold_word
from shared.text.languages import Language, language

_DAY = re.compile(r"(?<!\d)(\d{1,2})\.?\s+([^\W\d_]{3,12})")
_MONTH_FIRST = re.compile(r"([^\W\d_]{3,12})\s+(\d{1,2})(?!\d)")


NAMED = 0.5
"""Confidence from which a speaker is named beside what is said; below it is inferred, and no fact."""


def facts(article: ArticleExtracted, most: int) -> Iterator[str]:
    """The facts in the title and in the first `most` characters after it, and the known speakers of all quotes."""
    text = f"{article.title}\n{article.lead}\n{article.text[:most]}"
    known = language(article.language.macro)
    for _, _, value in figures(text, 0, len(text), known):
        yield f"number {value}"
    if known is not None:
        yield from _days(text, known)
    for quote in article.quotes:
        if quote.speaker_id and quote.confidence >= NAMED:
            yield f"speaker {quote.speaker_id}"


def _days(text: str, known: Language) -> Iterator[str]:
    """Days with their month, written as words of the language: 18 mars, March 18."""
    for found in _DAY.finditer(text):
        if month := known.months.get(fold_word(found[2])):
            yield f"day {month}-{int(found[1])}"
    for found in _MONTH_FIRST.finditer(text):
        if month := known.months.get(fold_word(found[1])):
            yield f"day {month}-{int(found[2])}"
