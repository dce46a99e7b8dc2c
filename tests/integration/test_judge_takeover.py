"""Judging taken over mid-story, on Kafka and PostgreSQL: owners that are killed, and one that sleeps and wakes up late.

Whoever carries on, the alerts on the topic are those of one judge who was never disturbed.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
import sqlalchemy as sa

from services.alerter import published
from services.alerter.judge import tables as t
from services.operate.init import prepare
from shared.bus import Partition
from shared.bus.kafka import KafkaBus, KafkaOptions
from shared.codec import decode, encode
from shared.db import Database, open_database
from shared.events import AlertRaised, ArticleMatched, Ledger
from shared.topics import ALERTS_RAISED
from tests.fakes.judging import START, tried
from tests.fakes.kafka_broker import ROOT, Broker
from tests.fakes.news import WATCH, WATCH_ID, demo_articles, matched

WAIT = 40.0
WOKEN = ("fenced", "commit_failed", "commit_refused", "poll_failed")
"""What an owner logs when it finds that it is none any more."""
STORY = [matched(one.article) for one in demo_articles() if one.about][:60]


class Replica:
    """A `wirewatch alerter --only judge` process."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment, self._log = environment, log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = [sys.executable, "-m", "services", "alerter", "--only", "judge"]
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=inherited | self._environment, stdout=log, stderr=log
            )

    def send(self, what: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(what)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def said(self, event: str) -> bool:
        return f'"event": "{event}"' in self._log.read_text(encoding="utf-8")


class Installation:
    """A bus and a database with one published watch."""

    def __init__(self, bus: KafkaBus, database: Database, environment: dict[str, str], folder: Path) -> None:
        self.bus, self.database, self._environment, self._folder = bus, database, environment, folder
        self.replicas: list[Replica] = []

    async def replica(self) -> Replica:
        made = Replica(self._environment, self._folder / f"{len(self.replicas)}.log")
        self.replicas.append(made)
        await made.start()
        return made

    async def publish(self, matches: Sequence[ArticleMatched]) -> None:
        publisher = await self.bus.publisher()
        for match in matches:
            await publisher.publish([encode(match)])
        await publisher.close()

    async def decided(self) -> int:
        async with self.database.reading() as connection:
            return int(await connection.scalar(sa.select(sa.func.count()).select_from(t.DECISIONS)) or 0)

    async def until(self, count: int) -> None:
        async with asyncio.timeout(WAIT):
            while await self.decided() < count:
                await asyncio.sleep(0.1)

    async def alerts(self) -> list[AlertRaised]:
        """What is on the topic, each telling once; a telling that was published again must be the same."""
        found: dict[tuple[str, int], AlertRaised] = {}
        for number in range(ALERTS_RAISED.partitions):
            for record in await self.bus.read(Partition(ALERTS_RAISED.name, number), 0, 10_000):
                alert = decode(record, AlertRaised)
                assert found.setdefault((alert.id, alert.revision), alert) == alert
        return list(found.values())


@pytest.fixture
async def installation(kafka_broker: Broker, postgres_url: str, tmp_path: Path) -> AsyncIterator[Installation]:
    async with installed(kafka_broker, postgres_url, tmp_path) as made:
        yield made


@asynccontextmanager
async def installed(broker: Broker, url: str, folder: Path) -> AsyncIterator[Installation]:
    prefix = f"{uuid4().hex[:6]}."
    environment = {
        "WIREWATCH_DATA": str(folder), "WIREWATCH_BUS": broker.bootstrap, "WIREWATCH_DATABASE": url,
        "WIREWATCH_TOPIC_PREFIX": prefix, "WIREWATCH_ADMIN_PORT": "0", "WIREWATCH_SESSION_TIMEOUT": "6s",
        "WIREWATCH_LOG_JSON": "true", "WIREWATCH_JUDGE_BATCH": "3",
    }  # fmt: skip
    bus = await KafkaBus.open(KafkaOptions(bootstrap=broker.bootstrap, topic_prefix=prefix))
    database = open_database(url)
    await prepare(bus, database)
    await published.publish(database, WATCH_ID, WATCH, START)
    made = Installation(bus, database, environment, folder)
    try:
        yield made
    finally:
        for replica in made.replicas:
            await replica.kill()
        await bus.close()
        await database.close()


def plain(alerts: Sequence[AlertRaised]) -> dict[tuple[str, int], AlertRaised]:
    """Without what real time says of them."""
    return {(one.id, one.revision): msgspec.structs.replace(one, ledger=Ledger()) for one in alerts}


UNDISTURBED = plain(tried(STORY, watch=WATCH, watch_id=WATCH_ID))


@pytest.mark.kafka
@pytest.mark.postgres
async def test_owners_that_are_killed_mid_story_are_carried_on_exactly(installation: Installation) -> None:
    for end in (20, 40, 60):
        replica = await installation.replica()
        await installation.publish(STORY[end - 20 : end])
        if end < len(STORY):
            await installation.until(end - 10)
            await replica.kill()
    await installation.until(len(STORY))
    assert await installation.decided() == len(STORY)
    assert plain(await installation.alerts()) == UNDISTURBED
    assert UNDISTURBED


@pytest.mark.kafka
@pytest.mark.postgres
async def test_an_owner_that_sleeps_and_wakes_up_late_changes_nothing(installation: Installation) -> None:
    sleeper = await installation.replica()
    await installation.publish(STORY[:30])
    await installation.until(6)
    sleeper.send(signal.SIGSTOP)
    await installation.replica()
    await installation.publish(STORY[30:])
    await installation.until(len(STORY))
    sleeper.send(signal.SIGCONT)
    async with asyncio.timeout(WAIT):
        while not any(sleeper.said(event) for event in WOKEN):
            await asyncio.sleep(0.2)
    assert await installation.decided() == len(STORY)
    assert plain(await installation.alerts()) == UNDISTURBED
