"""Feed bytes to a feed: RSS, RDF, Atom and JSON Feed, with damage told apart.

fastfeedparser reads first (1,870 real feeds a second); feedparser (15 a second, the best at repairs) where the first
finds no entry. The first reads dates by guessing (a numeric guid becomes a date, `04.03.2025` becomes April), so its
dates are kept only where every date in the document has an exact form; else they are read again from the elements.

An entry without its own id has the id "" here, whichever parser read it: identities are made from links then.

Left out on purpose: media and comments, which nobody reads yet.
"""

from __future__ import annotations

import html
import io
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import fastfeedparser
from lxml import etree

from services.fetcher.dates import Stated, read_date
from services.fetcher.hints import NO_HINTS, Head, Hints, read_head, read_json_head

MOST_ENTRIES = 2_000
"""A feed of more is an archive; the newest stand first (the bound of Media Cloud's fetcher)."""

LONGEST_CONTENT = 200_000
LONGEST_TEXT = 20_000
LONGEST_LINE = 2_048
"""Characters kept of a body, of a summary, and of titles, links and ids."""

REPAIRABLE = 2_000_000
"""Bytes up to which feedparser may try: its time grows to seconds beyond."""

HEAD = 8_192


class Damage(StrEnum):
    """Why bytes are no feed."""

    NOT_A_FEED = "not_a_feed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Unusable:
    """What came instead of a feed; `detail` is for people."""

    damage: Damage
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One entry as the feed states it. `flags`: `zoneless`, `dateless`, `date_unread`."""

    id: str = ""
    title: str = ""
    link: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    summary: str = ""
    content: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A feed; `kind` is rss, atom or json; no entries is a valid feed. `hub` and `self_link` are those of WebSub."""

    kind: str
    title: str = ""
    link: str = ""
    language: str = ""
    hub: str = ""
    self_link: str = ""
    hints: Hints = NO_HINTS
    entries: tuple[FeedEntry, ...] = ()


def parse_feed(body: bytes) -> Feed | Unusable:
    """The feed in `body` (decoded of its content coding, in its own character set)."""
    if not body.strip():
        return Unusable(Damage.BROKEN, "the body is empty")
    if _looks_json(body):
        return _parse_json(body)
    kind = _kind(body)
    if kind is None:
        return Unusable(Damage.NOT_A_FEED, _what_instead(body))
    feed = _quick(body, kind)
    if feed is None or not feed.entries:
        feed = _thorough(body, kind) or feed
    if feed is not None and (feed.entries or _is_well_formed(body)):
        head = _head(body)
        return replace(feed, hints=head.hints, hub=head.hub, self_link=head.self_link)
    return Unusable(Damage.BROKEN, _first_error(body))


# -- what kind of thing it is -------------------------------------------------------------------------------------

_ROOT = re.compile(rb"<(?:[a-z0-9]+:)?(rss|feed|rdf)[\s>/]", re.IGNORECASE)
_PAGE = re.compile(rb"<(?:html|head|body)[\s>]", re.IGNORECASE)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)


