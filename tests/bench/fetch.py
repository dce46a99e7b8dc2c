"""Requests a second through the door next to plain aiohttp and httpx's own pool, a trickle, 10,000 sources on schedule.

250 origins on loopback in a process of their own, pages of 2 KB, 100 requests at a time in one client process, pacing
off. The clients take turns; a ratio is the median over the rounds. `transport` is the door's without its rules
(redirects, bounded decoding, kinds of failure). CPU is that of the client process. `trickle` is how long after the
shipped deadline a request ends whose answer comes with a byte every 0.2 s, in the header or in the body, the worse of
the two. The schedule is measured by `_on_schedule`, in a process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from statistics import median

import aiohttp
import httpx

from shared.http import Door, FailureKind, Guard, HttpFailure, Limits
from shared.http.transport import Transport
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
    found["transport"] = await bare(urls)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=300)) as session:

        async def plain(url: str) -> int:
            async with session.get(url) as response:
                return len(await response.read())

        found["aiohttp"] = await timed(plain, urls, REQUESTS)
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=300), timeout=60) as client:

        async def pooled(url: str) -> int:
            try:
                return len((await client.get(url)).content)
            except httpx.ReadError:  # its pool loses a connection now and then: asked again, once
                return len((await client.get(url)).content)

        found["httpx"] = await timed(pooled, urls, FEW)
    return found


async def bare(urls: list[str]) -> tuple[float, float]:
    """The door's transport by itself."""
    transport = Transport(guard=guard(), connections=300)

    async def raw(url: str) -> int:
        response = await transport.handle_async_request(httpx.Request("GET", url))
        try:
            return sum([len(chunk) async for chunk in response.aiter_raw()])
        finally:
            await response.aclose()

    try:
        return await timed(raw, urls, REQUESTS)
    finally:
        await transport.aclose()


async def trickle(port: int) -> float:
    """Seconds past the shipped deadline, the worse of header and body."""
    async with Door(user_agent="Wirewatch/bench", guard=guard()) as door:
        parts = [f"http://127.0.0.1:{port}/trickle-{part}" for part in ("head", "body")]
        return max(await asyncio.gather(*(over(door, url) for url in parts)))


async def over(door: Door, url: str) -> float:
    """Seconds past the deadline; raises what is no end at the deadline."""
    began = time.perf_counter()
    try:
        await door.get(url)
    except HttpFailure as failure:
        if failure.kind is FailureKind.TIMEOUT:
            return time.perf_counter() - began - Limits().total
        raise
    raise AssertionError("a trickle was taken for an answer")


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
        for name in ("door", "transport", "aiohttp", "httpx"):
            figures[f"{name}_per_s"] = round(median(one[name][0] for one in rounds))
            figures[f"{name}_cpu_ms"] = round(median(one[name][1] for one in rounds), 3)
        for name in ("aiohttp", "httpx"):
            figures[f"ratio_to_{name}"] = round(median(one["door"][0] / one[name][0] for one in rounds), 2)
            figures[f"transport_to_{name}"] = round(median(one["transport"][0] / one[name][0] for one in rounds), 2)
        figures["trickle_over_s"] = round(await trickle(ports[0]), 3)
        figures |= await scheduled(ports[0])
    printed("fetch", figures)
    return figures
