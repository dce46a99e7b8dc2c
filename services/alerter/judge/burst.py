"""Bursts: more independent clusters of a series (a watch, a concept, an entity) than its past explains.

A series has a rate, forgotten exponentially, relative to the hour of the week (a profile pooled over all series and
shrunk to flat while young). The count in a window of 10 minutes, 1, 6 or 24 hours is held against the upper tail of a
negative binomial, whose dispersion joins that of the news (pooled, measured on ordinary windows) and that of a rate
which is known from few events. Everything that can be tested in a tick of ten minutes is one family of tests
(Benjamini and Hochberg 1995), at a level that keeps false alarms within a stated budget a day.

Measured on ordinary streams, thresholds on ratios or z-scores raise 10 to 30 alarms a day over 20,000 series where this
raises less than one (`make bench BENCH=burst`). What is counted is up to the caller: copies must be left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate

import msgspec

TICK = 600
"""Seconds of a tick, the shortest window."""
WINDOWS = (1, 6, 36, 144)
"""Windows in ticks: 10 minutes, 1, 6 and 24 hours."""
ALIKE = (1.0,) * len(WINDOWS)
TICKS_A_DAY, HOURS_A_WEEK = 144, 168
LEAST = 3
"""Clusters without which nothing is a burst, however quiet it was before."""
PRIOR_EVENTS, PRIOR_TICKS = 0.5, 36.0
"""What is known of a series before it was seen (gamma prior of its rate): Jeffreys' half an event, in next to no time.
More time would pull the rate of everything down."""
FLATTEN = 20.0
"""Events an hour of the week needs before the profile believes it half."""
LARGEST_DISPERSION = 4.0
ENOUGH_EVENTS, LEAST_MEAN = 3, 0.05
"""Series with fewer events in their past, and windows in which fewer are expected, teach nothing about dispersion."""


class Series(msgspec.Struct, array_like=True):
    """A series: events forgotten and ticks they stand for (rate = events / ticks), up to which tick, and the counts of
    the last day by tick."""

    events: float = 0.0
    ticks: float = 0.0
    until: int = 0
    recent: dict[int, int] = {}


class Pool(msgspec.Struct, array_like=True):
    """What all series share: events by hour of the week, and for each window the sums from which the dispersion is
    estimated (squared deviation less mean, squared mean)."""

    hours: list[float] = []
    excess: list[float] = []
    squares: list[float] = []


def pool() -> Pool:
    """A pool that has seen nothing."""
    return Pool([0.0] * HOURS_A_WEEK, [0.0] * len(WINDOWS), [0.0] * len(WINDOWS))


def tail(count: int, mean: float, size: float) -> float:
    """Probability of at least `count` under a negative binomial with this mean and size (variance mean + mean²/size);
    a sum of its terms, from `count` on where that is the tail, else from zero."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    ratio = mean / (size + mean)
    if count <= mean:
        return max(0.0, 1.0 - _sum(0, count, mean, size, ratio))
    return min(1.0, _sum(count, None, mean, size, ratio))


def _sum(first: int, end: int | None, mean: float, size: float, ratio: float) -> float:
    term = math.exp(
        math.lgamma(first + size) - math.lgamma(size) - math.lgamma(first + 1)
        + size * math.log(size / (size + mean)) + first * math.log(ratio)
    )  # fmt: skip
    total, at = 0.0, first
    while (end is None or at < end) and (term > total * 1e-15 or at < mean):
        total += term
        term *= (at + size) / (at + 1) * ratio
        at += 1
    return total


def rejected(values: Sequence[float], tests: int, level: float) -> float:
    """The largest p-value that Benjamini and Hochberg reject among `tests` tests, of which the others have p = 1; -1
    when none is."""
    found = -1.0
    for rank, value in enumerate(sorted(values), 1):
        if value <= level * rank / tests:
            found = value
    return found


