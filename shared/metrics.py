"""Metrics that every process has: what the consume loop did, how far behind it is, and the latency ledger.

Names carry the prefix, the base unit and `_total` where they count. Labels come from bounded sets only: groups, topics
and outcomes, never an address, an id or a text. Whoever knows a closed set initialises it to zero, so that a rate sees
the first event and an absent series means an absent process.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from shared.events import Ledger

disable_created_metrics()  # type: ignore[no-untyped-call]  # they would double every series

LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 10800)
"""Seconds; edges on the objectives (p95 of 1 s here, 60 s to the first attempt), so ratios need no interpolation."""

RECORDS = Counter("wirewatch_records_total", "Inputs finished, by how they ended.", ["group", "outcome"])
DEAD_LETTERS = Counter("wirewatch_dead_letters_total", "Inputs put aside as dead letters.", ["group", "reason"])
PUBLISHED = Counter("wirewatch_published_total", "Events published by a step.", ["group", "topic"])
RETRIES = Counter("wirewatch_step_retries_total", "Attempts repeated after a transient failure.", ["group", "reason"])
STEP_SECONDS = Histogram(
    "wirewatch_step_seconds", "From taking an input in hand to its outcome.", ["group"], buckets=LATENCY_BUCKETS
)
IN_HAND = Gauge("wirewatch_records_in_hand", "Inputs polled and not finished.", ["group"])
IN_HAND_BYTES = Gauge("wirewatch_in_hand_bytes", "Bytes of the inputs in hand.", ["group"])
LAG_RECORDS = Gauge("wirewatch_lag_records", "Records not yet committed by the group.", ["group", "topic"])
LAG_SECONDS = Gauge("wirewatch_lag_seconds", "Age of the oldest record not yet committed.", ["group", "topic"])
SKIPPED = Counter("wirewatch_records_skipped_total", "Records deleted by retention before they were read.", ["group"])
REBALANCES = Counter("wirewatch_rebalances_total", "Assignments received.", ["group"])
COMMITS = Counter("wirewatch_commits_total", "Commits, by how they ended.", ["group", "outcome"])
FENCED = Counter("wirewatch_fenced_total", "Writes refused because another process took over.", ["group"])
LEDGER_SECONDS = Histogram(
    "wirewatch_ledger_seconds", "Steps of the latency ledger.", ["step"], buckets=LATENCY_BUCKETS
)
CLOCK_SKEW = Counter("wirewatch_ledger_negative_total", "Ledger steps that came out negative (clock skew).", ["step"])
BUILD = Gauge("wirewatch_build_info", "The version running.", ["version"])


class LoopOutcome(StrEnum):
    """How an input can end in the loop itself, beside the step's own outcomes."""

    DEAD = "dead_letter"


class CommitOutcome(StrEnum):
    """How a commit ended."""

    DONE = "done"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"


def prepare_group(
    group: str, outcomes: Iterable[str], *, dead_reasons: Iterable[str] = (), retry_reasons: Iterable[str] = ()
) -> None:
    """Initialise the series of a consumer group to zero. Reasons that a step names itself begin with the first."""
    for outcome in (*outcomes, *LoopOutcome):
        RECORDS.labels(group, str(outcome))
    for reason in dead_reasons:
        DEAD_LETTERS.labels(group, reason)
    for reason in retry_reasons:
        RETRIES.labels(group, reason)
    for ended in CommitOutcome:
        COMMITS.labels(group, ended)
    for metric in (IN_HAND, IN_HAND_BYTES, SKIPPED, REBALANCES, FENCED, STEP_SECONDS):
        metric.labels(group)


LEDGER_STEPS = (
    "seen_to_fetched", "fetched_to_extracted", "extracted_to_matched", "matched_to_raised", "raised_to_sent",
    "fetched_to_sent",
)  # fmt: skip


def observe_ledger(ledger: Ledger, *steps: str) -> None:
    """Observe the named steps (`LEDGER_STEPS`) whose both ends are stamped; a negative one is only counted."""
    for step in steps:
        start, _, end = step.partition("_to_")
        observe_step(step, getattr(ledger, start), getattr(ledger, end))


def observe_step(step: str, start: datetime | None, end: datetime | None) -> None:
    """Observe one step of the ledger."""
    if start is None or end is None:
        return
    seconds = (end - start).total_seconds()
    if seconds < 0:
        CLOCK_SKEW.labels(step).inc()
    else:
        LEDGER_SECONDS.labels(step).observe(seconds)


for _step in LEDGER_STEPS:
    LEDGER_SECONDS.labels(_step)
    CLOCK_SKEW.labels(_step)
