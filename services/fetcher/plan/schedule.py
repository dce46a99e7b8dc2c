"""When each source is due, in story time, and what pushes that back.

`usual`, `after_success` and `after_failure` are the policy: deterministic (jitter comes from the source id), so a demo
and a repeated poll plan the same. A source that states no interval is asked by its own rhythm: the more it publishes,
and the more at this hour, the sooner (`rhythm`), within what is allowed for all of them (`budget`). `Schedule` is the
queue.

Server wishes are floors: Retry-After on any failure, Cache-Control max-age less Age (else Expires less Date) on 200,
304 and 429. Both are capped, so that a mistake of a server cannot silence a source for good.

Sources: RFC 9111 section 4.2 (freshness), RFC 9110 section 10.2.3 (Retry-After), "Exponential Backoff And Jitter"
(AWS Architecture Blog, 2015: full jitter).
"""

from __future__ import annotations

import hashlib
import heapq
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

from services.fetcher.plan.budget import Budget
from services.fetcher.plan.rhythm import Rhythm, begun
from services.fetcher.sources import Source

SHORTEST_WAIT = timedelta(minutes=2)
"""Between two polls of a source whose interval nobody stated."""

MOST_POLLS = timedelta(days=1) // SHORTEST_WAIT

LONGEST_WAIT = timedelta(hours=24)
"""Of a rhythm, of a back-off and of what a server may ask for."""

GONE_WAIT = timedelta(days=7)
"""A source that said 410 is looked at once a week: some come back, and an operator sees it meanwhile."""

MOST_DOUBLINGS = 20

FELT = 2.0
"""Heat from which it is told as the reason for a poll."""


class Decider(StrEnum):
    """What decided when a source is polled next."""

    RHYTHM = "rhythm"
    HOT_STORY = "hot story"
    STATED = "stated interval"
    SERVER = "server's wish"
    BACK_OFF = "back-off"
    PUSHED = "pushed by a hub"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Plan:
    """How often sources are asked. `interval` is for those that state none; with none either, the rhythm and the
    `budget` decide. `jitter` is a share of the wait."""

    interval: timedelta = timedelta()
    jitter: float = 0.05
    spread: timedelta = timedelta()
    budget: Budget = field(default_factory=lambda: Budget(polls=96.0))

    def stated(self, source: Source) -> timedelta:
        """The interval at which `source` is to be polled come what may, zero when there is none."""
        return source.interval or self.interval

    def usual(self, source: Source, now: datetime, rhythm: Rhythm | None = None, heat: float = 1.0) -> timedelta:
        """The wait from `now` without jitter and wishes. The budget hears of it. `heat` is by how much more than its
        rhythm says the source is worth now (1: no more)."""
        stated = self.stated(source)
        if stated:
            self.budget.drop(source.id)
            return stated
        curve = (rhythm or begun((), now)).curve(now)
        self.budget.note(source.id, curve.mean * math.sqrt(source.weight))
        amount = self.budget.amount / math.sqrt(source.weight * heat)
        return max(SHORTEST_WAIT, curve.reach(now, amount, LONGEST_WAIT))

    def first(self, source: Source, now: datetime) -> datetime:
        """When a source never asked before is due: spread by the hash of its id, so that a start is no herd."""
        return now + self.spread * share(source.id, "spread")

    def after_success(
        self, source: Source, now: datetime, floor: timedelta, usual: timedelta | None = None
    ) -> datetime:
        """The next time after a poll that worked; `usual` as `Plan.usual` says where it is not given."""
        usual = usual or self.usual(source, now)
        wait = usual * (1 + self.jitter * (2 * share(source.id, now.isoformat()) - 1))
        return now + max(wait if self.stated(source) else min(max(wait, SHORTEST_WAIT), LONGEST_WAIT), floor)

    def after_failure(
        self, source: Source, now: datetime, failures: int, floor: timedelta, usual: timedelta | None = None
    ) -> datetime:
        """The next time after the `failures`th failure in a row: full jitter above the usual wait."""
        usual = usual or self.usual(source, now)
        most = max(usual, min(LONGEST_WAIT, usual * (1 << min(failures, MOST_DOUBLINGS))))
        wait = usual + (most - usual) * share(source.id, failures)
        return now + max(wait, floor)

    def decider(self, source: Source, wait: timedelta, floor: timedelta, failures: int, heat: float = 1.0) -> Decider:
        """What made the `wait` to the next poll as long as it is."""
        if floor and wait <= floor:
            return Decider.GONE if floor >= GONE_WAIT else Decider.SERVER
        if failures:
            return Decider.BACK_OFF
        if self.stated(source):
            return Decider.STATED
        return Decider.HOT_STORY if heat >= FELT else Decider.RHYTHM


