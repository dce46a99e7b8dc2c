"""Resident memory of `wirewatch standalone`, as users start it, at rest and after 20,000 articles from real pages.

Goal: at most 500 MB without the extraction workers. The site and the receiver are in this process, not in that one.
Takes as long as two cores need for the articles (about nine minutes), so a bar shows how far it is.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.progress import Progress

from shared.run import open_parts
from shared.settings import CommonSettings, load
from tests.bench._standalone import Site, environment_of, printed, real_pages, receiving, resident_mb, subscribed

COUNT = int(os.environ.get("WIREWATCH_BENCH_ARTICLES", "20000"))
WORDS, AHEAD, LISTED, EVERY_SECONDS = 400, 400, 60, 2.0
GOALS = {"resident_mb_at_rest": ("at most", 500.0), f"resident_mb_after_{COUNT}": ("at most", 500.0)}


async def run() -> dict[str, float | str]:
    """At rest, then after each quarter."""
    pages = real_pages()
    if not pages:
        return {"skipped": "the folder of real pages is absent (set WIREWATCH_DATA_SETS)"}
    site, figures = Site(pages, listed=LISTED), dict[str, float | str]()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with site.served() as port, receiving() as receiver:
            environment = environment_of(Path(name), port, words=WORDS, outlets=site.outlets)
            environment |= {"WIREWATCH_BUS": "embedded", "WIREWATCH_ADMIN_PORT": str(free_port())}
            async with open_parts(load(CommonSettings, environment)) as parts:
                await subscribed(parts, environment, receiver)
            async with standalone(environment) as process:
                figures |= await measure(site, process.pid, f"http://127.0.0.1:{environment['WIREWATCH_ADMIN_PORT']}")
            figures["alerts_received"] = len(receiver.times)
    printed(f"memory of standalone over {COUNT} real pages", figures)
    return figures


async def measure(site: Site, pid: int, admin: str) -> dict[str, float | str]:
    """Publish as fast as articles are read and note the memory."""
    await until_ready(admin)
    await asyncio.sleep(4.0)
    figures: dict[str, float | str] = {"resident_mb_at_rest": round(resident_mb(pid), 1)}
    began, read = perf_counter(), 0
    with Progress() as progress:
        bar = progress.add_task("articles", total=COUNT)
        while read < COUNT:
            site.shown = min(COUNT, read + AHEAD)
            await asyncio.sleep(EVERY_SECONDS)
            read = await finished(admin)
            if quarter := read * 4 // COUNT:
                figures.setdefault(f"resident_mb_after_{quarter * COUNT // 4}", round(resident_mb(pid), 1))
            progress.update(bar, completed=read)
    figures["articles_per_second"] = round(COUNT / (perf_counter() - began), 1)
    figures["resident_mb_of_workers"] = round(sum(resident_mb(child) for child in children(pid)), 1)
    return figures


@asynccontextmanager
async def standalone(environment: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command of users in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services",
        "standalone",
        env={**os.environ, **environment, "WIREWATCH_LOG_LEVEL": "error"},
    )
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()


async def until_ready(admin: str) -> None:
    """Wait for the services."""
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            try:
                if (await client.get(f"{admin}/readyz")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


async def finished(admin: str) -> int:
    """Inputs of the extractor that ended in any outcome."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{admin}/metrics")).text
    return int(sum(
        sample.value for family in text_string_to_metric_families(text) for sample in family.samples
        if sample.name == "wirewatch_records_total" and sample.labels["group"] == "extractor"
    ))  # fmt: skip


def children(pid: int) -> list[int]:
    """Processes that `pid` started, and theirs."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in path.read_text().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
