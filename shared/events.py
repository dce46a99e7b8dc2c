"""The contracts: every event that crosses a topic.

Written strictly, read tolerantly: fields may be added with a default, never removed, renamed or given another meaning;
anything else is a new topic (promise 15). Unknown fields are ignored on reading. Which service writes and which
reads each event stands in `shared.topics`.

Times are aware datetimes in UTC. `observed` and `published` are story time; the stamps of `Ledger` are real time.
Offsets are Unicode code points into the named text. Ids are made by `shared.ids`, from what caused the event.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value inside an event."""


class Event(Part, frozen=True, omit_defaults=True, kw_only=True):
    """What every event carries: a deterministic id and when we learned of what it tells (story time)."""

    id: str
    observed: datetime


class Mode(StrEnum):
    """Whether an article may still be news: only `live` raises alerts."""

    LIVE = "live"
    REPLAY = "replay"
    BACKFILL = "backfill"


class Published(Part, frozen=True, omit_defaults=True, kw_only=True):
    """When a text was published, where that was read, and how sure it is (0 to 1)."""

    at: datetime
    origin: str
    sure: float = 1.0


class Ledger(Part, frozen=True, omit_defaults=True, kw_only=True):
    """The latency ledger: when each step finished, in real time. `published` to `seen` is story time, so it is
    derived from `observed - published`, not kept here."""

    seen: datetime | None = None
    fetched: datetime | None = None
    extracted: datetime | None = None
    matched: datetime | None = None
    raised: datetime | None = None
    sent: datetime | None = None


