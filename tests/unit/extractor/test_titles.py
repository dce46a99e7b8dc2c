"""Short titles in every language of the pack, with and without diacritics: the language and the variety."""

from __future__ import annotations

from collections import Counter

import pytest

from services.extractor.language import Identifier, identify, load_identifier
from services.extractor.language.letters import spoken_for
from shared.text.languages import languages
from tests.bench.language import Title, alone, bare, ours, titles, varieties, variety_figures

TITLES = titles("titles_1", "titles_2", "varieties")
BARE = bare(TITLES)


@pytest.fixture(scope="module")
def identifier() -> Identifier:
    return load_identifier()


def test_there_are_forty_titles_a_language_and_none_twice() -> None:
    counts = Counter(one.language for one in TITLES)
    assert set(counts) == set(languages())
    assert min(counts.values()) >= 40
    assert len({one.text for one in TITLES}) == len(TITLES)
    assert max(len(one.text) for one in TITLES) <= 75


@pytest.mark.parametrize("rows", [TITLES, BARE], ids=["as written", "without diacritics"])
def test_short_titles_are_told_and_more_of_them_than_the_identifier_tells(
    rows: list[Title], identifier: Identifier
) -> None:
    right = [one for one in rows if ours(identifier, one)]
    assert len(right) >= 0.97 * len(rows)
    assert len(right) > sum(alone(identifier, one) for one in rows)


@pytest.mark.parametrize("code", sorted(languages()))
def test_no_language_is_left_behind(code: str, identifier: Identifier) -> None:
    rows = [one for one in TITLES if one.language == code]
    assert sum(ours(identifier, one) for one in rows) >= 0.85 * len(rows)


def test_other_languages_keep_their_code(identifier: Identifier) -> None:
    rows = titles("others")
    assert sum(ours(identifier, one) for one in rows) >= 0.95 * len(rows)


def test_varieties_are_told_or_honestly_left_open() -> None:
    figures = variety_figures(titles("varieties"))
    assert figures["variety_wrong"] <= 0.02
    assert figures["variety_group"] <= 0.15
    told = varieties(titles("varieties"))
    assert sum(times for (code, said), times in told.items() if code == "plain" and said) <= 1


def test_names_keep_their_letters_in_any_language(identifier: Identifier) -> None:
    assert spoken_for("Vučić says Gašić will talk to Đurić in Niš") == {}
    assert identify(identifier, "Vučić says Gašić will talk to Đurić in Niš", "", "").macro == "en"
    assert identify(identifier, "Plenković spricht mit Milanović über Anušić", "", "").macro == "de"


def test_the_outlet_speaks_where_a_title_does_not(identifier: Identifier) -> None:
    assert identify(identifier, "Foto", "", "", outlet="mk").macro == "mk"
    assert identify(identifier, "Суд одбио жалбу", "", "", outlet="sr").macro == "hbs"
