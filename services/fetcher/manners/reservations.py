"""What a site reserves of text and data mining in `/.well-known/tdmrep.json` (TDM Reservation Protocol, W3C community
group report of 10 May 2024), asked for once a day for each site whose articles are fetched.

A list of rules: a `location` (a path pattern as in robots.txt, the longest that matches counts, of two that are equally
long the one that reserves) and a `tdm-reservation` of 1 or 0. Rights are reserved by saying so: a file that is not
there, is no such list or cannot be had reserves nothing, and the last good copy stays in force while it cannot be had.

The text of a page that is reserved is not read (the extractor sees to that, and to what the page itself says); feeds
are, since an outlet hands them out for that. Left out on purpose: `tdm-policy`, which is between people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
import structlog

from services.fetcher.manners.ask import LedElsewhere, Request, insist
from services.fetcher.manners.pace import HostPaused, Pace
from services.fetcher.manners.robots import origin_of
from services.fetcher.manners.robots_rules import matches, pattern_of, readings_of
from services.fetcher.manners.tally import Asks
from services.fetcher.tables import RESERVATIONS
from shared.clock import Clock
from shared.db import Database, upsert
from shared.http import HttpFailure, Limits
from shared.reservations import MINING

log = structlog.get_logger()

PLACE = "/.well-known/tdmrep.json"
KEPT, AGAIN = timedelta(hours=24), timedelta(hours=1)
"""A day, as for robots.txt; an hour where the file could not be had."""
LARGEST = 262_144
MOST_RULES = 1_000
MOST_KEPT = 2_000
LIMITS = Limits(total=15.0, body=LARGEST, redirects=5)


class Rule(msgspec.Struct, frozen=True, array_like=True):
    """A path pattern in the one spelling, and whether it reserves."""

    pattern: str
    reserves: bool


@dataclass(frozen=True, slots=True)
class _File:
    rules: tuple[Rule, ...]
    until: datetime


@dataclass(slots=True)
class Reservations:
    """The files of the sites in use."""

    door: Asks
    pace: Pace
    database: Database
    real: Clock
    _files: dict[str, _File] = field(default_factory=dict)
    _asking: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def of(self, url: str, spacing: timedelta | None = None) -> tuple[str, ...]:
        """What is reserved of an address: `tdm-reservation`, or nothing. Raises DatabaseUnavailable."""
        origin = origin_of(url)
        async with self._asking.setdefault(origin, asyncio.Lock()):
            file = self._files.get(origin) or await self._stored(origin)
            if file is None or self.real.now() >= file.until:
                file = await self._fetch(origin, file, spacing)
            self._remember(origin, file)
        return (MINING,) if is_reserved(file.rules, url) else ()

    async def _fetch(self, origin: str, before: _File | None, spacing: timedelta | None) -> _File:
        rules = await self._ask(origin, spacing)
        had = rules is not None
        found = rules if rules is not None else before.rules if before is not None else ()
        file = _File(found, self.real.now() + (KEPT if had else AGAIN))
        row = {"origin": origin, "until": file.until, "rules": msgspec.json.encode(file.rules).decode()}
        async with self.database.transaction() as connection:
            await connection.execute(upsert(RESERVATIONS, row, connection.dialect.name, keys=("origin",)))
        log.info("reservations_checked", origin=origin, reachable=had, rules=len(file.rules))
        return file

    async def _ask(self, origin: str, spacing: timedelta | None) -> tuple[Rule, ...] | None:
        """The rules, none where there is no file, None where that cannot be said."""
        request = Request(url=f"{origin}{PLACE}", headers={}, limits=LIMITS, truncate=True, spacing=spacing)
        try:
            response = await insist(self.door, self.pace, request)
        except (LedElsewhere, HostPaused, HttpFailure):
            return None
        if 200 <= response.status < 300:
            return () if response.truncated else parse(response.body)
        return () if 300 <= response.status < 500 and response.status != 429 else None

    async def _stored(self, origin: str) -> _File | None:
        query = sa.select(RESERVATIONS).where(RESERVATIONS.c.origin == origin)
        async with self.database.reading() as connection:
            row = (await connection.execute(query)).first()
        return _File(_RULES.decode(row.rules), row.until) if row is not None else None

    def _remember(self, origin: str, file: _File) -> None:
        if len(self._files) >= MOST_KEPT:
            self._files.pop(next(iter(self._files)))
        self._files[origin] = file
        for name in [name for name, lock in self._asking.items() if not lock.locked() and name not in self._files]:
            del self._asking[name]


def parse(body: bytes) -> tuple[Rule, ...]:
    """The rules of a file, the most specific first; what is no rule is passed over."""
    try:
        told: Any = msgspec.json.decode(body.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    found = _rules(told if isinstance(told, list) else [told])
    return tuple(sorted(found, key=lambda one: (-len(one.pattern), not one.reserves)))


def _rules(told: Iterable[Any]) -> Iterator[Rule]:
    for one, _ in zip(told, range(MOST_RULES), strict=False):
        place = one.get("location") if isinstance(one, dict) else None
        said = str(one.get("tdm-reservation")).strip() if isinstance(place, str) else ""
        if isinstance(place, str) and place.startswith(("/", "*")) and said in ("0", "1"):
            yield Rule(pattern_of(place), said == "1")


def is_reserved(rules: Iterable[Rule], url: str) -> bool:
    """Whether the first rule that matches an address reserves it."""
    readings = readings_of(url)
    return next((one.reserves for one in rules if any(matches(one.pattern, path) for path in readings)), False)


_RULES = msgspec.json.Decoder(tuple[Rule, ...])
