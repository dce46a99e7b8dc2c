"""A second independent witness: who counts as one, and that it is told once."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from services.alerter.judge.memory import Memory
from shared.events import AlertKind, AlertRaised, AlertState, ArticleMatched, Mode
from tests.fakes.judging import tried
from tests.fakes.small import mention, small

WATCH = "alerts: [{kind: match, id: any, cooldown: 0s}, {kind: second_source, id: second, within: 6h}]"
PEOPLE = ("Anušić", "Vengu", "Maqedonci")


def telling(source: str, minutes: float = 0, **more: object) -> ArticleMatched:
    """An article about the same event in its own words."""
    title = f"Ministri potpisali savez u Tirani, piše {source}"
    text = f"Anušić, Vengu i Maqedonci potpisali su savez u Tirani. {source} donosi svoj izveštaj o potpisu saveza."
    found = tuple(one for name in PEOPLE for one in mention("", text, name, name.lower()))
    return small(title, text, source=source, minutes=minutes, mentions=found, **more)  # type: ignore[arg-type]


def second(matches: list[ArticleMatched], memory: Memory | None = None) -> list[AlertRaised]:
    return [one for one in tried(matches, watch=WATCH, memory=memory) if one.kind is AlertKind.SECOND_SOURCE]


def test_the_second_witness_is_told_once_with_both_names() -> None:
    told = second([telling("one"), telling("two", 25), telling("three", 40)])
    assert [one.independent_sources for one in told] == [2]
    assert told[0].reason == "Two tells it, too, 25 min after One"
    assert (told[0].extra["first"], told[0].extra["second"], told[0].extra["minutes"]) == ("One", "Two", 25)
    assert told[0].headline.startswith("Second source: Ministri potpisali savez")


@pytest.mark.parametrize(
    "again",
    [telling("one", 10, name="x"), telling("one", -10, name="y")],
)
def test_one_outlet_is_one_witness(again: ArticleMatched) -> None:
    assert second([telling("one"), again]) == []


def test_one_agency_is_one_witness_however_many_print_it() -> None:
    assert second([telling("one", agency="Tanjug"), telling("two", 10, agency="TANJUG")]) == []


def test_a_copy_is_no_witness() -> None:
    text = " ".join(f"rec{at}" for at in range(99)) + " savez"
    copies = [small("Savez u Tirani", text, source=one, minutes=at) for at, one in enumerate("abc")]
    assert second(copies) == []


def test_after_the_time_it_is_no_news() -> None:
    assert second([telling("one"), telling("two", 7 * 60)]) == []


def test_history_makes_it_known() -> None:
    history = [telling("one", mode=Mode.BACKFILL), telling("two", 5, mode=Mode.BACKFILL)]
    assert second([*history, telling("three", 10)]) == []


def test_an_official_site_is_said() -> None:
    told = second([telling("ministry", official=True), telling("two", 10)])
    assert told[0].reason == "Two tells it, too, 10 min after Ministry (official)"
    assert (told[0].extra["first_official"], told[0].extra["second_official"]) == (True, False)
    [after] = second([telling("two"), telling("ministry", 10, official=True)])
    assert after.reason == "Ministry (official) tells it, too, 10 min after Two"


@pytest.mark.parametrize("order", list(permutations((0, 25, 40))))
def test_whatever_the_order_the_second_is_told_once(order: tuple[int, ...]) -> None:
    told = second([telling(f"list{minutes}", minutes) for minutes in order])
    assert len(told) == 1
    assert told[0].extra["minutes"] == abs(order[0] - order[1])
    assert told[0].extra["first"] == f"List{min(order[:2])}"


def test_a_copy_may_say_which_agency_stands_behind_the_first() -> None:
    first = telling("one")
    copy = telling("two", 5, agency="Tanjug")
    same = msgspec.structs.replace(copy.article, title=first.article.title, text=first.article.text)
    own = telling("three", 9, agency="Tanjug")
    assert second([first, msgspec.structs.replace(copy, article=same), own]) == []


def test_the_growth_of_the_story_is_not_told_beside_it() -> None:
    both = tried([telling("one"), telling("two", 25)], watch=WATCH)
    assert [(one.kind, one.state) for one in both] == [
        (AlertKind.MATCH, AlertState.OPEN), (AlertKind.SECOND_SOURCE, AlertState.OPEN)
    ]  # fmt: skip
