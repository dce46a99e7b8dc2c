"""Topics: which articles, in any language, tell of the same event: a signing, a meeting, one statement of a ministry.

A watch's story goes on for weeks; a topic lasts as long as an event makes news. Articles of one macro language are
linked by their character 4-grams (folded, so Serbian in both scripts, Croatian, Macedonian and Bulgarian meet) beside
some of the same names; across languages by names, cognate 4-grams, and the same numbers, dates and speakers, weighed
against the time between them: always two kinds of evidence. What everybody in the watch writes counts little: weights
are by how few of the recent articles have a thing.

Tuned on own and labelled texts (`wirewatch watch evaluate`, pairs of a topic): see `docs/benchmarks.md`. The weights
across languages come from a logistic regression over pairs, each set of texts left out in turn, and are rounded. Left
out on purpose: joining topics that turn out to be one, since an alert never depends on them alone.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import chain
from operator import mul

import msgspec

from services.alerter.judge.facts import facts
from services.alerter.judge.reading import Reading
from shared import ids
from shared.text.fold import Folded

OPEN_FOR = timedelta(days=2)
"""How long after its last article a topic may be joined, and how far a late article may lie before its first."""
SAME_WORDS, SAME_NAMES = 0.26, 0.25
"""Likeness of 4-grams and of names that links articles of one language …"""
NEARLY_SAME = 0.6
"""… or of 4-grams alone, where one of the two names nobody known."""
OTHER_NAMES, OTHER_WORDS = 0.3, 0.05
"""The least likeness of names and of cognate 4-grams between articles of different languages …"""
A_NAME, A_WORD, A_FACT, A_DAY = 5.0, 12.0, 1.0, 1.0
"""… what likeness of names, 4-grams and facts weighs there, what each day between them takes away …"""
ENOUGH = 4.0
"""… and what together links them."""
READ = 700
"""Characters of the text that are compared: what happened stands at the beginning, background at the end."""
GRAM, TITLE_TWICE = 4, 2
MOST_OPEN = 150
"""Open topics of a watch that an article is compared with."""
KEPT = 600
"""4-grams kept of a topic, the commonest: about ten articles' worth."""


class Counts(msgspec.Struct):
    """In how many articles of a topic each thing stands; `languages` are macro codes."""

    articles: int = 0
    grams: dict[str, int] = {}
    names: dict[str, int] = {}
    languages: list[str] = []
    facts: dict[str, int] = {}


@dataclass(slots=True)
class Topic:
    """A topic of a watch. Times are event time."""

    id: str
    headline: str
    opened: datetime
    last: datetime
    counts: Counts


