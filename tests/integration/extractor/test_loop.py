"""The real step with real workers under the consume loop: what a page does to a worker, it does to nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from services.extractor.app import GROUP, MIGRATIONS
from services.extractor.extract import Extract
from services.extractor.reading import ExtractOutcome
from services.extractor.versions.remember import Memory
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared import codec, dead
from shared.bus import Bus, Partition, Record
from shared.bus.embedded import EmbeddedBus
from shared.clock import RealClock
from shared.consume import ConsumeLoop, LoopOptions
from shared.db import migrate, open_database
from shared.events import ArticleExtracted, PageFetched
from shared.metrics import RECORDS, LoopOutcome
from shared.step import Step
from shared.topics import ARTICLES_EXTRACTED, PAGES_FETCHED, all_specs, dead_topic
from tests.fakes.pages import URL, html, page

WAIT = 60.0
KILLERS = "tests.fakes.page_killers"
PLAN = Plan(Path("no-such-pack"), 1024, 60, full=f"{KILLERS}:full_or_die", cheap=f"{KILLERS}:cheap_or_die")


@asynccontextmanager
async def extractor(folder: Path) -> AsyncIterator[Bus]:
    """The step at work on a log of its own."""
    bus = await EmbeddedBus.open(folder / "log.db")
    await bus.ensure_topics(all_specs())
    database = open_database(f"sqlite:///{folder}/state.db")
    await migrate(database, GROUP, MIGRATIONS)
    readers = Readers(PLAN, workers=2, deadline=timedelta(seconds=30), recycle=0)
    await readers.start()
    extract = Extract(readers, Memory(database), RealClock(), timedelta(hours=24))
    step = Step(GROUP, (PAGES_FETCHED,), ExtractOutcome, handle=extract.handle, in_flight=8)
    loop = ConsumeLoop(step, bus=bus, real=RealClock(), options=LoopOptions(commit_every=0.1))
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    try:
        yield bus
    finally:
        stop.set()
        await running
        await readers.close()
        await database.close()
        await bus.close()


def counted(outcome: str) -> float:
    return float(RECORDS.labels(GROUP, outcome)._value.get())


def numbered(number: int, body: str) -> PageFetched:
    return page(body, url=f"{URL}-{number}")


def monster() -> str:
    attributes = " ".join(f'data-a{number}="{number}"' for number in range(100_000))
    return html(title="A page of many attributes").replace("<article>", f"<article {attributes}>")


async def read_all(bus: Bus, topic: str) -> list[Record]:
    partitions = (await bus.topics())[topic]
    return [record for number in range(partitions) for record in await bus.read(Partition(topic, number), 0, 100)]


async def test_a_page_that_kills_its_worker_is_dead_lettered_and_its_neighbours_go_on(tmp_path: Path) -> None:
    killer = numbered(2, "die, whoever reads this")
    pages = [numbered(1, html()), killer, numbered(3, monster()), numbered(4, html(title="The neighbour behind"))]
    extracted, dead_before = counted(ExtractOutcome.EXTRACTED), counted(LoopOutcome.DEAD)
    async with extractor(tmp_path) as bus:
        publisher = await bus.publisher()
        await publisher.publish([codec.encode(one) for one in pages])
        async with asyncio.timeout(WAIT):
            while sum(lag.records for lag in await bus.lag(GROUP, [PAGES_FETCHED.name])):
                await asyncio.sleep(0.05)
        (letter,) = await read_all(bus, dead_topic(GROUP))
        articles = [codec.decode(one, ArticleExtracted) for one in await read_all(bus, ARTICLES_EXTRACTED.name)]
    assert dead.facts_of(letter)["reason"] == "worker_died"
    assert letter.value == codec.encode(killer).value
    assert {article.page_id for article in articles} == {one.id for one in pages} - {killer.id}
    assert all("joint exercises" in article.text for article in articles)
    assert counted(ExtractOutcome.EXTRACTED) == extracted + 3
    assert counted(LoopOutcome.DEAD) == dead_before + 1
