"""What a page without an article is instead, so that an empty text always has a name; and the kind of an article."""

from __future__ import annotations

import re
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
    locked = _lock(head, site, tree)
    if locked:
        return NoArticle(outcome=ExtractOutcome.PAYWALL, detail=locked)
    if signs.is_live(head, ""):
        return NoArticle(outcome=ExtractOutcome.LIVE_BLOG, detail="its entries are not in the page")
    pictures = signs.gallery(head, tree, url)
    if pictures:
        return NoArticle(outcome=ExtractOutcome.GALLERY, detail=pictures)
    scripts = signs.scripted(page, tree)
    if scripts:
        return NoArticle(outcome=ExtractOutcome.SCRIPT_ONLY, detail=scripts)
    listing = min(LISTING_TYPES & head.types, default="")
    return NoArticle(outcome=ExtractOutcome.NOT_ARTICLE, detail=listing or "no text")


def _lock(head: Metadata, site: Site, tree: Any) -> str:
    if is_locked(head):
        return "isAccessibleForFree is false"
    return "marks of a paywall" if tree is not None and site.is_locked(tree) else ""


def kind_of(head: Metadata, text: str, *, tree: Any, site: Site, url: str) -> str:
    """The kind of an article: `liveblog`, `gallery`, `teaser` (the rest is for subscribers) or `article`."""
    if signs.is_live(head, text):
        return "liveblog"
    if len(text) < TEASER and _lock(head, site, tree):
        return "teaser"
    return "gallery" if len(text) < CAPTIONS and signs.gallery(head, tree, url) else "article"


def is_locked(head: Metadata) -> bool:
    """Whether the publisher says that this text is not free to read."""
    free = head.article.get("isAccessibleForFree", head.article.get("isAccessibleForFREE"))
    return str(free).strip().lower() in ("false", "no", "0") or head.first("article:content_tier") == "locked"
