"""The pack's list on sentences that mislead, and on passages in which every mention is marked."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.extractor.entities.recognise import packed, unpacked
from shared.text.entities import load
from shared.text.gazetteer import Gazetteer
from shared.text.languages import languages, macro
from tests.bench.entities import Passage, Trap, found, passages, traps

PACK = Path(__file__).parents[3] / "deploy/packs/alliance/entities.yaml"


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return Gazetteer(load(PACK))


@pytest.mark.parametrize("trap", traps(), ids=lambda trap: trap.text[:40])
def test_a_namesake_is_not_taken_for_the_one_of_the_list(trap: Trap, gazetteer: Gazetteer) -> None:
    assert not trap.caught(gazetteer)


def test_traps_are_many_and_name_entities_that_exist(gazetteer: Gazetteer) -> None:
    assert len(traps()) >= 80
    assert {macro(trap.language) for trap in traps()} == set(languages())
    assert frozenset().union(*(trap.without | trap.having for trap in traps())) <= set(gazetteer.entities)


@pytest.mark.parametrize("passage", passages(), ids=lambda passage: passage.text[:40])
def test_every_mention_of_a_passage_and_no_other(passage: Passage, gazetteer: Gazetteer) -> None:
    assert found(gazetteer, passage.text, passage.language) == passage.mentions


def test_another_process_gets_the_same_list(gazetteer: Gazetteer) -> None:
    there = unpacked(packed(gazetteer))
    assert there.entities == gazetteer.entities
    one = passages()[0]
    assert found(there, one.text, one.language) == one.mentions


def test_every_mention_says_why(gazetteer: Gazetteer) -> None:
    for passage in passages():
        for one in gazetteer.find(passage.text, macro(passage.language)):
            assert passage.text[one.start : one.end] == one.surface
            assert one.why.split(":")[0] in {"strong", "full name in the article"} or "support" in one.why
