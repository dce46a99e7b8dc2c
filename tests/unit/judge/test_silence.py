"""silence: who says nothing while others do, told apart from who cannot be read."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec
import pytest

from services.alerter.judge import habits
from services.alerter.judge.decide import decide, pass_time
from services.alerter.judge.findings import find
from services.alerter.judge.kinds import silence
from services.alerter.judge.memory import Memory
from services.alerter.judge.metrics import SUPPRESSED, Suppressed
from services.alerter.judge.outside import NOTHING, Outside
from services.alerter.judge.reading import Reading
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.silent import Scene, silences
from services.alerter.judge.tallies import Spoke
from services.alerter.judge.timers import TIMERS
from services.alerter.rules import parse_rules
from services.alerter.volumes import SourceState
from shared.events import AlertKind, AlertRaised, AlertState, ArticleMatched, Mode
from tests.fakes.small import NOON, small

RULE = "{kind: silence, id: quiet, for: 6h}"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DAYS = 5
"""Days of habit before the day on trial."""
SOURCES = tuple(f"rs{number}" for number in range(6)) + tuple(f"hr{number}" for number in range(5)) + ("al0", "al1")
LANGUAGES = {"rs": "sr", "hr": "hr", "al": "sq", "en": "en"}
ENGLISH = ("en0", "en1", "en2", "en3")
SETTINGS = JudgeSettings(alerts_per_day=1_000)


def outside(sources: Iterable[str] = SOURCES, *, at: datetime = NOON + 30 * DAY, other: int = 3) -> Outside:
    """Every source is read without fault since long ago and publishes something every hour."""
    hours = [NOON - 40 * DAY + number * HOUR for number in range(70 * 24)]
    states = {
        name: SourceState(name, name.upper(), name[:2].upper(), LANGUAGES[name[:2]], "fresh", at, NOON - 60 * DAY)
        for name in sources
    }
    return Outside({(hour, name): other for hour in hours for name in sources}, states)


def article(source: str, minutes: float, number: int = 0, mode: Mode = Mode.LIVE) -> ArticleMatched:
    """An article of one source on the story."""
    facts = small(f"savez {source} {minutes} {number}", source=source, minutes=minutes, mode=mode,
                  name=f"{source} {minutes} {number}")  # fmt: skip
    code = "sqi" if source.startswith("al") else "hbs"
    own = msgspec.structs.replace(
        facts.article.source, name=source.upper(), country=source[:2].upper(), language=LANGUAGES[source[:2]]
    )
    language = msgspec.structs.replace(facts.article.language, macro=code)
    return msgspec.structs.replace(facts, article=msgspec.structs.replace(facts.article, source=own, language=language))


def stream(days: float, *, silent: dict[str, float] | None = None, sources: Sequence[str] = SOURCES, rate: float = 1.0,
           seed: int = 1) -> list[ArticleMatched]:  # fmt: skip
    """Articles of all sources from noon on, more by day than by night, unevenly; a silent source stops at a minute."""
    dice = random.Random(seed)
    found = []
    for hour in range(int(days * 24)):
        busy = dice.gammavariate(4, 0.25) * rate * (1.2 if (hour + 12) % 24 in range(7, 23) else 0.15)
        for source in sources:
            for number in range(poisson(dice, busy * dice.gammavariate(4, 0.25))):
                minutes = hour * 60 + dice.randrange(60)
                if minutes < (silent or {}).get(source, float("inf")):
                    found.append(article(source, minutes, number))
    return sorted(found, key=lambda one: (one.observed, one.id))


def poisson(dice: random.Random, mean: float) -> int:
    """Knuth's method; the means are small."""
    limit, product, count = 2.718281828459045**-mean, dice.random(), 0
    while product > limit:
        product *= dice.random()
        count += 1
    return count


@cache
def habit(rate: float = 1.0) -> Memory:
    """What a watch remembers of the days before the one on trial."""
    watch = Watch().feed(stream(DAYS, rate=rate))
    assert watch.alerts == []
    return watch.memory


