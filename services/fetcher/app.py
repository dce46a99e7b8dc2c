"""Wiring: one task that polls what is due, fetches the pages of what is new, and stops cleanly.

The poll loop sleeps on the story clock until the next source is due; the page loop waits on the real clock for other
tries and for hosts that asked for a pause. `busy` tells the demo's clock whether anything that its last step made due
is still in hand: it is true in the moment the clock was advanced, and never because of something that only waits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Collection, Coroutine
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.fetcher import metrics, store
from services.fetcher.discover import Look, discover, identify
from services.fetcher.fetch import Again, Ended, Fetcher, Page, Result
from services.fetcher.frontier import Frontier
from services.fetcher.land import Landing
from services.fetcher.metrics import PageOutcome, Trouble
from services.fetcher.pace import Pace
from services.fetcher.poll import WORKED, Polled, Poller
from services.fetcher.robots import Robots
from services.fetcher.schedule import GONE_WAIT, LONGEST_WAIT, Plan, Schedule, share
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source, SourcesFile
from services.fetcher.store import Changes, Found, Job, SourceState, Tried
from shared import ids
from shared.db import DatabaseUnavailable
from shared.events import CheckOutcome, SourceChecked
from shared.http import Limits
from shared.run import Parts, Service

log = structlog.get_logger()

STOP_PATIENCE = 5.0
"""Seconds a stop waits for requests under way; what is cut off is repeated after the next start, with the same ids."""

MOST_DEFECTS = 20
"""Unexpected exceptions in a row, over all sources and pages, after which the process ends: not the input's fault."""

PAUSE_LOOK = 0.5
"""Seconds between looks at hosts that asked for a pause."""


def build(settings: FetcherSettings, parts: Parts) -> Service:
    """The fetcher as a service. Raises Misconfigured when the sources file is wrong."""
    watching = Watching(settings, parts, SourcesFile(settings.sources_path))
    return Service(name="fetcher", tasks={"poll": watching.run}, busy=watching.busy)


