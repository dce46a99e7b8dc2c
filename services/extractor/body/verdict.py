"""What a page without an article is instead, so that an empty text always has a name."""

from __future__ import annotations

import re
from typing import Any

from services.extractor.metadata.head import GALLERY_TYPES, LISTING_TYPES, Metadata
from services.extractor.reading import ExtractOutcome, NoArticle
from shared.events import PageFetched

SCRIPT_SHARE = 0.6
"""Share of a page's characters inside script elements from which a page without text is built by scripts."""
CHALLENGE_TEXT = 1_500
"""Characters of visible text up to which a page can be a bot check: they are short."""
SNIFFED = 1_024

_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain", "")
_MAGIC = (b"%PDF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"RIFF", b"\x1f\x8b", b"ID3", b"OggS")
_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|meta|title|article|div|p|h1)\b", re.IGNORECASE)
_CHALLENGES = re.compile(
    r"^(?:just a moment|attention required|access denied|ddos[- ]guard|checking your browser|please wait|"
    r"verify(?:ing)? you are (?:a )?human|are you (?:a )?(?:human|robot)|security check|robot check|captcha|"
    r"403 forbidden|один момент)",
    re.IGNORECASE,
)
_SCRIPT_NEEDED = re.compile(
    r"(?:enable|requires?|turn on|activate|uključite|omogućite|включете|овозможете) (?:your )?java-?script",
    re.IGNORECASE,
)
_RESERVED = frozenset({"noarchive", "nosnippet", "noai", "noimageai", "notranslate", "noindex", "none"})


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


def challenge(head: Metadata, text: str) -> bool:
    """Whether this is a bot check or a block page served in place of the article."""
    return not head.article and len(text) < CHALLENGE_TEXT and bool(_CHALLENGES.search(head.title))


def without_text(page: str, head: Metadata, tree: Any) -> NoArticle:
    """What a page is that gave no text."""
    if locked(head):
        return NoArticle(outcome=ExtractOutcome.PAYWALL, detail="isAccessibleForFree is false")
    if GALLERY_TYPES & head.types or head.first("og:type").startswith("video"):
        return NoArticle(
            outcome=ExtractOutcome.GALLERY, detail=head.first("og:type") or min(GALLERY_TYPES & head.types)
        )
    scripted = sum(len(one.text or "") for one in tree.iter("script")) if tree is not None else 0
    if scripted > SCRIPT_SHARE * len(page) or _SCRIPT_NEEDED.search(page) or _is_shell(tree):
        return NoArticle(outcome=ExtractOutcome.SCRIPT_ONLY, detail=f"{scripted} of {len(page)} characters are scripts")
    listing = min(LISTING_TYPES & head.types, default="")
    return NoArticle(outcome=ExtractOutcome.NOT_ARTICLE, detail=listing or "no text")


def locked(head: Metadata) -> bool:
    """Whether the publisher says that this text is not free to read."""
    free = head.article.get("isAccessibleForFree", head.article.get("isAccessibleForFREE"))
    return str(free).strip().lower() in ("false", "no", "0") or head.first("article:content_tier") == "locked"


def reservations(page: PageFetched, head: Metadata) -> tuple[str, ...]:
    """What the publisher reserves: robots directives about keeping and mining, and the text-mining reservation."""
    robots = [value for name, value in page.headers.items() if name.lower() == "x-robots-tag"]
    robots += [value for name in ("robots", "googlebot", "wirewatch") for value in head.meta.get(name, ())]
    words = {word.strip().lower() for value in robots for word in re.split(r"[,;:]", value)}
    found = sorted(words & _RESERVED)
    header = next((value for name, value in page.headers.items() if name.lower() == "tdm-reservation"), "")
    if "1" in (header.strip(), head.first("tdm-reservation")):
        found.append("tdm-reservation")
    return tuple(found)


def _is_shell(tree: Any) -> bool:
    """A body of nothing but an empty mounting point and scripts."""
    body = tree.find(".//body") if tree is not None else None
    return (
        body is not None
        and tree.find(".//script") is not None
        and not "".join(
            text
            for part in body.iter()
            if part.tag not in ("script", "style", "noscript")
            for text in [part.text or ""]
        ).strip()
    )
