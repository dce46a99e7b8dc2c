"""Metrics of matching; how inputs ended is counted by the consume loop."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.alerter.match.outcomes import PublishOutcome

CANDIDATES = Histogram(
    "wirewatch_match_candidates",
    "Watches evaluated for an article, of all that are in force.",
    buckets=(0, 1, 2, 5, 10, 20, 50, 100, 1000),
)
MATCHES = Histogram(
    "wirewatch_match_matches", "Watches an article satisfied.", buckets=(0, 1, 2, 5, 10, 20, 50)
)  # fmt: skip
DECISION_SECONDS = Histogram(
    "wirewatch_match_decision_seconds",
    "Folding, automaton and conditions of one article, all watches.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1),
)
IN_FORCE = Gauge("wirewatch_match_watches", "Watches in force in this process.")
TERMS = Gauge("wirewatch_match_terms", "Terms of all watches in the automaton.")
BUILD_SECONDS = Histogram(
    "wirewatch_match_build_seconds",
    "Compiling all watches after a change.",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5),
)
PUBLISHED = Counter(
    "wirewatch_match_watch_files_total", "Texts of watches looked at: files that changed and requests.", ["outcome"]
)

for _outcome in PublishOutcome:
    PUBLISHED.labels(_outcome)
