"""border_crossing: an event is told for the first time in another language or country, with the minutes it took.

A reprint or a translation abroad is a crossing, so copies count here. Groups are the macro language of the text and
the country of the outlet. The lag matrix of the watch is kept: for every two groups how often the one told of an event
after the other, and how many minutes after; it keeps what was first measured.

Articles that are met late may show that another was first. That corrects what was told; it is no new alert, except that
the group which had been taken for the beginning is told as crossed into, which nobody had been told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
class Way:
    """The way of a topic through the groups of one kind, the earliest first."""

    kind: str
    firsts: tuple[tuple[str, First], ...]

    @property
    def began(self) -> tuple[str, First]:
        """Where it began."""
        return self.firsts[0]

    def lag(self, group: str) -> timedelta:
        """How long after the beginning it came to a group."""
        return dict(self.firsts)[group].seen - self.began[1].seen


PATHS = ShelfSpec("path", Path, timedelta(days=4))
LAGS = ShelfSpec("lag", Lags, timedelta(days=400))


def judged(case: Case) -> Iterable[Draft]:
    """Note where the topic has been; tell of every group that is new to it."""
    shelf = case.memory.shelf(PATHS)
    before = shelf.get(case.topic_id) or Path()
    source = case.reading.article.source
    mine = First(case.moment, source.name or source.id, case.reading.article.article_id)
    drafts: list[Draft] = []
    firsts = dict(before.firsts)
    for kind, group in _groups(case):
        known = firsts.get(f"{kind} {group}")
        if known is None or mine.seen < known.seen:
            firsts[f"{kind} {group}"] = mine
            drafts += _drafts(case, way_of(kind, before.firsts), way_of(kind, firsts), group)
    if firsts != before.firsts:
        shelf.put(case.topic_id, case.moment, Path(firsts))
    return drafts


def _groups(case: Case) -> Iterator[tuple[str, str]]:
    article = case.reading.article
    yield "language", article.language.macro
    if article.source.country:
        yield "country", article.source.country


def way_of(kind: str, firsts: Mapping[str, First]) -> Way:
    """The way through the groups of a kind, in order of time."""
    mine = [(key.removeprefix(f"{kind} "), one) for key, one in firsts.items() if key.startswith(f"{kind} ")]
    return Way(kind, tuple(sorted(mine, key=lambda each: (each[1].seen, each[0]))))


def _drafts(case: Case, before: Way, now: Way, group: str) -> Iterator[Draft]:
    """What an article tells that is the first of its group, or earlier than the one taken for it."""
    if not before.firsts:
        return
    if group not in dict(before.firsts):
        _count(case, now, group)
        yield from _crossing(case, now, group if now.began[0] != group else before.began[0])
    yield from _corrections(case, before, now)


def _count(case: Case, way: Way, group: str) -> None:
    """Put a new group's lags behind those before it, and of those after it behind it, into the matrix."""
    mine, shelf = dict(way.firsts)[group], case.memory.shelf(LAGS)
    at = [name for name, _ in way.firsts].index(group)
    for place, (name, other) in enumerate(way.firsts):
        if name != group:
            key = f"{name}>{group}" if place < at else f"{group}>{name}"
            row = shelf.get(key) or Lags()
            minutes = (*row.minutes, _minutes(abs(mine.seen - other.seen)))[-KEPT_LAGS:]
            shelf.put(key, case.moment, Lags(row.crossings + 1, minutes))


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)


def row_of(case: Case, origin: str, group: str) -> dict[str, Any]:
    """A row of the matrix as it is told: how often, and median and quartiles of the minutes."""
    row = case.memory.shelf(LAGS).get(f"{origin}>{group}") or Lags()
    minutes = row.minutes or (0,)
    lower, _, upper = quantiles(minutes, n=4, method="inclusive") if len(minutes) > 1 else minutes * 3
    return {"from": origin, "to": group, "crossings": row.crossings, "median": median(minutes),
            "lower": lower, "upper": upper}  # fmt: skip


def _crossing(case: Case, way: Way, group: str) -> Iterator[Draft]:
    for rule in _rules(case, way.kind):
        if case.reading.live and _name(case, rule, way.kind, group) not in case.memory.told:
            outlets = (way.began[1].outlet, dict(way.firsts)[group].outlet)
            headline, reason = wording.of_crossing(
                case.reading.article.title, way.kind, (way.began[0], group), outlets, way.lag(group)
            )
            yield Draft(
                rule, (case.topic_id, way.kind, group), headline, reason, hits=case.reading.match.hits[:SHOWN_HITS],
                extra=_extra(case, way, group), facts=frozenset({f"{way.kind} {group}"}),
            )  # fmt: skip


def _rules(case: Case, kind: str) -> Iterator[Rule]:
    return (rule for rule in case.rules.of(AlertKind.BORDER_CROSSING) if kind in (rule.groups or GROUPS))


def _name(case: Case, rule: Rule, kind: str, group: str) -> str:
    return ids.alert(case.memory.watch_id, rule.id, case.topic_id, kind, group)


def _extra(case: Case, way: Way, group: str) -> dict[str, Any]:
    """The lag, the way until then, and the pair's row of the matrix."""
    origin = way.began[0]
    path = [{"group": name, "outlet": one.outlet, "seen": one.seen.isoformat(), "article": one.article_id}
            for name, one in way.firsts if name != group and one.seen <= dict(way.firsts)[group].seen]  # fmt: skip
    return {"groups": way.kind, "from": origin, "to": group, "minutes": _minutes(way.lag(group)), "path": path,
            "lag_matrix": row_of(case, origin, group), "topic": case.topic_id}  # fmt: skip


def _corrections(case: Case, before: Way, now: Way) -> Iterator[Draft]:
    """Of every group that was told: what was told of the beginning, or of its first article, was not so."""
    was = dict(before.firsts)
    for group, first in now.firsts:
        if group in was and (now.began != before.began or first != was[group]):
            yield from (
                _correction(case, rule, now, group) for rule in _rules(case, now.kind)
                if _is_told(case, rule, now.kind, group)
            )  # fmt: skip


def _is_told(case: Case, rule: Rule, kind: str, group: str) -> bool:
    told = case.memory.told.get(_name(case, rule, kind, group))
    return told is not None and told.revision >= 0


def _correction(case: Case, rule: Rule, way: Way, group: str) -> Draft:
    article = case.reading.article
    outlet, origin = article.source.name or article.source.id, way.began
    began_in = wording.group_of(way.kind, origin[0]) if origin[1].article_id == article.article_id else ""
    headline, reason = wording.of_first_there(article.title, outlet, case.moment, began_in)
    extra = _extra(case, way, group) | {"first": outlet, "first_seen": case.moment.isoformat()}
    return Draft(
        rule, (case.topic_id, way.kind, group), headline, reason, state=AlertState.CORRECTION, severity="info",
        extra=extra,
    )  # fmt: skip


KIND = Kind(AlertKind.BORDER_CROSSING, judged, shelves=(PATHS, LAGS))
