"""Habits: how much of a watch every source tells, by hour. What its silence is measured against.

A source takes part with every article, copies of others included; what the others tell is counted in independent
clusters, that is without copies, since one agency report in twelve papers is one event. New versions count nowhere.
One small row for each source and day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache

import msgspec

from services.alerter.judge.case import Case
from services.alerter.judge.memory import Memory
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.volumes import KEPT
from shared.text.languages import macro

LEAST_DISPERSION = 0.2
"""Articles come in bouts even where history is too short to show it: variance above that of Poisson, over the square of
the mean. On simulated streams of 13 sources over four weeks without any silence this gives 0 or 1 false alarms where
all follow one rhythm, 1 to 5 where every source has a day of its own; with 0.1 it is 4 to 6, and 10 to 20."""


DAY, RESOLUTION = timedelta(days=1), datetime.resolution


class Spoke(msgspec.Struct, frozen=True, omit_defaults=True, dict=True):
    """A day of a source in a watch: articles by hour, those that were no copies, and when it last spoke."""

    name: str
    last: datetime
    country: str = ""
    language: str = ""
    articles: dict[int, int] = {}
    own: dict[int, int] = {}

    @cached_property
    def sums(self) -> tuple[int, int]:
        """All articles of the day, and those that were no copies: asked at every sweep for weeks."""
        return sum(self.articles.values()), sum(self.own.values())


HABITS = ShelfSpec("habit", Spoke, KEPT + timedelta(days=1))


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


@dataclass(slots=True)
class Tally:
    """A source in a watch: articles and independent clusters by day as a habit, and its clusters by hour lately."""

    source_id: str
    name: str
    country: str
    language: str
    last: datetime
    articles: dict[date, int] = field(default_factory=dict)
    own: dict[date, int] = field(default_factory=dict)
    lately: dict[datetime, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """The times of a sweep, all whole hours: a habit is what was told from `since` to before `reach`; a silence lasts
    at least from `start` to before `end`, and no further back than `reach`."""

    since: datetime
    reach: datetime
    start: datetime
    end: datetime


def speaks(memory: Memory, since: datetime, least: int) -> int:
    """How many sources spoke after a time, counted up to `least`. Whoever spoke last mostly stands last."""
    found: set[str] = set()
    for key, (moment, _) in memory.shelf(HABITS).latest():
        if moment >= since:
            found.add(key[11:])
            if len(found) == least:
                break
    return len(found)


def tallies(memory: Memory, window: Window) -> dict[str, Tally]:
    """Every source that spoke since the habit begins."""
    found: dict[str, Tally] = {}
    first, last = window.since.date(), window.end.date()
    begin, end = (window.since + DAY - RESOLUTION).date(), window.reach.date()
    for key, (_, spoke) in memory.shelf(HABITS).entries():
        source_id, day = _place(key)
        if not first <= day <= last:
            continue
        one = found.get(source_id)
        if one is None:
            one = found[source_id] = Tally(source_id, spoke.name, spoke.country, spoke.language, spoke.last)
        elif spoke.last > one.last:
            one.last = spoke.last
        if begin <= day < end:  # the whole day belongs to the habit
            one.articles[day], one.own[day] = spoke.sums
        else:
            _add_hours(one, day, spoke, window)
    return found


def _add_hours(one: Tally, day: date, spoke: Spoke, window: Window) -> None:
    """A day that lies across an end of the habit, or after it."""
    midnight = datetime.combine(day, time(), UTC)
    for hour, articles in spoke.articles.items():
        moment, own = midnight + timedelta(hours=hour), spoke.own.get(hour, 0)
        if window.reach <= moment < window.end:
            one.lately[moment] = own
        elif window.since <= moment < window.reach:
            one.articles[day] = one.articles.get(day, 0) + articles
            one.own[day] = one.own.get(day, 0) + own


@lru_cache(maxsize=16_384)
def _place(key: str) -> tuple[str, date]:
    """Source and day of a key of the shelf."""
    return key[11:], date.fromisoformat(key[:10])


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
    others = {day: rest for day, count in everybody.items() if (rest := count - mine.get(day, 0))}
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


def total(tallies: Iterable[Tally]) -> dict[date, int]:
    """The clusters of some sources together, by day."""
    return _sum(one.own for one in tallies)


def _sum(counts: Iterable[dict[date, int]]) -> dict[date, int]:
    total: dict[date, int] = {}
    for one in counts:
        for day, count in one.items():
            total[day] = total.get(day, 0) + count
    return total
