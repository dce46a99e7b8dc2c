"""Stories and the alert of a story: what is joined, what opens, what counts as growth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.alerter.judge.memory import Memory
from services.alerter.judge.settings import JudgeSettings
from shared.events import AlertRaised, AlertState, ArticleMatched, Mode
from tests.fakes.judging import tried
from tests.fakes.small import mention, small

WATCH = "title: A watch\nalerts: [{kind: match, id: any, cooldown: 30m}]"
SETTINGS = JudgeSettings(update_cooldown=timedelta(minutes=30))
PEOPLE = ("Anušić", "Vengu", "Maqedonci", "Orban", "Fico")


def article(title: str, source: str, minutes: float = 0, **more: object) -> ArticleMatched:
    text = f"Javlja {source}: {title}. Vise o tome u listu {source}, savez."
    found = tuple(one for name in PEOPLE for one in mention(title, text, name, name.lower()))
    return small(title, text, source=source, minutes=minutes, mentions=found, **more)  # type: ignore[arg-type]


def told(matches: list[ArticleMatched], memory: Memory | None = None) -> list[AlertRaised]:
    return tried(matches, watch=WATCH, settings=SETTINGS, memory=memory)


FIRST = "Anušić, Vengu i Maqedonci potpisali savez u Tirani"
OTHER = "Orban i Fico razgovarali o cijeni plina prije samita 2025"


def test_articles_with_the_same_people_and_words_are_one_story() -> None:
    memory = Memory("w")
    told([article(FIRST, "one"), article("Savez koji su potpisali Anušić, Vengu i Maqedonci", "two", 9)], memory)
    assert len(memory.stories) == 1


def test_another_subject_is_another_story() -> None:
    memory = Memory("w")
    told([article(FIRST, "one"), article(OTHER, "two", 9)], memory)
    assert len(memory.stories) == 2


def test_a_story_that_was_silent_too_long_is_not_joined() -> None:
    memory = Memory("w")
    told([article(FIRST, "one"), article(FIRST + " opet", "two", 9 * 24 * 60)], memory)
    assert len(memory.stories) == 2


def test_a_story_opens_once_and_keeps_its_id() -> None:
    alerts = told([article(FIRST, "one"), article(FIRST + " danas", "one", 5)])
    assert [(one.state, one.revision) for one in alerts] == [(AlertState.OPEN, 0)]
    again = told([article(FIRST, "one")])
    assert again[0].id == alerts[0].id
    assert again[0].story_headline == FIRST


def test_growth_is_told_at_twice_the_independent_sources() -> None:
    growing = [article(f"{FIRST} {name}", name, at) for at, name in ((0, "a"), (10, "b"), (40, "c"), (50, "d"))]
    alerts = told(growing)
    assert [one.state for one in alerts] == [AlertState.OPEN, AlertState.UPDATE, AlertState.UPDATE]
    assert [one.independent_sources for one in alerts] == [1, 2, 4]
    assert {one.id for one in alerts} == {alerts[0].id}
    assert [one.revision for one in alerts] == [0, 1, 2]


def test_an_update_without_a_new_fact_waits_for_the_cooldown() -> None:
    in_english = "Anušić, Vengu and Maqedonci sign savez"
    early, late = article(in_english, "one", 5, code="en"), article(in_english + " today", "one", 45, code="en")
    assert [one.state for one in told([article(FIRST, "one"), early])] == [AlertState.OPEN]
    alerts = told([article(FIRST, "one"), early, late])
    assert [one.state for one in alerts] == [AlertState.OPEN, AlertState.UPDATE]
    assert alerts[1].headline.startswith("Now also in English")


@pytest.mark.parametrize("fact", ["with 120 soldiers", "as Orban looks on"])
def test_a_new_number_or_actor_goes_through_the_cooldown(fact: str) -> None:
    in_english = f"Anušić, Vengu and Maqedonci sign savez {fact}"
    alerts = told([article(FIRST, "one"), article(in_english, "one", 5, code="en")])
    assert [one.state for one in alerts] == [AlertState.OPEN, AlertState.UPDATE]


def test_a_silent_story_is_resolved_once_and_opens_again() -> None:
    first, back = article(FIRST, "one"), article(FIRST + " opet", "one", 5 * 24 * 60)
    alerts = told([first, article("Nešto sasvim drugo o savezu", "x", 4 * 24 * 60), back])
    mine = [one for one in alerts if one.id == alerts[0].id]
    assert [(one.state, one.revision) for one in mine] == [
        (AlertState.OPEN, 0), (AlertState.RESOLVED, 1), (AlertState.OPEN, 2)
    ]  # fmt: skip
    assert mine[1].headline == f"At rest: {FIRST}"
    assert mine[1].reason == "Nothing more was told of it for 48 hours after 1 article"
    assert mine[1].observed == first.observed + timedelta(hours=48)


def test_a_story_that_goes_on_is_not_resolved() -> None:
    daily = [article(f"{FIRST} {day}", "one", day * 24 * 60) for day in range(5)]
    assert AlertState.RESOLVED not in {one.state for one in told(daily)}


def test_what_is_beyond_the_budget_of_the_day_goes_into_one_roll_up() -> None:
    names = ("Merkel", "Sarkozy", "Berlusconi", "Blair", "Aznar", "Schüssel", "Putin", "Bush")
    stories = [
        small(f"{name} {at}", f"{name} savez", source=name, minutes=at, mentions=mention(name, "", name, name))
        for at, name in enumerate(names)
    ]
    settings = replace(SETTINGS, alerts_per_day=3)
    alerts = tried(stories, watch=WATCH, settings=settings)
    single = [one for one in alerts if one.rule_id != "beyond"]
    rolled = [one for one in alerts if one.rule_id == "beyond"]
    assert len(single) == 3
    assert {one.id for one in rolled} == {rolled[0].id}
    assert [one.extra["alerts"] for one in rolled] == [1, 2, 4]
    assert rolled[-1].extra["suppressed"]["budget"] == 4
    assert rolled[-1].headline.startswith("4 more alerts today, the latest: ")


def test_copies_do_not_make_a_story_grow() -> None:
    copies = [
        small(FIRST, " ".join(f"rec{at}" for at in range(99)) + " savez", source=name, minutes=at * 40)
        for at, name in enumerate("abcdef")
    ]
    assert [one.revision for one in told(copies)] == [0]


def test_a_new_language_is_told() -> None:
    english = article("Anušić, Vengu and Maqedonci sign savez", "post", 45, code="en")
    alerts = told([article(FIRST, "one"), english])
    assert alerts[1].headline.startswith("Now also in English")


def test_a_language_known_from_history_is_no_news() -> None:
    history = article("Anušić, Vengu and Maqedonci sign savez", "post", -600, code="en", mode=Mode.BACKFILL)
    english = article("Anušić, Vengu and Maqedonci signed the savez", "post", 45, code="en")
    alerts = told([history, article(FIRST, "one"), english])
    assert [one.state for one in alerts] == [AlertState.OPEN, AlertState.UPDATE]
    assert alerts[1].headline.startswith("The story grows")


def test_history_opens_nothing_and_is_named_when_the_story_does() -> None:
    alerts = told([article(FIRST, "one", -600, mode=Mode.REPLAY), article(FIRST + " danas", "two")])
    assert len(alerts) == 1
    assert "known from 1 earlier article" in alerts[0].reason


def test_a_new_version_of_an_article_stays_in_its_place() -> None:
    memory = Memory("w")
    told([article(FIRST, "one", name="same"), article(FIRST + " (dopuna)", "one", 60, name="same")], memory)
    assert memory.documents == 1
    assert len(memory.members) == 1
