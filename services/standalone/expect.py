"""Whether everything the demo's expectation file lists arrived, and nothing it forbids. Judged on what the receiver
verified, so a missing signature is a missing alert. The file speaks of one watch of the pack; what the others tell of
the same world, its look-alikes included, is their own business."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from shared.errors import Misconfigured
from shared.text.fold import fold_text

Alert = Mapping[str, Any]
"""The `data` of a delivered alert, as JSON."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is missing and what should not be there; nothing of either is a pass."""

    missing: tuple[str, ...]
    forbidden: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all expected arrived and nothing forbidden did."""
        return not self.missing and not self.forbidden


def load_expectations(path: Path) -> Mapping[str, Any]:
    """Read the file. Raises Misconfigured."""
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    if not isinstance(loaded, dict) or not {"watch", "must", "must_not"} <= loaded.keys():
        raise Misconfigured(f"{path}: write watch (the id of the one expected of) and the two lists must and must_not")
    return loaded


def judge_demo(
    expected: Mapping[str, Any], alerts: Sequence[Alert], matched_languages: Mapping[str, int], unverified: int
) -> Verdict:
    """Hold what was delivered, and how many articles its watch matched by language, against the expectations."""
    must, must_not = expected["must"], expected["must_not"]
    alerts = [alert for alert in alerts if alert["alert"]["watch"]["id"] == expected["watch"]]
    missing = [
        *_missing_reactions(must.get("reactions", ()), alerts),
        *_missing_terms(must.get("first_seen", ()), alerts),
        *_missing_languages(must.get("match", {}), matched_languages),
        *_missing_kinds(must.get("kinds", {}), alerts),
    ]
    forbidden = [
        *_forbidden_articles(must_not.get("articles", ()), alerts),
        *_forbidden_actors(must_not.get("actors", ()), alerts),
        *([f"{unverified} deliveries whose signature did not verify"] if unverified else []),
    ]
    return Verdict(tuple(missing), tuple(forbidden))


def _missing_kinds(wanted: Mapping[str, int], alerts: Sequence[Alert]) -> Iterable[str]:
    told = Counter(str(alert["alert"]["kind"]) for alert in alerts)
    for kind, least in wanted.items():
        if told[kind] < least:
            yield f"{kind}: {told[kind]} alerts instead of at least {least}"


def _missing_reactions(wanted: Iterable[Mapping[str, Any]], alerts: Sequence[Alert]) -> Iterable[str]:
    for reaction in wanted:
        if not any(_is_reaction(alert, reaction) for alert in alerts):
            yield f"reaction: {reaction['actor']} ({' or '.join(reaction['acts'])})"


def _is_reaction(alert: Alert, wanted: Mapping[str, Any]) -> bool:
    found = alert.get("reaction")
    if found is None or found["actor"] != wanted["actor"] or found["act"] not in wanted["acts"]:
        return False
    observed = datetime.fromisoformat(alert["article"]["observed"].replace("Z", "+00:00"))
    return observed >= datetime.fromisoformat(wanted["after"])


def _missing_terms(wanted: Iterable[Mapping[str, Any]], alerts: Sequence[Alert]) -> Iterable[str]:
    told = [_novelty_text(alert) for alert in alerts if alert.get("novelty")]
    for term in wanted:
        forms = [fold_text(form) for form in term["forms"]]
        if not any(form in text for form in forms for text in told):
            yield f"first_seen: {term['term']} (any of {', '.join(term['forms'][:3])}, …)"


def _novelty_text(alert: Alert) -> str:
    novelty = alert["novelty"]
    return fold_text(" | ".join([novelty["family"], *novelty.get("forms", ()), alert["alert"]["headline"]]))


def _missing_languages(wanted: Mapping[str, Any], matched: Mapping[str, int]) -> Iterable[str]:
    for language in wanted.get("languages", ()):
        if matched.get(language, 0) < wanted.get("at_least", 1):
            yield f"match: no article in {language}"


def _forbidden_articles(ids: Iterable[str], alerts: Sequence[Alert]) -> Iterable[str]:
    shown = {_story_id(alert["article"]["url"]): alert["alert"]["headline"] for alert in alerts}
    for story_id in ids:
        if story_id in shown:
            yield f"an alert carries {story_id}: {shown[story_id]}"


def _story_id(url: str) -> str:
    """The last part of the path: some outlets' feeds add a query for their statistics."""
    return urlsplit(url).path.rsplit("/", 1)[-1]


def _forbidden_actors(names: Iterable[str], alerts: Sequence[Alert]) -> Iterable[str]:
    actors = {alert["reaction"]["actor"]: alert["alert"]["headline"] for alert in alerts if alert.get("reaction")}
    for name in names:
        if name in actors:
            yield f"{name} was told as a reaction: {actors[name]}"
