"""What follows from an answer: a pure function from what a receiver said to the outcome and the time of the next try.

The schedule is a value; its jitter comes from the id and the number of the attempt, so that the same history gives the
same times. A wait lies within half its step around it, but at most an hour: deliveries that failed together come back
apart, and the last try of every one is at least 72 hours after its first (74 to 88), inside the four days an alert is
worth sending.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from shared.events import DeliveryOutcome
from shared.http import FailureKind

MINUTE, HOUR = 60.0, 3600.0
STEPS = (5.0, 30.0, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, 12 * HOUR,
         20 * HOUR, 20 * HOUR, 20 * HOUR)  # fmt: skip
"""Seconds. Denser at the start than the standard's example (5 s, 5 min, 30 min …): news ages in minutes."""

WIDEST = 2 * HOUR
"""The longest stretch of time that a wait is spread over."""

FEW = 3
"""Retries of an answer that repeating will hardly change (400, 404, a redirect, a refused address)."""

RETRY_AFTER_LEAST, RETRY_AFTER_MOST = 1.0, 24 * HOUR
"""Bounds in seconds of what a receiver may ask for: no busy loop, no silence without end."""

SPREAD = 0.1
"""Share of a Retry-After added at random, so that everything held back does not come in one second."""

TRY_AGAIN = frozenset({408, 409, 425, 429})
"""The 4xx that speak of now, not of the message: time-out, conflict, too early, too many."""

DISTRESS = frozenset({408, 425, 429})
"""The 4xx of a receiver that has too much to do, not of one that dislikes the message."""

INTERNAL = "internal"
"""The reason where the attempt met a defect of ours."""

ASKED_TO_WAIT = frozenset({429, 503})
"""The answers whose Retry-After is meant for the sender as a whole, not for one message."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The waits between attempts, in seconds."""

    steps: tuple[float, ...] = STEPS
    few: int = FEW

    def wait(self, retry: int, seed: str) -> float | None:
        """Seconds before retry number `retry` (1, 2, …), None when there is none any more."""
        if retry > len(self.steps):
            return None
        step = self.steps[retry - 1]
        return step + (jitter(seed, retry) - 0.5) * min(step, WIDEST)


SHIPPED = Schedule()


def jitter(seed: str, number: int) -> float:
    """A number in [0, 1) that always is the same for the same attempt."""
    digest = hashlib.blake2b(f"{seed}/{number}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / 2**56


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: a status, or the failure that came instead."""

    status: int | None = None
    failure: FailureKind | None = None
    retry_after: str = ""

    @property
    def reason(self) -> str:
        """A short label of a bounded set."""
        return f"http_{self.status}" if self.status is not None else str(self.failure or INTERNAL)


@dataclass(frozen=True, slots=True)
class Decision:
    """How the attempt ended. `hold_until` is for the whole subscription; `disable` ends it until its owner resumes."""

    outcome: DeliveryOutcome
    reason: str = ""
    next_attempt: datetime | None = None
    hold_until: datetime | None = None
    disable: bool = False


def decide(answer: Answer, *, number: int, seed: str, now: datetime, schedule: Schedule = SHIPPED) -> Decision:
    """The decision on attempt `number` (1, 2, …) that ended at `now` (real time)."""
    if answer.status is not None and 200 <= answer.status < 300:
        return Decision(DeliveryOutcome.DELIVERED)
    if answer.status == 410:
        return Decision(DeliveryOutcome.GONE, answer.reason, disable=True)
    planned = schedule.wait(number, seed) if _may_pass(answer) or number <= schedule.few else None
    if planned is None:
        return Decision(_end(answer), answer.reason)
    asked = _asked(answer, number, seed, now)
    moment = now + timedelta(seconds=planned if asked is None else asked)
    held = moment if asked is not None and answer.status in ASKED_TO_WAIT else None
    return Decision(DeliveryOutcome.RETRY, answer.reason, next_attempt=moment, hold_until=held)


def _asked(answer: Answer, number: int, seed: str, now: datetime) -> float | None:
    """Seconds the receiver asked for, a little spread, None where it asked for nothing."""
    asked = read_retry_after(answer.retry_after, now)
    return None if asked is None else min(RETRY_AFTER_MOST, asked * (1 + SPREAD * jitter(seed, number)))


def _may_pass(answer: Answer) -> bool:
    """Whether the same message may well succeed later."""
    if answer.status is None:
        return answer.failure is not FailureKind.REFUSED
    return answer.status >= 500 or answer.status in TRY_AGAIN


def _end(answer: Answer) -> DeliveryOutcome:
    return DeliveryOutcome.REFUSED if answer.failure is FailureKind.REFUSED else DeliveryOutcome.FAILED


def read_retry_after(text: str, now: datetime) -> float | None:
    """Seconds asked for by a Retry-After header (RFC 9110 section 10.2.3: seconds or a date), inside the bounds;
    None where it says nothing usable."""
    text = text.strip()
    if not text or len(text) > 64 or not text.isascii():
        return None
    seconds = float(text) if text.isdigit() else _seconds_until(text, now)
    return None if seconds is None else min(max(seconds, RETRY_AFTER_LEAST), RETRY_AFTER_MOST)


def _seconds_until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
