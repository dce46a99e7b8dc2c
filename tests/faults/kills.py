"""kill -9 at seeded random moments: of the one process on the embedded log; of each service and the broker on Kafka."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from services.notifier.receiver import Receiver
from services.notifier.seal import sealer_of
from services.notifier.settings import NotifierSettings
from services.notifier.subscribe import Wanted, create
from shared.clock import RealClock
from shared.db import open_database
from shared.http import Guard
from shared.settings import load
from tests.fakes.kafka_broker import ROOT, Broker
from tests.faults.ledger import Ledger, world

SERVICES = ("fetcher", "extractor", "alerter", "notifier")
SETTLED = 150.0
"""Seconds after the last kill in which all must have arrived: sessions (6 s), leases (60 s) and retries run out."""

AT_WORK = 0.7
"""Share of the kills that wait until the victim is at work; the others meet it while it starts."""

STARTED = b'"event": "started"'

Told = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a campaign found."""

    kills: int
    publications: int
    repeats: int
    faults: tuple[str, ...]


class Process:
    """A `wirewatch` process that is started again whenever it was killed."""

    def __init__(self, command: str, environment: dict[str, str], log: Path) -> None:
        self.name, self._environment, self._log = command, environment, log
        self._from = 0
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it takes up what the one before left."""
        self._from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services", self.name, cwd=ROOT, env=_with_bytecode(self._environment),
                stdout=log, stderr=log,
            )  # fmt: skip

    async def at_work(self) -> None:
        """Wait until it says that it started."""
        async with asyncio.timeout(SETTLED):
            while STARTED not in self._log.read_bytes()[self._from :]:
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def killed_and_started(self) -> None:
        """What the campaign does to it."""
        await self.kill()
        await self.start()


async def run_kills(
    folder: Path,
    *,
    count: int,
    seed: int,
    broker: Broker | None = None,
    database: str = "",
    told: Told = lambda *_: None,
) -> Report:
    """Kill `count` times while articles are published; then wait until everything settled and compare."""
    dice, ledger = random.Random(seed), Ledger(total=20 + count * 4)
    environment = _environment(folder, broker, database)
    async with world(ledger, folder) as (pack, receiver), AsyncExitStack() as stack:
        environment["WIREWATCH_PACK"] = str(pack)
        await _prepare(environment, receiver)
        processes = await stack.enter_async_context(_running(environment, folder, kafka=broker is not None))
        publishing = asyncio.create_task(_publish(ledger))
        for number in range(count):
            told(number + 1, await _kill_one(dice, processes, broker))
        await publishing
        await _settle(ledger)
    return Report(count, len(ledger.published), ledger.repeats, tuple(ledger.faults))


def _with_bytecode(environment: dict[str, str]) -> dict[str, str]:
    """This process's environment and ours on top; compiled modules are kept, or every start would take seconds more."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **environment}


def _environment(folder: Path, broker: Broker | None, database: str) -> dict[str, str]:
    return {
        "WIREWATCH_DATA": str(folder / "data"),
        "WIREWATCH_BUS": broker.bootstrap if broker else "embedded",
        "WIREWATCH_DATABASE": database or f"sqlite:///{folder}/data/wirewatch.db",
        "WIREWATCH_TOPIC_PREFIX": f"kills{os.getpid()}." if broker else "",
        "WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "WIREWATCH_ADMIN_PORT": "0",
        "WIREWATCH_SESSION_TIMEOUT": "6s",
        "WIREWATCH_SPACING": "0s",
        "WIREWATCH_POLL_INTERVAL": "1s",
        "WIREWATCH_EXTRACT_WORKERS": "1",
        "WIREWATCH_LOG_JSON": "true",
        "WIREWATCH_DELIVERY_LEASE": "60s",
        "WIREWATCH_POLL_SPREAD": "1s",
    }


async def _prepare(environment: dict[str, str], receiver: Receiver) -> None:
    """Migrations, topics, and one subscription to everything."""
    init = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", "init", cwd=ROOT, env=_with_bytecode(environment)
    )
    assert await init.wait() == 0, "wirewatch init failed"
    guard = Guard(allow_networks=(ip_network("127.0.0.0/8"),))
    opened = open_database(environment["WIREWATCH_DATABASE"])
    async with opened.transaction() as connection:
        sealer = sealer_of(load(NotifierSettings, environment))
        _, secret = await create(connection, Wanted(receiver.url), sealer=sealer, guard=guard, now=RealClock().now())
    await opened.close()
    receiver.trust(secret)


@asynccontextmanager
async def _running(environment: dict[str, str], folder: Path, *, kafka: bool) -> AsyncIterator[Sequence[Process]]:
    names = SERVICES if kafka else ("standalone",)
    processes = [Process(name, environment, folder / f"{name}.log") for name in names]
    try:
        for process in processes:
            await process.start()
        yield processes
    finally:
        for process in processes:
            await process.kill()


async def _publish(ledger: Ledger) -> None:
    while len(ledger.published) < ledger.total:
        ledger.publish()
        await asyncio.sleep(0.4)


async def _kill_one(dice: random.Random, processes: Sequence[Process], broker: Broker | None) -> str:
    number = dice.randrange(len(processes) + (broker is not None))
    if broker is not None and number == len(processes):
        await asyncio.sleep(dice.uniform(0.0, 3.0))
        await asyncio.to_thread(broker.restart)
        return "broker"
    if dice.random() < AT_WORK:
        await processes[number].at_work()
    await asyncio.sleep(dice.uniform(0.0, 3.0))
    await processes[number].killed_and_started()
    return processes[number].name


async def _settle(ledger: Ledger) -> None:
    try:
        async with asyncio.timeout(SETTLED):
            while ledger.missing:
                await asyncio.sleep(0.5)
    except TimeoutError:
        return
    await asyncio.sleep(3.0)  # what is invented or doubled would come now
