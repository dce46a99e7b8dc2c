"""Quotations in the marks of all languages, and who can have said them."""

from __future__ import annotations

from datetime import date

import pytest

from services.extractor.entities.recognise import mentions
from services.extractor.quotes.find import quotes_in
from services.extractor.quotes.offices import Offices
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
    assert [one for one in found(text, "hbs") if one.kind != "indirect"] == []


@pytest.mark.parametrize(
    ("code", "text", "words", "speaker"),
    [
        ("hbs", "Vučić je rekao da savez ne donosi mir.", "savez ne donosi mir", "vucic"),
        ("hbs", "Savez ne donosi mir regionu, smatra Vučić.", "Savez ne donosi mir regionu", "vucic"),
        ("hbs", "Prema rečima Vučića, savez ne donosi mir.", "savez ne donosi mir", "vucic"),
        ("hbs", "Vučić kaže da je Kurti rekao da neće pregovarati nikad.", "neće pregovarati nikad", "kurti"),
        ("en", "Vučić said the pact brings no peace.", "the pact brings no peace", "vucic"),
        ("mk", "Вучиќ сметка дека сојузот не носи мир.", "сојузот не носи мир", "vucic"),
        ("tr", "Vučić, ittifakın barış getirmediğini söyledi.", "ittifakın barış getirmediğini", "vucic"),
        ("hu", "Vučić szerint a szövetség nem hoz békét.", "a szövetség nem hoz békét", "vucic"),
        ("de", "Vučić warnte, das Bündnis bringe keinen Frieden.", "das Bündnis bringe keinen Frieden", "vucic"),
    ],
)
def test_speech_that_is_only_told(code: str, text: str, words: str, speaker: str) -> None:
    (quote,) = found(text, code)
    assert (quote.kind, quote.span.surface, quote.speaker_id) == ("indirect", words, speaker)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("hbs", "Vučić nije rekao da savez donosi mir."),
        ("hbs", "Vučić je odbio da govori o savezu."),
        ("hbs", "Vučić je otputovao da potpiše ugovor o savezu."),
        ("mk", "Вучиќ побара да се потпише договорот денес."),
        ("sq", "Kurti është më i ri se shumica e ministrave."),
    ],
)
def test_what_nobody_said(code: str, text: str) -> None:
    assert found(text, code) == []


def test_words_that_end_a_sentence_of_the_reporters_are_mixed() -> None:
    (quote,) = found("Vučić je savez nazvao „pretnjom miru u celom regionu“.", "hbs")
    assert (quote.kind, quote.speaker_id) == ("mixed", "vucic")


def test_an_office_is_who_holds_it_on_the_day() -> None:
    text = "Predsednik Srbije je izjavio da savez ne donosi mir."
    states = ENTITIES + (
        "- {id: serbia, type: state, names: [Srbija]}\n"
        "- {id: nikolic, type: person, label: {en: Tomislav Nikolić}, names: [Tomislav Nikolić],\n"
        "   roles: [{title: president, of: serbia, from: 2012-05-31, to: 2017-05-30}]}\n"
    )
    gazetteer = Gazetteer(loads(states, "entities.yaml"))
    fields = (("text", text),)
    named = mentions(gazetteer, fields, "hbs", None, "")
    days = (date(2015, 1, 1), date(2025, 3, 18))
    told = [quotes_in(fields, "hbs", named, Offices(gazetteer.entities, day))[0].speaker_id for day in days]
    assert told == ["nikolic", ""]


def test_somebody_on_no_list_is_told_by_name_and_keeps_it() -> None:
    text = "„Savez je važan za regiju“, kaže Petra Šimić. „Ali nije savršen ni blizu“, dodaje Šimić."
    assert [(one.speaker, one.speaker_id) for one in found(text, "hbs")] == [("Petra Šimić", "")] * 2


