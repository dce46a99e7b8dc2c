"""The section of its outlet that an article stands in, as the page or the feed calls it."""

from __future__ import annotations

from collections.abc import Iterator

from services.extractor.metadata.head import Metadata, text_of
from shared.events import Entry

LONGEST = 100


def section_of(head: Metadata, entry: Entry) -> str:
    """The name of the section, "" where nobody tells."""
    return next((name for _, name in sections_of(head, entry) if name), "")[:LONGEST]


def sections_of(head: Metadata, entry: Entry) -> Iterator[tuple[str, str]]:
    """The places that name a section, the surest first, and what they name."""
    yield "meta", head.first("article:section")
    yield "jsonld", text_of(head.article.get("articleSection"))
    yield "feed", next(iter(entry.categories), "")
