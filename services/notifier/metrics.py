"""Metrics of the notifier."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from services.notifier.breaker import BreakerState
from shared.events import DeliveryOutcome, Ledger
from shared.metrics import observe_ledger

DELAY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
"""Seconds; edges on the objectives (1 s at the p95, 60 s at the outside)."""

ATTEMPTS = Counter("wirewatch_delivery_attempts_total", "Attempts to deliver, by how they ended.", ["outcome"])
ATTEMPT_SECONDS = Histogram("wirewatch_delivery_attempt_seconds", "Time a receiver took.", buckets=DELAY_BUCKETS)
FETCHED_TO_SENT = Histogram(
    "wirewatch_fetched_to_sent_seconds",
    "From the fetched page to the first request to a receiver.",
    buckets=DELAY_BUCKETS,
)
PENDING = Gauge("wirewatch_deliveries_pending", "Deliveries that wait to be sent.")
OLDEST_DUE = Gauge(
    "wirewatch_deliveries_oldest_due_seconds", "How long the delivery that is due for the longest has been due."
)
FLYING = Gauge("wirewatch_deliveries_in_flight", "Requests to receivers on their way.")
LANES = Gauge("wirewatch_delivery_lanes", "Subscriptions this process is sending to.")
FENCED = Counter("wirewatch_deliveries_fenced_total", "Attempts not recorded because another process took over.")
UNOPENED = Gauge("wirewatch_subscriptions_unopened", "Subscriptions whose secret does not open with the keys given.")
UNTOLD = Gauge("wirewatch_deliveries_untold", "Attempts committed and not yet told on the topic.")

BREAKER_CHANGES = Counter(
    "wirewatch_delivery_breaker_changes_total", "Breakers of subscriptions that opened or closed.", ["state"]
)
BREAKERS = Gauge(
    "wirewatch_delivery_breakers", "Subscriptions not asked at present: open, or half open and to be probed.", ["state"]
)

WARNED = Counter(
    "wirewatch_subscriptions_warned_total",
    "Subscriptions that failed for so many per cent of the time after which they are disabled; at 100 they were.",
    ["share"],
)

for _share in ("50", "70", "90", "100"):
    WARNED.labels(_share)
for _outcome in DeliveryOutcome:
    ATTEMPTS.labels(_outcome)
for _state in (BreakerState.OPEN, BreakerState.CLOSED):
    BREAKER_CHANGES.labels(_state)
for _state in (BreakerState.OPEN, BreakerState.HALF_OPEN):
    BREAKERS.labels(_state)


def observe_sent(ledger: Ledger) -> None:
    """Observe the delay up to the first request of a delivery, whose `sent` is stamped."""
    observe_ledger(ledger, "raised_to_sent", "fetched_to_sent")
    if ledger.fetched is not None and ledger.sent is not None and ledger.sent >= ledger.fetched:
        FETCHED_TO_SENT.observe((ledger.sent - ledger.fetched).total_seconds())
