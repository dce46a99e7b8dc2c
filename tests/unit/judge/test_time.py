"""The law of passing time: for a given order of a watch's articles, the same alerts, wherever it is told the time."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.alerter.judge.decide import decide, pass_time
from services.alerter.judge.findings import find
from services.alerter.judge.memory import Memory
from services.alerter.judge.reading import Reading
from services.alerter.judge.settings import JudgeSettings
from services.alerter.rules import parse_rules
from shared.events import AlertRaised, AlertState, ArticleMatched
from tests.fakes.small import NOON, small

WATCH = """
id: w
title: T
alerts:
  - {kind: match, id: any-new, resolve: 3h, cooldown: 0m}
  - {kind: reaction, id: belgrade, actor: {side: serbia}}
  - {kind: first_seen, id: new-term}
"""
WORDS = ("savez u Tirani", "savez i gasovod", "savez protiv saveza", "savez u Zagrebu", "savez i fudbal")
GAPS = st.lists(st.integers(0, 7 * 60), min_size=1, max_size=9)
"""Minutes between one article and the next."""


def articles(gaps: list[int]) -> list[ArticleMatched]:
    """Articles of a few events, one after the other; some come a little later than their time."""
    found, minutes = [], 0
    for number, gap in enumerate(gaps):
        minutes += gap
        title = f"{WORDS[number % len(WORDS)]} {number % 3}"
        found.append(small(title, source=f"s{number % 4}", minutes=minutes, name=f"a{number}"))
    return found


def told(matches: list[ArticleMatched], ticks: list[tuple[int, int]]) -> list[AlertRaised]:
    """The alerts of articles in this order, the watch told the time now and then. A tick stands behind an article and
    tells so many minutes, though never more than may be told: what is not judged yet is later."""
    rules, memory, set_ = parse_rules("w", 1, WATCH), Memory("w"), JudgeSettings()
    alerts: list[AlertRaised] = []
    for number, match in enumerate(matches):
        reading = Reading(match)
        alerts += decide(memory, reading, find(reading, rules), rules, set_)
        rest = [one.observed for one in matches[number + 1 :]]
        for at, minutes in ticks:
            if at == number:
                wished = match.observed + timedelta(minutes=minutes)
                alerts += pass_time(memory, min([wished, *rest]), rules, set_)
    return alerts + pass_time(memory, NOON + timedelta(days=9), rules, set_)


def lines(alerts: list[AlertRaised]) -> list[bytes]:
    return [msgspec.json.encode(alert) for alert in alerts]


TICKS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 10 * 60)), max_size=12)


@settings(deadline=None, max_examples=150)
@given(gaps=GAPS, ticks=TICKS)
@example(gaps=[0, 400, 400], ticks=[(0, 180), (0, 181), (1, 600)])
def test_wherever_the_time_is_told_the_alerts_are_the_same(gaps: list[int], ticks: list[tuple[int, int]]) -> None:
    matches = articles(gaps)
    plain = told(matches, [])
    assert {one.state for one in plain} >= {AlertState.OPEN, AlertState.RESOLVED}
    assert lines(told(matches, ticks)) == lines(plain)


@settings(deadline=None, max_examples=60)
@given(gaps=GAPS, ticks=TICKS, shift=st.lists(st.integers(-40, 0), min_size=9, max_size=9))
def test_also_where_articles_come_a_little_late(
    gaps: list[int], ticks: list[tuple[int, int]], shift: list[int]
) -> None:
    matches = [
        msgspec.structs.replace(one, observed=one.observed + timedelta(minutes=by))
        for one, by in zip(articles(gaps), shift, strict=False)
    ]
    assert lines(told(matches, ticks)) == lines(told(matches, []))
