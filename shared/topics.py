"""The topology: every topic, what it carries, who writes it, who reads it. Nothing else spells a topic name.

The key decides which partition an event goes to and so what stays in order. Topics read together by the same key have
equal partition counts, and groups use the range assignor, so that one member owns a key in all of them. Twelve
partitions divide evenly among 1, 2, 3, 4, 6 and 12 replicas; the count of a topic with keyed state never changes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from shared import events

PREFIX = "wirewatch."
VERSION = ".v1"
MIB = 1024 * 1024
GIB = 1024 * MIB
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Topic:
    """A row of the topology. Retention is per topic in time and per partition in bytes; -1 means no bound in bytes."""

    short: str
    event: type[events.Event]
    key: Callable[[Any], str]
    producer: str
    consumers: tuple[str, ...]
    retention: timedelta
    retention_bytes: int = -1
    partitions: int = 12
    largest: int = 1 * MIB
    compressed: bool = False

    @property
    def name(self) -> str:
        """The name on the bus, without an installation's own prefix (the adapter adds that)."""
        return PREFIX + self.short + VERSION


PAGES_FETCHED = Topic(
    "pages.fetched", events.PageFetched, lambda e: cast("str", e.entry_id), "fetcher", ("extractor",),
    retention=3 * DAY, retention_bytes=2 * GIB, largest=8 * MIB, compressed=True,
)  # fmt: skip
SOURCES_CHECKED = Topic(
    "sources.checked", events.SourceChecked, lambda e: cast("str", e.source.id), "fetcher", ("volumes", "console"),
    retention=400 * DAY, retention_bytes=1 * GIB,
)  # fmt: skip
ARTICLES_EXTRACTED = Topic(
    "articles.extracted", events.ArticleExtracted, lambda e: cast("str", e.article_id), "extractor",
    ("match", "volumes", "console"), retention=14 * DAY, retention_bytes=2 * GIB, largest=4 * MIB,
)  # fmt: skip
ARTICLES_MATCHED = Topic(
    "articles.matched", events.ArticleMatched, lambda e: cast("str", e.watch_id), "match", ("judge", "console"),
    retention=14 * DAY, retention_bytes=2 * GIB, largest=5 * MIB,
)  # fmt: skip
TIMES_PASSED = Topic(
    "times.passed", events.TimePassed, lambda e: cast("str", e.watch_id), "judge", ("judge",), retention=3 * DAY,
)  # fmt: skip
ALERTS_RAISED = Topic(
    "alerts.raised", events.AlertRaised, lambda e: cast("str", e.watch_id), "judge",
    ("notifier", "fetcher", "console"), retention=400 * DAY,
)  # fmt: skip
DELIVERIES_ATTEMPTED = Topic(
    "deliveries.attempted", events.DeliveryAttempted, lambda e: cast("str", e.subscription_id), "notifier",
    ("console",), retention=400 * DAY, retention_bytes=1 * GIB,
)  # fmt: skip
SUBSCRIPTIONS_FAILED = Topic(
    "subscriptions.failed", events.SubscriptionFailed, lambda e: cast("str", e.subscription_id), "notifier",
    ("console",), retention=400 * DAY,
)  # fmt: skip
FEEDBACK_GIVEN = Topic(
    "feedback.given", events.FeedbackGiven, lambda e: cast("str", e.watch_id), "notifier", ("judge", "console"),
    retention=400 * DAY,
)  # fmt: skip
OPERATORS_ASKED = Topic(
    "operators.asked", events.OperatorAsked, lambda e: cast("str", e.subject), "operators",
    ("fetcher", "watches", "judge", "console"), retention=400 * DAY,
)  # fmt: skip

TOPICS = (
    PAGES_FETCHED, SOURCES_CHECKED, ARTICLES_EXTRACTED, ARTICLES_MATCHED, TIMES_PASSED,
    ALERTS_RAISED, DELIVERIES_ATTEMPTED, SUBSCRIPTIONS_FAILED, FEEDBACK_GIVEN, OPERATORS_ASKED,
)  # fmt: skip
"""The topology in the order an article passes through it."""

GROUPS: dict[str, tuple[Topic, ...]] = {
    "extractor": (PAGES_FETCHED,),
    "match": (ARTICLES_EXTRACTED,),
    "watches": (OPERATORS_ASKED,),
    "volumes": (ARTICLES_EXTRACTED, SOURCES_CHECKED),
    "judge": (ARTICLES_MATCHED, TIMES_PASSED, OPERATORS_ASKED, FEEDBACK_GIVEN),
    "notifier": (ALERTS_RAISED,),
    "fetcher": (ALERTS_RAISED,),
}
"""Consumer groups that exist today and what each reads."""


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What an adapter needs to create a topic."""

    name: str
    partitions: int
    retention: timedelta
    retention_bytes: int
    largest: int
    compressed: bool = False


def retry_topic(group: str) -> str:
    """Where operators put records again that this group, and only this group, is to read once more."""
    return f"{PREFIX}{group}.retry{VERSION}"


def dead_topic(group: str) -> str:
    """Where the consume loop puts what this group could not digest."""
    return f"{PREFIX}{group}.dead{VERSION}"


def topic_of(event: type[events.Event]) -> Topic:
    """The row that carries `event`; KeyError if there is none."""
    return _BY_EVENT[event]


def topic_named(name: str) -> Topic | None:
    """The row with this full name, or None (retry and dead topics have no row)."""
    return _BY_NAME.get(name)


def all_specs() -> list[TopicSpec]:
    """Every topic to create, retry and dead topics of every group included."""
    specs = [spec_of(topic) for topic in TOPICS]
    for group, read in GROUPS.items():
        largest = max(topic.largest for topic in read)
        partitions = read[0].partitions
        specs.append(TopicSpec(retry_topic(group), partitions, 30 * DAY, -1, largest, compressed=True))
        specs.append(TopicSpec(dead_topic(group), 1, 90 * DAY, -1, largest + 64 * 1024, compressed=True))
    return specs


def spec_of(topic: Topic) -> TopicSpec:
    """The creation spec of a row."""
    return TopicSpec(
        topic.name, topic.partitions, topic.retention, topic.retention_bytes, topic.largest, topic.compressed
    )


_BY_EVENT = {topic.event: topic for topic in TOPICS}
_BY_NAME = {topic.name: topic for topic in TOPICS}
