"""A breaker a subscription: stops asking a receiver that does not answer, and probes it with one request at a time.

Closed: all goes. It opens after `IN_A_ROW` failures, or when over half of at least `ENOUGH` attempts within `WINDOW`
failed. Open: nothing is sent until `probe_at`; what is due waits in SQL. From then on it is half open: one request goes
out, and its end closes the breaker or opens it for longer.

Only two values have to survive a restart, `opens` and `probe_at`: the state follows from them and the time. The waits
carry a jitter made from the subscription and the number of the opening, so that the same history gives the same times.

A failure here is a receiver in distress (no answer, 5xx, 408, 425, 429). One that refuses a message with another 4xx
is awake, and the next message may well be welcome.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from services.notifier.retry import jitter

IN_A_ROW = 5
ENOUGH = 10
WINDOW = timedelta(seconds=60)
REMEMBERED = 200
"""Attempts kept of the last `WINDOW`: beyond that a share is as good as exact."""

FIRST_PAUSE, LONGEST_PAUSE = 15.0, 1800.0
"""Seconds to the first probe, doubled by each that fails. A receiver that is back waits half an hour at most."""


class BreakerState(StrEnum):
    """What may be sent: all, nothing, one probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Standing:
    """What is kept of a breaker: how often it opened since it was closed, and when to probe next."""

    opens: int = 0
    probe_at: datetime | None = None


@dataclass(slots=True)
class Breaker:
    """The breaker of one lane. `failures` counts those in a row."""

    seed: str
    standing: Standing = Standing()
    failures: int = 0
    recent: deque[tuple[datetime, bool]] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def closed(self) -> bool:
        """Whether all may go."""
        return self.standing.probe_at is None

    def state(self, now: datetime) -> BreakerState:
        """What may be sent at this time."""
        if self.standing.probe_at is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.standing.probe_at else BreakerState.HALF_OPEN

    def note(self, good: bool, now: datetime) -> Standing | None:
        """An attempt ended; the new standing where it changed, to be written down."""
        before = self.state(now)
        self.failures = 0 if good else self.failures + 1
        self.recent.append((now, good))
        if good:
            return self._close() if before is not BreakerState.CLOSED else None
        if before is BreakerState.HALF_OPEN or (before is BreakerState.CLOSED and self._is_too_much(now)):
            return self._open(now)
        return None  # a request from before the opening, which ended after it

    def _is_too_much(self, now: datetime) -> bool:
        lately = [good for moment, good in self.recent if now - moment <= WINDOW]
        return self.failures >= IN_A_ROW or (len(lately) >= ENOUGH and 2 * lately.count(False) > len(lately))

    def _close(self) -> Standing:
        self.recent.clear()
        self.standing = Standing()
        return self.standing

    def _open(self, now: datetime) -> Standing:
        opens = self.standing.opens + 1
        self.recent.clear()
        self.standing = Standing(opens, now + timedelta(seconds=pause(opens, self.seed)))
        return self.standing


def pause(opens: int, seed: str) -> float:
    """Seconds from opening number `opens` (1, 2, …) to its probe: half to one and a half times the doubled step."""
    step = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(opens - 1, 16))
    return min(LONGEST_PAUSE, step * (0.5 + jitter(f"breaker/{seed}", opens)))