def test_lines_with_dashes_and_turns_of_an_interview() -> None:
    text = (
        "– Nismo ugroženi ni od koga – rekao je Anušić.\nKurti: Mi nismo prijetnja nikome ovdje.\n– prva stavka popisa"
    )
    told = [(one.span.surface, one.speaker_id, one.kind) for one in found(text, "hbs")]
    assert told == [
        ("Nismo ugroženi ni od koga", "anusic", "direct"), ("Mi nismo prijetnja nikome ovdje.", "kurti", "direct"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Odgovorićemo na ovaj savez – Vučić", [("Odgovorićemo na ovaj savez", "vucic")]),
        ("Kurti: Mi smo mirni ljudi; Vučić: Mi nismo mirni",
         [("Mi smo mirni ljudi", "kurti"), ("Mi nismo mirni", "vucic")]),
        ("Vučić o savezu: Odgovorićemo na sve ovo", [("Odgovorićemo na sve ovo", "vucic")]),
        ("Vučić i Kurti: šta sledi posle potpisa", []),
        ("Vučić i dalje ćuti: dve strane jedne politike", []),
    ],
)  # fmt: skip
def test_headlines(title: str, expected: list[tuple[str, str]]) -> None:
    assert [(one.span.surface, one.speaker_id) for one in found(title, "hbs", field="title")] == expected


def test_a_quotation_goes_on_over_paragraphs_and_holds_others() -> None:
    text = "„Prvo su rekli ‚ne brinite se ništa‘.\nA onda su potpisali „tajni“ aneks“, kaže Vučić."
    (quote,) = found(text, "hbs")
    assert (quote.speaker_id, quote.span.start, text[quote.span.end]) == ("vucic", 1, "“")


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


@pytest.mark.parametrize(
    ("code", "text", "words", "speaker"),
    [
        ("hbs", "Kurti, koji je bio u Beču, rekao je da pregovora više nema.", "pregovora više nema", "kurti"),
        ("hbs", "Razgovarao je sa Vučićem, koji je rekao da savez nije opasan.", "savez nije opasan", "vucic"),
        ("hbs", "Savez, smatra Vučić, ne donosi mir regionu.", "Savez, smatra Vučić, ne donosi mir regionu", "vucic"),
        ("hbs", "Vučić je u Nišu. Po njegovim rečima, mira neće biti.", "mira neće biti", "vucic"),
        ("hbs", "Vučić je u Nišu. Kaže da mira neće biti.", "mira neće biti", "vucic"),
        ("hbs", "Vučić je u Nišu. Savez je, navodi se, opasan za mir.", "Savez je, navodi se, opasan za mir", ""),
        ("en", "An official met Vučić. He said that the pact was bad.", "the pact was bad", ""),
        ("en", "Vučić, who met Kurti, said that the pact was bad.", "the pact was bad", "vucic"),
        ("en", "Vučić said it was bad; he left at once.", "it was bad", "vucic"),
        ("pl", "Pakt nie daje pokoju, oznajmił Vučić.", "Pakt nie daje pokoju", "vucic"),
    ],
)
def test_who_says_what_is_told(code: str, text: str, words: str, speaker: str) -> None:
    assert [(one.span.surface, one.speaker_id) for one in found(text, code)] == [(words, speaker)]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("en", "Vučić reported details of the plan that stops in May."),
        ("en", "The pact of Vučić, announced in 2021, brings no peace."),
        ("sq", "Kurti foli, tha zyrtari i Ministrisë së Mbrojtjes në Tiranë."),
        ("hbs", "Vučić je odbacio tvrdnje opozicije da savez donosi mir."),
    ],
)
def test_clauses_that_nobody_says(code: str, text: str) -> None:
    assert [one.span.surface for one in found(text, code) if one.speaker_id] == []


def test_a_pronoun_is_who_was_spoken_of_last() -> None:
    text = (
        "Vučić je primio Kurtija u Beču. „Razgovor je bio dug i težak“, rekao je on. „Nije bilo dogovora ni oko čega.“"
    )
    assert [(one.speaker_id, one.confidence < 0.5) for one in found(text, "hbs")] == [("vucic", True)] * 2


def test_a_name_in_capitals_is_no_quotation() -> None:
    assert found('Vučić saw "The Long Road Home" in the cinema.', "en") == []
    assert found("Zemlja ulazi u „Partnerstvo za mir“ po rečima ministra.", "hbs") == []
