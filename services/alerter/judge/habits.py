"""Habits: how much of a watch every source tells, by hour. What its silence is measured against.

A source takes part with every article, copies of others included; what the others tell is counted in independent
clusters, that is without copies, since one agency report in twelve papers is one event. New versions count nowhere.
One small row for each source and day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import msgspec

from services.alerter.judge.case import Case
from services.alerter.judge.memory import Memory
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.tallies import Days, Spoke, Tally
from services.alerter.volumes import KEPT
from shared.text.languages import macro

LEAST_DISPERSION = 0.2
"""Articles come in bouts even where history is too short to show it: variance above that of Poisson, over the square of
the mean. On simulated streams of 13 sources over four weeks without any silence this gives 0 or 1 false alarms where
all follow one rhythm, 1 to 5 where every source has a day of its own; with 0.1 it is 4 to 6, and 10 to 20."""


HABITS = ShelfSpec("habit", Spoke, KEPT + timedelta(days=1), view=Days)


def note(case: Case) -> None:
    """Count an article of any mode in the hour of its event time."""
    if case.again:
        return
    source, moment, shelf = case.reading.article.source, case.moment, case.memory.shelf(HABITS)
    key = f"{moment:%Y-%m-%d} {source.id}"
    before = shelf.get(key) or Spoke(
        source.name, moment, source.country, macro(source.language or case.reading.article.language.macro)
    )
    own = before.own if case.is_copy else _more(before.own, moment.hour)
    after = msgspec.structs.replace(
        before, last=max(before.last, moment), articles=_more(before.articles, moment.hour), own=own
    )
    shelf.put(key, after.last, after)


def _more(counts: dict[int, int], hour: int) -> dict[int, int]:
    return counts | {hour: counts.get(hour, 0) + 1}


def days(memory: Memory) -> Days:
    """What every source told of the watch, by day."""
    return cast("Days", memory.shelf(HABITS).view)


@dataclass(frozen=True, slots=True)
class Habit:
    """How much some sources tell for each cluster of the others, on how many days, and how unevenly."""

    share: float
    days: int
    dispersion: float

    def chance_of_none(self, clusters: int) -> float:
        """The chance that they tell nothing while the others bring so many clusters: the zero term of a negative
        binomial."""
        return float((1 + self.dispersion * self.share * clusters) ** (-1 / self.dispersion))


def habit_of(members: Sequence[Tally], everybody: Mapping[date, int]) -> Habit:
    """The habit of some sources together, against all the others; `everybody` are the clusters of all by day (`total`),
    these included. Dispersion by moments over days."""
    told, mine = _sum(one.articles for one in members), _sum(one.own for one in members)
    others = {day: rest for day, count in sorted(everybody.items()) if (rest := count - mine.get(day, 0))}
    clusters = sum(others.values())
    share = sum(told.get(day, 0) for day in others) / clusters if clusters else 0.0
    expected = {day: share * count for day, count in others.items()}
    above = sum((told.get(day, 0) - mean) ** 2 - mean for day, mean in expected.items())
    squares = sum(mean**2 for mean in expected.values())
    dispersion = max(LEAST_DISPERSION, above / squares if squares else 0.0)
    return Habit(share, days_of(members), dispersion)


def days_of(members: Iterable[Tally]) -> int:
    """On how many days any of these told something."""
    return len({day for one in members for day, count in one.articles.items() if count})


def _sum(counts: Iterable[Mapping[date, int]]) -> dict[date, int]:
    total: dict[date, int] = {}
    for one in counts:
        for day, count in one.items():
            total[day] = total.get(day, 0) + count
    return total
