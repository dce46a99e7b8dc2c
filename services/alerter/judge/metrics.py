"""Metrics of judging, every series of a closed set there from the start."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

from shared.events import AlertKind, AlertState


class JudgeOutcome(StrEnum):
    """How a match ended; exactly one of these."""

    RAISED = "raised"
    QUIET = "quiet"
    REPEATED = "repeated"
    HISTORY = "history"
    UNWATCHED = "unwatched"
    NOT_OURS = "not_ours"


class Suppressed(StrEnum):
    """Why something that could have been told was not, or not by itself."""

    COOLDOWN = "cooldown"
    ROLLED_UP = "rolled_up"
    TOLD_BEFORE = "told_before"
    UNSURE = "unsure"
    COPY = "copy"
    INHIBITED = "inhibited"
    BUDGET = "budget"
    LATE = "late"
    BROKEN_FETCH = "broken_fetch"


ALERTS = Counter("wirewatch_alerts_total", "Alerts raised, by kind and state.", ["kind", "state"])
SUPPRESSED = Counter("wirewatch_alerts_suppressed_total", "What was not told by itself, and why.", ["kind", "reason"])
CANDIDATES = Counter("wirewatch_new_terms_total", "Terms never met before by a watch, in live articles.")
STORIES = Counter("wirewatch_stories_opened_total", "Stories opened.")
STORIES_MERGED = Counter("wirewatch_stories_merged_total", "Stories that went on inside another.")
STORIES_SPLIT = Counter("wirewatch_stories_split_total", "Stories that parted from another.")
COPIES = Counter("wirewatch_copies_total", "Articles recognised as copies of another.")
TIMES_TOLD = Counter("wirewatch_times_passed_total", "Watches told that a time has passed, because something was due.")
TIME_PASSED = Gauge(
    "wirewatch_time_passed_timestamp_seconds",
    "Story time up to which everything met was judged and timers have fired, as a Unix time.",
)
READ_ASIDE = Counter("wirewatch_texts_read_aside_total", "Texts read in a process of their own, in a backlog.")
JUDGE_SECONDS = Histogram(
    "wirewatch_judge_seconds", "Time of a batch by part.", ["part"], buckets=(0.001, 0.005, 0.02, 0.1, 0.5, 2, 10)
)

for _kind in AlertKind:
    for _state in AlertState:
        ALERTS.labels(_kind.value, _state.value)
    for _reason in Suppressed:
        SUPPRESSED.labels(_kind.value, _reason.value)
for _part in ("read", "text", "judge", "write"):
    JUDGE_SECONDS.labels(_part)
