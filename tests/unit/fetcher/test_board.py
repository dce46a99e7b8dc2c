"""At most five series a source, for no more sources than the setting says; what is above is added up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from services.fetcher import metrics
from services.fetcher.board import Board
from services.fetcher.metrics import OTHER
from services.fetcher.sources import Source
from shared.events import CheckOutcome, Condition, SourceChecked

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
EACH = 5
IDS = [f"s{number}" for number in range(8)]


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    for source_id in IDS:
        metrics.forget_source(source_id)


def checked(source_id: str, *conditions: Condition, outcome: CheckOutcome = CheckOutcome.FRESH) -> SourceChecked:
    source = Source(id=source_id, name=source_id, url=f"https://{source_id}.test/")
    return SourceChecked(
        id=source_id, observed=NOW, source=source.facts(), due=NOW, outcome=outcome,
        new_entries=outcome is CheckOutcome.FRESH, conditions=conditions,
    )  # fmt: skip


def series(source_id: str) -> dict[str, float]:
    """The values of what is exposed of a source; without the moments at which series were made."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}": sample.value
        for family in REGISTRY.collect() for sample in family.samples
        if sample.labels.get("source") == source_id and not sample.name.endswith("_created")
    }  # fmt: skip


def told(source_id: str, name: str) -> float:
    return sum(value for key, value in series(source_id).items() if name in key)


def test_a_source_has_five_series() -> None:
    board = Board(1)
    board.list(IDS[:1])
    board.show(checked(IDS[0], *Condition))
    board.show(checked(IDS[0], outcome=CheckOutcome.SERVER_ERROR))
    assert len(series(IDS[0])) == EACH


def test_sources_beyond_the_cap_are_added_up_without_the_time_of_their_news() -> None:
    before, fresh = told(OTHER, "entries"), told(OTHER, "fresh")
    board = Board(2)
    board.list(IDS[:5])
    for source_id in IDS[:5]:
        board.show(checked(source_id))
    assert [len(series(source_id)) for source_id in IDS[:5]] == [EACH - 1, EACH - 1, 0, 0, 0]
    assert told(OTHER, "entries") == before + 3 and told(OTHER, "fresh") == fresh


def test_a_source_that_is_no_longer_among_the_first_loses_its_series() -> None:
    board = Board(1)
    board.list(["s0", "s1"])
    board.show(checked("s0", Condition.SILENT))
    board.list(["s1", "s0"])
    board.show(checked("s1"))
    assert not series("s0") and series("s1")
    board.list(["s1"])
    assert not series("s0")


HELD = st.lists(st.sets(st.sampled_from(list(Condition))), max_size=6)
TURNS = st.lists(st.tuples(st.lists(st.sampled_from(IDS), unique=True), HELD), max_size=5)


@settings(max_examples=40)
@given(st.integers(0, 4), TURNS)
def test_the_cap_holds_and_conditions_add_up_whatever_the_file_becomes(
    most: int, turns: list[tuple[list[str], list[set[Condition]]]]
) -> None:
    def holding() -> dict[str, float]:
        return {one: float(metrics.CONDITIONS.labels(one)._value.get()) for one in Condition}

    board, before = Board(most), holding()
    board.list([])
    current: dict[str, set[Condition]] = {}
    for names, conditions in turns:
        board.list(names)
        current = {name: current.get(name, set()) for name in names}
        for name, held in zip(names, conditions, strict=False):
            board.show(checked(name, *held))
            current[name] = held
        own = [name for name in IDS if series(name)]
        assert len(own) <= most and sum(len(series(name)) for name in own) <= EACH * most
        assert holding() == {one: before[one] + sum(one in held for held in current.values()) for one in Condition}
    board.list([])
