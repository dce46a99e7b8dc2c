"""Events that cross into another language or country: told once for each, with the lag, and corrected when late."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from services.alerter.judge.kinds.border_crossing import LAGS
from services.alerter.judge.memory import Memory
from shared.events import AlertRaised, AlertState, ArticleMatched, Mode
from tests.fakes.judging import tried
from tests.fakes.small import mention, small

WATCH = "alerts: [{kind: border_crossing, id: border, groups: [country]}]"
BOTH = "alerts: [{kind: border_crossing, id: border}]"
PEOPLE = ("Anušić", "Vengu", "Maqedonci")


def telling(source: str, country: str, minutes: float = 0, code: str = "hbs", **more: object) -> ArticleMatched:
    title = f"Ministri potpisali savez u Tirani, {source}"
    text = f"Anušić, Vengu i Maqedonci potpisali su savez u Tirani. {source} ima svoj izveštaj o potpisu."
    found = tuple(one for name in PEOPLE for one in mention("", text, name, name.lower()))
    match = small(title, text, source=source, minutes=minutes, mentions=found, code=code, **more)  # type: ignore[arg-type]
    article = match.article
    there = msgspec.structs.replace(article.source, country=country)
    return msgspec.structs.replace(match, article=msgspec.structs.replace(article, source=there))


def told(matches: list[ArticleMatched], watch: str = WATCH, memory: Memory | None = None) -> list[AlertRaised]:
    return tried(matches, watch=watch, memory=memory)


def test_the_first_article_abroad_is_told_with_its_lag() -> None:
    alerts = told([telling("jutro", "HR"), telling("lajm", "AL", 20), telling("vesti", "RS", 45)])
    assert [(one.extra["from"], one.extra["to"], one.extra["minutes"]) for one in alerts] == [
        ("HR", "AL", 20), ("HR", "RS", 45)
    ]  # fmt: skip
    assert alerts[1].reason == "First in RS: Vesti, 45 min after Jutro"
    assert [one["group"] for one in alerts[1].extra["path"]] == ["HR", "AL"]


def test_each_group_is_told_once_and_the_first_never() -> None:
    again = [telling("jutro", "HR"), telling("vecer", "HR", 5), telling("lajm", "AL", 20), telling("ora", "AL", 30)]
    assert [one.extra["to"] for one in told(again)] == ["AL"]


def test_a_reprint_abroad_crosses_too() -> None:
    first = telling("jutro", "HR")
    copy = telling("vesti", "RS", 30)
    same = msgspec.structs.replace(copy.article, text=first.article.text, title=first.article.title)
    assert len(told([first, msgspec.structs.replace(copy, article=same)])) == 1


def test_languages_and_countries_are_two_borders() -> None:
    alerts = told([telling("jutro", "HR"), telling("lajm", "AL", 20, "sq")], BOTH)
    assert [(one.extra["groups"], one.extra["to"]) for one in alerts] == [("language", "sq"), ("country", "AL")]
    assert alerts[0].headline.startswith("Crossed over from Bosnian/Croatian/Montenegrin/Serbian to Albanian")


def matrix(matches: list[ArticleMatched]) -> dict[str, tuple[int, tuple[int, ...]]]:
    memory = Memory("w")
    told(matches, memory=memory)
    return {key: (row.crossings, row.minutes) for key, _, row in memory.shelf(LAGS).items() if key.isupper()}


def test_the_matrix_holds_the_lag_of_every_two_groups() -> None:
    way = [telling("jutro", "HR"), telling("lajm", "AL", 20), telling("vesti", "RS", 45)]
    assert matrix(way) == {"HR>AL": (1, (20,)), "HR>RS": (1, (45,)), "AL>RS": (1, (25,))}
    assert matrix(way[::-1]) == matrix(way)


def test_a_row_of_the_matrix_is_told() -> None:
    memory = Memory("w")
    for at, lag in enumerate((10, 20, 60)):
        start = at * 9000
        story = [telling("jutro", "HR", start, name=f"a{at}"), telling("vesti", "RS", start + lag, name=f"b{at}")]
        [alert] = told(story, memory=memory)
    assert alert.extra["lag_matrix"] == {
        "from": "HR", "to": "RS", "crossings": 3, "median": 20, "lower": 15.0, "upper": 40.0
    }  # fmt: skip


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_whatever_the_order_the_same_groups_are_told_as_crossed_into(order: tuple[int, ...]) -> None:
    way = [telling("jutro", "HR"), telling("lajm", "AL", 20), telling("vesti", "RS", 45)]
    alerts = told([way[at] for at in order])
    assert {one.extra["to"] for one in alerts if one.state is AlertState.OPEN} == {"AL", "RS"}
    newest = {one.extra["to"]: one for one in alerts}
    assert {to: (one.extra["from"], one.extra["minutes"]) for to, one in newest.items()} == {
        "AL": ("HR", 20), "RS": ("HR", 45)
    }  # fmt: skip


def test_history_is_no_crossing_but_makes_it_known() -> None:
    history = [telling("jutro", "HR", mode=Mode.BACKFILL), telling("vesti", "RS", 5, mode=Mode.BACKFILL)]
    assert told([*history, telling("blic", "RS", 10)]) == []


def test_a_late_article_corrects_who_was_first() -> None:
    alerts = told([telling("jutro", "HR"), telling("vesti", "RS", 45), telling("blic", "RS", 15, mode=Mode.BACKFILL)])
    assert [one.state for one in alerts] == [AlertState.OPEN, AlertState.CORRECTION]
    assert alerts[1].id == alerts[0].id
    assert alerts[1].extra["first"] == "Blic"


def test_a_late_article_from_elsewhere_corrects_where_it_began() -> None:
    alerts = told([telling("jutro", "HR"), telling("vesti", "RS", 45), telling("lajm", "AL", -30, mode=Mode.BACKFILL)])
    assert [(one.state, one.extra.get("first")) for one in alerts[1:]] == [(AlertState.CORRECTION, "Lajm")]
    assert alerts[1].headline.startswith("Began in AL after all: Lajm")
    assert (alerts[1].extra["from"], alerts[1].extra["minutes"]) == ("AL", 75)


def test_an_earlier_article_where_it_began_corrects_the_lag() -> None:
    alerts = told([telling("jutro", "HR"), telling("vesti", "RS", 45), telling("vecer", "HR", -15, mode=Mode.BACKFILL)])
    assert [(one.state, one.extra["minutes"]) for one in alerts] == [
        (AlertState.OPEN, 45), (AlertState.CORRECTION, 60)
    ]  # fmt: skip
    assert alerts[1].id == alerts[0].id


def test_a_correction_does_not_hold_back_the_growth_of_the_story() -> None:
    watch = "alerts: [{kind: match, id: any}, {kind: border_crossing, id: border, groups: [country]}]"
    way = [telling("jutro", "HR"), telling("vesti", "RS", 45), telling("sat", "RS", 50), telling("blic", "RS", 15)]
    assert [(str(one.kind), one.state) for one in told(way, watch)] == [
        ("match", AlertState.OPEN), ("border_crossing", AlertState.OPEN), ("match", AlertState.UPDATE),
        ("border_crossing", AlertState.CORRECTION),
    ]  # fmt: skip