def share(*parts: str | int) -> float:
    """A number in [0, 1) that looks random and follows from `parts`."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class Schedule:
    """Sources by the time they are due. What was taken is not due again until it is put back."""

    def __init__(self) -> None:
        self._due: dict[str, datetime] = {}
        self._heap: list[tuple[datetime, str]] = []

    def put(self, source_id: str, due: datetime) -> None:
        """Make a source due at `due`, whatever stood before."""
        self._due[source_id] = due
        heapq.heappush(self._heap, (due, source_id))

    def drop(self, source_id: str) -> None:
        """Forget a source."""
        self._due.pop(source_id, None)

    def due(self, source_id: str) -> datetime | None:
        """When a source is due, None while it is taken or unknown."""
        return self._due.get(source_id)

    def next_due(self) -> datetime | None:
        """When the earliest is due, None when none waits."""
        while self._heap and self._due.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)  # moved or dropped since
        return self._heap[0][0] if self._heap else None

    def take_due(self, now: datetime) -> Iterator[tuple[str, datetime]]:
        """Take out everything due at `now`, with the time it was due, the earliest first."""
        while (due := self.next_due()) is not None and due <= now:
            _, source_id = heapq.heappop(self._heap)
            del self._due[source_id]
            yield source_id, due

    def __contains__(self, source_id: object) -> bool:
        return source_id in self._due


# -- what servers wish --------------------------------------------------------------------------------------------

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_UNCACHED = re.compile(r"(?:^|[,\s])no-(?:cache|store)\b", re.IGNORECASE)


def freshness(headers: Mapping[str, str]) -> timedelta:
    """How long the server says its answer stays fresh; zero when it says nothing usable."""
    return lifetime(headers) or timedelta()


def lifetime(headers: Mapping[str, str]) -> timedelta | None:
    """The same, None when the server says nothing usable: zero is what it says then (RFC 9111 sections 4.2.1 and
    5.2.2; `no-cache` wants to be asked each time)."""
    control = headers.get("cache-control", "")
    if _UNCACHED.search(control):
        return timedelta()
    match = _MAX_AGE.search(control)
    if match is not None:
        age = headers.get("age", "").strip()
        return _bounded(timedelta(seconds=int(match[1]) - (int(age) if _is_number(age) else 0)))
    expires, date = http_date(headers.get("expires", "")), http_date(headers.get("date", ""))
    return _bounded(expires - date) if expires and date else None


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How long the server asks to be left alone, in seconds or as a date held against its own Date, else `now`."""
    text = headers.get("retry-after", "").strip()
    if _is_number(text):
        return _bounded(timedelta(seconds=int(text)))
    moment = http_date(text)
    return _bounded(moment - (http_date(headers.get("date", "")) or now)) if moment else timedelta()


def http_date(text: str) -> datetime | None:
    """Any of the three forms of RFC 9110 section 5.6.7."""
    if len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _bounded(wish: timedelta) -> timedelta:
    return min(max(wish, timedelta()), LONGEST_WAIT)
