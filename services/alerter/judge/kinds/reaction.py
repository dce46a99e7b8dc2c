"""reaction: the first time an actor does an act in a story (`reaction` in the folder above finds who did what). History
only makes acts known."""

from __future__ import annotations

from collections.abc import Iterable

from services.alerter.judge import reaction, wording
from services.alerter.judge.case import SHOWN_HITS, Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.memory import Acted
from services.alerter.judge.metrics import SUPPRESSED, Suppressed
from services.alerter.judge.reaction import Statement
from services.alerter.rules import Rule
from shared.events import AlertKind, Reaction

SEVERITIES = {"comment": "info"}


def judged(case: Case) -> Iterable[Draft]:
    """First acts of actors in the story, for every rule that asks."""
    return [
        draft
        for rule in case.rules.of(AlertKind.REACTION)
        for one in reaction.reactions(case.reading, rule.side)
        if (draft := _judged(case, rule, one)) is not None
    ]


def _judged(case: Case, rule: Rule, one: Statement) -> Draft | None:
    if rule.acts and one.act not in rule.acts:
        return None
    if one.confidence < rule.confidence:
        SUPPRESSED.labels(rule.kind.value, Suppressed.UNSURE.value).inc()
        return None
    before = case.memory.acts_of(case.story.id, one.actor.entity_id)
    if one.act in before:
        SUPPRESSED.labels(rule.kind.value, Suppressed.TOLD_BEFORE.value).inc()
        return None
    article_id = case.reading.article.article_id
    case.memory.put_acted(Acted(case.story.id, one.actor.entity_id, one.act, case.moment, article_id))
    return _draft(case, rule, one, first_of_actor=not before) if case.reading.live else None


def _draft(case: Case, rule: Rule, one: Statement, *, first_of_actor: bool) -> Draft:
    source = case.reading.article.source.name or case.reading.article.source.id
    headline, reason = wording.of_statement(one, first_of_actor=first_of_actor, source=source)
    told = Reaction(
        actor_id=one.actor.entity_id, actor=one.actor.name, act=one.act, side=one.actor.side, office=one.actor.role,
        topic=one.topic, quote=wording.shortened(one.quote.span.surface, wording.EXCERPT) if one.quote else "",
        stance=one.stance, confidence=one.confidence,
    )  # fmt: skip
    hits = tuple(hit for hit in case.reading.match.hits if hit.span.field == one.sentence.field)[:SHOWN_HITS]
    return Draft(
        rule, (case.story.id, one.actor.entity_id, one.act), headline, reason, sentence=one.sentence, hits=hits,
        reaction=told, severity=SEVERITIES.get(one.act, ""), extra={"first_of_actor": first_of_actor},
        facts=frozenset({f"entity {one.actor.entity_id}", f"act {one.act}"}),
    )  # fmt: skip


KIND = Kind(AlertKind.REACTION, judged)
