"""The page loop: fetches the pages of new entries, tries again what may heal, and says how each entry ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec
import structlog

from services.fetcher import metrics, store
from services.fetcher.alarm import Alarm, Defects, first
from services.fetcher.land import Landing
from services.fetcher.manners.ask import LedElsewhere
from services.fetcher.manners.domains import Domains, HeldElsewhere
from services.fetcher.manners.pace import HostPaused
from services.fetcher.metrics import PageOutcome, Trouble
from services.fetcher.pages.fetch import Again, Ended, Fetcher, Page, Result
from services.fetcher.pages.frontier import Frontier
from services.fetcher.plan.schedule import LONGEST_WAIT, share
from services.fetcher.revisit.row import Revisit
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source
from services.fetcher.store import Changes, Found, Item, Job, Tried
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailable
from shared.health import UNHEARD, Pulse
from shared.lease import Lease
from shared.urls import registered_domain

log = structlog.get_logger()

LEFT_LOOK = timedelta(seconds=0.2)
"""Between looks at pages that other processes left to us, one range of an index each: what a hub pushes to one of them
is to wait no longer. LISTEN and NOTIFY would save a few milliseconds at the price of a connection of their own, which
poolers between us and the database do not carry."""

CLOCKS_DIFFER = timedelta(seconds=5)
"""By which clocks of machines may differ that share a database."""

PAUSE_LOOK = 0.5
"""Seconds between looks at hosts that asked for a pause."""


class Elsewhere(Exception):
    """The page is not ours to fetch, or no longer to be fetched."""


@dataclass(slots=True, kw_only=True)
class Pages:
    """Entries on their way to a page. `sources` gives the sources as they stand now, `remember` what is kept of
    a page to fetch it again."""

    settings: FetcherSettings
    database: Database
    real: Clock
    landing: Landing
    fetcher: Fetcher
    frontier: Frontier
    domains: Domains
    sources: Callable[[], Mapping[str, Source]]
    defects: Defects
    remember: Callable[[Item, Page], Revisit | None] = field(default=lambda _item, _page: None)
    pulse: Pulse = UNHEARD
    in_hand: set[asyncio.Task[None]] = field(default_factory=set)
    alarm: Alarm = field(default_factory=Alarm)
    _looked: datetime | None = None

    def busy(self) -> bool:
        """Whether a try is under way or due; one that only waits for its time is neither."""
        return bool(self.in_hand) or self.alarm.unsettled or self.frontier.ready(self.real.now())

    async def load(self) -> int:
        """Take up what the last process left; returns how many pages are pending in all."""
        async with self.database.reading() as connection:
            jobs = await store.pending(connection, self.frontier.room, self.domains.elsewhere())
            total = await store.count_pending(connection)
        self._add(jobs)
        self.frontier.overflowed = total > len(jobs)
        return total

    def shared_out(self, found: Sequence[Found]) -> tuple[Found, ...]:
        """The same entries; those whose page is on a domain of another process are left to that one from the start."""
        elsewhere = set() if self.domains.alone else set(self.domains.elsewhere())
        if not elsewhere:
            return tuple(found)
        now = self.real.now()
        return tuple(replace(one, left_at=now) if _is_on(one, elsewhere) else one for one in found)

    def take_up(self, found: Iterable[Found]) -> None:
        """Count new entries and queue those that are to be fetched here."""
        for entry in found:
            metrics.ENTRIES.labels(entry.item.mode).inc()
            if entry.outcome:
                metrics.PAGES.labels(entry.outcome).inc()
            elif entry.left_at is None:
                self.frontier.add(Job(entry.item))
        self.alarm.ring()

    async def run(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        """Start tries as they are due, as tasks of `group`, until `stop`."""
        while not stop.is_set():
            self.alarm.rung.clear()
            self.pulse.beat()
            await self._refill()
            await self._take_left()
            now = self.real.now()
            while self._has_room() and (job := self.frontier.take(now)):
                task = group.create_task(self._page(job), name=f"page:{job.item.entry_id}")
                self.in_hand.add(task)
                task.add_done_callback(self.in_hand.discard)
            metrics.PENDING.set(len(self.frontier))
            self.pulse.rest()
            await first(stop, *self._sleep(now), alarm=self.alarm)

    def _has_room(self) -> bool:
        return len(self.in_hand) < self.settings.page_concurrency

    def _sleep(self, now: datetime) -> list[Awaitable[None]]:
        """What the loop waits for besides its alarm: the next try again, or the end of a host's pause."""
        later = self.frontier.next_change()
        seconds = [(later - now).total_seconds()] if later else []
        if self.frontier.waiting_for_hosts() and self._has_room():
            seconds.append(PAUSE_LOOK)
        if not self.domains.alone:
            seconds.append(LEFT_LOOK.total_seconds())
        return [self.real.sleep(max(0.0, min(seconds)))] if seconds else []

    async def _refill(self) -> None:
        """Fetch from the table what had no room before."""
        if not self.frontier.wants_more():
            return
        try:
            async with self.database.reading() as connection:
                most = self.frontier.room + len(self.frontier)
                jobs = await store.pending(connection, most, self.domains.elsewhere())
        except DatabaseUnavailable as error:
            log.warning("refill_delayed", error=str(error))
            return
        self.frontier.overflowed = False
        self._add(jobs)

    async def _take_left(self) -> None:
        """Queue what other processes left to us since the last look, and somewhat before: clocks differ."""
        now = self.real.now()
        if self.domains.alone or (self._looked is not None and now - self._looked < LEFT_LOOK):
            return
        since = (self._looked or now) - CLOCKS_DIFFER
        try:
            async with self.database.reading() as connection:
                self._add(await store.left_since(connection, since, self.domains.elsewhere()))
        except DatabaseUnavailable as error:  # the next look finds them
            log.warning("left_pages_not_looked_for", error=str(error))
            return
        self._looked = now

    async def _leave(self, job: Job, reason: HeldElsewhere) -> None:
        """Leave a page in the table for whoever holds its domain, or the one that it was redirected to."""
        item = job.item
        if isinstance(reason, LedElsewhere):
            item = msgspec.structs.replace(item, led_to=reason.url, hops=reason.hops)
            log.info("page_handed_over", entry=item.entry_id, url=item.url, led_to=item.led_to)
        try:
            async with self.database.transaction() as connection:
                await store.leave(connection, item, self.real.now())
        except DatabaseUnavailable as error:  # the holder's next round finds it
            log.warning("page_not_left", entry=job.item.entry_id, error=str(error))

    def look_again(self) -> None:
        """Pages may have been left in the table by other processes."""
        self.frontier.overflowed = True
        self.alarm.ring()

    def _add(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.frontier.add(job)

    async def _page(self, job: Job) -> None:
        """One try, to its end: published and written, or planned again."""
        began = time.monotonic()
        try:
            lease = await self._lease(job)
            result = await self._try(job)
            await self._settle(job, result, time.monotonic() - began, lease)
        except Elsewhere as reason:
            if isinstance(reason.__cause__, HeldElsewhere):
                await self._leave(job, reason.__cause__)
            self.frontier.finish(job)
        finally:
            self.alarm.ring()

    async def _lease(self, job: Job) -> Lease | None:
        """The lease under which the page is fetched. Raises Elsewhere where it is another process's, or done."""
        if self.domains.alone or job.item.from_feed:
            return None
        try:
            lease = await self.domains.hold(job.item.place)
            async with self.database.reading() as connection:
                if await store.is_pending(connection, job.item.entry_id):
                    return lease
        except (HeldElsewhere, DatabaseUnavailable) as reason:
            raise Elsewhere from reason
        raise Elsewhere

    async def _try(self, job: Job) -> Result:
        try:
            result = await self.fetcher.fetch(job.item, self.sources().get(job.item.source.id))
        except DatabaseUnavailable as error:
            return Again(Trouble.ROBOTS_UNREACHABLE, str(error))
        except HeldElsewhere as error:
            raise Elsewhere from error
        except HostPaused as pause:
            return Again(Trouble.THROTTLED, "the host asked for a pause", pause.left, asked=False)
        except Exception as error:  # noqa: BLE001 - one page's defect must not stop the others
            self.defects.note(error, entry=job.item.entry_id, url=job.item.url)
            return Again(Trouble.DEFECT, repr(error))
        self.defects.none()
        return result

    async def _settle(self, job: Job, result: Result, seconds: float, lease: Lease | None) -> None:
        """Publish the page if there is one, write how the try ended, and count it."""
        tried = self._tried(job, result)
        event = result.event if isinstance(result, Page) else None
        pause = result.pause if isinstance(result, Again) else None
        remembered = self.remember(job.item, result) if isinstance(result, Page) else None
        if not await self.landing.land(event, Changes(tried=tried, pause=pause, remembered=remembered, lease=lease)):
            tried = replace(tried, outcome=PageOutcome.TOO_LARGE)
            await self.landing.land(None, Changes(tried=tried, lease=lease))
        if tried.outcome is None and tried.retry_at is not None:
            self.frontier.retry(job, tried.attempts, tried.retry_at)
        else:
            self.frontier.finish(job)
        _tell(job, result, tried, seconds)

    def _tried(self, job: Job, result: Result) -> Tried:
        attempts = job.attempts + (not isinstance(result, Again) or result.asked)
        entry_id = job.item.entry_id
        if isinstance(result, Page | Ended):
            return Tried(entry_id, attempts, result.outcome)
        if attempts >= self.settings.page_attempts:
            return Tried(entry_id, attempts, PageOutcome.GIVEN_UP)
        doubled = self.settings.page_retry * (1 << min(max(attempts - 1, 0), 16))
        wait = min(LONGEST_WAIT, doubled) * (0.5 + 0.5 * share(entry_id, attempts))
        return Tried(entry_id, attempts, None, self.real.now() + max(wait, result.wait))


def _is_on(found: Found, domains: Collection[str]) -> bool:
    item = found.item
    return found.outcome is None and not item.from_feed and registered_domain(item.place) in domains


def _tell(job: Job, result: Result, tried: Tried, seconds: float) -> None:
    size = len(result.event.body) if isinstance(result, Page) else 0
    if tried.outcome:
        metrics.PAGES.labels(tried.outcome).inc()
    if isinstance(result, Again):
        metrics.PAGE_FAILURES.labels(result.trouble).inc()
    metrics.PAGE_SECONDS.observe(seconds)
    metrics.BYTES.labels("page").inc(size)
    log.info(
        "page_tried", entry=job.item.entry_id, source=job.item.source.id, url=job.item.url, mode=job.item.mode,
        outcome=tried.outcome or "retry", detail="" if isinstance(result, Page) else result.detail, bytes=size,
        attempts=tried.attempts, retry_at=tried.retry_at, seconds=round(seconds, 3),
    )  # fmt: skip
