"""Tallies: what every source told of a watch before and lately, as a sweep for silences looks at it.

A sweep goes over weeks, every hour or so, and between two of them a few hours of the last days change. So the days that
lie wholly in the habit are added up once, until they are others or one of them is told of anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import cast

import msgspec

DAY, RESOLUTION = timedelta(days=1), datetime.resolution


class Spoke(msgspec.Struct, frozen=True, omit_defaults=True):
    """A day of a source in a watch: articles by hour, those that were no copies, and when it last spoke."""

    name: str
    last: datetime
    country: str = ""
    language: str = ""
    articles: dict[int, int] = {}
    own: dict[int, int] = {}


@dataclass(frozen=True, slots=True)
class Tally:
    """A source in a watch: articles and independent clusters by day as a habit, its clusters by hour lately, and all
    articles (`told`) and clusters of the habit. Named as it was when it last spoke."""

    source_id: str
    name: str
    country: str
    language: str
    last: datetime
    articles: Mapping[date, int]
    own: Mapping[date, int]
    lately: Mapping[datetime, int]
    told: int
    clusters: int


@dataclass(frozen=True, slots=True)
class Window:
    """The times of a sweep, all whole hours: a habit is what was told from `since` to before `reach`; a silence lasts
    at least from `start` to before `end`, and no further back than `reach`."""

    since: datetime
    reach: datetime
    start: datetime
    end: datetime

    @property
    def whole(self) -> tuple[date, date]:
        """The days that belong to the habit with all their hours: the first, and the one after the last."""
        first = (self.since + DAY - RESOLUTION).date()
        return first, max(first, self.reach.date())

    def edges(self) -> list[date]:
        """The other days: those across an end of the habit, and those after it."""
        first, end = self.whole
        days = (self.since.date() + timedelta(days=at) for at in range((self.end.date() - self.since.date()).days + 1))
        return [day for day in days if not first <= day < end]


@dataclass(frozen=True, slots=True)
class Tallies:
    """Every source that spoke since the habit begins, and the clusters of all together by day of the habit."""

    sources: Mapping[str, Tally]
    everybody: Mapping[date, int]


class Days:
    """The days of all sources by date: a view of the shelf they stand on."""

    def __init__(self) -> None:
        self._days: dict[date, dict[str, Spoke]] = {}
        self._whole: tuple[tuple[date, date], Tallies] | None = None

    def put(self, key: str, value: object) -> None:
        """A day of a source is new, or was told of again."""
        source_id, day = _place(key)
        self._days.setdefault(day, {})[source_id] = cast("Spoke", value)
        self._changed(day)

    def drop(self, key: str) -> None:
        """A day of a source is out of its time."""
        source_id, day = _place(key)
        self._days.get(day, {}).pop(source_id, None)
        self._changed(day)

    def _changed(self, day: date) -> None:
        if self._whole is not None and self._whole[0][0] <= day < self._whole[0][1]:
            self._whole = None

    def speakers(self, since: datetime, most: int) -> int:
        """How many sources spoke after a time, counted up to `most`."""
        found: set[str] = set()
        first = since.date()
        for day in [day for day in self._days if day >= first]:
            found |= {source_id for source_id, spoke in self._days[day].items() if spoke.last >= since}
            if len(found) >= most:
                return most
        return len(found)

    def tallies(self, window: Window) -> Tallies:
        """What everybody told in a window."""
        whole = self._of_whole_days(window.whole)
        edges = self._by_source(window.edges())
        changed = {name: _with(whole.sources.get(name), name, days, window) for name, days in edges.items()}
        everybody = dict(whole.everybody)
        for name, one in changed.items():
            known = whole.sources.get(name)
            for day in one.own if known is None else one.own.keys() - known.own.keys():
                everybody[day] = everybody.get(day, 0) + one.own[day]
        return Tallies({**whole.sources, **changed}, everybody)

    def _of_whole_days(self, days: tuple[date, date]) -> Tallies:
        if self._whole is None or self._whole[0] != days:
            self._whole = days, self._added_up(*days)
        return self._whole[1]

    def _added_up(self, first: date, end: date) -> Tallies:
        days = self._by_source(sorted(day for day in self._days if first <= day < end))
        found = {name: _habit(name, some) for name, some in days.items()}
        return Tallies(found, _total(one.own for one in found.values()))

    def _by_source(self, days: Iterable[date]) -> dict[str, list[tuple[date, Spoke]]]:
        found: dict[str, list[tuple[date, Spoke]]] = {}
        for day in days:
            for source_id, spoke in self._days.get(day, {}).items():
                found.setdefault(source_id, []).append((day, spoke))
        return found


def _habit(source_id: str, days: Sequence[tuple[date, Spoke]]) -> Tally:
    """A source by whole days."""
    articles = {day: sum(spoke.articles.values()) for day, spoke in days}
    own = {day: sum(spoke.own.values()) for day, spoke in days}
    return _named(source_id, [spoke for _, spoke in days], (articles, own, {}))


def _with(one: Tally | None, source_id: str, days: Sequence[tuple[date, Spoke]], window: Window) -> Tally:
    """The tally with days that lie across an end of the habit, or after it, by their hours."""
    articles, own = (dict(one.articles), dict(one.own)) if one is not None else ({}, {})
    lately: dict[datetime, int] = {}
    for day, spoke in days:
        midnight = datetime.combine(day, time(), UTC)
        for hour, count in spoke.articles.items():
            moment, clusters = midnight + timedelta(hours=hour), spoke.own.get(hour, 0)
            if window.reach <= moment < window.end:
                lately[moment] = clusters
            elif window.since <= moment < window.reach:
                articles[day] = articles.get(day, 0) + count
                own[day] = own.get(day, 0) + clusters
    spoken: list[Spoke | Tally] = [spoke for _, spoke in days]
    return _named(source_id, [*spoken, one] if one is not None else spoken, (articles, own, lately))


def _named(
    source_id: str,
    spoken: Sequence[Spoke | Tally],
    counts: tuple[dict[date, int], dict[date, int], dict[datetime, int]],
) -> Tally:
    articles, own, lately = counts
    newest = max(spoken, key=lambda one: one.last)
    return Tally(
        source_id, newest.name, newest.country, newest.language, newest.last, articles, own, lately,
        sum(articles.values()), sum(own.values()),
    )  # fmt: skip


@lru_cache(maxsize=16_384)
def _place(key: str) -> tuple[str, date]:
    """Source and day of a key of the shelf."""
    return key[11:], date.fromisoformat(key[:10])


def _total(counts: Iterable[Mapping[date, int]]) -> dict[date, int]:
    total: dict[date, int] = {}
    for one in counts:
        for day, count in one.items():
            total[day] = total.get(day, 0) + count
    return total
