"""Outlets that go over to another word: how many texts it takes, and what chance may do."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.judge.kinds.term_shift import fisher
from services.alerter.judge.memory import Memory
from shared.events import AlertRaised, ArticleMatched, Mode
from tests.fakes.judging import tried
from tests.fakes.small import small

WATCH = "alerts: [{kind: term_shift, id: shift, terms: [declaration, pact, alliance], window: 48h, min: 5}]"
WORDS = {"declaration": "deklaracija", "pact": "pakt", "alliance": "savez"}
DAY = 24 * 60


def calling(term: str, number: int, minutes: float, country: str = "RS", mode: Mode = Mode.LIVE) -> ArticleMatched:
    title = f"Novi {WORDS[term]} {number}"
    made = small(
        title, f"List {number} piše svoje.", source=f"list{number}", minutes=minutes, topic=WORDS[term], mode=mode
    )
    source = msgspec.structs.replace(made.article.source, country=country)
    return msgspec.structs.replace(made, article=msgspec.structs.replace(made.article, source=source))


def series(term: str, count: int, start: float, **more: object) -> list[ArticleMatched]:
    return [calling(term, at + int(start), start + at * 60, **more) for at in range(count)]  # type: ignore[arg-type]


def shifts(matches: list[ArticleMatched], memory: Memory | None = None) -> list[AlertRaised]:
    return tried(matches, watch=WATCH, memory=memory)


def test_a_group_that_goes_over_is_told_once_with_the_counts() -> None:
    [alert] = shifts([*series("declaration", 10, 0), *series("pact", 9, 3 * DAY)])
    assert alert.headline == "Outlets of RS go over from “declaration” to “pact”"
    assert (alert.extra["from"], alert.extra["to"]) == ("declaration", "pact")
    assert alert.extra["before"] == {"declaration": 10}
    assert alert.extra["chance"] < 0.01
    assert len(alert.extra["examples"]) == 3


def test_then_the_next_shift_is_measured_against_it() -> None:
    alerts = shifts([*series("declaration", 10, 0), *series("pact", 9, 3 * DAY), *series("alliance", 12, 7 * DAY)])
    assert [(one.extra["from"], one.extra["to"]) for one in alerts] == [("declaration", "pact"), ("pact", "alliance")]
    assert len({one.id for one in alerts}) == 2


def test_few_texts_are_no_shift() -> None:
    assert shifts([*series("declaration", 10, 0), *series("pact", 4, 3 * DAY)]) == []
    assert shifts([*series("declaration", 4, 0), *series("pact", 9, 3 * DAY)]) == []


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
