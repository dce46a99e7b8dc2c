"""Fencing end to end: a process stopped past its session and woken again changes nothing (Kafka and PostgreSQL)."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from shared import codec
from shared.bus.kafka import KafkaBus, KafkaOptions
from shared.db import Database, migrate, open_database
from shared.events import OperatorAsked
from shared.topics import OPERATORS_ASKED, TopicSpec, dead_topic, retry_topic, spec_of
from tests.fakes.fenced_worker import WRITES
from tests.fakes.fixtures_db import SHARED_MIGRATIONS
from tests.fakes.kafka_broker import ROOT, Broker

WAIT = 60.0
EVENTS = 20


@asynccontextmanager
async def worker(
    name: str, bus: str, database: str, prefix: str, sleep: float
) -> AsyncIterator[asyncio.subprocess.Process]:
    command = [sys.executable, "-m", "tests.fakes.fenced_worker", name, bus, database, prefix, str(sleep)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=ROOT)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def said(process: asyncio.subprocess.Process, word: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(WAIT):
        while (await process.stdout.readline()).decode().strip() != word:
            assert process.returncode is None


async def written(database: Database) -> dict[str, list[int]]:
    async with database.transaction() as connection:
        rows = (await connection.execute(sa.select(WRITES.c.worker, WRITES.c.number))).all()
    found: dict[str, list[int]] = {}
    for name, number in rows:
        found.setdefault(name, []).append(number)
    return found


async def ask(bootstrap: str, prefix: str) -> None:
    bus = await KafkaBus.open(KafkaOptions(bootstrap=bootstrap, topic_prefix=prefix))
    spec = spec_of(OPERATORS_ASKED)
    names = (OPERATORS_ASKED.name, retry_topic("paused"), dead_topic("paused"))
    await bus.ensure_topics([TopicSpec(name, 1, spec.retention, -1, spec.largest) for name in names])
    publisher = await bus.publisher()
    now = datetime(2025, 3, 18, tzinfo=UTC)
    await publisher.publish([
        codec.encode(OperatorAsked(id=str(n), observed=now, request="note", subject="k", arguments={"n": n}))
        for n in range(EVENTS)
    ])  # fmt: skip
    await bus.close()


@pytest.mark.kafka
@pytest.mark.postgres
async def test_a_stopped_owner_that_wakes_up_late_writes_nothing(kafka_broker: Broker, postgres_url: str) -> None:
    prefix, database = f"{uuid4().hex[:8]}.", open_database(postgres_url)
    await migrate(database, "shared", SHARED_MIGRATIONS)
    async with database.transaction() as connection:
        await connection.run_sync(WRITES.metadata.create_all)
    await ask(kafka_broker.bootstrap, prefix)
    place = (kafka_broker.bootstrap, postgres_url, prefix)
    async with worker("first", *place, 1.0) as first:
        await said(first, "working")
        first.send_signal(signal.SIGSTOP)
        async with worker("second", *place, 0.0) as second:
            await said(second, "working")
            async with asyncio.timeout(WAIT):
                while len((await written(database)).get("second", [])) < EVENTS:
                    await asyncio.sleep(0.2)
            first.send_signal(signal.SIGCONT)
            await said(first, "fenced")
            await asyncio.sleep(1.0)
            assert await written(database) == {"second": list(range(EVENTS))}
            assert first.returncode is None, "it rejoins rather than dies"
    await database.close()
