"""`wirewatch sources check`: whether the sources file is right, and with `--live` whether its sources answer.

Live, each source is polled once as the fetcher would do it: through the one door, with the same spacing and the same
rules for robots.txt. Nothing is published, and nothing kept: the first poll of the fetcher is still its first.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from services.fetcher.desk.due import span
from services.fetcher.desk.view import shown
from services.fetcher.manners.ask import Verdict
from services.fetcher.manners.pace import HostPaused, Pace
from services.fetcher.manners.robots import Robots
from services.fetcher.poll.poll import WORKED, Polled, Poller
from services.fetcher.poll.walk_sitemap import Walker
from services.fetcher.read.feed import Feed
from services.fetcher.read.reading import obeys_robots
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source, Sources, load_sources
from services.fetcher.store import SourceState
from shared import log
from shared.clock import RealClock
from shared.db import migrate, open_database
from shared.events import CheckOutcome
from shared.http import Limits
from shared.run import open_door
from shared.settings import CommonSettings, load
from shared.show import bars, show
from shared.urls import canonical

MIGRATIONS = Path(__file__).parents[1] / "migrations"
LISTED = ("source", "language", "country", "interval", "url", "remark")
LIVE = ("source", "outcome", "entries", "newest", "robots", "remark")
"""Columns of the table; `--json` has more."""

Progress = Callable[[int, int], None]


def check(
    file: Annotated[Path | None, typer.Argument(help="A sources file; default: that of the pack.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Poll each source once.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the sources file, and with --live its sources. Exit code 1 when a source is not as it should be, 2 when the
    file is wrong."""
    settings = load(FetcherSettings)
    path = file or settings.sources_path
    sources = load_sources(path)
    found = _live(settings, sources) if live else [_listed(source) for source in sources.values()]
    marked = [one | {"remark": one["remark"] or twin} for one, twin in zip(found, twins(sources), strict=True)]
    columns = LIVE if live else LISTED
    table = marked if as_json else [{name: one[name] for name in columns} for one in marked]
    working = f"{sum(one['works'] for one in found)} of " if live else ""
    show(table, as_json=as_json, title=f"{path}: {working}{len(sources)} sources{' work' if live else ''}")
    if any(one["remark"] or not one.get("works", True) for one in marked):
        raise typer.Exit(1)


def _listed(source: Source) -> dict[str, Any]:
    interval = span(source.interval) if source.interval else "rhythm"
    return {
        "source": source.id, "url": source.url, "kind": source.kind, "language": source.language,
        "country": source.country, "interval": interval, "status": source.status, "remark": "",
    }  # fmt: skip


def twins(sources: Sources) -> list[str]:
    """For each source, which earlier one has the same address, however it is written."""
    first: dict[str, str] = {}
    remarks = []
    for source in sources.values():
        twin = first.setdefault(canonical(source.url), source.id)
        remarks.append("" if twin == source.id else f"the same address as {twin}: keep one")
    return remarks


# -- live ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Checker:
    """What a live check needs."""

    poller: Poller
    walker: Walker
    robots: Robots
    settings: FetcherSettings

    async def look(self, source: Source) -> dict[str, Any]:
        """One row: how the source answered."""
        verdict = await self.robots.verdict(source.url, source.spacing)
        if obeys_robots(source, self.settings) and not verdict.allowed:
            state = SourceState(source_id=source.id, url=source.url, next_due=self.poller.real.now())
            return _row(source, Polled(CheckOutcome.ROBOTS_DENIED, state, detail="robots.txt"), verdict)
        return _row(source, await self._polled(source), verdict)

    async def _polled(self, source: Source) -> Polled:
        now = self.poller.real.now()
        state = SourceState(source_id=source.id, url=source.url, next_due=now)
        try:
            return await self.walker.walk(source, await self.poller.poll(source, state, now), now)
        except HostPaused as pause:
            return Polled(CheckOutcome.THROTTLED, state, detail=f"its host asked for a pause of {pause.left}")


def _row(source: Source, polled: Polled, verdict: Verdict) -> dict[str, Any]:
    feed = polled.feed
    dates = [entry.published for entry in feed.entries if entry.published] if feed else []
    robots = ("allowed" if verdict.allowed else "denied") if verdict.reachable else "cannot be had"
    return {
        "source": source.id, "works": polled.outcome in WORKED, "outcome": polled.outcome, "status": polled.status,
        "kind": _kind(feed) if feed else None, "language": feed.language if feed else None,
        "entries": len(feed.entries) if feed else 0, "newest": shown(max(dates, default=None)), "robots": robots,
        "url": source.url, "answered_by": polled.base if polled.base != source.url else "", "remark": polled.detail,
    }  # fmt: skip


def _kind(feed: Feed) -> str:
    return f"index of {len(feed.children)} sitemaps" if feed.children else feed.kind


def _live(settings: FetcherSettings, sources: Sources) -> list[dict[str, Any]]:
    common = load(CommonSettings)
    log.configure(level="error", json=common.log_json)
    with bars() as bar:
        rows = asyncio.run(_looked(common, settings, list(sources.values()), bar("sources")))
    return [rows[name] for name in sources]


async def _looked(
    common: CommonSettings, settings: FetcherSettings, sources: Sequence[Source], progress: Progress
) -> Mapping[str, dict[str, Any]]:
    """A row for each source by its id; paused ones are looked at, too."""
    rows: dict[str, dict[str, Any]] = {}
    progress(0, len(sources))
    async with checker_on(common, settings) as checker, asyncio.TaskGroup() as group:

        async def look(source: Source) -> None:
            rows[source.id] = await checker.look(source)
            progress(len(rows), len(sources))

        for source in sources:
            group.create_task(look(source))
    return rows


@asynccontextmanager
async def checker_on(common: CommonSettings, settings: FetcherSettings) -> AsyncIterator[Checker]:
    """With robots files of its own: what a check sees is not kept."""
    clock = RealClock()
    pace = Pace(clock, spacing=settings.spacing, cap=settings.poll_concurrency)
    limits = Limits(total=settings.request_timeout.total_seconds())
    with tempfile.TemporaryDirectory(prefix="wirewatch-check-") as folder:
        database = open_database(f"sqlite:///{folder}/check.db")
        await migrate(database, "fetcher", MIGRATIONS)
        async with open_door(common) as door:
            robots = Robots(door, pace, database, clock, settings.robots_agent)
            try:
                walker = Walker(door, pace, database, clock, limits)
                yield Checker(Poller(door, pace, clock, limits), walker, robots, settings)
            finally:
                await database.close()
