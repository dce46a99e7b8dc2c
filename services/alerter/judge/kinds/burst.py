"""burst: more independent clusters of the watch, of a concept or of somebody named than their past explains (`burst`
in the folder above has the statistics).

Tested with every article that opens a new cluster, so an alert comes with the article that makes it; copies and further
items of the same origin within ten minutes add nothing (`count: articles` counts them all). One alert an episode: it is
brought up to date when it has doubled and resolved when it is over. A concept or name that only shares the burst of the
whole watch is not told beside it. Silent until the baseline holds three days.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from services.alerter.judge import burst, wording
from services.alerter.judge.burst import LEAST, TICK, TICKS_A_DAY, WINDOWS, Pool, Profile, Series
from services.alerter.judge.case import SHOWN_HITS, Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.reading import TEXT
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.rules import Rule
from shared.events import AlertKind

MOST_SERIES = 400
"""Concepts and names of a watch that are followed; the least used are let go."""
MEMORY_DAYS = 7.0
"""Time constant of the rate, where a rule names no baseline."""
YOUNG = timedelta(days=3)
BUDGET = 0.5
"""False alarms a day of a watch that the tests may make; a rule's `p` is the level of a tick instead."""
QUIET = timedelta(hours=6)
"""Time without a significant window after which an episode is over, where a rule does not say."""
MOST_VOLUME = 4.0
"""Bound on how far the volume of all sources moves what is expected: one that was added or lost moves it, too."""
WATCH = "watch"


class Episode(msgspec.Struct, array_like=True):
    """A burst that was told: since when, when it was last significant, and the clusters told."""

    since: int
    last: int
    told: int


class Counts(msgspec.Struct, omit_defaults=True):
    """Everything counted of a watch, in one row."""

    began: int
    pool: Pool
    series: dict[str, Series] = {}
    origins: dict[str, int] = {}
    episodes: dict[str, Episode] = {}
    tick: int = 0
    values: dict[str, float] = {}
    day: int = 0
    spent: int = 0


COUNTS = ShelfSpec("burst", Counts, None)


@dataclass(frozen=True, slots=True)
class Sign:
    """A significant window of a series."""

    series: str
    window: int
    seen: int
    expected: float
    p: float


def judged(case: Case) -> Iterable[Draft]:
    """Count the article; tell what has burst with it."""
    rules = case.rules.of(AlertKind.BURST)
    if not rules or case.again or not case.reading.live:
        return []
    return _judged(case, rules[0])


def _judged(case: Case, rule: Rule) -> Iterator[Draft]:
    shelf, tick = case.memory.shelf(COUNTS), int(case.moment.timestamp()) // TICK
    counts = shelf.get("") or Counts(tick, burst.pool())
    shelf.put("", case.moment, counts)
    if not _is_new(case, rule, counts, tick):
        return
    profile = Profile(counts.pool)
    _enter(counts, tick, profile, _memory(rule))
    volume = _volume(case)
    signs = [sign for name in _series_of(case) for sign in _tested(counts, rule, name, tick, (profile, volume))]
    if case.moment - _moment(counts.began) >= YOUNG:
        yield from _told(case, rule, counts, signs, tick)


def _memory(rule: Rule) -> float:
    days = rule.baseline.total_seconds() / 86_400 if rule.baseline else MEMORY_DAYS
    return max(days, 1.0) * TICKS_A_DAY


def _moment(tick: int) -> datetime:
    return datetime.fromtimestamp(tick * TICK, UTC)


def _is_new(case: Case, rule: Rule, counts: Counts, tick: int) -> bool:
    """Whether the article is a cluster of its own: no copy, and its origin was not counted in this tick."""
    if rule.count == "articles":
        return True
    origin = case.memory.origin(case.copy_group)
    known = counts.origins.get(origin) == tick
    counts.origins = {name: at for name, at in counts.origins.items() if at == tick} | {origin: tick}
    return not known and not case.is_copy


def _enter(counts: Counts, tick: int, profile: Profile, memory: float) -> None:
    """A new tick begins another family of tests, and some series, chosen by their number, teach the dispersion with
    what they had up to the tick before, which is whole."""
    if tick == counts.tick:
        return
    for at, series in enumerate(counts.series.values()):
        if at % 10 == tick % 10:
            burst.age(series, tick - 1, profile, memory)
            burst.learn(counts.pool, series, tick - 1, profile)
    counts.tick, counts.values = tick, {}
    if tick // TICKS_A_DAY != counts.day:
        counts.day, counts.spent = tick // TICKS_A_DAY, 0
    if len(counts.series) > 2 * MOST_SERIES:
        _let_go(counts)


def _let_go(counts: Counts) -> None:
    used = sorted(counts.series, key=lambda name: (-counts.series[name].events - len(counts.series[name].recent), name))
    counts.series = {name: counts.series[name] for name in used[:MOST_SERIES]}