def hour_of(tick: int) -> int:
    """The hour of the week of a tick (of epoch seconds / 600)."""
    return (tick // 6) % HOURS_A_WEEK


class Profile:
    """How much of the ordinary falls on each hour of the week, 1 on average; cumulated for windows."""

    def __init__(self, shared: Pool) -> None:
        mean = sum(shared.hours) / HOURS_A_WEEK
        self._weights = [(count + FLATTEN) / (mean + FLATTEN) for count in shared.hours]
        self._sums = [0.0, *accumulate(weight * 6 for weight in self._weights)]

    def at(self, tick: int) -> float:
        """Of one tick."""
        return self._weights[hour_of(tick)]

    def over(self, tick: int, ticks: int) -> float:
        """The sum over the ticks that end with this one."""
        return self._until(tick + 1) - self._until(tick + 1 - ticks)

    def _until(self, tick: int) -> float:
        """The sum over all ticks before this one."""
        weeks, rest = divmod(tick, 6 * HOURS_A_WEEK)
        return weeks * self._sums[-1] + self._sums[rest // 6] + rest % 6 * self._weights[rest // 6]


def add(series: Series, tick: int, count: int = 1) -> None:
    """Count a cluster in a tick; one that comes late is counted in the newest."""
    tick = max(tick, next(reversed(series.recent), tick))
    series.recent[tick] = series.recent.get(tick, 0) + count


def age(series: Series, tick: int, profile: Profile, memory: float) -> None:
    """Let time pass up to a tick: what is older than a day goes into the rate, which is forgotten with a time constant
    of `memory` ticks. The day under test never counts as its own past."""
    edge = tick - WINDOWS[-1]
    gone = edge - series.until
    if gone > 0:
        fade = math.exp(-gone / memory)
        series.events *= fade
        series.ticks = series.ticks * fade + memory * (1 - fade)
        series.until = edge
    while series.recent and (oldest := next(iter(series.recent))) <= edge:  # counts stand in the order of time
        events = series.recent.pop(oldest) / profile.at(oldest)
        series.events += events * math.exp((oldest - series.until) / memory)


def expected(series: Series, tick: int, ticks: int, profile: Profile) -> tuple[float, float]:
    """Mean count of the window that ends with a tick, and the size (inverse dispersion) that comes of how few events
    the rate is known from."""
    events, known = series.events + PRIOR_EVENTS, series.ticks + PRIOR_TICKS
    return events / known * profile.over(tick, ticks), events


def counted(series: Series, tick: int) -> list[int]:
    """Clusters in each window that ends with a tick."""
    found = [0] * len(WINDOWS)
    for one, count in series.recent.items():
        for window, ticks in enumerate(WINDOWS):
            if tick - ticks < one <= tick:
                found[window] += count
    return found


def size_of(shared: Pool, window: int, events: float) -> float:
    """Size of the negative binomial: the news' own dispersion and that of the rate, added."""
    squares = shared.squares[window]
    own = min(LARGEST_DISPERSION, max(0.05, shared.excess[window] / squares)) if squares > 1.0 else 0.5
    return 1.0 / (own + 1.0 / events)


def tried(
    series: Series, tick: int, shared: Pool, profile: Profile, *, least: int = LEAST, volume: Sequence[float] = ALIKE
) -> Iterable[tuple[int, float]]:
    """Window (its place in `WINDOWS`) and p-value of every window that holds clusters enough. `volume` says for each
    window how much more than usual was published at all: what is tested is the share of it."""
    if sum(series.recent.values()) < least:  # no window holds more
        return
    for window, (ticks, count) in enumerate(zip(WINDOWS, counted(series, tick), strict=True)):
        if count < least:
            continue
        mean, events = expected(series, tick, ticks, profile)
        mean *= volume[window]
        if count > mean:
            yield window, tail(count, mean, size_of(shared, window, events))


def learn(shared: Pool, series: Series, tick: int, profile: Profile) -> None:
    """Take an ordinary series at an ordinary time into the estimate of the dispersion: to be called for series chosen
    without regard to what happens in them. Bursts are clipped, or one would hide the next."""
    if series.events < ENOUGH_EVENTS:
        return
    for window, (ticks, count) in enumerate(zip(WINDOWS, counted(series, tick), strict=True)):
        mean, _ = expected(series, tick, ticks, profile)
        if mean < LEAST_MEAN:
            continue
        gap = min(count, 3 * mean + 5) - mean
        shared.excess[window] = 0.9995 * shared.excess[window] + gap * gap - mean
        shared.squares[window] = 0.9995 * shared.squares[window] + mean * mean
