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
MOST_TIMES = 40
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
    r"(?<!no-)(?:related|comment|sidebar|widget|teaser|recommend|most-?(?:read|popular)|footer|promo|latest|trending|"
    r"komentar|povezan|najnovij|najcitanij)",
    re.IGNORECASE,
)
_APART = frozenset({"aside", "footer", "nav", "form"})
_DATED = re.compile(r"(?:19|20)\d\d")
_UPDATED = re.compile(
    r"updat|modified|ažur|azur|измен|izmen|izmjen|ажур|përditës|perditesu|актуализ|обновл|aktualis|mis(?:e)? à jour|"
    r"aggiornat|aktualiz|actualiz|frissít|güncelle|оновл|ενημέρ|posodob|promijenj",
    re.IGNORECASE,
)
_TIMED = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d\d\b")
_PUBLISHED = re.compile(
    r"original(?:ly)?|publi(?:shed|cad|cat|é|kuar)|posted|objavlj|објав|публик|опубл|veröffentlicht|pubblicat|közzétév|"
    r"megjelent|yayın|δημοσ|opublikowan",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"\W*(?:first|originally|prvi put|prvobitno|izvorno|први пут|првобитно|prvotno|për herë të parë|първоначално|"
    r"zuerst|впервые|pubblicato la prima volta|ilk) ",
    re.IGNORECASE,
)
"""How the sentence begins that tells when a text came out for the first time: it may stand in the article's footer."""
_OFFSET = re.compile(r"\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?[+-](?!00:?00)\d\d:?\d\d\s*$")
_SCRIPTED = re.compile(
    r'\\?"(?:datePublished|date_published|publishedAt|published_at|publishDate|publish_date|publishedDate|'
    r"published_date|publicationDate|publication_date|published_time|firstPublished(?:At|Date)?|first_publish_date|"
    r'datePosted|articlePublicationDate)\\?"\s*:\s*\\?"([^"\\]{8,40})\\?"'
)


def marked_dates(tree: Any) -> Iterator[str]:
    """Dates marked as the publication by microdata or microformats."""
    around = _around_headline(tree)
    for element in _MARKED(tree)[:MOST]:
        value = element.get("content") or element.get("datetime") or element.get("title") or _text(element)
        if value and len(value) <= LONGEST_DATE and not _is_aside(element, around):
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
    """Short texts with a year in elements called a date or a byline: those that tell the first publication, those
    behind the headline, the others; without what they say of changes."""
    heading = tree.find(".//h1")
    found = [one for one in _SEEN(tree) if one.tag not in _APART][: 8 * MOST]
    first = [one for one in found if _FIRST.match(_text(one)[:LONGEST_DATE])]
    behind = _behind(found, heading) if heading is not None else []
    around = _around_headline(tree)
    for element in list(dict.fromkeys((*first, *behind, *found)))[: 2 * MOST]:
        text = published_part(_text(element))
        if len(text) <= LONGEST_DATE and _DATED.search(text) and (element in first or not _is_aside(element, around)):
            yield text


def says_when_updated(line: str) -> bool:
    """Whether a short line says when a page was changed, and nothing else that counts."""
    return _UPDATED.search(line) is not None and _TIMED.search(line) is not None


def published_part(text: str) -> str:
    """What a text says before it comes to changes; where that names no year, what it calls published behind them."""
    updated = _UPDATED.search(text)
    if updated is None or _DATED.search(text[: updated.start()]):
        return text[: updated.start()] if updated is not None else text
    published = _PUBLISHED.search(text, updated.end())
    return text[published.start() :] if published is not None else ""


def times(tree: Any) -> Iterator[str]:
    """What the page's time elements give as `datetime`, those marked as the publication first; without those of
    comments and teasers, and without changes."""
    elements = [one for one in tree.iter("time") if one.get("datetime")][:MOST_TIMES]
    marked, around = [one for one in elements if _is_publication(one)], _around_headline(tree)
    for element in dict.fromkeys((*marked, *elements)):
        if not _is_change(element) and not _is_aside(element, around):
            yield element.get("datetime").strip()


def clocks(tree: Any) -> tuple[str, ...]:
    """The page's times that are told with a difference from UTC, in comments too: a site keeps one clock."""
    values = (element.get("datetime") or "" for element, _ in zip(tree.iter("time"), range(MOST_TIMES), strict=False))
    return tuple(dict.fromkeys(value.strip() for value in values if _OFFSET.search(value)))


def _is_publication(element: Any) -> bool:
    marks = f"{_marks(element)} {element.get('pubdate')}".lower()
    return "publish" in marks or "pubdate" in marks or element.get("pubdate") is not None


def _is_change(element: Any) -> bool:
    """Whether a time element, its marks or the words before it speak of a change, and none of the publication."""
    before, around = element.getprevious(), element.getparent()
    said = (before.tail or _text(before)) if before is not None else (around.text or "") if around is not None else ""
    told = f"{said[-LONGEST_BYLINE:]} {_text(element)} {_marks(element)}"
    return bool(_UPDATED.search(told)) and not _PUBLISHED.search(told)


def _marks(element: Any) -> str:
    return f"{element.get('itemprop') or ''} {element.get('class') or ''}"


def bylines(tree: Any) -> Iterator[str]:
    """Short texts of elements called an author or a byline."""
    around = _around_headline(tree)
    for element in _BYLINES(tree)[:MOST]:
        text = _text(element) or (element.get("content") or "").strip()
        if text and len(text) <= LONGEST_BYLINE and not _is_aside(element, around):
            yield text


def _behind(found: list[Any], heading: Any) -> list[Any]:
    """Those of `found`, in the order of the document, that come after the headline."""
    after = set(_BEHIND(heading))
    return [one for one in found if one in after]


def _text(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split()) if len(element) <= MOST else ""


def _around_headline(tree: Any) -> frozenset[Any]:
    """The elements that the headline stands in: whatever they are called (a form around all of a page, a header
    "without promo"), what is in them may be the article's."""
    heading = tree.find(".//h1")
    return frozenset(heading.iterancestors()) if heading is not None else frozenset()


def _is_aside(element: Any, around: frozenset[Any]) -> bool:
    """Whether the element stands in a part of the page that is not the article's."""
    for one in (element, *element.iterancestors()):
        if one in around:
            return False
        named = f"{one.get('class') or ''} {one.get('id') or ''}"
        if one.tag in _APART or (one.tag not in ("body", "html") and _ASIDE.search(named)):
            return True
    return False
