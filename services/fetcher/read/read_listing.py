"""A web page that lists articles to a feed: by the selectors that its source declares, else by blocks of links that
look alike.

Without selectors a link is an article's when it leads to another page of the same registered domain, has a text of four
words or more, and stands in a block that repeats: three links or more whose elements up to the third ancestor have the
same names and classes, most of which have addresses like those of articles (a slug, a number, a date). What shapes such
addresses have is learned from those blocks and may be known from before (`layout`); links elsewhere of one of these
shapes are taken, too (a lead story has a block of its own). What is found does not depend on the
order of the page, so a story that moves up is no news.

Left out on purpose: pages that scripts build, following to a second page, and texts below the headlines.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from cssselect import HTMLTranslator, SelectorError
from lxml import etree

from services.fetcher.read import texts
from services.fetcher.read.charset import decode
from services.fetcher.read.dates import Stated, read_date
from services.fetcher.read.feed import Damage, Feed, FeedEntry, Unusable
from services.fetcher.read.read_feed import moments
from shared.urls import canonical, registered_domain

MOST_LINKS = 5_000
FEWEST_WORDS = 4
FEWEST_LINKS = 3
SHARE = 0.6
"""Of a block's links that must have an article's address."""

ANCESTORS = 3
ASIDE = frozenset({"nav", "footer", "form"})
HEAD = 4_096
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_-]{1,40})""", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_SLUG = re.compile(r"[^-_]+(?:[-_][^-_]+){2,}")


@dataclass(frozen=True, slots=True)
class Selectors:
    """CSS selectors: the elements of the entries, and inside of each its title (else the text of its first link) and
    its time (`datetime`, `content` or text). No `entries`: what looks like articles is taken."""

    entries: str = ""
    title: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class _Link:
    """A link to what may be an article. `block` names its elements, `shape` its address."""

    url: str
    key: str
    title: str
    stated: Stated | None
    block: tuple[str, ...]
    shape: tuple[str, ...]


def check_selector(text: str) -> None:
    """Raises ValueError, saying what to write, where `text` is no CSS selector."""
    try:
        _path(text)
    except SelectorError as error:
        raise ValueError(f"write a CSS selector such as article h2 a ({error})") from error


def read_listing(
    body: bytes, url: str, selectors: Selectors = Selectors(), known: frozenset[str] = frozenset()
) -> Feed | Unusable:
    """The articles listed on the page that was had at `url`; `known` are shapes that its articles' addresses had
    before. Never raises for what the page holds."""
    root = page_tree(body)
    if root is None:
        return Unusable(Damage.BROKEN, "the body is empty" if not body.strip() else "no web page")
    base = joined(url, next((found.get("href", "") for found in root.iter("base")), "")) or url
    shapes: frozenset[str] = frozenset()
    if selectors.entries:
        entries = _declared(root, base, selectors)
    else:
        entries, shapes = _learned(root, base, known)
    if not entries:
        return Unusable(Damage.NOT_A_FEED, _missing(root, selectors))
    return Feed(
        kind="listing",
        title=_title(root),
        link=url,
        language=texts.line(root.get("lang")),
        entries=tuple(entries),
        shapes=shapes,
    )


def _missing(root: Any, selectors: Selectors) -> str:
    named = f" ({title[:80]})" if (title := _title(root)) else ""
    if selectors.entries:
        return f"a web page{named}: nothing on it matches {selectors.entries!r}, correct `entries`"
    return f"a web page{named}: no links to articles were recognised, declare `entries`"


