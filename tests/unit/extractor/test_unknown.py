"""Names that are no entities of the list: which are found, and that cases of one have one key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.extractor.entities.unknown import LONGEST, MOST, SHORTEST, unknown_names


def names(text: str, code: str, taken: tuple[tuple[int, int], ...] = ()) -> list[str]:
    return [one.surface for one in unknown_names(text, code, taken)]


@pytest.mark.parametrize(
    ("code", "text", "expected"),
    [
        ("hbs", "Juče je govorio Zdravko Mirković iz Odbora.", ["Zdravko Mirković"]),
        ("hbs", "Zdravko Mirković je govorio.", []),
        ("hbs", "Zdravko Mirković je govorio. Potom je Zdravko otišao.", ["Zdravko Mirković"]),
        ("hbs", "Рекла је то Милена Стојковић у среду.", ["Милена Стојковић"]),
        ("hbs", "Predstavio je to Vlada Srbije.", []),
        ("sq", "Në takim foli edhe Arlind Bytyqi për buxhetin.", ["Arlind Bytyqi"]),
        ("mk", "На средбата зборуваше Драган Тилев од министерството.", ["Драган Тилев"]),
        ("en", "The talks were led by Martin Ashworth on Friday.", ["Martin Ashworth"]),
        ("en", "The NATO and EU talks were in London.", []),
        ("de", "Gestern sprach Herr Walter Neumann im Alten Rathaus.", []),
        ("ja", "Martin Ashworth spoke.", []),
    ],
)
def test_names(code: str, text: str, expected: list[str]) -> None:
    assert names(text, code) == expected


def test_what_is_known_is_no_candidate() -> None:
    text = "Juče je govorio Zdravko Mirković u podne."
    start = text.index("Zdravko")
    assert names(text, "hbs", ((start, start + 5),)) == []


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        (
            "hbs",
            [
                "je Zdravko Mirković tu",
                "bez Zdravka Mirkovića tu",
                "sa Zdravkom Mirkovićem tu",
                "о Здравку Мирковићу ту",
            ],
        ),
        ("sq", ["tha Arlind Gashi sot", "me Arlindin Gashin sot"]),
        ("hbs", ["je Milena Stojković tu", "za Milenu Stojković tu"]),
    ],
)
def test_cases_of_a_name_have_one_key(code: str, texts: list[str]) -> None:
    keys = {one.key for text in texts for one in unknown_names(text, code, ())}
    assert len(keys) == 1


@given(st.text(alphabet="Abcd Ef. Gh\n-", max_size=120), st.sampled_from(["hbs", "en", "sq"]))
def test_every_name_is_in_the_text_and_none_twice(text: str, code: str) -> None:
    found = unknown_names(text, code, ())
    assert len(found) <= MOST
    assert len({one.key for one in found}) == len(found)
    for one in found:
        assert one.surface in text
        assert SHORTEST <= len(one.surface.split()) <= LONGEST
