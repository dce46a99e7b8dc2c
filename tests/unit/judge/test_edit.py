"""Edited articles: what counts as an edit, what is told of it, and that nothing else is made of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.judge.kinds.edit import turned
from services.alerter.judge.memory import Memory
from services.alerter.load import loads
from services.alerter.match import match
from services.alerter.match.compile import build
from shared import ids
from shared.bus import Record
from shared.clock import SteppedClock
from shared.codec import Trace
from shared.db import Database
from shared.events import AlertKind, AlertRaised, AlertState, ArticleExtracted, ArticleMatched, Mode
from shared.step import Work
from tests.fakes.judging import START, feed, prepared, raised, tried
from tests.fakes.small import small

WATCH = "alerts: [{kind: edit, id: edit}]"
TEXT = " ".join(f"Recenica{at} o savezu." for at in range(40))


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
    assert alert.article.excerpt == "Ima 7.500 vojnika."
    assert "numbers 5000 → 7500" in alert.reason


@pytest.mark.parametrize("denial", ["Ministarstvo demantuje te navode.", "Министарство је демантовало наводе."])
def test_a_denial_that_was_added_is_told(denial: str) -> None:
    assert what(version(), version(text=f"{TEXT} {denial}", minutes=9)) == [["denial"]]


def test_a_text_that_was_taken_away_is_told() -> None:
    assert what(version(), version(text="Članak je uklonjen.", minutes=9, held=False)) == [["withdrawn"]]
    assert what(version(), version(text="Nema više.", minutes=9, held=False)) == [["withdrawn"]]


@pytest.mark.parametrize("text", [TEXT, "Savez ostaje."])
def test_a_page_that_is_gone_is_told_however_short_its_text_was(text: str) -> None:
    gone = version(text="", minutes=9, held=False)
    gone = msgspec.structs.replace(gone, article=msgspec.structs.replace(gone.article, withdrawn=True))
    [alert] = edits(version(text=text), gone)
    assert alert.extra["what"] == ["withdrawn"]
    assert alert.headline == "Withdrawn: Srbija osudila savez" and alert.article.excerpt == ""


def test_a_text_about_something_withdrawn_is_no_notice() -> None:
    about = "Vojska je povučena. Savez ostaje. Članak je povučen iz sporazuma."
    assert what(version(text=about), version(text=about + " Ima 900 vojnika.", minutes=9)) == [["number"]]
    grown = version(text="Savez ostaje. Ministri se vraćaju. Vojska je povučena.", minutes=9)
    assert what(version(text="Savez ostaje. Ministri se vraćaju."), grown) == []


def test_what_was_withdrawn_is_told_when_it_is_put_back() -> None:
    gone = version(text="Članak je uklonjen.", minutes=9, held=False)
    still = version(text="Članak je uklonjen. Izvinjavamo se.", minutes=20, held=False)
    assert what(version(), gone, still, version(minutes=60)) == [["withdrawn"], ["restored"]]


def test_the_excerpt_is_all_that_is_shown_of_the_text() -> None:
    long = " ".join(f"Nova{at} stvar{at} je tu{at}." for at in range(99))
    [alert] = edits(version(), version("Drugi naslov o savezu", text=f"{TEXT} {long}", minutes=9))
    assert alert.article.excerpt.startswith("Nova0 stvar0 je tu0. Nova1")
    assert len(alert.article.excerpt) <= 300
    assert "Nova1" not in msgspec.json.encode(alert.extra).decode()


def test_of_a_text_that_only_grows_a_cooldown_holds_updates_back() -> None:
    watch = "alerts: [{kind: edit, id: edit, minimum: 1, cooldown: 2h}]"
    some = [version(text=" ".join((TEXT, *(f"Dodato {word}." for word in "abc"[:at]))), minutes=30 * at)
            for at in range(4)]  # fmt: skip
    assert what(*some, watch=watch) == [["text"]]
    assert what(*some, version("Sasvim drugi naslov", minutes=100), watch=watch) == [["text"], ["headline", "text"]]


@given(st.lists(st.integers(0, 30), unique=True), st.lists(st.integers(0, 30), unique=True), st.integers(1, 9))
def test_of_a_long_text_nothing_is_called_new_or_gone_that_is_not(old: list[int], new: list[int], kept: int) -> None:
    gone, added = turned(tuple(old[:kept]), tuple(new), kept)
    assert set(gone) <= set(old) - set(new)
    if [one for one in new if one in set(old)] == [one for one in old if one in set(new)]:
        assert set(added) <= set(new) - set(old)
    if len(old) < kept:
        assert (set(gone), set(added)) == (set(old) - set(new), set(new) - set(old))


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


HEAD = "schema: watch/1\nid: w\nconcepts: {a: [savez~]}\nmatch: {require: [a]}\n"


def extracted(article: ArticleExtracted) -> Work:
    return Work(article, Record(topic="t", partition=0, offset=0, timestamp=0, key=b"", value=b""), Trace(""))


async def test_a_withdrawn_article_satisfies_no_watch_whatever_its_title_says(database: Database) -> None:
    await feed(await prepared(database, watch=HEAD + WATCH, watch_id="w"), [version()])
    handle = match.make(
        lambda: build([loads(HEAD + WATCH, "w.yaml", {})]), SteppedClock(START), match.knowing_from(database)
    )  # fmt: skip
    gone = version(text="", minutes=30).article
    gone = msgspec.structs.replace(gone, previous=version().article.id, withdrawn=True)
    [told] = [one for one in (await handle(extracted(gone))).outputs if isinstance(one, ArticleMatched)]
    assert (told.held, told.hits) == (False, ())


async def test_a_version_that_a_watch_lost_comes_through_both_steps(database: Database) -> None:
    file = HEAD + WATCH
    judge = await prepared(database, watch=file, watch_id="w")
    await feed(judge, [version()])
    watch = loads(file, "w.yaml", {})
    handle = match.make(lambda: build([watch]), SteppedClock(START), match.knowing_from(database))
    gone = version("O vremenu", "Kiša pada.", minutes=30)
    article = msgspec.structs.replace(gone.article, previous=version().article.id)
    outcome = await handle(extracted(article))
    [told] = [one for one in outcome.outputs if isinstance(one, ArticleMatched)]
    assert (told.held, told.hits, told.id) == (False, (), ids.match("w", article.id))
    assert told.why is not None
    [alert] = raised(await feed(judge, [told]))
    assert (alert.kind, alert.extra["what"]) == (AlertKind.EDIT, ["withdrawn"])
    other = msgspec.structs.replace(article, article_id="never judged")
    assert (await handle(extracted(other))).outputs == ()


def test_an_article_nobody_knows_is_none() -> None:
    memory = Memory("w")
    assert edits(version(held=False), memory=memory) == []
    assert memory.stories == {}