@dataclass(slots=True)
class _Wake:
    """A loop's alarm: `unsettled` from when it rings until the loop sleeps again with a correct alarm time."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)
    unsettled: bool = True

    def ring(self) -> None:
        self.unsettled = True
        self.rung.set()


class Watching:
    """The running fetcher."""

    def __init__(self, settings: FetcherSettings, parts: Parts, file: SourcesFile) -> None:
        self._settings = settings
        self._parts = parts
        self._file = file
        self._plan = Plan(settings.poll_interval, settings.poll_jitter, settings.poll_spread)
        places = settings.poll_concurrency + settings.page_concurrency
        self._pace = Pace(parts.real, spacing=settings.spacing, cap=places)
        limits = Limits(total=settings.request_timeout.total_seconds())
        self._robots = Robots(parts.door, self._pace, parts.database, parts.real, settings.robots_agent)
        self._poller = Poller(parts.door, self._pace, parts.real, limits)
        self._fetcher = Fetcher(parts.door, self._pace, parts.real, limits, self._robots if settings.robots else None)
        self._schedule = Schedule()
        self._frontier = Frontier(self._pace, one_each=bool(settings.spacing))
        self._states: dict[str, SourceState] = {}
        self._last_ids: dict[str, frozenset[str]] = {}
        self._polls: set[asyncio.Task[None]] = set()
        self._pages: set[asyncio.Task[None]] = set()
        self._poll_places = asyncio.Semaphore(settings.poll_concurrency)
        self._poll_wake, self._page_wake = _Wake(), _Wake()
        self._landing: Landing | None = None
        self._defects = 0
        self._loaded = False
        self._stopping = False

    def busy(self) -> bool:
        """Whether work is in hand or due. Cheap: the demo asks every few milliseconds."""
        if not self._loaded or self._polls or self._pages or self._poll_wake.unsettled or self._page_wake.unsettled:
            return True
        due = self._schedule.next_due()
        return (due is not None and due <= self._parts.story.now()) or self._frontier.ready(self._parts.real.now())

    async def run(self, stop: asyncio.Event) -> None:
        """Poll and fetch until `stop`, then finish what is in hand."""
        publisher = await self._parts.bus.publisher()
        self._landing = Landing(publisher, self._parts.database, self._parts.real)
        try:
            await self._load()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._poll_loop(stop, group), name="fetcher:polls")
                group.create_task(self._page_loop(stop, group), name="fetcher:pages")
                if self._settings.sources_reload:
                    group.create_task(self._reload_loop(stop), name="fetcher:sources")
                group.create_task(self._finish(stop), name="fetcher:finish")
        finally:
            await self._landing.close(STOP_PATIENCE)
            await publisher.close()

    async def _finish(self, stop: asyncio.Event) -> None:
        """After the stop: a little patience for requests under way, then they are cut."""
        await stop.wait()
        self._stopping = True
        in_hand = [*self._polls, *self._pages]
        _, late = await asyncio.wait(in_hand, timeout=STOP_PATIENCE) if in_hand else (set(), set())
        for task in late:
            task.cancel()

    # -- sources ---------------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        """Take up where the last process stopped: states, due times, pending entries."""
        async with self._parts.database.transaction() as connection:
            self._states = await store.source_states(connection)
            jobs = await store.pending(connection, self._frontier.room)
            total = await store.count_pending(connection)
            new = [self._new_state(source) for source in self._file.current.values() if source.id not in self._states]
            await store.write(connection, [Changes(source=state) for state in new])
        self._states |= {state.source_id: state for state in new}
        for job in jobs:
            self._frontier.add(job)
        self._frontier.overflowed = total > len(jobs)
        self._put_all(frozenset())
        self._loaded = True
        log.info("fetcher_loaded", sources=len(self._file.current), new=len(new), pending_pages=total)

    def _new_state(self, source: Source) -> SourceState:
        return SourceState(
            source_id=source.id, url=source.url, next_due=self._plan.first(source, self._parts.story.now())
        )

    def _put_all(self, known: frozenset[str]) -> None:
        """Schedule every source of the file that is not scheduled or in hand already."""
        for source in self._file.current.values():
            if source.id not in known and not source.paused:
                self._schedule.put(source.id, self._states[source.id].next_due)
        self._count_sources()
        self._poll_wake.ring()

    def _count_sources(self) -> None:
        states = [_standing(self._states[source_id]) for source_id in self._file.current]
        for standing in ("new", "failing", "working"):
            metrics.SOURCES.labels(standing).set(states.count(standing))

    async def _reload_loop(self, stop: asyncio.Event) -> None:
        seconds = self._settings.sources_reload.total_seconds()
        while not await _first(stop, self._parts.real.sleep(seconds)):
            before = self._file.current
            if self._file.reload():
                await self._adopt(before)

    async def _adopt(self, before: dict[str, Source]) -> None:
        """Bring the schedule in line with a changed file: what was added or changed is due soon."""
        current = self._file.current
        new = [self._new_state(source) for source in current.values() if source.id not in self._states]
        if new:
            await self._land(None, *(Changes(source=state) for state in new))
        self._states |= {state.source_id: state for state in new}
        unchanged = {source_id for source_id, source in before.items() if current.get(source_id) == source}
        for source_id in before.keys() - unchanged:
            self._schedule.drop(source_id)
        now = self._parts.story.now()
        for source_id in current.keys() - unchanged:
            soon = min(self._states[source_id].next_due, self._plan.first(current[source_id], now))
            self._states[source_id] = replace(self._states[source_id], next_due=soon)
        self._put_all(frozenset(unchanged))

    # -- polls -----------------------------------------------------------------------------------------------------

    async def _poll_loop(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        while not stop.is_set():
            self._poll_wake.rung.clear()
            for source_id, due in self._schedule.take_due(self._parts.story.now()):
                self._start(self._polls, group, self._poll(source_id, due), f"poll:{source_id}")
            due_next = self._schedule.next_due()
            waits: list[Awaitable[Any]] = [self._poll_wake.rung.wait()]
            if due_next is not None:
                waits.append(self._parts.story.sleep((due_next - self._parts.story.now()).total_seconds()))
            await _first(stop, *waits, armed=self._poll_wake)

    def _start(
        self, tasks: set[asyncio.Task[None]], group: asyncio.TaskGroup, work: Coroutine[Any, Any, None], name: str
    ) -> None:
        task = group.create_task(work, name=name)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _poll(self, source_id: str, due: datetime) -> None:
        async with self._poll_places:
            source = self._file.current.get(source_id)
            if source is None or source.paused or self._stopping:
                return
            pause = self._pace.paused(source.url)
            if pause:  # the whole host asked to be left alone: this is no poll, only a later date
                self._put(source_id, self._parts.story.now() + pause)
                return
            try:
                await self._check(source, due)
            except Exception as error:  # noqa: BLE001 - one source's defect must not stop the others
                self._defect(error, source=source_id)
                self._put(source_id, self._parts.story.now() + self._plan.interval_of(source))

    async def _check(self, source: Source, due: datetime) -> None:
        began = time.monotonic()
        observed, seen = self._parts.story.now(), self._parts.real.now()
        state = self._states[source.id]
        polled = await self._permitted(source) or await self._poller.poll(source, state)
        entries = identify(source, polled.feed, polled.base) if polled.feed else {}
        look = Look(observed, seen, not state.seeded, self._settings.live, self._settings.seed)
        found = discover(source, entries, await self._known(source, entries), look)
        if polled.outcome is CheckOutcome.FRESH and not found:
            polled = replace(polled, outcome=CheckOutcome.UNCHANGED)
        following = self._following(source, polled, observed)
        event = _checked(source, polled, following, due=due, observed=observed, new=len(found))
        await self._land(event, Changes(source=following, found=found))
        self._states[source.id] = following
        if polled.feed:
            self._last_ids[source.id] = frozenset(entries)
        self._take_up(found)
        self._put(source.id, following.next_due)
        _count_change(state, following)
        _tell_check(event, polled, time.monotonic() - began)
        self._defects = 0

    async def _permitted(self, source: Source) -> Polled | None:
        """An outcome instead of a poll where feeds obey robots.txt and this one is denied."""
        if not self._settings.robots_feeds or not source.robots:
            return None
        verdict = await self._robots.verdict(source.url, source.spacing)
        if verdict.allowed:
            return None
        detail = "robots.txt" if verdict.reachable else "robots.txt cannot be had"
        return Polled(CheckOutcome.ROBOTS_DENIED, self._states[source.id], detail=detail)

    async def _known(self, source: Source, entries: Collection[str]) -> Collection[str]:
        """Those of the entries that were seen before; what the last poll saw needs no question to the database."""
        last = self._last_ids.get(source.id, frozenset())
        fresh = set(entries) - last
        if not fresh:
            return last
        async with self._parts.database.transaction() as connection:
            return last | await store.known(connection, fresh)

    def _following(self, source: Source, polled: Polled, now: datetime) -> SourceState:
        """The state after a poll."""
        worked = polled.outcome in WORKED
        failures = 0 if worked else polled.state.failures + 1
        if worked:
            due = self._plan.after_success(source, now, polled.floor)
        else:
            floor = max(polled.floor, GONE_WAIT if polled.outcome is CheckOutcome.GONE else timedelta())
            due = self._plan.after_failure(source, now, failures, floor)
        fresh = now if polled.outcome is CheckOutcome.FRESH else polled.state.last_fresh
        return replace(
            polled.state, next_due=due, failures=failures, seeded=polled.state.seeded or polled.feed is not None,
            last_outcome=polled.outcome, last_checked=now, last_fresh=fresh,
        )  # fmt: skip

    def _take_up(self, found: tuple[Found, ...]) -> None:
        """Count what is new and hand it to the page loop."""
        for entry in found:
            metrics.ENTRIES.labels(entry.item.mode).inc()
            if entry.outcome:
                metrics.PAGES.labels(entry.outcome).inc()
            else:
                self._frontier.add(Job(entry.item))
        if found:
            self._page_wake.ring()

    def _put(self, source_id: str, due: datetime) -> None:
        if source_id in self._file.current:
            self._schedule.put(source_id, due)
            self._poll_wake.ring()

    # -- pages -----------------------------------------------------------------------------------------------------

    async def _page_loop(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        while not stop.is_set():
            self._page_wake.rung.clear()
            await self._refill()
            now = self._parts.real.now()
            while len(self._pages) < self._settings.page_concurrency and (job := self._frontier.take(now)):
                self._start(self._pages, group, self._page(job), f"page:{job.item.entry_id}")
            metrics.PENDING.set(len(self._frontier))
            await _first(stop, self._page_wake.rung.wait(), *self._page_sleep(now), armed=self._page_wake)

    def _page_sleep(self, now: datetime) -> list[Awaitable[None]]:
        """What the page loop waits for besides its alarm."""
        later = self._frontier.next_change()
        seconds = [(later - now).total_seconds()] if later else []
        if self._frontier.waiting_for_hosts() and len(self._pages) < self._settings.page_concurrency:
            seconds.append(PAUSE_LOOK)
        return [self._parts.real.sleep(max(0.0, min(seconds)))] if seconds else []

    async def _refill(self) -> None:
        """Fetch from the table what had no room before."""
        if not self._frontier.wants_more():
            return
        try:
            async with self._parts.database.transaction() as connection:
                jobs = await store.pending(connection, self._frontier.room + len(self._frontier))
        except DatabaseUnavailable as error:
            log.warning("refill_delayed", error=str(error))
            return
        self._frontier.overflowed = False
        for job in jobs:
            self._frontier.add(job)

    async def _page(self, job: Job) -> None:
        began = time.monotonic()
        try:
            result = await self._fetcher.fetch(job.item, self._file.current.get(job.item.source.id))
            self._defects = 0
        except DatabaseUnavailable as error:
            result = Again(Trouble.ROBOTS_UNREACHABLE, str(error))
        except Exception as error:  # noqa: BLE001 - one page's defect must not stop the others
            self._defect(error, entry=job.item.entry_id, url=job.item.url)
            result = Again(Trouble.DEFECT, repr(error))
        try:
            await self._settle(job, result, time.monotonic() - began)
        finally:
            self._page_wake.ring()

    async def _settle(self, job: Job, result: Result, seconds: float) -> None:
        """Publish the page if there is one, write how the try ended, and count it."""
        tried = self._tried(job, result)
        event = result.event if isinstance(result, Page) else None
        if not await self._land(event, Changes(tried=tried)):
            tried = replace(tried, outcome=PageOutcome.TOO_LARGE)
            await self._land(None, Changes(tried=tried))
        if tried.outcome is None and tried.retry_at is not None:
            self._frontier.retry(job, tried.attempts, tried.retry_at)
        else:
            self._frontier.finish(job)
        _tell_page(job, result, tried, seconds)

    def _tried(self, job: Job, result: Result) -> Tried:
        attempts = job.attempts + 1
        entry_id = job.item.entry_id
        if isinstance(result, Page | Ended):
            return Tried(entry_id, attempts, result.outcome)
        if attempts >= self._settings.page_attempts:
            return Tried(entry_id, attempts, PageOutcome.GIVEN_UP)
        doubled = self._settings.page_retry * (1 << min(attempts - 1, 16))
        wait = min(LONGEST_WAIT, doubled) * (0.5 + 0.5 * share(entry_id, attempts))
        return Tried(entry_id, attempts, None, self._parts.real.now() + max(wait, result.wait))

    async def _land(self, event: Any, *changes: Changes) -> bool:
        assert self._landing is not None
        landed = True
        for change in changes:
            landed = await self._landing.land(event, change)
        return landed

    def _defect(self, error: Exception, **where: str) -> None:
        """Log a defect of ours; too many in a row end the process."""
        self._defects += 1
        log.error("fetcher_defect", exc_info=error, row=self._defects, **where)
        if self._defects >= MOST_DEFECTS:
            raise error


def _standing(state: SourceState) -> str:
    if state.last_outcome is None:
        return "new"
    return "failing" if state.failures else "working"


def _count_change(before: SourceState, after: SourceState) -> None:
    metrics.SOURCES.labels(_standing(before)).dec()
    metrics.SOURCES.labels(_standing(after)).inc()


def _checked(
    source: Source, polled: Polled, state: SourceState, *, due: datetime, observed: datetime, new: int
) -> SourceChecked:
    return SourceChecked(
        id=ids.source_check(source.id, due),
        observed=observed,
        source=source.facts(),
        due=due,
        outcome=polled.outcome,
        detail=polled.detail[:300],
        status=polled.status,
        entries=len(polled.feed.entries) if polled.feed else 0,
        new_entries=new,
        failures=state.failures,
        next_due=state.next_due,
    )


def _tell_check(event: SourceChecked, polled: Polled, seconds: float) -> None:
    metrics.CHECKS.labels(event.outcome).inc()
    metrics.POLL_SECONDS.observe(seconds)
    metrics.BYTES.labels("feed").inc(polled.size)
    level = log.info if event.outcome in WORKED else log.warning
    level(
        "source_checked", source=event.source.id, outcome=event.outcome, detail=event.detail, status=event.status,
        entries=event.entries, new_entries=event.new_entries, failures=event.failures, next_due=event.next_due,
        seconds=round(seconds, 3),
    )  # fmt: skip


def _tell_page(job: Job, result: Result, tried: Tried, seconds: float) -> None:
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


async def _first(stop: asyncio.Event, *waits: Awaitable[Any], armed: _Wake | None = None) -> bool:
    """Wait for the first of `waits` or the stop; whether it was the stop. `armed` is settled once all of them wait."""
    tasks = [asyncio.ensure_future(wait) for wait in (stop.wait(), *waits)]
    try:
        if armed is not None:
            await asyncio.sleep(0)  # every sleeper has given the clock its time now
            armed.unsettled = armed.rung.is_set()
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return stop.is_set()
