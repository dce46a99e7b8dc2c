"""An article that its outlet took away: its page is gone, which is a version of it, with a title and no text."""

from __future__ import annotations

from services.extractor.reading import Reading
from services.extractor.versions.remember import Facts
from shared import ids
from shared.events import Language, PageFetched, Published

GONE = 410


def is_withdrawal(page: PageFetched) -> bool:
    """Whether the page says nothing but that its article is there no more."""
    return page.status == GONE and page.revisit > 0 and not page.body


def reading_of(page: PageFetched, facts: Facts) -> Reading:
    """What is read from nothing: the article as it was last known by its `facts`, without any text."""
    published = Published(at=facts.published, origin="remembered") if facts.published is not None else page.published
    return Reading(
        article_id=page.article_id,
        version_id=ids.article_version(page.article_id, ""),
        text_hash=ids.of("text", ""),
        canonical_url=facts.url,
        title=facts.title,
        lead="",
        text="",
        language=facts.language or Language(macro=page.source.language.partition("-")[0]),
        published=published,
        methods={"text": "withdrawn"},
    )
