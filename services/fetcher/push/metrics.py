"""Metrics of WebSub and its closed outcomes."""

from __future__ import annotations

from enum import StrEnum

from prometheus_client import Counter, Gauge, Histogram

from services.fetcher.push.store import State


class AskOutcome(StrEnum):
    """How a request to a hub ended. Accepted is not yet verified."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


class VerifyOutcome(StrEnum):
    """How a hub's GET to a callback ended; `refused`: nothing of ours matched it."""

    CONFIRMED = "confirmed"
    DENIED = "denied"
    REFUSED = "refused"
    DELAYED = "delayed"


class PushOutcome(StrEnum):
    """How a POST to a callback ended; exactly one of these. Only `accepted` brought anything new."""

    ACCEPTED = "accepted"
    NOTHING_NEW = "nothing_new"
    UNUSABLE = "unusable"
    UNSIGNED = "unsigned"
    BAD_SIGNATURE = "bad_signature"
    NOT_SUBSCRIBED = "not_subscribed"
    UNKNOWN = "unknown"
    TOO_LARGE = "too_large"
    CUT = "cut"
    BUSY = "busy"
    DELAYED = "delayed"
    DEFECT = "defect"


ASKED = Counter("wirewatch_fetcher_push_asked_total", "Requests to hubs, by how they ended.", ["outcome"])
VERIFIED = Counter(
    "wirewatch_fetcher_push_verifications_total", "Questions of hubs whether we asked, by the answer.", ["outcome"]
)
RECEIVED = Counter("wirewatch_fetcher_pushes_total", "Bodies sent to callbacks, by how they ended.", ["outcome"])
SUBSCRIPTIONS = Gauge("wirewatch_fetcher_push_subscriptions", "Subscriptions, by where they stand.", ["state"])
SECONDS = Histogram(
    "wirewatch_fetcher_push_seconds", "From a push complete to its new entries in the frontier.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 5),
)  # fmt: skip

for _asked in AskOutcome:
    ASKED.labels(_asked)
for _verified in VerifyOutcome:
    VERIFIED.labels(_verified)
for _received in PushOutcome:
    RECEIVED.labels(_received)
for _state in State:
    SUBSCRIPTIONS.labels(_state)
