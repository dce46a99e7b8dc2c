"""A language is one file: its endings find names and words in its own sentences, and leave look-alikes alone.

The rows are data (`languages.yaml` beside this file): a term as a watch writes it, a sentence, the surface to be found.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.text.fold import fold, fold_text
from shared.text.inflect import Inflections
from shared.text.languages import Language, languages
from shared.text.lexicon import Lexicon

TABLE: dict[str, dict[str, list[list[str]]]] = yaml.safe_load(
    Path(__file__).with_name("languages.yaml").read_text(encoding="utf-8")
)
EVERYWHERE = {
    "inv", "person_c", "person_a", "person_o", "person_i", "person_e", "person_u", "place_a", "place_o", "place_c",
    "place_i", "noun_c", "noun_a", "noun_o", "noun_e", "noun_ost", "adj", "adj_sk", "acronym", "word",
}  # fmt: skip
"""Classes that watches and entities use without naming a language: without its own, a text would get everyone's."""


def rows(kind: str) -> list[Any]:
    return [pytest.param(code, *row, id=f"{code}-{row[0]}") for code, one in TABLE.items() for row in one[kind]]


def surfaces(term: str, text: str, code: str) -> list[str]:
    return [hit.surface for hit in Lexicon.build([("key", term)]).find(fold(text), code)]


@pytest.mark.parametrize(("code", "term", "sentence", "surface"), rows("hit"))
def test_a_form_is_found(code: str, term: str, sentence: str, surface: str) -> None:
    assert surfaces(term, sentence, code) == [surface]


@pytest.mark.parametrize(("code", "term", "sentence"), rows("miss"))
def test_a_look_alike_is_not_found(code: str, term: str, sentence: str) -> None:
    assert surfaces(term, sentence, code) == []


def test_every_language_file_has_rows() -> None:
    assert set(TABLE) == set(languages())
    for code, one in TABLE.items():
        assert len(one["hit"]) >= 8, code
        assert len(one["miss"]) >= 4, code


@pytest.mark.parametrize("one", languages().values(), ids=lambda one: one.code)
def test_a_file_says_all_that_is_asked_of_a_language(one: Language) -> None:
    assert set(one.classes) >= EVERYWHERE
    assert len(one.stop_words) >= 60
    assert len(one.background) >= 250
    assert set(one.months.values()) == set(range(1, 13))
    assert {"say", "condemn", "demand", "threaten", "warn", "protest", "reject", "welcome"} <= {
        verb.act for verb in one.verbs
    }
    assert one.negations and one.quotes and one.abbreviations
    assert all(fold_text(word) == word for word in one.background)


@pytest.mark.parametrize("one", languages().values(), ids=lambda one: one.code)
def test_a_file_alone_is_a_language(one: Language) -> None:
    """With no other file beside it the endings are its own, and a class it lacks has none."""
    alone = Inflections([one])
    assert {form.language for kind in one.classes for form in alone.endings(kind, one.code).values()} == {one.code}
    assert alone.endings("no_such_class", one.code) == {}
