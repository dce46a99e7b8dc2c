"""What a feed is once it is read, whatever it was written in.

An entry without its own id has the id "" here, whichever reader read it: identities are made from links then.

Left out on purpose: media and comments, which nobody reads yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import msgspec

from services.fetcher.read.hints import NO_HINTS, Hints

MOST_ENTRIES = 10_000
"""5 MB of the shortest real entries (500 bytes each); those beyond are counted (`Feed.cut`)."""


class Damage(StrEnum):
    """Why bytes are no feed."""

    NOT_A_FEED = "not_a_feed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Unusable:
    """What came instead of a feed; `detail` is for people."""

    damage: Damage
    detail: str


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """What is only read of an entry that is new."""

    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()


class Unread(Protocol):
    """Details that stand in their document yet."""

    def __call__(self) -> Details:
        """Read them. Never raises."""


class FeedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as the feed states it. `flags`: `zoneless`, `dateless`. A struct: thousands are made a second.

    Most entries of a poll were seen before, and nobody asks for their details again: to read those of all entries would
    take longer than everything else."""

    id: str = ""
    title: str = ""
    link: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    flags: tuple[str, ...] = ()
    details: Details | Unread = Details()

    @property
    def read(self) -> Details:
        """Summary, content, authors and categories."""
        return self.details if isinstance(self.details, Details) else self.details()


class Child(msgspec.Struct, frozen=True):
    """A sitemap that an index names, and when it was changed last as the index states it."""

    url: str
    changed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed; `kind` is rss, atom, json, sitemap or listing; no entries is a valid feed. `hub` and `self_link` are
    those of WebSub, `cut` is the number of entries that were left out because there are too many; `children` are the
    sitemaps that a sitemap index names, `shapes` those of the addresses by which a listing page was learned."""

    kind: str
    title: str = ""
    link: str = ""
    language: str = ""
    hub: str = ""
    self_link: str = ""
    hints: Hints = NO_HINTS
    entries: tuple[FeedEntry, ...] = ()
    cut: int = 0
    children: tuple[Child, ...] = ()
    shapes: frozenset[str] = frozenset()
