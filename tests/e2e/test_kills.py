"""kill -9 at seeded random moments on both buses: every expected alert arrives, repeats only under the same
`webhook-id`, none is invented. The two campaigns run side by side: each waits most of its time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.fixtures_bus import missing
from tests.fakes.kafka_broker import ROOT, Broker, Unavailable
from tests.faults.kills import run_kills

pytestmark = pytest.mark.slow
KILLS = 10
LIMIT = 600.0


@pytest.fixture(scope="module")
def on_the_embedded_log() -> Iterator[subprocess.Popen[str]]:
    """`make faults` in a process of its own, started before the first test of this module."""
    command = [sys.executable, "-m", "tests.faults", "kills", "--bus", "embedded", "--count", str(KILLS), "--seed", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT) as campaign:
        try:
            yield campaign
        finally:
            campaign.terminate()


@pytest.fixture
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker apart from the session's, which takes half a minute to recover the logs of all other tests."""
    made = Broker(tmp_path_factory.mktemp("broker"))
    try:
        made.start()
    except Unavailable as reason:
        missing("kafka", str(reason))
    yield made
    made.stop()


@pytest.mark.kafka
@pytest.mark.postgres
@pytest.mark.usefixtures("on_the_embedded_log")
async def test_kills_of_every_service_and_the_broker_on_kafka(
    tmp_path: Path, own_broker: Broker, postgres_url: str
) -> None:
    report = await run_kills(tmp_path, count=KILLS, seed=2, broker=own_broker, database=postgres_url)
    assert report.faults == ()


def test_kills_of_the_one_process_on_the_embedded_log(on_the_embedded_log: subprocess.Popen[str]) -> None:
    told, _ = on_the_embedded_log.communicate(timeout=LIMIT)
    assert f"{KILLS} kills, 60 publications" in told
    assert on_the_embedded_log.returncode == 0, told[-3000:]
