"""Metrics of the extractor, beside what the consume loop counts for every step."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter, Histogram

BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)
"""Seconds; the last edges stand at one and two deadlines."""


class Loss(StrEnum):
    """Why a page gave no answer in full: its deadline, its worker's death, memory, or a fault of ours."""

    DEADLINE = "deadline"
    WORKER_DIED = "worker_died"
    MEMORY = "memory"
    DEFECT = "defect"


SECOND_READINGS = Counter(
    "wirewatch_extract_second_readings_total", "Pages read again the cheap way, by why the first reading failed.",
    ["reason"],
)  # fmt: skip
POOL_REPLACED = Counter("wirewatch_extract_pool_replaced_total", "Pools of workers replaced because they broke.")
POOL_RELIEVED = Counter(
    "wirewatch_extract_pool_relieved_total", "Pools of workers replaced because one of them had grown too large."
)
READING_SECONDS = Histogram(
    "wirewatch_extract_reading_seconds", "From handing a page to the workers to its answer.", buckets=BUCKETS
)
PAGE_BYTES = Counter("wirewatch_extract_page_bytes_total", "Bytes of pages handed to the workers.")

for _reason in Loss:
    SECOND_READINGS.labels(_reason)
