"""The poll loop: asks every source when it is due, and hands what is new to the page loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.fetcher import metrics, store
from services.fetcher.alarm import Alarm, Defects, first
from services.fetcher.board import Board
from services.fetcher.entries.discover import Look
from services.fetcher.entries.recall import Recall, Seen
from services.fetcher.land import Landing
from services.fetcher.manners.domains import Domains
from services.fetcher.manners.pace import HostPaused
from services.fetcher.manners.robots import Robots
from services.fetcher.pages.pages import Pages
from services.fetcher.plan.heat import Heat
from services.fetcher.plan.rhythm import unpacked
from services.fetcher.plan.schedule import Decider, Plan, Schedule
from services.fetcher.plan.wishes import Caps
from services.fetcher.poll.after import Check, after, is_stopped, taught
from services.fetcher.poll.health import checked
from services.fetcher.poll.poll import WORKED, Polled, Poller
from services.fetcher.poll.walk_sitemap import Walker
from services.fetcher.push.receive import Taken, pushed_check
from services.fetcher.push.subscribe import Subscriber
from services.fetcher.read.parse import Feed, Unusable
from services.fetcher.read.reading import obeys_robots, read_body
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source, Sources, SourcesFile
from services.fetcher.store import Changes, Found, SourceState
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailable
from shared.events import CheckOutcome, SourceChecked
from shared.health import UNHEARD, Pulse
from shared.lease import Lease
from shared.urls import registered_domain

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Watch:
    """The sources under watch."""

    settings: FetcherSettings
    database: Database
    story: Clock
    real: Clock
    file: SourcesFile
    plan: Plan
    landing: Landing
    poller: Poller
    walker: Walker
    robots: Robots
    pages: Pages
    defects: Defects
    board: Board
    heat: Heat
    domains: Domains
    recall: Recall
    pushes: Subscriber | None = None
    pulse: Pulse = UNHEARD
    schedule: Schedule = field(default_factory=Schedule)
    in_hand: set[asyncio.Task[None]] = field(default_factory=set)
    alarm: Alarm = field(default_factory=Alarm)
    _states: dict[str, SourceState] = field(default_factory=dict)
    _overdue: dict[str, datetime] = field(default_factory=dict)
    _unslowed: dict[str, datetime] = field(default_factory=dict)
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    def busy(self) -> bool:
        """Whether a poll is under way or due."""
        if self.in_hand or self.alarm.unsettled:
            return True
        due = self.schedule.next_due()
        return due is not None and due <= self.story.now()

    async def load(self) -> None:
        """Take up where the last process stopped; sources never seen before get their first due time."""
        async with self.database.transaction() as connection:
            self._states = await store.source_states(connection)
            self.poller.pace.restore(await store.pauses(connection, self.real.now()))
            new = self._unknown()
            await store.write(connection, [Changes(introduced=state) for state in new])
            await self.heat.load(connection)
        self._states |= {state.source_id: state for state in new}
        self._share_out()
        self._schedule_all(but=frozenset())
        self._spread_overdue()
        self.heat.told = self.warm
        self.warm(self.heat.hot(self.story.now()))
        if self.pushes is not None:
            await self.pushes.load()
        self._keep_pushes()

    def _spread_overdue(self) -> None:
        """What became due while nobody was running is asked bit by bit; its check keeps the time it was due."""
        now = self.story.now()
        for source in self.file.current.values():
            due = self.schedule.due(source.id)
            if due is not None and due < now:
                self._overdue[source.id] = due
                self.schedule.put(source.id, self.plan.first(source, now))

    async def run(self, stop: asyncio.Event, group: asyncio.TaskGroup) -> None:
        """Start polls as they are due, as tasks of `group`, until `stop`."""
        places = asyncio.Semaphore(self.settings.poll_concurrency)
        while not stop.is_set():
            self.alarm.rung.clear()
            for source_id, due in self.schedule.take_due(self.story.now()):
                task = group.create_task(self._poll(source_id, due, places, stop), name=f"poll:{source_id}")
                self.in_hand.add(task)
                task.add_done_callback(self.in_hand.discard)
            await first(stop, *self._sleep(), alarm=self.alarm)

    def _sleep(self) -> list[Awaitable[Any]]:
        due = self.schedule.next_due()
        return [] if due is None else [self.story.sleep((due - self.story.now()).total_seconds())]

    # -- the list of sources ---------------------------------------------------------------------------------------

    async def reload(self, stop: asyncio.Event) -> None:
        """Look at the sources file now and then, until `stop`."""
        seconds = self.settings.sources_reload.total_seconds()
        while not await first(stop, self.real.sleep(seconds)):
            self.pulse.beat()
            before = self.file.current
            if self.file.reload():
                await self._adopt(before)
                await self._keep_patiently()
            await self._hear_of_heat()
            self.pulse.rest()

    async def keep(self) -> None:
        """Keep the text in force for a start at which the file is wrong."""
        path = str(self.settings.sources_path.resolve())
        async with self.database.transaction() as connection:
            await store.keep_file(connection, path, self.file.text, self.real.now())

    async def _keep_patiently(self) -> None:
        try:
            await self.keep()
        except DatabaseUnavailable as error:  # the next change or start keeps it
            log.warning("sources_not_kept", error=str(error))

    async def _adopt(self, before: Sources) -> None:
        """Bring the schedule in line with a changed file: what was added or changed is due soon."""
        current = self.file.current
        for state in self._unknown():
            await self.landing.land(None, Changes(introduced=state))
            self._states[state.source_id] = state
        unchanged = frozenset(name for name, source in before.items() if current.get(name) == source)
        now = self.story.now()
        for source_id in before.keys() - unchanged:
            self.schedule.drop(source_id)
            self.plan.budget.drop(source_id)
        for source_id in current.keys() - unchanged:
            state = self._states[source_id]
            due = min(state.next_due, self.plan.first(current[source_id], now))
            self._states[source_id] = replace(state, next_due=due, gone=0)  # a changed line is a new chance
        self._share_out()
        self._schedule_all(but=unchanged)
        self._keep_pushes()

    def _keep_pushes(self) -> None:
        if self.pushes is not None:
            self.pushes.keep([one.id for one in self.file.current.values() if one.push and not one.paused])

    def _share_out(self) -> None:
        """Tell the budget of every source, before the first of them is planned."""
        for source in self.file.current.values():
            if not source.paused:
                self._usual(source)

    def _usual(self, source: Source) -> timedelta:
        return self.plan.usual(source, self.story.now(), unpacked(self._states[source.id].rhythm))

    async def _hear_of_heat(self) -> None:
        """Alerts are shared out by watch: other processes heard of stories that our sources carry."""
        if self.database.is_sqlite:  # one process
            return
        try:
            async with self.database.reading() as connection:
                await self.heat.load(connection)
        except DatabaseUnavailable as error:  # the next look hears of it
            log.warning("heat_not_heard", error=str(error))
            return
        self.warm(self.heat.hot(self.story.now()))

    def warm(self, source_ids: Collection[str]) -> None:
        """Sources became hot: those that wait by their rhythm are due sooner."""
        now = self.story.now()
        for source_id in source_ids:
            source, due = self.file.current.get(source_id), self.schedule.due(source_id)
            if source is not None and due is not None:
                sooner = self._when_hot(source, self._states[source_id], now)
                if sooner is not None and sooner < due:
                    self._put(source_id, sooner)

    def _when_hot(self, source: Source, state: SourceState, now: datetime) -> datetime | None:
        if state.decided_by not in (Decider.RHYTHM, Decider.HOT_STORY) or state.last_checked is None:
            return None
        usual = self.plan.usual(source, state.last_checked, unpacked(state.rhythm), self.heat.of(source.id, now))
        return max(now, state.last_checked + usual, state.not_before or now)

    def _unknown(self) -> list[SourceState]:
        now = self.story.now()
        new = [source for source in self.file.current.values() if source.id not in self._states]
        return [
            SourceState(source_id=source.id, url=source.url, next_due=self.plan.first(source, now)) for source in new
        ]  # fmt: skip

    def _schedule_all(self, but: Collection[str]) -> None:
        """Schedule every source of the file, but for those that are scheduled or in hand already."""
        for source in self.file.current.values():
            if source.id not in but and self._is_ours(source):
                self.schedule.put(source.id, self._states[source.id].next_due)
        self.board.list(self.file.current)
        standings = [_standing(self._states[source_id]) for source_id in self.file.current]
        for standing in metrics.STANDINGS:
            metrics.SOURCES.labels(standing).set(standings.count(standing))
        self.alarm.ring()

    # -- other processes -------------------------------------------------------------------------------------------

    def _is_ours(self, source: Source) -> bool:
        """Whether a source is for us to poll."""
        return not source.paused and not is_stopped(self._states[source.id]) and self.domains.owns(source.url)

    def wanted(self) -> set[str]:
        """The registered domains of the sources in force."""
        return {registered_domain(one.url) for one in self.file.current.values() if not one.paused}

    async def gained(self, names: Collection[str]) -> None:
        """These domains are ours from now on: take up what the last holder left of them."""
        sources = [one for one in self.file.current.values() if registered_domain(one.url) in names]
        async with self.database.transaction() as connection:
            self._states |= await store.states_of(connection, [one.id for one in sources])
            self.poller.pace.arrived(names, await store.pauses(connection, self.real.now()))
        for source in sources:
            if source.id in self._states:
                self._put(source.id, self._states[source.id].next_due)
        self.pages.look_again()

    def lost(self, names: Collection[str]) -> None:
        """These are another process's."""
        for source in self.file.current.values():
            if registered_domain(source.url) in names:
                self.schedule.drop(source.id)
                self.recall.forget(source.id)

    # -- one poll --------------------------------------------------------------------------------------------------

    async def _poll(self, source_id: str, due: datetime, places: asyncio.Semaphore, stop: asyncio.Event) -> None:
        async with places:
            source = self.file.current.get(source_id)
            if source is None or source.paused or stop.is_set():
                return
            try:
                await self._check(source, self._overdue.pop(source_id, due))
            except HostPaused as pause:  # the host asked to be left alone: this is no poll, only a later date
                self._put(source_id, self.story.now() + pause.left)
            except Exception as error:  # noqa: BLE001 - one source's defect must not stop the others
                self._put(source_id, self.story.now() + self._usual(source))
                self.defects.note(error, source=source_id)

    async def _check(self, source: Source, due: datetime) -> None:
        """Ask, and conclude."""
        began, lease = time.monotonic(), await self.domains.hold(source.url)
        state, now = self._states[source.id], self.story.now()
        polled = await self._denied(source) or await self.poller.poll(source, state, now)
        polled = await self.walker.walk(source, polled, now)
        async with self._turn(source.id):
            event = await self.conclude(source, polled, due, now, lease)
        _tell(event, polled, time.monotonic() - began)

    async def conclude(
        self, source: Source, polled: Polled, due: datetime, now: datetime, lease: Lease | None
    ) -> SourceChecked:
        """See what is new, publish and write, plan the next time. `due` gives the event its id; `now` is story time."""
        before = self._states[source.id]
        settings, first = self.settings, not polled.state.seeded
        look = Look(now, self.real.now(), first, settings.live, settings.seed, since=before.last_worked)
        seen = self._shared_out(await self.recall.look(source, polled.feed, polled.base, look))
        found = seen.found
        if polled.outcome is CheckOutcome.FRESH and not found:
            polled = replace(polled, outcome=CheckOutcome.UNCHANGED)
        check = Check(source, before, polled, found, now, self.heat.of(source.id, now))
        caps = Caps(settings.hint_cap, settings.skip_cap)
        following = await self._slowed(after(check, self.plan, caps), found, now)
        event = checked(check, following, due)
        following = replace(following, conditions=" ".join(event.conditions))
        await self.landing.land(
            event,
            seen.changes(Changes(source=following, pause=polled.pause, children=polled.children, lease=lease)),
        )
        self._states[source.id] = following
        self._took(source, seen)
        if self.pushes is not None and source.push:
            await self.pushes.consider(source.id, polled.offer)
        self._put(source.id, following.next_due)
        self.defects.none()
        _count_change(before, following)
        self.board.show(event)
        return event

    async def _denied(self, source: Source) -> Polled | None:
        """The outcome instead of a poll where sources of this kind obey robots.txt and this one is denied."""
        if not obeys_robots(source, self.settings):
            return None
        verdict = await self.robots.verdict(source.url, source.spacing)
        if verdict.allowed:
            return None
        detail = "robots.txt" if verdict.reachable else "robots.txt cannot be had"
        return Polled(CheckOutcome.ROBOTS_DENIED, self._states[source.id], detail=detail)

    def _shared_out(self, seen: Seen) -> Seen:
        return replace(seen, found=self.pages.shared_out(seen.found))

    def _took(self, source: Source, seen: Seen) -> None:
        """What was seen is written: remember it, count it, fetch what is new."""
        self.recall.keep(source.id, seen)
        if seen.entries:
            self.pages.take_up(seen.entries)

    # -- what hubs push --------------------------------------------------------------------------------------------

    async def pushed(self, source_id: str, body: bytes) -> Taken | None:
        """Take in a pushed body as if it had been polled, and publish a check where it brought something. It speaks for
        its own source alone. None where that source is not watched now."""
        source = self.file.current.get(source_id)
        if source is None or source.paused or not source.push:
            return None
        base = self._states[source_id].validated_url or source.url
        feed = await read_body(source, body, base)
        if isinstance(feed, Unusable):
            log.warning("push_unusable", source=source_id, detail=feed.detail)
            return Taken(None)
        async with self._turn(source_id):
            return Taken(await self._take_in(source, feed, body, base))

    async def _take_in(self, source: Source, feed: Feed, body: bytes, base: str) -> int:
        """How many entries were new."""
        state = self._states[source.id]
        look = Look(self.story.now(), self.real.now(), not state.seeded, self.settings.live, self.settings.seed)
        seen = self._shared_out(await self.recall.look(source, feed, base, look, whole=False))
        found = seen.found
        if found or seen.entries or seen.named:
            event = pushed_check(source, feed, body, found, next_due=state.next_due) if found else None
            await self.landing.land(event, seen.changes(Changes()))
        if found:
            self._states[source.id] = taught(self._states[source.id], found, look.observed)
        self._took(source, seen)
        return len(found)

    def _turn(self, source_id: str) -> asyncio.Lock:
        """One body of a source at a time: the next one knows the entries of the first."""
        return self._turns.setdefault(source_id, asyncio.Lock())

    async def _slowed(self, following: SourceState, found: Sequence[Found], now: datetime) -> SourceState:
        """The state after a poll whose source is pushed as well: then the next poll may wait."""
        source_id = following.source_id
        if self.pushes is None or following.last_outcome not in WORKED:
            return following
        await self.pushes.polled(source_id, found, now)
        self._unslowed[source_id] = following.next_due
        floor = now + self.pushes.floor(source_id)
        if floor <= following.next_due:
            return following
        return replace(following, next_due=floor, decided_by=Decider.PUSHED)

    def unslow(self, source_id: str) -> None:
        """Poll a source as usual again: it is due when it would have been without pushes."""
        usual, due = self._unslowed.get(source_id), self.schedule.due(source_id)
        if usual is not None and due is not None and usual < due:
            self._put(source_id, max(usual, self.story.now()))

    def _put(self, source_id: str, due: datetime) -> None:
        source = self.file.current.get(source_id)
        if source is not None and self._is_ours(source):
            self.schedule.put(source_id, due)
            self.alarm.ring()


def _standing(state: SourceState) -> str:
    if state.last_outcome is None:
        return "new"
    return "failing" if state.failures else "working"


def _count_change(before: SourceState, after: SourceState) -> None:
    metrics.SOURCES.labels(_standing(before)).dec()
    metrics.SOURCES.labels(_standing(after)).inc()


def _tell(event: SourceChecked, polled: Polled, seconds: float) -> None:
    metrics.CHECKS.labels(event.outcome).inc()
    metrics.POLL_SECONDS.observe(seconds)
    metrics.BYTES.labels("feed").inc(polled.size)
    metrics.ENTRIES_CUT.inc(polled.feed.cut if polled.feed else 0)
    level = log.info if event.outcome in WORKED else log.warning
    level(
        "source_checked", source=event.source.id, outcome=event.outcome, detail=event.detail, status=event.status,
        entries=event.entries, new_entries=event.new_entries, failures=event.failures, next_due=event.next_due,
        conditions=event.conditions, moved_to=event.moved_to or None,
        seconds=round(seconds, 3),
    )  # fmt: skip
