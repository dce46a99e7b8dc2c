"""From an empty machine to a verified alert, in the README's four steps: `init`, `receiver`, `subscriptions add`, and
what `make run` runs, on the shipped list of sources with every one of them out of reach, stopped and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import yaml

from shared.health import serve
from tests.fakes.kafka_broker import ROOT
from tests.faults.ledger import OUTLETS, Ledger, site_app, write_pack

SHIPPED = ROOT / "deploy/packs/alliance/sources.yaml"
WAIT = 120.0


def out_of_reach(port: int) -> list[dict[str, Any]]:
    """The shipped sources, each at an address of its own, at a port where nobody listens."""
    rows = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))
    return [
        row | {"url": f"http://127.0.7.{n}:{port}{urlsplit(row['url']).path}"} for n, row in enumerate(rows, start=1)
    ]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken and refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("", 0))
        yield int(taken.getsockname()[1])


@asynccontextmanager
async def news_site(ledger: Ledger) -> AsyncIterator[int]:
    """Outlets on this machine that can be reached; their port."""
    stop = asyncio.Event()
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(site_app(ledger), "127.0.0.1", 0, stop, started=started))
    try:
        yield await started
    finally:
        stop.set()
        await serving


def prepared(folder: Path, port: int, shipped: list[dict[str, Any]]) -> dict[str, str]:
    """A pack with those outlets beside the shipped ones, and the environment that names it."""
    pack = write_pack(folder / "pack", port, OUTLETS)
    sources = yaml.safe_load((pack / "sources.yaml").read_text(encoding="utf-8")) + shipped
    (pack / "sources.yaml").write_text(yaml.safe_dump(sources, allow_unicode=True), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WIREWATCH_")}
    return kept | {
        "WIREWATCH_DATA": str(folder / "data"),
        "WIREWATCH_PACK": str(pack),
        "WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "WIREWATCH_ADMIN_PORT": "0",
        "WIREWATCH_SPACING": "0s",
        "WIREWATCH_POLL_INTERVAL": "1s",
        "WIREWATCH_POLL_SPREAD": "1s",
        "WIREWATCH_EXTRACT_WORKERS": "1",
        "WIREWATCH_LOG_JSON": "true",
    }


async def wirewatch(environment: dict[str, str], *words: str, **pipes: Any) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "services", *words]
    return await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, **pipes)


async def answered(environment: dict[str, str], *words: str) -> str:
    """What a command prints; it must succeed."""
    process = await wirewatch(environment, *words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


@asynccontextmanager
async def receiver(environment: dict[str, str]) -> AsyncIterator[tuple[str, str, list[dict[str, Any]]]]:
    """The receiver command: its address, its secret, and what it has printed so far."""
    process = await wirewatch(
        environment, "receiver", "--port", "0", "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout and process.stderr
    printed: list[dict[str, Any]] = []

    async def read(stream: asyncio.StreamReader) -> None:
        while line := await stream.readline():
            printed.append(json.loads(line))

    url, secret = [(await process.stderr.readline()).decode().split()[-1] for _ in range(2)]
    reading = asyncio.create_task(read(process.stdout))
    try:
        yield url, secret, printed
    finally:
        process.terminate()
        await process.wait()
        await reading


@dataclass(frozen=True)
class Running:
    """`wirewatch standalone`, writing its log to a file."""

    log: Path
    process: asyncio.subprocess.Process

    def lines(self, event: str) -> list[dict[str, Any]]:
        """The log lines of that event so far, by source or not."""
        text = self.log.read_text(encoding="utf-8")
        found = [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]
        return [line for line in found if line["event"] == event]

    def failures(self) -> dict[str, int]:
        """Of every source that could not be reached: how often in a row."""
        return {
            line["source"]: line["failures"]
            for line in self.lines("source_checked")
            if line["outcome"] == "unreachable"
        }

    async def stop(self) -> None:
        """As a supervisor stops it; it ends well."""
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT):
            assert await self.process.wait() == 0, self.log.read_text()[-3000:]


@asynccontextmanager
async def standalone(environment: dict[str, str], log: Path) -> AsyncIterator[Running]:
    with log.open("wb") as output:
        process = await wirewatch(environment, "standalone", stdout=output, stderr=output)
    try:
        yield Running(log, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(condition: Callable[[], Any], run: Running) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():
            assert run.process.returncode is None, run.log.read_text()[-3000:]
            await asyncio.sleep(0.1)


def alerted(printed: list[dict[str, Any]]) -> list[str]:
    """The watches that verified alerts were for."""
    events = [line["event"]["data"] for line in printed if line["verdict"] == "valid"]
    return [data["alert"]["watch"]["id"] for data in events if "alert" in data]


def is_ready(run: Running) -> bool:
    (started,) = run.lines("started")
    with urlopen(f"{started['admin']}/readyz", timeout=10) as answer:
        return bool(answer.status == 200)


@pytest.mark.slow
async def test_four_steps_to_an_alert_with_the_shipped_sources_out_of_reach(tmp_path: Path, closed_port: int) -> None:
    ledger, away = Ledger(total=OUTLETS), out_of_reach(closed_port)
    shipped = {row["id"] for row in away}
    async with news_site(ledger) as port:
        environment = prepared(tmp_path, port, away)
        await answered(environment, "init")
        async with receiver(environment) as (url, secret, printed):
            added = await answered(
                environment, "subscriptions", "add", url, "--watch", "w0", "--watch", "w1", "--secret", secret, "--json"
            )
            assert json.loads(added)["test"]["delivered"]
            async with standalone(environment, tmp_path / "first.log") as first:
                ledger.publish()
                await until(lambda: alerted(printed) == ["w0"], first)
                await until(lambda: first.failures().keys() == shipped and min(first.failures().values()) >= 2, first)
                assert await asyncio.to_thread(is_ready, first)
                await first.stop()
            async with standalone(environment, tmp_path / "second.log") as second:
                ledger.publish()
                await until(lambda: alerted(printed) == ["w0", "w1"], second)
                await until(lambda: second.failures().keys() == shipped, second)
                await second.stop()
    before, after = first.failures(), second.failures()
    assert all(after[name] > before[name] for name in shipped), "failures are counted on over the restart"
    assert ledger.fetches == {"a0": 1, "a1": 1}, "a page is fetched once, also over the restart"
    assert all(line["verdict"] == "valid" for line in printed)
