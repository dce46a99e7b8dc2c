"""Which address an article is known by: the page's own claim where it can be true, else where it was fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from services.extractor.metadata.head import Metadata, text_of
from shared.events import PageFetched
from shared.urls import canonical, registered_domain

ID_DIGITS, LEAST_SHARED, MOST_OF = 5, 3, 0.6
"""A number of so many digits in a path is an article's (four are a year); of words at least three and most."""
_WORD = re.compile(r"[^\W_]{4,}")


@dataclass(frozen=True, slots=True)
class Address:
    """A canonical address and where it came from: `rel_canonical`, `og` or `fetched`."""

    url: str
    origin: str


def address_of(page: PageFetched, head: Metadata) -> Address:
    """The canonical address of a page. A claim counts only under the same registered domain, and the front page is
    no claim: broken templates name it on every article, which would make one article of all."""
    fetched = page.final_url or page.url
    for origin, claim in (("rel_canonical", head.canonical), ("og", head.first("og:url"))):
        absolute = _absolute(fetched, claim)
        if absolute and _credible(fetched, absolute):
            return Address(canonical(absolute), origin)
    return Address(canonical(fetched) or canonical(page.url) or fetched, "fetched")


def is_article_still(page: PageFetched, url: str) -> bool:
    """Whether a page that was fetched again, and says it lies at `url` now, can be the article that was asked for: it
    has the same number, or most words, in its path. Editors change slugs with headlines; what leads to a section or to
    another article does neither."""
    if registered_domain(page.url) != registered_domain(url):
        return False
    asked, now = _marks(page.url), _marks(url)
    shared = asked & now
    numbered = any(mark.isdigit() and len(mark) >= ID_DIGITS for mark in shared)
    return numbered or len(shared) >= max(LEAST_SHARED, MOST_OF * min(len(asked), len(now)))


def _marks(url: str) -> frozenset[str]:
    return frozenset(_WORD.findall(urlsplit(canonical(url) or url).path.lower()))


def image_of(page: PageFetched, head: Metadata) -> str:
    """The absolute address of the lead picture, "" if none is named."""
    image = head.first("og:image:secure_url", "og:image", "twitter:image") or text_of(head.article.get("image"))
    absolute = _absolute(page.final_url or page.url, image)
    return absolute if len(absolute) <= 2_000 else ""


def _absolute(base: str, claim: str) -> str:
    try:
        absolute = urljoin(base, claim.strip()) if claim.strip() else ""
        return absolute if urlsplit(absolute).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _credible(fetched: str, claim: str) -> bool:
    if not canonical(claim) or registered_domain(claim) != registered_domain(fetched):
        return False
    return not _is_front(claim) or _is_front(fetched)


def _is_front(url: str) -> bool:
    parts = urlsplit(canonical(url) or url)
    return parts.path in ("", "/") and not parts.query
