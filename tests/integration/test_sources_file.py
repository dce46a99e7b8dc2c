"""A wrong sources file: counted, told line by line, and the last good version stays in force, across a restart too."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.fetcher import metrics
from services.fetcher.app import build
from services.fetcher.metrics import FileOutcome
from services.fetcher.settings import FetcherSettings
from services.operate.init import OWNERS
from shared.clock import RealClock, SteppedClock
from shared.db import Database, migrate
from shared.errors import Misconfigured
from shared.events import SourceChecked
from shared.http import Door, Guard
from shared.run import Parts
from tests.fakes.fake_bus import FakeBus

GOOD = "- {id: one, name: One, url: 'https://one.test/feed'}\n"
WRONG = "- {id: one, name: One, url: one.test}\n- {id: two}\n"
SETTINGS = FetcherSettings(poll_spread=timedelta(), spacing=timedelta(), sources_reload=timedelta(seconds=5))

START = datetime(2025, 3, 18, tzinfo=UTC)
DAYS = (timedelta(days=number) for number in itertools.count())


@pytest.fixture
async def tables(database: Database) -> Database:
    await migrate(database, "fetcher", dict(OWNERS)["fetcher"])
    return database


def counted() -> tuple[float, float]:
    return (
        metrics.FILES.labels(FileOutcome.LOADED)._value.get(),
        metrics.FILES.labels(FileOutcome.INVALID)._value.get(),
    )


class Nowhere:
    """No name is known: what is polled fails at once."""

    async def resolve(self, host: str) -> Sequence[str]:
        raise OSError(f"{host}: nowhere")


async def started(database: Database, path: Path) -> set[str]:
    """The sources that a process polls, from its start to its stop; each start is a day after the last."""
    bus = FakeBus()
    async with Door(user_agent="test", guard=Guard(), resolver=Nowhere()) as door:
        parts = Parts(bus, database, door, SteppedClock(START + next(DAYS)), RealClock())  # type: ignore[arg-type]
        service = await build(replace(SETTINGS, sources_file=path), parts)
        stop = asyncio.Event()
        running = asyncio.ensure_future(service.tasks["poll"](stop))
        async with asyncio.timeout(10):
            while service.busy() and not running.done():
                await asyncio.sleep(0.002)
        stop.set()
        await running
    return {check.source.id for check in bus.writer.events(SourceChecked)}


async def test_a_restart_on_a_wrong_file_goes_on_with_the_last_good_one(
    tables: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(WRONG)
    with pytest.raises(Misconfigured, match=r"sources\.yaml:1: url is 'one\.test': write the full address"):
        await started(tables, path)
    path.write_text(GOOD)
    loaded, invalid = counted()
    assert await started(tables, path) == {"one"}
    assert counted() == (loaded + 1, invalid)
    path.write_text(WRONG)
    assert await started(tables, path) == {"one"}
    assert counted() == (loaded + 1, invalid + 1)
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    (line,) = [line for line in lines if line["event"] == "sources_invalid"]
    assert line["file"] == str(path) and line["kept"] == 1
    assert [mistake.split(": ")[0] for mistake in line["mistakes"]] == [f"{path}:1", f"{path}:2"]
    path.unlink()
    assert await started(tables, path) == {"one"}
    with pytest.raises(Misconfigured, match="cannot be read"):  # another file has no good version to go on with
        await started(tables, tmp_path / "other.yaml")
    path.write_text(GOOD.replace("one", "two"))
    assert await started(tables, path) == {"two"}
    path.write_text(WRONG)
    assert await started(tables, path) == {"two"}


async def test_the_file_in_force_is_kept_when_it_changes(tables: Database, tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(GOOD)
    quick = replace(SETTINGS, sources_file=path, sources_reload=timedelta(milliseconds=10))
    async with Door(user_agent="test", guard=Guard(), resolver=Nowhere()) as door:
        parts = Parts(FakeBus(), tables, door, SteppedClock(START + next(DAYS)), RealClock())  # type: ignore[arg-type]
        service = await build(quick, parts)
        stop = asyncio.Event()
        running = asyncio.ensure_future(service.tasks["poll"](stop))
        before = counted()
        path.write_text(GOOD.replace("one", "three"))
        async with asyncio.timeout(10):
            while counted() == before:
                await asyncio.sleep(0.002)
        stop.set()
        await running
    path.write_text(WRONG)
    assert await started(tables, path) == {"three"}
