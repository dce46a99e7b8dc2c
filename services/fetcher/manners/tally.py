"""What was asked of every registered domain, by day: for the operator, and for the publisher who asks.

Counted where the request is made, with its redirects, and written with the next landing; 90 days are kept. Days are
those of real time in UTC, bytes are those of bodies after decoding. `closest` is the shortest time from the end of one
request to the begin of the next: the spacing that was kept.

Left out on purpose: what was asked of hubs, and single requests (the log has them).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.tables import REQUESTS
from shared.clock import Clock
from shared.http import FailureKind, HttpFailure, Limits, Response
from shared.urls import registered_domain

KEPT = timedelta(days=90)
MOST_DOMAINS = 4_096
"""Domains whose last request is remembered."""


class Asked(StrEnum):
    """What a request was for; `robots` is everything a site tells robots by: robots.txt and tdmrep.json."""

    FEED = "feed"
    PAGE = "page"
    ROBOTS = "robots"


class Answer(StrEnum):
    """How a request ended; exactly one of these."""

    OK = "ok"
    NOT_MODIFIED = "not_modified"
    REDIRECT = "redirect"
    THROTTLED = "throttled"
    CLIENT_ERROR = "client_error"
    SERVER_ERROR = "server_error"
    REFUSED = "refused"
    FAILED = "failed"


class Asks(Protocol):
    """As much of the door as the fetcher's requests need."""

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None,
        truncate: bool = False, within: Callable[[str], bool] | None = None, still: Callable[[], None] | None = None,
    ) -> Response:  # fmt: skip
        """The answer of the last hop. Raises HttpFailure and what `still` raises."""
        ...


@dataclass(frozen=True, slots=True)
class Counted:
    """The door, counting what goes through it."""

    door: Asks
    tally: Tally
    asked: Asked

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, limits: Limits | None = None,
        truncate: bool = False, within: Callable[[str], bool] | None = None, still: Callable[[], None] | None = None,
    ) -> Response:  # fmt: skip
        """As the door does it."""
        began: datetime | None = self.tally.real.now()
        try:
            response = await self.door.get(
                url, headers=headers, limits=limits, truncate=truncate, within=within, still=still
            )
        except HttpFailure as failure:
            self.tally.note(url, self.asked, failed(failure), began)
            raise
        places = [url, *(hop.location for hop in response.hops)]
        for place in places[:-1]:
            self.tally.note(place, self.asked, Answer.REDIRECT, began)
            began = None
        self.tally.note(places[-1], self.asked, answered(response.status), began, len(response.body))
        return response


def answered(status: int) -> Answer:
    """The class of a status."""
    if status == 304:
        return Answer.NOT_MODIFIED
    if status == 429:
        return Answer.THROTTLED
    for bound, answer in ((300, Answer.OK), (400, Answer.REDIRECT), (500, Answer.CLIENT_ERROR)):
        if status < bound:
            return answer
    return Answer.SERVER_ERROR


def failed(failure: HttpFailure) -> Answer:
    """`refused`: nothing was sent, the guard stopped it."""
    return Answer.REFUSED if failure.kind is FailureKind.REFUSED else Answer.FAILED


Key = tuple[str, str, Asked, Answer]


@dataclass(frozen=True, slots=True)
class Count:
    """Requests of one kind; `closest` in seconds, None where there was none before."""

    requests: int = 0
    bytes: int = 0
    closest: float | None = None


@dataclass(slots=True)
class Tally:
    """The counts that are not written yet."""

    real: Clock
    _counts: dict[Key, Count] = field(default_factory=dict)
    _ended: dict[str, datetime] = field(default_factory=dict)
    _trimmed: str = ""

    def note(self, url: str, asked: Asked, answer: Answer, began: datetime | None, size: int = 0) -> None:
        """A request ended just now; `began` None for one that a redirect led to."""
        domain, now = registered_domain(url), self.real.now()
        key = (domain, f"{now:%Y-%m-%d}", asked, answer)
        before, apart = self._counts.get(key, Count()), self._apart(domain, began)
        distances = [distance for distance in (before.closest, apart) if distance is not None]
        self._counts[key] = Count(before.requests + 1, before.bytes + size, min(distances, default=None))
        self._ended[domain] = now
        if len(self._ended) > MOST_DOMAINS:
            del self._ended[next(iter(self._ended))]

    def _apart(self, domain: str, began: datetime | None) -> float | None:
        last = self._ended.pop(domain, None)  # put in again, as the newest
        return max(0.0, (began - last).total_seconds()) if last is not None and began is not None else None

    def taken(self) -> dict[Key, Count]:
        """What there is to write. Give it to `wrote` once it is written."""
        return dict(self._counts)

    def wrote(self, taken: Mapping[Key, Count]) -> None:
        """Forget what was written; what was counted meanwhile stays."""
        for key, count in taken.items():
            now = self._counts[key]
            left = replace(now, requests=now.requests - count.requests, bytes=now.bytes - count.bytes)
            if left.requests:
                self._counts[key] = left
            else:
                del self._counts[key]

    async def write(self, connection: AsyncConnection, taken: Mapping[Key, Count]) -> None:
        """Add the counts to what stands, and once a day delete what is too old."""
        if taken:
            rows = [_row(key, count) for key, count in taken.items()]
            await connection.execute(_adding(connection.dialect.name), rows)
        today = f"{self.real.now():%Y-%m-%d}"
        if self._trimmed != today:
            oldest = f"{self.real.now() - KEPT:%Y-%m-%d}"
            await connection.execute(sa.delete(REQUESTS).where(REQUESTS.c.day < oldest))
            self._trimmed = today


def _row(key: Key, count: Count) -> dict[str, Any]:
    domain, day, asked, answer = key
    return {"domain": domain, "day": day, "asked": asked, "answer": answer, **asdict(count)}


def _adding(dialect: str) -> Any:
    """An insert that adds to the row that stands, to be executed with a list of rows."""
    statement = (sqlite if dialect == "sqlite" else postgresql).insert(REQUESTS)
    new, old = statement.excluded, REQUESTS.c
    closer = sa.or_(old.closest.is_(None), new.closest < old.closest)
    changed = {
        "requests": old.requests + new.requests, "bytes": old.bytes + new.bytes,
        "closest": sa.case((closer, new.closest), else_=old.closest),
    }  # fmt: skip
    return statement.on_conflict_do_update(index_elements=["domain", "day", "asked", "answer"], set_=changed)
