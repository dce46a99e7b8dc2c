"""Sitemap bytes to a feed: news sitemaps, plain lists of addresses, and indexes, each also as gzip.

What the news namespace states (title, time of publication, keywords, name and language of the publication) is taken at
once: nothing has to be fetched to know it. In a plain list the time of change stands in for that of publication. Of a
list that states times only the addresses of its last days are read, counted back from its newest: the rest is an
archive, and addresses without a time are its sections. Addresses beyond 50,000 are counted (`cut`).

Sources: the protocol of sitemaps.org 0.9 (50,000 addresses a file), Google's news extension 0.9.

Left out on purpose: images, videos and translations; lists as plain text; indexes inside an index, which the protocol
forbids.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from services.fetcher.read import texts
from services.fetcher.read.charset import decode, is_plain
from services.fetcher.read.dates import read_date
from services.fetcher.read.feed import Child, Damage, Details, Feed, FeedEntry, Unusable
from services.fetcher.read.hints import local
from services.fetcher.read.mend import cut, mend, tree
from services.fetcher.read.read_feed import moments

LARGEST = 20_000_000
"""Bytes of a sitemap after unpacking. The protocol allows 50 MB; news sitemaps of 1,000 addresses have about 1 MB."""

MOST_PLACES = 50_000
RECENT = timedelta(days=7)
HEAD = 8_192
GZIP = b"\x1f\x8b"
_ROOT = re.compile(rb"<(?:[a-z0-9]+:)?(?:urlset|sitemapindex)[\s>]", re.IGNORECASE)


def read_sitemap(body: bytes) -> Feed | Unusable:
    """The sitemap in `body`, packed or not."""
    unpacked = _unpacked(body)
    if unpacked is None:
        return Unusable(Damage.BROKEN, f"gzip that is damaged or larger than {LARGEST // 1_000_000} MB")
    if not looks_like_sitemap(unpacked):
        return Unusable(Damage.NOT_A_FEED, "no sitemap" if unpacked.strip() else "the body is empty")
    root, _ = tree(unpacked.lstrip()) if _is_usual(unpacked) else tree(_mended(unpacked))
    if root is None:
        return Unusable(Damage.BROKEN, "broken XML")
    return _index(root) if local(root) == "sitemapindex" else _list(root)


def looks_like_sitemap(body: bytes) -> bool:
    """Whether the root element is one of a sitemap's. Packed bodies are told by `GZIP`."""
    head = body[:HEAD]
    return bool(_ROOT.search(head.replace(b"\x00", b"")))


def _unpacked(body: bytes) -> bytes | None:
    """At most LARGEST bytes: what unpacks to more is refused before it is built."""
    if not body.startswith(GZIP):
        return body
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(body, LARGEST)
    except zlib.error:
        return None
    return found if unpacker.eof or not unpacker.unconsumed_tail else None


def _is_usual(body: bytes) -> bool:
    return is_plain(body) and b"<!DOCTYPE" not in body[:HEAD] and b"\x00" not in body


def _mended(body: bytes) -> bytes:
    text, entities = cut(decode(body))
    return mend(text, entities).encode("utf-8", "replace")


def _index(root: Any) -> Feed:
    children = []
    for element in root:
        if local(element) == "sitemap":
            named = _named(element)
            changed = read_date(_text(named, "lastmod"))
            children.append(Child(_line(named, "loc"), changed.at if changed else None))
    return Feed(kind="sitemap", children=tuple(child for child in children if child.url)[:MOST_PLACES])


def _list(root: Any) -> Feed:
    places = [_named(element) for element in root if local(element) == "url"]
    entries = [_entry(named) for named in places[:MOST_PLACES]]
    recent = _recent([entry for entry in entries if entry.link])
    publications = [_named(named["news"]) for named in places[:MOST_PLACES] if "news" in named]
    about = [_named(named["publication"]) for named in publications if "publication" in named]
    return Feed(
        kind="sitemap",
        title=_usual(_line(named, "name") for named in about),
        language=_usual(_line(named, "language") for named in about),
        entries=tuple(recent),
        cut=max(0, len(places) - MOST_PLACES),
    )


def _entry(named: Mapping[str, Any]) -> FeedEntry:
    news = _named(named["news"]) if "news" in named else {}
    stated, changed = read_date(_text(news, "publication_date")), read_date(_text(named, "lastmod"))
    published, updated, flags = moments(stated, changed)
    return FeedEntry(
        link=_line(named, "loc"),
        title=texts.title(_text(news, "title")),
        published=published,
        updated=updated,
        flags=flags,
        details=functools.partial(_details, news) if "keywords" in news else Details(),
    )


def _details(news: Mapping[str, Any]) -> Details:
    words = (texts.line(word) for word in _text(news, "keywords").split(","))
    return Details(categories=tuple(dict.fromkeys(word for word in words if word))[:30])


def _recent(entries: list[FeedEntry]) -> list[FeedEntry]:
    dates = [entry.published for entry in entries if entry.published]
    if not dates:
        return entries
    since = max(dates) - RECENT
    return [entry for entry in entries if entry.published and entry.published >= since]


def _named(element: Any) -> dict[str, Any]:
    """The children of an element by their local name; of two the first counts."""
    found: dict[str, Any] = {}
    for child in element:
        found.setdefault(local(child), child)
    return found


def _text(named: Mapping[str, Any], name: str) -> str:
    return (named[name].text or "") if name in named else ""


def _line(named: Mapping[str, Any], name: str) -> str:
    return texts.line(_text(named, name))


def _usual(values: Iterable[str]) -> str:
    """The most frequent value; of equally frequent ones the first in the alphabet."""
    counted = Counter(value for value in values if value)
    return min(counted, key=lambda value: (-counted[value], value), default="")
