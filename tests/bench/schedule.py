"""How soon entries are found: the shipped schedule next to others, on simulated feeds, at the same number of polls.

Two hundred feeds with log-normal rates (median 12 entries a day, sigma 1.35, the same quantiles for every seed), a
day and a week of their own and 15 % of entries in bursts; 21 days to learn from, 21 scored. The delay of an entry is
the time from its publication to the next poll. The shipped policy runs through `Schedule`, `Plan` and `rhythm` as the
fetcher calls them, without servers' wishes; the constant of each other policy is searched for until it uses as many
polls as the shipped one did, within half a percent. Steps of 1.5 and 0.8 (`steps`) have no such constant and find a
number of polls of their own; in `steps_tuned` the longer step is the constant.

`make bench BENCH=schedule ARGS="--seed 3"` draws other feeds; `--config "feeds=400,polls=48"` changes the load.
"""

from __future__ import annotations

import math
import os
import random
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import NormalDist, fmean, quantiles

from rich.progress import Progress

from services.fetcher.plan.budget import Budget
from services.fetcher.plan.rhythm import looked, unpacked
from services.fetcher.plan.schedule import Plan, Schedule, share
from services.fetcher.sources import Source
from tests.bench._config import configured
from tests.bench._report import Goals
from tests.bench._standalone import printed

HOUR, DAY = 3_600.0, 86_400.0
SHORTEST, LONGEST = 120.0, DAY
START = datetime(2025, 3, 3, tzinfo=UTC)
"""A Monday."""

SHOWN = 30
"""Entries that a feed carries at the first look."""