def tried(silent: dict[str, float], *, rule: str = RULE, view: Outside | None = None, days: float = 1.0,
          rate: float = 1.0) -> Watch:  # fmt: skip
    """The day on trial after the habit: some fall silent at a minute."""
    watch = Watch(rule, view or outside(), deepcopy(habit(rate)))
    whole = stream(DAYS + days, silent=silent, rate=rate)
    return watch.feed(one for one in whole if one.observed >= NOON + DAYS * DAY)


@dataclass
class Watch:
    """A watch with one rule, fed by a test."""

    rule: str = RULE
    outside: Outside = field(default_factory=outside)
    memory: Memory = field(default_factory=lambda: Memory("w"))
    alerts: list[AlertRaised] = field(default_factory=list)

    def feed(self, matches: Iterable[ArticleMatched]) -> Watch:
        rules = parse_rules("w", 1, f"alerts: [{self.rule}]")
        for match in matches:
            reading = Reading(match)
            self.alerts += decide(self.memory, reading, find(reading, rules), rules, SETTINGS, outside=self.outside)
        return self

    def wait(self, minutes: float) -> Watch:
        rules = parse_rules("w", 1, f"alerts: [{self.rule}]")
        self.alerts += pass_time(
            self.memory, NOON + timedelta(minutes=minutes), rules, SETTINGS, self.outside
        )  # fmt: skip
        return self

    def told(self, state: AlertState = AlertState.OPEN) -> list[tuple[str, str]]:
        """Who was told of, and by which name."""
        return [(one.extra["silent"], one.extra["name"]) for one in self.alerts if one.state is state]


END = DAYS * 24 * 60
"""The minute at which the habit ends and the day on trial begins."""


def suppressed(reason: Suppressed) -> float:
    return float(SUPPRESSED.labels(AlertKind.SILENCE.value, reason.value)._value.get())


def test_a_source_that_stops_is_told_once_and_when_it_speaks_again() -> None:
    watch = tried({"rs3": END})
    [alert] = watch.alerts
    assert watch.told() == [("source", "rs3")]
    assert alert.headline.startswith("RS3 says nothing of: ")
    assert re.match(r"Nothing for \d+ hours while 12 other sources told of it in \d+ independent", alert.reason)
    assert alert.observed.minute == 0
    assert NOON + DAYS * DAY + 5 * HOUR < alert.observed < NOON + DAYS * DAY + 22 * HOUR
    assert alert.extra["chance"] <= 0.01
    assert alert.independent_sources >= 9
    watch.feed([article("rs3", END + 25 * 60)])
    _, resolved = watch.alerts
    assert (resolved.id, resolved.state, resolved.revision) == (alert.id, AlertState.RESOLVED, 1)
    assert resolved.headline.startswith("No longer silent, RS3")


@pytest.mark.parametrize(("seed", "evenness", "most"), [(1, 4, 2), (2, 4, 2), (3, 2, 4)])
def test_nothing_much_is_told_where_nobody_falls_silent(seed: int, evenness: float, most: int) -> None:
    """Four weeks of news in bouts, by thirteen sources: what is claimed is one false alarm in twenty windows at most,
    that is 5.6 in this time."""
    dice, memory, told = random.Random(seed), Memory("w"), set()
    [rule] = parse_rules("w", 1, f"alerts: [{RULE}]").rules
    view, shelf = outside(), memory.shelf(habits.HABITS)
    for number in range(28 * 24):
        hour = NOON + number * HOUR
        window = silence._window(rule, hour)
        found, _ = silences(Scene(window, habits.days(memory).tallies(window), view), rule)
        told |= {(one.kind, one.name, one.since) for one in found}
        busy = dice.gammavariate(evenness, 1 / evenness) * (1.2 if 7 <= hour.hour < 23 else 0.15)
        for source in SOURCES:
            if articles := poisson(dice, busy * dice.gammavariate(evenness, 1 / evenness)):
                count = {hour.hour: articles}
                key = f"{hour:%Y-%m-%d} {source}"
                code = "sq" if source.startswith("al") else "hbs"
                spoke = shelf.get(key) or Spoke(source.upper(), hour, source[:2].upper(), code)
                spoke = Spoke(
                    spoke.name, hour, spoke.country, code, spoke.articles | count, spoke.own | count
                )  # fmt: skip
                shelf.put(key, hour, spoke)
    assert len(told) <= most


