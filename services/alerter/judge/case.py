"""A case: one article, or one timer, on trial; and what a kind of alert answers: drafts of what should be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from services.alerter.judge.findings import Findings
from services.alerter.judge.memory import Memory
from services.alerter.judge.outside import Outside
from services.alerter.judge.reading import Reading, Sentence
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.story import Story
from services.alerter.rules import Rule, WatchRules
from shared.events import AlertState, ArticleReference, Hit, Novelty, Reaction

SHOWN_HITS = 20
"""Spans an alert carries: enough to mark the text, bounded for a text that repeats itself."""


@dataclass(frozen=True, slots=True)
class Case:
    """An article on trial: what was read and found, where it belongs, and by which rules it is judged. `again` says
    that an earlier version of it was judged before."""

    memory: Memory
    reading: Reading
    found: Findings
    rules: WatchRules
    settings: JudgeSettings
    outside: Outside
    story: Story
    topic_id: str
    copy_group: str
    is_copy: bool
    again: bool = False

    @property
    def moment(self) -> datetime:
        """Event time."""
        return self.reading.moment


@dataclass(frozen=True, slots=True)
class Hour:
    """A time on trial: a timer of the watch came due at `moment`, and no article is at hand."""

    memory: Memory
    rules: WatchRules
    settings: JudgeSettings
    outside: Outside
    moment: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """What a kind wants told. `about` makes the id of the alert, with watch and rule; `name` is given where the alert
    is known already.

    `state` None means open the first time and update after that. `facts` are the actors, numbers, places and sources
    that it tells of: an update with a new one goes through a cooldown. `languages`, `sources` and `terms` are kept as
    told, to measure the next change against. `resolve` is the silence after which the alert is resolved by itself.
    `article` and `story` (id and headline) are given where no article is on trial; `gathers` says that the draft
    gathers others already (a roll-up), so that no budget applies; `closes` that nothing more follows under this alert.
    """

    rule: Rule
    about: tuple[str | int, ...]
    headline: str
    reason: str
    state: AlertState | None = None
    severity: str = ""
    facts: frozenset[str] = frozenset()
    sentence: Sentence | None = None
    hits: tuple[Hit, ...] = ()
    sources: int = 1
    languages: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    novelty: Novelty | None = None
    reaction: Reaction | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    resolve: timedelta | None = None
    article: ArticleReference | None = None
    story: tuple[str, str] = ("", "")
    name: str = ""
    gathers: bool = False
    closes: bool = False
