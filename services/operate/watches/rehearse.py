"""A watch over a set of texts: what it would match, attribute and group, from an empty memory.

The same functions as live, in the order of publication. Labels are compared with afterwards (`measure`), never looked
at before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from services.alerter.bundle import bundle
from services.alerter.judge.decide import decide, placed
from services.alerter.judge.findings import Findings, find
from services.alerter.judge.memory import Memory
from services.alerter.judge.reading import Reading
from services.alerter.judge.settings import JudgeSettings
from services.alerter.load import loads
from services.alerter.match.compile import Engine, build
from services.alerter.match.match import decided, event_of
from services.alerter.rules import Rule, WatchRules, parse_rules
from services.alerter.watch import Status
from services.operate.watches.texts import UNDATED, Text, article_of
from shared.events import AlertKind, ArticleExtracted, ArticleMatched, Mention
from shared.text.gazetteer import Gazetteer

UNNAMED = {"serbia": "Serbia", "city-belgrade": "official Belgrade", "officials-serbia": "Serbian officials"}
"""How actors without a name of their own are given: a state or capital that stands for its government, officials."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a watch made of a text."""

    id: str
    matched: bool
    reaction: bool = False
    actors: tuple[str, ...] = ()
    copy_group: str = ""
    story: str = ""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A watch ready to be tried, and what it remembers meanwhile: `memory` of what it matches, `aside` of every text,
    since copies and topics are asked of those that it passes over, too."""

    engine: Engine
    rules: WatchRules
    memory: Memory
    aside: Memory
    gazetteer: Gazetteer
    now: datetime

    def row(self, one: Text) -> Row:
        """One text. `story` is the topic: the event that texts in any language tell of."""
        article = article_of(one, self.gazetteer, self.now)
        bare = Reading(self._bare(article))
        alike = placed(self.aside, bare, find(bare, self.rules), JudgeSettings())
        match = self._matched(article)
        if match is None:
            return Row(one.id, matched=False, copy_group=alike.copy_group, story=alike.topic_id)
        reading = Reading(match)
        found = find(reading, self.rules)
        decide(self.memory, reading, found, self.rules, JudgeSettings())
        actors = _actors(found, self.rules.of(AlertKind.REACTION))
        return Row(one.id, True, bool(actors), actors, alike.copy_group, alike.topic_id)

    def match(self, one: Text) -> ArticleMatched | None:
        """The match of one text, or None."""
        return self._matched(article_of(one, self.gazetteer, self.now))

    def _bare(self, article: ArticleExtracted) -> ArticleMatched:
        return ArticleMatched(
            id=article.id, observed=article.observed, watch_id=self.rules.watch_id, watch_version=0, article=article
        )

    def _matched(self, article: ArticleExtracted) -> ArticleMatched | None:
        _, verdicts, _ = decided(article, self.engine)
        return event_of(article, verdicts[0], self.now) if verdicts else None


def rehearsal(path: Path, gazetteer: Gazetteer, now: datetime) -> Rehearsal:
    """A watch file made ready, whatever its status. Raises Faulty."""
    written = bundle(path)
    watch = replace(loads(written, str(path), gazetteer.entities), status=Status.ACTIVE)
    return Rehearsal(
        build([watch]), parse_rules(watch.id, 0, written), Memory(watch.id), Memory(watch.id), gazetteer, now
    )


def rehearse(trial: Rehearsal, texts: Sequence[Text], progress: Callable[[], None] = lambda: None) -> list[Row]:
    """Every text in the order of publication, undated ones last; the rows come in the order given."""
    found: dict[str, Row] = {}
    for one in sorted(texts, key=lambda one: (one.published or UNDATED, one.id)):
        found[one.id] = trial.row(one)
        progress()
    return [found[one.id] for one in texts]


def _actors(found: Findings, rules: Iterable[Rule]) -> tuple[str, ...]:
    """Who took a position that a rule asks for."""
    statements = [(rule, one) for rule in rules for one in found.statements.get(rule.side, ())]
    asked = (one for rule, one in statements if one.confidence >= rule.confidence)
    return tuple(dict.fromkeys(actor_name(one.actor) for one in asked))


def actor_name(actor: Mention) -> str:
    """The name an actor is given by."""
    return UNNAMED.get(actor.entity_id, actor.name)
