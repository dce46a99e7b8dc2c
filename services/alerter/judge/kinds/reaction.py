"""reaction: the first time an actor does an act in a story, and every change of stance (`reaction` in the folder above
finds who did what). History only makes acts and stances known.

A stance changes from welcoming to one of the acts that are clearly against, or back. Whoever warns or makes a demand
need not be against it, so that says nothing of a change. All rules for a side hear of the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.case import SHOWN_HITS, Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.memory import Acted
from services.alerter.judge.metrics import SUPPRESSED, Suppressed
from services.alerter.judge.reaction import Statement
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.rules import Rule
from shared.events import AlertKind, Reaction


class Stance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where an actor stood last in a story: for (1) or against (-1), by which act, told where; and how often they
    changed."""

    stance: int
    act: str
    since: datetime
    outlet: str
    changes: int = 0


STANCES = ShelfSpec("stance", Stance, timedelta(days=90))
SEVERITIES = {"comment": "info"}
CLEAR = frozenset({"welcome", "condemn", "reject", "threaten", "protest"})
"""Acts by which an actor is plainly for or against the subject."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was known of an actor before a statement: the acts in the story, and the stance that it turns round."""

    acts: Collection[str]
    changed: Stance | None


def judged(case: Case) -> Iterable[Draft]:
    """First acts of actors in the story, for every rule that asks."""
    known: dict[tuple[str, str], Known] = {}
    return [
        draft
        for rule in case.rules.of(AlertKind.REACTION)
        for one in case.found.statements.get(rule.side, ())
        if (draft := _judged(case, rule, one, known)) is not None
    ]


def _judged(case: Case, rule: Rule, one: Statement, known: dict[tuple[str, str], Known]) -> Draft | None:
    if rule.acts and one.act not in rule.acts:
        return None
    if one.confidence < rule.confidence:
        SUPPRESSED.labels(rule.kind.value, Suppressed.UNSURE.value).inc()
        return None
    name = (one.actor.entity_id, one.act)
    before = known[name] = known.get(name) or _noted(case, one)
    if one.act in before.acts and before.changed is None:
        SUPPRESSED.labels(rule.kind.value, Suppressed.TOLD_BEFORE.value).inc()
        return None
    if not case.reading.live:
        return None
    return _draft(case, rule, one, before.acts, before.changed)


def _noted(case: Case, one: Statement) -> Known:
    """Note a statement, once for all rules; what was known before it."""
    known = Known(case.memory.acts_of(case.story.id, one.actor.entity_id), _changed(case, one))
    if one.act not in known.acts:
        article_id = case.reading.article.article_id
        case.memory.put_acted(Acted(case.story.id, one.actor.entity_id, one.act, case.moment, article_id))
    return known


def _changed(case: Case, one: Statement) -> Stance | None:
    """Note where the actor stands; the stance before, if this is the opposite of it."""
    if one.act not in CLEAR:
        return None
    shelf = case.memory.shelf(STANCES)
    keys = [f"{story} {one.actor.entity_id}" for story in case.memory.lineage(case.story.id)]
    known = max((found for key in keys if (found := shelf.get(key))), key=lambda each: each.since, default=None)
    if known is not None and known.since > case.moment:
        return None
    turned = known is not None and known.stance == -one.stance
    changes = (known.changes if known else 0) + turned
    source = case.reading.article.source
    now = Stance(one.stance, one.act, case.moment, source.name or source.id, changes)
    if known is None or turned or known.act != one.act:
        shelf.put(keys[0], case.moment, now)
    return known if turned else None


def _draft(case: Case, rule: Rule, one: Statement, before: Collection[str], changed: Stance | None) -> Draft:
    source = case.reading.article.source.name or case.reading.article.source.id
    was = (changed.act, changed.since) if changed else None
    headline, reason = wording.of_statement(one, first_of_actor=not before, source=source, was=was)
    told = Reaction(
        actor_id=one.actor.entity_id, actor=one.actor.name, act=one.act, side=one.actor.side, office=one.actor.role,
        topic=one.topic, quote=wording.quotation(case.reading, one.quote.span.surface if one.quote else ""),
        stance=one.stance, confidence=one.confidence,
    )  # fmt: skip
    hits = tuple(hit for hit in case.reading.match.hits if hit.span.field == one.sentence.field)[:SHOWN_HITS]
    extra: dict[str, Any] = {"first_of_actor": not before, "first_of_act": one.act not in before}
    if changed is not None:
        extra["changed"] = {"from": changed.act, "to": one.act, "since": changed.since.isoformat(),
                            "outlet": changed.outlet}  # fmt: skip
    number = () if one.act not in before or changed is None else (changed.changes + 1,)
    return Draft(
        rule, (case.story.id, one.actor.entity_id, one.act, *number), headline, reason, sentence=one.sentence,
        hits=hits, reaction=told, severity=SEVERITIES.get(one.act, ""), extra=extra,
        facts=frozenset({f"entity {one.actor.entity_id}", f"act {one.act}"}),
    )  # fmt: skip


KIND = Kind(AlertKind.REACTION, judged, shelves=(STANCES,))
