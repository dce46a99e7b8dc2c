"""A tree of RSS, RDF, Atom or CDF to a feed: the children of every entry by their role, each read once.

An entry is any element named so, wherever it stands. Of several dates of one kind the last readable one counts; of
several texts the first that says anything, or the longest body.

Left out on purpose: checking whether a document follows its standard, which few do.
"""

from __future__ import annotations

import base64
import functools
import html
import itertools
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

import msgspec
from lxml import etree

from services.fetcher.read import texts
from services.fetcher.read.dates import Stated, read_date
from services.fetcher.read.feed import MOST_ENTRIES, Details, Feed, FeedEntry
from services.fetcher.read.hints import read_head
from services.fetcher.read.lift import Pieces
from services.fetcher.read.roles import GLANCE, ROLE, Roles
from services.fetcher.read.texts import LONGEST_CONTENT, LONGEST_TEXT

Flags = tuple[str, ...]
NONE: Sequence[Any] = ()


class Found(msgspec.Struct):
    """The children of an element by their role: the first of each, and all of those that there are several of."""

    firsts: dict[str, Any]
    several: dict[str, list[Any]]

    def every(self, name: str) -> Sequence[Any]:
        """All children of that role."""
        if name in self.several:
            return self.several[name]
        return (self.firsts[name],) if name in self.firsts else NONE


PLACES = ("http://", "https://")
HTML_TYPES = frozenset({"", "html", "xhtml", "text/html", "application/xhtml+xml"})
_DECLARED = re.compile(r"""\sxmlns(?::\w+)?="[^"]*\"""")
_PREFIX = re.compile(r"(</?)\w+:(?=\w)")
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def read_feed(root: Any, pieces: Pieces, kind: str, *, based: bool = False) -> Feed:
    """The feed under `root`; `based`: some element states a base for relative links."""
    items = list(itertools.islice(root.iter("{*}item", "{*}entry"), MOST_ENTRIES + 1))
    reader = _Reader(pieces, based=based, atom=kind == "atom")
    channel = next((child for child in root if ROLE[child.tag] == "channel"), root)
    found = _children(channel)
    head = read_head([*found.every("hint"), *found.every("link")])
    entries = [reader.entry(item) for item in items[:MOST_ENTRIES] if ROLE[item.tag] == "item"]
    return Feed(
        kind=kind,
        title=reader.title(found.every("title")),
        link=reader.link(found.every("link")) or (channel.get("href") or "").strip(),
        language=_language(reader, root, channel, found),
        hub=head.hub,
        self_link=head.self_link,
        hints=head.hints,
        entries=tuple(entries),
        cut=_cut_off(root) if len(items) > MOST_ENTRIES else 0,
    )


def place(value: str, guid: str) -> str:
    """The link of an entry; its id where that is an address and there is no other."""
    return value or (guid if guid[:8].lower().startswith(PLACES) else "")


def moments(published: Stated | None, updated: Stated | None) -> tuple[datetime | None, datetime | None, Flags]:
    """When an entry was published and changed, and its flags; a time of change stands in for that of publication."""
    first = published or updated
    if first is None:
        return None, None, ("dateless",)
    return first.at, updated.at if updated else None, () if first.zoned else ("zoneless",)


def _cut_off(root: Any) -> int:
    return sum(1 for _ in root.iter("{*}item", "{*}entry")) - MOST_ENTRIES


def _children(element: Any, roles: Roles = ROLE) -> Found:
    firsts: dict[str, Any] = {}
    several: dict[str, list[Any]] = {}
    known = roles.get
    for child in element:
        tag = child.tag
        role = known(tag)
        if role is None:
            role = roles[tag]
        if not role:
            continue
        if role not in firsts:
            firsts[role] = child
        elif role in several:
            several[role].append(child)
        else:
            several[role] = [firsts[role], child]
    return Found(firsts, several)


def _language(reader: _Reader, root: Any, channel: Any, found: Found) -> str:
    stated = reader.first(found.every("language"))
    return (stated or channel.get(_LANG) or root.get(_LANG) or root.get("lang") or "").replace("_", "-")


