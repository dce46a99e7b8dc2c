"""What holds of the quotations of any text: where they lie, and how much work they are."""

from __future__ import annotations

import string
import sys
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.extractor.entities.recognise import mentions
from services.extractor.quotes.find import quotes_in
from services.extractor.quotes.marks import stretches
from services.extractor.quotes.view import READ
from shared.text.entities import loads
from shared.text.gazetteer import Gazetteer

ENTITIES = """
version: 1
entities:
- {id: vucic, type: person, label: {en: Aleksandar Vučić}, names: [Vučić]}
- {id: serbia, type: state, label: {en: Serbia}, names: [Srbija, Serbia]}
"""
GAZETTEER = Gazetteer(loads(ENTITIES, "entities.yaml"))
PIECES = ["„", "“", "”", '"', "«", "»", "‘", "’", "'", "\n", "\n\n", ". ", ", ", ": ", " – ", "? ", "Vučić ",
          "Serbia ", "predsednik Srbije ", "rekao je ", "said that ", "da ", "prema rečima ", "Ana Kostić ",
          "savez ne donosi mir ",
          "tha se ", "novinar ", "on ", "😀", "ﬁ", "Ћ", "e\u0301"]  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(string.printable, max_size=4)), max_size=60).map("".join)
CODES = st.sampled_from(["hbs", "sq", "en", "mk", "bg", "sl", "de", "ru", "uk", "it", "fr", "ro", "pl", "hu", "tr",
                         "el", "und"])  # fmt: skip
SIZES = (20_000, 40_000)


@given(title=TEXTS, text=TEXTS, code=CODES)
@example("Vučić: „a b c d", "„a b c\n„d e f“, rekao je Vučić", "hbs")
@example("", "– Vučić rekao, – a b c", "hbs")
@settings(max_examples=300, deadline=None)
def test_quotations_lie_in_their_field_and_never_cross(title: str, text: str, code: str) -> None:
    fields = (("title", title), ("text", text))
    told = quotes_in(fields, code, mentions(GAZETTEER, fields, code, None, ""))
    for one in told:
        assert 0 <= one.span.start < one.span.end <= len(dict(fields)[one.span.field])
        assert dict(fields)[one.span.field][one.span.start : one.span.end] == one.span.surface
        assert one.speaker or not one.speaker_id
        assert (one.confidence > 0) is bool(one.speaker)
    for name, _ in fields:
        own = [one.span for one in told if one.span.field == name]
        assert all(one.end <= other.start for one, other in pairwise(own))
    assert told == quotes_in(fields, code, mentions(GAZETTEER, fields, code, None, ""))


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_stretches_lie_in_order(text: str) -> None:
    found = list(stretches(text))
    assert all(0 <= one.start <= one.end <= len(text) for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))


@pytest.mark.parametrize(
    "piece",
    ["„", '"', "'", "«»", "„a b c ", '"a b c" ', "„a\n", "x: ", "– rekao, ", "rekao da ", "da ", "Vučić ", "A B ",
     "a, ", "predsednik ", "prema rečima ", "Vučić rekao da a b c. ", "„a b c“, rekao je Vučić. ",
     "\n– a b c d e f – rekao ",
     "Ana Kostić: a b c d e f g\n", "novinar Ana Kostić ", "predsednik Ana Kostić ",
     "predsednik Srbije kaže da a b c. ", "novinar je rekao da a. ", "Vučić, koji "],
)  # fmt: skip
def test_work_grows_with_the_text(piece: str) -> None:
    """Twice the text is at most about twice the work: steps are counted, not seconds."""
    half, whole = (_steps((piece * (size // len(piece) + 1))[:size]) for size in SIZES)
    assert whole < 3 * half + 20_000


def test_a_book_costs_what_a_long_article_does() -> None:
    piece = "„a b c“, rekao je Vučić, „"
    long, longer = (_steps((piece * 20_000)[:size]) for size in (READ, 200_000))
    assert longer < 1.1 * long + 1_000


def _steps(text: str) -> int:
    """How many lines of Python run while the quotations of a text are found."""
    fields = (("text", text),)
    named = mentions(GAZETTEER, fields, "hbs", None, "")
    count = 0

    def tracer(*_: Any) -> Any:
        nonlocal count
        count += 1
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        quotes_in(fields, "hbs", named)
    finally:
        sys.settrace(before)
    return count
