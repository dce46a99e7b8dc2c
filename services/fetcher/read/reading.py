"""The body of a source's answer to a feed: the one place that knows which kind of source is read how."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from services.fetcher.read.feed import Feed, Unusable
from services.fetcher.read.parse import parse_feed
from services.fetcher.read.read_listing import read_listing
from services.fetcher.read.read_sitemap import LARGEST, read_sitemap
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source, SourceKind
from shared.http import Limits

_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
AWAY = 256_000
"""Bytes from which reading leaves the event loop for a thread (about 2 ms)."""

AWAY_PAGE = 20_000
"""The same of a page or packed sitemap, which take more time a byte."""


async def read_body(
    source: Source, body: bytes, url: str, content_type: str = "", shapes: frozenset[str] = frozenset()
) -> Feed | Unusable:
    """What `body`, had at `url` as `content_type` (the header), tells of `source`; `shapes` are those by which a
    listing page is known."""
    away = AWAY if source.kind not in (SourceKind.LISTING, SourceKind.SITEMAP) else AWAY_PAGE
    asked = (source, body, url, charset_of(content_type), shapes)
    return read(*asked) if len(body) < away else await asyncio.to_thread(read, *asked)


def read(
    source: Source, body: bytes, url: str, charset: str = "", shapes: frozenset[str] = frozenset()
) -> Feed | Unusable:
    """The same at once."""
    if source.kind is SourceKind.SITEMAP:
        return read_sitemap(body)
    if source.kind is SourceKind.LISTING:
        return read_listing(body, url, source.selectors, shapes)
    return parse_feed(body, charset)


def charset_of(content_type: str) -> str:
    """The character set that a Content-Type names, "" where it names none."""
    match = _CHARSET.search(content_type)
    return match[1].lower() if match else ""


def obeys_robots(source: Source, settings: FetcherSettings) -> bool:
    """Whether robots.txt is asked before a source is polled: listings are pages, the others the operator named."""
    return source.robots and (settings.robots if source.kind is SourceKind.LISTING else settings.robots_feeds)


def limits_for(source: Source, usual: Limits) -> Limits:
    """Sitemaps may be larger than feeds and pages."""
    return replace(usual, body=LARGEST) if source.kind is SourceKind.SITEMAP else usual
