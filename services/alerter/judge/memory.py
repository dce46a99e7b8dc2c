"""Memory: what a watch has seen and told, in story time. Judging works on this alone, and `store` brings
it from and to SQL.

Every change is noted beside it, so that one transaction can write exactly what a batch changed. Memory is kept from
batch to batch while the fence holds; a new owner loads the same from SQL and goes on exactly.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import IntEnum
from heapq import nlargest
from typing import cast

import msgspec

from services.alerter.judge.copies import CopyIndex, Printed
from services.alerter.judge.shelf import Shelf, ShelfSpec, V
from services.alerter.judge.story import Story
from services.alerter.judge.topic import OPEN_FOR, Topic, Topics, Traits

FORGET_EVERY = timedelta(days=1)
"""How often memory is gone through, in story time: seldom, since what it drops is days old."""
MOST_STORIES = 100
"""Open stories that an article is compared with: those last heard of."""
MOST_FAMILIES = 30_000
"""Families kept in memory of a watch, about 8 MB; the others are asked for in SQL when they are met again."""
MOST_SIGHTED = 5_000
"""Waiting families whose sightings are kept in memory, about 4 MB; the others are asked for in the same way."""


class Standing(IntEnum):
    """Where a term family stands in a watch."""

    YOUNG = 1
    TOLD = 2
    KNOWN = 3
    BACK = 4


WAITING = (Standing.YOUNG, Standing.BACK)
"""Standings of a family that may yet be confirmed: its sightings count."""


@dataclass(slots=True)
class Family:
    """A family: its earliest sighting and where it stands."""

    first: datetime
    standing: Standing
    last: datetime


class Sighting(msgspec.Struct, frozen=True, array_like=True):
    """How one article used a young family: enough to tell of it later without the article.

    `title`, `lead`, `scare`, `near` say where and how it stood there; `sentence` is a hash of the sentence around it,
    0 in a title; `document` how many articles the watch had met by then.
    """

    moment: datetime
    article_id: str
    copy_group: str
    source_id: str
    source_name: str
    official: bool
    language: str
    form: str
    key: str
    title: bool
    lead: bool
    scare: bool
    near: bool
    sentence: int = 0
    document: int = 0


@dataclass(slots=True, frozen=True)
class Member:
    """An article in a story. `moment` is event time."""

    article_id: str
    story_id: str
    copy_group: str
    source_id: str
    agency: str
    language: str
    moment: datetime
    live: bool
    topic_id: str = ""


class Told(msgspec.Struct, frozen=True):
    """The newest telling of an alert: what an update is measured against. `facts` are the actors, numbers, places and
    sources told of so far; `resolved` says that the alert came to rest."""

    alert_id: str
    story_id: str
    kind: str
    revision: int
    told: datetime
    languages: tuple[str, ...] = ()
    sources: int = 0
    terms: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class Acted:
    """The first time an actor did an act in a story."""

    story_id: str
    actor_id: str
    act: str
    first: datetime
    article_id: str


@dataclass(slots=True)
class Changes:
    """What a batch changed, by table."""

    stories: dict[str, Story] = field(default_factory=dict)
    topics: dict[str, Topic] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)
    copies: dict[str, Printed] = field(default_factory=dict)
    families: set[int] = field(default_factory=set)
    sightings: set[int] = field(default_factory=set)
    acted: list[Acted] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    counted: bool = False


class Memory:
    """The memory of one watch."""

    def __init__(self, watch_id: str) -> None:
        self.watch_id = watch_id
        self.documents = 0
        self.since: datetime | None = None
        self.watermark: datetime | None = None
        self.purged: datetime | None = None
        self.stories: dict[str, Story] = {}
        self.members: dict[str, Member] = {}
        self.groups: dict[str, list[Member]] = {}
        self.copies = CopyIndex()
        self.topics = Topics()
        self.families: dict[int, Family] = {}
        self.sightings: dict[int, dict[str, Sighting]] = {}
        self.acted: dict[tuple[str, str], dict[str, Acted]] = {}
        self.told: dict[str, Told] = {}
        self.changes = Changes()
        self.shelves: dict[str, Shelf[msgspec.Struct]] = {}
        self._origins: dict[str, str] = {}
        self._into: dict[str, str] = {}
        self._from: dict[str, tuple[str, ...]] = {}
        self._forgot: datetime | None = None

    def shelf(self, spec: ShelfSpec[V]) -> Shelf[V]:
        """What a kind of alert keeps under this name; empty at first."""
        known = self.shelves.get(spec.part)
        if known is None:
            known = self.shelves[spec.part] = cast("Shelf[msgspec.Struct]", Shelf(spec))
        return cast("Shelf[V]", known)

    def count(self, moment: datetime) -> None:
        """One more article remembered."""
        self.documents += 1
        self.since = moment if self.since is None else min(self.since, moment)
        self.watermark = moment if self.watermark is None else max(self.watermark, moment)
        self.changes.counted = True

    def put_member(self, member: Member, *, new: bool = True) -> None:
        """An article's place."""
        self.members[member.article_id] = member
        self.groups.setdefault(member.copy_group, []).append(member)
        self._origins[member.copy_group] = self._origin(member.copy_group)
        if new:
            self.changes.members[member.article_id] = member

    def move(self, member: Member, story_id: str) -> None:
        """An article belongs to another story than was thought."""
        moved = replace(member, story_id=story_id)
        self.members[member.article_id] = self.changes.members[member.article_id] = moved
        self.groups[member.copy_group] = [
            moved if one.article_id == member.article_id else one for one in self.groups.get(member.copy_group, [])
        ]

    def put_copy(self, printed: Printed, *, new: bool = True) -> None:
        """An article's shingles."""
        self.copies.add(printed)
        if new:
            self.changes.copies[printed.article_id] = printed

    def open_stories(self, kept: timedelta) -> list[Story]:
        """The stories that may still be joined: told of within `kept` before the latest article; of many the last."""
        if self.watermark is None:
            return []
        found = [story for story in self.stories.values() if story.last >= self.watermark - kept]
        if len(found) <= MOST_STORIES:
            return found
        return nlargest(MOST_STORIES, found, key=lambda one: (one.last, one.id))

    def put_story(self, story: Story, *, new: bool = True) -> None:
        """A story, new or grown."""
        self.stories[story.id] = story
        if new:
            self.changes.stories[story.id] = story

    def story(self, name: str) -> Story | None:
        """The story of this id, or the one it went into, as long as it is remembered."""
        return self.stories.get(self.canonical(name))

    def canonical(self, name: str) -> str:
        """The id under which a story goes on: its own unless it was merged."""
        while name in self._into:
            name = self._into[name]
        return name

    def lineage(self, name: str) -> tuple[str, ...]:
        """A story's own id and those of all that went into it: what was decided under any of them is decided."""
        return (name, *self._from.get(name, ()))

    def follow(self, into: Mapping[str, str]) -> None:
        """Take the aliases of merged stories: each id with the one it went into. Those that ended are no stories."""
        self._into = dict(into)
        ended: dict[str, list[str]] = {}
        for name in sorted(into):
            ended.setdefault(self.canonical(name), []).append(name)
            self.stories.pop(name, None)
        self._from = {name: tuple(some) for name, some in ended.items()}

    def topic_for(self, one: Traits, moment: datetime) -> Topic | None:
        """The open topic an article belongs to. What is too old is closed first and not now and then, so that a new
        owner, who reads the open ones from SQL, weighs things as the old one did."""
        if self.watermark is not None:
            self.topics.forget(self.watermark - OPEN_FOR)
        return self.topics.find(one, moment)

    def join_topic(self, topic: Topic, one: Traits, moment: datetime) -> None:
        """An article belongs to a topic, which may be new."""
        self.topics.grow(topic, one, moment)
        self.changes.topics[topic.id] = topic

    def put_family(self, number: int, family: Family) -> None:
        """A family, new or with another standing."""
        self.families[number] = family
        self.changes.families.add(number)

    def forget_families(self, before: datetime) -> None:
        """Drop families that nobody used since, together with their rows: whoever reads these anew knows no more."""
        self.families = {number: one for number, one in self.families.items() if one.last >= before}

    def forget(self, *, stories: timedelta, copies: timedelta) -> None:
        """Drop what is out of its time, and of families and their sightings what is too much: SQL has it all."""
        if len(self.sightings) > MOST_SIGHTED:
            self.sightings = {}
        if len(self.families) > MOST_FAMILIES:
            self.families = {number: self.families[number] for number in self.sightings if number in self.families}
        now = self.watermark
        if now is None or (self._forgot is not None and now - self._forgot < FORGET_EVERY):
            return
        self._forgot = now
        self.stories = {name: one for name, one in self.stories.items() if one.last >= now - stories}
        counted = {group for story in self.stories.values() for group in story.profile.live_groups}
        deciding = {name for group in counted for name in _deciding(self.groups.get(group, []))}
        self.members = {
            name: one for name, one in self.members.items() if one.moment >= now - copies or name in deciding
        }
        self.groups = {}
        for member in self.members.values():
            self.groups.setdefault(member.copy_group, []).append(member)
        self._origins = {group: one for group, one in self._origins.items() if group in self.groups}
        self.acted = {key: acts for key, acts in self.acted.items() if self.story(key[0]) is not None}
        self.told = {
            name: one for name, one in self.told.items()
            if one.told >= now - stories or self.story(one.story_id) is not None
        }  # fmt: skip
        self.copies.forget(now - copies)
        for shelf in self.shelves.values():
            shelf.forget(now)

    def waits(self, number: int) -> bool:
        """Whether a family is known and may yet be confirmed."""
        family = self.families.get(number)
        return family is not None and family.standing in WAITING

    def put_sighting(self, number: int, sighting: Sighting, *, new: bool = True) -> None:
        """Somebody used a young family."""
        self.sightings.setdefault(number, {})[sighting.article_id] = sighting
        if new:
            self.changes.sightings.add(number)

    def drop_sightings(self, number: int) -> None:
        """A family waits no longer."""
        if self.sightings.pop(number, None) is not None:
            self.changes.sightings.add(number)

    def put_acted(self, acted: Acted, *, new: bool = True) -> None:
        """An actor did an act in a story."""
        self.acted.setdefault((acted.story_id, acted.actor_id), {})[acted.act] = acted
        if new:
            self.changes.acted.append(acted)

    def acts_of(self, story_id: str, actor_id: str) -> dict[str, Acted]:
        """What an actor did in a story and in those that went into it, the first of each act."""
        found: dict[str, Acted] = {}
        for name in self.lineage(story_id):
            for act, one in self.acted.get((name, actor_id), {}).items():
                found[act] = min(found.get(act, one), one, key=lambda each: each.first)
        return found

    def put_told(self, told: Told, *, new: bool = True) -> None:
        """An alert was told."""
        self.told[told.alert_id] = told
        if new:
            self.changes.told.add(told.alert_id)

    def origin(self, copy_group: str) -> str:
        """Who stands behind a copy group: its agency if any member names one, else the source of its first article.

        Two groups of the same origin are one witness: the same agency, or the same outlet writing twice.
        """
        known = self._origins.get(copy_group)
        if known is None:
            known = self._origins[copy_group] = self._origin(copy_group)
        return known

    def _origin(self, copy_group: str) -> str:
        members = self.groups.get(copy_group, [])
        agencies = sorted(member.agency for member in members if member.agency)
        if agencies:
            return f"agency {agencies[0]}"
        first = next((member for member in members if member.article_id == copy_group), None)
        return f"source {first.source_id}" if first else f"group {copy_group}"

    def origins(self, groups: Collection[str]) -> int:
        """How many independent witnesses stand behind these copy groups."""
        several = set(map(self._origins.get, groups))
        if None in several:
            several = set(map(self.origin, groups))
        return len(several)

    def is_warm(self, moment: datetime, *, documents: int, days: float) -> bool:
        """Whether there is enough history to call something new: so many articles, over so many days."""
        long = self.since is not None and (moment - self.since).total_seconds() >= days * 86_400
        return self.documents >= documents and (long or days <= 0)


def _deciding(group: Sequence[Member]) -> set[str]:
    """The articles of a copy group that say who stands behind it: its first one, and one for each agency named. All
    others of a text that is printed again for months need not be remembered (SQL has them)."""
    agencies: dict[str, str] = {}
    for one in group:
        if one.agency:
            agencies[one.agency] = min(one.article_id, agencies.get(one.agency, one.article_id))
    return {one.article_id for one in group if one.article_id == one.copy_group} | set(agencies.values())
