"""JSON Feed 1 and 1.1 to a feed.

Left out on purpose: attachments, and the `_` extensions.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from services.fetcher.read import texts
from services.fetcher.read.dates import read_date
from services.fetcher.read.feed import MOST_ENTRIES, Damage, Details, Feed, FeedEntry, Unusable
from services.fetcher.read.hints import read_json_head
from services.fetcher.read.read_feed import moments, place
from services.fetcher.read.texts import LONGEST_CONTENT, LONGEST_TEXT

WHEN = ("published", "modified")


def looks_json(body: bytes) -> bool:
    """Whether the first character is one that a JSON Feed begins with."""
    return body[:1_024].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read_json(body: bytes) -> Feed | Unusable:
    """The feed in a JSON document."""
    try:
        found = _loaded(body)
    except (ValueError, RecursionError) as error:
        return Unusable(Damage.BROKEN, f"broken JSON: {error}"[:200])
    if not isinstance(found, dict) or not isinstance(found.get("items"), list):
        return Unusable(Damage.NOT_A_FEED, "JSON, but no feed")
    head, items = read_json_head(found), found["items"]
    return Feed(
        kind="json",
        title=texts.title(found.get("title"), markup=False),
        link=texts.line(found.get("home_page_url")),
        language=texts.line(found.get("language")),
        hub=head.hub,
        self_link=head.self_link,
        entries=tuple(_entry(item) for item in items[:MOST_ENTRIES] if isinstance(item, dict)),
        cut=max(0, len(items) - MOST_ENTRIES),
    )


def _loaded(body: bytes) -> Any:
    """Strictly first, which is the quicker way, too; then with control characters in strings, as some write them."""
    try:
        return msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(body.decode("utf-8-sig"), strict=False)


def _entry(item: Mapping[str, Any]) -> FeedEntry:
    """JSON Feed 1.1, section "Items"; an id may be a number in the wild."""
    published, updated, flags = moments(*(read_date(texts.line(item.get(f"date_{when}"))) for when in WHEN))
    guid = texts.line(item.get("id"))
    link = place(texts.line(item.get("url") or item.get("external_url")), guid)
    return FeedEntry(
        id="" if guid == link else guid,
        title=texts.title(item.get("title")),
        link=link,
        published=published,
        updated=updated,
        flags=flags,
        details=functools.partial(_details, item),
    )


def _details(item: Mapping[str, Any]) -> Details:
    return Details(
        summary=texts.body(item.get("summary"), LONGEST_TEXT),
        content=texts.body(item.get("content_html") or item.get("content_text"), LONGEST_CONTENT),
        authors=_authors(item),
        categories=_tags(item.get("tags")),
    )


def _authors(item: Mapping[str, Any]) -> tuple[str, ...]:
    stated = item.get("authors")
    authors = stated if isinstance(stated, list) else [item.get("author")]
    named = [texts.line(author.get("name")) for author in authors if isinstance(author, dict)]
    return tuple(name for name in named if name)[:10]


def _tags(stated: Any) -> tuple[str, ...]:
    tags = [texts.line(tag) for tag in stated if isinstance(tag, str)] if isinstance(stated, list) else []
    return tuple(tag for tag in tags if tag)[:30]
