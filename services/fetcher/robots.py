"""What a site asks robots to leave alone (RFC 9309), kept for a day and across restarts.

A file that is there is parsed (its first 500 KiB); one that is not (any 4xx, too many redirects) allows everything;
one that cannot be had (5xx, 429, no answer) forbids everything for now, unless a good copy is at hand, and is treated
as absent when that lasts for thirty days. 429 counts as "cannot be had": a site that is short of breath has not said
that everything is allowed.

Left out on purpose: `Sitemap` lines (nobody reads sitemaps yet) and meta robots (the extractor reads pages).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog
from protego import Protego

from services.fetcher.pace import Pace
from services.fetcher.tables import ROBOTS
from shared.clock import Clock
from shared.db import Database, upsert
from shared.http import Door, FailureKind, HttpFailure, Limits

log = structlog.get_logger()

KEPT = timedelta(hours=24)
UNREACHABLE_FOR = timedelta(days=30)
PARSED = 500 * 1024
"""RFC 9309 sections 2.4, 2.3.1.4 and 2.5."""

AGAIN = timedelta(minutes=1)
"""Before a file that could not be had is asked for again."""

LONGEST_DELAY = timedelta(seconds=30)
"""Of a crawl-delay, which is no part of the RFC and sometimes a day."""

NOTHING_TO_OBEY = frozenset({FailureKind.TOO_MANY_REDIRECTS, FailureKind.REFUSED})
"""Five redirects count as no file; where the guard lets nobody go, the page will not be fetched either."""

MOST_KEPT = 2_000
LIMITS = Limits(total=15.0, body=PARSED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a page may be fetched; `reachable` is False when nobody can say for now."""

    allowed: bool
    reachable: bool = True
    delay: timedelta | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """A robots file: `rules` of the last good copy (None: never had one), and since when tries have failed."""

    checked: datetime
    failing_since: datetime | None
    rules: Protego | None

    def fresh(self, now: datetime) -> bool:
        return now - self.checked < (AGAIN if self.failing_since else KEPT)

    def verdict(self, url: str, agent: str) -> Verdict:
        if self.rules is None:
            return Verdict(allowed=False, reachable=False)
        delay = self.rules.crawl_delay(agent)
        wanted = min(timedelta(seconds=float(delay)), LONGEST_DELAY) if delay else None
        return Verdict(bool(self.rules.can_fetch(url, agent)), delay=wanted)


@dataclass(slots=True)
class Robots:
    """The robots files of the sites in use. `agent` is the bare product name."""

    door: Door
    pace: Pace
    database: Database
    real: Clock
    agent: str
    _files: dict[str, _File] = field(default_factory=dict)
    _asking: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def verdict(self, url: str, spacing: timedelta | None = None) -> Verdict:
        """Whether `url` may be fetched. Raises DatabaseUnavailable."""
        origin = _origin(url)
        lock = self._asking.setdefault(origin, asyncio.Lock())
        async with lock:
            file = self._files.get(origin) or await self._stored(origin)
            if file is None or not file.fresh(self.real.now()):
                file = await self._fetch(origin, file, spacing)
            self._remember(origin, file)
        return file.verdict(url, self.agent)

    async def _fetch(self, origin: str, before: _File | None, spacing: timedelta | None) -> _File:
        text = await self._ask(origin, spacing)
        now = self.real.now()
        file = _unreachable(before, now) if text is None else _File(now, None, Protego.parse(text))
        await self._store(origin, file, text)
        log.info("robots_checked", origin=origin, reachable=text is not None, bytes=len(text or ""))
        return file

    async def _ask(self, origin: str, spacing: timedelta | None) -> str | None:
        """The text, "" where there is none, None where that cannot be said."""
        try:
            async with self.pace.turn(origin, spacing=spacing):
                response = await self.door.get(f"{origin}/robots.txt", limits=LIMITS, truncate=True)
        except HttpFailure as failure:
            return "" if failure.kind in NOTHING_TO_OBEY else None
        if 200 <= response.status < 300:
            return response.body.decode("utf-8-sig", "replace").replace("\x00", "")
        return "" if 300 <= response.status < 500 and response.status != 429 else None

    async def _stored(self, origin: str) -> _File | None:
        async with self.database.reading() as connection:
            row = (await connection.execute(sa.select(ROBOTS).where(ROBOTS.c.origin == origin))).first()
        if row is None:
            return None
        return _File(row.checked, row.failing_since, None if row.rules is None else Protego.parse(row.rules))

    async def _store(self, origin: str, file: _File, text: str | None) -> None:
        row = {"origin": origin, "checked": file.checked, "failing_since": file.failing_since}
        row |= {} if text is None else {"rules": text}
        async with self.database.transaction() as connection:
            await connection.execute(upsert(ROBOTS, row, connection.dialect.name, keys=("origin",)))

    def _remember(self, origin: str, file: _File) -> None:
        if len(self._files) >= MOST_KEPT:
            self._files.pop(next(iter(self._files)))
        self._files[origin] = file
        for name in [name for name, lock in self._asking.items() if not lock.locked() and name not in self._files]:
            del self._asking[name]


def _unreachable(before: _File | None, now: datetime) -> _File:
    """The last good copy, if any, for thirty days; after that the file counts as absent."""
    since = (before.failing_since or before.checked) if before else now
    if now - since > UNREACHABLE_FOR:
        return _File(now, since, Protego.parse(""))
    return _File(now, since, before.rules if before else None)


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{re.sub(r'^.*@', '', parts.netloc)}".lower()
