"""What a source's own past says of when it publishes next: how much, and at which hours of the week.

`learned` takes in what came, `Rhythm.rate` and `Rhythm.curve` say what is to be expected, `Curve.reach` finds the
moment at which the expectation has come to an amount, and `Rhythm.waited` says how long a time was by the source's own
hours. The wait that makes a fixed number of polls find entries soonest
on average is in proportion to 1 / sqrt(rate): the sum of rate x wait / 2 is least under a fixed sum of 1 / wait there
(Lagrange). With a rate that changes over the week, the wait ends where the integral of sqrt(rate(t)) reaches a
constant. Everything is a pure function of dates and counts; hours of the week are those of UTC, Monday's first.

The week is the shape of a day times the level of a weekday: 31 counts, which a source of ten entries a day fills in a
few days, where 168 would stay nearly empty. (Simulated, the 168 found entries later, however they were smoothed.)
Counts fade instead of falling out of a window: at an even pace they come to the same number.

Left out on purpose: what the poll costs, what servers wish and how much is polled in all (`schedule`, `budget`), and
holidays and changes of summer time, which the width of the smoothing covers.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = 3_600.0, 86_400.0
WEEK_HOURS = 168
MONDAY = 72
"""Hours from the beginning of the week to that of the epoch, a Thursday."""

RATE_DAYS = 14.0
"""Mean age of what the rate is made of."""

WEEK_DAYS = 35.0
"""Mean age of what the profile of the week is made of: five weeks."""

PRIOR_ENTRIES, PRIOR_DAYS = 1.0, 0.2
"""What counts as seen of every source before anything was (a Gamma prior): five entries a day, soon outweighed."""

FLAT = 60.0
"""Entries until which a source's hours and weekdays are taken for flat more than for its own."""

NEIGHBOURS = (1, 2, 3, 4, 3, 2, 1)
"""Weights of an hour and of the three on either side."""

SHOWN_TO_THE_END = 0.9
"""Share of a feed's dated entries that says how long it reaches back: a few pinned old ones do not."""

