"""The demo world as events, without fetching or extracting: articles of the pack in time order, with their
entities and quotes recognised as the extractor does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from services.extractor.quotes.find import quotes_in
from shared import ids
from shared.events import ArticleExtracted, ArticleMatched, Hit, Language, Mention, Mode, Published, Source, Span
from shared.text import entities
from shared.text.fold import fold_text
from shared.text.gazetteer import Gazetteer
from shared.text.languages import macro
from shared.text.segment import tokens

PACK = Path(__file__).parents[2] / "deploy" / "packs" / "alliance"
STORY_STARTS = datetime(2025, 3, 18, tzinfo=UTC)
SEEN_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Labelled:
    """An article of the demo with its labels."""

    article: ArticleExtracted
    name: str
    about: bool
    phase: str
    copy_of: str = ""
    reaction: tuple[tuple[str, str], ...] = field(default=())


@cache
def gazetteer() -> Gazetteer:
    """The entities of the alliance pack."""
    return Gazetteer(entities.load(PACK / "entities.yaml"))


@cache
def demo_articles() -> tuple[Labelled, ...]:
    """Every article of the demo, by the time it is seen."""
    outlets = {row["id"]: row for row in yaml.safe_load((PACK / "demo" / "outlets.yaml").read_text(encoding="utf-8"))}
    files = sorted((PACK / "demo" / "articles").glob("*.yaml"))
    found = [_labelled(outlets[file.stem], row) for file in files for row in _rows(file)]
    return tuple(sorted(found, key=lambda one: (one.article.observed, one.article.id)))


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load(file.read_text(encoding="utf-8"))


def _labelled(outlet: dict[str, Any], row: dict[str, Any]) -> Labelled:
    published = datetime.fromisoformat(row["published"]).astimezone(UTC)
    text = "\n".join([row["lead"], *row["paragraphs"]])
    url = f"https://{outlet['host']}/{row['id']}"
    article_id = ids.article(url)
    code, country = macro(outlet["language"]), str(outlet.get("country", ""))
    named = mentions(row["title"], text, code, published=published, country=country)
    article = ArticleExtracted(
        id=ids.article_version(article_id, text),
        observed=published + SEEN_AFTER,
        article_id=article_id,
        url=url,
        canonical_url=url,
        source=Source(
            id=outlet["id"], name=outlet["name"], domain=outlet["host"], country=country, language=outlet["language"],
            official=bool(outlet.get("official")),
        ),
        title=row["title"],
        lead=row["lead"],
        text=text,
        agency=row.get("agency", ""),
        language=Language(macro=code, variety=outlet["language"], script=outlet["script"], confidence=1.0),
        published=Published(at=published, origin="demo"),
        entities=named,
        quotes=quotes_in([("title", row["title"]), ("text", text)], code, named),
        mode=Mode.LIVE if published >= STORY_STARTS else Mode.BACKFILL,
    )  # fmt: skip
    reaction = tuple((one["actor"], one["act"]) for one in row.get("reaction") or ())
    return Labelled(article, row["id"], bool(row["about"]), row["phase"], row.get("copy_of", ""), reaction)


def mentions(title: str, text: str, code: str, *, published: datetime, country: str = "") -> tuple[Mention, ...]:
    """The known entities of a title and a text, as the extractor would name them."""
    joined = f"{title}\n{text}"
    shift = len(title) + 1
    found = []
    for one in gazetteer().find(joined, code, day=published.date(), country=country):
        in_title = one.end <= len(title)
        start, end = (one.start, one.end) if in_title else (one.start - shift, one.end - shift)
        span = Span(field="title" if in_title else "text", start=start, end=end, surface=one.surface)
        found.append(
            Mention(entity_id=one.entity.id, name=one.entity.label, kind=one.kind, span=span, side=one.entity.side,
                    role=one.role, subject=one.subject, why=one.why)
        )  # fmt: skip
    return tuple(found)


WATCH = """
schema: watch/1
id: defence-alliance
title: The defence declaration of Kosovo, Albania and Croatia
alerts:
  - {kind: match, id: any-new, cooldown: 30m}
  - {kind: first_seen, id: new-term, sources: 2, within: 6h, severity: notice}
  - {kind: reaction, id: belgrade, actor: {side: serbia}, severity: warning}
"""
WATCH_ID = "defence-alliance"
TOPIC = (
    "deklar", "declar", "savez", "sojuz", "sajuz", "aleanc", "alliance", "zavezni", "dokument", "memorand", "potpis",
    "podpis", "nenshkr", "firmos", "sign",
)  # fmt: skip
"""Folded stems that stand for the watch's concepts where matching itself is not under test."""


def matched(article: ArticleExtracted, *, mode: Mode | None = None) -> ArticleMatched:
    """An article as the first step would pass it on, its subject found by a few stems."""
    mode = mode or article.mode
    return ArticleMatched(
        id=ids.match(WATCH_ID, article.id), observed=article.observed, watch_id=WATCH_ID, watch_version=1,
        article=article, hits=tuple(_hits(article)), concepts=("alliance",), mode=mode,
    )  # fmt: skip


def _hits(article: ArticleExtracted) -> Iterator[Hit]:
    for name, text in (("title", article.title), ("text", article.text)):
        for word in tokens(text):
            surface = text[word.start : word.end]
            if fold_text(surface).startswith(TOPIC):
                span = Span(field=name, start=word.start, end=word.end, surface=surface)
                yield Hit(concept="alliance", term=surface, span=span)
