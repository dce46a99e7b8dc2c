"""kill -9 at seeded random moments on both buses: every expected alert arrives, repeats only under the same
`webhook-id`, none is invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.kafka_broker import Broker
from tests.faults.kills import run_kills

KILLS = 10


@pytest.mark.slow
async def test_kills_of_the_one_process_on_the_embedded_log(tmp_path: Path) -> None:
    report = await run_kills(tmp_path, count=KILLS, seed=1)
    assert report.faults == ()


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.postgres
async def test_kills_of_every_service_and_the_broker_on_kafka(
    tmp_path: Path, kafka_broker: Broker, postgres_url: str
) -> None:
    report = await run_kills(tmp_path, count=KILLS, seed=2, broker=kafka_broker, database=postgres_url)
    assert report.faults == ()
