"""The names an entry goes by beside its guid: its addresses, the article number in them, its title and text. Pure.

Who asks is `recognise`. A name that two articles could bear costs one of them its page, so all doubt makes it no name:
then one more page is fetched, and the extractor sees that it is the same article.

Left out on purpose: names across sources (the extractor makes one article of one canonical address), likeness of texts
(it does that, too), and article numbers of fewer than five digits or made of letters.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from services.fetcher.read.parse import FeedEntry
from shared import ids
from shared.urls import canonical

SHORTEST_TITLE = 30
SHORTEST_TEXT = 200
"""Letters and digits from which title and text together are one article's: "Live blog" and the teaser of a daily
column come again."""

LONGEST_TEXT = 20_000


class NameKind(StrEnum):
    """What a name is made of, the surest first."""

    ADDRESS = "address"
    NUMBER = "number"
    CONTENT = "content"


class Name(NamedTuple):
    """A name within a source; `key` is a hash, because addresses may be longer than a key of a table."""

    kind: NameKind
    key: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """An entry as a body lists it: `url` is its absolute address ("" without a usable one), `urls` the canonical forms
    of all under which the body lists this guid."""

    entry: FeedEntry
    url: str
    urls: tuple[str, ...] = ()

    @property
    def print(self) -> int:
        """Another number when the entry is listed with another date or address. Holds within a process."""
        return hash((self.entry.published, self.urls))


def names_of(sighting: Sighting, *, content: bool) -> frozenset[Name]:
    """The names of an entry. `content`: also that of its title and text, which takes reading them."""
    return frozenset(_names(sighting, content=content))


def _names(sighting: Sighting, *, content: bool) -> Iterator[Name]:
    guid = sighting.entry.id  # it may be an address, served by http and https; what follows a # is what tells it apart
    permanent = canonical(guid) if "#" not in guid else ""
    for url in (*sighting.urls, permanent):
        if url and not _is_front(url):
            yield _name(NameKind.ADDRESS, url)
    for url in sighting.urls:
        if place := number_place(url):
            yield _name(NameKind.NUMBER, place)
    if content and (text := _content(sighting.entry)):
        yield _name(NameKind.CONTENT, text)


def _name(kind: NameKind, text: str) -> Name:
    return Name(kind, ids.of(kind, text))


def _is_front(url: str) -> bool:
    """A front page is where entries lead that have no address of their own."""
    parts = urlsplit(url)
    return parts.path in ("", "/") and not parts.query


# -- the article number in an address ------------------------------------------------------------------------------

_ENDING = re.compile(r"\.[a-z]{2,5}$", re.IGNORECASE)
_WHOLE = re.compile(r"\d{5,}")
_FRONT = re.compile(r"(\d{6,})[-_].+")
_BACK = re.compile(r".+[-_]([a-z]{0,3}\d{6,})", re.IGNORECASE)
_MOMENT = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:(?:0[1-9]|[12]\d|3[01])\d{0,6})?")
_SLUG = re.compile(r"(?=.*[^\W\d_]).*[-_].*[-_].*")


def number_place(url: str) -> str:
    """A canonical address without the words of its slug, "" where it has no article number, or more than one.

    The number is a segment of its own (five digits if it is the last, else six: shorter ones are sections') or stands
    at an end of the slug (six digits, no round number: "100000-protest"). Years with months, days or times are none.
    """
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    numbers = [_number(segment, last=place == len(segments) - 1) for place, segment in enumerate(segments)]
    if sum(map(bool, numbers)) != 1:
        return ""
    kept = [
        number or segment for number, segment in zip(numbers, segments, strict=True) if number or not _is_slug(segment)
    ]
    return f"{parts.netloc}/{'/'.join(kept)}?{parts.query}"


def _number(segment: str, *, last: bool) -> str:
    """The article number in a segment, with what tells where it stands in it."""
    bare = _ENDING.sub("", segment)
    if _WHOLE.fullmatch(bare):
        return "" if _MOMENT.fullmatch(bare) or (len(bare) < 6 and not last) else bare
    front, back = _FRONT.fullmatch(bare), _BACK.fullmatch(bare)
    if bool(front) == bool(back):
        return ""
    number = front[1] if front else back[1] if back else ""
    if number.endswith("000") or _MOMENT.fullmatch(number):
        return ""
    return f"{number}-" if front else f"-{number}"


def _is_slug(segment: str) -> bool:
    return bool(_SLUG.fullmatch(segment))


# -- title and text ------------------------------------------------------------------------------------------------

_TAG = re.compile(r"<[^<>]*>")
_SILENT = re.compile(r"[\W_]+")


def _content(entry: FeedEntry) -> str:
    """Day, title and text without what differs between two prints of them, "" where either is short. The day tells the
    column of a day from that of the next: a site that numbers its entries anew keeps their dates."""
    title = _letters(entry.title)
    if len(title) < SHORTEST_TITLE:
        return ""
    details = entry.read
    text = _letters(html.unescape(_TAG.sub(" ", (details.content or details.summary)[:LONGEST_TEXT])))
    day = f"{entry.published:%Y-%m-%d}" if entry.published else ""
    return f"{day}\n{title}\n{text}" if len(text) >= SHORTEST_TEXT else ""


def _letters(text: str) -> str:
    return _SILENT.sub("", text.casefold())
