"""Naming: what an article calls the thing, in its title and where it speaks of the subject of its watch.

A term is a word of the glossary (`glossary.yaml`), the same in every language, or else a concept of the watch that has
a weight.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from services.alerter.judge.families import keys_of
from services.alerter.judge.reading import TITLE, Reading
from services.alerter.trade import trade_words


class Named(msgspec.Struct, frozen=True):
    """A use of a term in a field."""

    field: str
    term: str


def named(reading: Reading, terms: Sequence[str]) -> Iterator[Named]:
    """Every use of these terms."""
    if terms:
        yield from _of_the_trade(reading, terms)
        yield from _of_the_watch(reading, terms)


def term_of(uses: Iterable[Named], terms: Sequence[str]) -> str:
    """Which of the terms is used most, a title counting twice; of several the one named first. None is the empty
    string."""
    counts: Counter[str] = Counter()
    for one in uses:
        counts[one.term] += 2 if one.field == TITLE else 1
    most = max((counts[one] for one in terms), default=0)
    return next((one for one in terms if counts[one] == most), "") if most else ""


def _of_the_trade(reading: Reading, terms: Sequence[str]) -> Iterator[Named]:
    wanted = {f"={one}": one for one in terms if one in trade_words()}
    code = reading.article.language.macro
    for sentence in reading.sentences:
        if sentence.near or sentence.field == TITLE:
            for word in sentence.words:
                yield from (Named(sentence.field, wanted[key]) for key in keys_of(word.folded, code) if key in wanted)


def _of_the_watch(reading: Reading, terms: Sequence[str]) -> Iterator[Named]:
    wanted = set(terms) - trade_words()
    return (Named(hit.span.field, hit.concept) for hit in reading.match.hits if hit.concept in wanted)
