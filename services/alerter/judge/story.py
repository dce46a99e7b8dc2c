"""Stories: which articles of a watch tell the same developing thing. Named after the first member, for good.

An article joins the story it is most like: shared entities weigh most, because they are the same in every language;
then character 4-grams of the title within and across related languages, numbers, and how long the story has been
silent. A copy goes where its original went. In a watch about one story this gives few stories; the bar is low on
purpose, since a story too many tells the same things twice and a story too few only tells them under one name.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import mul

import msgspec

from services.alerter.judge.reading import Reading
from shared import ids
from shared.text.fold import fold_text

JOIN = 0.35
"""A story at least this alike is joined. Tuned on the demo world, where the events of one story lie days apart."""
WEIGHTS = {"entities": 0.5, "concepts": 0.15, "grams": 0.15, "numbers": 0.1, "time": 0.1}
HALF_LIFE = timedelta(hours=36)
"""After this long in silence a story's share of `time` has halved (news stories, `docs/decisions`)."""
KEPT_GRAMS, KEPT_ENTITIES, KEPT_NUMBERS, KEPT_GROUPS = 400, 60, 60, 1_000
NUMBER = re.compile(r"\d[\d.,]*\d|\d{2,}")
"""A number of at least two digits."""


class Profile(msgspec.Struct):
    """What a story is compared by, and what was counted of it. Bounded: the rarest entries fall out."""

    articles: int = 0
    entities: dict[str, int] = {}
    concepts: dict[str, int] = {}
    grams: dict[str, int] = {}
    numbers: dict[str, int] = {}
    languages: dict[str, int] = {}
    groups: list[str] = []
    live_groups: list[str] = []


@dataclass(slots=True)
class Story:
    """A story of a watch. Times are event time."""

    id: str
    headline: str
    opened: datetime
    last: datetime
    profile: Profile


@dataclass(frozen=True, slots=True)
class Features:
    """What an article is compared by."""

    entities: frozenset[str]
    concepts: frozenset[str]
    grams: Mapping[str, int]
    numbers: frozenset[str]


def features(reading: Reading) -> Features:
    """The features of an article: entities, concepts, title 4-grams, numbers of title and lead."""
    article = reading.article
    start = article.title + "\n" + (article.lead or article.text[:400])
    return Features(
        frozenset(mention.entity_id for mention in article.entities),
        frozenset(reading.match.concepts),
        Counter(_grams(article.title)),
        frozenset(NUMBER.findall(start)),
    )


def _grams(title: str) -> Iterable[str]:
    for word in fold_text(title).split():
        bare = "".join(letter for letter in word if letter.isalnum())
        yield from (bare[at : at + 4] for at in range(len(bare) - 3))


def likeness(one: Features, story: Story, moment: datetime) -> float:
    """How alike an article and a story are, 0 to 1; what neither has does not count."""
    profile = story.profile
    parts = {
        "entities": _overlap(one.entities, profile.entities, profile.articles),
        "concepts": _overlap(one.concepts, profile.concepts, profile.articles),
        "grams": _cosine(one.grams, profile.grams),
        "numbers": _overlap(one.numbers, profile.numbers, profile.articles),
        "time": math.exp2(-(abs(moment - story.last) / HALF_LIFE)),
    }
    known = {name: part for name, part in parts.items() if part is not None}
    return sum(WEIGHTS[name] * part for name, part in known.items()) / sum(WEIGHTS[name] for name in known)


def _overlap(mine: frozenset[str], counted: Mapping[str, int], articles: int) -> float | None:
    """The share of what I name that the story names too, frequent things weighing more."""
    if not mine or not counted:
        return None
    weight = {name: 0.25 + counted.get(name, 0) / max(1, articles) for name in mine}
    return math.fsum(weight[name] for name in mine if name in counted) / math.fsum(weight.values())


def _cosine(mine: Mapping[str, int], counted: Mapping[str, int]) -> float | None:
    if not mine or not counted:
        return None
    dot = sum([count * counted[gram] for gram, count in mine.items() if gram in counted])
    lengths = sum(map(mul, mine.values(), mine.values())) * sum(map(mul, counted.values(), counted.values()))
    return float(dot / math.sqrt(lengths))


def find(stories: Iterable[Story], one: Features, moment: datetime) -> list[Story]:
    """The stories alike enough to be joined, the most alike first."""
    scored = ((likeness(one, story, moment), story) for story in stories)
    enough = [(alike, story) for alike, story in scored if alike >= JOIN]
    return [story for _, story in sorted(enough, key=lambda row: (-row[0], row[1].id))]


def opened(watch_id: str, reading: Reading) -> Story:
    """A new story with this article as its first."""
    name = ids.story(watch_id, reading.article.article_id)
    return Story(name, reading.article.title, reading.moment, reading.moment, Profile())


def grow(story: Story, reading: Reading, one: Features, copy_group: str) -> None:
    """Count an article into its story. A copy adds its language and nothing else: it says nothing of its own."""
    profile = story.profile
    story.last = max(story.last, reading.moment)
    story.opened = min(story.opened, reading.moment)
    profile.languages[reading.article.language.macro] = profile.languages.get(reading.article.language.macro, 0) + 1
    if reading.live and copy_group not in profile.live_groups:
        profile.live_groups = [*profile.live_groups[-KEPT_GROUPS:], copy_group]
    if copy_group in profile.groups:
        return
    profile.groups = [*profile.groups[-KEPT_GROUPS:], copy_group]
    profile.articles += 1
    profile.entities = _counted(profile.entities, one.entities, KEPT_ENTITIES)
    profile.concepts = _counted(profile.concepts, one.concepts, KEPT_ENTITIES)
    profile.grams = _counted(profile.grams, one.grams, KEPT_GRAMS)
    profile.numbers = _counted(profile.numbers, one.numbers, KEPT_NUMBERS)


def _counted(counted: dict[str, int], names: Iterable[str], kept: int) -> dict[str, int]:
    grown = dict(counted)
    for name in sorted(names):
        grown[name] = grown.get(name, 0) + 1
    if len(grown) <= kept * 2:
        return grown
    frequent = sorted(grown.items(), key=lambda pair: (-pair[1], pair[0]))[:kept]
    return dict(frequent)