GOALS: Goals = {
    "shipped_mean_minutes": ("at most", 18.0), "shipped_p99_minutes": ("at most", 95.0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Config:
    """The load. `polls` a feed and day, days before and in the score, and the shape of the feeds."""

    seed: int = 1
    feeds: int = 200
    polls: float = 24.0
    warm: int = 21
    scored: int = 21
    median: float = 12.0
    sigma: float = 1.35
    bursts: float = 0.15
    burst_size: int = 4
    day: float = 0.8
    weekend: float = 0.6

    @property
    def end(self) -> float:
        """Seconds of the whole."""
        return (self.warm + self.scored) * DAY


Feed = Sequence[float]
"""When its entries are published, in seconds from the start, in order."""

Polls = list[float]


# -- the load -----------------------------------------------------------------------------------------------------


def feeds_of(config: Config) -> list[Feed]:
    """The simulated feeds."""
    dice, normal = random.Random(config.seed), NormalDist()
    rates = [config.median * math.exp(config.sigma * normal.inv_cdf((n + 0.5) / config.feeds))
             for n in range(config.feeds)]  # fmt: skip
    return [_feed(config, rate, dice) for rate in rates]


def _feed(config: Config, rate: float, dice: random.Random) -> Feed:
    """Entries of one feed; `bursts` of them follow another one within half an hour."""
    week = _week(config, dice)
    alone = rate * (1 - config.bursts) / 24
    starts = config.bursts / (1 - config.bursts) / config.burst_size
    found: list[float] = []
    for hour in range(int(config.end // HOUR)):
        for _ in range(_poisson(alone * week[hour % 168], dice)):
            at = (hour + dice.random()) * HOUR
            followers = config.burst_size if dice.random() < starts else 0
            found += [at, *(at + dice.random() * HOUR / 2 for _ in range(followers))]
    return sorted(at for at in found if at < config.end)


def _week(config: Config, dice: random.Random) -> list[float]:
    """How busy each hour is, mean 1: a wave with its top before noon, quieter at the weekend."""
    top = dice.gauss(11, 2.5)
    depth = min(0.97, max(0.0, dice.gauss(config.day, 0.15)))
    weekend = min(1.2, max(0.2, dice.gauss(config.weekend, 0.15)))
    hours = [(1 + depth * math.cos(math.tau * (hour - top) / 24)) * (weekend if day > 4 else 1)
             for day in range(7) for hour in range(24)]  # fmt: skip
    mean = fmean(hours)
    return [hour / mean for hour in hours]


def _poisson(mean: float, dice: random.Random) -> int:
    """Knuth, The Art of Computer Programming 2, section 3.4.1."""
    bound, product, count = math.exp(-mean), dice.random(), 0
    while product > bound:
        product *= dice.random()
        count += 1
    return count


# -- policies -----------------------------------------------------------------------------------------------------


def shipped(config: Config, feeds: Sequence[Feed], told: Callable[[], None]) -> list[Polls]:
    """The polls of each feed as the fetcher would plan them."""
    plan = Plan(budget=Budget(config.polls), spread=timedelta(hours=1))
    sources = {f"s{n}": Source(id=f"s{n}", name="S", url=f"https://s{n}.test/") for n in range(len(feeds))}
    kept: dict[str, bytes] = {}
    polls: dict[str, Polls] = {name: [] for name in sources}
    queue, end = Schedule(), START + timedelta(seconds=config.end)
    for source in sources.values():
        plan.usual(source, START)
        queue.put(source.id, plan.first(source, START))
    while (now := queue.next_due()) is not None and now < end:
        for name, _ in list(queue.take_due(now)):
            came = _came(feeds[int(name[1:])], polls[name], (now - START).total_seconds())
            known = kept.get(name)
            kept[name] = looked(unpacked(known), came, came, now).packed()
            wait = plan.usual(sources[name], now, unpacked(kept[name]))
            queue.put(name, plan.after_success(sources[name], now, timedelta(), wait))
            polls[name].append((now - START).total_seconds())
        told()
    return list(polls.values())


def _came(feed: Feed, polls: Polls, now: float) -> list[datetime]:
    """What a poll finds: what was published since the last one, at the first look what the feed shows."""
    until = bisect_right(feed, now)
    since = bisect_right(feed, polls[-1]) if polls else max(0, until - SHOWN)
    return [START + timedelta(seconds=at) for at in feed[since:until]]


Policy = Callable[[float, float, int], float]
"""From the time, the wait before, and the new entries, the wait that follows, in seconds. One for each feed."""


def fixed(seconds: float) -> Callable[[], Policy]:
    """The same for all."""
    return lambda: lambda _now, _before, _new: seconds


def by_rate(factor: float) -> Callable[[], Policy]:
    """In proportion to 1 / rate over the last week (miniflux: week / (entries x factor))."""

    def made() -> Policy:
        seen: deque[tuple[float, int]] = deque()
        total = 0

        def wait(now: float, _before: float, new: int) -> float:
            nonlocal total
            seen.append((now, new))
            total += new
            while seen[0][0] < now - 7 * DAY:
                total -= seen.popleft()[1]
            return 7 * DAY / (max(1, total) * factor)

        return wait

    return made


def by_steps(longer: float) -> Callable[[], Policy]:
    """`longer` times the wait after nothing new (stormcrawler: 1.5), 0.8 times after something."""
    return lambda: lambda _now, before, new: (before or HOUR) * (0.8 if new else longer)


def simulated(feeds: Sequence[Feed], end: float, policy: Callable[[], Policy]) -> list[Polls]:
    """The polls of each feed under another policy, with the same bounds, jitter and spread."""
    return [_simulated(feed, end, policy(), f"s{n}") for n, feed in enumerate(feeds)]


def _simulated(feed: Feed, end: float, wait: Policy, name: str) -> Polls:
    now, before, seen = HOUR * share(name, "spread"), 0.0, 0
    polls: Polls = []
    while now < end:
        until = bisect_right(feed, now, seen)
        before = min(LONGEST, max(SHORTEST, wait(now, before, until - seen)))
        seen = until
        polls.append(now)
        now += before * (0.95 + 0.1 * share(name, int(now)))
    return polls


# -- scores -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Score:
    """Polls a feed and day, and minutes from publication to the next poll, over the scored days."""

    polls: float
    mean: float
    p50: float
    p90: float
    p99: float


def scored(config: Config, feeds: Sequence[Feed], polls: Sequence[Polls]) -> Score:
    """What the polls of all feeds come to."""
    begin = config.warm * DAY
    delays = sorted(delay for feed, own in zip(feeds, polls, strict=True) for delay in _delays(feed, own, begin))
    used = sum(len(own) - bisect_left(own, begin) for own in polls)
    cuts = quantiles(delays, n=100, method="inclusive")
    return Score(used / config.feeds / config.scored, fmean(delays), cuts[49], cuts[89], cuts[98])


def _delays(feed: Feed, polls: Polls, begin: float) -> list[float]:
    last = polls[-1]
    seen = feed[bisect_left(feed, begin) : bisect_right(feed, last)]
    return [(polls[bisect_left(polls, at)] - at) / 60 for at in seen]


def tuned(
    config: Config, feeds: Sequence[Feed], policy: Callable[[float], Callable[[], Policy]], low: float, high: float,
    budget: float,
) -> Score:  # fmt: skip
    """The policy with the constant at which it uses `budget` polls; more of the constant means more polls."""
    for _ in range(16):
        middle = math.sqrt(low * high)
        score = scored(config, feeds, simulated(feeds, config.end, policy(middle)))
        if abs(score.polls / budget - 1) < 0.005:
            break
        low, high = (middle, high) if score.polls < budget else (low, middle)
    return score


async def run() -> dict[str, float | str]:
    """All policies on the same feeds."""
    seed = int(os.environ.get("WIREWATCH_BENCH_SEED", "1"))
    config = configured(Config(seed=seed), os.environ.get("WIREWATCH_BENCH_CONFIG", ""))
    feeds = feeds_of(config)
    with Progress() as progress:
        task = progress.add_task("polls", total=config.feeds * config.polls * (config.warm + config.scored))
        ours = scored(config, feeds, shipped(config, feeds, lambda: progress.advance(task)))
        others = {
            "fixed": tuned(config, feeds, lambda x: fixed(HOUR / x), 0.05, 200, ours.polls),
            "by_rate": tuned(config, feeds, by_rate, 0.01, 100, ours.polls),
            "steps": scored(config, feeds, simulated(feeds, config.end, by_steps(1.5))),
            "steps_tuned": tuned(config, feeds, lambda x: by_steps(1 + 1 / x), 0.2, 100, ours.polls),
        }
    found: dict[str, float | str] = {
        "seed": seed, "feeds": config.feeds, "entries": sum(map(len, feeds)), "polls_wanted": config.polls,
    }  # fmt: skip
    for name, score in {"shipped": ours, **others}.items():
        found |= {f"{name}_polls": round(score.polls, 2), f"{name}_mean_minutes": round(score.mean, 2)}
        found |= {f"{name}_p{p}_minutes": round(getattr(score, f"p{p}"), 1) for p in (50, 90, 99)}
    printed("from publication to the next poll", found)
    return found
