"""When a text was published: every place that says so, weighed.

How exact a statement is goes before where it stands: a minute with a time zone, then a minute without, then a day
(midnight sharp is a day). Among equals: JSON-LD, meta elements, the feed, time elements, htmldate. Statements from the
future, seen from when the page was fetched, come last and are marked. On 257 real pages JSON-LD and meta elements gave
the minute for 95 % and the right day for 98 %; htmldate costs 2 ms and is asked only where nothing else says anything.

A minute without a zone is read in the zone of the outlet's country; where that is unknown it is taken as UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo

from services.extractor.metadata.head import Metadata, text_of
from shared.events import PageFetched, Published

META_PUBLISHED = (
    "article:published_time", "article:published", "og:article:published_time", "og:published_time", "datepublished",
    "publish-date", "publish_date", "publishdate", "published_time", "pubdate", "parsely-pub-date",
    "sailthru.date", "cxenseparse:recs:publishtime", "dc.date.issued", "dcterms.created", "dc.date", "date",
)  # fmt: skip
META_MODIFIED = ("article:modified_time", "og:updated_time", "datemodified", "lastmod", "last-modified",
                 "dcterms.modified")  # fmt: skip
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""News sites begin about here; earlier dates are epochs and placeholders."""
TOLERANCE = timedelta(minutes=10)
"""How far clocks of publishers run ahead before a date counts as from the future."""

_ZONES = {
    "AL": "Europe/Tirane", "AT": "Europe/Vienna", "BA": "Europe/Sarajevo", "BE": "Europe/Brussels",
    "BG": "Europe/Sofia", "CH": "Europe/Zurich", "DE": "Europe/Berlin", "ES": "Europe/Madrid", "FR": "Europe/Paris",
    "GB": "Europe/London", "GR": "Europe/Athens", "HR": "Europe/Zagreb", "HU": "Europe/Budapest",
    "IT": "Europe/Rome", "ME": "Europe/Podgorica", "MK": "Europe/Skopje", "NL": "Europe/Amsterdam",
    "PL": "Europe/Warsaw", "RO": "Europe/Bucharest", "RS": "Europe/Belgrade", "RU": "Europe/Moscow",
    "SI": "Europe/Ljubljana", "TR": "Europe/Istanbul", "UA": "Europe/Kyiv", "UK": "Europe/London",
    "XK": "Europe/Belgrade",
}  # fmt: skip
"""Country to zone, for the countries of the outlets on the watched stories; those with several zones are left out."""

_SURE = {"jsonld": 0.98, "meta": 0.95, "feed": 0.95, "time": 0.8, "htmldate": 0.6}
_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$|Z$)")
_DAY_FIRST = re.compile(r"^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})\.?(?:[ ,T]+(?:u )?(\d{1,2}):(\d\d)(?::(\d\d))?)?")


class Exact(IntEnum):
    """How exact a statement is."""

    DAY = 0
    MINUTE = 1
    ZONED = 2


@dataclass(frozen=True, slots=True)
class Statement:
    """A place that says when: the moment in UTC, how exact, and where it stands."""

    at: datetime
    exact: Exact
    origin: str

    def future(self, now: datetime) -> bool:
        """Whether it lies after `now`, seen with the tolerance its exactness asks for."""
        return self.at > now + (TOLERANCE if self.exact is Exact.ZONED else timedelta(hours=14))


@dataclass(frozen=True, slots=True)
class Dates:
    """The weighed result. `latest` is the last moment that `published` can mean (a day lasts until its end)."""

    published: Published | None = None
    latest: datetime | None = None
    modified: datetime | None = None
    note: str = ""


def weigh(head: Metadata, page: PageFetched, tree: Any) -> Dates:
    """The publication and change of a page, seen from when it was observed. `tree` is the parsed page for htmldate, or
    None to do without."""
    now, country = page.observed, page.source.country
    statements = [one for one in _statements(head, page, country) if one.at >= EARLIEST]
    best = max(statements, key=lambda one: (not one.future(now), one.exact, _SURE[one.origin]), default=None)
    best = best or _from_text(tree, now)
    if best is None:
        return Dates()
    future = best.future(now)
    published = Published(at=best.at, origin=best.origin, sure=_sureness(best, future=future))
    latest = best.at + (timedelta(days=1) if best.exact is Exact.DAY else timedelta())
    note = f"{best.origin} {best.exact.name.lower()}{' future' if future else ''}"
    return Dates(published, latest, _modified(head, page, best.at), note)


