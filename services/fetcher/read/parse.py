"""Feed bytes to a feed: RSS, RDF, Atom and JSON Feed, with damage told apart.

Three ways, each for what the one before could not read whole. Most feeds are UTF-8 without a mistake: their long texts
are lifted out (`lift`), the rest is parsed and its elements read (`read_feed`). One in another character set, with a
document type or a mistake in its markup is decoded and mended first (`charset`, `mend`). Where tags do not match, or no
entry was found, feedparser reads it, too (15 feeds a second, the best at repairs), and the reading with more entries
counts.

Hostile documents: no entity is resolved and no network asked; a document type is dropped before parsing; nesting and
sizes are bounded by the parser (`huge_tree` is off); what the parser gave up for its depth is not tried again.

Left out on purpose: media and comments, which nobody reads yet.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lxml import etree

from services.fetcher.read import texts
from services.fetcher.read.charset import decode, is_plain
from services.fetcher.read.dates import read_date
from services.fetcher.read.feed import MOST_ENTRIES, Damage, Details, Feed, FeedEntry, Unusable
from services.fetcher.read.lift import Pieces, lift
from services.fetcher.read.mend import cut, mend, tree
from services.fetcher.read.read_feed import moments, place, read_feed
from services.fetcher.read.read_json import looks_json, read_json
from services.fetcher.read.texts import LONGEST_CONTENT, LONGEST_TEXT

__all__ = ["MOST_ENTRIES", "Damage", "Details", "Feed", "FeedEntry", "Unusable", "parse_feed"]

REPAIRABLE = 1_000_000
"""Bytes up to which feedparser may try: a hostile document of that size takes it up to 4 s, a real one 0.1 s."""

HEAD = 8_192

REFERENCES = frozenset(
    getattr(etree.ErrorTypes, name)
    for name in ("ERR_UNDECLARED_ENTITY", "WAR_UNDECLARED_ENTITY", "ERR_NAME_REQUIRED", "ERR_ENTITYREF_SEMICOL_MISSING",
                 "ERR_ENTITYREF_NO_NAME", "ERR_INVALID_CHARREF", "ERR_INVALID_HEX_CHARREF", "ERR_INVALID_DEC_CHARREF")
)  # fmt: skip
"""Mistakes in references, the usual ones, that need no other reading of the bytes."""

TOO_DEEP = frozenset({etree.ErrorTypes.ERR_RESOURCE_LIMIT, etree.ErrorTypes.ERR_NAME_TOO_LONG})
"""What only hostile documents do: feedparser would take seconds over them."""


def parse_feed(body: bytes, charset: str = "") -> Feed | Unusable:
    """The feed in `body` (decoded of its content coding, in its own character set); `charset` is that of its HTTP
    header, which counts where the document states none or a wrong one."""
    if not body[:HEAD].strip() and not body.strip():
        return Unusable(Damage.BROKEN, "the body is empty")
    if looks_json(body):
        return read_json(body)
    kind = _kind(body)
    if kind is None:
        return Unusable(Damage.NOT_A_FEED, _what_instead(body))
    return _quickly(body, kind) or _patiently(body, kind, charset)


# -- what kind of thing it is -------------------------------------------------------------------------------------

_ROOT = re.compile(rb"<(?:[a-z0-9]+:)?(rss|feed|rdf|channel)[\s>/]", re.IGNORECASE)
_PAGE = re.compile(rb"<(?:html|head|body)[\s>]", re.IGNORECASE)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)[\s>]", re.IGNORECASE)


def _kind(body: bytes) -> str | None:
    """`rss` or `atom` by the root element, which PHP warnings and comments may precede; None when there is none."""
    head = narrow(body[:HEAD])
    root = _ROOT.search(head)
    if root is None or _PAGE.search(head, 0, root.start()):
        return None
    return "atom" if root[1].lower() == b"feed" else "rss"


def narrow(head: bytes) -> bytes:
    """UTF-16 and EBCDIC as ASCII, so that tags can be found."""
    if head.startswith(b"Lo\xa7\x94"):
        return head.decode("cp037").encode("ascii", "replace")
    return head.replace(b"\x00", b"") if b"\x00" in head[:200] else head


def _what_instead(body: bytes) -> str:
    head = narrow(body[:HEAD])
    if _HTML.search(head):
        title = re.search(rb"<title[^>]*>(.*?)</title", head, re.IGNORECASE | re.DOTALL)
        named = f": {texts.line(title[1].decode('utf-8', 'replace'))[:80]}" if title else ""
        return f"a web page{named}"
    return "XML, but no feed" if head.lstrip().startswith(b"<") else "neither XML nor JSON"


_ITEM = re.compile(rb"<(?:[a-z0-9]+:)?(?:item|entry)[\s>/]", re.IGNORECASE)
_END = re.compile(rb"</(?:[a-z0-9]+:)?(?:rss|feed|rdf|channel)\b", re.IGNORECASE)


# -- three ways ---------------------------------------------------------------------------------------------------


def _quickly(body: bytes, kind: str) -> Feed | None:
    """The feed where it is plain UTF-8 without a mistake, else None."""
    if not is_plain(body) or b"<!DOCTYPE" in body[:HEAD] or b"\x00" in body:
        return None
    small, pieces = lift(body if body[0] == ord("<") else body.lstrip())
    feed, mistakes = _read(small, pieces, kind)
    if mistakes and not mistakes - REFERENCES:
        feed, mistakes = _read(mend(small.decode("utf-8", "replace"), {}).encode(), pieces, kind)
    if mistakes or feed is None or (not feed.entries and _ITEM.search(body)):
        return None
    return feed


def _patiently(body: bytes, kind: str, charset: str) -> Feed | Unusable:
    """The feed after decoding and mending it."""
    text, entities = cut(decode(body, charset))
    document = text.encode("utf-8", "replace")
    small, pieces = (document, Pieces()) if entities else lift(document)
    feed, mistakes = _read(mend(small.decode(), entities).encode(), pieces, kind)
    if feed is not None and mistakes:
        feed = replace(feed, entries=tuple(filter(_says_anything, feed.entries)))
    entries = len(feed.entries) if feed else 0
    if (mistakes or not entries) and not mistakes & TOO_DEEP:
        other = _thoroughly(mend(text, entities).encode("utf-8", "replace"), kind)
        if other is not None and (len(other.entries) > entries or (mistakes and len(other.entries) == entries)):
            return other
    if feed is not None and (entries or not mistakes or ((feed.title or feed.link) and _END.search(body[-HEAD:]))):
        return feed
    return Unusable(Damage.BROKEN, first_error(body))


def _says_anything(entry: FeedEntry) -> bool:
    """A cut feed ends in an entry that does not."""
    return bool(entry.id or entry.link or entry.title or entry.published or entry.read.summary or entry.read.content)


def _read(document: bytes, pieces: Pieces, kind: str) -> tuple[Feed | None, set[int]]:
    """The feed in a document in UTF-8, and the kinds of mistakes that may have cost text."""
    root, mistakes = tree(document)
    return None if root is None else read_feed(root, pieces, kind, based=b"xml:base" in document), mistakes


def first_error(body: bytes) -> str:
    """The first mistake in the XML, "" when there is none."""
    try:
        etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except (etree.XMLSyntaxError, ValueError) as error:
        return f"broken XML: {error}"[:200]
    return "broken XML"


def _thoroughly(document: bytes, kind: str) -> Feed | None:
    """feedparser's reading of a mended document, None when it finds no entry either. Never given a string: it would
    open a file or an address of that name."""
    if len(document) > REPAIRABLE:
        return None
    import feedparser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations say nothing about the feed
        try:
            found = feedparser.parse(io.BytesIO(document), sanitize_html=False, resolve_relative_uris=False)
        except Exception:  # noqa: BLE001 - whatever a parser makes of hostile bytes, the feed is broken
            return None
    entries = tuple(filter(_says_anything, (_repaired(raw) for raw in found.entries[:MOST_ENTRIES])))
    facts = found.feed
    return Feed(
        kind=kind,
        title=texts.title(facts.get("title")),
        link=texts.line(facts.get("link")),
        language=texts.line(facts.get("language")),
        entries=entries,
        cut=max(0, len(found.entries) - MOST_ENTRIES),
    ) if entries else None  # fmt: skip


def _repaired(raw: dict[str, Any]) -> FeedEntry:
    published, updated, flags = moments(*(read_date(dict.get(raw, name)) for name in ("published", "updated")))
    guid = texts.line(raw.get("id"))
    link = place(texts.line(raw.get("link")), guid)
    return FeedEntry(
        id="" if guid == link else guid,
        title=texts.title(raw.get("title")),
        link=link,
        published=published,
        updated=updated,
        flags=flags,
        details=Details(
            summary=texts.body(raw.get("summary"), LONGEST_TEXT),
            content=_longest(raw),
            authors=_lines(one.get("name") for one in raw.get("authors") or ())[:10],
            categories=_lines(tag.get("term") for tag in raw.get("tags") or ())[:30],
        ),
    )


def _lines(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(texts.line, values))))


def _longest(raw: Mapping[str, Any]) -> str:
    return max(
        (texts.body(part.get("value"), LONGEST_CONTENT) for part in raw.get("content") or ()), key=len, default=""
    )
