"""A pack that is not there: the matching step starts, because replicas live from SQL, but it does not keep quiet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.alerter import published
from services.alerter.match.in_force import Watches
from shared.clock import SteppedClock
from shared.db import Database

NOON = datetime(2025, 3, 18, 12, tzinfo=UTC)
WATCH = "schema: watch/1\nid: w\nconcepts: {a: [savez~]}\nmatch: {require: [a]}\n"


def warnings(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in lines if line["event"] == "no_watch_in_force"]


async def test_no_watch_in_force_is_told(database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await published.prepare(database)
    await Watches(database, tmp_path / "nopack", SteppedClock(NOON)).start()
    (line,) = warnings(caplog)
    assert line["folder"] == str(tmp_path / "nopack" / "watches") and "WIREWATCH_PACK" in line["hint"]


async def test_a_replica_without_files_has_those_of_the_database(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await published.prepare(database)
    await published.publish(database, "w", WATCH, NOON)
    await Watches(database, tmp_path / "nopack", SteppedClock(NOON)).start()
    assert warnings(caplog) == []
