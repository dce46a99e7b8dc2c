"""The longest of overlapping names: the law, and that long texts cost their length."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text.entities import loads
from shared.text.gazetteer import Gazetteer
from shared.text.languages import language
from shared.text.longest import longest
from shared.text.segment import sentences


@dataclass(frozen=True)
class Name:
    """A name as short as can be."""

    place: tuple[int, int]
    owner: str = ""
    weak: bool = False

    @property
    def rank(self) -> tuple[bool, ...]:
        return (self.weak,)


NAMES = st.lists(
    st.builds(lambda start, size, owner, weak: Name((start, start + size), owner, weak),
              st.integers(0, 30), st.integers(1, 9), st.sampled_from("abc"), st.booleans()),
    max_size=25,
)  # fmt: skip


def overlap(one: Name, other: Name) -> bool:
    return one.place[0] < other.place[1] and other.place[0] < one.place[1]


def all_pairs(names: list[Name]) -> list[Name]:
    """The definition, at its square: from the longest down, whatever overlaps nothing but its own stretch."""
    kept: list[Name] = []
    for one in sorted(names, key=lambda name: (name.place[0] - name.place[1], name.rank)):
        clashes = [other for other in kept if overlap(one, other)]
        if all(other.place == one.place and other.owner != one.owner for other in clashes):
            kept.append(one)
    return sorted(kept, key=lambda name: name.place[0])


@given(NAMES)
def test_it_keeps_what_comparing_all_pairs_keeps(names: list[Name]) -> None:
    assert longest(names) == all_pairs(names)


@given(NAMES)
def test_what_is_left_out_overlaps_a_name_that_is_kept_and_no_shorter(names: list[Name]) -> None:
    kept = longest(names)
    for one in names:
        rivals = [other for other in kept if overlap(one, other)]
        assert rivals
        assert max(other.place[1] - other.place[0] for other in rivals) >= one.place[1] - one.place[0]


def steps(work: Callable[[], object]) -> int:
    """Lines of Python that `work` runs: what grows when the algorithm does more, on any machine."""
    count = 0

    def line(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


ENTITIES = """
entities:
  - {id: kosovo, type: state, names: [Kosovo, Republika~ Kosovo]}
  - {id: field, type: ignore, names: [Kosovo Polje, Kosovo Polje Kosovo]}
  - {id: nato, type: org, names: [NATO]}
  - {id: kurti, type: person, names: [Albin Kurti], weak: [Kurti], needs: [nato]}
"""
ADVERSARIAL = [
    "Kosovo ", "Kosovo Polje ", "Republika Kosovo Polje ", "NATO-a ", "NATO-NATO-", "Kurti ", "Albin Kurti. ",
    "Kurti Albin ",
]  # fmt: skip


@pytest.mark.parametrize("part", ADVERSARIAL)
def test_a_text_of_nothing_but_names_costs_its_length(part: str) -> None:
    gazetteer = Gazetteer(loads(ENTITIES, "e.yaml"))
    gazetteer.find(part * 10, "sr")  # what is worked out once
    small, large = (steps(lambda size=size: gazetteer.find(part * size, "sr")) for size in (400, 1_600))  # type: ignore[misc]
    assert small > 400, "names are found at all"
    assert large < small * 4 * 1.1


def test_a_line_of_dots_is_one_sentence_at_once() -> None:
    """Two hundred thousand dots cost 2 * 10^10 steps where each is tried against all that follow."""
    assert len(sentences("." * 200_000, language("en"))) == 1
    assert len(sentences("Kraj" + "?" * 200_000 + "x", language("sr"))) == 1
