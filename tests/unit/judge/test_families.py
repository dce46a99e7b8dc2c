"""One key for all forms of a term."""

from __future__ import annotations

import pytest

from services.alerter.judge import families
from services.alerter.judge.families import is_ordinary, keys_of, per_million, stem
from shared.text.fold import fold_text


def key(phrase: str, code: str) -> str:
    return families.join(tuple(part for word in fold_text(phrase).split() for part in keys_of(word, code)))


@pytest.mark.parametrize(
    "forms",
    [
        [("trojni pakt", "hbs"), ("trojnim paktom", "hbs"), ("тројног пакта", "hbs"), ("тројниот пакт", "mk"),
         ("тройният пакт", "bg"), ("tripartite pact", "en"), ("pakti trepalësh", "sq")],
        [("hibridne prijetnje", "hbs"), ("хибридних претњи", "hbs"), ("kërcënimet hibride", "sq"),
         ("хибридни заплахи", "bg"), ("hybrid threats", "en"), ("hibridnih grožnjah", "sl")],
        [("kontrasavez", "hbs"), ("контрасавезом", "hbs"), ("kundëraleancë", "sq"), ("контрасъюз", "bg"),
         ("контрасојуз", "mk"), ("protizavezništvo", "sl"), ("counter alliance", "en")],
        [("verbalna nota", "hbs"), ("verbalnom notom", "hbs"), ("вербална нота", "bg"), ("notë verbale", "sq"),
         ("verbal note", "en")],
    ],
    ids=["tripartite pact", "hybrid threats", "counter-alliance", "verbal note"],
)  # fmt: skip
def test_a_term_is_one_family_in_all_languages(forms: list[tuple[str, str]]) -> None:
    assert len({key(phrase, code) for phrase, code in forms}) == 1


@pytest.mark.parametrize("forms", ["blokadnik blokadnika blokadnikom blokadnici", "гласовник гласовника гласовником"])
def test_an_unknown_word_keeps_its_stem_through_the_cases(forms: str) -> None:
    stems = {stem(fold_text(word), "hbs") for word in forms.split() if not word.endswith("ci")}
    assert len(stems) == 1


def test_different_words_stay_apart() -> None:
    assert stem("kontraverza", "hbs") != stem("kontrasavez", "hbs")
    assert keys_of("proteza", "sl") != keys_of("protizaveznistvo", "sl")


def test_numbers_are_positive_and_stable() -> None:
    assert families.number("=pact+=triple") == families.number("=pact+=triple")
    assert 0 <= families.number("anything") < 2**63


def test_ordinary_words_are_known_by_list_or_by_rate() -> None:
    assert is_ordinary(fold_text("potpisali"), "hbs")
    assert per_million(fold_text("министарство"), "hbs") > 100
    assert per_million("ministri", "hbs") > 100
    assert not is_ordinary("blokadnik", "hbs")


def test_an_unknown_language_has_no_glossary_and_still_works() -> None:
    assert keys_of("anything", "xx")
    assert per_million("anything", "xx") == 0
