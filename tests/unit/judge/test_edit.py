"""Edited articles: what counts as an edit, what is told of it, and that nothing else is made of it."""

from __future__ import annotations

import msgspec
import pytest

from services.alerter.judge.memory import Memory
from shared import ids
from shared.events import AlertKind, AlertRaised, AlertState, ArticleMatched, Mode
from tests.fakes.judging import tried
from tests.fakes.small import small

WATCH = "alerts: [{kind: edit, id: edit}]"
TEXT = " ".join(f"recenica{at} o savezu." for at in range(40))


def version(title: str = "Srbija osudila savez", text: str = TEXT, minutes: float = 0, *, held: bool = True,
            mode: Mode = Mode.LIVE) -> ArticleMatched:  # fmt: skip
    made = small(title, text, minutes=minutes, name="the article", mode=mode)
    article = msgspec.structs.replace(made.article, id=ids.article_version("the article", title + text))
    return msgspec.structs.replace(made, id=ids.match("w", article.id), article=article, held=held)


def edits(*versions: ArticleMatched, watch: str = WATCH, memory: Memory | None = None) -> list[AlertRaised]:
    return tried(versions, watch=watch, memory=memory)


def what(*versions: ArticleMatched, watch: str = WATCH) -> list[list[str]]:
    return [one.extra["what"] for one in edits(*versions, watch=watch)]


def test_another_headline_is_told_with_both() -> None:
    [alert] = edits(version(), version("Srbija traži objašnjenje o savezu", minutes=30))
    assert alert.kind is AlertKind.EDIT
    assert alert.headline == "Headline changed: Srbija traži objašnjenje o savezu"
    assert alert.extra["title"] == {"before": "Srbija osudila savez", "now": "Srbija traži objašnjenje o savezu"}
    assert alert.extra["tone"] == "softer"
    assert alert.extra["after_minutes"] == 30
    assert "the headline was: Srbija osudila savez" in alert.reason


def test_a_typing_error_is_no_edit() -> None:
    assert edits(version(), version("Srbija osudila  savez!", minutes=30)) == []


def test_other_numbers_are_told() -> None:
    [alert] = edits(version(text=TEXT + " Ima 5.000 vojnika."), version(text=TEXT + " Ima 7.500 vojnika.", minutes=9))
    assert alert.extra["what"] == ["number"]
    assert alert.extra["numbers"] == {"gone": ["5000"], "new": ["7500"]}
    assert alert.extra["new_sentence"] == "Ima 7.500 vojnika."
    assert "numbers 5000 → 7500" in alert.reason


@pytest.mark.parametrize("denial", ["Ministarstvo demantuje te navode.", "Министарство је демантовало наводе."])
def test_a_denial_that_was_added_is_told(denial: str) -> None:
    assert what(version(), version(text=f"{TEXT} {denial}", minutes=9)) == [["denial"]]


def test_a_text_that_was_taken_away_is_told() -> None:
    assert what(version(), version(text="Članak je uklonjen.", minutes=9, held=False)) == [["withdrawn"]]
    assert what(version(), version(text="Nema više.", minutes=9, held=False)) == [["withdrawn"]]


def test_a_text_that_grew_is_told_only_on_wish() -> None:
    grown = version(text=f"{TEXT} Dodata je rečenica o savezu. I još jedna.", minutes=9)
    assert what(version(), grown) == []
    assert what(version(), grown, watch="alerts: [{kind: edit, id: edit, minimum: 2}]") == [["text"]]


def test_further_edits_are_revisions() -> None:
    alerts = edits(version(), version("Drugi naslov o savezu", minutes=60), version("Treći, sasvim nov", minutes=120))
    assert [(one.state, one.revision) for one in alerts] == [(AlertState.OPEN, 0), (AlertState.UPDATE, 1)]
    assert len({one.id for one in alerts}) == 1


def test_an_older_version_that_comes_late_says_nothing() -> None:
    assert edits(version("Novi naslov o savezu", minutes=60), version("Stari i drugačiji", minutes=0)) == []


def test_the_same_version_again_says_nothing() -> None:
    assert edits(version(), version(minutes=30)) == []


def test_history_says_nothing() -> None:
    assert edits(version(), version("Drugi naslov o savezu", minutes=30, mode=Mode.REPLAY)) == []


def test_what_does_not_satisfy_the_watch_any_more_is_an_edit_and_nothing_else() -> None:
    watch = "alerts: [{kind: match, id: any}, {kind: edit, id: edit}, {kind: reaction, id: r, actor: {side: serbia}}]"
    memory = Memory("w")
    alerts = edits(version(), version("Nešto sasvim drugo", minutes=90, held=False), watch=watch, memory=memory)
    assert [one.kind for one in alerts] == [AlertKind.MATCH, AlertKind.EDIT]
    assert memory.documents == 1


def test_an_article_nobody_knows_is_none() -> None:
    memory = Memory("w")
    assert edits(version(held=False), memory=memory) == []
    assert memory.stories == {}