@dataclass(frozen=True, slots=True)
class Traits:
    """What an article is compared by: how often each 4-gram, entity and fact stands in it, and its macro language."""

    grams: Mapping[str, int]
    names: Mapping[str, int]
    language: str
    facts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike an article and a topic are, from 0 to 1; `days` lie between them."""

    words: float
    names: float
    facts: float
    days: float

    @property
    def weight(self) -> float:
        """What all of it weighs together."""
        return A_WORD * self.words + A_NAME * self.names + A_FACT * self.facts - A_DAY * self.days


def traits(reading: Reading) -> Traits:
    """The traits of an article; those of its title count twice."""
    article = reading.article
    found = Counter(grams(article.title))
    for gram in found:
        found[gram] *= TITLE_TWICE
    found.update(grams(f"{article.lead}\n{article.text}"[:READ]))
    names = Counter(one.entity_id for one in article.entities)
    return Traits(found, names, article.language.macro, Counter(facts(article, READ)))


def grams(text: str) -> Iterable[str]:
    """The folded character 4-grams of words; shorter words whole."""
    return chain.from_iterable(map(_grams_of, Folded(text).words.split()))


@lru_cache(maxsize=65_536)
def _grams_of(word: str) -> tuple[str, ...]:
    """Of one word. Words come again, and topics then share the strings."""
    return tuple(word[at : at + GRAM] for at in range(max(1, len(word) - GRAM + 1)))


class Topics:
    """The open topics of a watch, with how many recent articles each gram and name stands in."""

    def __init__(self) -> None:
        self._open: dict[str, Topic] = {}
        self._grams: dict[str, int] = {}
        self._names: dict[str, int] = {}
        self._facts: dict[str, int] = {}
        self._articles = 0

    def __contains__(self, name: str) -> bool:
        return name in self._open

    def __getitem__(self, name: str) -> Topic:
        return self._open[name]

    def add(self, topic: Topic) -> None:
        """A topic as it was left. Of too many the one that was longest silent is closed."""
        self._open[topic.id] = topic
        self._count(topic, 1)
        if len(self._open) > MOST_OPEN:
            others = (one for one in self._open.values() if one is not topic)
            self._close(min(others, key=lambda one: (one.last, one.id)))

    def forget(self, before: datetime) -> None:
        """Close what has had no article since."""
        for topic in [one for one in self._open.values() if one.last < before]:
            self._close(topic)

    def _close(self, topic: Topic) -> None:
        self._count(topic, -1)
        del self._open[topic.id]

    def _count(self, topic: Topic, sign: int) -> None:
        counts = topic.counts
        for seen, mine in ((self._grams, counts.grams), (self._names, counts.names), (self._facts, counts.facts)):
            for key, count in mine.items():
                _add(seen, key, sign * count)
        self._articles += sign * topic.counts.articles

    def find(self, one: Traits, moment: datetime) -> Topic | None:
        """The open topic that an article belongs to, the most alike of several. Names are compared first, since there
        are few of them and mostly they settle it."""
        rarity = _rarity(self._articles)
        names, facts_ = _Side(one.names, self._names, rarity), _Side(one.facts, self._facts, rarity)
        words: _Side | None = None
        best: tuple[float, str] | None = None
        for topic in self._open.values():
            if not topic.opened - OPEN_FOR <= moment <= topic.last + OPEN_FOR:
                continue
            counts, same = topic.counts, one.language in topic.counts.languages
            named = names.alike(counts.names)
            if named < (SAME_NAMES if same else OTHER_NAMES) and (not same or (one.names and counts.names)):
                continue
            words = words or _Side(one.grams, self._grams, rarity)
            alike = Likeness(words.alike(counts.grams), named, facts_.alike(counts.facts), _days(topic, moment))
            if is_linked(alike, same=same):
                best = max(best or (-math.inf, ""), (alike.weight, topic.id))
        return self._open[best[1]] if best else None

    def grow(self, topic: Topic, one: Traits, moment: datetime) -> None:
        """Count an article into a topic, which may be new."""
        counts = topic.counts
        if topic.id not in self._open:
            self.add(topic)
        counts.articles += 1
        self._articles += 1
        _count(counts.grams, self._grams, one.grams)
        _count(counts.names, self._names, one.names)
        _count(counts.facts, self._facts, one.facts)
        counts.languages = sorted({*counts.languages, one.language})
        topic.opened, topic.last = min(topic.opened, moment), max(topic.last, moment)


class _Side:
    """One kind of trait of an article, weighed by `rarity`, which goes by how many articles have `seen` a thing."""

    def __init__(self, counts: Mapping[str, int], seen: Mapping[str, int], rarity: Sequence[float]) -> None:
        self._seen, self._rarity = seen, rarity
        self._mine = {key: _often(count) * rarity[seen.get(key, 0)] for key, count in counts.items()}
        self._length = math.sqrt(sum(weight * weight for weight in self._mine.values()))

    def alike(self, theirs: Mapping[str, int]) -> float:
        """Cosine between the article and the mean of a topic's articles."""
        seen, rarity, mine = self._seen, self._rarity, self._mine
        weights = list(map(mul, theirs.values(), map(rarity.__getitem__, map(seen.__getitem__, theirs))))
        dot = sum([weight * mine[key] for key, weight in zip(theirs, weights, strict=True) if key in mine])
        return dot / (self._length * math.sqrt(sum(map(mul, weights, weights)))) if dot else 0.0


@lru_cache(maxsize=256)
def _rarity(articles: int) -> list[float]:
    """What a thing weighs by in how many of the open topics' articles it stands, from none to all."""
    return [math.log(1 + (articles + 1) / (1 + seen)) for seen in range(articles + 2)]


@lru_cache(maxsize=1_024)
def _often(count: int) -> float:
    """What a thing weighs by how often an article says it."""
    return 1 + math.log(count)


def _days(topic: Topic, moment: datetime) -> float:
    """How far a moment lies outside a topic's time."""
    outside = max(topic.opened - moment, moment - topic.last, timedelta())
    return outside / timedelta(days=1)


def is_linked(alike: Likeness, *, same: bool) -> bool:
    """Whether likeness, in one language or across two, makes one topic."""
    if same:
        return alike.words >= NEARLY_SAME or (alike.words >= SAME_WORDS and alike.names >= SAME_NAMES)
    return alike.names >= OTHER_NAMES and alike.words >= OTHER_WORDS and alike.weight >= ENOUGH


def opened(watch_id: str, reading: Reading, moment: datetime) -> Topic:
    """A new topic, named after its first article for good."""
    return Topic(ids.topic(watch_id, reading.article.article_id), reading.article.title, moment, moment, Counts())


def _count(mine: dict[str, int], everybody: dict[str, int], keys: Iterable[str]) -> None:
    """Count an article's things in a topic and among all open ones; of too many the rarest are let go in both."""
    for key in keys:
        mine[key] = mine.get(key, 0) + 1
        everybody[key] = everybody.get(key, 0) + 1
    if len(mine) <= 2 * KEPT:
        return
    for key in sorted(mine, key=lambda key: (-mine[key], key))[KEPT:]:
        _add(everybody, key, -mine.pop(key))


def _add(counter: dict[str, int], key: str, count: int) -> None:
    """Add to a count; one that comes to nothing is no entry."""
    total = counter.get(key, 0) + count
    if total > 0:
        counter[key] = total
    else:
        counter.pop(key, None)
