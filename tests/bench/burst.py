"""Bursts on thirty ordinary days: false alarms over 20,000 terms, and how big a true burst must be to be found.

Terms have rates of 20 down to 0.05 clusters an hour (Zipf), a day and a week cycle, counts more spread than chance
(negative binomial, size 2 an hour) and 2.9 prints of every item, of which one cluster is counted. The first fourteen
days are learnt from. Bursts are injected into further terms. Beside it two rules in common use, on the same clusters:
three times as many as in the two hours before and at least five; and a z-score above 3 of an exponentially weighted
mean with at least five. Goal: false alarms a day within the budget, which is stated over all terms together.
"""

from __future__ import annotations

import math
import os
import random
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from services.alerter.judge.burst import (
    TICKS_A_DAY,
    WINDOWS,
    Pool,
    Profile,
    Series,
    add,
    age,
    learn,
    pool,
    rejected,
    tried,
)
from tests.bench._report import Goals
from tests.bench._standalone import printed

SEED = int(os.environ.get("WIREWATCH_BENCH_SEED", "1"))
TERMS = int(os.environ.get("WIREWATCH_BENCH_TERMS", "20000"))
DAYS, LEARNT, BUDGET = 30, 14, 0.5
SPREAD, PRINTS, MEMORY, AGAIN = 2.0, 2.9, 7.0 * TICKS_A_DAY, TICKS_A_DAY
RATES, SIZES, LENGTHS, EACH = (0.05, 0.3, 2.0, 10.0), (5, 8, 20, 40, 80), (1, 6), 8
GOALS: Goals = {"false_a_day": ("at most", BUDGET)}


@dataclass(frozen=True, slots=True)
class Injected:
    """A burst put into a term of its own: so many clusters within so many hours from an hour on."""

    term: int
    rate: float
    size: int
    length: int
    hour: int


@dataclass(slots=True)
class Found:
    """The alarms of a rule: of ordinary terms by number, and the injected ones it found."""

    false: int = 0
    hits: set[int] = field(default_factory=set)


def rates() -> list[float]:
    """Clusters an hour of every term."""
    return [max(0.05, 20.0 / (rank + 1)) for rank in range(TERMS)]


