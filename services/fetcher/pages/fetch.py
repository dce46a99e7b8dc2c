"""The page of an entry: fetched through the one door, or taken from the feed when the feed carries the text.

A page that is too large is cut, not refused: the text stands in its first megabytes. What may heal (no answer, 5xx,
429, and 403 and 404, which content networks give for minutes after publication) is tried again, and what leaves the
whole host alone is the same as for feeds (`policy`); what cannot (private addresses, robots, 410 and other refusals)
ends at once. Neither raises.

Left out on purpose: reading the page; fetching it again later to see changes is `revisit`'s.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec

from services.fetcher.manners.ask import Forbidden, Request, Verdict, ask
from services.fetcher.manners.pace import Pace
from services.fetcher.manners.reservations import Reservations
from services.fetcher.manners.robots import Robots
from services.fetcher.manners.tally import Asks
from services.fetcher.metrics import PageOutcome, Trouble
from services.fetcher.poll.policy import treatment
from services.fetcher.poll.validators import kept
from services.fetcher.sources import LimitScope, Source
from services.fetcher.store import Item, Pause
from shared import ids
from shared.clock import Clock
from shared.events import CheckOutcome, Ledger, PageFetched
from shared.http import FailureKind, HttpFailure, Limits, Response

ACCEPT = "text/html, application/xhtml+xml, */*;q=0.5"
KEPT_HEADERS = ("content-type", "content-language", "last-modified", "x-robots-tag", "tdm-reservation", "link")
LONGEST_HEADER = 4_096
HEALING = frozenset({401, 403, 404, 408, 425})
"""Client errors that are tried again: bot walls open, and caches learn of a page late."""

TROUBLE = {CheckOutcome.THROTTLED: Trouble.THROTTLED, CheckOutcome.SERVER_ERROR: Trouble.SERVER_ERROR}
"""Of the answers after which a host is left alone."""


@dataclass(frozen=True, slots=True)
class Page:
    """The page was had, with these validators."""

    event: PageFetched
    outcome: PageOutcome = PageOutcome.PUBLISHED
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """There will be no page."""

    outcome: PageOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class Again:
    """No page yet; `wait` is the server's wish, `pause` that of the host, to be kept. One that never was asked (`asked`
    False) costs no try."""

    trouble: Trouble | FailureKind
    detail: str
    wait: timedelta = timedelta()
    pause: Pause | None = None
    asked: bool = True


Result = Page | Ended | Again


@dataclass(frozen=True, slots=True)
class Fetcher:
    """What fetching needs. `robots` None switches robots.txt off, `reservations` None does not ask sites for theirs."""

    door: Asks
    pace: Pace
    real: Clock
    limits: Limits
    robots: Robots | None
    reservations: Reservations | None = None

    async def fetch(self, item: Item, source: Source | None) -> Result:
        """One try. `source` is the source as it stands now, None when it was taken out of the file. Raises HostPaused:
        LedElsewhere where a redirect leads to a domain that another process holds."""
        if item.from_feed:
            return Page(from_feed(item, self._ledger(item)), PageOutcome.FROM_FEED)
        found = await self._try(item, source)
        return replace(found, event=await self.reserved(found.event, source)) if isinstance(found, Page) else found

    async def reserved(self, page: PageFetched, source: Source | None) -> PageFetched:
        """The page with what its site reserves, where anybody is to ask."""
        if self.reservations is None or page.source.licensed or not page.body:
            return page
        found = await self.reservations.of(page.final_url, source.spacing if source else None)
        return msgspec.structs.replace(page, reservations=found) if found else page

    async def _try(self, item: Item, source: Source | None) -> Result:
        spacing = source.spacing if source else None
        verdict = await self.verdict(item, source, spacing)
        if not verdict.allowed:
            return _denied(verdict, verdict.told)
        request = Request(
            url=item.place, headers={"accept": ACCEPT}, limits=self.limits, truncate=True, spacing=spacing,
            delay=verdict.delay, robots=self.robots_for(source), hops=item.hops,
        )  # fmt: skip
        try:
            response = await ask(self.door, self.pace, request)
        except Forbidden as forbidden:
            return _denied(forbidden.verdict, str(forbidden))
        except HttpFailure as failure:
            return _failed(failure)
        return self._judge(item, source, response)

    async def verdict(self, item: Item, source: Source | None, spacing: timedelta | None) -> Verdict:
        """Whether robots.txt allows the page of `item`."""
        robots = self.robots_for(source)
        return await robots.verdict(item.place, spacing) if robots else Verdict(allowed=True)

    def robots_for(self, source: Source | None) -> Robots | None:
        """Who judges pages of `source`; None where nobody is asked."""
        return None if source is not None and not source.robots else self.robots

    def _judge(self, item: Item, source: Source | None, response: Response) -> Result:
        if 200 <= response.status < 300 and response.body:
            page = fetched(item, response, self._ledger(item))
            return Page(page, etag=kept(response, "etag"), last_modified=kept(response, "last-modified"))
        detail = f"HTTP {response.status}"
        found = treatment(response, self.real.now())
        if found.pause:
            pause = self.pace.pause(response.url, found.pause, source.limits if source else LimitScope.HOST)
            return Again(TROUBLE[found.outcome], detail, max(found.floor, found.pause), pause)
        if response.status in HEALING:
            return Again(Trouble.CLIENT_ERROR, detail, found.floor)
        if 400 <= response.status < 500:
            return Ended(PageOutcome.GONE if response.status == 410 else PageOutcome.CLIENT_ERROR, detail)
        return Again(Trouble.SERVER_ERROR, detail, found.floor)

    def _ledger(self, item: Item) -> Ledger:
        return Ledger(seen=item.seen, fetched=self.real.now())


def _denied(verdict: Verdict, detail: str) -> Result:
    if verdict.reachable:
        return Ended(PageOutcome.ROBOTS_DENIED, detail)
    return Again(Trouble.ROBOTS_UNREACHABLE, detail)


def _failed(failure: HttpFailure) -> Result:
    if failure.kind is FailureKind.REFUSED:
        return Ended(PageOutcome.REFUSED, failure.detail)
    return Again(failure.kind, failure.detail)


def fetched(item: Item, response: Response, ledger: Ledger) -> PageFetched:
    """The event of a page that was fetched."""
    return PageFetched(
        id=ids.page(item.entry_id, response.body),
        observed=item.observed,
        entry_id=item.entry_id,
        source=item.source,
        url=item.url,
        final_url=response.url,
        status=response.status,
        headers=_kept(response.headers),
        body=response.body,
        truncated=response.truncated,
        entry=item.entry,
        published=item.published,
        mode=item.mode,
        ledger=ledger,
    )


def from_feed(item: Item, ledger: Ledger) -> PageFetched:
    """The event of an entry whose text the feed carries: its content as a small page of its own."""
    entry = item.entry
    body = (
        f"<!doctype html><html><head><meta charset=utf-8><title>{html.escape(entry.title)}</title></head>"
        f"<body><article><h1>{html.escape(entry.title)}</h1>{entry.content}</article></body></html>"
    ).encode()
    return PageFetched(
        id=ids.page(item.entry_id, body),
        observed=item.observed,
        entry_id=item.entry_id,
        source=item.source,
        url=item.url,
        final_url=item.url,
        status=200,
        headers={"content-type": "text/html; charset=utf-8"},
        body=body,
        entry=entry,
        published=item.published,
        mode=item.mode,
        ledger=ledger,
    )


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name][:LONGEST_HEADER] for name in KEPT_HEADERS if name in headers}
