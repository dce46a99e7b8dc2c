"""Copy groups: what is a copy, and what only shares a paragraph."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from services.alerter.judge.copies import CopyIndex, Printed, containment, pack, shingles, unpack

NOW = datetime(2025, 3, 20, tzinfo=UTC)


def words(seed: int, length: int = 300) -> list[str]:
    chooser = random.Random(seed)
    return [f"word{chooser.randrange(4_000)}" for _ in range(length)]


def index(*texts: list[str]) -> CopyIndex:
    found = CopyIndex()
    for at, text in enumerate(texts):
        found.add(Printed(str(at), str(at), NOW + timedelta(hours=at), pack(shingles(text))))
    return found


def test_packing_loses_nothing() -> None:
    hashes = shingles(words(1))
    assert unpack(pack(hashes)) == tuple(sorted(hashes))


def test_a_text_cut_to_a_third_is_a_copy() -> None:
    original = words(1)
    found = index(words(2), original).original(pack(shingles(original[:100])), NOW)
    assert found is not None
    assert found.article_id == "1"


def test_a_text_with_a_fifth_of_its_words_changed_is_a_copy() -> None:
    chooser = random.Random(5)
    changed = [word if chooser.random() > 0.05 else "other" for word in words(1)][30:270]
    assert index(words(1)).original(pack(shingles(changed)), NOW) is not None


def test_a_shared_paragraph_is_no_copy() -> None:
    background = words(9, 60)
    assert index(words(1) + background).original(pack(shingles(words(2) + background)), NOW) is None


def test_two_short_texts_with_a_common_phrase_are_no_copies() -> None:
    one, other = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], ["a", "b", "c", "d", "x", "y", "z", "u", "v", "w"]
    assert containment(shingles(one), shingles(other)) == 0.0


def test_an_old_article_is_no_original() -> None:
    assert index(words(1)).original(pack(shingles(words(1))), NOW + timedelta(hours=1)) is None


def test_the_original_is_found_among_hundreds_that_share_its_background() -> None:
    background = words(9, 250)
    others = [words(seed, 60) + background for seed in range(100, 400)]
    found = index(*others, words(1) + background).original(pack(shingles([*words(1), *background, "end"])), NOW)
    assert found is not None
    assert found.article_id == "300"


def test_hundreds_of_old_prints_do_not_hide_a_young_one() -> None:
    printed = index(*[words(1)] * 200, words(1)[:280])
    found = printed.original(pack(shingles(words(1))), NOW + timedelta(hours=200))
    assert found is not None
    assert found.article_id == "200"


def test_forgetting_keeps_the_young() -> None:
    found = index(words(1), words(2), words(3))
    found.forget(NOW + timedelta(hours=2))
    assert len(found) == 1
    assert found.original(pack(shingles(words(3))), NOW) is not None


def test_an_empty_text_is_nobodys_copy() -> None:
    assert index([], words(1)).original(b"", NOW) is None