def page_tree(body: bytes) -> Any:
    """The root of a web page in whichever character set, None where there is none."""
    meta = _META.search(body[:HEAD])
    text = decode(body, meta[1].decode("ascii") if meta else "")
    parser = etree.HTMLParser(encoding="utf-8", recover=True, no_network=True, remove_comments=True, remove_pis=True)
    try:
        return etree.fromstring(text.replace("\x00", "").encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _title(root: Any) -> str:
    return next((texts.line(_words(found)) for found in root.iter("title")), "")


# -- declared ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=512)
def _path(selector: str) -> Any:
    return etree.XPath(HTMLTranslator().css_to_xpath(selector))


def _declared(root: Any, base: str, selectors: Selectors) -> list[FeedEntry]:
    found: dict[str, FeedEntry] = {}
    for element in _path(selectors.entries)(root)[:MOST_LINKS]:
        entry = _entry(element, base, selectors)
        if entry is not None:
            found.setdefault(canonical(entry.link), entry)
    return list(found.values())


def _entry(element: Any, base: str, selectors: Selectors) -> FeedEntry | None:
    """An entry with an address, the first that its title or itself holds."""
    named = next(iter(_path(selectors.title)(element)), None) if selectors.title else None
    links = [link for place in (named, element) if place is not None for link in place.iter("a") if link.get("href")]
    outer = element if element.tag == "a" else next(element.iterancestors("a"), None)
    link = next(iter(links), outer)
    url = joined(base, link.get("href", "")) if link is not None else ""
    if not url:
        return None
    dated = next(iter(_path(selectors.date)(element)), None) if selectors.date else None
    published, updated, flags = moments(_stated(dated), None)
    title = texts.line(_words(named if named is not None else link)) or texts.line(_words(element))
    return FeedEntry(link=url, title=title, published=published, updated=updated, flags=flags)


def _stated(element: Any) -> Stated | None:
    if element is None:
        return None
    stated = (element.get("datetime"), element.get("content"), _words(element))
    return next((found for found in map(read_date, stated) if found is not None), None)


# -- learned -------------------------------------------------------------------------------------------------------


def _learned(root: Any, base: str, known: frozenset[str]) -> tuple[list[FeedEntry], frozenset[str]]:
    """The entries, and the shapes that this page shows by itself."""
    links = list(_links(root, base))
    blocks = _blocks(links)
    shapes = frozenset("/".join(shape) for shape in _shapes(link for link in links if link.block in blocks))
    chosen = [link for link in links if link.block in blocks or "/".join(link.shape) in shapes | known]
    best: dict[str, _Link] = {}
    for link in chosen:
        best[link.key] = max(best.get(link.key, link), link, key=lambda one: (len(one.title), one.title, one.url))
    dates = _dates(chosen)
    return [_told(link, dates.get(link.key)) for link in best.values()], shapes


def _told(link: _Link, at: datetime | None) -> FeedEntry:
    flags = link.stated and not link.stated.zoned
    return FeedEntry(
        link=link.url, title=link.title, published=at, flags=("zoneless",) if flags else () if at else ("dateless",)
    )


def _dates(links: Iterable[_Link]) -> dict[str, datetime]:
    """The earliest time that stands beside any link to a page."""
    found: dict[str, datetime] = {}
    for link in links:
        if link.stated is not None:
            found[link.key] = min(found.get(link.key, link.stated.at), link.stated.at)
    return found


def _links(root: Any, base: str) -> Iterator[_Link]:
    """The links that may be articles'."""
    domain, here, times = registered_domain(base), canonical(base), _surroundings(root)
    for element in [*root.iter("a")][:MOST_LINKS]:
        title = texts.line(_words(element))
        if len(title.split()) < FEWEST_WORDS or not element.get("href"):
            continue
        url = joined(base, element.get("href"))
        key = canonical(url)
        if not key or key == here or registered_domain(url) != domain:
            continue
        block = _block(element)
        if block:
            yield _Link(url, key, title, _beside(element, times), block, shape_of(url))


def _block(element: Any) -> tuple[str, ...]:
    """The names and classes of a link and its next ancestors, none where it is part of a menu."""
    names = [_name(element)]
    for ancestor in element.iterancestors():
        if ancestor.tag in ASIDE:
            return ()
        if len(names) <= ANCESTORS:
            names.append(_name(ancestor))
    return tuple(names)


def _name(element: Any) -> str:
    """`article.post`: numbers in classes belong to one element and not to its block."""
    classes = {_DIGITS.sub("", name) for name in (element.get("class") or "").split()[:8]}
    return f"{element.tag}.{'.'.join(sorted(classes))}"


def _blocks(links: Iterable[_Link]) -> set[tuple[str, ...]]:
    """The blocks that repeat and lead to articles."""
    members: dict[tuple[str, ...], dict[str, bool]] = {}
    for link in links:
        members.setdefault(link.block, {})[link.key] = is_article(link.shape)
    return {
        block for block, pages in members.items()
        if len(pages) >= FEWEST_LINKS and sum(pages.values()) >= SHARE * len(pages)
    }  # fmt: skip


def _shapes(links: Iterable[_Link]) -> set[tuple[str, ...]]:
    """The usual shapes of the addresses in those blocks: what a fifth of the pages has."""
    pages = {link.key: link.shape for link in links}
    counted = Counter(shape for shape in pages.values() if is_article(shape))
    return {shape for shape, times in counted.items() if times >= FEWEST_LINKS and 5 * times >= len(pages)}


def shape_of(url: str) -> tuple[str, ...]:
    """The kinds of the parts of an address: `n` a number, `s` a slug of three words or more, `w` another word; `q` for
    a number in the query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ()
    kinds = [_kind(segment) for segment in parts.path.split("/") if segment]
    numbered = any(value.isdigit() and len(value) > 2 for _, value in parse_qsl(parts.query)[:20])
    return (*kinds, "q") if numbered else tuple(kinds)


def _kind(segment: str) -> str:
    stem = segment.rpartition(".")[0] or segment
    if stem.isdigit():
        return "n"
    return "s" if _SLUG.fullmatch(stem) else "w"


def is_article(shape: tuple[str, ...]) -> bool:
    """Whether an address of this shape is probably an article's."""
    return bool(shape) and ("s" in shape or shape[-1] in ("n", "q") or shape.count("n") >= 2)


def _surroundings(root: Any) -> dict[Any, list[Any]]:
    """The times of a page by the elements around them."""
    found: dict[Any, list[Any]] = {}
    for element in [*root.iter("time")][:MOST_LINKS]:
        for ancestor in itertools.islice(element.iterancestors(), ANCESTORS):
            found.setdefault(ancestor, []).append(element)
    return found


def _beside(element: Any, times: Mapping[Any, list[Any]]) -> Stated | None:
    """The time in the smallest surroundings of a link that have just one."""
    for ancestor in itertools.islice(element.iterancestors(), ANCESTORS):
        if near := times.get(ancestor):
            return _stated(near[0]) if len(near) == 1 else None
    return None


def _words(element: Any) -> str:
    return " ".join(element.itertext()) if element is not None else ""


def joined(base: str, address: str) -> str:
    """The absolute form of an address on a page, "" for what is none."""
    try:
        url = urljoin(base, texts.line(address)) if address else ""
    except ValueError:
        return ""
    return url if canonical(url) else ""
