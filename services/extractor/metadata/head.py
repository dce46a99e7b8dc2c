"""What a page says about itself in its head: meta elements, links and JSON-LD.

Nothing here decides; `titles`, `dates` and `read` weigh what is collected. JSON-LD is read tolerantly (control
characters, comment wrappers, `@graph`, lists) and bounded in size and depth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.extractor.metadata import visible

LARGEST_BLOCK = 1_000_000
"""Characters of one JSON-LD block that are read."""
DEEPEST = 6
MOST_HEADINGS, LONGEST_HEADING = 6, 300

ARTICLE_TYPES = frozenset(
    """newsarticle article reportagenewsarticle analysisnewsarticle opinionnewsarticle backgroundnewsarticle
    reviewnewsarticle askpublicnewsarticle satiricalarticle blogposting liveblogposting socialmediaposting report
    techarticle advertisercontentarticle scholarlyarticle""".split()  # noqa: SIM905 - schema.org's names read best as words
)
"""schema.org types, lower case, that are an article."""
META_PUBLISHED = (
    "article:published_time", "article:published", "og:article:published_time", "og:published_time", "datepublished",
    "publish-date", "publish_date", "publishdate", "published_time", "pubdate", "parsely-pub-date",
    "sailthru.date", "cxenseparse:recs:publishtime", "bt:pubdate", "dc.date.issued", "dcterms.issued",
    "dcterms.created", "article.published", "originalpublicationdate", "rnews:datepublished", "dc.date", "date",
)  # fmt: skip
META_MODIFIED = ("article:modified_time", "og:updated_time", "article:modified", "datemodified", "lastmod",
                 "last-modified", "revised", "article.updated", "bt:moddate", "dcterms.modified")  # fmt: skip
META_CREATED = ("article.created", "datecreated")
"""What meta elements call the publication, the last change and the creation, the surer names first."""
LISTING_TYPES = frozenset({"collectionpage", "searchresultspage", "itemlist", "website"})
GALLERY_TYPES = frozenset({"imagegallery", "mediagallery", "videoobject", "videogallery"})

_ZONED = re.compile(r"\d\d:\d\d.*(?:Z|[+-]\d\d:?\d\d)$")
_WRAPPERS = re.compile(r"^\s*(?://\s*)?(?:<!\[CDATA\[|<!--)|(?:\]\]>|-->)\s*$")


@dataclass(frozen=True, slots=True)
class Metadata:
    """The head of a page: meta elements by lower-case name (first one wins), JSON-LD, links, `<title>`. What
    the body says of itself: `headings`, dates in time elements, `marked` as microdata, in scripts and `seen` by a
    reader (only where the head tells no minute), `bylines`; `clocks`: times with a difference from UTC."""

    meta: dict[str, tuple[str, ...]] = field(default_factory=dict)
    article: dict[str, Any] = field(default_factory=dict)
    types: frozenset[str] = frozenset()
    canonical: str = ""
    title: str = ""
    times: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    language: str = ""
    marked: tuple[str, ...] = ()
    scripted: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()
    bylines: tuple[str, ...] = ()
    clocks: tuple[str, ...] = ()

    def first(self, *names: str) -> str:
        """The first value of the first of `names` that is there and not empty."""
        return next((value for name in names for value in self.meta.get(name, ()) if value), "")


def collect(tree: Any, url: str) -> Metadata:
    """Everything in a parsed page; `url` tells the page's own article from teasers in its JSON-LD."""
    nodes = list(_nodes(tree))
    article, meta = _own(nodes, url), _meta(tree)
    silent = not _tells_minute(article, meta)
    return Metadata(
        meta=meta,
        article=article,
        types=frozenset(kind for node in nodes for kind in types_of(node)),
        canonical=_canonical(tree),
        title=" ".join((tree.findtext(".//head/title") or tree.findtext(".//title") or "").split()),
        times=tuple(visible.times(tree)),
        clocks=visible.clocks(tree),
        headings=tuple(dict.fromkeys(_headings(tree))),
        language=(tree.get("lang") or "").strip()[:12],
        marked=tuple(visible.marked_dates(tree)) if silent else (),
        scripted=tuple(visible.scripted_dates(tree)) if silent else (),
        seen=tuple(visible.seen_dates(tree)) if silent else (),
        bylines=tuple(visible.bylines(tree)),
    )


