"""Articles a second through everything on this machine, next to the extraction step alone on the same pages.

One in twenty pages matches a watch of its own and is delivered. Goal: the whole pipeline (services, site and receiver
in one process beside two workers) does at least 0.6 of what the two workers do alone.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from services.extractor.settings import ExtractorSettings
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared.events import PageFetched, Source
from shared.settings import load
from tests.bench._standalone import EVERY, Site, finished, marked, pipeline, printed, real_pages, resident_mb

COUNT, ROUNDS, IN_FLIGHT = 1200, 3, 8
GOALS = {"ratio": ("at least", 0.6)}


async def through_everything(pages: Sequence[bytes], folder: Path) -> tuple[float, float]:
    """Articles a second from publication until the last is read and its last alert delivered; memory in MiB."""
    site = Site(pages)
    async with pipeline(folder, site, words=COUNT) as bench:
        await asyncio.sleep(4.0)  # workers warm, first polls done
        before = finished("extractor")
        site.shown, began = COUNT, perf_counter()
        async with asyncio.timeout(240):
            while finished("extractor") - before < COUNT or len(bench.receiver.times) < COUNT // EVERY:
                await asyncio.sleep(0.1)
        return COUNT / (perf_counter() - began), resident_mb()


async def extraction_alone(pages: Sequence[bytes], folder: Path) -> float:
    """Pages a second of two workers fed as fast as they read."""
    settings = load(ExtractorSettings, {})
    plan = Plan(folder / "pack", settings.extract_memory_mb, settings.extract_shortest)
    readers = Readers(plan, workers=2, deadline=timedelta(seconds=10), recycle=0)
    await asyncio.gather(*(readers.read(_page(pages, number)) for number in range(4)))
    began, numbers = perf_counter(), iter(range(COUNT))

    async def feed() -> None:
        for number in numbers:
            await readers.read(_page(pages, number))

    await asyncio.gather(*(feed() for _ in range(IN_FLIGHT)))
    rate = COUNT / (perf_counter() - began)
    await readers.close()
    return rate


def _page(pages: Sequence[bytes], number: int) -> PageFetched:
    url, body = f"http://127.0.0.1/a{number}", marked(pages, number)
    source = Source(id="o", name="O", language="en")
    return PageFetched(
        id=f"p{number}", observed=datetime.now(UTC), entry_id=f"e{number}", source=source, url=url, final_url=url,
        status=200, headers={"content-type": "text/html"}, body=body,
    )  # fmt: skip


async def run() -> dict[str, float | str]:
    """Pairs of both in turn; the ratio is the median of the pairs."""
    pages = real_pages()
    if not pages:
        return {"skipped": "the folder of real pages is absent (set WIREWATCH_DATA_SETS)"}
    whole, alone, memory = [], [], 0.0
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            rate, memory = await through_everything(pages, Path(name))
            whole.append(rate)
            alone.append(await extraction_alone(pages, Path(name)))
        print(f"everything {whole[-1]:.1f}/s, extraction alone {alone[-1]:.1f}/s", flush=True)
    figures: dict[str, float | str] = {
        "pipeline_articles_per_second": round(median(whole), 1),
        "extraction_alone_pages_per_second": round(median(alone), 1),
        "ratio": round(median(a / b for a, b in zip(whole, alone, strict=True)), 3),
        "resident_mb_without_workers": round(memory, 1),
    }
    printed(f"{COUNT} real pages, two workers, median of {ROUNDS} pairs", figures)
    return figures
