"""What a page without an article is instead, so that an empty text always has a name; and the kind of an article."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from services.extractor.body import signs
from services.extractor.body.site import Site
from services.extractor.metadata.head import LISTING_TYPES, Metadata
from services.extractor.reading import ExtractOutcome, NoArticle
from shared.events import PageFetched

TEASER = 1_500
"""Characters up to which the text of a page that is not free to read counts as its teaser."""
CAPTIONS = 500
"""Characters up to which the text of a gallery is its captions."""
SNIFFED = 1_024

_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain", "")
_MAGIC = (b"%PDF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"RIFF", b"\x1f\x8b", b"ID3", b"OggS")
_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|meta|title|article|div|p|h1)\b", re.IGNORECASE)


def not_html(page: PageFetched) -> str:
    """Why a page is no HTML, "" when it is. The bytes go before the label: servers label feeds and errors at will."""
    start = page.body[:SNIFFED].lstrip()
    if not start:
        return "empty"
    if any(start.startswith(magic) for magic in _MAGIC):
        return "binary"
    kind = content_type(page).partition(";")[0].strip().lower()
    if kind.startswith("text/html") or _MARKUP.search(page.body[: 16 * SNIFFED].replace(b"\x00", b"")):
        return "" if b"<" in page.body else "no markup"
    return kind or "no markup" if kind not in _HTML_TYPES or not _MARKUP.search(page.body) else ""


def content_type(page: PageFetched) -> str:
    """The Content-Type header, "" without one."""
    return next((value for name, value in page.headers.items() if name.lower() == "content-type"), "")


def challenge(page: str, head: Metadata, text: str) -> NoArticle | None:
    """The refusal of a bot check or a block page that was served in place of the article."""
    if head.article or not signs.is_challenge(page, head, text):
        return None
    return NoArticle(outcome=ExtractOutcome.CHALLENGE, detail=head.title[:80] or "code of a bot check")


def without_text(page: str, head: Metadata, tree: Any, site: Site, url: str) -> NoArticle:
    """What a page is that gave no text, or too little of it. `page` is its source."""
    held = ((outcome, detail) for outcome, detail in signs_of(page, head, tree, site, url) if detail)
    outcome, detail = next(held, (ExtractOutcome.NOT_ARTICLE, "no text"))
    return NoArticle(outcome=outcome, detail=detail)


def signs_of(page: str, head: Metadata, tree: Any, site: Site, url: str) -> Iterator[tuple[ExtractOutcome, str]]:
    """What a page without a text may be, the surest first, each with how that shows, "" where it does not."""
    yield ExtractOutcome.PAYWALL, _lock(head, site, tree)
    yield ExtractOutcome.LIVE_BLOG, "its entries are not in the page" if signs.is_live(head, "") else ""
    yield ExtractOutcome.GALLERY, signs.gallery(head, tree, url)
    yield ExtractOutcome.SCRIPT_ONLY, signs.scripted(page, tree)
    yield ExtractOutcome.NOT_ARTICLE, min(LISTING_TYPES & head.types, default="")


def _lock(head: Metadata, site: Site, tree: Any) -> str:
    if is_locked(head):
        return "isAccessibleForFree is false"
    return "marks of a paywall" if tree is not None and site.is_locked(tree) else ""


def kind_of(head: Metadata, text: str, *, tree: Any, site: Site, url: str) -> str:
    """The kind of an article: `liveblog`, `gallery`, `teaser` (the rest is for subscribers) or `article`."""
    return next((kind for kind, detail in kinds_of(head, text, tree=tree, site=site, url=url) if detail), "article")


def kinds_of(head: Metadata, text: str, *, tree: Any, site: Site, url: str) -> Iterator[tuple[str, str]]:
    """The special kinds that an article may be, each with how that shows, "" where it does not."""
    yield "liveblog", "called live, and told by the clock" if signs.is_live(head, text) else ""
    yield "teaser", _lock(head, site, tree) if len(text) < TEASER else ""
    yield "gallery", signs.gallery(head, tree, url) if len(text) < CAPTIONS else ""


def is_locked(head: Metadata) -> bool:
    """Whether the publisher says that this text is not free to read."""
    free = head.article.get("isAccessibleForFree", head.article.get("isAccessibleForFREE"))
    return str(free).strip().lower() in ("false", "no", "0") or head.first("article:content_tier") == "locked"