def cycle(hour: int) -> float:
    """Day and week: quiet nights and weekends."""
    day = 1 + 0.6 * math.sin(2 * math.pi * ((hour % 24) - 9) / 24)
    return day * (0.7 if (hour // 24) % 7 >= 5 else 1.0)


def injections(dice: random.Random) -> list[Injected]:
    """Every rate with every size and length, several times, in the days under test."""
    made, term = [], TERMS
    for rate in RATES:
        for size in SIZES:
            for length in LENGTHS:
                for _ in range(EACH):
                    hour = dice.randrange(LEARNT * 24 + 24, DAYS * 24 - 12)
                    made.append(Injected(term, rate, size, length, hour))
                    term += 1
    return made


def hours(dice: random.Random, injected: Sequence[Injected]) -> Iterator[tuple[int, list[tuple[float, int]]]]:
    """For every hour its clusters: moment in ticks and term, in order."""
    every = [*rates(), *(one.rate for one in injected)]
    planted: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for one in injected:
        for _ in range(one.size):
            moment = one.hour * 6 + dice.random() * one.length * 6
            planted[int(moment // 6)].append((moment, one.term))
    tables: dict[float, list[float]] = {}
    for hour in range(DAYS * 24):
        factor = round(cycle(hour), 3)
        if factor not in tables:
            tables[factor] = list(accumulate(SPREAD * math.log1p(rate * factor / SPREAD) for rate in every))
        sums = tables[factor]
        found = planted.pop(hour, [])
        for _ in range(_poisson(dice, sums[-1])):
            term = bisect(sums, dice.random() * sums[-1])
            share = every[term] * factor / (every[term] * factor + SPREAD)
            found += [(hour * 6 + dice.random() * 6, term) for _ in range(_logarithmic(dice, share))]
        yield hour, sorted(found)


def _poisson(dice: random.Random, mean: float) -> int:
    return max(0, round(dice.gauss(mean, math.sqrt(mean))))  # many a hour: the normal is near enough


def _logarithmic(dice: random.Random, share: float) -> int:
    """A burst of the log-series distribution: sums of a Poisson number of them are negative binomial (Kemp 1981)."""
    return 1 + int(math.log(dice.random()) / math.log(1 - (1 - share) ** dice.random()))


class Ours:
    """`burst` as the live step uses it."""

    def __init__(self, count: int) -> None:
        self.found = Found()
        self._series = [Series() for _ in range(count)]
        self._shared, self._profile = pool(), Profile(Pool([0.0] * 168, [], []))
        self._last: dict[int, int] = {}
        self._tick, self._values = -1, dict[tuple[int, int], float]()

    def cluster(self, moment: float, term: int) -> bool:
        """Count one; whether it raises an alarm."""
        tick = int(moment)
        if tick != self._tick:
            self._enter(tick)
        series = self._series[term]
        age(series, tick, self._profile, MEMORY)
        add(series, tick)
        self._shared.hours[(tick // 6) % 168] += 1
        if tick < LEARNT * TICKS_A_DAY:
            return False
        mine = {(term, window): value for window, value in tried(series, tick, self._shared, self._profile)}
        self._values |= mine
        if not mine or tick - self._last.get(term, -AGAIN) < AGAIN:
            return False
        bar = rejected(list(self._values.values()), len(self._series) * len(WINDOWS), BUDGET / TICKS_A_DAY)
        if min(mine.values()) > bar:
            return False
        self._last[term] = tick
        return True

    def _enter(self, tick: int) -> None:
        if tick // 6 != self._tick // 6:
            self._profile = Profile(self._shared)
        self._tick, self._values = tick, {}
        for at in range(tick % 400, len(self._series), 400):
            age(self._series[at], tick - 1, self._profile, MEMORY)
            learn(self._shared, self._series[at], tick - 1, self._profile)


class Ratio:
    """Three times as many in two hours as in the two before, and at least five."""

    def __init__(self, count: int) -> None:
        self.found = Found()
        self._times: list[list[float]] = [[] for _ in range(count)]
        self._last: dict[int, int] = {}

    def cluster(self, moment: float, term: int) -> bool:
        """Count one; whether it raises an alarm."""
        times = self._times[term] = [one for one in self._times[term] if one > moment - 24] + [moment]
        now = sum(one > moment - 12 for one in times)
        if moment < LEARNT * TICKS_A_DAY or now < 5 or now < 3 * (len(times) - now):
            return False
        if moment - self._last.get(term, -AGAIN) < AGAIN:
            return False
        self._last[term] = int(moment)
        return True


class Weighted:
    """A z-score above 3 of an exponentially weighted mean and variance by the hour, and at least five."""

    def __init__(self, count: int) -> None:
        self.found = Found()
        self._state = [(0.0, 1.0, 0, 0)] * count
        self._last: dict[int, int] = {}

    def cluster(self, moment: float, term: int) -> bool:
        """Count one; whether it raises an alarm."""
        mean, variance, hour, count = self._state[term]
        now = int(moment // 6)
        while hour < now and now - hour < 200:
            gap = count - mean
            mean, variance = mean + 0.05 * gap, 0.95 * (variance + 0.05 * gap * gap)
            hour, count = hour + 1, 0
        count, hour = (count if hour == now else 0) + 1, now
        self._state[term] = (mean, variance, hour, count)
        if moment < LEARNT * TICKS_A_DAY or count < 5 or count - mean <= 3 * math.sqrt(max(variance, 0.05)):
            return False
        if moment - self._last.get(term, -AGAIN) < AGAIN:
            return False
        self._last[term] = int(moment)
        return True


async def run() -> dict[str, float | str]:
    """Thirty days through all three rules."""
    dice = random.Random(SEED)
    injected = injections(dice)
    by_term = {one.term: one for one in injected}
    count = TERMS + len(injected)
    rules: dict[str, Ours | Ratio | Weighted] = {"ours": Ours(count), "ratio": Ratio(count), "z": Weighted(count)}
    clusters = 0
    with Progress() as bar:
        task = bar.add_task("hours", total=DAYS * 24)
        for _, events in hours(dice, injected):
            clusters += len(events)
            for moment, term in events:
                for rule in rules.values():
                    if rule.cluster(moment, term):
                        _note(rule.found, by_term.get(term), moment)
            bar.advance(task)
    return figures(clusters, injected, {name: rule.found for name, rule in rules.items()})


def _note(found: Found, one: Injected | None, moment: float) -> None:
    if one is None:
        found.false += 1
    elif one.hour * 6 <= moment <= (one.hour + one.length) * 6 + 1:
        found.hits.add(one.term)


def figures(clusters: int, injected: Sequence[Injected], found: dict[str, Found]) -> dict[str, float | str]:
    """False alarms a day, and recall by rate, size and length."""
    days = DAYS - LEARNT
    figures_: dict[str, float | str] = {
        "terms": TERMS, "clusters": clusters, "prints": round(clusters * PRINTS), "budget_a_day": BUDGET,
        "false_a_day": round(found["ours"].false / days, 3), "ratio_false_a_day": round(found["ratio"].false / days, 1),
        "z_false_a_day": round(found["z"].false / days, 1),
    }  # fmt: skip
    table = Table("rate/h", "size", "hours", "found", "ratio rule", "z-score", title="share of bursts found")
    for rate in RATES:
        for length in LENGTHS:
            for size in SIZES:
                mine = [one.term for one in injected if (one.rate, one.size, one.length) == (rate, size, length)]
                shares = {name: sum(term in one.hits for term in mine) / len(mine) for name, one in found.items()}
                table.add_row(f"{rate:g}", f"+{size}", str(length), *(f"{shares[name]:.2f}" for name in found))
                figures_[f"recall_{rate:g}_{size}_in_{length}h"] = round(shares["ours"], 2)
    Console().print(table)
    printed("bursts on thirty ordinary days", {k: v for k, v in figures_.items() if not k.startswith("recall")})
    return figures_