def _tells_minute(article: dict[str, Any], meta: dict[str, tuple[str, ...]]) -> bool:
    """Whether the head tells a minute with its zone, so that the body need not be searched."""
    told = [text_of(article.get("datePublished")), *meta.get("article:published_time", ())[:1]]
    return any(_ZONED.search(one) for one in told)


def text_of(value: Any) -> str:
    """A JSON-LD value as text: itself, the name or the address of an object, the first of a list."""
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, dict):
        return text_of(value.get("name") or value.get("url") or value.get("@id") or value.get("@value") or "")
    if isinstance(value, list):
        return next((text for text in map(text_of, value[:8]) if text), "")
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def texts_of(value: Any) -> tuple[str, ...]:
    """The same for every item of a list."""
    items = value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(text for text in map(text_of, items[:16]) if text))


def types_of(node: dict[str, Any]) -> tuple[str, ...]:
    """The lower-case types of a JSON-LD node, without the address of the vocabulary."""
    kinds = node.get("@type")
    listed = kinds if isinstance(kinds, list) else [kinds]
    return tuple(kind.rsplit("/", 1)[-1].lower() for kind in listed if isinstance(kind, str))


def _headings(tree: Any) -> Iterator[str]:
    """The texts of the first top headings, those marked as a headline before others."""
    found = list(tree.iter("h1"))[:MOST_HEADINGS]
    for element in sorted(found, key=lambda one: "headline" not in (one.get("itemprop") or "").lower()):
        text = " ".join("".join(element.itertext()).split())
        if 0 < len(text) <= LONGEST_HEADING:
            yield text


def _meta(tree: Any) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for element in tree.iter("meta"):
        name = element.get("property") or element.get("name") or element.get("itemprop") or element.get("http-equiv")
        content = element.get("content")
        if name and content and content.strip():
            found.setdefault(name.strip().lower(), []).append(" ".join(content.split()))
    return {name: tuple(values[:16]) for name, values in found.items()}


def _canonical(tree: Any) -> str:
    for element in tree.iter("link"):
        if "canonical" in (element.get("rel") or "").lower().split():
            return (element.get("href") or "").strip()
    return ""


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    for element in tree.iter("script"):
        if "ld+json" in (element.get("type") or "").lower():
            yield from _flat(_parsed(element.text or ""), DEEPEST)


def _parsed(block: str) -> Any:
    if len(block) > LARGEST_BLOCK:
        return None
    try:
        return json.loads(_WRAPPERS.sub("", block.strip()), strict=False)
    except (ValueError, RecursionError):
        return None


def _flat(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    """All typed nodes: the top ones, those in `@graph`, and main entities."""
    if depth == 0:
        return
    if isinstance(value, list):
        for item in value[:200]:
            yield from _flat(item, depth - 1)
    elif isinstance(value, dict):
        if "@type" in value:
            yield value
        for key in ("@graph", "mainEntity", "mainEntityOfPage", "hasPart"):
            if isinstance(value.get(key), list | dict):
                yield from _flat(value[key], depth - 1)


def _own(nodes: list[dict[str, Any]], url: str) -> dict[str, Any]:
    """The node of the page's own article: the one with its address, else the only or first one with a headline."""
    articles = [node for node in nodes if ARTICLE_TYPES.intersection(types_of(node))]
    same = [node for node in articles if url and _tail(url) in {_tail(address) for address in _addresses(node)}]
    for group in (same, articles if len(articles) == 1 else []):
        if group:
            return group[0]
    return next((node for node in articles if node.get("headline")), {})


def _addresses(node: dict[str, Any]) -> tuple[str, ...]:
    keys = ("url", "mainEntityOfPage", "@id")
    return tuple(text for text in (text_of(_address(node.get(key))) for key in keys) if text)


def _address(value: Any) -> Any:
    return value.get("@id") or value.get("url") if isinstance(value, dict) else value


def _tail(url: str) -> str:
    """The path of an address, enough to compare addresses of one site."""
    return (
        url.split("#", maxsplit=1)[0]
        .split("?", maxsplit=1)[0]
        .rsplit("://", maxsplit=1)[-1]
        .partition("/")[2]
        .rstrip("/")
        .lower()
    )
