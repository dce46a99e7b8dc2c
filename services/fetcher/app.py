"""Wiring: one task that polls what is due, fetches the pages of what is new, and stops cleanly.

The poll loop sleeps on the story clock until the next source is due; the page loop waits on the real clock for other
tries and for hosts that asked for a pause. `busy` tells the demo's clock whether anything that its last step made due
is still in hand: it is true in the moment the clock was advanced, and never because of something that only waits.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import structlog

from services.fetcher import store
from services.fetcher.alarm import Defects
from services.fetcher.board import Board
from services.fetcher.entries.recall import Recall
from services.fetcher.land import Landing
from services.fetcher.manners.domains import Domains
from services.fetcher.manners.pace import Pace
from services.fetcher.manners.reservations import Reservations
from services.fetcher.manners.robots import Robots
from services.fetcher.manners.tally import Asked, Counted, Tally
from services.fetcher.pages.fetch import Fetcher
from services.fetcher.pages.frontier import Frontier
from services.fetcher.pages.pages import Pages
from services.fetcher.plan.budget import Budget
from services.fetcher.plan.heat import Heat
from services.fetcher.plan.schedule import MOST_POLLS, Plan
from services.fetcher.poll.poll import Poller
from services.fetcher.poll.walk_sitemap import Walker
from services.fetcher.push.ask import Hubs
from services.fetcher.push.port import CONNECTIONS, Port, callback_of
from services.fetcher.push.receive import Receiver
from services.fetcher.push.subscribe import Subscriber
from services.fetcher.read.reading import obeys_robots
from services.fetcher.revisit.hear import Hearing
from services.fetcher.revisit.revisits import Revisits
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source, SourcesFile
from services.fetcher.watch import Watch
from shared.bus import Publisher
from shared.errors import Misconfigured
from shared.finish import Stopped, patiently
from shared.health import serve
from shared.http import Limits
from shared.run import Parts, Service

log = structlog.get_logger()

STOP_PATIENCE = 5.0
"""Seconds a stop waits for requests under way; what is cut off is repeated after the next start, with the same ids."""


async def build(settings: FetcherSettings, parts: Parts) -> Service:
    """The fetcher as a service. Raises Misconfigured for wrong settings, and when the sources file is wrong and no good
    one was kept. The tables must exist (`init`)."""
    plan_of(settings)
    _check_lease(settings)
    if settings.push_public_url:
        callback_of(settings.push_public_url)
    async with parts.database.reading() as connection:
        kept = await store.kept_file(connection, str(settings.sources_path.resolve()))
    file = SourcesFile(settings.sources_path, kept)
    hearing = Hearing(
        database=parts.database, story=parts.story, sources=lambda: file.current, edits=settings.edits
    )  # fmt: skip
    heat = Heat(parts.database, parts.story, heard=hearing.hear)
    running = Running(settings, parts, file, heat, hearing)
    return Service(name="fetcher", steps=(heat.step(),), tasks={"poll": running.run}, busy=running.busy)


@dataclass(slots=True)
class Running:
    """The fetcher from start to stop."""

    settings: FetcherSettings
    parts: Parts
    file: SourcesFile
    heat: Heat
    hearing: Hearing
    revisits: Revisits | None = None
    watch: Watch | None = None
    """Set once everything is loaded: until then there is work in hand."""

    def busy(self) -> bool:
        """Whether work is in hand or due. Cheap: the demo asks every few milliseconds."""
        again = self.revisits is not None and self.revisits.busy()
        return self.watch is None or self.watch.busy() or self.watch.pages.busy() or again

    async def run(self, stop: asyncio.Event) -> None:
        """Poll and fetch until `stop`, then finish what is in hand."""
        try:
            publisher = await patiently("fetcher", self.parts.bus.publisher, stop)
        except Stopped:
            return
        pulse, tally = self.parts.health.pulse("fetcher:landing"), Tally(self.parts.real)
        landing = Landing(publisher, self.parts.database, self.parts.real, pulse, tally)
        try:
            watch, port = self._wired(landing, tally)
            await watch.keep()
            await watch.domains.begin()
            pending = await watch.pages.load()
            await watch.load()
            log.info(
                "fetcher_loaded", sources=len(self.file.current), pending_pages=pending,
                robots=self.settings.robots, robots_feeds=self.settings.robots_feeds,
            )  # fmt: skip
            self.watch = watch
            await self._work(watch, port, stop)
            await watch.domains.let_go()
        finally:
            await _close(landing, publisher)

    async def _work(self, watch: Watch, port: Port | None, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(watch.run(stop, group), name="fetcher:polls")
            group.create_task(watch.pages.run(stop, group), name="fetcher:pages")
            group.create_task(watch.domains.run(stop), name="fetcher:domains")
            if self.revisits is not None:
                group.create_task(self.revisits.run(stop, group), name="fetcher:revisits")
            if self.settings.sources_reload:
                group.create_task(watch.reload(stop), name="fetcher:sources")
            if watch.pushes is not None and port is not None:
                group.create_task(watch.pushes.run(stop, group), name="fetcher:hubs")
                group.create_task(self._listen(port, stop), name="fetcher:port")
            group.create_task(self._finish(watch, stop), name="fetcher:finish")

    async def _finish(self, watch: Watch, stop: asyncio.Event) -> None:
        """After the stop: a little patience for requests under way, then they are cut."""
        await stop.wait()
        in_hand = [*watch.in_hand, *watch.pages.in_hand, *(self.revisits.in_hand if self.revisits else ())]
        in_hand += watch.pushes.in_hand.values() if watch.pushes is not None else ()
        _, late = await asyncio.wait(in_hand, timeout=STOP_PATIENCE) if in_hand else (set(), set())
        for task in late:
            task.cancel()

    async def _listen(self, port: Port, stop: asyncio.Event) -> None:
        """Serve the push port until `stop`. Raises Misconfigured where it cannot be had."""
        host = self.settings.push_host
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        started.add_done_callback(lambda bound: log.info("push_port_opened", host=host, port=bound.result()))
        await serve(
            port, host, self.settings.push_port, stop, started=started, named="WIREWATCH_PUSH_PORT", most=CONNECTIONS
        )  # fmt: skip

    def _wired(self, landing: Landing, tally: Tally) -> tuple[Watch, Port | None]:
        settings, parts, defects = self.settings, self.parts, Defects()
        pace = Pace(parts.real, spacing=settings.spacing, cap=settings.poll_concurrency + settings.page_concurrency)
        domains = Domains(
            database=parts.database, real=parts.real, holder=f"{platform.node()}-{secrets.token_hex(8)}",
            length=settings.domain_lease, margin=settings.request_timeout, busy=pace.busy,
            pulse=parts.health.pulse("fetcher:domains"),
        )  # fmt: skip
        pace.owner = domains
        feeds, articles, files = (Counted(parts.door, tally, asked) for asked in Asked)
        robots = Robots(files, pace, parts.database, parts.real, settings.robots_agent)
        judges = partial(_judge_of, robots, settings)
        limits = Limits(total=settings.request_timeout.total_seconds())
        reservations = Reservations(files, pace, parts.database, parts.real) if settings.reservations else None
        fetcher = Fetcher(articles, pace, parts.real, limits, robots if settings.robots else None, reservations)
        self.revisits = Revisits(
            hearing=self.hearing, database=parts.database, story=parts.story, real=parts.real, fetcher=fetcher,
            landing=landing, sources=lambda: self.file.current, defects=defects, elsewhere=domains.elsewhere,
            pulse=parts.health.pulse("fetcher:revisits"),
        )  # fmt: skip
        pages = Pages(
            settings=settings, database=parts.database, real=parts.real, landing=landing, defects=defects,
            fetcher=fetcher, remember=self.revisits.remember, domains=domains,
            frontier=Frontier(pace, one_each=bool(settings.spacing)), sources=lambda: self.file.current,
            pulse=parts.health.pulse("fetcher:pages"),
        )  # fmt: skip
        watch = Watch(
            settings=settings, database=parts.database, story=parts.story, real=parts.real, file=self.file,
            plan=plan_of(settings), landing=landing, heat=self.heat, domains=domains,
            poller=Poller(feeds, pace, parts.real, limits, judges), recall=Recall(parts.database),
            walker=Walker(feeds, pace, parts.database, parts.real, limits, judges), robots=robots, pages=pages,
            defects=defects, board=Board(settings.source_series), pulse=parts.health.pulse("fetcher:sources"),
        )  # fmt: skip
        domains.wanted, domains.gained = watch.wanted, watch.gained
        domains.lost, domains.shared = watch.lost, partial(_look_again, pages, self.revisits)
        return watch, self._pushes(watch, pace, limits) if settings.push_public_url else None

    def _pushes(self, watch: Watch, pace: Pace, limits: Limits) -> Port:
        """Subscriptions for `watch`, and the port where hubs push. Raises Misconfigured."""
        settings, parts = self.settings, self.parts
        hubs = Hubs(
            door=parts.door, pace=pace, real=parts.real, limits=limits, lease=settings.push_lease,
            callback=callback_of(settings.push_public_url),
        )  # fmt: skip
        watch.pushes = Subscriber(
            hubs=hubs, database=parts.database, real=parts.real, slow=settings.push_poll, lost=watch.unslow,
            pulse=parts.health.pulse("fetcher:hubs"),
        )  # fmt: skip
        receiver = Receiver(
            database=parts.database, real=parts.real, subscriber=watch.pushes, take_in=watch.pushed,
            sha1=settings.push_sha1,
        )  # fmt: skip
        prefix = urlsplit(settings.push_public_url).path.rstrip("/")
        return Port(database=parts.database, real=parts.real, receiver=receiver, prefix=prefix)


def plan_of(settings: FetcherSettings) -> Plan:
    """How often sources are asked. Raises Misconfigured."""
    if not 0 < settings.polls_per_day <= MOST_POLLS:
        raise Misconfigured(
            f"WIREWATCH_POLLS_PER_DAY is {settings.polls_per_day:g}: write a number above 0, at most {MOST_POLLS}"
        )
    return Plan(settings.poll_interval, settings.poll_jitter, settings.poll_spread, Budget(settings.polls_per_day))


def _look_again(pages: Pages, revisits: Revisits) -> None:
    pages.look_again()
    revisits.look_again()


def _judge_of(robots: Robots, settings: FetcherSettings, source: Source) -> Robots | None:
    """Who judges where else polls of `source` lead; None where robots do not apply to them."""
    return robots if obeys_robots(source, settings) else None


def _check_lease(settings: FetcherSettings) -> None:
    """Raises Misconfigured where a request might outlast the lease of its domain."""
    if settings.domain_lease <= 2 * settings.request_timeout:
        raise Misconfigured(
            f"WIREWATCH_DOMAIN_LEASE is {settings.domain_lease.total_seconds():g}s: write more than twice "
            f"WIREWATCH_REQUEST_TIMEOUT ({settings.request_timeout.total_seconds():g}s)"
        )


async def _close(landing: Landing, publisher: Publisher) -> None:
    await landing.close(STOP_PATIENCE)
    await publisher.close()