def _series_of(case: Case) -> list[str]:
    """The watch, its concepts that were hit, and whoever is named in title or lead."""
    reading = case.reading
    named = sorted({
        f"entity {one.entity_id}" for one in reading.article.entities
        if one.span.field != TEXT or (not reading.lead and one.span.start < reading.lead_end)
    })  # fmt: skip
    return [WATCH, *(f"concept {one}" for one in sorted(set(reading.match.concepts))), *named]


def _volume(case: Case) -> tuple[float, ...]:
    """How much more than usual all sources published in each window that is made of hours, within bounds: when
    everybody writes more, a share that stays the same is no burst."""
    if not case.outside.volumes:
        return burst.ALIKE
    hour = case.moment.replace(minute=0, second=0, microsecond=0)
    by_hour = case.outside.by_hour()
    usual = sum(by_hour.values()) / max(1, len(by_hour))
    found = []
    for ticks in WINDOWS:
        hours = max(1, ticks // 6)
        now = sum(by_hour.get(hour - timedelta(hours=back), 0) for back in range(1, hours + 1)) / hours
        found.append(min(MOST_VOLUME, max(1 / MOST_VOLUME, now / usual)) if usual and now else 1.0)
    return tuple(found)


def _tested(
    counts: Counts, rule: Rule, name: str, tick: int, ordinary: tuple[Profile, tuple[float, ...]]
) -> Iterator[Sign]:
    """Count the cluster in a series and test its windows."""
    profile, volume = ordinary
    unseen = min(counts.began, tick - WINDOWS[-1])  # that nothing came since the watch is counted is known, too
    series = counts.series.setdefault(name, Series(until=unseen))
    burst.age(series, tick, profile, _memory(rule))
    burst.add(series, tick)
    if name == WATCH:
        counts.pool.hours[burst.hour_of(tick)] += 1
    for window, value in burst.tried(series, tick, counts.pool, profile, least=rule.minimum or LEAST, volume=volume):
        if rule.window is not None and WINDOWS[window] * TICK != rule.window.total_seconds():
            continue
        counts.values[f"{name} {window}"] = value
        mean, _ = burst.expected(series, tick, WINDOWS[window], profile)
        yield Sign(name, window, burst.counted(series, tick)[window], mean * volume[window], value)


def _told(case: Case, rule: Rule, counts: Counts, signs: Iterable[Sign], tick: int) -> Iterator[Draft]:
    """The most telling significant series: the watch itself before any part of it."""
    level = rule.p or BUDGET / TICKS_A_DAY
    bar = burst.rejected(list(counts.values.values()), max(1, len(counts.series)) * len(WINDOWS), level)
    significant = sorted((sign for sign in signs if sign.p <= bar), key=lambda one: (one.p, one.series))
    whole = [sign for sign in significant if sign.series == WATCH]
    quiet = int((rule.resolve or QUIET).total_seconds()) // TICK
    going = counts.episodes.get(WATCH)
    for sign in whole[:1] or significant[:1]:
        if sign.series != WATCH and going is not None and tick - going.last <= quiet:
            return
        episode = counts.episodes.get(sign.series)
        if episode is None or tick - episode.last > quiet:
            counts.episodes[sign.series] = Episode(tick, tick, sign.seen)
            counts.spent += 1
            yield _draft(case, rule, counts, sign, tick)
        else:
            episode.last = tick
            if sign.seen >= 2 * episode.told:
                episode.told = sign.seen
                yield _draft(case, rule, counts, sign, episode.since)
    counts.episodes = {name: one for name, one in counts.episodes.items() if tick - one.last <= 4 * quiet}


def _draft(case: Case, rule: Rule, counts: Counts, sign: Sign, since: int) -> Draft:
    level = rule.p or BUDGET / TICKS_A_DAY
    length = timedelta(seconds=WINDOWS[sign.window] * TICK)
    headline, reason = wording.of_burst(sign.series, case.rules.title, sign.seen, sign.expected, length)
    extra = {
        "series": sign.series, "window_minutes": WINDOWS[sign.window] * 10, "clusters": sign.seen,
        "expected": round(sign.expected, 2), "p": float(f"{sign.p:.2g}"), "level": float(f"{level:.2g}"),
        "series_tested": len(counts.series), "budget_a_day": BUDGET, "told_today": counts.spent,
    }  # fmt: skip
    return Draft(
        rule, (sign.series, since), headline, reason, hits=case.reading.match.hits[:SHOWN_HITS], sources=sign.seen,
        extra=extra, facts=frozenset({f"clusters {sign.seen}"}), resolve=rule.resolve or QUIET,
    )  # fmt: skip


KIND = Kind(AlertKind.BURST, judged, shelves=(COUNTS,))
