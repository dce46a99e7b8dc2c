"""Small articles for judging: a few words, a source, a time, and the entities a test asks for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from shared import ids
from shared.events import (
    ArticleExtracted,
    ArticleMatched,
    Hit,
    Language,
    Mention,
    Mode,
    Published,
    Quote,
    Source,
    Span,
)

WATCH = "w"
NOON = datetime(2025, 3, 20, 12, tzinfo=UTC)


def small(
    title: str, text: str = "", *, source: str = "one", code: str = "hbs", minutes: float = 0, agency: str = "",
    official: bool = False, mode: Mode = Mode.LIVE, topic: str = "savez", mentions: tuple[Mention, ...] = (),
    quotes: tuple[Quote, ...] = (), name: str = "",
) -> ArticleMatched:  # fmt: skip
    """A match of a small article. Every word that begins with `topic` is a hit of the watch."""
    article_id = ids.article(name or f"{source} {title} {text}")
    observed = NOON + timedelta(minutes=minutes)
    article = ArticleExtracted(
        id=ids.article_version(article_id, text), observed=observed, article_id=article_id, url="https://a.test/1",
        canonical_url="https://a.test/1", source=Source(id=source, name=source.title(), official=official),
        title=title, text=text, agency=agency, language=Language(macro=code),
        published=Published(at=observed, origin="test"), entities=mentions, quotes=quotes, mode=mode,
    )  # fmt: skip
    hits = [Hit(concept="alliance", term=topic, span=span) for span in spans(title, text, rf"\b{topic}\w*")]
    return ArticleMatched(
        id=ids.match(WATCH, article.id), observed=observed, watch_id=WATCH, watch_version=1, article=article,
        hits=tuple(hits), concepts=("alliance",), mode=mode,
    )  # fmt: skip


def spans(title: str, text: str, pattern: str) -> list[Span]:
    """Every place where a pattern stands in title and text."""
    return [
        Span(field=field, start=found.start(), end=found.end(), surface=found[0])
        for field, content in (("title", title), ("text", text))
        for found in re.finditer(pattern, content, re.IGNORECASE)
    ]


def mention(
    title: str, text: str, surface: str, entity_id: str, *, kind: str = "person", side: str = "serbia",
    role: str = "president of serbia", subject: bool = True,
) -> tuple[Mention, ...]:  # fmt: skip
    """The mentions of an entity wherever its surface stands."""
    return tuple(
        Mention(entity_id=entity_id, name=entity_id, kind=kind, span=span, side=side, role=role, subject=subject)
        for span in spans(title, text, re.escape(surface))
    )
