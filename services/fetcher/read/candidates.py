"""Where a site may have feeds, sitemaps and listings, and which of those that were looked at are the best. Pure.

Looked for, in this order: `link rel=alternate` of the types of feeds, `Sitemap` lines of robots.txt, links that look
like feeds, and well-known addresses of what was not found until then.

The best: what works; feeds before sitemaps before listings (a feed states most); then what names its entries and their
times, and has many of them; comments of readers last.

Left out on purpose: feeds of other domains than that of the page, but for those that the page itself names in its head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from services.fetcher.read.feed import Feed, FeedEntry
from services.fetcher.read.read_listing import joined, page_tree
from services.fetcher.sources import SourceKind
from shared.urls import canonical, registered_domain

MOST = 24
"""Addresses looked at in one site."""

TYPES = frozenset({
    "application/rss+xml", "application/atom+xml", "application/feed+json", "application/json", "application/rdf+xml",
    "application/xml", "text/xml", "application/x-rss+xml",
})  # fmt: skip
FEEDS = ("/feed/", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json")
SITEMAPS = ("/news-sitemap.xml", "/sitemap-news.xml", "/sitemap_news.xml", "/sitemap.xml", "/sitemap_index.xml")
_LIKE_A_FEED = re.compile(r"(?:^|[/._=-])(?:rss|feeds?|atom|rdf)(?:[/._?&=-]|\d*$)|\.(?:rss|rdf|atom)$", re.IGNORECASE)
_COMMENTS = re.compile(r"comments?\b|koment", re.IGNORECASE)
ORDER = {SourceKind.FEED: 0, SourceKind.SITEMAP: 1, SourceKind.LISTING: 2}


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be a source: `kind` is what it would be, `found_by` says where it stood."""

    url: str
    kind: SourceKind
    found_by: str


@dataclass(frozen=True, slots=True)
class Tried:
    """A candidate that was looked at: what it serves, or why it cannot be used; `url` is where it was in the end."""

    candidate: Candidate
    url: str
    feed: Feed | None = None
    remark: str = ""


def of_page(body: bytes, url: str) -> list[Candidate]:
    """The feeds that a page had at `url` points to."""
    root = page_tree(body)
    if root is None:
        return []
    named = [
        Candidate(joined(url, link.get("href", "")), SourceKind.FEED, "link")
        for link in root.iter("link")
        if "alternate" in (link.get("rel") or "").lower().split() and _type(link.get("type")) in TYPES
    ]
    domain = registered_domain(url)
    places = [joined(url, link.get("href", "")) for link in root.iter("a") if link.get("href")]
    linked = [
        Candidate(place, SourceKind.FEED, "anchor") for place in places
        if registered_domain(place) == domain and _LIKE_A_FEED.search(_after_host(place))
    ]  # fmt: skip
    return distinct([*named, *linked])


def of_robots(lines: Iterable[str]) -> list[Candidate]:
    """The sitemaps that robots.txt names, those of news first."""
    return [
        Candidate(url, SourceKind.SITEMAP, "robots") for url in sorted(lines, key=lambda url: "news" not in url.lower())
    ]


def well_known(url: str, found: Iterable[Candidate]) -> list[Candidate]:
    """The usual addresses of kinds that were not found."""
    kinds = {candidate.kind for candidate in found}
    paths = [(path, SourceKind.FEED) for path in FEEDS] + [(path, SourceKind.SITEMAP) for path in SITEMAPS]
    return [Candidate(urljoin(url, path), kind, "well-known") for path, kind in paths if kind not in kinds]


def distinct(found: Iterable[Candidate]) -> list[Candidate]:
    """At most MOST of them, each address once, the first way to it."""
    by_key: dict[str, Candidate] = {}
    for candidate in found:
        if candidate.url:
            by_key.setdefault(canonical(candidate.url) + f"#{_after_host(candidate.url)}", candidate)
    return list(by_key.values())[:MOST]


def ranked(tried: Iterable[Tried]) -> list[Tried]:
    """The best first; of several that serve the same entries the best alone."""
    ordered = sorted(tried, key=_rank)
    seen: dict[tuple[str, ...], Tried] = {}
    for number, one in enumerate(ordered):
        entries = tuple(sorted({entry.link for entry in one.feed.entries})) if one.feed else ()
        seen.setdefault((one.candidate.kind, *entries) if entries else (str(number), one.url), one)
    return list(seen.values())


def sample(feed: Feed, most: int = 3) -> Sequence[FeedEntry]:
    """The newest entries, else the first."""
    dated = sorted((entry for entry in feed.entries if entry.published), key=_published, reverse=True)
    return (dated or feed.entries)[:most]


def newest(feed: Feed) -> datetime | None:
    """The time of the newest entry."""
    return max((entry.published for entry in feed.entries if entry.published), default=None)


def _published(entry: FeedEntry) -> float:
    return entry.published.timestamp() if entry.published else 0.0


def _rank(one: Tried) -> tuple[object, ...]:
    feed = one.feed
    if feed is None or not (feed.entries or feed.children):
        return (1, ORDER[one.candidate.kind], 0, 0, 0, one.url)
    entries = len(feed.entries) or 1
    told = sum(bool(entry.title) + bool(entry.published) for entry in feed.entries) / (2 * entries)
    comments = bool(_COMMENTS.search(one.url) or _COMMENTS.search(feed.title))
    return (0, comments, ORDER[one.candidate.kind], -round(told, 1), -min(entries, 50), one.url)


def _type(value: str | None) -> str:
    return (value or "").partition(";")[0].strip().lower()


def _after_host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