@pytest.mark.parametrize(
    "change",
    [{"outcome": "unreachable"}, {"outcome": "empty"}, {"checked": NOON + DAYS * DAY - 2 * HOUR}],
    ids=["unreachable", "empty", "not checked"],
)
def test_a_broken_fetch_is_no_silence(change: dict[str, Any]) -> None:
    view = outside()
    before = suppressed(Suppressed.BROKEN_FETCH)
    state = replace(view.sources["rs3"], **change)
    watch = tried({"rs3": END}, view=Outside(view.volumes, {**view.sources, "rs3": state}))
    assert watch.alerts == []
    assert suppressed(Suppressed.BROKEN_FETCH) == before + 1


def test_a_source_of_which_nothing_comes_at_all_is_a_fault_and_no_silence() -> None:
    view = outside()
    volumes = {key: number for key, number in view.volumes.items() if key[1] != "rs3"}
    before = suppressed(Suppressed.BROKEN_FETCH)
    assert tried({"rs3": END}, view=Outside(volumes, view.sources)).alerts == []
    assert suppressed(Suppressed.BROKEN_FETCH) == before + 1


def test_where_nobody_counts_nothing_is_claimed() -> None:
    assert tried({"rs3": END}, view=NOTHING).alerts == []


def test_one_that_heals_is_measured_from_then_on() -> None:
    view, healed = outside(), NOON + DAYS * DAY + 4 * HOUR
    broken = replace(view.sources["rs3"], since=healed)
    watch = tried({"rs3": END}, view=Outside(view.volumes, {**view.sources, "rs3": broken}), days=2)
    assert watch.told() == [("source", "rs3")]
    assert watch.alerts[0].observed >= healed + 6 * HOUR
    assert watch.alerts[0].observed - watch.alerts[0].extra["window_hours"] * HOUR >= healed - HOUR


def test_a_whole_country_is_said_once() -> None:
    watch = tried({name: float(END) for name in SOURCES if name.startswith("hr")})
    assert watch.told() == [("country", "HR")]
    [alert] = watch.alerts
    assert alert.headline.startswith("Sources from HR say nothing of: ")
    assert set(alert.extra["members"]) == {name for name in SOURCES if name.startswith("hr")}
    watch.feed([article("hr1", END + 25 * 60)])
    assert [one.state for one in watch.alerts] == [AlertState.OPEN, AlertState.RESOLVED]


def test_a_whole_language_is_said_once() -> None:
    """With the countries in which it is spoken, and their sources."""
    sources = (*SOURCES, *ENGLISH)
    everyone = {name: float(END) for name in SOURCES if not name.startswith("al")}
    watch = Watch(outside=outside(sources)).feed(stream(DAYS + 1, silent=everyone, sources=sources))
    told = [one for one in watch.alerts if one.observed >= NOON + DAYS * DAY and one.state is AlertState.OPEN]
    assert [(one.extra["silent"], one.extra["name"]) for one in told] == [("language", "hbs")]
    assert set(told[0].extra["members"]) == set(everyone)
    assert told[0].headline.startswith("Sources in Bosnian/Croatian/Montenegrin/Serbian say nothing of: ")


def test_most_of_a_country_is_said_once_until_half_have_spoken() -> None:
    gone = {f"rs{number}": float(END) for number in range(5)}
    watch = tried(gone, rule="{kind: silence, id: quiet, for: 12h}", rate=2)
    alert = watch.alerts[-1]
    assert watch.told()[-1] == ("country", "RS")
    assert len(watch.told()) <= 2, "one of them may have been told before the others were silent for as long"
    members = alert.extra["members"]
    assert len(members) >= 4
    assert alert.headline.startswith(f"{len(members)} of 6 sources from RS say nothing of")
    spoken = [article(name, END + 25 * 60 + at) for at, name in enumerate(members)]
    half = (len(members) + 1) // 2
    watch.feed(spoken[: half - 1])
    assert AlertState.RESOLVED not in [one.state for one in watch.alerts if one.id == alert.id]
    watch.feed(spoken[half - 1 : half])
    assert [one.state for one in watch.alerts if one.id == alert.id] == [AlertState.OPEN, AlertState.RESOLVED]


