"""What a source's own past says of when it publishes next: how much, and at which hours of the week.

`learned` takes in what came, `Rhythm.rate` and `Rhythm.curve` say what is to be expected, and `Curve.reach` finds the
moment at which the expectation has come to an amount. The wait that makes a fixed number of polls find entries soonest
on average is in proportion to 1 / sqrt(rate): the sum of rate x wait / 2 is least under a fixed sum of 1 / wait there
(Lagrange). With a rate that changes over the week, the wait ends where the integral of sqrt(rate(t)) reaches a
constant. Everything is a pure function of dates and counts; hours of the week are those of UTC, Monday's first.

Counts fade instead of falling out of a window: at an even pace they come to the same number, and a source needs two
numbers and a table of a week, however much it publishes.

Left out on purpose: what the poll costs, what servers wish and how much is polled in all (`schedule`, `budget`), and
holidays and changes of summer time, which the width of the smoothing covers.
"""

from __future__ import annotations

import math
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
"""Mean age of what the profile of the week is made of: five weeks. Not shorter than `RATE_DAYS`, so that one entry more
raises the expectation at every hour."""

PRIOR_ENTRIES, PRIOR_DAYS = 1.0, 0.2
"""What counts as seen of every source before anything was (a Gamma prior): five entries a day, soon outweighed."""

FLAT = 60.0
"""Entries without which a week's profile is more flat than its own."""

SAME_DAY = 0.3
"""How much of an hour's profile is of its own day; the rest is of that hour on all days."""

NEIGHBOURS = (1, 2, 3, 4, 3, 2, 1)
"""Weights of an hour and of the three on either side."""

SHOWN_TO_THE_END = 0.9
"""Share of a feed's dated entries that says how long it reaches back: a few pinned old ones do not."""

_FORM = struct.Struct(f"<Bddd{WEEK_HOURS}f")
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
    """What is remembered of a source, as of `at` (seconds since the epoch): faded entries, faded days of watching, and
    faded entries by the hour of the week."""

    at: float
    entries: float
    days: float
    hours: tuple[float, ...]

    def rate(self, now: datetime) -> float:
        """Entries a day to be expected, from what was seen until `now` and the prior."""
        days = _elapsed(self, now)
        fade = math.exp(-days / RATE_DAYS)
        watched = self.days * fade + RATE_DAYS * (1 - fade)
        return (self.entries * fade + PRIOR_ENTRIES) / (watched + PRIOR_DAYS)

    def curve(self, now: datetime) -> Curve:
        """The roots of the rates of a week."""
        rate = self.rate(now)
        return Curve([math.sqrt(rate * share) for share in profile(self.hours)])

    def packed(self) -> bytes:
        """For the database."""
        return _FORM.pack(_VERSION, self.at, self.entries, self.days, *self.hours)


def unpacked(data: bytes | None) -> Rhythm | None:
    """What `packed` made; None for nothing and for what another version wrote."""
    if data is None or len(data) != _FORM.size or data[0] != _VERSION:
        return None
    _, at, entries, days, *hours = _FORM.unpack(data)
    return Rhythm(at, entries, days, tuple(hours))


def profile(hours: Sequence[float]) -> list[float]:
    """How much busier than the mean each hour of the week is: smoothed over its neighbours, partly shared between the
    days, and drawn to flat while little was seen. The mean is 1."""
    soft = _smoothed(hours)
    of_all_days = [math.fsum(soft[hour::24]) / 7 for hour in range(24)]
    total = math.fsum(hours)
    scale = WEEK_HOURS / (total + FLAT)
    flat = FLAT / (total + FLAT)
    return [
        flat + scale * (SAME_DAY * own + (1 - SAME_DAY) * of_all_days[hour % 24]) for hour, own in enumerate(soft)
    ]  # fmt: skip


def _smoothed(hours: Sequence[float]) -> list[float]:
    a, b, c, d, e, f, g = NEIGHBOURS
    whole = sum(NEIGHBOURS)
    ring = [*hours[-3:], *hours, *hours[:3]]
    rows = zip(*(ring[shift : shift + WEEK_HOURS] for shift in range(7)), strict=True)
    return [(a * s + b * t + c * u + d * v + e * w + f * x + g * y) / whole for s, t, u, v, w, x, y in rows]


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
    return _with(Rhythm(now.timestamp(), 0.0, watched, (0.0,) * WEEK_HOURS), counted, now)


def learned(rhythm: Rhythm, came: Collection[datetime | None], now: datetime) -> Rhythm:
    """With new entries: when each was published, None for one without a date, which was published just now."""
    if not came:
        return rhythm
    days = _elapsed(rhythm, now)
    fade, week_fade = math.exp(-days / RATE_DAYS), math.exp(-days / WEEK_DAYS)
    faded = Rhythm(
        max(rhythm.at, now.timestamp()), rhythm.entries * fade, rhythm.days * fade + RATE_DAYS * (1 - fade),
        tuple([count * week_fade for count in rhythm.hours]),
    )  # fmt: skip
    return _with(faded, [now if moment is None else min(moment, now) for moment in came], now)


def _with(rhythm: Rhythm, came: Collection[datetime], now: datetime) -> Rhythm:
    """Entries count as much as they would have if each had been taken in when it was published."""
    entries, hours = rhythm.entries, list(rhythm.hours)
    for moment in came:
        age = (now - moment).total_seconds() / DAY
        entries += math.exp(-age / RATE_DAYS)
        hours[_hour(moment.timestamp())] += math.exp(-age / WEEK_DAYS)
    return Rhythm(rhythm.at, entries, rhythm.days, _as_stored(hours))


def _as_stored(hours: Sequence[float]) -> tuple[float, ...]:
    """In the precision of the database, so that a restart changes no plan."""
    form = f"{WEEK_HOURS}f"
    return struct.unpack(form, struct.pack(form, *hours))


def _elapsed(rhythm: Rhythm, now: datetime) -> float:
    return max(0.0, now.timestamp() - rhythm.at) / DAY


def _hour(at: float) -> int:
    return (int(at // HOUR) + MONDAY) % WEEK_HOURS


def _next_hour(at: float) -> float:
    return (at // HOUR + 1) * HOUR
