"""The loop of revisits: makes the visits that are due, publishes what changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher import metrics, store
from services.fetcher.alarm import Defects, first
from services.fetcher.land import Landing
from services.fetcher.manners.pace import HostPaused
from services.fetcher.metrics import PageOutcome, VisitOutcome
from services.fetcher.pages.fetch import Fetcher, Page
from services.fetcher.revisit import plan, row
from services.fetcher.revisit.hear import Hearing
from services.fetcher.revisit.plan import TEMPOS, Tempo
from services.fetcher.revisit.row import Revisit
from services.fetcher.revisit.visit import Visited, hash_of, visit
from services.fetcher.sources import Edits, Source
from services.fetcher.store import Changes, Item
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailable
from shared.events import Mode
from shared.health import UNHEARD, Pulse
from shared.urls import registered_domain

log = structlog.get_logger()

AT_ONCE = 8
"""Visits at the same time: news goes before."""
LOOK = 30.0
"""Seconds of real time between looks at the table: other replicas hear of alerts, too."""
PURGE_EVERY = timedelta(hours=1)
LARGEST = 32_768
"""Bytes kept of an entry; one that carries more text is not followed."""


@dataclass(slots=True, kw_only=True)
class Revisits:
    """Pages that are fetched again. `hearing` says which; `sources` gives the sources as they stand now, `elsewhere`
    the domains that other processes ask: visits there are theirs."""

    hearing: Hearing
    database: Database
    story: Clock
    real: Clock
    fetcher: Fetcher
    landing: Landing
    sources: Callable[[], Mapping[str, Source]]
    defects: Defects
    elsewhere: Callable[[], Collection[str]] = tuple
    pulse: Pulse = UNHEARD
    in_hand: set[asyncio.Task[None]] = field(default_factory=set)
    _names: set[str] = field(default_factory=set)
    _next: datetime | None = None
    _purged: datetime | None = None

    def busy(self) -> bool:
        """Whether a visit is under way or due."""
        due = self._next is not None and self._next <= self.story.now()
        return bool(self.in_hand) or self.hearing.alarm.unsettled or due

    def look_again(self) -> None:
        """Other domains may be ours now, and others not any more."""
        self.hearing.alarm.ring()

    def remember(self, item: Item, page: Page) -> Revisit | None:
        """What is kept of a page that was just published, None where its edits are of no interest."""
        packed = store.packed(item)
        news = item.mode is Mode.LIVE and page.outcome is PageOutcome.PUBLISHED
        if not news or self.hearing.tempo_of(item.source.id) is None or len(packed) > LARGEST:
            return None
        event = page.event
        return Revisit(
            entry_id=item.entry_id, source_id=item.source.id, url=event.final_url, item=packed, seen=item.observed,
            body_hash=hash_of(event.body), etag=page.etag, last_modified=page.last_modified,
            domain=registered_domain(item.url),
        )  # fmt: skip

    # -- the loop --------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        """Start visits as they are due, as tasks of `group`, until `stop`."""
        while not stop.is_set():
            self.hearing.alarm.rung.clear()
            self.pulse.beat()
            try:
                await self._start(group)
            except DatabaseUnavailable as error:
                log.warning("revisits_delayed", error=str(error))
                self._next = None  # the next look tells
            self.pulse.rest()
            await first(stop, *self._sleep(), alarm=self.hearing.alarm)

    async def _start(self, group: asyncio.TaskGroup) -> None:
        now, elsewhere = self.story.now(), self.elsewhere()
        async with self.database.transaction() as connection:
            free = AT_ONCE - len(self.in_hand)
            due = await row.claim_due(connection, now, free, self._names, elsewhere) if free > 0 else []
            following = await row.next_due(connection, elsewhere)
            await self._purge(connection, now)
        for one in due:
            self._names.add(one.entry_id)
            task = group.create_task(self._visit(one), name=f"revisit:{one.entry_id}")
            self.in_hand.add(task)
            task.add_done_callback(self._done)
        self._next = following  # last: until then this look is what is in hand

    def _done(self, task: asyncio.Task[None]) -> None:
        self.in_hand.discard(task)
        self.hearing.alarm.ring()

    async def _purge(self, connection: AsyncConnection, now: datetime) -> None:
        if self._purged is None or now - self._purged >= PURGE_EVERY:
            self._purged = now
            gone = await row.purge(connection, now)
            log.info("revisits_purged", rows=gone)

    def _sleep(self) -> list[Awaitable[Any]]:
        """Until the next visit is due; while all places are taken, only the end of one matters."""
        waits: list[Awaitable[Any]] = [self.real.sleep(LOOK)]
        if self._next is not None and len(self.in_hand) < AT_ONCE:
            waits.append(self.story.sleep(max(0.0, (self._next - self.story.now()).total_seconds())))
        return waits

    # -- one visit -------------------------------------------------------------------------------------------------

    async def _visit(self, one: Revisit) -> None:
        """One visit, to its end: published and written, or planned again."""
        source, tempo, now = self.sources().get(one.source_id), self.hearing.tempo_of(one.source_id), self.story.now()
        try:
            if one.live_until is None or one.live_until < now:  # nobody ran while its story lived
                await self.landing.land(None, Changes(visited=replace(one, due=None)))
            elif source is None or tempo is None:
                await self._settle(Visited(VisitOutcome.LEFT, one), TEMPOS[Edits.SLOW], now)
            else:
                await self._settle(await self._ask(one, source, now), tempo, now)
        except HostPaused as pause:  # the host asked to be left alone: this is no visit, only a later date
            theirs = one.domain in self.elsewhere()  # due as it was: whoever holds the domain finds it
            await self.landing.land(None, Changes(visited=one if theirs else replace(one, due=now + pause.left)))
        finally:
            self._names.discard(one.entry_id)

    async def _ask(self, one: Revisit, source: Source, now: datetime) -> Visited:
        try:
            visited = await visit(self.fetcher, one, store.unpacked(one.item), source, now)
        except DatabaseUnavailable as error:
            return Visited(VisitOutcome.FAILED, one, detail=str(error))
        except HostPaused:
            raise
        except Exception as error:  # noqa: BLE001 - one page's defect must not stop the others
            self.defects.note(error, entry=one.entry_id, url=one.url)
            return Visited(VisitOutcome.FAILED, one, detail=repr(error))
        self.defects.none()
        return visited

    async def _settle(self, visited: Visited, tempo: Tempo, now: datetime) -> None:
        """Publish what changed, write how the visit ended, and count it."""
        outcome = visited.outcome
        after = plan.after(visited.row, outcome, tempo, now, visited.wish)
        if not await self.landing.land(visited.event, Changes(visited=after, pause=visited.pause)):
            outcome = VisitOutcome.TOO_LARGE
            after = plan.after(visited.row, outcome, tempo, now, visited.wish)
            await self.landing.land(None, Changes(visited=after, pause=visited.pause))
        metrics.REVISITS.labels(outcome).inc()
        log.info(
            "page_revisited", entry=after.entry_id, source=after.source_id, url=after.url, outcome=outcome,
            detail=visited.detail, tries=after.tries, due=after.due, ended=after.ended,
        )  # fmt: skip
