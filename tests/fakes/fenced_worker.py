"""A process that consumes with a fenced step and writes a row per input: what a paused owner is tested with.

    python -m tests.fakes.fenced_worker NAME BUS DATABASE PREFIX SLEEP

It prints `ready` when it owns partitions, and `fenced` when a write of its was refused. It sleeps SLEEP seconds before
each transaction, so that a stop signal meets it with work in hand.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from enum import StrEnum

import sqlalchemy as sa

from shared.bus import ConsumerOptions
from shared.bus.kafka import KafkaBus, KafkaOptions
from shared.clock import RealClock
from shared.consume import ConsumeLoop, LoopOptions
from shared.db import open_database
from shared.errors import Fenced
from shared.step import Outcome, Step, Work
from shared.topics import OPERATORS_ASKED

WRITES = sa.Table(
    "paused_writes",
    sa.MetaData(),
    sa.Column("number", sa.Integer),
    sa.Column("worker", sa.Text),
    sa.Column("epoch", sa.BigInteger),
)


class Ended(StrEnum):
    """Outcomes of the step."""

    WRITTEN = "written"


async def run(name: str, bootstrap: str, database_url: str, prefix: str, sleep: float) -> None:
    """Consume until killed."""
    database = open_database(database_url)
    bus = await KafkaBus.open(KafkaOptions(bootstrap=bootstrap, topic_prefix=prefix))

    async def write(works: Sequence[Work]) -> Sequence[Outcome]:
        print("working", flush=True)
        await asyncio.sleep(sleep)
        fence = works[0].fence
        assert fence is not None
        rows = [{"number": work.event.arguments["n"], "worker": name, "epoch": fence.epoch} for work in works]
        try:
            async with database.transaction() as connection:
                await fence.check(connection)
                await connection.execute(sa.insert(WRITES), rows)
        except Fenced:
            print("fenced", flush=True)
            raise
        return [Outcome(Ended.WRITTEN) for _ in works]

    step = Step(group="paused", topics=(OPERATORS_ASKED,), outcomes=Ended, handle_batch=write, fenced=True)
    options = LoopOptions(consumer=ConsumerOptions(session_timeout=6.0), commit_every=0.2)
    loop = ConsumeLoop(step, bus=bus, real=RealClock(), database=database, options=options)
    running = asyncio.create_task(loop.run(asyncio.Event()))
    while not loop.assigned and not running.done():
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await running


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], float(sys.argv[5])))
