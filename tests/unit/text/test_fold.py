"""Folding: one form for all scripts, and an exact way back."""

from __future__ import annotations

from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.alphabets import CYRILLIC, LATIN, MARKS
from shared.text.fold import fold, fold_text

SERBIAN = dict(zip("абвгдђежзијклљмнњопрстћуфхцчџш", [
    "a", "b", "v", "g", "d", "đ", "e", "ž", "z", "i", "j", "k", "l", "lj", "m", "n", "nj", "o", "p", "r", "s", "t",
    "ć", "u", "f", "h", "c", "č", "dž", "š",
], strict=True))  # fmt: skip
anything = st.text(max_size=60) | st.text(
    alphabet="аћђЉњЙйѓЃќ\u0301\u0306\u030c\u00adčćžšđŽĐéß№½„“ \nabçË", max_size=60
)


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("Вучић Вучиќ Вучич Vučić Vucic VUČIĆ", "vucic vucic vucic vucic vucic vucic"),
        ("Ђурић Đurić Djurić", "djuric djuric djuric"),
        ("ЃЃаковица Ѓорге", "djdjakovica djorge"),
        ("воениот сојуз, военен съюз", "voeniot sojuz, voenen sajuz"),
        ("Shqipëria Kosovës Vuçiqi", "shqiperia kosoves vuciqi"),
        ("България Щит Йордан", "balgarija stit jordan"),
        ("„savez“ «pakt» – ’s", '"savez" "pakt" - \'s'),
        ("sa\u00advez de\u200bklaracija", "savez deklaracija"),
    ],
)
def test_scripts_and_diacritics_meet(written: str, folded: str) -> None:
    assert fold_text(written) == folded


@given(anything)
def test_idempotent(text: str) -> None:
    assert fold_text(fold_text(text)) == fold_text(text)


@given(anything)
def test_offsets_cover_the_folded_text_and_never_go_back(text: str) -> None:
    folded = fold(text)
    offsets = list(folded.offsets)
    assert len(offsets) == len(folded.text) + 1 == len(folded.words) + 1
    assert offsets == sorted(offsets)
    assert offsets[-1] == len(text)


@given(st.text(alphabet=LATIN + LATIN.upper() + MARKS + "abcZ .\f", max_size=60)
       | st.text(alphabet=CYRILLIC + CYRILLIC.upper() + MARKS + "abcZ .", max_size=60))  # fmt: skip
def test_an_alphabet_folds_as_the_table_does(text: str) -> None:
    slow = fold("\u2028" + text)  # a character that no alphabet holds
    quick = fold("\n" + text)
    assert quick.text == slow.text
    assert list(quick.offsets) == list(slow.offsets)
    assert quick.token_starts == slow.token_starts


@given(anything, st.data())
def test_a_span_cut_from_the_original_folds_to_the_span(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    start = data.draw(st.integers(0, len(folded.text)))
    end = data.draw(st.integers(start, len(folded.text)))
    left, right = folded.span(start, end)
    assert folded.text[start:end] in fold_text(text[left:right])


@given(st.text(alphabet="".join(SERBIAN) + "".join(SERBIAN).upper() + " .", max_size=80))
def test_serbian_is_independent_of_script(cyrillic: str) -> None:
    latin = "".join(_latin(letter) for letter in cyrillic)
    assert fold_text(cyrillic) == fold_text(latin)


def _latin(letter: str) -> str:
    found = SERBIAN.get(letter.lower(), letter)
    return found.capitalize() if letter.isupper() else found


@given(st.text(alphabet="aљњ ,.-", max_size=1_600))
def test_tokens_are_numbered_by_where_they_begin(text: str) -> None:
    folded = fold(text)
    for at in range(0, len(folded.text), 7):
        assert folded.token_at(at) == bisect_right(folded.token_starts, at) - 1


def test_decomposed_letters_are_the_composed_ones() -> None:
    assert fold_text("и\u0306 г\u0301 c\u030c") == "j dj c"


def test_original_position_to_folded_and_back() -> None:
    folded = fold("Њега „љуби“ Вучић")
    for at, letter in enumerate(folded.original):
        assert fold_text(letter) in folded.text[folded.at(at) :]
        assert folded.span(folded.at(at), folded.at(at) + 1) == (at, at + 1)


def test_tokens_are_runs_of_letters_and_digits() -> None:
    folded = fold("Rezolucija 1244: NATO-om, „Косово“.")
    assert [folded.token_at(folded.text.index(word)) for word in ("rezolucija", "1244", "nato", "om", "kosovo")] == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip
