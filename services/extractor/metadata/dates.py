"""When a text was published: every place that says so, weighed.

How exact a statement is goes before where it stands: a minute with a time zone, then a minute without, then a day
(midnight sharp is a day). Among equals: what several places agree on, then JSON-LD, meta elements, the feed, microdata
and time elements, the page's scripts, what a reader sees around the headline, the address, htmldate (`statements`).
Statements from the future, seen from when the page was fetched, come last and are marked. htmldate costs 2 ms and is
asked only where nothing else says anything.

A minute without a zone is read in the zone of the outlet's country, else of its domain, else of its language, else in
the one that the page's own times of those days are written in; where none is known it is taken as UTC. A local time
that is marked as UTC is put right where it lies in the future, or where the page tells the same change in UTC, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any

from services.extractor.metadata.head import META_CREATED, META_MODIFIED, META_PUBLISHED, Metadata, text_of
from services.extractor.metadata.moments import Exact, Moment, Place, moment, parse, place_of
from services.extractor.metadata.statements import (
    EARLIEST,
    SURE,
    TOLERANCE,
    Statement,
    Weighed,
    in_own_zone,
    local_clock,
    weighed,
)
from services.extractor.reading import Candidate
from shared.events import PageFetched, Published
from shared.urls import host_of

WRONG_ZONE = 0.6
"""How sure a local time is that was marked as UTC."""
MODIFIED_SURE = 0.9
"""How sure the time of a change is: machines write it."""
_IN_ADDRESS = re.compile(r"/((?:19|20)\d\d)[/-]([01]?\d)[/-]([0-3]?\d)(?=[/-]|$)")
_DAYS = timedelta(days=3)
"""How near a time of the page must be for its zone to hold for another: clocks are changed twice a year."""


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
    found: Weighed | None = None
    best: Statement | None = None
    changes: tuple[tuple[Moment, str], ...] = ()

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All statements of both, the believed ones marked."""
        return (*_listed(self), *_listed_changes(self)) if self.found is not None else ()


@dataclass(frozen=True, slots=True)
class _Said:
    """A page, where it comes from, and how far off its meta elements' clock is."""

    head: Metadata
    page: PageFetched
    place: Place
    off: timedelta = timedelta()


def weigh(head: Metadata, page: PageFetched, tree: Any) -> Dates:
    """The publication and change of a page, seen from when it was observed. `tree` is the parsed page for htmldate, or
    None to do without."""
    said = _said(head, page)
    changes = tuple(dict.fromkeys(_changes(said)))
    found = weighed(_statements(said), [one for one, _ in changes], page.observed)
    best = found.best() or _from_text(tree, page.observed, said.place)
    if best is None:
        return Dates(found=found, changes=changes)
    return _settled(found, in_own_zone(best, page.observed, said.place), changes)


def _settled(found: Weighed, best: Statement, changes: tuple[tuple[Moment, str], ...]) -> Dates:
    future = best.future(found.now)
    flags = f"{' future' if future else ''}{' local time marked as UTC' if best.wrong_zone else ''}"
    modified, origin = _modified(found, best, changes)
    return Dates(
        Published(at=best.at, origin=best.origin, sure=_sureness(best, future=future)),
        best.at + (timedelta(days=1) if best.exact is Exact.DAY else timedelta()),
        modified.at if modified is not None else None,
        origin,
        f"{best.origin} {best.exact.name.lower()}{flags}",
        {"published": best.moment.stated} | ({"modified": modified.stated} if modified is not None else {}),
        found,
        best,
        changes,
    )


def _said(head: Metadata, page: PageFetched) -> _Said:
    language = head.language or head.first("og:locale", "content-language") or page.source.language
    place = place_of(page.source.country, host_of(page.final_url or page.url), language)
    others = (*head.meta.get("og:updated_time", ()), text_of(head.article.get("dateModified")))
    off = local_clock(head.first("article:modified_time"), others, _is_west(head, place, page))
    return _Said(head, page, place, off)


def _is_west(head: Metadata, place: Place, page: PageFetched) -> bool | None:
    """On which side of Greenwich the page's clock is, None where it is not known."""
    if place.zone is not None:
        kept = place.zone.utcoffset(page.observed.replace(tzinfo=None)) or timedelta()
        return kept < timedelta() if kept else None
    signs = {_offset(one) < timedelta() for one in head.clocks if _offset(one)}
    return signs.pop() if len(signs) == 1 else None


def _statements(said: _Said) -> Iterator[Statement]:
    head, page, place = said.head, said.page, said.place
    texts = [("jsonld", text_of(head.article.get("datePublished")) or text_of(head.article.get("dateCreated")))]
    texts += [("microdata", value) for value in head.marked[:1]]
    texts += [("time", value) for value in head.times[:1]]
    texts += [("script", value) for value in head.scripted]
    texts += [("seen", value) for value in head.seen[:1]]
    texts += [("created", head.first(name)) for name in META_CREATED]
    for name in META_PUBLISHED:
        yield from _read(said, "meta", head.first(name), name)
    for origin, text in texts:
        yield from _read(said, origin, text)
    fed = page.entry.published or (page.published.at if page.published is not None else None)
    known = moment(fed, place) if fed is not None else None
    if known is not None:
        yield Statement(known, "feed")
    dated = _IN_ADDRESS.search(page.final_url or page.url)
    yield from _read(said, "url", f"{dated[1]}-{dated[2]}-{dated[3]}" if dated is not None else "")


