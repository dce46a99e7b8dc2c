"""An article is edited, edited again and taken away: from the publisher's site to the alerts, through every service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from services.operate.init import prepare
from services.standalone.app import BUILDERS, build_services
from services.standalone.play import Quiet, wait_until_quiet
from shared.bus import Partition
from shared.clock import SteppedClock
from shared.codec import decode
from shared.events import AlertKind, AlertRaised, ArticleExtracted, Event, PageFetched
from shared.run import Parts, assemble, open_parts, run_process
from shared.settings import CommonSettings, load
from shared.topics import topic_of
from tests.fakes.feed_site import FeedSite, Story, feed_site, page, rss

START = datetime(2025, 3, 18, 12, tzinfo=UTC)
WATCH = """\
schema: watch/1
id: w
title: Savez
concepts: {a: [savez~]}
match: {require: [a]}
alerts:
  - {kind: match, id: any}
  - {kind: edit, id: edited}
"""
TEXT = " ".join(f"Ministri su rekli u izjavi broj reč{at} da savez nije uperen ni protiv koga." for at in range(30))
E = TypeVar("E", bound=Event)


@dataclass
class World:
    """The pipeline and the clock that waits for it."""

    parts: Parts
    clock: SteppedClock
    quiet: Quiet

    async def pass_time(self, by: timedelta) -> None:
        """Advance the story clock by steps of a minute, each digested before the next."""
        until = self.clock.now() + by
        while (now := self.clock.now()) < until:
            wake = self.clock.next_wake() or until
            self.clock.advance_to(min(until, max(wake, now + timedelta(minutes=1))))
            await wait_until_quiet(self.quiet)
            if await self.quiet.settle(self.clock.now()):
                await wait_until_quiet(self.quiet)

    async def events(self, kind: type[E]) -> list[E]:
        """What stands on the topic of `kind`, in the order of time."""
        topic, found = topic_of(kind), []
        for number in range(topic.partitions):
            found += [decode(one, kind) for one in await self.parts.bus.read(Partition(topic.name, number), 0, 1_000)]
        return sorted(found, key=lambda event: event.observed)


@pytest.fixture
async def site() -> AsyncIterator[FeedSite]:
    async with feed_site() as made:
        yield made


@contextlib.asynccontextmanager
async def pipeline(folder: Path, site: FeedSite) -> AsyncIterator[World]:
    """Every service over one embedded log, on a story clock."""
    pack = folder / "pack"
    (pack / "watches").mkdir(parents=True)
    (pack / "watches" / "w.yaml").write_text(WATCH, encoding="utf-8")
    (pack / "sources.yaml").write_text(
        f"- id: one\n  name: One\n  url: {site.url('/feed')}\n  language: sr-Latn\n  interval: 24h\n", encoding="utf-8"
    )
    environment = {
        "WIREWATCH_DATA": str(folder / "data"), "WIREWATCH_PACK": str(pack), "WIREWATCH_ADMIN_PORT": "0",
        "WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8", "WIREWATCH_SPACING": "0s", "WIREWATCH_POLL_SPREAD": "0s",
        "WIREWATCH_EXTRACT_WORKERS": "1", "WIREWATCH_COUNT_EVERY": "0s", "WIREWATCH_DRAIN": "5s",
        "WIREWATCH_EDITS": "fast", "WIREWATCH_SOURCES_RELOAD": "0s",
    }  # fmt: skip
    common, clock = load(CommonSettings, environment), SteppedClock(START)
    async with open_parts(common, story=clock) as parts:
        await prepare(parts.bus, parts.database)
        process = assemble(
            await build_services(list(BUILDERS), parts, environment), parts, common, stop=asyncio.Event()
        )
        quiet = Quiet(parts.bus, process.services, tuple(process.loops.values()))
        running = asyncio.create_task(run_process(process, common, admin=False))
        try:
            async with asyncio.timeout(60):
                while not all(loop.assigned for loop in quiet.loops):
                    await asyncio.sleep(0.02)
            await wait_until_quiet(quiet)
            yield World(parts, clock, quiet)
        finally:
            process.stop.set()
            await running


@pytest.mark.parametrize("status", [404, 410])
async def test_what_an_outlet_changes_is_told_and_that_it_took_the_article_away(
    site: FeedSite, tmp_path: Path, status: int
) -> None:
    title = "Srbija osudila savez"
    site.put("/feed", rss([Story(title, site.url("/1"), START, guid="g1", summary="Prvi odgovor Beograda.")]))
    site.put("/1", page(title, f"{TEXT} Ima 5.000 vojnika."))
    async with pipeline(tmp_path, site) as world:
        [first] = await world.events(AlertRaised)
        site.put("/1", page("Srbija traži objašnjenje o savezu", f"{TEXT} Ima 5.000 vojnika."))
        await world.pass_time(timedelta(minutes=10))
        site.put("/1", page("Srbija traži objašnjenje o savezu", f"{TEXT} Ima 7.500 vojnika."))
        await world.pass_time(timedelta(minutes=20))
        site.put("/1", "gone", status=status)
        await world.pass_time(timedelta(hours=2))
        alerts = [alert for alert in await world.events(AlertRaised) if alert.kind is AlertKind.EDIT]
        versions, pages = await world.events(ArticleExtracted), await world.events(PageFetched)
    assert first.kind is AlertKind.MATCH and first.article.title == title
    assert [alert.extra["what"] for alert in alerts] == [["headline"], ["number"], ["withdrawn"]]
    assert alerts[0].extra["title"] == {"before": title, "now": "Srbija traži objašnjenje o savezu"}
    assert alerts[1].extra["numbers"] == {"gone": ["5000"], "new": ["7500"]}
    assert alerts[2].headline.startswith("Withdrawn: ") and alerts[2].article.excerpt == ""
    assert len({alert.id for alert in alerts}) == 1 and [alert.revision for alert in alerts] == [0, 1, 2]
    assert [one.withdrawn for one in versions] == [False, False, False, True]
    assert [one.previous for one in versions[1:]] == [one.id for one in versions[:-1]]
    assert len({one.article_id for one in versions}) == len({one.entry_id for one in pages}) == 1
    assert len(pages) == 4 and len({one.id for one in pages}) == 4
