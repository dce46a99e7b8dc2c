"""Entities: the list's own faults, and names found, supported, blocked."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from shared.document import Faulty
from shared.text.entities import load, loads
from shared.text.gazetteer import Gazetteer
from shared.text.names import respelt

PACK = Path(__file__).parents[3] / "deploy/packs/alliance/entities.yaml"


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer(load(PACK))


def ids(gazetteer: Gazetteer, text: str, code: str, country: str = "") -> list[str]:
    return [found.entity.id for found in gazetteer.find(text, code, country=country)]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("sr", "Aleksandra Vučića su pitali za Tiranu i Zagreb."),
        ("sr", "Александра Вучића су питали за Тирану и Загреб."),
        ("mk", "Го прашаа Вучиќ за Тирана и Загреб."),
        ("bg", "Попитаха Вучич за Тирана и Загреб."),
        ("sq", "Pyetën Vuçiqin për Tiranën dhe Zagrebin."),
        ("sl", "Vučića so vprašali o Tirani in Zagrebu."),
        ("en", "They asked Vucic about Tirana and Zagreb."),
    ],
)
def test_one_entry_covers_languages_and_scripts(gazetteer: Gazetteer, code: str, text: str) -> None:
    assert ids(gazetteer, text, code) == ["vucic", "city-tirana", "city-zagreb"]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("hr", "Croatia Airlines uvodi liniju za Tiranu.", ["city-tirana"]),
        ("hr", "Hrvatska i Albanija u kvalifikacijama za prvenstvo.", []),
        ("sr", "Pevačica Dafina Kurti održala je koncert u Prištini.", ["city-pristina"]),
        ("sr", "Premijer Kurti je govorio u Prištini.", ["kurti", "city-pristina"]),
        ("sr", "Nova rama za sliku, sad i bih.", []),
        ("sr", "Kosovska bitka i Косово Поље.", []),
        ("en", "Roast turkey for dinner.", []),
        ("sr", "Ministarstvo odbrane Srbije i Vojska Srbije.", ["mod-serbia", "army-serbia"]),
        ("sq", "Ministria e Punëve të Jashtme e Kosovës reagoi.", ["mfa-kosovo"]),
        ("sq", "Ministria e Jashtme serbe reagoi.", ["mfa-serbia"]),
    ],
)
def test_traps(gazetteer: Gazetteer, code: str, text: str, expected: list[str]) -> None:
    assert ids(gazetteer, text, code) == expected


def test_an_office_without_its_state_means_the_outlets_own(gazetteer: Gazetteer) -> None:
    text = "Ministarstvo odbrane je saopštilo da prati događaje."
    assert ids(gazetteer, text, "sr") == []
    assert ids(gazetteer, text, "sr", country="RS") == ["mod-serbia"]


def test_offices_have_dates(gazetteer: Gazetteer) -> None:
    text = "Miloš Vučević je govorio."
    roles = [gazetteer.find(text, "sr", day=day)[0].role for day in (date(2023, 5, 1), date(2025, 3, 18))]
    assert roles == ["defence minister of serbia", "prime minister of serbia"]


def test_subjects_and_kinds(gazetteer: Gazetteer) -> None:
    found = gazetteer.find("Beograd traži objašnjenje. U Beogradu kosovski ministri.", "sr")
    assert [(one.kind, one.subject, one.surface) for one in found] == [
        ("metonym", True, "Beograd"),
        ("metonym", False, "Beogradu"),
        ("adjective", True, "kosovski"),
    ]


def test_the_pack_is_rich_enough() -> None:
    entities = load(PACK)
    assert sum(one.type != "ignore" for one in entities.values()) >= 900
    assert {"serbia", "kosovo", "albania", "croatia", "nato", "eu"} <= {one.side for one in entities.values()}


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("sr", "Dimitar Kovačevski je otišao. Kovačevski ćuti.", ["kovachevski", "kovachevski"]),
        ("sq", "Flet Nikolla Dimitrov. Më vonë Dimitrovi iku.", ["dimitrov-nikola", "dimitrov-nikola"]),
        ("sr", "Bedžet Pacoli i Hašim Tači su ćutali.", ["pacolli", "thaci"]),
        ("sr", "Došao je Milan Knežević. Knežević kaže: ne.", ["knezevic-milan", "knezevic-milan"]),
        ("sr", "Knežević kaže: ne.", []),
        (
            "sr",
            "Dimal Baša je govorio, a Lulzim Baša pisao. Baša ćuti.",
            ["basha-dimal", "basha-lulzim", "basha-lulzim"],
        ),
        (
            "sr",
            "Lulzim Baša je pisao, a Dimal Baša govorio. Baša ćuti.",
            ["basha-lulzim", "basha-dimal", "basha-dimal"],
        ),
    ],
)
def test_a_surname_is_linked_to_the_full_name_written_last(
    gazetteer: Gazetteer, code: str, text: str, expected: list[str]
) -> None:
    assert ids(gazetteer, text, code) == expected


def test_neighbours_spell_names_by_sound() -> None:
    assert ("Vuçiq", ("sq",)) in respelt("Vučić", "serbia")
    assert [one for one, _ in respelt("Miloš Vučević", "serbia")] == ["Milosh Vuçeviq", "Millosh Vuçeviq"]
    assert [one for one, _ in respelt("Behgjet Pacolli", "kosovo")] == ["Behđet Pacoli"]
    assert respelt("Mark Rutte", "nato") == []


def test_faults_name_line_and_remedy() -> None:
    text = (
        "version: 1\nentities:\n  - id: a\n    type: persn\n    names: [A~b~c]\n"
        "  - id: a\n    tipe: org\n    names: [B]\n    needs: [nobody]\n"
    )
    with pytest.raises(Faulty) as caught:
        loads(text, "e.yaml")
    told = str(caught.value)
    assert "e.yaml:4:11: type: 'persn'; write one of person" in told
    assert "e.yaml:5:13: 'A~b~c': write ~ or * once" in told
    assert "e.yaml:6:5: the id 'a' is taken" in told
    assert "e.yaml:7:5: unknown key 'tipe': did you mean 'type'?" in told
    assert "e.yaml:9:13: no entity has the id 'nobody'" in told


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "a: &x [1]\nb: *x", "\tb: 1"])
def test_what_is_no_yaml_is_a_fault_with_a_place(text: str) -> None:
    with pytest.raises(Faulty, match=r"^e.yaml:\d+:\d+: "):
        loads(text, "e.yaml")