def _read(said: _Said, origin: str, text: str, name: str = "") -> Iterator[Statement]:
    parsed = parse(text, said.place) if text else None
    if parsed is None:
        return
    if said.off and name.startswith("article:") and parsed.exact is Exact.ZONED:
        right = moment(parsed.at + said.off, said.place)
        yield Statement(right if right is not None else parsed, origin, wrong_zone=right is not None)
        return
    yield Statement(_in_zone_beside(said, parsed), origin)


def _in_zone_beside(said: _Said, found: Moment) -> Moment:
    """A time without a zone, in the one that the page's own times of those days are written in."""
    if found.exact is not Exact.MINUTE or said.place.zone is not None:
        return found
    for text in said.head.clocks:
        beside, offset = parse(text), _offset(text)
        if beside is not None and offset and abs(beside.at - found.at) <= _DAYS:
            local = moment(found.at.replace(tzinfo=None), replace(said.place, zone=timezone(offset)))
            return local if local is not None else found
    return found


def _offset(text: str) -> timedelta:
    """How far from UTC a moment is told, zero where it is not."""
    told = parse(text)
    stated = datetime.fromisoformat(told.stated) if told is not None else None
    return (stated.utcoffset() if stated is not None else None) or timedelta()


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


def _changes(said: _Said) -> Iterator[tuple[Moment, str]]:
    """What the page and the feed call changes."""
    head, place = said.head, said.place
    changed = parse(text_of(head.article.get("dateModified")), place)
    if changed is not None:
        yield changed, "jsonld"
    for name in META_MODIFIED:
        for one in _read(said, "meta", head.first(name), name):
            yield one.moment, "meta"
    known = moment(said.page.entry.updated, place) if said.page.entry.updated is not None else None
    if known is not None:
        yield known, "feed"


def _modified(found: Weighed, best: Statement, changes: tuple[tuple[Moment, str], ...]) -> tuple[Moment | None, str]:
    """The first change that lies behind the publication and before now, and where it is told."""
    latest = found.now + TOLERANCE
    return next(((one, origin) for one, origin in changes if best.at < one.at <= latest), (None, ""))


def _sureness(one: Statement, *, future: bool) -> float:
    if future:
        return 0.2
    if one.wrong_zone:
        return WRONG_ZONE
    return round(SURE[one.origin] * {Exact.ZONED: 1.0, Exact.MINUTE: 0.8, Exact.DAY: 0.6}[one.exact], 2)


def _listed(dates: Dates) -> Iterator[Candidate]:
    assert dates.found is not None
    told = [*dates.found.told, *([dates.best] if dates.best is not None and dates.best.origin == "htmldate" else [])]
    won = next((one for one in told if _is_best(one, dates.best)), None)
    for one in dict.fromkeys(told):
        sure = _sureness(one, future=one.future(dates.found.now))
        why = _why_best(dates.found, one) if one is won else _why_not(dates.found, one)
        yield Candidate("published", one.origin, one.moment.stated, sure, one is won, why)


def _is_best(one: Statement, best: Statement | None) -> bool:
    """Whether this is the believed statement, put right or as it was told."""
    same = best is not None and one.origin == best.origin
    return same and best is not None and (best.wrong_zone or one.moment == best.moment)


def _why_best(found: Weighed, best: Statement) -> str:
    allies = ", ".join(dict.fromkeys(one.origin for one in found.allies(best) if one.origin != best.origin))
    agreed = f", and {allies} agree" if allies else ""
    return (
        f"{best.exact.name.lower()}: the most exact of {max(1, len(found.usable))}, then by agreement and place{agreed}"
    )


def _why_not(found: Weighed, one: Statement) -> str:
    if one.future(found.now) and one.at >= EARLIEST:
        return "from the future"
    objection = found.objections.get(one, "")
    return f"{one.exact.name.lower()}, {objection}" if objection else one.exact.name.lower()


def _listed_changes(dates: Dates) -> Iterator[Candidate]:
    assert dates.found is not None
    latest = dates.found.now + TOLERANCE
    settled = False
    for one, origin in dates.changes:
        late, early = one.at > latest, dates.best is not None and one.at <= dates.best.at
        won = dates.modified == one.at and dates.modified_origin == origin and not settled
        why = "from the future" if late else "not after the publication" if early else "the first place that has one"
        settled = settled or won
        yield Candidate("modified", origin, one.stated, MODIFIED_SURE, won, why if won or late or early else "")
