"""Sentences and paragraphs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.languages import language
from shared.text.segment import holder, paragraphs, sentences, tokens


@pytest.mark.parametrize(
    ("code", "text", "count"),
    [
        ("en", "Mr. Smith met Gen. Jones. They talked.", 2),
        ("en", "“We signed.” He left the U.S. delegation behind.", 2),
        ("hbs", "Potpisano je 18. marta u Tirani. Gen. Mojsilović ćuti.", 2),
        ("hbs", "Состанак је био 18. Потписали су декларацију.", 1),
        ("hbs", "A. Vučić je rekao: „Ne.“ Potom je otišao.", 2),
        ("bg", "Т.нар. съюз е подписан. България не участва!", 2),
        ("sq", "Ministri foli… Pastaj iku.", 2),
        ("sl", "Dr. Novak je dejal. Kaj zdaj?", 2),
    ],
)
def test_sentences(code: str, text: str, count: int) -> None:
    found = sentences(text, language(code))
    assert len(found) == count, [text[one.start : one.end] for one in found]


def test_paragraphs_hold_sentences() -> None:
    text = "Naslov bez tačke\n\n  Prvi pasus. Drugi.  \nTreći"
    assert [text[one.start : one.end] for one in paragraphs(text)] == [
        "Naslov bez tačke",
        "Prvi pasus. Drugi.",
        "Treći",
    ]
    assert [text[one.start : one.end] for one in sentences(text)] == [
        "Naslov bez tačke",
        "Prvi pasus.",
        "Drugi.",
        "Treći",
    ]


@given(st.text(alphabet='Aab .!?\n„“"9', max_size=80))
def test_pieces_are_in_order_apart_and_lose_no_word(text: str) -> None:
    found = sentences(text)
    assert all(left.end <= right.start for left, right in pairwise(found))
    for word in tokens(text):
        at = holder(found, word.start)
        assert found[at].start <= word.start
        assert word.end <= found[at].end
