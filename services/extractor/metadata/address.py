"""Which address an article is known by: the page's own claim where it can be true, else where it was fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from services.extractor.metadata.head import Metadata, text_of
from services.extractor.reading import Candidate
from shared.events import PageFetched
from shared.urls import canonical, registered_domain

LONGEST_IMAGE = 2_000
ID_DIGITS, LEAST_SHARED, MOST_OF = 5, 3, 0.6
"""A number of so many digits in a path is an article's (four are a year); of words at least three and most."""
SURE = {"rel_canonical": 0.95, "og": 0.9, "fetched": 0.8}
_FRONT = re.compile(r"/?(?:index\.\w+|home|naslovna|default\.\w+|[a-z]{2}(?:-[a-z]{2,4})?)?/?", re.IGNORECASE)
"""The paths of front pages, those of a language too."""
_WORD = re.compile(r"[^\W_]{4,}")


@dataclass(frozen=True, slots=True)
class Address:
    """A canonical address, where it came from (`rel_canonical`, `og` or `fetched`), and all claims."""

    url: str
    origin: str
    candidates: tuple[Candidate, ...] = ()

    @property
    def sure(self) -> float:
        """How sure it is."""
        return SURE[self.origin]


def address_of(page: PageFetched, head: Metadata) -> Address:
    """The canonical address of a page. A claim counts only under the same registered domain; the front page and the
    section that the page lies in are no claims: broken templates name them on every article, which would make one
    article of all."""
    fetched = page.final_url or page.url
    own = canonical(fetched) or canonical(page.url) or fetched
    claims = [("rel_canonical", head.canonical), ("og", head.first("og:url"))]
    offered = [(origin, absolute) for origin, claim in claims if (absolute := _absolute(fetched, claim))]
    listed = tuple(
        Candidate("canonical_url", origin, url, SURE[origin], why=_objection(fetched, url)) for origin, url in offered
    )
    listed = (*listed, Candidate("canonical_url", "fetched", own, SURE["fetched"]))
    for origin, url in offered:
        if not _objection(fetched, url):
            return Address(canonical(url), origin, listed)
    return Address(own, "fetched", listed)


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
    claim = next((claim for _, claim in images_of(head) if claim), "")
    absolute = _absolute(page.final_url or page.url, claim)
    return absolute if len(absolute) <= LONGEST_IMAGE else ""


def images_of(head: Metadata) -> Iterator[tuple[str, str]]:
    """The places that name a lead picture, the surest first, and what they name."""
    for name in ("og:image:secure_url", "og:image", "twitter:image"):
        yield name, head.first(name)
    yield "jsonld", text_of(head.article.get("image"))


def _absolute(base: str, claim: str) -> str:
    try:
        absolute = urljoin(base, claim.strip()) if claim.strip() else ""
        return absolute if urlsplit(absolute).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _objection(fetched: str, claim: str) -> str:
    """Why a claim is not believed, "" when it is."""
    if not canonical(claim) or registered_domain(claim) != registered_domain(fetched):
        return "another domain"
    if _is_front(claim) and not _is_front(fetched):
        return "the front page"
    return "the section around it" if _is_section(fetched, claim) else ""


def _is_front(url: str) -> bool:
    parts = urlsplit(canonical(url) or url)
    return bool(_FRONT.fullmatch(parts.path)) and not parts.query


def _is_section(fetched: str, claim: str) -> bool:
    """Whether the claim is a folder above the page, whose own name says that it is an article."""
    page, folder = (urlsplit(canonical(url) or url).path.rstrip("/") for url in (fetched, claim))
    if not page.startswith(folder + "/") or urlsplit(claim).query:
        return False
    leaf = page[len(folder) :].rpartition("/")[2]
    words = _WORD.findall(leaf.lower())
    above = _WORD.findall(folder.rpartition("/")[2].lower())
    return len(words) >= LEAST_SHARED and len(above) < LEAST_SHARED