def parse(text: str, country: str = "") -> tuple[datetime, Exact] | None:
    """A moment as pages write it (ISO 8601, RFC 822, day first with points, Unix time), in UTC, and how exact."""
    text = _SPACED_OFFSET.sub("", text.strip())
    found = _iso(text) or _rfc822(text) or _day_first(text) or _unix(text)
    if found is None:
        return None
    zone = _zone(country)
    exact = Exact.MINUTE if found.tzinfo is None else Exact.ZONED
    local = found.replace(tzinfo=zone or UTC) if found.tzinfo is None else found
    if _is_midnight(found, zone):
        exact = Exact.DAY
    try:
        return local.astimezone(UTC), exact
    except OverflowError:
        return None


def _statements(head: Metadata, page: PageFetched, country: str) -> list[Statement]:
    found: list[Statement] = []
    texts = [("jsonld", text_of(head.article.get("datePublished")) or text_of(head.article.get("dateCreated")))]
    texts += [("meta", head.first(name)) for name in META_PUBLISHED]
    texts += [("time", value) for value in head.times[:1]]
    for origin, text in texts:
        parsed = parse(text, country) if text else None
        if parsed is not None:
            found.append(Statement(parsed[0], parsed[1], origin))
    fed = page.entry.published or (page.published.at if page.published is not None else None)
    if fed is not None:
        midnight = _is_midnight(fed, _zone(country))
        found.append(Statement(fed.astimezone(UTC), Exact.DAY if midnight else Exact.ZONED, "feed"))
    return found


def _from_text(tree: Any, now: datetime) -> Statement | None:
    if tree is None:
        return None
    from htmldate import find_date

    try:
        found = find_date(tree, original_date=True, extensive_search=False, max_date=now + timedelta(days=1))
    except Exception:  # noqa: BLE001 - a parser fed with other people's pages; a missing date is an answer
        return None
    parsed = parse(found) if found else None
    return Statement(parsed[0], Exact.DAY, "htmldate") if parsed is not None else None


def _modified(head: Metadata, page: PageFetched, published: datetime) -> datetime | None:
    texts = (text_of(head.article.get("dateModified")), head.first(*META_MODIFIED))
    moments = [
        parsed[0] for parsed in (parse(text, page.source.country) for text in texts if text) if parsed is not None
    ]
    moments += [page.entry.updated.astimezone(UTC)] if page.entry.updated is not None else []
    return next((at for at in moments if published < at <= page.observed + TOLERANCE), None)


def _sureness(one: Statement, *, future: bool) -> float:
    if future:
        return 0.2
    return round(_SURE[one.origin] * {Exact.ZONED: 1.0, Exact.MINUTE: 0.8, Exact.DAY: 0.6}[one.exact], 2)


def _zone(country: str) -> tzinfo | None:
    name = _ZONES.get(country.upper())
    return ZoneInfo(name) if name else None


def _is_midnight(found: datetime, zone: tzinfo | None) -> bool:
    """Midnight in its own zone, or in the outlet's: a day that was given a time by a machine."""
    local = found.astimezone(zone) if found.tzinfo is not None and zone is not None else found
    return not any((found.hour, found.minute, found.second)) or not any((local.hour, local.minute, local.second))


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc822(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None


def _day_first(text: str) -> datetime | None:
    match = _DAY_FIRST.match(text)
    if match is None:
        return None
    day, month, year, hour, minute, second = (int(part or 0) for part in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone is the outlet's, added by the caller
    except ValueError:
        return None


def _unix(text: str) -> datetime | None:
    if not text.isdigit() or len(text) not in (10, 13):
        return None
    return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)
