"""Entries not seen before, and whether they can still be news.

An entry is its guid within the source, else its canonical address. Live means observed at most a day (a setting) after
it was published; on the first poll of a source, and on the first after an outage, an entry without a date counts as
history, else it counts as new because we saw it appear. History is published too (`backfill`): it teaches, and raises
nothing.

Which of the new entries are articles known under another name is for `recognise` to say.

Left out on purpose: entries that change later (`edit` alerts compare pages, not feeds).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urljoin

from services.fetcher.entries.names import Sighting
from services.fetcher.metrics import PageOutcome
from services.fetcher.read.parse import Feed, FeedEntry
from services.fetcher.sources import Content, Source, SourceKind
from services.fetcher.store import Found, Item
from shared import ids
from shared.events import Entry, Mode, Published
from shared.urls import canonical

FIRST_SIGHT = "first_sight"
"""Flag of an undated entry in a list that was there before us: nobody knows how old it is."""

AHEAD = timedelta(minutes=15)
"""A date further in the future than a clock is usually wrong by is flagged."""

VERY_OLD = timedelta(days=365)

OUTAGE = 1.25
"""How often the bound of news a source may have been unread before an undated entry can be from before it: one that is
asked once a day is in time."""

SURE = {"future": 0.3, "zoneless": 0.6}
"""How sure a feed's date is when it carries a flag; 1 without."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a source: when (story and real time), whether it is the first, since when it was not read, and the
    rules."""

    observed: datetime
    seen: datetime
    first: bool
    live: timedelta
    seed: bool
    since: datetime | None = None


SHARED = 3
"""Addresses of one body under one guid from which it is no guid: a template filled in the same one everywhere."""


def identify(source: Source, feed: Feed, base: str) -> dict[str, Sighting]:
    """The entries by id. Of two with one id the one published first counts, if it has a usable address, and the
    addresses of both."""
    found: dict[str, Sighting] = {}
    listed = [(entry, url, canonical(url)) for entry in feed.entries for url in (_address(entry.link, base),)]
    shared = _shared_guids(listed)
    for entry, url, address in listed:
        guid = entry.id if entry.id not in shared else ""
        guid = guid or ("" if url else entry.title)
        if not guid and not url:
            continue  # an empty element, as a cut feed ends in: it says nothing to remember
        entry_id = ids.entry(source.id, guid, address)
        one, other = Sighting(entry, url, (address,) if url else ()), found.get(entry_id)
        found[entry_id] = one if other is None else _both(one, other)
    return found


def _shared_guids(listed: Iterable[tuple[FeedEntry, str, str]]) -> set[str]:
    """Guids that entries with `SHARED` different addresses bear."""
    pairs = {(entry.id, address) for entry, _, address in listed if entry.id and address}
    return {guid for guid, count in Counter(guid for guid, _ in pairs).items() if count >= SHARED}


def _both(one: Sighting, other: Sighting) -> Sighting:
    counts = min(one, other, key=_order)
    return Sighting(counts.entry, counts.url, tuple(sorted({*one.urls, *other.urls})))


def _order(seen: Sighting) -> tuple[bool, bool, float, str, str]:
    published = seen.entry.published
    age = published.timestamp() if published else 0.0
    return not seen.url, published is None, age, seen.url, seen.entry.title


def _address(link: str, base: str) -> str:
    try:
        url = urljoin(base, link) if link else ""
    except ValueError:
        return ""
    return url if canonical(url) else ""


def discover(source: Source, entries: Mapping[str, Sighting], known: Collection[str], look: Look) -> tuple[Found, ...]:
    """The entries that are not `known`, the oldest first as far as dates tell."""
    facts = source.facts()
    found = []
    for entry_id, seen in entries.items():
        if entry_id in known:
            continue
        entry, url = seen.entry, seen.url
        flags = _flags(entry, look)
        mode = _mode(entry, look)
        item = Item(
            entry_id=entry_id,
            source=facts,
            url=url,
            entry=_told(entry, flags),
            published=_published(entry, flags),
            mode=mode,
            observed=look.observed,
            seen=look.seen,
            from_feed=source.content is Content.FEED and bool(entry.read.content),
        )
        silent = source.kind is SourceKind.SITEMAP and entry.published is None
        found.append(Found(item, _ended(url, mode, look, silent=silent)))
    found.sort(key=lambda new: new.item.published.at if new.item.published else look.observed)
    return tuple(found)


def _ended(url: str, mode: Mode, look: Look, *, silent: bool) -> PageOutcome | None:
    """How an entry ends on the spot. `silent`: one of thousands of addresses that a sitemap lists without a time; those
    that were there before us are not fetched."""
    if not url:
        return PageOutcome.NO_LINK
    if mode is Mode.BACKFILL and (silent or (look.first and not look.seed)):
        return PageOutcome.REMEMBERED
    return None


def _flags(entry: FeedEntry, look: Look) -> tuple[str, ...]:
    if entry.published is None:
        return (*(flag for flag in entry.flags if flag != "dateless"), "undated")
    age = look.observed - entry.published
    told = ("future",) if age < -AHEAD else ("old",) if age > VERY_OLD else ()
    return (*entry.flags, *told)


def _mode(entry: FeedEntry, look: Look) -> Mode:
    if entry.published is None:
        unwatched = look.since is not None and look.observed - look.since > look.live * OUTAGE
        return Mode.BACKFILL if look.first or unwatched or FIRST_SIGHT in entry.flags else Mode.LIVE
    return Mode.LIVE if look.observed - entry.published <= look.live else Mode.BACKFILL


def _published(entry: FeedEntry, flags: tuple[str, ...]) -> Published | None:
    if entry.published is None:
        return None
    return Published(at=entry.published, origin="feed", sure=min((SURE.get(flag, 1.0) for flag in flags), default=1.0))


def _told(entry: FeedEntry, flags: tuple[str, ...]) -> Entry:
    details = entry.read
    return Entry(
        guid=entry.id,
        link=entry.link,
        title=entry.title,
        summary=details.summary,
        content=details.content,
        authors=details.authors,
        categories=details.categories,
        published=entry.published,
        updated=entry.updated,
        flags=flags,
    )
