"""Corrections: subscribers hear that a story went into another, parted from one, or was taken apart by an operator, so
that they can repair what they keep. They are told whatever the mode of the article: they tell nothing new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.alerter.judge import merge, wording
from services.alerter.judge.case import Case, Draft, Hour
from services.alerter.judge.memory import Memory
from services.alerter.judge.merge import Merged
from services.alerter.judge.outside import NOTHING
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.split import Split
from services.alerter.judge.story import Story
from services.alerter.judge.tell import tell
from services.alerter.rules import Rule, WatchRules
from shared import ids
from shared.events import AlertKind, AlertRaised, AlertState, OperatorAsked

UNDO_MERGE = "undo_merge"
"""The request of an operator: its subject is the watch, its argument `story` the id of the story that had ended."""


@dataclass(frozen=True, slots=True)
class _Correction:
    """What is said of two stories."""

    one: Story
    other: Story
    headline: str
    reason: str
    extra: Mapping[str, Any]


def drafts(case: Case, merged: Merged | None, split: Split | None) -> Iterator[Draft]:
    """What an article's place corrects: under the alert of the story that ended, closing it, if it was told."""
    if merged is not None:
        headline, reason = wording.of_merge(merged.ended.headline, merged.into.headline, merged.evidence)
        extra = {"merged": merged.ended.id, "into": merged.into.id, "evidence": dict(merged.evidence)}
        yield from _of_ended(case, _Correction(merged.ended, merged.into, headline, reason, extra))
    if split is not None:
        headline, reason = wording.of_split(split.opened.headline, split.left.headline, split.articles)
        parted = {"split": split.opened.id, "from": split.left.id, "articles": split.articles}
        yield from _aside(case.rules, _Correction(split.opened, split.left, headline, reason, parted))


def _of_ended(case: Case, said: _Correction) -> Iterator[Draft]:
    told = [rule for rule in case.rules.of(AlertKind.MATCH) if _is_told(case.memory, rule, said.one)]
    for rule in told:
        yield Draft(
            rule, (said.one.id,), said.headline, said.reason, state=AlertState.CORRECTION, severity="info",
            extra=said.extra, story=(said.other.id, said.other.headline), closes=True,
        )  # fmt: skip
    if not told:
        yield from _aside(case.rules, said)


def _is_told(memory: Memory, rule: Rule, story: Story) -> bool:
    told = memory.told.get(ids.alert(memory.watch_id, rule.id, story.id))
    return told is not None and told.revision >= 0


def _aside(rules: WatchRules, said: _Correction) -> Iterable[Draft]:
    """A correction by itself, where no alert of the story is to be corrected."""
    asked = rules.of(AlertKind.MATCH) or rules.rules
    return [
        Draft(
            rule, ("stories", said.one.id, said.other.id), said.headline, said.reason, state=AlertState.CORRECTION,
            severity="info", extra=said.extra, story=(said.one.id, said.one.headline),
        )
        for rule in asked[:1]
    ]  # fmt: skip


def undo(memory: Memory, asked: OperatorAsked, rules: WatchRules, settings: JudgeSettings) -> list[AlertRaised]:
    """Do what an operator asks: take a merged story out again. Nothing where there was no such merge."""
    name = str(asked.arguments.get("story", ""))
    alias = memory.shelf(merge.ALIASES).get(name)
    parted = merge.part(memory, name, asked.by)
    if alias is None or parted is None:
        return []
    back, into = parted
    headline, reason = wording.of_undo(back.headline, into.headline, asked.by)
    said = _Correction(back, into, headline, reason, {"parted": back.id, "from": into.id, "by": asked.by})
    found = [replace(one, article=alias.article) for one in _aside(rules, said)]
    return tell(Hour(memory, rules, settings, NOTHING, asked.observed), found)
