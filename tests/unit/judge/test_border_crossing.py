"""Events that cross into another language or country: told once for each, with the lag, and corrected when late."""

from __future__ import annotations

import msgspec

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


def test_the_matrix_counts_every_crossing_of_a_pair() -> None:
    memory = Memory("w")
    told([telling("jutro", "HR"), telling("vesti", "RS", 45)], memory=memory)
    [row] = [one for _, _, one in memory.shelf(LAGS).items()]
    assert (row.crossings, row.minutes) == (1, (45,))


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
