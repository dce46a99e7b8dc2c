"""Splitting: articles that were taken for part of a story turn out to tell of something else.

A story is joined on little likeness, since one too many is worse than one too few. When a topic inside it has grown to
several articles it is compared once with the rest of the story: with hardly a name and hardly a word in common it parts
and goes on as a story of its own, named after its first article. Subscribers are told by a correction.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from services.alerter.judge.memory import Member, Memory
from services.alerter.judge.merge import without
from services.alerter.judge.metrics import STORIES_SPLIT
from services.alerter.judge.story import Profile, Story
from services.alerter.judge.topic import Topic
from shared import ids

GROWN = 5
"""Articles at which a topic is compared with the rest of its story, which must hold as many."""
OTHER_NAMES, OTHER_WORDS = 0.12, 0.1
"""Likeness of names and of title words below which they have nothing to do with each other (cosine of counts)."""


@dataclass(frozen=True, slots=True)
class Split:
    """A split as it was done: the new story, the one it parted from, and how many articles went."""

    opened: Story
    left: Story
    articles: int


def split(memory: Memory, home: Story, topic: Topic) -> Split | None:
    """Let a topic part from its story if it has nothing to do with the rest of it."""
    counts = topic.counts
    if counts.articles != GROWN or home.profile.articles < 2 * GROWN:
        return None
    piece = Profile(articles=counts.articles, entities=dict(counts.names), grams=dict(counts.grams))
    rest = without(home.profile, piece)
    if rest.articles < GROWN or _alike(counts.names, rest.entities) > OTHER_NAMES:
        return None
    if _alike(counts.grams, rest.grams) > OTHER_WORDS:
        return None
    return _part(memory, home, topic)


def _part(memory: Memory, home: Story, topic: Topic) -> Split | None:
    lineage = set(memory.lineage(home.id))
    gone = [one for one in memory.members.values() if one.topic_id == topic.id and one.story_id in lineage]
    if len({one.copy_group for one in gone}) < GROWN - 1:
        return None
    first = min(gone, key=lambda one: (one.moment, one.article_id))
    piece = _profile(gone, topic)
    opened = Story(ids.story(memory.watch_id, first.article_id), topic.headline, first.moment, topic.last, piece)
    if opened.id in lineage:
        return None
    for member in gone:
        memory.move(member, opened.id)
    home.profile = without(home.profile, piece)
    memory.put_story(opened)
    memory.put_story(home)
    STORIES_SPLIT.inc()
    return Split(opened, home, len(gone))


def _profile(gone: list[Member], topic: Topic) -> Profile:
    languages: dict[str, int] = {}
    for one in gone:
        languages[one.language] = languages.get(one.language, 0) + 1
    groups = list(dict.fromkeys(one.copy_group for one in gone))
    live = list(dict.fromkeys(one.copy_group for one in gone if one.live))
    return Profile(
        articles=len(groups), entities=dict(topic.counts.names), grams=dict(topic.counts.grams), languages=languages,
        groups=groups, live_groups=live,
    )  # fmt: skip


def _alike(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    dot = sum(count * other[key] for key, count in one.items() if key in other)
    lengths = sum(count * count for count in one.values()) * sum(count * count for count in other.values())
    return dot / math.sqrt(lengths) if dot else 0.0