class Source(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Who published: the id in the sources file and what an alert tells of the outlet. `licensed`: its texts
    may be mined whatever its pages reserve, as the operator has agreed with it."""

    id: str
    name: str
    domain: str = ""
    country: str = ""
    language: str = ""
    official: bool = False
    licensed: bool = False


class Entry(Part, frozen=True, omit_defaults=True, kw_only=True):
    """What the feed itself says of an article; all of it may be missing."""

    guid: str = ""
    link: str = ""
    title: str = ""
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    flags: tuple[str, ...] = ()


class PageFetched(Event, frozen=True, omit_defaults=True, kw_only=True):
    """A page was fetched: its decoded bytes, what the server said, and the entry that led to it. `revisit` counts
    further visits: then the entry is what the feed told at first, and `article_id` the article that the page was read
    as. Of an article that was withdrawn a further visit has status 410 and no body. `reservations` is what the site
    reserves of this address beside what its page and its headers say."""

    entry_id: str
    source: Source
    url: str
    final_url: str
    status: int
    headers: dict[str, str] = {}
    body: bytes
    truncated: bool = False
    entry: Entry = Entry()
    published: Published | None = None
    mode: Mode = Mode.LIVE
    ledger: Ledger = Ledger()
    revisit: int = 0
    article_id: str = ""
    reservations: tuple[str, ...] = ()


class CheckOutcome(StrEnum):
    """How one check of a source ended; exactly one of these."""

    FRESH = "fresh"
    UNCHANGED = "unchanged"
    NOT_MODIFIED = "not_modified"
    EMPTY = "empty"
    NOT_A_FEED = "not_a_feed"
    BROKEN = "broken"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    THROTTLED = "throttled"
    GONE = "gone"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    TOO_LARGE = "too_large"
    ROBOTS_DENIED = "robots_denied"


class Condition(StrEnum):
    """What holds of a source beyond one check; several can hold at once, none is the usual. Readers pass over the ones
    they do not know: here new ones may come, while the outcomes above are closed for good, since a reader of before
    could not read a new one."""

    SILENT = "silent"
    """Read well, but nothing new for far longer than usual here."""
    FAILING = "failing"
    """The last checks failed, one after the other."""
    BLOCKED = "blocked"
    """A bot wall answered in place of the source."""
    ROBOTS_DENIED = "robots_denied"
    MOVED = "moved"
    """A permanent redirect proved itself: `moved_to` is asked in place of the address in the sources file."""
    GONE = "gone"
    """It said 410: asked again a few times, a week apart, and then no more."""
    LYING_VALIDATORS = "lying_validators"
    """It answered 304 while it had news, and has not yet been honest for long enough since."""
    TURNED_INTO_PAGE = "turned_into_page"
    """A web page stands where the feed was."""
    LANGUAGE_CHANGED = "language_changed"
    """The feed declares another language than before: `language`."""


class SourceChecked(Event, frozen=True, omit_defaults=True, kw_only=True):
    """A source was polled, with what came of it. `conditions` are values of `Condition`; `next_due` is empty for a
    source that is not asked any more."""

    source: Source
    due: datetime
    outcome: CheckOutcome
    detail: str = ""
    status: int | None = None
    entries: int = 0
    new_entries: int = 0
    failures: int = 0
    next_due: datetime | None = None
    conditions: tuple[str, ...] = ()
    moved_to: str = ""
    language: str = ""


class Language(Part, frozen=True, omit_defaults=True, kw_only=True):
    """`macro` is the matching level (`hbs` for Serbian, Croatian, Bosnian, Montenegrin); `variety` is for display."""

    macro: str
    variety: str = ""
    script: str = ""
    confidence: float = 0.0
    origin: str = ""


class Span(Part, frozen=True, omit_defaults=True, kw_only=True):
    """A piece of a named field (`title`, `lead`, `text`) by code-point offsets, with its surface for the reader."""

    field: str
    start: int
    end: int
    surface: str


class Mention(Part, frozen=True, omit_defaults=True, kw_only=True):
    """An entity found in the text, and why it was accepted. `subject` says the form can be a grammatical subject."""

    entity_id: str
    name: str
    kind: str
    span: Span
    side: str = ""
    role: str = ""
    subject: bool = True
    why: str = ""


class Quote(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Somebody's words, and why they are taken to be whose; an unknown speaker is an answer.

    `kind` is `direct` (all of it in marks), `mixed` (the end of a sentence of the reporter's), `indirect` (told in his
    words) or `headline`. Somebody on no list has a `speaker` and no `speaker_id`."""

    span: Span
    kind: str
    speaker_id: str = ""
    speaker: str = ""
    verb: str = ""
    confidence: float = 0.0
    why: str = ""


class Reworded(Part, frozen=True, omit_defaults=True, kw_only=True):
    """The same passage in the version before and in this one."""

    before: str
    now: str


class Difference(Part, frozen=True, omit_defaults=True, kw_only=True):
    """What a version changed of the one before it: the headline that the page had and has, numbers as written that
    stand in one of the two only, paragraphs (long ones cut), and how many more paragraphs changed than are told.
    `withdrawn`: the text was taken away; `restored`: it is back. `unknown`: the text before was not kept."""

    headline: Reworded | None = None
    numbers_gone: tuple[str, ...] = ()
    numbers_new: tuple[str, ...] = ()
    paragraphs_gone: tuple[str, ...] = ()
    paragraphs_new: tuple[str, ...] = ()
    paragraphs_changed: tuple[Reworded, ...] = ()
    more: int = 0
    withdrawn: bool = False
    restored: bool = False
    unknown: bool = False


class ArticleExtracted(Event, frozen=True, omit_defaults=True, kw_only=True):
    """An article was read from a page. `id` is the article version; `text` keeps paragraphs apart by newlines.
    `methods` says for each field where it was found, `confidence` how sure that is (0 to 1), `stated` holds `published`
    and `modified` as the publisher writes them, in his own time zone (a day alone where he gives no time).
    `previous` is the version before, `difference` what changed since. `reservations` is what the publisher reserves; a
    text that may not be mined is not there, and `kind` is `reserved`.
    `withdrawn` is the version of an article that its outlet took away: it has a title and no text."""

    article_id: str
    page_id: str = ""
    url: str
    canonical_url: str
    source: Source
    title: str
    lead: str = ""
    text: str
    section: str = ""
    authors: tuple[str, ...] = ()
    image: str = ""
    agency: str = ""
    language: Language
    kind: str = "article"
    published: Published | None = None
    modified: datetime | None = None
    entities: tuple[Mention, ...] = ()
    quotes: tuple[Quote, ...] = ()
    methods: dict[str, str] = {}
    previous: str = ""
    text_hash: str = ""
    reservations: tuple[str, ...] = ()
    mode: Mode = Mode.LIVE
    ledger: Ledger = Ledger()
    withdrawn: bool = False
    confidence: dict[str, float] = {}
    stated: dict[str, str] = {}
    difference: Difference | None = None


class Hit(Part, frozen=True, omit_defaults=True, kw_only=True):
    """One matched term: the surface shown, its concept, the term as written and how the form came about."""

    concept: str
    term: str
    span: Span
    form: str = ""


class Clause(Part, frozen=True, omit_defaults=True, kw_only=True):
    """A node of the explanation tree: what was asked and whether it held; `hits` are places in the event's `hits`."""

    label: str
    held: bool
    parts: tuple[Clause, ...] = ()
    hits: tuple[int, ...] = ()


class ArticleMatched(Event, frozen=True, omit_defaults=True, kw_only=True):
    """An article version satisfied a watch. Carries the article whole: judging asks nobody else. With `held` false it
    does not satisfy it any more, but an earlier version did: it was edited."""

    watch_id: str
    watch_version: int
    article: ArticleExtracted
    hits: tuple[Hit, ...] = ()
    concepts: tuple[str, ...] = ()
    score: float = 0.0
    threshold: float = 0.0
    why: Clause | None = None
    held: bool = True
    mode: Mode = Mode.LIVE
    ledger: Ledger = Ledger()


class AlertState(StrEnum):
    """Where an alert stands."""

    OPEN = "open"
    UPDATE = "update"
    RESOLVED = "resolved"
    CORRECTION = "correction"


class AlertKind(StrEnum):
    """What a watch can ask to be told."""

    MATCH = "match"
    FIRST_SEEN = "first_seen"
    BURST = "burst"
    REACTION = "reaction"
    SILENCE = "silence"
    SECOND_SOURCE = "second_source"
    BORDER_CROSSING = "border_crossing"
    EDIT = "edit"
    TERM_SHIFT = "term_shift"


class ArticleReference(Part, frozen=True, omit_defaults=True, kw_only=True):
    """What an alert shows of an article: never its text, only an excerpt (promise 14)."""

    id: str
    version: str = ""
    url: str
    title: str
    source: Source
    language: Language
    published: Published | None = None
    observed: datetime | None = None
    excerpt: str = ""


class Reaction(Part, frozen=True, omit_defaults=True, kw_only=True):
    """Who did what about the subject of the story, in whose words."""

    actor_id: str
    actor: str
    act: str
    side: str = ""
    office: str = ""
    topic: str = ""
    quote: str = ""
    stance: int = 0
    confidence: float = 0.0


class Novelty(Part, frozen=True, omit_defaults=True, kw_only=True):
    """The proof that a term is new to the watch: what was searched and how often it had been met at least. `together`
    are the families told with it: words of a phrase, and phrases that overlap. `last_seen` is given for a term that was
    not used for long and comes back."""

    family: str
    together: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    first_seen: datetime
    first_article: str = ""
    first_source: str = ""
    confirmed: datetime | None = None
    witnesses: tuple[str, ...] = ()
    documents_searched: int = 0
    searched_since: datetime | None = None
    earlier_hits: int = 0
    background_per_million: float = 0.0
    warming: bool = False
    last_seen: datetime | None = None


class AlertRaised(Event, frozen=True, omit_defaults=True, kw_only=True):
    """Something is new in a story. The same cause always gives the same id; `revision` counts what was told of it."""

    revision: int = 0
    state: AlertState = AlertState.OPEN
    kind: AlertKind
    rule_id: str
    watch_id: str
    watch_version: int = 0
    watch_title: str = ""
    story_id: str
    story_headline: str = ""
    severity: str = "info"
    headline: str
    reason: str
    article: ArticleReference
    hits: tuple[Hit, ...] = ()
    why: Clause | None = None
    novelty: Novelty | None = None
    reaction: Reaction | None = None
    independent_sources: int = 1
    extra: dict[str, Any] = {}
    mode: Mode = Mode.LIVE
    ledger: Ledger = Ledger()


class TimePassed(Event, frozen=True, omit_defaults=True, kw_only=True):
    """Everything that was met before `observed` has been judged: what a watch is to do at a time until then, it does
    now. Written where something is due, so that timers fire although no article comes."""

    watch_id: str


class DeliveryOutcome(StrEnum):
    """How one delivery attempt ended; exactly one of these."""

    DELIVERED = "delivered"
    RETRY = "retry"
    FAILED = "failed"
    GONE = "gone"
    REFUSED = "refused"
    EXPIRED = "expired"


class DeliveryAttempted(Event, frozen=True, omit_defaults=True, kw_only=True):
    """One attempt to deliver one alert to one subscription. `delivery_id` is the `webhook-id`."""

    delivery_id: str
    subscription_id: str
    alert_id: str
    alert_revision: int = 0
    watch_id: str = ""
    number: int
    outcome: DeliveryOutcome
    status: int | None = None
    reason: str = ""
    seconds: float = 0.0
    next_attempt: datetime | None = None
    test: bool = False
    replay: bool = False
    ledger: Ledger = Ledger()


class SubscriptionFailed(Event, frozen=True, omit_defaults=True, kw_only=True):
    """A subscription has failed for `share` per cent of the time after which it is disabled, or was disabled. `ends` is
    when it will be."""

    subscription_id: str
    owner: str
    since: datetime
    share: int
    failures: int = 0
    reason: str = ""
    disabled: bool = False
    ends: datetime | None = None


class FeedbackGiven(Event, frozen=True, omit_defaults=True, kw_only=True):
    """A reader called an alert useful, a duplicate or wrong."""

    alert_id: str
    watch_id: str
    subscription_id: str
    verdict: str
    note: str = ""


class OperatorAsked(Event, frozen=True, omit_defaults=True, kw_only=True):
    """A person asks the owner of a thing to do something; the owner checks it and answers with its own next event."""

    request: str
    subject: str
    by: str = ""
    arguments: dict[str, Any] = {}
