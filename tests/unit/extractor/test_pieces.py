"""Titles, leads, agencies, monsters."""

from __future__ import annotations

import pytest

from services.extractor.body.clean import clean
from services.extractor.body.plain import cheap_text, is_monster, tamed
from services.extractor.metadata import titles
from services.extractor.metadata.agency import credited
from services.extractor.metadata.head import Metadata
from services.extractor.metadata.outlet import outlet_of
from shared.events import Entry
from tests.fakes.pages import SOURCE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Marrëveshje në Tiranë - Lajmi Ynë", "Marrëveshje në Tiranë"),
        ("Lajmi Yne | Marrëveshje në Tiranë", "Marrëveshje në Tiranë"),
        ("Vučić: Odgovorićemo - Politika", "Vučić: Odgovorićemo - Politika"),
        ("Kosovo – Albania – Croatia", "Kosovo – Albania – Croatia"),
        ("Lajmi Ynë", "Lajmi Ynë"),
    ],
)
def test_the_outlets_name_is_taken_off_a_title(text: str, expected: str) -> None:
    assert titles.without_outlet(text, outlet_of(SOURCE)) == expected


def test_a_title_that_the_feed_cut_off_is_completed_by_the_page() -> None:
    head = Metadata(article={"headline": "A long headline that goes on to its end"})
    assert titles.title(head, Entry(title="A long headline that…"), SOURCE).origin == "jsonld"
    assert titles.title(Metadata(), Entry(title="A long headline that…"), SOURCE).origin == "feed"


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ("<p>Three ministers &amp;amp; a document.</p> Read more", "Three ministers & a document."),
        ("Ministri su potpisali izjavu. Opširnije…", "Ministri su potpisali izjavu."),
        ("Signed. The post Signed today appeared first on Lajmi Ynë.", "Signed."),
        ("The headline", "First paragraph."),
        ("", "First paragraph."),
    ],
)
def test_a_lead_is_cleaned_and_never_the_headline(summary: str, expected: str) -> None:
    found = titles.lead(Metadata(), Entry(summary=summary), "The headline", "First paragraph.\nSecond.")
    assert found.text == expected


def test_text_is_composed_and_invisible_characters_go() -> None:
    assert (
        clean("Vuc\u030cic\u0301 po\u00adtpi\u200bsao\u00a0 izjavu\x00\n\n  dalje ") == "Vučić potpisao izjavu\ndalje"
    )


@pytest.mark.parametrize(
    ("authors", "text", "agency", "where"),
    [
        (("Tanjug",), "", "tanjug", "byline"),
        (("Izvor Tanjug",), "", "tanjug", "byline"),
        (("Marko Pisac/FoNet",), "", "fonet", "byline"),
        (("Ana Writer, Associated Press",), "", "ap", "byline"),
        (("Beta Pisac",), "", "", ""),
        ((), "BEOGRAD, 19. marta (Tanjug) - Ministar je to rekao.", "tanjug", "dateline"),
        ((), "БЕОГРАД (Танјуг) – Министар је то рекао.", "tanjug", "dateline"),
        ((), "TIRANË, 18 mars /ATSH/ - Ministrat nënshkruan.", "ata", "dateline"),
        ((), "ZAGREB (Hina) – Vlada je to potvrdila.", "hina", "dateline"),
        ((), "Скопје – МИА – Владата соопшти.", "mia", "dateline"),
        ((), "Beograd, Beta - Nešto se dogodilo.", "beta", "dateline"),
        ((), "Tekst se završava ovde. (Beta, 18.03.2025)", "beta", "credit"),
        ((), "Prvi red teksta koji nešto kaže o svemu tome.\nIzvor: Tanjug", "tanjug", "credit"),
        ((), "Teksti mbaron këtu, dhe burimi vijon më poshtë.\nAFP", "afp", "credit"),
        ((), "Predsednik je za Reuters rekao da će odgovoriti. Tekst ide dalje.", "", ""),
        ((), "Nuk dihet sta ndodhi (pa koment).", "", ""),
    ],
)
def test_an_agency_is_credited_by_its_place(authors: tuple[str, ...], text: str, agency: str, where: str) -> None:
    found = credited(authors, text)
    assert (found.agency, found.where) == (agency, where)


@pytest.mark.parametrize("attribute", ['a{0}="{0}"', "a{0}", "a{0}='>'", 'x=">" a{0}=1'])
def test_a_tag_with_thousands_of_attributes_is_a_monster_and_can_be_tamed(attribute: str) -> None:
    attributes = " ".join(attribute.format(number) for number in range(3_000))
    assert is_monster(f"<p {attributes}>text</p>".encode())
    assert tamed(f"<p {attributes}>text</p>") == "<p >text</p>"


def test_monsters_are_told_by_their_bytes() -> None:
    assert is_monster(b"<td>1</td>" * 15_000)
    assert not is_monster(f"<p>text</p><script>{'a=b; ' * 20_000}</script>".encode())
    assert not is_monster(f"<p data-json='{'a b ' * 20_000}'>text</p>".encode())
    assert not is_monster(f"<p>a < b {'and more text ' * 9_000}</p>".encode())


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 40_000,
        "<script " * 60_000,
        "<b>" * 20_000 + "<!--" * 20_000,
        "<p " * 100_000,
        "<" * 400_000,
        "&#" * 200_000,
    ],
)
def test_hostile_markup_is_read_in_one_pass(page: str) -> None:
    assert isinstance(cheap_text(tamed(page)), str)


def test_text_in_deep_nesting_is_found() -> None:
    sentence = "The text of an article that sits under very many elements."
    assert cheap_text("<div>" * 9_000 + f"<script>no</script><p>{sentence}</p>") == sentence
