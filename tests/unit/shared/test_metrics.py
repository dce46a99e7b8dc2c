"""Series are there, at zero, before anything happened: a rate sees the first event, an absent series means an absent
process. Looked at in a process of its own, since the metrics of this one have counted already."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from services.generate import METRICS
from services.notifier.fan_out import FanOutOutcome
from shared.finish import DEAD_REASONS, RETRY_REASONS
from shared.metrics import LEDGER_STEPS, CommitOutcome, LoopOutcome
from tests.fakes.kafka_broker import ROOT

BEGIN_WITH_THE_FIRST = {
    "wirewatch_published", "wirewatch_lag_records", "wirewatch_lag_seconds", "wirewatch_build_info",
    "wirewatch_fetcher_source_fresh_timestamp_seconds",
}  # fmt: skip
"""Of a topic, known when the step publishes to it; the lag, the version and the time of a source's last news are set,
not counted, once there is one."""

LOOK = """
import importlib, json, sys
from prometheus_client import REGISTRY
from services.notifier.fan_out import FanOutOutcome
from shared.clock import RealClock
from shared.consume import ConsumeLoop
from shared.step import Step
from shared.topics import ALERTS_RAISED
for module in sys.argv[1:]:
    importlib.import_module(module)
ConsumeLoop(Step("notifier", (ALERTS_RAISED,), FanOutOutcome, handle=print), bus=None, real=RealClock())
families = [family for family in REGISTRY.collect() if family.name.startswith("wirewatch_")]
print(json.dumps({family.name: [[one.name, one.labels, one.value] for one in family.samples] for family in families}))
"""

Samples = dict[str, list[tuple[str, dict[str, str], float]]]


@pytest.fixture(scope="module")
def at_start() -> Samples:
    """Every family of ours and its samples, before the first record."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *METRICS], capture_output=True, text=True, cwd=ROOT, check=True
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def test_every_family_has_its_series_at_zero(at_start: Samples) -> None:
    empty = {name for name, samples in at_start.items() if not samples}
    assert empty == BEGIN_WITH_THE_FIRST
    assert [sample for samples in at_start.values() for sample in samples if sample[2]] == []


@pytest.mark.parametrize(
    ("family", "label", "values"),
    [
        ("wirewatch_records", "outcome", {*FanOutOutcome, *LoopOutcome}),
        ("wirewatch_dead_letters", "reason", {*DEAD_REASONS}),
        ("wirewatch_step_retries", "reason", {*RETRY_REASONS}),
        ("wirewatch_commits", "outcome", {*CommitOutcome}),
        ("wirewatch_ledger_negative", "step", {*LEDGER_STEPS}),
    ],
)
def test_closed_sets_are_there_whole(at_start: Samples, family: str, label: str, values: set[str]) -> None:
    assert {labels[label] for _, labels, _ in at_start[family]} == {str(value) for value in values}
