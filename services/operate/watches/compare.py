"""Two versions of a watch over the same input: what each told that the other did not, by what the alerts are about;
and alerts against labels and against what readers said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.operate.watches.measure import counted
from shared.events import AlertKind, AlertRaised, AlertState

About = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """Alerts, each by its first telling: those that both raised, and those of one only."""

    both: int
    only_first: tuple[AlertRaised, ...]
    only_second: tuple[AlertRaised, ...]


def about(alert: AlertRaised) -> About:
    """What an alert is about, whatever its rule is called: a term, who did what, whose silence, or an article.

    Ids cannot tell: a draft may rename its rules, and a story that one more article opened has another id.
    """
    kind = alert.kind.value
    if "roll_up" in alert.extra:
        return (kind, "roll-up", str(alert.extra["roll_up"]), f"{alert.observed:%Y-%m-%d}")
    if alert.kind is AlertKind.FIRST_SEEN and alert.novelty is not None:
        return (kind, alert.novelty.family)
    if alert.kind is AlertKind.REACTION and alert.reaction is not None:
        return (kind, alert.reaction.actor_id or alert.reaction.actor, alert.reaction.act)
    if alert.kind is AlertKind.SILENCE:
        return (kind, str(alert.extra.get("silent", "")), str(alert.extra.get("name", "")))
    if alert.kind is AlertKind.BORDER_CROSSING:
        return (kind, str(alert.extra.get("groups", "")), str(alert.extra.get("to", "")), alert.article.id)
    return (kind, alert.article.id)


def first_tellings(alerts: Iterable[AlertRaised]) -> list[AlertRaised]:
    """Every alert once, as it was told first."""
    found: dict[str, AlertRaised] = {}
    for one in alerts:
        found.setdefault(one.id, one)
    return list(found.values())


def differences(first: Sequence[AlertRaised], second: Sequence[AlertRaised]) -> Differences:
    """What one tells and the other does not. Where the same is told several times, as often as one tells it more."""
    mine, theirs = first_tellings(first), first_tellings(second)
    same = {one.id for one in mine} & {one.id for one in theirs}
    only_mine, only_theirs = _beyond(mine, theirs, same), _beyond(theirs, mine, same)
    return Differences(len(mine) - len(only_mine), only_mine, only_theirs)


def _beyond(mine: Sequence[AlertRaised], theirs: Sequence[AlertRaised], same: set[str]) -> tuple[AlertRaised, ...]:
    left = Counter(about(one) for one in theirs if one.id not in same)
    beyond: list[AlertRaised] = []
    for one in mine:
        if one.id in same:
            continue
        left[about(one)] -= 1
        if left[about(one)] < 0:
            beyond.append(one)
    return tuple(beyond)


def days(alerts: Iterable[AlertRaised]) -> list[dict[str, Any]]:
    """A row for every day and kind: alerts opened, and what was told of open ones."""
    counts: dict[tuple[str, str], Counter[AlertState]] = {}
    for one in alerts:
        counts.setdefault((f"{one.observed:%Y-%m-%d}", one.kind.value), Counter())[one.state] += 1
    return [
        {"day": day, "kind": kind, "opened": some[AlertState.OPEN], "updates": some[AlertState.UPDATE],
         "resolved": some[AlertState.RESOLVED], "corrections": some[AlertState.CORRECTION]}
        for (day, kind), some in sorted(counts.items())
    ]  # fmt: skip


def row(alert: AlertRaised) -> dict[str, Any]:
    """A telling as it is listed."""
    return {
        "at": f"{alert.observed:%Y-%m-%d %H:%M}", "kind": alert.kind.value, "rule": alert.rule_id,
        "state": alert.state.value, "revision": alert.revision, "headline": alert.headline, "reason": alert.reason,
        "source": alert.article.source.id, "article": alert.article.id, "url": alert.article.url, "alert": alert.id,
    }  # fmt: skip


def on_labels(
    alerts: Sequence[AlertRaised], matched: frozenset[str], wanted: Mapping[str, bool]
) -> dict[str, float | int | None]:
    """Articles that matched, and alerts by the article they stand on, against a label by article id."""
    if not wanted:
        return {}
    matching = counted((label, name in matched) for name, label in wanted.items())
    told = [wanted[one.article.id] for one in first_tellings(alerts) if one.article.id in wanted]
    return {
        "labelled": matching.texts, "matched_precision": matching.precision, "matched_recall": matching.recall,
        **_share("alerts_labelled", "alerts_precision", told, bool),
    }  # fmt: skip


def on_feedback(alerts: Sequence[AlertRaised], said: Mapping[str, Sequence[str]]) -> dict[str, float | int | None]:
    """Verdicts of readers, by alert id, on what is told here; and how many of each kind fall on what is not."""
    if not said:
        return {}
    here = {one.id for one in alerts}
    told = [verdict for name, verdicts in said.items() if name in here for verdict in verdicts]
    gone = Counter(verdict for name, verdicts in said.items() if name not in here for verdict in verdicts)
    return {
        **_share("feedback", "feedback_precision", told, lambda verdict: verdict == USEFUL),
        **{f"not_told_{verdict}": count for verdict, count in sorted(gone.items())},
    }


USEFUL = "useful"
"""The verdict of a reader that an alert was worth telling; the others are that it was a duplicate, or wrong."""


def _share(count: str, share: str, of: Sequence[Any], is_right: Callable[[Any], bool]) -> dict[str, float | int | None]:
    right = sum(map(is_right, of))
    return {count: len(of), share: round(right / len(of), 4) if of else None}
