"""Texts that did not come over the bus, made into the article that the extractor would hand over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from services.extractor.entities.recognise import mentions
from services.extractor.quotes.find import quotes_in
from services.extractor.quotes.offices import Offices
from shared import ids
from shared.errors import Misconfigured
from shared.events import ArticleExtracted, Language, Published, Source
from shared.text.gazetteer import Gazetteer
from shared.text.languages import macro

COUNTRIES = {one: one.upper() for one in ("rs", "hr", "al", "ba", "me", "mk", "si", "bg", "xk")}
"""Countries by the end of an outlet's address, for those of the region; in production a source tells its own."""
WRAPPED_AT = 120
"""Characters of the longest line of a text that a mail or a terminal wrapped."""
_WRAPPED = re.compile(r"(?<=[\w,;]) *\n(?=\w)")
"""A line end within a sentence."""
UNDATED = datetime(9999, 1, 1, tzinfo=UTC)
"""Where a text without a date stands in the order."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its language code and, where known, its time. What else its row says stays in `labels`."""

    id: str
    title: str
    text: str
    language: str
    published: datetime | None = None
    url: str = ""
    source: str = ""
    labels: Mapping[str, Any] | None = None


def read_texts(path: Path, needed: Sequence[str] = ("id", "text")) -> list[Text]:
    """The texts of a file of JSON lines (`id`, `title`, `text`, `language`, `published`, `url`, `source`; more is kept
    as labels). Raises Misconfigured with the line, also where one of the `needed` is missing."""
    rows: dict[str, Text] = {}
    for number, line in enumerate(_lines(path), 1):
        try:
            if line.strip():
                one = _text(_complete(json.loads(line), needed))
                if rows.setdefault(one.id, one) is not one:
                    raise ValueError(f"the id {one.id!r} stands above already")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            told = f"needs {error}" if isinstance(error, KeyError) else str(error)
            told += "; write one JSON object a line" if isinstance(error, json.JSONDecodeError) else ""
            raise Misconfigured(f"{path}:{number}: not a text with id, title and text: {told}") from error
    return list(rows.values())


def _complete(row: dict[str, Any], needed: Sequence[str]) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise ValueError("write one JSON object a line")
    for name in needed:
        if row.get(name) is None:
            raise KeyError(name)
    return row


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split("\n")  # splitlines would cut at separators within texts, too
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: cannot be read: {error}") from error


def _text(row: dict[str, Any]) -> Text:
    return Text(
        id=str(row["id"]), title=str(row.get("title") or ""), text=str(row["text"]),
        language=str(row.get("language") or ""), published=moment_of(row.get("published")),
        url=str(row.get("url") or ""), source=str(row.get("source") or ""), labels=row,
    )  # fmt: skip


def moment_of(written: Any) -> datetime | None:
    """A year, month, day or time; parts that are missing are the first of their kind."""
    if not written:
        return None
    text = str(written)
    if len(text) > len("2025-03-18"):
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    year, month, day = [*(int(part) for part in text.split("-")), 1, 1][:3]
    return datetime(year, month, day, tzinfo=UTC)


def last_moment(texts: Iterable[Text]) -> datetime:
    """When texts without a date are taken to have been seen: with the last of those that have one, so that they can
    belong to its story and the answer does not depend on the day it is asked for."""
    return max((one.published for one in texts if one.published), default=datetime.now(UTC))


def country_of(url: str) -> str:
    """The country of an outlet as its address tells it, where nothing else does; "" for most."""
    host = urlsplit(url).hostname or ""
    return COUNTRIES.get(host.rpartition(".")[2], "")


def _unwrapped(text: str) -> str:
    """A text without the line ends that a mail or a terminal put into its sentences."""
    lines = text.split("\n")
    return _WRAPPED.sub(" ", text) if max(map(len, lines)) <= WRAPPED_AT else text


def article_of(one: Text, gazetteer: Gazetteer, now: datetime) -> ArticleExtracted:
    """The article, with the entities and quotations that the extractor finds in it."""
    code, content = macro(one.language), _unwrapped(one.text)
    fields = tuple((name, text) for name, text in (("title", one.title), ("text", content)) if text)
    found = mentions(gazetteer, fields, code, one.published, country_of(one.url))
    published = Published(at=one.published, origin="given") if one.published else None
    return ArticleExtracted(
        id=ids.of("text", one.id, one.title, one.text), observed=one.published or now, article_id=one.id or "text",
        url=one.url, canonical_url=one.url, title=one.title, text=content, published=published,
        source=Source(id=one.source or one.id or "text", name=one.source or "text", country=country_of(one.url)),
        language=Language(macro=code, variety=one.language), entities=found,
        quotes=quotes_in(fields, code, found, Offices(gazetteer.entities, one.published and one.published.date())),
    )  # fmt: skip