_FORM = struct.Struct("<Bddd31f")
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Curve:
    """The root of the rate expected in each hour of the week, in entries a day to the half."""

    roots: Sequence[float]

    def integral(self, start: datetime, end: datetime) -> float:
        """Of the roots from `start` to `end`, in root of entries a day times days."""
        total, at, until = 0.0, start.timestamp(), end.timestamp()
        while at < until:
            after = min(until, _next_hour(at))
            total += self.roots[_hour(at)] * (after - at) / DAY
            at = after
        return total

    def reach(self, start: datetime, amount: float, longest: timedelta) -> timedelta:
        """How long after `start` the integral has come to `amount`, at most `longest`."""
        at = start.timestamp()
        until = at + longest.total_seconds()
        while at < until:
            root, after = self.roots[_hour(at)], _next_hour(at)
            if root * (after - at) >= amount * DAY:
                return min(longest, timedelta(seconds=at + amount * DAY / root - start.timestamp()))
            amount -= root * (after - at) / DAY
            at = after
        return longest

    @property
    def mean(self) -> float:
        """Over the week."""
        return math.fsum(self.roots) / WEEK_HOURS


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is remembered of a source, as of `at` (seconds since the epoch), all of it faded: entries, days of
    watching, and entries by the hour of the day and by the weekday."""

    at: float
    entries: float
    watched: float
    hours: tuple[float, ...]
    weekdays: tuple[float, ...]

    def rate(self, now: datetime) -> float:
        """Entries a day to be expected, from what was seen until `now` and the prior."""
        days = _elapsed(self, now)
        fade = math.exp(-days / RATE_DAYS)
        watched = self.watched * fade + RATE_DAYS * (1 - fade)
        return (self.entries * fade + PRIOR_ENTRIES) / (watched + PRIOR_DAYS)

    def curve(self, now: datetime) -> Curve:
        """The roots of the rates of a week."""
        fade = math.exp(-_elapsed(self, now) / WEEK_DAYS)
        hours = [math.sqrt(share) for share in shares([count * fade for count in smoothed(self.hours)])]
        weekdays = [math.sqrt(share) for share in shares([count * fade for count in self.weekdays])]
        root = math.sqrt(self.rate(now))
        return Curve([root * day * hour for day in weekdays for hour in hours])

    def waited(self, start: datetime, end: datetime) -> timedelta:
        """From `start` to `end` as time passes for the source: hours in which it publishes twice as much as on average
        count twice, its nights and idle weekdays next to nothing. A whole week is a week."""
        at, until = start.timestamp(), end.timestamp()
        if until <= at:
            return timedelta()
        weeks, rest = divmod(until - at, WEEK_HOURS * HOUR)
        days, hours = shares(self.weekdays), shares(smoothed(self.hours))
        return timedelta(seconds=weeks * WEEK_HOURS * HOUR + _weighed(days, hours, until - rest, until))

    def packed(self) -> bytes:
        """For the database."""
        return _FORM.pack(_VERSION, self.at, self.entries, self.watched, *self.hours, *self.weekdays)


def _weighed(days: Sequence[float], hours: Sequence[float], at: float, until: float) -> float:
    """The seconds from `at` to `until`, each as often as the shares of its weekday and hour say."""
    total = 0.0
    while at < until:
        after = min(until, _next_hour(at))
        weekday, hour = divmod(_hour(at), 24)
        total += days[weekday] * hours[hour] * (after - at)
        at = after
    return total


def unpacked(data: bytes | None) -> Rhythm | None:
    """What `packed` made; None for nothing and for what another version wrote."""
    if data is None or len(data) != _FORM.size or data[0] != _VERSION:
        return None
    _, at, entries, watched, *counts = _FORM.unpack(data)
    return Rhythm(at, entries, watched, tuple(counts[:24]), tuple(counts[24:]))


def shares(counts: Sequence[float]) -> list[float]:
    """How much busier than the mean each hour or weekday is, drawn to flat while little was seen. The mean is 1."""
    total = math.fsum(counts)
    return [(count * len(counts) + FLAT) / (total + FLAT) for count in counts]


def smoothed(hours: Sequence[float]) -> list[float]:
    """Each hour of the day with its neighbours, around midnight, too; the sum stays."""
    ring = [*hours[-3:], *hours, *hours[:3]]
    whole = sum(NEIGHBOURS)
    return [math.fsum(map(operator.mul, NEIGHBOURS, ring[hour : hour + 7])) / whole for hour in range(24)]


def looked(
    rhythm: Rhythm | None, shown: Collection[datetime | None], came: Collection[datetime | None], now: datetime
) -> Rhythm:
    """After a look at a source: `shown` are the dates of all entries of its feed, `came` those of the new ones."""
    return begun(shown, now) if rhythm is None else learned(rhythm, came, now)


def begun(shown: Collection[datetime | None], now: datetime) -> Rhythm:
    """From the first look at a source: its feed shows when it published before, as far back as it reaches. Entries
    without a date, and those of the future, tell nothing then."""
    dated = sorted((moment for moment in shown if moment is not None and moment <= now), reverse=True)
    counted = dated[: math.ceil(len(dated) * SHOWN_TO_THE_END)]
    span = (now - counted[-1]).total_seconds() / DAY if counted else 0.0
    watched = RATE_DAYS * (1 - math.exp(-span / RATE_DAYS))
    return _with(Rhythm(now.timestamp(), 0.0, watched, (0.0,) * 24, (0.0,) * 7), counted, now)


def learned(rhythm: Rhythm, came: Collection[datetime | None], now: datetime) -> Rhythm:
    """With new entries: when each was published, None for one without a date, which was published just now. So was one
    that states no more than the day, if it is today's."""
    if not came:
        return rhythm
    days = _elapsed(rhythm, now)
    fade, week_fade = math.exp(-days / RATE_DAYS), math.exp(-days / WEEK_DAYS)
    faded = Rhythm(
        max(rhythm.at, now.timestamp()), rhythm.entries * fade, rhythm.watched * fade + RATE_DAYS * (1 - fade),
        tuple([count * week_fade for count in rhythm.hours]), tuple([count * week_fade for count in rhythm.weekdays]),
    )  # fmt: skip
    return _with(faded, [_when(moment, now) for moment in came], now)


def _when(moment: datetime | None, now: datetime) -> datetime:
    if moment is None or (not _is_timed(moment) and now - moment < timedelta(days=1)):
        return now
    return min(moment, now)


def _is_timed(moment: datetime) -> bool:
    """Whether a date has a time of day: midnight sharp in UTC is what a bare day is read as."""
    return (moment.hour, moment.minute, moment.second, moment.microsecond) != (0, 0, 0, 0)


def _with(rhythm: Rhythm, came: Collection[datetime], now: datetime) -> Rhythm:
    """Entries count as much as they would have if each had been taken in when it was published. Bare days tell nothing
    of hours."""
    entries, hours, weekdays = rhythm.entries, list(rhythm.hours), list(rhythm.weekdays)
    for moment in came:
        age = (now - moment).total_seconds() / DAY
        entries += math.exp(-age / RATE_DAYS)
        weekday, hour = divmod(_hour(moment.timestamp()), 24)
        weekdays[weekday] += math.exp(-age / WEEK_DAYS)
        hours[hour] += math.exp(-age / WEEK_DAYS) if _is_timed(moment) else 0.0
    return Rhythm(rhythm.at, entries, rhythm.watched, _as_stored(hours), _as_stored(weekdays))


def _as_stored(counts: Sequence[float]) -> tuple[float, ...]:
    """In the precision of the database, so that a restart changes no plan."""
    form = f"{len(counts)}f"
    return struct.unpack(form, struct.pack(form, *counts))


def _elapsed(rhythm: Rhythm, now: datetime) -> float:
    return max(0.0, now.timestamp() - rhythm.at) / DAY


def _hour(at: float) -> int:
    return (int(at // HOUR) + MONDAY) % WEEK_HOURS


def _next_hour(at: float) -> float:
    return (at // HOUR + 1) * HOUR
