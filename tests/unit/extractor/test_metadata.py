"""Dates in words, authors, agencies and titles that places disagree on."""

from __future__ import annotations

import pytest

from services.extractor.metadata.agency import credited
from services.extractor.metadata.authors import persons
from services.extractor.metadata.head import Metadata
from services.extractor.metadata.moments import month_of, parse, place_of
from services.extractor.metadata.outlet import outlet_of
from services.extractor.metadata.titles import page_title
from shared.text.languages import languages
from tests.fakes.pages import SOURCE


@pytest.mark.parametrize(
    ("text", "language", "stated"),
    [
        ("Уторак, 18. март 2025. у 14:30", "sr", "2025-03-18T14:30:00+01:00"),
        ("utorak, 18. marta 2025. 14:30", "sr", "2025-03-18T14:30:00+01:00"),
        ("18. listopada 2025. u 14:30", "hr", "2025-10-18T14:30:00+02:00"),
        ("18 listopada 2025, 14:30", "pl", "2025-11-18T14:30:00+01:00"),
        ("18 Mars 2025 14:30", "sq", "2025-03-18T14:30:00+01:00"),
        ("18 март 2025, 14:30", "mk", "2025-03-18T14:30:00+01:00"),
        ("18 март 2025 | 14:30", "bg", "2025-03-18T14:30:00+02:00"),
        ("18. marca 2025 ob 14.30", "sl", "2025-03-18T14:30:00+01:00"),
        ("2025. március 18. 14:30", "hu", "2025-03-18T14:30:00+01:00"),
        ("18 martie 2025, 14:30", "ro", "2025-03-18T14:30:00+02:00"),
        ("18 Mart 2025 Salı 14:30", "tr", "2025-03-18T14:30:00+03:00"),
        ("18 Μαρτίου 2025 14:30", "el", "2025-03-18T14:30:00+02:00"),
        ("18 березня 2025, 14:30", "uk", "2025-03-18T14:30:00+02:00"),
        ("18 марта 2025, 14:30", "ru", "2025-03-18T14:30:00"),
        ("18 marzo 2025 14:30", "it", "2025-03-18T14:30:00+01:00"),
        ("Publié le 18 mars 2025 à 14h30", "fr", "2025-03-18T14:30:00"),
        ("18. März 2025, 14:30 Uhr", "de", "2025-03-18T14:30:00"),
        ("November 19, 2019, 07:47 PM EST", "en", "2019-11-19T19:47:00-05:00"),
        ("18. mart 2025.", "sr", "2025-03-18"),
    ],
)
def test_a_date_in_words_is_read_in_its_language(text: str, language: str, stated: str) -> None:
    found = parse(text, place_of(language=language))
    assert found is not None
    assert found.stated.removesuffix("+00:00") == stated


@pytest.mark.parametrize("code", sorted(languages()))
def test_every_language_has_twelve_months(code: str) -> None:
    assert {month_of(name, code) for name in languages()[code].months} == set(range(1, 13))


def test_a_month_that_is_two_in_two_languages_is_none_without_a_language() -> None:
    assert month_of("listopada") == 0


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("By TOM KRISHER, AP Auto Writer", ("Tom Krisher",)),
        ("Piše: Marko Marković", ("Marko Marković",)),
        ("Пише: Јована Јовановић", ("Јована Јовановић",)),
        ("Ana Writer and Tim Cook", ("Ana Writer", "Tim Cook")),
        ("https://lajmi.test/author/admin", ()),
        ("Finian Writer. Lajmi Ynë", ("Finian Writer",)), ("Bryan Writer Nov", ()), ("The Russian", ()),
        ("Redakcija", ()), ("Lajmi Ynë", ()), ("Tanjug", ()), ("Associated Press", ()), ("Radio Slobodna Evropa", ()),
        ("Ursula von der Leyen", ("Ursula von der Leyen",)),
    ],
)  # fmt: skip
def test_authors_are_persons(text: str, names: tuple[str, ...]) -> None:
    assert persons((text,), outlet_of(SOURCE)) == names


@pytest.mark.parametrize(
    ("text", "agency", "where"),
    [
        ("Vlada je to potvrdila, prenosi Tanjug.", "tanjug", "body"),
        ("Владата потврди, пренесува МИА.", "mia", "body"),
        ("Qeveria e konfirmoi, transmeton KosovaPress.", "kosovapress", "body"),
        ("Министър го каза, съобщава БТА.", "bta", "body"),
        ("Prvi red teksta koji nešto kaže.\nIzvor: Radio Slobodna Evropa", "rferl", "credit"),
        ("Predsednik je za Tanjug rekao da će odgovoriti.", "", ""),
    ],
)
def test_a_sentence_that_passes_on_credits(text: str, agency: str, where: str) -> None:
    found = credited((), text)
    assert (found.agency, found.where) == (agency, where)


def test_what_most_places_say_is_the_title_and_the_reader_decides_a_tie() -> None:
    head = Metadata(
        article={"headline": "For engines: a headline"}, title="For engines: a headline - Lajmi Ynë",
        meta={"og:title": ("What readers see in the page",)}, headings=("Lajmi Ynë", "What readers see in the page"),
    )  # fmt: skip
    assert page_title(head, SOURCE).text == "What readers see in the page"