class _Reader:
    """Reads elements of one document."""

    __slots__ = ("atom", "based", "pieces")

    def __init__(self, pieces: Pieces, *, based: bool, atom: bool) -> None:
        self.pieces = pieces
        self.based = based
        self.atom = atom

    def entry(self, item: Any) -> FeedEntry:
        """One entry."""
        found = _children(item, GLANCE)
        links, ids = found.every("link"), found.every("id")
        guid = (self.first(ids) if ids else "") or _about(item)
        link = place(self.link(links) if links else (item.get("href") or "").strip(), guid)
        if not link and ids and not self.atom and guid and _is_permanent(ids[0]):
            link = self._based(ids[0], guid)
        published, updated, flags = self._times(item, found)
        return FeedEntry(
            id="" if guid == link else guid,
            title=self.title(found.every("title")) or self._other(found, "title"),
            link=link,
            published=published,
            updated=updated,
            flags=flags,
            details=functools.partial(self.details, item),
        )

    def details(self, item: Any) -> Details:
        """The rest of an entry."""
        found = _children(item)
        summary, content = self._bodies(found)
        return Details(
            summary=summary or self._other(found, "summary"),
            content=content,
            authors=self._names(found.every("author")),
            categories=self._terms(found.every("category")),
        )

    # -- texts -----------------------------------------------------------------------------------------------------

    def text(self, element: Any) -> str:
        """All text inside an element."""
        text = element.text
        if len(element):
            text = "".join(element.itertext())
        return self.pieces.text(text) if text else ""

    def first(self, elements: Iterable[Any]) -> str:
        """The first line of text that says anything."""
        for element in elements:
            text = texts.line(self.text(element))
            if text:
                return text
        return ""

    def title(self, elements: Iterable[Any]) -> str:
        """The first title that says anything."""
        for element in elements:
            found = self._titled(element)
            if found:
                return found
        return ""

    def _titled(self, element: Any) -> str:
        attributes = element.items()
        if not attributes and not len(element):  # most: each question to an element has its price
            return texts.title(self.pieces.text(element.text or ""))
        kind = (element.get("type") or "").lower()
        if self._is_packed(element, kind):
            return texts.title(self._decoded(element))
        if len(element):
            return texts.title(self._markup(element, kind), markup=True)
        return texts.title(self.pieces.text(element.text or ""), markup=True if kind in ("html", "text/html") else None)

    def _other(self, found: Found, what: str) -> str:
        """A title or summary from an extension, where the entry has none of its own."""
        named = found.every(f"other {what}")
        for group in found.every("group"):
            named = [*named, *_children(group).every(f"other {what}")]
        return self.title(named) if what == "title" else texts.body(self.first(named), LONGEST_TEXT)

    def _bodies(self, found: Found) -> tuple[str, str]:
        """Summary and content: the first summary counts, a second one is a body, and of bodies the longest, because
        feeds offer the same one in several types."""
        summary = content = ""
        for element in found.every("content"):
            content = max(content, self.body(element, LONGEST_CONTENT), key=len)
        for element in found.every("summary"):
            if not summary:
                summary = self.body(element, LONGEST_TEXT)
            else:
                content = content or self.body(element, LONGEST_CONTENT)
        return summary, content

    def body(self, element: Any, longest: int) -> str:
        """Text or HTML, as it was meant."""
        kind = (element.get("type") or "").lower()
        if self._is_packed(element, kind):
            return texts.body(self._decoded(element), longest)
        if len(element):
            return texts.body(self._markup(element, kind), longest)
        return texts.body(self.pieces.text(element.text or ""), longest)

    def _is_packed(self, element: Any, kind: str) -> bool:
        """Base64: Atom 0.3 says so; in Atom it is content of a media type that is neither text nor XML (RFC 4287
        section 4.1.3.3)."""
        if element.get("mode") == "base64":
            return True
        return self.atom and "/" in kind and not kind.startswith("text/") and not kind.endswith(("+xml", "/xml"))

    def _decoded(self, element: Any) -> str:
        text = self.text(element)
        try:
            return base64.b64decode(text, validate=False).decode("utf-8")
        except ValueError:
            return text

    def _markup(self, element: Any, kind: str) -> str:
        """The inside of an element as HTML; a single `div` around it is Atom's and not part of it."""
        if not any(isinstance(child.tag, str) for child in element):
            return html.escape(self.text(element), quote=False)  # comments only
        alone = len(element) == 1 and not (element.text or "").strip() and not (element[0].tail or "").strip()
        if self.atom and alone and element[0].tag.rpartition("}")[2] == "div" and kind != "html":
            element = element[0]
        inside = [etree.tostring(child, encoding="unicode", method="html") for child in element]
        start = html.escape(element.text or "", quote=False)
        return self.pieces.markup(start + _PREFIX.sub(r"\1", _DECLARED.sub("", "".join(inside))))

    # -- links, times, names ---------------------------------------------------------------------------------------

    def link(self, elements: Iterable[Any]) -> str:
        """The page behind an entry: the text of `link`, or the address of an alternate one; one of HTML goes first."""
        plain = other = ""
        for element in elements:
            stated = dict(element.items())
            if stated and stated.get("rel", "alternate").lower().rpartition("/")[2] != "alternate":
                continue
            address = stated.get("href") or stated.get("url") or stated.get("uri") or self.text(element)
            address = self._based(element, texts.line(address))
            if stated.get("type", "").lower() in HTML_TYPES:
                plain = plain or address
            other = other or address
        return plain or other

    def _based(self, element: Any, address: str) -> str:
        if not self.based or not address:
            return address
        try:
            return urljoin(element.base or "", address)
        except ValueError:
            return address

    def _times(self, item: Any, found: Found) -> tuple[datetime | None, datetime | None, Flags]:
        published, updated = self._date(found, "published"), self._date(found, "updated")
        if published is None and updated is None:
            published, updated = self._date(found, "created"), read_date(item.get("lastmod"))
        return moments(published, updated)

    def _date(self, found: Found, name: str) -> Stated | None:
        """The last time of that role that can be read."""
        if name not in found.firsts:
            return None
        for element in reversed(found.every(name)):
            stated = read_date(element.text) or (read_date(self.text(element)) if len(element) else None)
            if stated is not None:
                return stated
        return None

    def _names(self, elements: Iterable[Any]) -> tuple[str, ...]:
        named = (self._name(element) for element in elements)
        return tuple(dict.fromkeys(name for name in named if name))[:10]

    def _name(self, element: Any) -> str:
        for child in element:
            if isinstance(child.tag, str) and child.tag.rpartition("}")[2].lower() == "name":
                return texts.line(self.text(child))
        return texts.line(self.pieces.text(element.text or ""))

    def _terms(self, elements: Iterable[Any]) -> tuple[str, ...]:
        terms = (texts.line(self.text(element)) or texts.line(element.get("term")) for element in elements)
        return tuple(dict.fromkeys(term for term in terms if term))[:30]


def _about(item: Any) -> str:
    """RDF's name of an item."""
    attributes = item.attrib
    return texts.line(attributes.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")) if attributes else ""


def _is_permanent(guid: Any) -> bool:
    """RSS 2.0: a guid is a link unless it says otherwise."""
    return not any(name.lower() == "ispermalink" and value.lower() != "true" for name, value in guid.items())
