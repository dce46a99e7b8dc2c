"""From fetched to sent at 12 articles a second, on both buses, and memory at rest.

One article in five is delivered, so that a run has over a hundred delays to take a 95th percentile from.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from tests.bench._standalone import Site, delays, pipeline, printed, real_pages, resident_mb
from tests.fakes.kafka_broker import Broker, Unavailable

RATE, SECONDS, EVERY = 12, 45, 5
COUNT = RATE * SECONDS
GOALS = {"embedded_p95_seconds": ("at most", 1.0), "kafka_p95_seconds": ("at most", 1.0)}


async def measure(pages: Sequence[bytes], folder: Path, bus: str) -> dict[str, float | str]:
    """Publish at the rate and read the ledgers that subscribers got."""
    site = Site(pages, every=EVERY)
    async with pipeline(folder, site, words=COUNT, bus=bus) as bench:
        await asyncio.sleep(4.0)
        rest = resident_mb()
        while site.shown < COUNT:
            site.shown += 1
            await asyncio.sleep(1 / RATE)
        async with asyncio.timeout(60):
            while len(bench.receiver.times) < COUNT // EVERY:
                await asyncio.sleep(0.05)
        found = delays(bench.receiver.received)
    cuts = quantiles(found, n=100, method="inclusive")
    return {"p50_seconds": round(cuts[49], 3), "p95_seconds": round(cuts[94], 3), "alerts": len(found),
            "resident_mb_at_rest": round(rest, 1)}  # fmt: skip


async def run() -> dict[str, float | str]:
    """Both buses; Kafka only where a broker can be had."""
    pages = real_pages()
    if not pages:
        return {"skipped": "the folder of real pages is absent (set WIREWATCH_DATA_SETS)"}
    figures: dict[str, float | str] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        embedded = await measure(pages, Path(name) / "embedded", "embedded")
        figures |= {f"embedded_{key}": value for key, value in embedded.items()}
        broker = Broker(Path(name) / "broker")
        try:
            broker.start()
        except Unavailable as reason:
            figures["kafka_skipped"] = str(reason)
        else:
            kafka = await measure(pages, Path(name) / "kafka", broker.bootstrap)
            figures |= {f"kafka_{key}": value for key, value in kafka.items()}
            broker.stop()
    printed(f"fetched to sent at {RATE} articles a second", figures)
    return figures
