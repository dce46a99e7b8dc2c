"""What a worker hands back of a page, as small values that travel between processes."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from services.extractor.entities.unknown import Unknown
from shared.events import Language, Mention, Published, Quote

RESERVED = "reserved"
"""The kind of an article whose text may not be mined: what its feed says of it is there, nothing of its page."""


class ExtractOutcome(StrEnum):
    """How a page ended; exactly one of these. Pages that cost workers their lives are dead letters of the loop.
    `unknown` is the withdrawal of an article that was never read, `elsewhere` a further visit that led to another page,
    `reserved` a page that may not be mined and of which its feed says nothing either."""

    EXTRACTED = "extracted"
    UNCHANGED = "unchanged"
    NOT_HTML = "not_html"
    CHALLENGE = "challenge"
    SCRIPT_ONLY = "script_only"
    PAYWALL = "paywall"
    GALLERY = "gallery"
    LIVE_BLOG = "live_blog"
    NOT_ARTICLE = "not_article"
    TOO_SHORT = "too_short"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"
    ELSEWHERE = "elsewhere"
    RESERVED = "reserved"


class Candidate(msgspec.Struct, frozen=True, omit_defaults=True):
    """A value that was offered for a field: where it stands, how sure it would be, and why it won or lost."""

    field: str
    origin: str
    value: str
    sure: float = 0.0
    won: bool = False
    why: str = ""


class Reading(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="reading"):
    """A page that is an article. `title` may be the feed's, `headline` is the page's own. `methods` says for each field
    where it came from, `confidence` how sure that is (0 to 1), `stated` the dates as the publisher writes them, in his
    own time zone; `candidates` is everything that was offered, where that was asked for. `text_hash` is over the
    normalised title and text, `latest` the last moment that `published` can mean, `names` names in the text that no
    entity has. Times are UTC; offsets are code points of the named field."""

    article_id: str
    version_id: str
    text_hash: str
    canonical_url: str
    title: str
    lead: str
    text: str
    section: str = ""
    authors: tuple[str, ...] = ()
    image: str = ""
    agency: str = ""
    language: Language
    kind: str = "article"
    published: Published | None = None
    latest: datetime | None = None
    modified: datetime | None = None
    entities: tuple[Mention, ...] = ()
    quotes: tuple[Quote, ...] = ()
    reservations: tuple[str, ...] = ()
    headline: str = ""
    names: tuple[Unknown, ...] = ()
    methods: dict[str, str] = {}
    confidence: dict[str, float] = {}
    stated: dict[str, str] = {}
    candidates: tuple[Candidate, ...] = ()


class NoArticle(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="none"):
    """A page that is no article, and how that shows; `candidates` as above, and what else it may have been."""

    outcome: ExtractOutcome
    detail: str = ""
    candidates: tuple[Candidate, ...] = ()


class Failed(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag="failed"):
    """A reading that raised inside the worker: `memory` when the page needed too much, `defect` for anything else."""

    reason: str
    detail: str = ""


Answer = Reading | NoArticle
Sent = Reading | NoArticle | Failed
_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Sent] = msgspec.msgpack.Decoder(Sent)


def pack(answer: Sent) -> bytes:
    """The bytes that a worker sends: several times cheaper to read than a pickle."""
    return _ENCODER.encode(answer)


def unpack(packed: bytes) -> Sent:
    """The answer in `packed`."""
    return _DECODER.decode(packed)
