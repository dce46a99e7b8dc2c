"""Fixtures for tests on a bus: a broker for the session, and a bus on either adapter.

Where no broker can be had, tests that need one are skipped with the reason; with `kafka` among the words of the
environment variable WIREWATCH_REQUIRE they fail instead.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from shared.bus import Bus, Partition
from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus, KafkaOptions
from tests.fakes.kafka_broker import ROOT, Broker, Unavailable


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One real broker for the session. Tests that kill it bring it back."""
    broker = Broker(tmp_path_factory.mktemp("kafka"))
    try:
        broker.start()
    except Unavailable as reason:
        missing("kafka", str(reason))
    yield broker
    broker.stop()


def missing(what: str, reason: str) -> None:
    """Skip with the reason, or fail where `what` is required."""
    if what in os.environ.get("WIREWATCH_REQUIRE", "").replace(",", " ").split():
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True, slots=True)
class Lab:
    """A bus under test: `open` gives another connection to the same log, as another process would have it, and
    `address` tells a real other process where it is; `trim` deletes the records of a partition before an offset, as
    retention would."""

    address: str
    open: Callable[[], Awaitable[Bus]]
    trim: Callable[[Partition, int], Awaitable[None]]
    retain: Callable[[], Awaitable[None]]


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def lab(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Lab]:
    """Either adapter with a log of its own: a file, or a topic prefix on the session's broker."""
    opened: list[Bus] = []
    if request.param == "embedded":
        made = embedded_lab(tmp_path / "log.db", opened)
    else:
        made = kafka_lab(request.getfixturevalue("kafka_broker"), opened)
    yield made
    for bus in opened:
        await bus.close()


def embedded_lab(path: Path, opened: list[Bus]) -> Lab:
    """A lab on a file."""

    async def connect() -> Bus:
        bus = await EmbeddedBus.open(path)
        opened.append(bus)
        return bus

    async def trim(partition: Partition, offset: int) -> None:
        await administrator().trim(partition, offset)

    async def retain() -> None:
        await administrator().retain()

    def administrator() -> EmbeddedBus:
        bus = opened[0]
        assert isinstance(bus, EmbeddedBus)
        return bus

    return Lab(f"embedded:{path}", connect, trim, retain)


def kafka_lab(broker: Broker, opened: list[Bus]) -> Lab:
    """A lab on a broker."""
    options = KafkaOptions(bootstrap=broker.bootstrap, topic_prefix=f"{uuid4().hex[:8]}.")

    async def connect() -> Bus:
        bus = await KafkaBus.open(options)
        opened.append(bus)
        return bus

    async def trim(partition: Partition, offset: int) -> None:
        bus = opened[0]
        assert isinstance(bus, KafkaBus)
        await bus.trim(partition, offset)

    async def retain() -> None:
        """The broker does it by itself, every 300 ms."""

    return Lab(f"kafka:{options.topic_prefix}@{options.bootstrap}", connect, trim, retain)


@contextmanager
def bus_process(what: str, address: str, topic: str) -> Iterator[subprocess.Popen[str]]:
    """Another process on the bus (`tests.fakes.bus_process`); killed at the end if it still runs."""
    command = [sys.executable, "-m", "tests.fakes.bus_process", what, address, topic]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next lines it prints."""
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def tell(process: subprocess.Popen[str]) -> None:
    """Send it a line."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def rest_of(process: subprocess.Popen[str]) -> list[str]:
    """The complete lines that are left after it was killed: the last one may have been cut off."""
    assert process.stdout is not None
    return [line.strip() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
