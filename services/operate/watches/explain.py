"""Why a watch matches an article, or why not: from a file or an address, through the real extractor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from services.alerter.load import load
from services.alerter.match.check import decide
from services.alerter.match.explain import NOT_EXCLUDED, Verdict
from services.extractor.body.site import load_sites
from services.extractor.commands import body_of, page_of
from services.extractor.extract import article_of as extracted_of
from services.extractor.language import load_identifier
from services.extractor.read import Tools, read
from services.extractor.reading import NoArticle
from services.extractor.settings import ExtractorSettings
from services.extractor.versions.remember import Version
from services.operate.watches.texts import Text, article_of
from shared.clock import RealClock
from shared.errors import Misconfigured
from shared.events import ArticleExtracted, Clause, Hit, PageFetched
from shared.run import open_door
from shared.settings import CommonSettings
from shared.settings import load as load_settings
from shared.text.gazetteer import Gazetteer

AROUND, WIDEST = 45, 90
"""Characters shown on each side of a hit, and of a clause."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to explain: a file or address, and what is known of it."""

    place: str
    language: str = ""
    title: str = ""


async def article(asked: Asked, gazetteer: Gazetteer, now: datetime) -> ArticleExtracted:
    """The article of a file (`.html`, `.htm`: a page; `.json`: an extracted article or a text with `title` and `text`;
    else plain text) or of an address. Raises Misconfigured, HttpFailure."""
    if asked.place.startswith(("http://", "https://")):
        return _from_page(await _fetched(asked), gazetteer, now)
    path = Path(asked.place)
    body = body_of(path)
    if path.suffix.lower() in (".html", ".htm"):
        return _from_page(page_of(body, "https://example.org/page", asked.language, ""), gazetteer, now)
    text = body.decode("utf-8", "replace")
    if path.suffix.lower() == ".json":
        return _from_json(text, path, asked, gazetteer, now)
    return article_of(Text(path.name, asked.title, text, asked.language), gazetteer, now)


async def _fetched(asked: Asked) -> PageFetched:
    door = open_door(load_settings(CommonSettings))
    try:
        answer = await door.get(asked.place)
    finally:
        await door.aclose()
    if answer.status != 200:
        raise Misconfigured(f"{asked.place}: answered {answer.status}")
    page = page_of(answer.body, asked.place, asked.language, "")
    return msgspec.structs.replace(page, final_url=answer.url, headers=dict(answer.headers), truncated=answer.truncated)


def _from_page(page: PageFetched, gazetteer: Gazetteer, now: datetime) -> ArticleExtracted:
    """With the entities beside the watch, which need not be those of the settings."""
    settings = load_settings(ExtractorSettings)
    tools = Tools(load_identifier(), gazetteer, settings.extract_shortest, load_sites(settings.pack))
    answer = read(page, tools)
    if isinstance(answer, NoArticle):
        raise Misconfigured(f"{page.url}: no article: {answer.outcome} {answer.detail}".rstrip())
    version = Version(page.id, page.id, "", "", now)
    return extracted_of(page, answer, version, RealClock(), timedelta(days=36_500))


def _from_json(text: str, path: Path, asked: Asked, gazetteer: Gazetteer, now: datetime) -> ArticleExtracted:
    try:
        row = json.loads(text)
        if "article_id" in row:
            return msgspec.convert(row, ArticleExtracted)
        return article_of(
            Text(path.name, row.get("title", asked.title), row["text"], row.get("language", asked.language)),
            gazetteer, now,
        )  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Misconfigured(f"{path}: neither an extracted article nor a text with title and text: {error}") from error


def explained(watch: Path, article: ArticleExtracted, gazetteer: Gazetteer) -> Verdict:
    """The whole tree, alternatives that did not occur included."""
    return decide(load(watch, gazetteer.entities), article, whole=True)


def plain(verdict: Verdict) -> dict[str, Any]:
    """The verdict for JSON."""
    return {
        "watch": verdict.watch.id, "version": verdict.watch.version, "matched": verdict.matched,
        "score": verdict.score, "threshold": verdict.watch.score.threshold, "concepts": list(verdict.concepts),
        "hits": msgspec.to_builtins(verdict.hits), "why": msgspec.to_builtins(verdict.why),
    }  # fmt: skip


def lines(verdict: Verdict, article: ArticleExtracted, *, whole: bool) -> Iterator[str]:
    """The verdict for people; `whole` shows alternatives that did not occur, too."""
    said = "matches" if verdict.matched else "does not match"
    yield f"{verdict.watch.id} {said}: {article.title or article.url or article.id}"
    yield from _tree(verdict.why, verdict.hits, 0, whole=whole)
    for number, hit in enumerate(verdict.hits, 1):
        yield f"[{number}] {hit.concept}: {_context(hit, article)}  ({hit.term}{f', {hit.form}' if hit.form else ''})"


def _tree(clause: Clause, hits: tuple[Hit, ...], depth: int, *, whole: bool) -> Iterator[str]:
    places = " ".join(f"[{number + 1}]" for number in clause.hits[:6])
    opened = whole or (_is_telling(clause) and bool(clause.parts))
    label = clause.label if opened or not clause.parts else f"{clause.label}: {', '.join(_names(clause))}"
    yield f"{'  ' * depth}{'+' if clause.held else '-'} {_short(label)} {places}".rstrip()
    for part in clause.parts if opened else ():
        if whole or part.held or not clause.held:
            yield from _tree(part, hits, depth + 1, whole=whole)


def _is_telling(clause: Clause) -> bool:
    """Whether what is below says more: where something holds, not where nothing excluded or asked for was found."""
    if clause.label == NOT_EXCLUDED:
        return not clause.held
    return clause.held or any(part.held or _is_telling(part) for part in clause.parts)


def _names(clause: Clause) -> Iterator[str]:
    """What a clause is made of, in the words of the watch."""
    for part in clause.parts:
        yield from _names(part) if part.label.startswith(("any of", "only in")) and part.parts else (part.label,)


def _short(label: str) -> str:
    return label if len(label) <= WIDEST else f"{label[: WIDEST - 1].rstrip(', ')}…"


def _context(hit: Hit, article: ArticleExtracted) -> str:
    text = getattr(article, hit.span.field, "")
    before = text[max(0, hit.span.start - AROUND) : hit.span.start]
    after = text[hit.span.end : hit.span.end + AROUND]
    return " ".join(f"{before}»{hit.span.surface}«{after}".split())
