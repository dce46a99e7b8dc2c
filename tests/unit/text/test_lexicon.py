"""Terms and the automaton: forms, phrases, offsets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.fold import fold
from shared.text.lexicon import Hit, Lexicon
from shared.text.terms import BadTerm, parse


def surfaces(term: str, text: str, language: str = "") -> list[str]:
    return [hit.surface for hit in Lexicon.build([("key", term)]).find(fold(text), language)]


@pytest.mark.parametrize(
    ("term", "language", "text", "found"),
    [
        ("savez~", "hbs", "Savez savezu saveznik savezom Савеза савезни", ["Savez", "savezu", "savezom", "Савеза"]),
        ("съюз~", "bg", "съюзът съюза съюзник съюзи", ["съюзът", "съюза", "съюзи"]),
        ("deklaracij~", "mk", "декларации декларацијата декларација", ["декларации", "декларацијата", "декларација"]),
        ("aleanc~", "sq", "aleancë aleancës aleanca aleator", ["aleancë", "aleancës", "aleanca"]),
        ("Kosovo~place_o", "hbs", "Kosova Kosovel kosovski na Kosovu", ["Kosova", "Kosovu"]),
        ("kosovsk~", "hbs", "kosovskog косовска Kosovo", ["kosovskog", "косовска"]),
        ("Kurti~person_i", "hbs", "Kurti Kurtija kurtizana Kurtijeva", ["Kurti", "Kurtija", "Kurtijeva"]),
        ("Kurti~person_i", "sq", "Kurti Kurtin Kurtit kurtin", ["Kurti", "Kurtin", "Kurtit", "kurtin"]),
        ("NATO~", "hbs", "NATO-u, NATO-ov, Natočiti, НАТО", ["NATO-u", "NATO-ov", "НАТО"]),
        ("provokacij*", "hbs", "provokacijama, provokativno", ["provokacijama"]),
        ("trojn~ pakt~", "hbs", "trojnim paktom; trojni, pakt", ["trojnim paktom"]),
        (
            "Croatia Airlines",
            "en",
            "Croatia’s airline, Croatia Airlines and Croatia-Airlines",
            ["Croatia Airlines", "Croatia-Airlines"],
        ),
        ("= NATO", "en", "nato NATO Nato", ["NATO"]),
        ("Petar~person_c", "hbs", "Petar Petra Petru Petrović", ["Petar", "Petra", "Petru"]),
        ("1244", "en", "Resolution 1244, 12445", ["1244"]),
    ],
)
def test_forms(term: str, language: str, text: str, found: list[str]) -> None:
    assert surfaces(term, text, language) == found


def test_subject_and_oblique() -> None:
    lexicon = Lexicon.build([("v", "Vučić~person_c"), ("m", "Ministarstvo~noun_o odbrane")])
    hits = lexicon.find(fold("Vučić je rekao Vučiću. Ministarstvu odbrane piše Ministarstvo odbrane."), "hbs")
    assert [(hit.key, hit.subject) for hit in hits] == [("v", True), ("v", False), ("m", False), ("m", True)]
    assert str(hits[1].form) == "+u person_c oblique hbs"


def test_hits_share_terms_and_know_their_place() -> None:
    lexicon = Lexicon.build([("a", "savez~"), ("b", "savez~")])
    assert len(lexicon) == 1
    hits = lexicon.find(fold("Њихов „савез“"), "hbs")
    assert [(hit.key, hit.surface, hit.span, hit.token) for hit in hits] == [
        ("a", "савез", (7, 12), 1),
        ("b", "савез", (7, 12), 1),
    ]


@pytest.mark.parametrize("term", ["", "~", "a~b~c", "ko*so", "ab*", "savez~no_such_class", "…", "= "])
def test_bad_terms_say_what_is_wrong(term: str) -> None:
    with pytest.raises(BadTerm):
        parse(term)


WORDS = st.sampled_from(
    ["savez", "savezu", "vojni", "pakt", "пакту", "Kosovo", "Косова,", "albanski", ".", "–", "„и“", "Њујорк", "trojni"]
)


@given(st.lists(WORDS, max_size=25), st.sampled_from(["hbs", "mk", ""]))
def test_offsets_cut_the_surface_and_other_terms_do_not_matter(words: list[str], language: str) -> None:
    text = " ".join(words)
    few, many = ["savez~", "trojni pakt~"], ["savez~", "trojni pakt~", "pakt~", "Kosovo~place_o", "albansk~", "sav*"]
    alone = Lexicon.build((term, term) for term in few).find(fold(text), language)
    among = [hit for hit in Lexicon.build((term, term) for term in many).find(fold(text), language) if hit.key in few]
    assert [_facts(hit) for hit in alone] == [_facts(hit) for hit in among]
    for hit in alone:
        assert text[hit.span[0] : hit.span[1]] == hit.surface


def _facts(hit: Hit[str]) -> tuple[object, ...]:
    return hit.key, hit.start, hit.end, hit.surface, str(hit.form)


def test_an_empty_lexicon_finds_nothing() -> None:
    assert Lexicon.build([]).find(fold("savez")) == []
