"""Quotations in the marks of all languages, and who can have said them."""

from __future__ import annotations

import pytest

from services.extractor.quote import quotes_in
from services.extractor.recognise import mentions
from shared.events import Quote
from shared.text.entities import loads
from shared.text.gazetteer import Gazetteer

ENTITIES = """
version: 1
entities:
- {id: vucic, type: person, label: {en: Aleksandar Vučić}, names: [Aleksandar Vučić, Vučić, Вучић, Вучиќ, Вучич]}
- {id: kurti, type: person, label: {en: Albin Kurti}, names: [Albin Kurti, Kurti, Курти]}
- {id: anusic, type: person, label: {en: Ivan Anušić}, names: [Ivan Anušić, Anušić]}
"""
GAZETTEER = Gazetteer(loads(ENTITIES, "entities.yaml"))


def found(text: str, code: str, *, field: str = "text") -> list[Quote]:
    """The quotations in one field."""
    fields = ((field, text),)
    return list(quotes_in(fields, code, mentions(GAZETTEER, fields, code, None, "")))


@pytest.mark.parametrize(
    ("code", "text", "words", "speaker"),
    [
        ("hbs", "„Odgovorićemo mirno i odlučno“, rekao je Vučić novinarima.", "Odgovorićemo mirno i odlučno", "vucic"),
        ("hbs", "Вучић је изјавио: „Одговорићемо мирно и одлучно.“", "Одговорићемо мирно и одлучно.", "vucic"),
        ("hbs", "»To nije usmjereno protiv nikoga«, kazao je Anušić.", "To nije usmjereno protiv nikoga", "anusic"),
        ("sq", "“Kjo është një ditë historike”, deklaroi Kurti.", "Kjo është një ditë historike", "kurti"),
        ("en", '"We will answer this calmly," Vučić told reporters.', "We will answer this calmly,", "vucic"),
        ("mk", "„Ќе одговориме на ова мирно“, изјави Вучиќ.", "Ќе одговориме на ова мирно", "vucic"),
        ("bg", "„Ще отговорим на това спокойно“, заяви Вучич.", "Ще отговорим на това спокойно", "vucic"),
        ("sl", "»Odgovorili bomo mirno in odločno,« je dejal Vučić.", "Odgovorili bomo mirno in odločno,", "vucic"),
        ("hbs", "„Odgovorićemo mirno i odlučno“, poručio je Vučiću savetnik.", "Odgovorićemo mirno i odlučno", ""),
        ("mk", "„Ќе одговориме на ова мирно“, му рече новинар на Вучиќ.", "Ќе одговориме на ова мирно", ""),
        ("hbs", "„Odgovorićemo mirno i odlučno“, stoji u saopštenju.", "Odgovorićemo mirno i odlučno", ""),
    ],
)
def test_a_quotation_and_its_speaker(code: str, text: str, words: str, speaker: str) -> None:
    (quote,) = found(text, code)
    assert (quote.span.surface, quote.speaker_id, quote.kind) == (words, speaker, "direct")
    assert text[quote.span.start : quote.span.end] == words
    assert (quote.confidence > 0) is bool(speaker)


@pytest.mark.parametrize(
    "text",
    [
        "Tako piše list „Novi dan u gradu“, kaže Vučić.",
        "On je tu „glavni junak“, kaže Vučić.",
        "Film „Dug put do kuće“ gleda Vučić.",
    ],
)
def test_titles_and_irony_are_no_quotations(text: str) -> None:
    assert found(text, "hbs") == []


def test_the_headline_form() -> None:
    (quote,) = found("Vučić: Odgovorićemo na ovaj savez", "hbs", field="title")
    assert (quote.kind, quote.speaker_id, quote.span.surface) == ("headline", "vucic", "Odgovorićemo na ovaj savez")
    assert found("Analiza o Vučiću i savezu: šta sledi sada", "hbs", field="title") == []


def test_a_verb_makes_a_speaker_surer_and_the_next_quotation_inherits_less() -> None:
    text = (
        "„Odgovorićemo mirno i odlučno“, rekao je Vučić.\n„Niko nas neće iznenaditi ovim potezom“, stoji u nastavku.\n"
        "Anušić: „Ova izjava nije protiv nikoga“."
    )
    first, second, third = found(text, "hbs")
    assert [one.speaker_id for one in (first, second, third)] == ["vucic", "vucic", "anusic"]
    assert first.confidence > third.confidence > second.confidence


def test_a_bare_verb_speaks_of_who_was_named_last() -> None:
    text = "Vučić je stigao u Novi Sad. „Odgovorićemo mirno i odlučno“, rekao je."
    (quote,) = found(text, "hbs")
    assert (quote.speaker_id, quote.verb, quote.confidence < 0.5) == ("vucic", "rekao", True)


@pytest.mark.parametrize("text", ["„" * 5_000, '"' * 5_001, "„a b c " * 3_000, "«»" * 9_000, "x: " * 3_000])
def test_hostile_marks_end(text: str) -> None:
    assert len(found(text, "hbs")) <= 60