def _looks_json(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _kind(body: bytes) -> str | None:
    """`rss` or `atom` by the root element, which PHP warnings and comments may precede; None when there is none."""
    head = _narrow(body[:HEAD])
    root = _ROOT.search(head)
    page = _PAGE.search(head)
    if root is None or (page is not None and page.start() < root.start()):
        return None
    return "atom" if root[1].lower() == b"feed" else "rss"


def _narrow(head: bytes) -> bytes:
    """UTF-16 as ASCII, so that tags can be found."""
    return head.replace(b"\x00", b"") if b"\x00" in head[:200] else head


def _what_instead(body: bytes) -> str:
    head = _narrow(body[:HEAD])
    if _HTML.search(head):
        title = re.search(rb"<title[^>]*>(.*?)</title", head, re.IGNORECASE | re.DOTALL)
        named = f": {_line(title[1].decode('utf-8', 'replace'))[:80]}" if title else ""
        return f"a web page{named}"
    return "XML, but no feed" if head.lstrip().startswith(b"<") else "neither XML nor JSON"


def _is_well_formed(body: bytes) -> bool:
    return not _first_error(body)


def _first_error(body: bytes) -> str:
    """The first mistake in the XML, "" when there is none."""
    try:
        etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        return f"broken XML: {error}"[:200]
    return ""


def _head(body: bytes) -> Head:
    """What stands beside the entries, in the channel or in the root."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(body.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return Head()
    if root is None:
        return Head()
    channel = next((child for child in root if _local(child) == "channel"), root)
    return read_head(channel)


# -- the quick way ------------------------------------------------------------------------------------------------


def _quick(body: bytes, kind: str) -> Feed | None:
    try:
        found = fastfeedparser.parse(body, include_media=False, include_enclosures=False)
    except Exception:  # noqa: BLE001 - whatever a parser makes of hostile bytes, the thorough one is asked next
        return None
    entries = tuple(_entry(raw) for raw in found["entries"][:MOST_ENTRIES])
    if kind != "json" and not _dates_are_exact(body, len(found["entries"])):
        entries = _dated_again(body, entries)
    facts = found["feed"]
    language = _line(facts.get("language")) or _language(body)
    return Feed(
        kind=kind,
        title=_title(facts.get("title")),
        link=_line(facts.get("link")),
        language=language,
        entries=_told(entries),
    )


def _entry(raw: Mapping[str, Any]) -> FeedEntry:
    guid = _line(raw.get("id"))
    link = _link(raw.get("link"), guid)
    dates = {name: read_date(raw.get(name)) for name in ("published", "updated")}
    return FeedEntry(
        id="" if guid == link else guid,
        title=_title(raw.get("title")),
        link=link,
        summary=_text(raw.get("description") or raw.get("summary"), LONGEST_TEXT),
        content=_content(raw),
        authors=_names(raw),
        categories=_terms(raw),
        **_moments(dates["published"], dates["updated"]),
    )


def _link(value: Any, guid: str) -> str:
    """The link of an entry; its id where that is an address and there is no other."""
    return _line(value) or (guid if guid.lower().startswith(("http://", "https://")) else "")


def _told(entries: Iterable[FeedEntry]) -> tuple[FeedEntry, ...]:
    """The entries that say anything at all; a cut feed ends in one that does not."""
    return tuple(entry for entry in entries if entry.id or entry.link or entry.title or entry.summary)


def _moments(published: Stated | None, updated: Stated | None) -> dict[str, Any]:
    flags = () if published or updated else ("dateless",)
    if published and not published.zoned:
        flags = ("zoneless",)
    return {
        "published": (published or updated).at if published or updated else None,  # type: ignore[union-attr]
        "updated": updated.at if updated else None,
        "flags": flags,
    }


def _content(raw: Mapping[str, Any]) -> str:
    """The longest body of the entry; feeds offer the same one in several types."""
    values = [_text(part.get("value"), LONGEST_CONTENT) for part in raw.get("content") or () if isinstance(part, dict)]
    return max(values, key=len, default="")


def _names(raw: Mapping[str, Any]) -> tuple[str, ...]:
    named = [_line(part.get("name")) for part in raw.get("authors") or () if isinstance(part, dict)]
    return tuple(dict.fromkeys(name for name in [*named, _line(raw.get("author"))] if name))[:10]


def _terms(raw: Mapping[str, Any]) -> tuple[str, ...]:
    terms = [_line(part.get("term")) for part in raw.get("tags") or () if isinstance(part, dict)]
    return tuple(dict.fromkeys(term for term in terms if term))[:30]


# -- dates --------------------------------------------------------------------------------------------------------

_DATE_TAGS = frozenset({"pubdate", "date", "published", "issued", "created"})
_CHANGE_TAGS = frozenset({"updated", "modified", "lastbuilddate"})
_DATE_TEXT = re.compile(
    rb"<(?:[a-z0-9]+:)?(?:pubdate|date|published|issued|updated|modified)(?:\s[^>]*)?>\s*(?:<!\[CDATA\[)?\s*([^<\]]*)",
    re.IGNORECASE,
)
_ITEM = re.compile(rb"<(?:[a-z0-9]+:)?(?:item|entry)[\s>]", re.IGNORECASE)


def _dates_are_exact(body: bytes, entries: int) -> bool:
    """Whether every date has an exact form with its zone, and there are enough for all entries to have one.

    Only the part from the first item on counts: a channel's own date is not read.
    """
    first = _ITEM.search(body)
    if first is None:
        return False  # UTF-16 and the like: ask the tree
    found = _DATE_TEXT.findall(body, first.start())
    if len(found) < entries:
        return False
    return all((stated := read_date(text.decode("latin-1"))) is not None and stated.zoned for text in found)


def _dated_again(body: bytes, entries: tuple[FeedEntry, ...]) -> tuple[FeedEntry, ...]:
    """The same entries with the dates their own elements state. When the elements cannot be matched one to one,
    the parser's dates are dropped: no date is better than a guess."""
    stated = list(_stated_dates(body))
    if len(stated) < len(entries):
        return tuple(replace(entry, published=None, updated=None, flags=("date_unread",)) for entry in entries)
    return tuple(replace(entry, **_moments(*pair)) for entry, pair in zip(entries, stated, strict=False))


def _stated_dates(body: bytes) -> Iterator[tuple[Stated | None, Stated | None]]:
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(body.lstrip(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return
    for element in root.iter() if root is not None else ():
        if _local(element) in ("item", "entry"):
            yield _first_date(element, _DATE_TAGS), _first_date(element, _CHANGE_TAGS)


def _first_date(item: Any, names: frozenset[str]) -> Stated | None:
    dates = (read_date(child.text) for child in item if _local(child) in names)
    return next((found for found in dates if found is not None), None)


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""


# -- JSON Feed ----------------------------------------------------------------------------------------------------


def _parse_json(body: bytes) -> Feed | Unusable:
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        return Unusable(Damage.BROKEN, f"broken JSON: {error}"[:200])
    if not isinstance(found, dict) or not isinstance(found.get("items"), list):
        return Unusable(Damage.NOT_A_FEED, "JSON, but no feed")
    items = [item for item in found["items"][:MOST_ENTRIES] if isinstance(item, dict)]
    head = read_json_head(found)
    return Feed(
        kind="json",
        title=_title(found.get("title")),
        link=_line(found.get("home_page_url")),
        language=_line(found.get("language")),
        hub=head.hub,
        self_link=head.self_link,
        entries=tuple(_json_entry(item) for item in items),
    )


def _json_entry(item: Mapping[str, Any]) -> FeedEntry:
    """JSON Feed 1.1, section "Items"; an id may be a number in the wild."""
    guid = _line(item.get("id"))
    link = _link(item.get("url") or item.get("external_url"), guid)
    authors = item.get("authors") or [item.get("author")]
    named = [_line(author.get("name")) for author in authors if isinstance(author, dict)]
    return FeedEntry(
        id="" if guid == link else guid,
        title=_title(item.get("title")),
        link=link,
        summary=_text(item.get("summary"), LONGEST_TEXT),
        content=_text(item.get("content_html") or item.get("content_text"), LONGEST_CONTENT),
        authors=tuple(name for name in named if name),
        categories=tuple(_line(tag) for tag in item.get("tags") or () if isinstance(tag, str)),
        **_moments(read_date(_line(item.get("date_published"))), read_date(_line(item.get("date_modified")))),
    )


# -- the thorough way ---------------------------------------------------------------------------------------------


def _thorough(body: bytes, kind: str) -> Feed | None:
    """feedparser's reading, None when it finds no entry either. Never given a string: it would open a file or an
    address of that name."""
    if len(body) > REPAIRABLE:
        return None
    import feedparser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations say nothing about the feed
        try:
            found = feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
        except Exception:  # noqa: BLE001 - whatever a parser makes of hostile bytes, the feed is broken
            return None
    entries = _told(_repaired(raw) for raw in found.entries[:MOST_ENTRIES])
    if not entries:
        return None
    facts = found.feed
    return Feed(
        kind="atom" if str(found.get("version", kind)).startswith("atom") else kind,
        title=_title(facts.get("title")),
        link=_line(facts.get("link")),
        language=_line(facts.get("language")),
        entries=entries,
    )


def _repaired(raw: Mapping[str, Any]) -> FeedEntry:
    guid = _line(raw.get("id"))
    link = _link(raw.get("link"), guid)
    return FeedEntry(
        id="" if guid == link else guid,
        title=_title(raw.get("title")),
        link=link,
        summary=_text(raw.get("summary"), LONGEST_TEXT),
        content=_content(raw),
        authors=_names(raw),
        categories=_terms(raw),
        **_moments(read_date(raw.get("published")), read_date(raw.get("updated"))),
    )


# -- text ---------------------------------------------------------------------------------------------------------

_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
_CONTROL = bytes(code for code in (*range(32), 127) if code not in b"\t\n\r")
_LANGUAGE = re.compile(
    rb"<(?:dc:)?language>\s*(?:<!\[CDATA\[)?\s*([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)", re.IGNORECASE
)


def _language(body: bytes) -> str:
    """The channel's language, which the quick parser does not read."""
    match = _LANGUAGE.search(body[:HEAD])
    return match[1].decode("ascii") if match else ""


def _line(value: Any) -> str:
    """One line of text, of bounded length."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return " ".join(_clean(str(value)).split())[:LONGEST_LINE]


def _title(value: Any) -> str:
    """A title as people read it: titles are HTML in many feeds, whatever they declare."""
    text = _line(value)
    if "<" in text:
        text = _line(_TAG.sub("", text))
    return _line(html.unescape(text)) if "&" in text else text


def _text(value: Any, longest: int) -> str:
    return _clean(value).strip()[:longest] if isinstance(value, str) else ""


def _clean(text: str) -> str:
    """Without control characters and lone surrogates, neither of which JSON and databases take (as bytes: ten times
    quicker than by pattern)."""
    return text.encode("utf-8", "ignore").translate(None, _CONTROL).decode("utf-8")
