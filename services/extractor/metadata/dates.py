"""When a text was published: every place that says so, weighed.

How exact a statement is goes before where it stands: a minute with a time zone, then a minute without, then a day
(midnight sharp is a day). Among equals: JSON-LD, meta elements, the feed, microdata and time elements, the page's
scripts, what a reader sees under the headline, the address, htmldate. The weaker places make a day more exact, but do
not contradict it: a time element may belong to a teaser. Statements from the future, seen from when the page was
fetched, come last and are marked. On 257 real pages JSON-LD and meta elements gave the minute for 95 % and the right
day for 98 %; htmldate costs 2 ms and is asked only where nothing else says anything.

A minute without a zone is read in the zone of the outlet's country, else of its domain, else of its language; where
none is known it is taken as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.extractor.metadata.head import Metadata, text_of
from services.extractor.metadata.moments import Exact, Moment, Place, moment, parse, place_of
from services.extractor.reading import Candidate
from shared.events import PageFetched, Published
from shared.urls import host_of

META_PUBLISHED = (
    "article:published_time", "article:published", "og:article:published_time", "og:published_time", "datepublished",
    "publish-date", "publish_date", "publishdate", "published_time", "pubdate", "parsely-pub-date",
    "sailthru.date", "cxenseparse:recs:publishtime", "bt:pubdate", "dc.date.issued", "dcterms.issued",
    "dcterms.created", "article.published", "originalpublicationdate", "rnews:datepublished", "dc.date", "date",
)  # fmt: skip
META_MODIFIED = ("article:modified_time", "og:updated_time", "article:modified", "datemodified", "lastmod",
                 "last-modified", "revised", "bt:moddate", "dcterms.modified")  # fmt: skip
EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""News sites begin about here; earlier dates are epochs and placeholders."""
TOLERANCE = timedelta(minutes=10)
"""How far clocks of publishers run ahead before a date counts as from the future."""
APART = timedelta(hours=36)
"""How far a weak place may be from the day that a strong one tells: a day and a time zone."""
WRONG_ZONE = 0.6
"""How sure a local time is that was marked as UTC."""

_SURE = {"jsonld": 0.98, "meta": 0.95, "feed": 0.95, "microdata": 0.9, "time": 0.8, "script": 0.75, "seen": 0.7,
         "url": 0.65, "htmldate": 0.6}  # fmt: skip
_STRONG = frozenset({"jsonld", "meta", "feed", "microdata", "url"})
_IN_ADDRESS = re.compile(r"/((?:19|20)\d\d)[/-]([01]?\d)[/-]([0-3]?\d)(?=[/-]|$)")


@dataclass(frozen=True, slots=True)
class Statement:
    """A place that says when: the moment, and where it stands."""

    moment: Moment
    origin: str

    @property
    def at(self) -> datetime:
        """The moment in UTC."""
        return self.moment.at

    @property
    def exact(self) -> Exact:
        """How exact it is."""
        return self.moment.exact

    def future(self, now: datetime) -> bool:
        """Whether it lies after `now`, seen with the tolerance its exactness asks for."""
        return self.at > now + (TOLERANCE if self.exact is Exact.ZONED else timedelta(hours=14))


@dataclass(frozen=True, slots=True)
class Dates:
    """The weighed result. `latest` is the last moment that `published` can mean (a day lasts until its end); `stated`
    are both dates as the publisher writes them."""

    published: Published | None = None
    latest: datetime | None = None
    modified: datetime | None = None
    modified_origin: str = ""
    note: str = ""
    stated: dict[str, str] | None = None
    candidates: tuple[Candidate, ...] = ()
    why: str = ""


def weigh(head: Metadata, page: PageFetched, tree: Any) -> Dates:
    """The publication and change of a page, seen from when it was observed. `tree` is the parsed page for htmldate, or
    None to do without."""
    now, place = page.observed, _place(head, page)
    told = list(_statements(head, page, place))
    usable = _credible([one for one in told if one.at >= EARLIEST], now)
    best = max(usable, key=lambda one: (not one.future(now), one.exact, _SURE[one.origin]), default=None)
    best = best or _from_text(tree, now, place)
    if best is None:
        return Dates(candidates=_listed(told, usable, now))
    best, wrong_zone = _in_own_zone(best, now, place)
    future = best.future(now)
    sure = WRONG_ZONE if wrong_zone else _sureness(best, future=future)
    flags = f"{' future' if future else ''}{' local time marked as UTC' if wrong_zone else ''}"
    modified, modified_origin = _modified(head, page, best.at, place)
    stated = {"published": best.moment.stated} | ({"modified": modified.stated} if modified is not None else {})
    return Dates(
        Published(at=best.at, origin=best.origin, sure=sure),
        best.at + (timedelta(days=1) if best.exact is Exact.DAY else timedelta()),
        modified.at if modified is not None else None,
        modified_origin,
        f"{best.origin} {best.exact.name.lower()}{flags}",
        stated,
        _listed([*told, *([best] if best.origin == "htmldate" else [])], usable, now),
        f"the most exact of {max(1, len(usable))}, then by its place",
    )


