"""What a subscriber gets: CloudEvents 1.0 in structured mode, its `data` typed here.

These types are the public contract and are independent of `shared.events`: an internal field reaches subscribers only
when somebody writes it down here and maps it in `body`. A value that is not known is absent, never null. Offsets count
Unicode code points of the named field, end exclusive. Times are RFC 3339 in UTC.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

PING_TYPE, DIGEST_TYPE = "wirewatch.test.v1", "wirewatch.digest.v1"
CHALLENGE_TYPE = "wirewatch.challenge.v1"


class Shown(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A value inside a body. Defaults are None, False, 0, and what is empty: of these there is one object each, which
    is how msgspec recognises a default; a float that may be absent is None then, never 0.0."""


class Watch(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The watch that raised the alert; its version is an attribute of the telling."""

    id: str
    version: int = 0
    title: str = ""


class Alert(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """What is told. `revision` counts the tellings of the same alert."""

    id: str
    revision: int
    state: str
    kind: str
    rule: str
    severity: str
    headline: str
    reason: str
    watch: Watch
    independent_sources: int = 0


class Story(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The story the alert belongs to."""

    id: str
    headline: str = ""


class Outlet(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """Who published."""

    id: str
    name: str
    domain: str = ""
    country: str = ""
    language: str = ""
    official: bool = False


class Language(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The language of the article; `macro` is the level at which words are matched."""

    macro: str
    variety: str = ""
    script: str = ""
    confidence: float | None = None


class Published(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """When the article was published, where that was read, how sure it is (0 to 1)."""

    at: datetime
    origin: str
    sure: float


class Article(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """A reference to the article: never its text, only an excerpt."""

    id: str
    version: str = ""
    url: str
    title: str
    source: Outlet
    language: Language
    published: Published | None = None
    observed: datetime | None = None
    excerpt: str = ""


class Hit(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """One matched term: `surface` stands at `start` to `end` of `field`."""

    concept: str
    term: str
    field: str
    start: int
    end: int
    surface: str
    form: str = ""


class Clause(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """A node of the explanation: what was asked and whether it held."""

    label: str
    held: bool
    parts: tuple[Clause, ...] = ()


class Why(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """Why the article matched."""

    hits: tuple[Hit, ...] = ()
    clauses: Clause | None = None


class Novelty(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The proof that a term is new to the watch."""

    family: str
    forms: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    first_seen: datetime
    first_article: str = ""
    first_source: str = ""
    confirmed: datetime | None = None
    witnesses: tuple[str, ...] = ()
    documents_searched: int
    searched_since: datetime | None = None
    earlier_hits: int
    background_per_million: float
    warming: bool = False


class Reaction(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """Who did what about the subject of the story, in whose words."""

    actor_id: str
    actor: str
    act: str
    side: str = ""
    office: str = ""
    topic: str = ""
    quote: str = ""
    stance: int = 0
    confidence: float | None = None


class Timings(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """When each step was done: `published` and `observed` in the story's time, the others by the real clock. `sent`
    is written at each attempt."""

    published: datetime | None = None
    observed: datetime | None = None
    seen: datetime | None = None
    fetched: datetime | None = None
    extracted: datetime | None = None
    matched: datetime | None = None
    raised: datetime | None = None


class Data(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The `data` of an alert. `trimmed` names what was left out to fit; `timings` stays last, since the time of
    sending is appended to it."""

    alert: Alert
    story: Story
    article: Article
    why: Why | None = None
    novelty: Novelty | None = None
    reaction: Reaction | None = None
    extra: dict[str, Any] = {}
    mode: str
    trimmed: tuple[str, ...] = ()
    timings: Timings


class Ping(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The `data` of a test event."""

    message: str
    subscription: str
    timings: Timings


class Line(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """One alert in a digest. `id` is the `webhook-id` it would have had alone; `stale`: it was too late alone."""

    id: str
    alert: str
    revision: int
    kind: str
    severity: str
    headline: str
    watch: str
    story: str
    url: str = ""
    sequence: str
    stale: bool = False


class Digest(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The `data` of a digest: alerts that were not told one by one, up to the end of `window`."""

    window: datetime
    lines: tuple[Line, ...]
    timings: Timings


class Notice(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The `data` of a notice: a subscription of the same owner fails, for `share` per cent of the time after which it
    is disabled, or was disabled. `ends` is when it will be."""

    subscription: str
    since: datetime
    share: int
    failures: int
    reason: str
    disabled: bool = False
    ends: datetime | None = None
    timings: Timings


class Challenge(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The `data` of the question whether a receiver wants what will be sent: it answers with `challenge`."""

    message: str
    challenge: str
    subscription: str
    timings: Timings


class Envelope(Shown, frozen=True, omit_defaults=True, kw_only=True):
    """The CloudEvents attributes that differ. `id` is the `webhook-id`; `sequence` grows from delivery to delivery,
    with gaps, and orders the deliveries of a subscription as a number and as a text. `replay`: late on
    purpose, since it was kept while the subscription was stopped, or asked for again."""

    id: str
    type: str
    subject: str = ""
    time: datetime
    sequence: str = ""
    severity: str = ""
    replay: bool = False
    traceparent: str = ""


def type_of(kind: str) -> str:
    """The CloudEvents type of an alert of this kind."""
    return f"wirewatch.alert.{kind}.v1"
