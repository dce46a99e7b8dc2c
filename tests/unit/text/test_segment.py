"""Sentences and paragraphs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.languages import language, languages
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


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("hbs", "Dogodilo se g. 2025. u Tirani. Sutra je dan."),
        ("hbs", "Prema čl. 5. Ustava i br. 1244. Dalje."),
        ("hbs", "Dana 18.3.2025. potpisan je u 18.30 sati. Dalje."),
        ("hbs", "Kralj Aleksandar I. Karađorđević, puk. Perić i N1.rs. Dalje."),
        ("hbs", "Проф. др Ана и тзв. Косово. Даље."),
        ("sl", "Podpisano 18. marca, npr. Slovenija in t. i. Kosovo. Dalje."),
        ("de", "Am 18. März kam Dr. Meier, z. B. gestern. Dann Schluss."),
        ("en", "The U.S. Army and Gen. Jones met on Jan. 5. They talked."),
        ("sq", "Z. Kurti, znj. Osmani dhe rezoluta nr. 1244. Fund."),
        ("mk", "Г. Ковачевски, д-р Петров и т.н. Косово. Крај."),
        ("bg", "През 2025 г. България и г-н Петров подписаха. Край."),
        ("ru", "В 2025 г. Сербия и ген. Иванов подписали. Конец."),
        ("uk", "У 2025 р. Сербія підписала. Кінець."),
        ("pl", "W 2025 r. Serbia i gen. Kowalski. Koniec."),
        ("fr", "M. Macron et Mme. Dupont. Fin."),
        ("it", "Il sig. Rossi e il gen. Bianchi. Fine."),
        ("ro", "Dl. Popescu și gen. Ionescu. Sfârșit."),
        ("hu", "2025. március 18. Tirana, dr. Nagy. Vége."),
        ("tr", "Dr. Yılmaz 18. yüzyıl için konuştu. Son."),
        ("el", "Ο κ. Παπαδόπουλος και ο δρ. Νίκου. Τέλος."),
    ],
)
def test_abbreviations_ordinals_and_initials_end_no_sentence(code: str, text: str) -> None:
    found = sentences(text, language(code))
    assert len(found) == 2, [text[one.start : one.end] for one in found]


@pytest.mark.parametrize("code", sorted(languages()))
def test_no_abbreviation_of_a_language_ends_a_sentence(code: str) -> None:
    spoken = language(code)
    assert spoken is not None
    for one in spoken.abbreviations:
        assert len(sentences(f"Alfa {one}. Beta", spoken)) == 1, one
        assert len(sentences("Alfa beta. Gama", spoken)) == 2


@given(st.text(alphabet='Aab .!?\n„“"9г\u0301…', max_size=80), st.sampled_from(sorted(languages())))
def test_sentences_cover_the_text_in_order(text: str, code: str) -> None:
    """Every character that is no blank is in exactly one sentence."""
    held = [at for one in sentences(text, language(code)) for at in range(one.start, one.end)]
    assert held == sorted(set(held))
    assert {at for at, one in enumerate(text) if not one.isspace()} <= set(held)


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