def test_a_source_that_never_told_is_measured_by_its_language() -> None:
    watch = tried({}, view=outside((*SOURCES, "rs9", "al9")))
    assert watch.told() == [("source", "rs9")]
    assert "it never told of this watch" in watch.alerts[0].reason
    watch.feed([article("rs9", END + 25 * 60)])
    assert [one.state for one in watch.alerts] == [AlertState.OPEN, AlertState.RESOLVED]
    assert "for the first time" in watch.alerts[1].reason


def test_a_new_watch_claims_nothing_before_it_knows_the_habits() -> None:
    assert Watch(outside=outside((*SOURCES, "rs9"))).feed(stream(2, silent={"rs3": 60 * 24.0})).told() == []


def test_history_is_habit_and_shows_that_there_was_no_silence() -> None:
    backfill = [
        msgspec.structs.replace(one, observed=NOON + DAYS * DAY, mode=Mode.BACKFILL) for one in stream(DAYS)
    ]  # fmt: skip
    watch = Watch().feed(backfill)
    assert watch.alerts == []
    whole = stream(DAYS + 1, silent={"rs3": END})
    watch.feed(one for one in whole if one.observed >= NOON + DAYS * DAY)
    assert watch.told() == [("source", "rs3")]
    late = msgspec.structs.replace(
        article("rs3", END + 60, mode=Mode.BACKFILL), observed=NOON + DAYS * DAY + 24 * HOUR
    )  # fmt: skip
    watch.feed([late, article("rs1", END + 25 * 60), article("rs1", END + 26 * 60)])
    first, resolved, *more = (one for one in watch.alerts if "roll_up" not in one.extra)
    assert (resolved.id, resolved.state) == (first.id, AlertState.RESOLVED)
    assert all(one.extra["since"] == late.article.observed.isoformat() for one in more), "silent since then, if at all"


def test_when_all_fall_silent_no_silence_is_left() -> None:
    watch = tried({"rs3": END})
    watch.wait(END + 48 * 60)
    assert [one.state for one in watch.alerts] == [AlertState.OPEN, AlertState.RESOLVED]
    assert "Nobody tells of it any more" in watch.alerts[1].reason
    assert len(watch.memory.shelf(silence.SILENT)) == 0
    assert len(watch.memory.shelf(TIMERS)) == 0, "no sweeps while nothing is told"


def test_only_sources_and_groups_asked_for() -> None:
    gone = {"rs3": float(END), "hr1": float(END)}
    assert tried(gone, rule="{kind: silence, id: quiet, sources: [hr1, rs2]}").told() == [("source", "hr1")]
    assert tried(gone, rule="{kind: silence, id: quiet, groups: [country]}").alerts == []


def test_the_most_telling_first_and_not_too_many_at_once() -> None:
    gone = {name: float(END) for name in ("rs0", "rs1", "hr0", "hr1", "al0")}
    before = suppressed(Suppressed.ROLLED_UP)
    watch = tried(gone, rate=3)
    opened = [one.observed for one in watch.alerts if one.state is AlertState.OPEN]
    assert max(opened.count(moment) for moment in opened) <= silence.MOST
    assert len(opened) + suppressed(Suppressed.ROLLED_UP) - before >= len(gone)


@pytest.mark.parametrize("step", [17, 60])
def test_told_the_time_or_not_it_is_the_same(step: int) -> None:
    whole = stream(DAYS + 1, silent={"rs3": END, "hr0": END + 120})
    matches = [one for one in whole if one.observed >= NOON + DAYS * DAY]
    plain, ticked = (Watch(memory=deepcopy(habit())) for _ in range(2))
    plain.feed(matches)
    for at, match in enumerate(matches):
        ticked.feed([match])
        if at % step == 0 and at + 1 < len(matches):
            ticked.wait((matches[at + 1].observed - NOON) / timedelta(minutes=1))
    assert plain.alerts
    assert [msgspec.json.encode(one) for one in ticked.alerts] == [msgspec.json.encode(one) for one in plain.alerts]
