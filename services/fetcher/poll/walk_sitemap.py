"""A sitemap index walked: the children that may have something new (`children`) are asked one after the other, each
with its own validators, and what they list becomes one feed.

A child that fails is told and asked again at the next poll; the poll fails only where every child that was asked did.
Children outside the registered domain of their source are not asked: an index may not send us to others.

Left out on purpose: indexes inside an index; children side by side (one domain, one connection).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.fetcher.entries.discover import FIRST_SIGHT
from services.fetcher.manners.ask import Forbidden, LedElsewhere, Permits, Request, insist
from services.fetcher.manners.pace import HostPaused, Pace
from services.fetcher.manners.tally import Asks
from services.fetcher.poll import policy, validators
from services.fetcher.poll.children import ChildState, looked_at, merged, to_ask
from services.fetcher.poll.poll import ACCEPT, FAILURES, WORKED, Polled
from services.fetcher.read.feed import Feed, FeedEntry, Unusable
from services.fetcher.read.read_sitemap import read_sitemap
from services.fetcher.read.reading import limits_for
from services.fetcher.sources import Source, SourceKind
from services.fetcher.store import Pause, children_of
from shared.clock import Clock
from shared.db import Database
from shared.events import CheckOutcome
from shared.http import HttpFailure, Limits, Response
from shared.urls import registered_domain


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of asking one child; `failed` is the outcome of a look that did not work."""

    state: ChildState
    feed: Feed | None = None
    failed: CheckOutcome | None = None
    detail: str = ""
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Walker:
    """What walking needs; `robots` as in `Poller`."""

    door: Asks
    pace: Pace
    database: Database
    real: Clock
    limits: Limits
    robots: Callable[[Source], Permits | None] = lambda _source: None

    async def walk(self, source: Source, polled: Polled, now: datetime) -> Polled:
        """The poll of a source with what its children list; the same poll where it has none. `now` is story time.
        Raises DatabaseUnavailable."""
        if source.kind is not SourceKind.SITEMAP or polled.outcome not in WORKED:
            return polled
        async with self.database.reading() as connection:
            known = await children_of(connection, source.id)
        if polled.feed is not None and (polled.feed.children or known):
            domain = registered_domain(source.url)
            own = [child for child in polled.feed.children if registered_domain(child.url) == domain]
            known = merged(known, own, source.id, first=not polled.state.seeded)
        if not any(state.listed for state in known.values()):
            return replace(polled, children=tuple(known.values()))
        looks = await self._look_at_all(source, to_ask(known.values(), now), now)
        return _told(polled, tuple((known | {look.state.url: look.state for look in looks}).values()), looks)

    async def _look_at_all(self, source: Source, children: Sequence[ChildState], now: datetime) -> list[Looked]:
        """Until the host asks to be left alone."""
        looks: list[Looked] = []
        for child in children:
            try:
                looks.append(await self._look(source, child, now))
            except LedElsewhere:
                continue  # at a later poll: the others are here
            except HostPaused:
                break
            if looks[-1].pause is not None:
                break
        return looks

    async def _look(self, source: Source, child: ChildState, now: datetime) -> Looked:
        request = Request(
            url=child.url, headers={"accept": ACCEPT, **_conditions(child)}, limits=limits_for(source, self.limits),
            spacing=source.spacing, robots=self.robots(source),
        )  # fmt: skip
        try:
            response = await insist(self.door, self.pace, request)
        except Forbidden as forbidden:
            return Looked(child, failed=CheckOutcome.ROBOTS_DENIED, detail=str(forbidden))
        except HttpFailure as failure:
            outcome = FAILURES.get(failure.kind, CheckOutcome.UNREACHABLE)
            return Looked(child, failed=outcome, detail=f"{failure.kind}: {failure.detail}")
        if response.status == 304 and _conditions(child):
            return Looked(_kept(looked_at(child, (), None, now), response, partly=True))
        if not 200 <= response.status < 300:
            return self._refused(source, child, response, now)
        return await _read(child, response, now)

    def _refused(self, source: Source, child: ChildState, response: Response, now: datetime) -> Looked:
        """A child that is gone counts as asked: it has nothing recent."""
        found = policy.treatment(response, self.real.now())
        state = replace(child, asked=now, read_at=child.changed, fresh=None) if response.status in (404, 410) else child
        pause = self.pace.pause(response.url, found.pause, source.limits)
        return Looked(state, failed=found.outcome, detail=f"HTTP {response.status}", pause=pause)


async def _read(child: ChildState, response: Response, now: datetime) -> Looked:
    body_hash = hashlib.blake2b(response.body, digest_size=20).hexdigest()
    if body_hash == child.body_hash:
        return Looked(_kept(looked_at(child, (), None, now), response))
    found = await asyncio.to_thread(read_sitemap, response.body)
    if isinstance(found, Unusable):
        return Looked(child, failed=CheckOutcome.BROKEN, detail=found.detail)
    if found.children:
        return Looked(child, failed=CheckOutcome.BROKEN, detail="an index inside an index")
    entries = tuple(_silenced(entry) for entry in found.entries) if child.silent else found.entries
    state = _kept(looked_at(child, entries, body_hash, now), response)
    return Looked(state, replace(found, entries=entries))


def _silenced(entry: FeedEntry) -> FeedEntry:
    if entry.published is not None:
        return entry
    return FeedEntry(link=entry.link, title=entry.title, flags=(*entry.flags, FIRST_SIGHT), details=entry.details)


def _conditions(child: ChildState) -> dict[str, str]:
    named = {"if-none-match": child.etag, "if-modified-since": child.last_modified}
    return {name: value for name, value in named.items() if value}


def _kept(child: ChildState, response: Response, *, partly: bool = False) -> ChildState:
    etag, modified = validators.kept(response, "etag"), validators.kept(response, "last-modified")
    if partly:
        etag, modified = etag or child.etag, modified or child.last_modified
    return replace(child, etag=etag, last_modified=modified)


def _told(polled: Polled, children: tuple[ChildState, ...], looks: Sequence[Looked]) -> Polled:
    """One poll of the index and its children."""
    failed = [look for look in looks if look.failed is not None]
    detail = f"{len(failed)} of {len(looks)} child sitemaps failed: {failed[0].detail}" if failed else polled.detail
    pause = next((look.pause for look in looks if look.pause), polled.pause)
    polled = replace(polled, children=children, detail=detail, pause=pause)
    if failed and len(failed) == len(looks) and failed[0].failed is not None:
        return replace(polled, outcome=failed[0].failed)
    feeds = [look.feed for look in looks if look.feed is not None]
    if not feeds:
        same = CheckOutcome.NOT_MODIFIED if polled.outcome is CheckOutcome.NOT_MODIFIED else CheckOutcome.UNCHANGED
        return replace(polled, outcome=same)
    entries = tuple(entry for feed in feeds for entry in feed.entries)
    outcome = CheckOutcome.FRESH if entries else CheckOutcome.UNCHANGED
    feed = replace(feeds[0], entries=entries, cut=sum(feed.cut for feed in feeds))
    return replace(polled, outcome=outcome, feed=feed, base=polled.base or polled.state.url)
