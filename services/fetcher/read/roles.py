"""Which element says what: the names of RSS, RDF, Atom, CDF, Dublin Core and the usual extensions as one small set of
roles. Names are compared without case; an element of a namespace nobody knows has no role, so that the title of an
embedded thing is not taken for that of the entry.

Sources: RSS 0.9 to 2.0, RSS 1.0 and its content module, Atom 0.3 and RFC 4287, Dublin Core elements and terms, Media
RSS, and the namespaces that feeds are known to write instead of those.

Left out on purpose: roles for what nobody reads (enclosures, ratings, places).
"""

from __future__ import annotations

from typing import Any

MOST_TAGS = 10_000

CORE, DC, TERMS, CONTENT, XHTML, MEDIA, ITUNES, SYNDICATION = range(8)

SPACES = {
    "": CORE,
    "http://www.w3.org/2005/atom": CORE,
    "http://purl.org/atom/ns#": CORE,
    "http://purl.org/rss/1.0/": CORE,
    "http://my.netscape.com/rdf/simple/0.9/": CORE,
    "http://channel.netscape.com/rdf/simple/0.9/": CORE,
    "http://backend.userland.com/rss": CORE,
    "http://backend.userland.com/rss2": CORE,
    "http://blogs.law.harvard.edu/tech/rss": CORE,
    "http://cyber.law.harvard.edu/rss/rss.html": CORE,
    "http://purl.org/rss/1.0/modules/rss091#": CORE,
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": CORE,
    "http://purl.org/pie/": CORE,
    "http://purl.org/echo/": CORE,
    "http://example.com/newformat#": CORE,
    "http://example.com/necho": CORE,
    "uri/of/echo/namespace#": CORE,
    "http://purl.org/dc/elements/1.1/": DC,
    "http://purl.org/dc/terms/": TERMS,
    "http://purl.org/rss/1.0/modules/content/": CONTENT,
    "http://www.w3.org/1999/xhtml": XHTML,
    "http://search.yahoo.com/mrss": MEDIA,
    "http://search.yahoo.com/mrss/": MEDIA,
    "http://www.itunes.com/dtds/podcast-1.0.dtd": ITUNES,
    "http://purl.org/rss/1.0/modules/syndication/": SYNDICATION,
}
PREFIXES = {
    "rss": CORE, "rdf": CORE, "atom": CORE, "atom10": CORE, "a10": CORE, "dc": DC, "dcterms": TERMS,
    "content": CONTENT, "xhtml": XHTML, "media": MEDIA, "itunes": ITUNES, "sy": SYNDICATION,
}  # fmt: skip
"""What a prefix means that its document does not declare."""

ROLES: dict[int, dict[str, str]] = {
    CORE: {
        "item": "item", "entry": "item", "channel": "channel", "title": "title", "link": "link", "guid": "id",
        "id": "id", "pubdate": "published", "published": "published", "issued": "published", "updated": "updated",
        "modified": "updated", "lastbuilddate": "updated", "date": "updated", "created": "created",
        "description": "summary", "summary": "summary", "abstract": "summary", "content": "content",
        "body": "content", "fullitem": "content", "author": "author", "managingeditor": "author",
        "category": "category", "keywords": "category", "language": "language", "ttl": "hint", "skiphours": "hint",
        "skipdays": "hint", "group": "group",
    },
    DC: {
        "title": "title", "date": "updated", "creator": "author", "author": "author", "subject": "category",
        "description": "summary", "language": "language",
    },
    TERMS: {"issued": "published", "modified": "updated", "created": "created"},
    CONTENT: {"encoded": "content"},
    XHTML: {"body": "content"},
    MEDIA: {"title": "other title", "description": "other summary", "group": "group"},
    ITUNES: {"title": "other title", "summary": "other summary", "author": "author"},
    SYNDICATION: {"updateperiod": "hint", "updatefrequency": "hint", "updatebase": "hint"},
}  # fmt: skip


class Roles(dict[Any, str]):
    """The role of an element by its tag (lxml's form), "" without one. Tags are kept once they were seen, up to a
    bound: documents may invent as many as they like."""

    def __init__(self, without: frozenset[str] = frozenset()) -> None:
        """`without`: roles that are none here."""
        super().__init__()
        self._without = without

    def __missing__(self, tag: Any) -> str:
        found = _role(tag) if isinstance(tag, str) else ""  # else a comment or an instruction
        if found in self._without:
            found = ""
        if len(self) < MOST_TAGS:
            self[tag] = found
        return found


def _role(tag: str) -> str:
    space, _, name = tag.rpartition("}")
    if space:
        return ROLES.get(SPACES.get(space[1:].lower(), -1), {}).get(name.lower(), "")
    prefix, _, name = name.rpartition(":")
    return ROLES.get(PREFIXES.get(prefix.lower(), -1) if prefix else CORE, {}).get(name.lower(), "")


ROLE = Roles()
GLANCE = Roles(frozenset({"summary", "other summary", "content", "author", "category"}))
"""Without the roles of what is only read of new entries."""
