"""What counts as a change of a text, and what is told of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.extractor.versions.compare import difference, is_slip
from shared.events import Difference, Reworded

HEADLINE = "Three countries sign declaration"
SIGNED = "Kosovo, Albania and Croatia signed a declaration on defence in Tirana, officials said."
ATTENDED = "Three ministers attended the ceremony at 11:00."
PROTESTED = "Serbia reacted with a protest note to all the three capitals."
TEXT = f"{SIGNED}\n{ATTENDED}\n{PROTESTED}"
ADDED = "Serbia also recalled its ambassador for talks in Belgrade."


def changed(now: str, headline: str = HEADLINE, code: str = "en") -> Difference | None:
    return difference((HEADLINE, TEXT), (headline, now), code)


@pytest.mark.parametrize(
    "now",
    [
        TEXT.upper(),
        TEXT.replace(", ", " - ").replace("\n", "\n\n  "),
        f"{PROTESTED}\n{SIGNED}\n{ATTENDED}",
        TEXT.replace("officials", "oficials"),
        TEXT.replace("ceremony", "cermeony"),
        TEXT.replace("attended", "at tended"),
        TEXT.replace("with a protest", "with protest"),
        f"{TEXT}\nLast updated: 18 March 2025, 12:33",
        f"{TEXT}\nAžurirano 18.3.2025.",
        f"{TEXT}\nPhoto: Agency",
    ],
)
def test_what_means_nothing_is_no_change(now: str) -> None:
    assert changed(now) is None


def test_a_number_is_told_with_its_paragraph() -> None:
    now = TEXT.replace("11:00", "12:30")
    told = Reworded(before=ATTENDED, now=ATTENDED.replace("11:00", "12:30"))
    assert changed(now) == Difference(numbers_gone=("11:00",), numbers_new=("12:30",), paragraphs_changed=(told,))


def test_paragraphs_that_came_and_went_are_told() -> None:
    assert changed(f"{TEXT}\n{ADDED}") == Difference(paragraphs_new=(ADDED,))
    assert changed(f"{SIGNED}\n{ATTENDED}") == Difference(paragraphs_gone=(PROTESTED,))


def test_a_headline_is_told_as_it_was_and_is() -> None:
    now = "Three countries sign pact"
    assert changed(TEXT, now) == Difference(headline=Reworded(before=HEADLINE, now=now))
    assert changed(TEXT, HEADLINE.upper()) is None


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("signed a", "has not signed a"),
        ("Albania", "Slovenia"),
        ("Three ministers", "Four ministers"),
        ("a declaration", "a pact"),
        ("the ceremony", "no ceremony"),
    ],
)
def test_a_word_that_says_something_else_is_a_change(before: str, now: str) -> None:
    assert before in TEXT
    found = changed(TEXT.replace(before, now))
    assert found is not None and len(found.paragraphs_changed) == 1


def test_a_name_or_a_month_is_never_a_slip() -> None:
    one, other = "Potpisao je ministar Petrovic u junu ove godine.", "Potpisao je ministar Petkovic u junu ove godine."
    assert difference(("", one), ("", other), "hbs") is not None
    assert difference(("", one), ("", one.replace("junu", "julu")), "hbs") is not None
    assert difference(("", one), ("", one.replace("ministar", "minitsar")), "hbs") is None


def test_script_and_diacritics_are_no_change() -> None:
    latin, cyrillic = "Srbija je uputila protestnu notu državama.", "Србија је упутила протестну ноту државама."
    assert difference(("", latin), ("", cyrillic), "hbs") is None


def test_a_text_that_was_taken_away_and_came_back() -> None:
    assert changed("") == Difference(withdrawn=True)
    assert difference((HEADLINE, ""), (HEADLINE, TEXT), "en") == Difference(restored=True)


def test_what_is_told_is_bounded() -> None:
    many = "\n".join(f"Paragraph {number} says {'something long ' * 40}." for number in range(60))
    found = changed(f"{TEXT}\n{many}")
    assert found is not None
    assert (len(found.paragraphs_new), found.more, max(map(len, found.paragraphs_new))) == (10, 50, 300)
    assert len(found.numbers_new) == 40


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("declaration", "declaratoin", True), ("signed", "singed", True), ("ministers", "minister", True),
        ("rise", "rose", False), ("voted", "noted", False), ("legal", "illegal", False), ("16000", "16001", False),
        ("confirmed", "denied", False),
    ],
)  # fmt: skip
def test_slips(one: str, other: str, slip: bool) -> None:
    assert is_slip(one, other) is slip and is_slip(other, one) is slip


SENTENCES = st.lists(st.sampled_from([SIGNED, ATTENDED, PROTESTED, ADDED]), min_size=1, max_size=4, unique=True)


@given(SENTENCES)
def test_nothing_differs_from_itself(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert difference((HEADLINE, text), (HEADLINE, text), "en") is None


@given(SENTENCES, SENTENCES)
def test_there_and_back_tell_the_same_the_other_way_round(one: list[str], other: list[str]) -> None:
    there = difference((HEADLINE, "\n".join(one)), (HEADLINE, "\n".join(other)), "en")
    back = difference((HEADLINE, "\n".join(other)), (HEADLINE, "\n".join(one)), "en")
    assert (there is None) == (back is None) == (set(one) == set(other))
    if there is not None and back is not None:
        assert (set(there.numbers_gone), set(there.numbers_new)) == (set(back.numbers_new), set(back.numbers_gone))


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_is_too_strange(one: str, other: str) -> None:
    difference((one, other), (other, one), "hbs")
