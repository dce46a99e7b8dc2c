"""Outlets that go over to another word: how many texts it takes, and what chance may do."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.judge.kinds.term_shift import fisher
from services.alerter.judge.memory import Memory
from services.alerter.judge.settings import JudgeSettings
from shared.db import Database
from shared.events import AlertRaised, ArticleMatched, Mode
from tests.fakes.judging import feed, judge_on, prepared, raised, tried
from tests.fakes.small import small

WATCH = "alerts: [{kind: term_shift, id: shift, terms: [declaration, pact, alliance], window: 48h, min: 5}]"
WORDS = {"declaration": "deklaracija", "pact": "pakt", "alliance": "savez"}
DAY = 24 * 60


def calling(
    term: str, number: int, minutes: float, country: str = "RS", mode: Mode = Mode.LIVE, *, text: str = "",
    word: str = "", concept: str = "alliance",
) -> ArticleMatched:  # fmt: skip
    word = word or WORDS[term]
    made = small(
        f"Novi {word} {number}", text or f"List {number} piše svoje.", source=f"list{number}", minutes=minutes,
        topic=word, mode=mode,
    )  # fmt: skip
    source = msgspec.structs.replace(made.article.source, country=country)
    hits = tuple(msgspec.structs.replace(one, concept=concept) for one in made.hits)
    return msgspec.structs.replace(made, article=msgspec.structs.replace(made.article, source=source), hits=hits)


def series(term: str, count: int, start: float, **more: object) -> list[ArticleMatched]:
    return [calling(term, at + int(start), start + at * 60, **more) for at in range(count)]  # type: ignore[arg-type]


def shifts(
    matches: list[ArticleMatched], memory: Memory | None = None, watch: str = WATCH, warm: int = 10
) -> list[AlertRaised]:
    return tried(matches, watch=watch, memory=memory, settings=JudgeSettings(warm_documents=warm))


def test_a_group_that_goes_over_is_told_once_with_the_counts() -> None:
    [alert] = shifts([*series("declaration", 10, 0), *series("pact", 9, 3 * DAY)])
    assert alert.headline == "Outlets of RS go over from “declaration” to “pact”"
    assert (alert.extra["from"], alert.extra["to"]) == ("declaration", "pact")
    assert alert.extra["before"] == {"declaration": 10}
    assert alert.extra["chance"] < 0.01
    assert {term: len(texts) for term, texts in alert.extra["examples"].items()} == {"declaration": 3, "pact": 3}
    assert alert.extra["examples"]["declaration"][-1] == {"outlet": "List9", "title": "Novi deklaracija 9"}
    assert alert.extra["days"] == {
        "2025-03-20": {"declaration": 10},
        "2025-03-23": {"pact": alert.extra["now"]["pact"]},
    }
    assert alert.article.title.startswith("Novi pakt")


def test_then_the_next_shift_is_measured_against_it() -> None:
    alerts = shifts([*series("declaration", 10, 0), *series("pact", 9, 3 * DAY), *series("alliance", 12, 7 * DAY)])
    assert [(one.extra["from"], one.extra["to"]) for one in alerts] == [("declaration", "pact"), ("pact", "alliance")]
    assert len({one.id for one in alerts}) == 2


def test_few_texts_are_no_shift() -> None:
    assert shifts([*series("declaration", 10, 0), *series("pact", 4, 3 * DAY)]) == []
    assert shifts([*series("declaration", 4, 0), *series("pact", 9, 3 * DAY)]) == []


def test_one_outlet_alone_is_no_group() -> None:
    one = [calling("pact", 1, 3 * DAY + at * 60, text=f"Tekst {at} o svemu.") for at in range(9)]
    assert shifts([*series("declaration", 10, 0), *one]) == []


def test_a_copy_says_nothing_of_what_an_outlet_calls_it() -> None:
    text = " ".join(f"rec{at}" for at in range(99))
    copies = [calling("pact", at, 3 * DAY + at * 60, text=text) for at in range(9)]
    assert shifts([*series("declaration", 10, 0), *copies]) == []


def test_a_watch_that_is_not_warm_tells_of_no_shift() -> None:
    assert shifts([*series("declaration", 10, 0), *series("pact", 9, 3 * DAY)], warm=20) == []


def test_a_busy_group_is_counted_whole() -> None:
    busy = [calling("declaration", at, at * 4) for at in range(600)]
    assert len(shifts([*busy, *series("pact", 40, 5 * DAY)])) == 1


def test_a_term_may_be_a_concept_of_the_watch() -> None:
    watch = WATCH.replace("pact, alliance]", "paper]")
    papers = [calling("declaration", at, 3 * DAY + at * 60, word="papir", concept="paper") for at in range(9)]
    [alert] = shifts([*series("declaration", 10, 0), *papers], watch=watch)
    assert (alert.extra["from"], alert.extra["to"]) == ("declaration", "paper")


async def test_a_restart_goes_on_counting(database: Database) -> None:
    matches = [*series("declaration", 10, 0), *series("pact", 9, 3 * DAY)]
    watch = WATCH.replace("alerts", "id: w\nalerts")
    await prepared(database, watch=watch, watch_id="w")
    settings = JudgeSettings(warm_documents=10)
    outcomes = [one for at in range(0, 19, 3) for one in await feed(judge_on(database, settings), matches[at : at + 3])]
    assert [one.id for one in raised(outcomes)] == [one.id for one in shifts(matches)]
    assert len(raised(outcomes)) == 1


def test_groups_are_counted_apart() -> None:
    mixed = [*series("declaration", 10, 0, country="HR"), *series("pact", 9, 3 * DAY, country="RS")]
    assert shifts(mixed) == []


def test_history_is_counted_and_told_of_nothing() -> None:
    history = [*series("declaration", 10, 0, mode=Mode.BACKFILL), *series("pact", 9, 3 * DAY, mode=Mode.BACKFILL)]
    assert shifts(history) == []


@given(st.integers(0, 12), st.integers(1, 12), st.integers(0, 12), st.integers(1, 12))
def test_fisher_is_the_exact_tail(now: int, more: int, before: int, rest: int) -> None:
    of_now, of_before = now + more, before + rest
    used, everything = now + before, of_now + of_before
    tail = sum(
        Fraction(comb(used, k) * comb(everything - used, of_now - k), comb(everything, of_now))
        for k in range(now, of_now + 1)
        if k <= used and of_now - k <= everything - used
    )
    assert abs(fisher(now, of_now, before, of_before) - float(tail)) < 1e-12
