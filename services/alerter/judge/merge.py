"""Merging: two stories of a watch turn out to be one. The younger goes on under the id of the older.

Nothing is moved: an alias says where a story went (`Memory.canonical`), its articles and decided subjects stay under
their own id and are looked up through it, so that an operator can undo a merge exactly. Every merge keeps its evidence,
of at least two kinds: the same names, the same words, the same numbers, the same concepts. Subscribers are told by a
correction. Two stories that an operator took apart are never merged again.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from services.alerter.judge.memory import Memory
from services.alerter.judge.metrics import STORIES_MERGED
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.story import Profile, Story
from shared.events import ArticleReference

LEAST: Mapping[str, float] = {"names": 0.62, "words": 0.34, "numbers": 0.34, "concepts": 0.8}
"""How alike two stories must be in each kind for it to count as evidence (cosine of counts, numbers by the share of the
shorter list). Tuned on the demo world and own texts, where no two stories of different events reach two of them."""
KINDS_NEEDED = 2
_TELLING = ("names", "words", "numbers")
"""Concepts alone say little inside one watch: beside them one of these must hold, and names always."""


class Alias(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a story went, when and why, by which article, and what it was until then."""

    into: str
    at: datetime
    evidence: dict[str, float]
    article: ArticleReference
    headline: str
    opened: datetime
    last: datetime
    profile: Profile


class Parted(msgspec.Struct, frozen=True):
    """Two stories that an operator took apart."""

    by: str


ALIASES = ShelfSpec("alias", Alias, None)
APART = ShelfSpec("apart", Parted, None)


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge as it was done: the story that ended, the one it went into, and why."""

    ended: Story
    into: Story
    evidence: Mapping[str, float]


def evidence(one: Profile, other: Profile) -> dict[str, float]:
    """How alike two stories are, 0 to 1 in each kind."""
    return {
        "names": _cosine(one.entities, other.entities),
        "words": _cosine(one.grams, other.grams),
        "numbers": _share(one.numbers, other.numbers),
        "concepts": _cosine(one.concepts, other.concepts),
    }


def is_enough(found: Mapping[str, float]) -> bool:
    """Whether this evidence makes one story of two."""
    held = {kind for kind, least in LEAST.items() if found[kind] >= least}
    return "names" in held and len(held) >= KINDS_NEEDED and len(held & set(_TELLING)) >= KINDS_NEEDED


def _cosine(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    dot = sum(count * other[key] for key, count in one.items() if key in other)
    lengths = sum(count * count for count in one.values()) * sum(count * count for count in other.values())
    return round(dot / math.sqrt(lengths), 3) if dot else 0.0


def _share(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    shorter = min(len(one), len(other))
    return round(len(one.keys() & other.keys()) / shorter, 3) if shorter > 1 else 0.0


def merge(memory: Memory, home: Story, other: Story, article: ArticleReference, moment: datetime) -> Merged | None:
    """Make one of two open stories if there is evidence enough; the older by its opening keeps its id."""
    if memory.shelf(APART).get(_pair(home.id, other.id)) is not None:
        return None
    found = evidence(home.profile, other.profile)
    if not is_enough(found):
        return None
    into, ended = sorted((home, other), key=lambda story: (story.opened, story.id))
    memory.shelf(ALIASES).put(
        ended.id, moment,
        Alias(into.id, moment, found, article, ended.headline, ended.opened, ended.last, ended.profile),
    )  # fmt: skip
    into.profile = joined(into.profile, ended.profile)
    into.opened, into.last = min(into.opened, ended.opened), max(into.last, ended.last)
    memory.put_story(into)
    memory.follow(aliases(memory))
    STORIES_MERGED.inc()
    return Merged(ended, into, found)


def part(memory: Memory, name: str, by: str) -> tuple[Story, Story] | None:
    """Undo a merge: the story that had ended, as it was, and the one it had gone into, without it. None where there was
    no such merge."""
    alias = memory.shelf(ALIASES).get(name)
    into = memory.stories.get(memory.canonical(alias.into)) if alias else None
    if alias is None or into is None:
        return None
    memory.shelf(ALIASES).drop(name)
    memory.shelf(APART).put(_pair(name, into.id), alias.at, Parted(by))
    back = Story(name, alias.headline, alias.opened, alias.last, alias.profile)
    into.profile = without(into.profile, alias.profile)
    memory.follow(aliases(memory))
    memory.put_story(back)
    memory.put_story(into)
    return back, into


def aliases(memory: Memory) -> dict[str, str]:
    """Every story that ended, and the one it went into."""
    return {name: one.into for name, _, one in memory.shelf(ALIASES).items()}


def _pair(one: str, other: str) -> str:
    return " ".join(sorted((one, other)))


def joined(one: Profile, other: Profile) -> Profile:
    """Both profiles as one. Groups that stand in both are counted once."""
    counts = {name: _sum(getattr(one, name), getattr(other, name)) for name in _COUNTS}
    groups, live = _both(one.groups, other.groups), _both(one.live_groups, other.live_groups)
    return Profile(articles=one.articles + other.articles, groups=groups, live_groups=live, **counts)


def without(whole: Profile, piece: Profile) -> Profile:
    """A profile without what a piece of it counted."""
    counts = {name: _difference(getattr(whole, name), getattr(piece, name)) for name in _COUNTS}
    groups = [one for one in whole.groups if one not in set(piece.groups)]
    live = [one for one in whole.live_groups if one not in set(piece.live_groups)]
    return Profile(articles=max(0, whole.articles - piece.articles), groups=groups, live_groups=live, **counts)


_COUNTS = ("entities", "concepts", "grams", "numbers", "languages")


def _both(one: Iterable[str], other: Iterable[str]) -> list[str]:
    return list(dict.fromkeys((*one, *other)))


def _sum(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {key: one.get(key, 0) + other.get(key, 0) for key in (*one, *other)}


def _difference(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    left = {key: count - other.get(key, 0) for key, count in one.items()}
    return {key: count for key, count in left.items() if count > 0}
