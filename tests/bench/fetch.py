"""Requests a second through the door next to plain aiohttp and httpx's own pool, a trickle, 10,000 sources on schedule.

250 origins on loopback in a process of their own, pages of 2 KB, 100 requests at a time in one client process, pacing
off. The three clients take turns in pairs; a ratio is the median over the rounds. CPU is that of the client process.
`trickle` is how long after its deadline of a second a request ends that is sent byte by byte, in the header or in the
body, the worse of the two. The schedule is measured by `_on_schedule`, in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from statistics import median

import aiohttp
import httpx

from shared.http import Door, Guard, HttpFailure, Limits
from tests.bench._origins import origins
from tests.bench._standalone import printed

ORIGINS, WORKERS, REQUESTS, FEW, ROUNDS = 250, 100, 5_000, 300, 5
GOALS = {
    "ratio_to_aiohttp": ("at least", 0.3),
    "ratio_to_httpx": ("at least", 20.0),
    "trickle_over_s": ("at most", 0.5),
    "scheduled_within_60_s": ("at least", 0.95),
    "resident_mb": ("at most", 400.0),
}
Get = Callable[[str], Awaitable[int]]


async def timed(get: Get, urls: list[str], number: int) -> tuple[float, float]:
    """Requests a second, and milliseconds of CPU for each."""
    turns = iter(itertools.islice(itertools.cycle(urls), number))

    async def work() -> None:
        for url in turns:
            assert await get(url) == 2_048

    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(WORKERS)))
    return number / (time.perf_counter() - began), 1000 * (time.process_time() - cpu) / number


def guard() -> Guard:
    """One that lets loopback through."""
    return Guard((ip_network("127.0.0.0/8"),))


async def round_of(urls: list[str]) -> dict[str, tuple[float, float]]:
    """Each client once, with connections of its own."""
    found = {}
    async with Door(user_agent="Wirewatch/bench", guard=guard(), connections=300) as door:

        async def through_door(url: str) -> int:
            return len((await door.get(url)).body)

        found["door"] = await timed(through_door, urls, REQUESTS)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=300)) as session:

        async def plain(url: str) -> int:
            async with session.get(url) as response:
                return len(await response.read())

        found["aiohttp"] = await timed(plain, urls, REQUESTS)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=300), timeout=60) as client:

        async def pooled(url: str) -> int:
            return len((await client.get(url)).content)

        found["httpx"] = await timed(pooled, urls, FEW)
    return found


async def trickle(port: int) -> float:
    """Seconds past the deadline, the worse of header and body."""
    over = []
    async with Door(user_agent="Wirewatch/bench", guard=guard()) as door:
        for part in ("head", "body"):
            began = time.perf_counter()
            with contextlib.suppress(HttpFailure):
                await door.get(f"http://127.0.0.1:{port}/trickle-{part}", limits=Limits(total=1.0))
            over.append(time.perf_counter() - began - 1.0)
    return max(over)


async def scheduled(port: int) -> dict[str, float]:
    """The figures of `_on_schedule`."""
    command = [sys.executable, "-m", "tests.bench._on_schedule", str(port)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    found: dict[str, float] = json.loads(said)
    return found


async def run() -> dict[str, float | str]:
    """All figures."""
    figures: dict[str, float | str] = {}
    with origins(ORIGINS) as ports:
        urls = [f"http://127.0.0.1:{port}/page" for port in ports]
        rounds = [await round_of(urls) for _ in range(ROUNDS)]
        for name in ("door", "aiohttp", "httpx"):
            figures[f"{name}_per_s"] = round(median(one[name][0] for one in rounds))
            figures[f"{name}_cpu_ms"] = round(median(one[name][1] for one in rounds), 3)
        for name in ("aiohttp", "httpx"):
            figures[f"ratio_to_{name}"] = round(median(one["door"][0] / one[name][0] for one in rounds), 2)
        figures["trickle_over_s"] = round(await trickle(ports[0]), 3)
        figures |= await scheduled(ports[0])
    printed("fetch", figures)
    return figures
