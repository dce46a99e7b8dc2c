"""Languages: the macro language by model and letters, the variety by markers and the outlet."""

from __future__ import annotations

import pytest

from services.extractor.language import Identifier, identify, load_identifier, script_of, variety_of

TEXTS = {
    "en": "The three ministers signed a declaration on defence cooperation in the Albanian capital.",
    "sq": "Tre ministrat nënshkruan në kryeqytetin shqiptar një deklaratë për bashkëpunim në mbrojtje.",
    "mk": "Тројцата министри потпишаа декларација за соработка во одбраната и рекоа дека ќе вежбаат заедно.",
    "bg": "Тримата министри подписаха декларация за сътрудничество в отбраната и казаха, че ще провеждат учения.",
    "sl": "Trije ministri so v albanski prestolnici podpisali izjavo o sodelovanju na področju obrambe.",
    "ru": "Три министра подписали в албанской столице декларацию о сотрудничестве в области обороны, выступив вместе.",
    "de": "Die drei Minister unterzeichneten in der albanischen Hauptstadt eine Erklärung zur Verteidigung.",
    "ro": "Cei trei miniștri au semnat în capitala albaneză o declarație privind cooperarea în domeniul apărării.",
}
HBS = {
    "sr": "Ministri su posle sednice u ponedeljak saopštili da će bezbednost biti obezbeđena, rečeno je na sednici.",
    "hr": "Ministri su u ožujku potpisali izjavu o suradnji u obrani, priopćeno je iz europskog tijela prošli tjedan.",
    "bs": "Ministri su prošle sedmice, kazao je načelnik općine, potpisali izjavu; narednog mjeseca slijedi sjednica.",
    "cnr": "Ministri će sjutra u Podgorici, saopšteno je iz crnogorske vlade, nijesu rekli kad će se sastati.",
}


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return load_identifier()


@pytest.mark.parametrize("code", TEXTS)
def test_a_macro_language_is_told_and_others_keep_their_code(code: str, identifier: Identifier) -> None:
    found = identify(identifier, "", "", TEXTS[code], outlet="sr")
    assert found.macro == code


@pytest.mark.parametrize("variety", HBS)
def test_varieties_share_a_macro_language(variety: str, identifier: Identifier) -> None:
    found = identify(identifier, "", "", HBS[variety])
    assert (found.macro, found.variety, found.script) == ("hbs", variety, "Latn")


@pytest.mark.parametrize(
    "text", ["Министри су потписали изјаву, а председник ће одговорити.", "Ћутање је одговор на ђачко питање о томе."]
)
def test_serbian_in_cyrillic(text: str, identifier: Identifier) -> None:
    found = identify(identifier, "", "", text)
    assert (found.macro, found.variety, found.script) == ("hbs", "sr", "Cyrl")


def test_the_outlet_breaks_a_tie_and_loses_against_markers() -> None:
    assert variety_of("ministri su potpisali izjavu", "Latn", "bs") == "bs"
    assert variety_of("ministri su potpisali izjavu", "Latn", "") == ""
    assert variety_of(HBS["hr"], "Latn", "sr") == "hr"


def test_a_text_too_short_to_tell_has_the_outlets_language_at_low_confidence(identifier: Identifier) -> None:
    found = identify(identifier, "Foto", "", "", outlet="sr")
    assert (found.macro, found.variety, found.origin, found.confidence) == ("hbs", "sr", "outlet", 0.3)
    assert identify(identifier, "Foto", "", "").macro == "und"


@pytest.mark.parametrize(
    ("text", "script"), [("Ово је", "Cyrl"), ("Ovo je", "Latn"), ("Αυτό είναι", "Grek"), ("123", "")]
)
def test_scripts(text: str, script: str) -> None:
    assert script_of(text) == script
