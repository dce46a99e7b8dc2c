"""Deciding one article: into memory, into its story, and what is to be told of it. Pure: no SQL, no clock.

The same function judges live, after a restart and in a back-test; with the same memory and the same article it always
gives the same alerts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.alerter.judge import copies, correct, late, merge, split, story, topic, wording
from services.alerter.judge.case import Case, Hour
from services.alerter.judge.findings import Findings
from services.alerter.judge.kinds.registry import DUE, EDITS, KINDS
from services.alerter.judge.memory import Member, Memory
from services.alerter.judge.merge import Merged
from services.alerter.judge.metrics import COPIES, STORIES
from services.alerter.judge.outside import NOTHING, Outside
from services.alerter.judge.reading import Reading
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.split import Split
from services.alerter.judge.story import Features, Story
from services.alerter.judge.tell import tell
from services.alerter.judge.timers import TIMERS, take_due
from services.alerter.judge.topic import Topic, Traits
from services.alerter.rules import WatchRules
from shared.events import AlertRaised, AlertState


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article belongs: among whose copies, to which event, to which story of the watch. `again` says that an
    earlier version of it was placed before."""

    story: Story
    copy_group: str
    topic_id: str
    is_copy: bool
    again: bool = False
    merged: Merged | None = None
    split: Split | None = None


def decide(
    memory: Memory, reading: Reading, found: Findings, rules: WatchRules, settings: JudgeSettings, *,
    outside: Outside = NOTHING,
) -> list[AlertRaised]:  # fmt: skip
    """Remember the article and give the alerts it causes: none unless it is live. A live article also lets the time of
    the watch pass, so that what was due before it fires before it."""
    alerts = pass_time(memory, reading.moment, rules, settings, outside) if reading.live else []
    if not reading.match.held and not _stands(memory, reading.article.article_id):
        return alerts
    place = placed(memory, reading, found, settings)
    case = Case(
        memory, reading, found, rules, settings, outside, place.story, place.topic_id, place.copy_group, place.is_copy,
        place.again,
    )  # fmt: skip
    alerts += tell(case, list(correct.drafts(case, place.merged, place.split)))
    drafts = [draft for kind in (KINDS if reading.match.held else EDITS) for draft in kind.judged(case)]
    late.gather(case)
    if not reading.live:  # history tells nothing new, but it may correct what was told
        drafts = [draft for draft in drafts if draft.state is AlertState.CORRECTION]
    return alerts + tell(case, drafts)


def _stands(memory: Memory, article_id: str) -> bool:
    """Whether an article has a place in a story that is remembered: else an edit of it is nobody's news."""
    known = memory.members.get(article_id)
    return known is not None and memory.story(known.story_id) is not None


def pass_time(
    memory: Memory, now: datetime, rules: WatchRules, settings: JudgeSettings, outside: Outside = NOTHING
) -> list[AlertRaised]:
    """What the timers due by `now` tell."""
    alerts: list[AlertRaised] = []
    for moment, timer in take_due(memory.shelf(TIMERS), now):
        hour = Hour(memory, rules, settings, outside, moment)
        alerts += tell(hour, list(DUE[timer.kind](hour, timer))) if timer.kind in DUE else []
    return alerts


def placed(memory: Memory, reading: Reading, found: Findings, settings: JudgeSettings) -> Place:
    """The article in its copy group, topic and story; a new version of a known article stays where it was."""
    article = reading.article
    known = memory.members.get(article.article_id)
    story_of = memory.story(known.story_id) if known else None
    if known is not None and story_of is not None:
        return Place(story_of, known.copy_group, known.topic_id, is_copy=False, again=True)
    memory.count(reading.moment)
    original = memory.copies.original(found.shingles, reading.moment - settings.copy_window)
    group = original.group if original else article.article_id
    home, merged = _story_of(memory, reading, found.features, settings, original)
    event = _topic_of(memory, reading, found.traits, original)
    memory.put_copy(copies.Printed(article.article_id, group, reading.moment, found.shingles))
    memory.put_member(
        Member(article.article_id, home.id, group, article.source.id, reading.agency, article.language.macro,
               reading.moment, reading.live, event.id)
    )  # fmt: skip
    COPIES.inc(original is not None)
    parted = split.split(memory, home, event)
    if parted is not None:
        home = memory.story(memory.members[article.article_id].story_id) or home
    return Place(home, group, event.id, is_copy=original is not None, merged=merged, split=parted)


def _story_of(
    memory: Memory, reading: Reading, features: Features, settings: JudgeSettings, original: copies.Printed | None
) -> tuple[Story, Merged | None]:
    """The story joined or opened. An article that is like two stories may show that they are one."""
    placed = memory.members.get(original.article_id) if original else None
    place = memory.story(placed.story_id) if placed else None
    alike = [] if place else story.find(memory.open_stories(settings.story_memory), features, reading.moment)
    if place is None and not alike:
        place = story.opened(memory.watch_id, reading)
        STORIES.inc()
    home = place or alike[0]
    story.grow(home, reading, features, original.group if original else reading.article.article_id)
    memory.put_story(home)
    if len(alike) < 2:
        return home, None
    shown = msgspec.structs.replace(wording.reference(reading, None), excerpt="")
    merged = merge.merge(memory, home, alike[1], shown, reading.moment)
    return (merged.into if merged else home), merged


def _topic_of(memory: Memory, reading: Reading, mine: Traits, original: copies.Printed | None) -> Topic:
    """A copy goes where its original went, as long as that topic is open."""
    placed = memory.members.get(original.article_id) if original else None
    known = memory.topics[placed.topic_id] if placed and placed.topic_id in memory.topics else None
    found = known or memory.topic_for(mine, reading.moment) or topic.opened(memory.watch_id, reading, reading.moment)
    memory.join_topic(found, mine, reading.moment)
    return found
