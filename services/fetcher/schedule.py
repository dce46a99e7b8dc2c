"""When each source is due, in story time, and what pushes that back.

`after_success` and `after_failure` are the policy: pure functions, deterministic (jitter comes from the source id), so
a demo and a repeated poll plan the same. A later policy that asks sources in proportion to the root of their rate
replaces `interval_of` and nothing else: floors and jitter stay. `Schedule` is the queue.

Server wishes are floors: Retry-After on any failure, Cache-Control max-age less Age (else Expires less Date) on 200,
304 and 429. Both are capped, so that a mistake of a server cannot silence a source for good.

Sources: RFC 9111 section 4.2 (freshness), RFC 9110 section 10.2.3 (Retry-After), "Exponential Backoff And Jitter"
(AWS Architecture Blog, 2015: full jitter).
"""

from __future__ import annotations

import hashlib
import heapq
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from services.fetcher.sources import Source

LONGEST_WAIT = timedelta(hours=24)
"""Of a back-off and of what a server may ask for."""

GONE_WAIT = timedelta(days=7)
"""A source that said 410 is looked at once a week: some come back, and an operator sees it meanwhile."""

MOST_DOUBLINGS = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """How often sources are asked: `interval` where a source states none, `jitter` as a share of it."""

    interval: timedelta
    jitter: float = 0.05
    spread: timedelta = timedelta()

    def interval_of(self, source: Source) -> timedelta:
        """The usual time between two polls of `source`."""
        return source.interval or self.interval

    def first(self, source: Source, now: datetime) -> datetime:
        """When a source never asked before is due: spread by the hash of its id, so that a start is no herd."""
        return now + self.spread * share(source.id, "spread")

    def after_success(self, source: Source, now: datetime, floor: timedelta) -> datetime:
        """The next time after a poll that worked."""
        wander = 1 + self.jitter * (2 * share(source.id, now.isoformat()) - 1)
        return now + max(self.interval_of(source) * wander, floor)

    def after_failure(self, source: Source, now: datetime, failures: int, floor: timedelta) -> datetime:
        """The next time after the `failures`th failure in a row: full jitter above the usual interval."""
        usual = self.interval_of(source)
        most = max(usual, min(LONGEST_WAIT, usual * (1 << min(failures, MOST_DOUBLINGS))))
        wait = usual + (most - usual) * share(source.id, failures)
        return now + max(wait, floor)


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
    control = headers.get("cache-control", "")
    if _UNCACHED.search(control):
        return timedelta()
    match = _MAX_AGE.search(control)
    if match is not None:
        age = headers.get("age", "").strip()
        return _bounded(timedelta(seconds=int(match[1]) - (int(age) if _is_number(age) else 0)))
    expires, date = http_date(headers.get("expires", "")), http_date(headers.get("date", ""))
    return _bounded(expires - date) if expires and date else timedelta()


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
