"""The language of texts in every language that has a file, whatever the outlet is listed with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.extractor.language import Identifier, identify, load_identifier
from shared.text.languages import languages

TABLE: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("languages.yaml").read_text(encoding="utf-8"))
HEADLINES = [
    ("ru", "Сербия требует объяснений от Загреба"),
    ("ru", "Объявлено о подъеме армии на учения"),
    ("bg", "Сърбия иска обяснение от Загреб"),
    ("bg", "Хърватия, Албания и Косово обединени в съюз"),
    ("uk", "Сербія чекає пояснень: угода її турбує"),
]
"""Headlines that letters decide: ъ stands before a vowel in Russian and is one in Bulgarian."""


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return load_identifier()


def rows() -> list[Any]:
    return [
        pytest.param(code, text, id=f"{code}-{at}") for code, texts in TABLE.items() for at, text in enumerate(texts)
    ]


@pytest.mark.parametrize(("code", "text"), rows())
@pytest.mark.parametrize("outlet", ["", "sr"])
def test_a_text_is_told(code: str, text: str, outlet: str, identifier: Identifier) -> None:
    assert identify(identifier, "", "", text, outlet=outlet).macro == code


@pytest.mark.parametrize(("code", "text"), HEADLINES)
def test_letters_tell_a_headline(code: str, text: str, identifier: Identifier) -> None:
    assert identify(identifier, text, "", "", outlet="sr").macro == code


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("es", "El ministro de Exteriores declaró el martes que las conversaciones con los vecinos continuarán."),
        ("cs", "Ministr zahraničí v úterý řekl, že rozhovory se sousedními státy budou pokračovat."),
        ("be", "Міністр замежных спраў заявіў у аўторак, што перамовы з суседзямі працягнуцца."),
    ],
)
def test_any_other_language_keeps_its_code(code: str, text: str, identifier: Identifier) -> None:
    assert code not in languages()
    assert identify(identifier, "", "", text, outlet="sr").macro == code


def test_every_language_file_has_texts() -> None:
    """Serbo-Croatian is told by its varieties and has a table of its own."""
    assert set(TABLE) == set(languages()) - {"hbs"}
    assert all(len(texts) >= 3 for texts in TABLE.values())
