"""What a site asks robots to leave alone (RFC 9309), kept for a day, or for as short as its server says, and across
restarts.

A file that is there is parsed (`robots_rules`); one that is not (any 4xx, too many redirects) allows everything;
one that cannot be had (5xx, 429, no answer) forbids everything for now, unless a good copy is at hand, and is treated
as absent when that lasts for thirty days. 429 counts as "cannot be had": a site that is short of breath has not said
that everything is allowed.

Cache-Control and Expires of the file count (section 2.4), between five minutes, so that a file which nobody may keep is
not asked for with every page, and a day. Those of an error page do not: they are no wish about a file.

Left out on purpose: meta robots (the extractor reads pages).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog

from services.fetcher.manners.ask import LedElsewhere, Request, Verdict, insist
from services.fetcher.manners.pace import Pace
from services.fetcher.manners.robots_rules import PARSED, Rules, allows, parse, sitemaps, text_of
from services.fetcher.manners.tally import Asks
from services.fetcher.plan.schedule import lifetime
from services.fetcher.tables import ROBOTS
from shared.clock import Clock
from shared.db import Database, upsert
from shared.http import FailureKind, HttpFailure, Limits
from shared.urls import host_of

log = structlog.get_logger()

KEPT = timedelta(hours=24)
UNREACHABLE_FOR = timedelta(days=30)
"""RFC 9309 sections 2.4 and 2.3.1.4."""

SHORTEST = timedelta(minutes=5)

AGAIN, AGAIN_LATER = timedelta(minutes=1), timedelta(hours=1)
"""Before a file that could not be had is asked for again: the longer it has failed, the later, up to an hour."""

LONGEST_DELAY = timedelta(seconds=30)
"""Of a crawl-delay, which is no part of the RFC and sometimes a day."""

MOST_KEPT = 2_000
AWAY = 100_000
"""Characters from which parsing leaves the event loop for a thread."""

LIMITS = Limits(total=15.0, body=PARSED + 1, redirects=5)
"""One byte more than is read, which tells that there is more. Redirects: section 2.3.1.2."""


@dataclass(frozen=True, slots=True)
class _File:
    """A robots file: `rules` of the last good copy (None: never had one), since when tries have failed, and until when
    its server lets it be kept (None: it did not say)."""

    checked: datetime
    failing_since: datetime | None
    rules: Rules | None
    fresh_until: datetime | None = None

    def fresh(self, now: datetime) -> bool:
        if self.failing_since is None:
            return now < min(self.fresh_until or now + KEPT, self.checked + KEPT)
        return now - self.checked < min(max(AGAIN, (self.checked - self.failing_since) / 4), AGAIN_LATER)

    def verdict(self, url: str) -> Verdict:
        if self.rules is None:
            return Verdict(allowed=False, reachable=False)
        wanted = min(self.rules.delay or 0.0, LONGEST_DELAY.total_seconds())
        return Verdict(allows(self.rules, url), delay=timedelta(seconds=wanted) or None)


@dataclass(slots=True)
class Robots:
    """The robots files of the sites in use. `agent` is the bare product name."""

    door: Asks
    pace: Pace
    database: Database
    real: Clock
    agent: str
    _files: dict[str, _File] = field(default_factory=dict)
    _asking: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def verdict(self, url: str, spacing: timedelta | None = None) -> Verdict:
        """Whether `url` may be fetched. Raises DatabaseUnavailable."""
        origin = origin_of(url)
        lock = self._asking.setdefault(origin, asyncio.Lock())
        async with lock:
            file = self._files.get(origin) or await self._stored(origin)
            if file is None or not file.fresh(self.real.now()):
                file = await self._fetch(origin, file, spacing)
            self._remember(origin, file)
        return file.verdict(url)

    def allows_at_once(self, url: str) -> bool:
        """Whether the file at hand allows `url`; False where one would have to be asked for first."""
        file = self._files.get(origin_of(url))
        return file is not None and file.fresh(self.real.now()) and file.verdict(url).allowed

    async def sitemaps(self, url: str) -> tuple[str, ...]:
        """The Sitemap lines of the file that speaks for `url`, as it was had last. Raises DatabaseUnavailable."""
        query = sa.select(ROBOTS.c.rules).where(ROBOTS.c.origin == origin_of(url))
        async with self.database.reading() as connection:
            text = await connection.scalar(query)
        return sitemaps(text) if text else ()

    async def _fetch(self, origin: str, before: _File | None, spacing: timedelta | None) -> _File:
        text, life = await self._ask(origin, spacing)
        now = self.real.now()
        until = None if life is None else now + max(life, SHORTEST)
        file = _unreachable(before, now) if text is None else _File(now, None, await self._parsed(text), until)
        await self._store(origin, file, text)
        log.info("robots_checked", origin=origin, reachable=text is not None, bytes=len(text or ""))
        return file

    async def _ask(self, origin: str, spacing: timedelta | None) -> tuple[str | None, timedelta | None]:
        """The text, "" where there is none, None where that cannot be said; and how long the server lets it be kept,
        None where it does not say."""
        request = Request(url=f"{origin}/robots.txt", headers={}, limits=LIMITS, truncate=True, spacing=spacing)
        try:
            response = await insist(self.door, self.pace, request)
        except LedElsewhere:
            return None, None
        except HttpFailure as failure:
            return ("" if _says_nothing(failure, origin) else None), None
        if 200 <= response.status < 300:
            return text_of(response.body), lifetime(response.headers)
        return ("" if 300 <= response.status < 500 and response.status != 429 else None), None

    async def _parsed(self, text: str) -> Rules:
        return parse(text, self.agent) if len(text) < AWAY else await asyncio.to_thread(parse, text, self.agent)

    async def _stored(self, origin: str) -> _File | None:
        async with self.database.reading() as connection:
            row = (await connection.execute(sa.select(ROBOTS).where(ROBOTS.c.origin == origin))).first()
        if row is None:
            return None
        rules = None if row.rules is None else await self._parsed(row.rules)
        return _File(row.checked, row.failing_since, rules, row.fresh_until)

    async def _store(self, origin: str, file: _File, text: str | None) -> None:
        row = {"origin": origin, "checked": file.checked, "failing_since": file.failing_since,
               "fresh_until": file.fresh_until}  # fmt: skip
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
        return _File(now, since, Rules())
    return _File(now, since, before.rules if before else None)


def _says_nothing(failure: HttpFailure, origin: str) -> bool:
    """Too many redirects count as no file (section 2.3.1.2). Where the guard lets nobody go the page is not fetched
    either; but a redirect to such a place says nothing about the pages here."""
    if failure.kind is FailureKind.REFUSED:
        return host_of(failure.url) == host_of(origin)
    return failure.kind is FailureKind.TOO_MANY_REDIRECTS


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, without whom it names."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{re.sub(r'^.*@', '', parts.netloc)}".lower()
