"""From a hub's push to the frontier, and to the request for the article, through the fetcher as it is shipped.

Twenty publishers with a domain each, a feed of twenty entries, robots.txt and the usual spacing of a second; one
process on the embedded log, site and hub beside it in the same process. Ten pushes a second in turn, each with one new
entry, so that every domain is free when its push comes. `frontier` ends with the answer that the hub gets: by then the
entry is in the frontier and its table. `request` ends when the publisher is asked for the page, mostly before that.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from statistics import quantiles
from time import perf_counter

from services.fetcher.app import build
from services.fetcher.settings import FetcherSettings
from services.operate.init import prepare
from shared.bus.embedded import EmbeddedBus
from shared.clock import RealClock
from shared.db import open_database
from shared.http import Door, Guard
from shared.run import Parts
from shared.settings import replace
from tests.bench._standalone import printed
from tests.fakes.feed_site import Asked, FeedSite, Loopback, Story, feed_site, page, rss
from tests.fakes.hub import Hub, free_port, hub

PUBLISHERS, PUSHES, RATE, ENTRIES = 20, 300, 10, 20
GOALS = {"frontier_p99_ms": ("at most", 200.0), "frontier_max_ms": ("at most", 200.0)}
BEGIN = datetime.now(UTC)


class Timed(list[Asked]):
    """The log of requests, with the moment of the first for each address."""

    def __init__(self) -> None:
        self.first: dict[tuple[str, str], float] = {}

    def append(self, asked: Asked) -> None:
        self.first.setdefault((asked.host, asked.path), perf_counter())
        super().append(asked)


def host_of(number: int) -> str:
    """The host of a publisher."""
    return f"h{number}.test"


def feed_of(site: FeedSite, one: Hub, number: int, newest: int) -> str:
    """Serve a publisher's feed with its newest entry; its text."""
    host = host_of(number)
    site.put(f"/{newest}", page(f"Вест {newest}", "текст " * 200), host=host)
    links = range(newest, max(-1, newest - ENTRIES), -1)
    text = rss([Story(f"Вест {at}", site.url(f"/{at}", host=host), BEGIN, guid=f"g{at}") for at in links])
    site.put("/feed", text, host=host, link=f'<{one.url}>; rel="hub", <{site.url("/feed", host=host)}>; rel="self"')
    return text


def listed(folder: Path, site: FeedSite) -> Path:
    """A sources file of all publishers."""
    lines = [
        f"- {{id: h{at}, name: H{at}, url: '{site.url('/feed', host=host_of(at))}', language: sr}}"
        for at in range(PUBLISHERS)
    ]
    path = folder / "sources.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@contextlib.asynccontextmanager
async def fetching(folder: Path, site: FeedSite) -> AsyncIterator[None]:
    """The fetcher at work."""
    port, real = free_port(), RealClock()
    settings = replace(
        FetcherSettings(), sources_file=listed(folder, site), push_port=port,
        push_public_url=f"http://127.0.0.1:{port}",
    )  # fmt: skip
    database, bus = open_database(f"sqlite:///{folder}/push.db"), await EmbeddedBus.open(folder / "bus.db")
    await prepare(bus, database)
    guard = Guard((ip_network("127.0.0.0/8"),))
    async with Door(user_agent="Wirewatch/bench", guard=guard, resolver=Loopback()) as door:
        service = await build(settings, Parts(bus=bus, database=database, door=door, story=real, real=real))
        stop = asyncio.Event()
        running = asyncio.ensure_future(service.tasks["poll"](stop))
        try:
            yield
        finally:
            stop.set()
            await running
    await bus.close()
    await database.close()


async def push(site: FeedSite, one: Hub, turn: int) -> tuple[float, tuple[str, str], float]:
    """One push in turn: when it began, the page it leads to, and how long the hub waited for the answer."""
    number, newest = turn % PUBLISHERS, 1 + turn // PUBLISHERS
    body, topic = feed_of(site, one, number, newest), site.url("/feed", host=host_of(number))
    at = next(at for at, asked in enumerate(one.asked) if asked["hub.topic"] == topic)
    began = perf_counter()
    status = await one.push(body, to=at)
    assert status == 202, status
    return began, (host_of(number), f"/{newest}"), perf_counter() - began


async def measure(folder: Path, site: FeedSite, one: Hub) -> tuple[list[float], list[float]]:
    """Seconds to the frontier, and to the request, of every push after the first of each publisher."""
    site.requests = log = Timed()
    for number in range(PUBLISHERS):
        feed_of(site, one, number, 0)
    async with fetching(folder, site):
        async with asyncio.timeout(120):
            while len(log.first) < 2 * PUBLISHERS or sum(told.status == 200 for told in one.answers) < PUBLISHERS:
                await asyncio.sleep(0.1)
        tasks = []
        for turn in range(PUBLISHERS + PUSHES):
            tasks.append(asyncio.create_task(push(site, one, turn)))
            await asyncio.sleep(1 / RATE)
        pushes = (await asyncio.gather(*tasks))[PUBLISHERS:]
        async with asyncio.timeout(60):
            while any(address not in log.first for _, address, _ in pushes):
                await asyncio.sleep(0.05)
    return [taken for _, _, taken in pushes], [log.first[address] - began for began, address, _ in pushes]


async def run() -> dict[str, float | str]:
    """Figures of both ways."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with feed_site() as site, hub() as one:
            frontier, request = await measure(Path(name), site, one)
    figures: dict[str, float | str] = {"pushes": len(frontier)}
    for way, seconds in (("frontier", frontier), ("request", request)):
        cuts = quantiles(seconds, n=100, method="inclusive")
        figures |= {f"{way}_p50_ms": round(1000 * cuts[49], 1), f"{way}_p99_ms": round(1000 * cuts[98], 1),
                    f"{way}_max_ms": round(1000 * max(seconds), 1)}  # fmt: skip
    printed("from a push to the frontier and to the publisher", figures)
    return figures
