"""Dates and bylines outside the head: microdata, values in scripts, and what a reader sees around the headline.

Elements are chosen by what their class, id or itemprop calls them, in one pass of XPath each; those in asides,
footers, comments and lists of related articles are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

MOST = 30
"""Elements of a kind that are looked at."""
LONGEST_DATE, LONGEST_BYLINE = 120, 100
LARGEST_SCRIPT = 1_000_000
"""Characters of a script that are searched."""

_MARKED = etree.XPath(
    "//*[(@itemprop and name()!='meta' and translate(@itemprop, 'DP', 'dp')='datepublished')"
    " or (@class and (contains(@class, 'dt-published') or (name()='abbr' and"
    " (contains(@class, 'published') or contains(@class, 'Published')))))]"
)
_DATES = (
    "date", "Date", "datum", "Datum", "time", "Time", "ublish", "osted", "yline", "yLine", "meta", "Meta", "vreme",
    "Vreme", "data", "Data",
)  # fmt: skip
_AUTHORS = ("uthor", "yline", "yLine", "autor", "Autor")
"""Parts of what elements are called, without a first letter that may be a capital: to fold every class of a page took
longer than all else that is done with it here."""


def _called(words: tuple[str, ...], *attributes: str) -> str:
    return " or ".join(f"contains({where}, '{word}')" for where in attributes for word in words)


_SEEN = etree.XPath(
    f"//*[(@class and ({_called(_DATES, '@class')})) or (@id and ({_called(_DATES, '@id')})) or name()='time']"
)
_BYLINES = etree.XPath(f"//*[@rel='author' or @itemprop='author' or (@class and ({_called(_AUTHORS, '@class')}))]")
_BEHIND = etree.XPath("following::*[position() <= 400]")
_ASIDE = re.compile(
    r"related|comment|sidebar|widget|teaser|recommend|most-?(?:read|popular)|footer|promo|latest|trending|komentar|"
    r"povezan|najnovij|najcitanij",
    re.IGNORECASE,
)
_APART = frozenset({"aside", "footer", "nav", "form"})
_DATED = re.compile(r"(?:19|20)\d\d")
_UPDATED = re.compile(
    r"updat|ažur|azur|измен|izmen|izmjen|ажур|përditës|perditesu|актуализ|обновл|aktualis|mis(?:e)? à jour|"
    r"aggiornat|aktualiz|actualiz|frissít|güncelle|оновл|ενημέρ|posodob|promijenj",
    re.IGNORECASE,
)
_TIMED = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d\d\b")
_SCRIPTED = re.compile(
    r'\\?"(?:datePublished|date_published|publishedAt|published_at|publishDate|publish_date|publishedDate|'
    r"published_date|publicationDate|publication_date|published_time|firstPublished(?:At|Date)?|first_publish_date|"
    r'datePosted|articlePublicationDate)\\?"\s*:\s*\\?"([^"\\]{8,40})\\?"'
)


def marked_dates(tree: Any) -> Iterator[str]:
    """Dates marked as the publication by microdata or microformats."""
    for element in _MARKED(tree)[:MOST]:
        value = element.get("content") or element.get("datetime") or element.get("title") or _text(element)
        if value and len(value) <= LONGEST_DATE and not _is_aside(element):
            yield value.strip()


def scripted_dates(tree: Any) -> Iterator[str]:
    """The first date that a script of the page calls that of publication."""
    for element in tree.iter("script"):
        text = element.text or ""
        found = _SCRIPTED.search(text) if len(text) <= LARGEST_SCRIPT else None
        if found is not None:
            yield found[1]
            return


def seen_dates(tree: Any) -> Iterator[str]:
    """Short texts with a year in elements called a date or a byline, those behind the headline first; what a text says
    from its "updated" on is left out."""
    heading = tree.find(".//h1")
    found = [one for one in _SEEN(tree) if one.tag not in _APART][: 8 * MOST]
    behind = _behind(found, heading) if heading is not None else []
    for element in (*behind, *(one for one in found if one not in behind))[: 2 * MOST]:
        text = _text(element)
        updated = _UPDATED.search(text)
        text = text[: updated.start()] if updated is not None else text
        if len(text) <= LONGEST_DATE and _DATED.search(text) and not _is_aside(element):
            yield text


def says_when_updated(line: str) -> bool:
    """Whether a short line says when a page was changed, and nothing else that counts."""
    return _UPDATED.search(line) is not None and _TIMED.search(line) is not None


def bylines(tree: Any) -> Iterator[str]:
    """Short texts of elements called an author or a byline."""
    for element in _BYLINES(tree)[:MOST]:
        text = _text(element) or (element.get("content") or "").strip()
        if text and len(text) <= LONGEST_BYLINE and not _is_aside(element):
            yield text


def _behind(found: list[Any], heading: Any) -> list[Any]:
    """Those of `found`, in the order of the document, that come after the headline."""
    after = set(_BEHIND(heading))
    return [one for one in found if one in after]


def _text(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split()) if len(element) <= MOST else ""


def _is_aside(element: Any) -> bool:
    """Whether the element stands in a part of the page that is not the article's."""
    for one in (element, *element.iterancestors()):
        if one.tag in _APART or (one.tag not in ("body", "html") and _ASIDE.search(
            f"{one.get('class') or ''} {one.get('id') or ''}"
        )):  # fmt: skip
            return True
    return False