def _place(head: Metadata, page: PageFetched) -> Place:
    language = head.language or head.first("og:locale", "content-language") or page.source.language
    return place_of(page.source.country, host_of(page.final_url or page.url), language)


def _statements(head: Metadata, page: PageFetched, place: Place) -> Iterator[Statement]:
    texts = [("jsonld", text_of(head.article.get("datePublished")) or text_of(head.article.get("dateCreated")))]
    texts += [("meta", head.first(name)) for name in META_PUBLISHED]
    texts += [("microdata", value) for value in head.marked[:1]]
    texts += [("time", value) for value in head.times[:1]]
    texts += [("script", value) for value in head.scripted]
    texts += [("seen", value) for value in head.seen[:1]]
    for origin, text in texts:
        parsed = parse(text, place) if text else None
        if parsed is not None:
            yield Statement(parsed, origin)
    fed = page.entry.published or (page.published.at if page.published is not None else None)
    known = moment(fed, place) if fed is not None else None
    if known is not None:
        yield Statement(known, "feed")
    dated = _IN_ADDRESS.search(page.final_url or page.url)
    parsed = parse(f"{dated[1]}-{dated[2]}-{dated[3]}", place) if dated is not None else None
    if parsed is not None:
        yield Statement(parsed, "url")


def _credible(statements: list[Statement], now: datetime) -> list[Statement]:
    """Without the weak ones that contradict a strong one."""
    strong = [one for one in statements if one.origin in _STRONG and not one.future(now)]
    if not strong:
        return statements
    return [
        one for one in statements if one.origin in _STRONG or any(abs(one.at - other.at) <= APART for other in strong)
    ]


def _in_own_zone(best: Statement, now: datetime, place: Place) -> tuple[Statement, bool]:
    """A moment from the future that is past when read as local time: publishers mark local times as UTC."""
    stated = datetime.fromisoformat(best.moment.stated)
    if not best.future(now) or best.exact is not Exact.ZONED or place.zone is None or stated.utcoffset():
        return best, False
    again = moment(stated.replace(tzinfo=None), place)
    local = Statement(again, best.origin) if again is not None else best
    return (best, False) if local.at > now + TOLERANCE else (local, True)


def _from_text(tree: Any, now: datetime, place: Place) -> Statement | None:
    if tree is None:
        return None
    from htmldate import find_date

    try:
        found = find_date(tree, original_date=True, extensive_search=False, max_date=now + timedelta(days=1))
    except Exception:  # noqa: BLE001 - a parser fed with other people's pages; a missing date is an answer
        return None
    parsed = parse(found, place) if found else None
    return Statement(parsed, "htmldate") if parsed is not None else None


def _modified(head: Metadata, page: PageFetched, published: datetime, place: Place) -> tuple[Moment | None, str]:
    texts = (("jsonld", text_of(head.article.get("dateModified"))), ("meta", head.first(*META_MODIFIED)))
    moments = [(parse(text, place), origin) for origin, text in texts if text]
    if page.entry.updated is not None:
        moments.append((moment(page.entry.updated, place), "feed"))
    known = ((one, origin) for one, origin in moments if one is not None)
    return next(((one, origin) for one, origin in known if published < one.at <= page.observed + TOLERANCE), (None, ""))


def _sureness(one: Statement, *, future: bool) -> float:
    if future:
        return 0.2
    return round(_SURE[one.origin] * {Exact.ZONED: 1.0, Exact.MINUTE: 0.8, Exact.DAY: 0.6}[one.exact], 2)


def _listed(told: list[Statement], usable: list[Statement], now: datetime) -> tuple[Candidate, ...]:
    def why(one: Statement) -> str:
        if one.at < EARLIEST:
            return "before there were news sites"
        if one.future(now):
            return "from the future"
        named = one.exact.name.lower()
        return named if one in usable or one.origin == "htmldate" else f"{named}, contradicts a stronger place"

    listed = [
        Candidate("published", one.origin, one.moment.stated, _sureness(one, future=one.future(now)), why=why(one))
        for one in told
    ]
    return tuple(dict.fromkeys(listed))
