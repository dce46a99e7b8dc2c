"""border_crossing: an event is told for the first time in another language or country, with the minutes it took.

A reprint or a translation abroad is a crossing, so copies count here. The lag matrix of the watch is kept: for every
pair of groups how often an event came from the one to the other, and after how many minutes. A late article that was
earlier than the known first corrects who was first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median, quantiles
from typing import Any

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.case import SHOWN_HITS, Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.rules import Rule
from shared import ids
from shared.events import AlertKind, AlertState

KEPT_LAGS = 200
"""Lags of a pair from which its row of the matrix is made: the newest."""
GROUPS = ("language", "country")


class First(msgspec.Struct, frozen=True):
    """The first article of a topic in a group."""

    seen: datetime
    outlet: str
    article_id: str


class Path(msgspec.Struct, frozen=True, omit_defaults=True):
    """The way of a topic: its first article in every group, by `language hbs` or `country RS`."""

    firsts: dict[str, First] = {}


class Lags(msgspec.Struct, frozen=True, omit_defaults=True):
    """One pair of the lag matrix: how often, and the newest lags in minutes."""

    crossings: int = 0
    minutes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Crossing:
    """Into which group, the way until then, and the pair's row of the matrix."""

    kind: str
    group: str
    path: tuple[tuple[datetime, str, First], ...]
    row: dict[str, Any]


PATHS = ShelfSpec("path", Path, timedelta(days=4))
LAGS = ShelfSpec("lag", Lags, timedelta(days=400))


def judged(case: Case) -> Iterable[Draft]:
    """Note where the topic has been; tell of every group that is new to it."""
    shelf = case.memory.shelf(PATHS)
    before = shelf.get(case.topic_id) or Path()
    mine = First(case.moment, case.reading.article.source.name or case.reading.article.source.id,
                 case.reading.article.article_id)  # fmt: skip
    drafts: list[Draft] = []
    firsts = dict(before.firsts)
    for kind, group in _groups(case):
        key = f"{kind} {group}"
        known = firsts.get(key)
        if known is not None and known.seen <= case.moment:
            continue
        firsts[key] = mine
        drafts += _drafts(case, kind, group, before, mine, late=known is not None)
    if firsts != before.firsts:
        shelf.put(case.topic_id, case.moment, Path(firsts))
    return drafts


def _groups(case: Case) -> Iterator[tuple[str, str]]:
    article = case.reading.article
    yield "language", article.language.macro
    if article.source.country:
        yield "country", article.source.country


def _drafts(case: Case, kind: str, group: str, before: Path, mine: First, *, late: bool) -> Iterator[Draft]:
    """Of one group: a crossing, or who was first corrected."""
    path = sorted((one.seen, key, one) for key, one in before.firsts.items() if key.startswith(f"{kind} "))
    if not path:
        return
    _, origin, first = path[0]
    if late or mine.seen < first.seen:
        there = [group] if late else [key.removeprefix(f"{kind} ") for _, key, _ in path]
        yield from (draft for one in there for draft in _corrections(case, kind, one, mine))
        return
    row = _crossed(case, origin.removeprefix(f"{kind} "), group, mine.seen - first.seen)
    for rule in case.rules.of(AlertKind.BORDER_CROSSING):
        if case.reading.live and kind in (rule.groups or GROUPS):
            yield _draft(case, rule, _Crossing(kind, group, tuple(path), row))


def _crossed(case: Case, origin: str, group: str, lag: timedelta) -> dict[str, Any]:
    """Count a crossing; the pair's row of the matrix."""
    shelf, key = case.memory.shelf(LAGS), f"{origin}>{group}"
    before = shelf.get(key) or Lags()
    minutes = (*before.minutes, round(lag.total_seconds() / 60))[-KEPT_LAGS:]
    shelf.put(key, case.moment, Lags(before.crossings + 1, minutes))
    quarters = quantiles(minutes, n=4) if len(minutes) > 1 else [minutes[0]] * 3
    return {"from": origin, "to": group, "crossings": before.crossings + 1, "median": median(minutes),
            "lower": round(quarters[0], 1), "upper": round(quarters[2], 1)}  # fmt: skip


def _draft(case: Case, rule: Rule, crossing: _Crossing) -> Draft:
    kind, group, first = crossing.kind, crossing.group, crossing.path[0][2]
    lag = case.moment - first.seen
    headline, reason = wording.of_crossing(case.reading.article, kind, (crossing.row["from"], group), first.outlet, lag)
    way = [{"group": key.removeprefix(f"{kind} "), "outlet": one.outlet, "seen": one.seen.isoformat(),
            "article": one.article_id} for _, key, one in crossing.path]  # fmt: skip
    extra = {"groups": kind, "to": group, "from": crossing.row["from"], "minutes": round(lag.total_seconds() / 60),
             "path": way, "lag_matrix": crossing.row, "topic": case.topic_id}  # fmt: skip
    return Draft(
        rule, (case.topic_id, kind, group), headline, reason, hits=case.reading.match.hits[:SHOWN_HITS], extra=extra,
        facts=frozenset({f"{kind} {group}"}),
    )  # fmt: skip


def _corrections(case: Case, kind: str, group: str, mine: First) -> Iterator[Draft]:
    """What was told of a group stands, but not who was first."""
    for rule in case.rules.of(AlertKind.BORDER_CROSSING):
        name = ids.alert(case.memory.watch_id, rule.id, case.topic_id, kind, group)
        if name in case.memory.told:
            headline, reason = wording.of_first_there(case.reading.article, mine.outlet, case.moment)
            yield Draft(
                rule, (case.topic_id, kind, group), headline, reason, state=AlertState.CORRECTION, severity="info",
                extra={"groups": kind, "to": group, "first": mine.outlet, "first_seen": mine.seen.isoformat()},
            )  # fmt: skip


KIND = Kind(AlertKind.BORDER_CROSSING, judged, shelves=(PATHS, LAGS))
