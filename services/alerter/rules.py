"""The alert rules of a watch: the `alerts:` list of its file, read by both steps of the alerter.

A row names a kind and an id and what the kind needs; what is left out has a default. Kinds that this version does not
know are passed over, so that a newer file can be read during a rolling upgrade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import yaml

from services.alerter.bundle import unbundle
from shared.events import AlertKind
from shared.settings import parse

ALIASES = {"actor_reaction": AlertKind.REACTION, "new_term": AlertKind.FIRST_SEEN}
"""Other names under which a kind may be asked for."""

DURATIONS = {
    "cooldown": "cooldown", "within": "within", "resolve": "resolve", "returning": "returning", "history": "history",
    "baseline": "baseline", "window": "window", "lasting": "for",
}  # fmt: skip
"""The lengths of time of a rule, and how each is written in the file."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of alert that a watch asks for. Durations are story time; None takes the service's own setting."""

    kind: AlertKind
    id: str
    severity: str = "info"
    cooldown: timedelta | None = None
    sources: int | None = None
    within: timedelta | None = None
    per_hour: int | None = None
    per_day: int | None = None
    side: str = ""
    acts: tuple[str, ...] = ()
    confidence: float = 0.5
    updates: bool = True
    resolve: timedelta | None = None
    unconfirmed: bool = False
    returning: timedelta | None = None
    history: timedelta | None = None
    count: str = ""
    baseline: timedelta | None = None
    window: timedelta | None = None
    p: float | None = None
    minimum: int | None = None
    lasting: timedelta | None = None
    names: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchRules:
    """What judging has to know of a watch."""

    watch_id: str
    title: str
    version: int
    rules: tuple[Rule, ...]

    def of(self, kind: AlertKind) -> tuple[Rule, ...]:
        """The rules of a kind, in the order of the file."""
        return tuple(rule for rule in self.rules if rule.kind is kind)


def parse_rules(watch_id: str, version: int, text: str) -> WatchRules:
    """The rules in the text of a published watch. The file was checked before it was published, so a row that makes no
    sense here is one of a newer version: it is passed over."""
    own, _ = unbundle(text)
    data = yaml.load(own, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506 - a safe loader, in C
    rules = [rule for row in data.get("alerts") or () if (rule := _rule(row)) is not None]
    return WatchRules(watch_id, str(data.get("title") or watch_id), version, tuple(rules))


def _rule(row: Any) -> Rule | None:
    kind = _kind(row) if isinstance(row, Mapping) else None
    if kind is None:
        return None
    actor, act = _part(row, "actor"), _part(row, "act")
    names = row.get("sources") if isinstance(row.get("sources"), list) else None
    durations = {name: _duration(row.get(written)) for name, written in DURATIONS.items()}
    return Rule(
        kind=kind,
        id=str(row.get("id") or kind),
        severity=str(row.get("severity") or "info"),
        sources=None if names else _whole(row.get("sources")),
        per_hour=_whole(row.get("per_hour")),
        per_day=_whole(row.get("per_day")),
        side=str(actor.get("side") or row.get("side") or ""),
        acts=tuple("comment" if one == "say" else str(one) for one in act.get("classes") or row.get("acts") or ()),
        confidence=float(row.get("confidence") or 0.5),
        updates=row.get("updates") is not False,
        unconfirmed=row.get("unconfirmed") is True,
        count=str(row.get("count") or ""),
        p=None if row.get("p") is None else float(row["p"]),
        minimum=_whole(row.get("min", row.get("minimum"))),
        names=_texts(names),
        groups=_texts(row.get("groups")),
        terms=_texts(row.get("terms")),
        **durations,
    )


def _kind(row: Mapping[str, Any]) -> AlertKind | None:
    named = str(row.get("kind") or "")
    return ALIASES.get(named) or next((kind for kind in AlertKind if kind.value == named), None)


def _part(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = row.get(name)
    return part if isinstance(part, Mapping) else {}


def _duration(value: Any) -> timedelta | None:
    if value is None:
        return None
    length: timedelta = parse(str(value), timedelta)
    return length


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else ()


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)
