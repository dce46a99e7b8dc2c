"""How much the embedded log costs over SQLite itself, and Kafka beside it: appends of 2 KB with full sync.

The raw side is the least that could be done: the same rows in the same table, their partitions known beforehand, one
transaction per batch, one thread. The embedded side does what a service does: messages are keyed (murmur2), checked,
handed to the writer's thread and awaited, batch after batch, nothing in parallel. Both take turns in short rounds on
files of their own, and the ratio is the median over pairs, so that a noisy neighbour meets both. Kafka is one broker on
this machine, acknowledged by its only replica (which does not sync).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shared.bus import Bus, Consumer, ConsumerOptions, Message, Publisher
from shared.bus.embedded import EmbeddedBus, schema
from shared.bus.kafka import KafkaBus, KafkaOptions
from shared.bus.murmur2 import partition_of
from shared.topics import TopicSpec
from tests.fakes.kafka_broker import ROOT, Broker, Unavailable

BATCHES = {1: 150, 10: 80, 100: 20}
"""Batch size -> batches in a round (about a tenth of a second)."""
PAIRS = 25
GOAL = 0.6
GOALS = {f"ratio_batch_{batch}": ("at least", GOAL) for batch in BATCHES}
TASKS = 50
VALUE = os.urandom(2048)
TOPIC = TopicSpec("bench", 12, timedelta(days=1), -1, 100_000)


async def run() -> dict[str, float | str]:
    """Measure, print, and return flat figures."""
    figures: dict[str, float | str] = {}
    folder = Path(tempfile.mkdtemp(dir=ROOT / "build"))  # on the disk of the checkout: /tmp may be memory
    try:
        bus = await EmbeddedBus.open(folder / "embedded.db")
        await bus.ensure_topics([TOPIC])
        for batch in BATCHES:
            figures |= await compare(batch, folder, await bus.publisher())
        figures["embedded_tasks_per_s"] = await concurrently(await bus.publisher())
        figures["embedded_read_per_s"] = await reading(bus)
        await bus.close()
        figures |= await beside(folder)
    finally:
        shutil.rmtree(folder)
    Console().print(table(figures))
    return figures


async def compare(batch: int, folder: Path, publisher: Publisher) -> dict[str, float]:
    """Rounds of raw and embedded in turns."""
    raw, embedded = [], []
    with raw_writer(folder / f"raw-{batch}.db", batch) as write:
        for pair in range(PAIRS + 1):
            if pair % 2:
                raw.append(write())
                embedded.append(await append(publisher, batch))
            else:
                embedded.append(await append(publisher, batch))
                raw.append(write())
    ratios = [ours / theirs for ours, theirs in zip(embedded[1:], raw[1:], strict=True)]  # the first pair warms up
    return {
        f"raw_batch_{batch}_per_s": round(statistics.median(raw[1:])),
        f"embedded_batch_{batch}_per_s": round(statistics.median(embedded[1:])),
        f"ratio_batch_{batch}": round(statistics.median(ratios), 2),
    }


@contextlib.contextmanager
def raw_writer(path: Path, batch: int) -> Iterator[Callable[[], float]]:
    """A function that writes a round of batches with plain SQLite and returns records per second."""
    conn = schema.connect(path)
    schema.create(conn)
    count = BATCHES[batch] * batch
    keyed = [(key := message(n).key or b"", partition_of(key, TOPIC.partitions)) for n in range(count)]
    ends = [lane << schema.LANE_BITS for lane in range(TOPIC.partitions)]

    def write() -> float:
        begun = time.perf_counter()
        for start in range(0, count, batch):
            rows = []
            for key, lane in keyed[start : start + batch]:
                rows.append((ends[lane], start, start, start, 0, key, None, VALUE))
                ends[lane] += 1
            conn.execute("begin immediate")
            conn.executemany(schema.INSERT, rows)
            conn.execute("commit")
        return count / (time.perf_counter() - begun)

    yield write
    conn.close()


async def append(publisher: Publisher, batch: int) -> float:
    """A round of batches through a publisher, one after the other; records per second."""
    begun = time.perf_counter()
    for start in range(0, BATCHES[batch] * batch, batch):
        await publisher.publish([message(start + n) for n in range(batch)])
    return BATCHES[batch] * batch / (time.perf_counter() - begun)


async def concurrently(publisher: Publisher) -> float:
    """Many tasks that publish single messages: what group commit is for."""

    async def task(number: int) -> None:
        for n in range(40):
            await publisher.publish([message(number * 1000 + n)])

    begun = time.perf_counter()
    await asyncio.gather(*(task(number) for number in range(TASKS)))
    return round(TASKS * 40 / (time.perf_counter() - begun))


async def reading(bus: Bus) -> float:
    """Everything written so far, through a group."""
    consumer: Consumer = await bus.subscribe([TOPIC.name], "bench", ConsumerOptions())
    begun = time.perf_counter()
    count = 0
    while records := await consumer.poll(max_records=500, timeout=1.0):
        count += len(records)
        ended = time.perf_counter()
    await consumer.close()
    return round(count / (ended - begun))


async def beside(folder: Path) -> dict[str, float | str]:
    """The same appends on a Kafka broker, if there can be one here."""
    broker = Broker(folder / "kafka")
    try:
        await asyncio.to_thread(broker.start)
    except Unavailable as reason:
        return {"kafka": f"skipped: {reason}"}
    try:
        bus = await KafkaBus.open(KafkaOptions(bootstrap=broker.bootstrap))
        await bus.ensure_topics([TOPIC])
        publisher = await bus.publisher()
        await append(publisher, 10)
        figures: dict[str, float | str] = {"kafka": "Apache Kafka 4.3.1, one broker"}
        for batch in BATCHES:
            rounds = [await append(publisher, batch) for _ in range(5)]
            figures[f"kafka_batch_{batch}_per_s"] = round(statistics.median(rounds))
        figures["kafka_tasks_per_s"] = await concurrently(publisher)
        figures["kafka_read_per_s"] = await reading(bus)
        await bus.close()
    finally:
        broker.stop()
    return figures


def message(n: int) -> Message:
    """A message like those of the pipeline: a key of 32 characters, 2 KB."""
    return Message(TOPIC.name, f"{n:032d}".encode(), VALUE)


def table(figures: dict[str, float | str]) -> Table:
    """The figures for people."""
    shown = Table(title="Bus: 2 KB records per second", caption=f"goal: embedded / raw at least {GOAL}")
    for column in ("", "raw SQLite", "embedded", "ratio", "Kafka"):
        shown.add_column(column, justify="left" if not column else "right")
    for batch in BATCHES:
        keys = (f"raw_batch_{batch}_per_s", f"embedded_batch_{batch}_per_s", f"ratio_batch_{batch}")
        kafka = figures.get(f"kafka_batch_{batch}_per_s", "-")
        shown.add_row(f"append, batch {batch}", *(f"{figures[key]}" for key in keys), f"{kafka}")
    for what, key in ((f"append, {TASKS} tasks", "tasks"), ("read", "read")):
        shown.add_row(
            what, "-", f"{figures[f'embedded_{key}_per_s']}", "-", f"{figures.get(f'kafka_{key}_per_s', '-')}"
        )
    return shown


def main() -> None:
    """Run this benchmark alone."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
