"""What an answer without a feed means: one table, a row a kind of answer.

| answer | outcome | whole host left alone for | next poll |
|---|---|---|---|
| 429 | `throttled` | Retry-After, else 1 min | back-off, longest of it, Retry-After and Cache-Control |
| 503 | `throttled` with Retry-After, else `server_error` | Retry-After, else 1 min | longest of back-off, Retry-After |
| 403 with Retry-After, or soon after the source worked | `throttled` | Retry-After, else 5 min | the same |
| 403 otherwise, 401, 404 and other 4xx | `client_error` | not at all | the same; the source is never given up |
| 410 | `gone` | not at all | a week later, four times, then never |
| other 5xx, redirect to nowhere, 304 not asked for | `server_error` | not at all | the same |

Back-off is `Plan.after_failure`: from the usual interval, doubling, full jitter, at most a day; Retry-After counts up
to a day, too. Limits are told by 403 since large platforms began to (Reddit in 2026), so a 403 that comes out of a
clear sky is taken for one. How wide a pause reaches is the source's `limits` (`sources.LimitScope`).

Sources: RFC 9110 section 15.5 and 15.6, RFC 6585 section 4 (429).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.fetcher.plan.schedule import freshness, retry_after
from shared.events import CheckOutcome
from shared.http import Response

DEFAULT_PAUSE = timedelta(minutes=1)
"""For a host that answers 429 or 503 without saying how long."""

FORBIDDEN_PAUSE = timedelta(minutes=5)
"""For a host that says it by 403."""

LATELY = timedelta(hours=2)
"""A source that worked so short a time ago was not forbidden: it is asked too often."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done after an answer: its outcome, how long the host is left alone, the least time until the next."""

    outcome: CheckOutcome
    pause: timedelta = timedelta()
    floor: timedelta = timedelta()


def treatment(response: Response, now: datetime, *, worked_lately: bool = False) -> Treatment:
    """The row of the table for `response`, an answer that is neither 2xx nor a 304 that was asked for. `now` is real
    time, against which a date in Retry-After counts."""
    status, wait = response.status, retry_after(response.headers, now)
    if status == 429:
        floor = max(wait, freshness(response.headers))
        return Treatment(CheckOutcome.THROTTLED, wait or DEFAULT_PAUSE, floor)
    if status == 503:
        outcome = CheckOutcome.THROTTLED if wait else CheckOutcome.SERVER_ERROR
        return Treatment(outcome, wait or DEFAULT_PAUSE, wait)
    if status == 403 and (wait or worked_lately):
        return Treatment(CheckOutcome.THROTTLED, wait or FORBIDDEN_PAUSE, wait)
    if status == 410:
        return Treatment(CheckOutcome.GONE)
    outcome = CheckOutcome.CLIENT_ERROR if 400 <= status < 500 else CheckOutcome.SERVER_ERROR
    return Treatment(outcome, floor=wait)
