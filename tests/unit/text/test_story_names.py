"""The people and places of the story in every spelling met, alone in a sentence of their language."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.text.entities import load
from shared.text.gazetteer import Gazetteer
from shared.text.languages import macro

PACK = Path(__file__).parents[3] / "deploy/packs/alliance/entities.yaml"
SPELLINGS = {
    "vucic": "en:Vučić en:Vucic sl:Vučič sq:Vuçiç sq:Vuçiq sq:Vuçiqi pl:Vuczić sr:Вучић mk:Вучиќ "
    "bg:Вучич ru:Вучич uk:Вучич",
    "maqedonci": "sq:Maqedonci en:Maqedonici sr:Makedonci hr:Macedonci sr:Maćedonci sr:Мачедонци "
    "bg:Македончи mk:Маќедонци sr:Маћедонци",
    "vengu": "sq:Vengu hr:Vengua hr:Venguom sr:Венгу",
    "anusic": "hr:Anušić en:Anusic sq:Anushiq sr:Анушић mk:Анушиќ bg:Анушич",
    "plenkovic": "hr:Plenković en:Plenkovic sq:Plenkoviq sq:Plenkoviç sr:Пленковић bg:Пленкович",
    "vucevic": "sr:Vučević sq:Vuçeviq sq:Vuçeviç sr:Вучевић",
    "kingji": "sq:Kingji mk:Кинѓи bg:Кингджи",
    "sajovic": "sl:Sajovic hr:Sajović sq:Sajoviq mk:Сајовиќ",
    "bozinovic": "hr:Božinović sq:Bozhinoviq",
    "sekerinska": "mk:Шекеринска sr:Šekerinska en:Shekerinska",
    "rutte": "en:Rutte nl:Rutte",
    "gervalla": "sq:Gërvalla sq:Gervalla",
    "city-tirana": "sq:Tiranë sr:Tirana sr:Tirani sr:Тирана hr:Tirane tr:Tiran",
    "city-pristina": "sr:Priština sq:Prishtinë mk:Приштина bg:Прищина tr:Priştine en:Pristina",
    "city-zagreb": "hr:Zagreb sr:Загреб it:Zagabria hu:Zágráb",
    "city-shkoder": "sq:Shkodër en:Shkodra sr:Skadar sr:Скадар bg:Шкодра mk:Шкодер",
    "kosovo": "sr:Kosovo sq:Kosova sq:Kosovë mk:Косово sr:Kosovu hr:Kosovom sr:KiM",
}
"""Entity to language:spelling."""
FULL = {
    "djuric": ["sr:Marko Đurić", "en:Marko Djuric", "de:Marko Duric", "sq:Marko Gjuriq", "sr:Марко Ђурић"],
    "gasic": ["sr:Bratislav Gašić", "en:Bratislav Gasic", "sr:Братислав Гашић"],
    "petkovic": ["sr:Petar Petković", "sq:Petar Petkoviq", "sr:Петар Петковић"],
    "milanovic": ["hr:Zoran Milanović", "sq:Zoran Milanoviç", "sr:Зоран Милановић"],
    "kurti": ["sq:Albin Kurti", "sr:Aljbin Kurti", "sr:Aljbina Kurtija", "sr:Аљбин Курти", "mk:Албин Курти"],
    "vengu": ["sq:Pirro Vengu", "sr:Piro Vengu", "hr:Pira Vengua", "sr:Пиру Венгуу", "mk:Пиро Венгу"],
    "grlic-radman": ["hr:Gordan Grlić Radman"], "bozinovic": ["hr:Davor Božinović"], "kundid": ["hr:Tihomir Kundid"],
    "rama": ["sq:Edi Rama", "sr:Edija Rame"], "begaj": ["sq:Bajram Begaj"], "peleshi": ["sq:Niko Peleshi"],
    "osmani": ["sq:Vjosa Osmani", "sr:Vjosu Osmani"], "jashari": ["sq:Bashkim Jashari", "sr:Baškim Jašari"],
    "geci": ["sq:Faruk Geci"], "georgiev": ["bg:Георг Георгиев"], "zapryanov": ["bg:Атанас Запрянов"],
    "szalay": ["hu:Szalay-Bobrovniczky Kristóf", "en:Kristóf Szalay-Bobrovniczky"], "orban": ["hu:Orbán Viktor"],
    "siljanovska": ["mk:Гордана Сиљановска-Давкова"], "mickoski": ["mk:Христијан Мицкоски"],
    "misajlovski": ["mk:Владо Мисајловски"], "krapovic": ["me:Dragan Krapović"], "spajic": ["me:Milojko Spajić"],
    "helez": ["bs:Zukan Helez"], "dodik": ["sr:Milorad Dodik"], "zakharova": ["ru:Мария Захарова"],
    "brnabic": ["sr:Ana Brnabić"], "dacic": ["sr:Ivica Dačić"], "starovic": ["sr:Nemanja Starović"],
    "mojsilovic": ["sr:Milan Mojsilović"], "stanojevic": ["sr:Dragan Stanojević"], "vulin": ["sr:Aleksandar Vulin"],
    "macut": ["sr:Đuro Macut"], "selakovic": ["sr:Nikola Selaković"],
}  # fmt: skip
ROWS = [(entity, one) for entity, row in SPELLINGS.items() for one in row.split()] + [
    (entity, one) for entity, names in FULL.items() for one in names
]


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer(load(PACK))


@pytest.mark.parametrize(("entity", "spelling"), ROWS, ids=lambda value: value)
def test_a_spelling_is_known(entity: str, spelling: str, gazetteer: Gazetteer) -> None:
    code, _, name = spelling.partition(":")
    found = gazetteer.find(f"… {name} …", macro(code))
    assert [(one.entity.id, one.surface) for one in found] == [(entity, name)]
