"""What the fetcher knows, read in one go: the commands look at this and write nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, ProgrammingError

from services.fetcher import store
from services.fetcher.manners.robots_rules import allows, parse
from services.fetcher.settings import FetcherSettings
from services.fetcher.sources import Source, Sources, load_sources
from services.fetcher.store import SourceState
from services.fetcher.tables import HEAT, PAUSES, REQUESTS, ROBOTS
from shared import log
from shared.db import Database, DatabaseUnavailable, open_database
from shared.errors import Misconfigured
from shared.settings import CommonSettings, load, plain
from shared.urls import host_of, registered_domain


@dataclass(frozen=True, slots=True)
class View:
    """The sources of the file and their states; robots files by origin, pauses by name, requests and heat as rows."""

    settings: FetcherSettings
    common: CommonSettings
    now: datetime
    sources: Sources
    states: Mapping[str, SourceState]
    robots: Mapping[str, Any] = field(default_factory=dict)
    pauses: Mapping[str, datetime] = field(default_factory=dict)
    heat: Mapping[str, datetime] = field(default_factory=dict)
    requests: Sequence[Any] = ()

    def named(self, source_id: str) -> Source:
        """The source of that id. Raises Misconfigured."""
        if source_id not in self.sources:
            close = ", ".join(name for name in self.sources if source_id[:3] in name) or "see wirewatch sources status"
            raise Misconfigured(f"no source {source_id!r} in {self.settings.sources_path}: {close}")
        return self.sources[source_id]

    def robots_of(self, url: str) -> str:
        """What the robots file that was kept says of an address."""
        row = self.robots.get(origin(url))
        if row is None:
            return "not asked yet"
        if row.rules is None:
            return "cannot be had"
        return "allowed" if allows(parse(row.rules, self.settings.robots_agent), url) else "denied"

    def paused_until(self, url: str) -> datetime | None:
        """Until when the host or the domain of an address is left alone (real time)."""
        names = (f"host:{host_of(url).removeprefix('www.')}", f"domain:{registered_domain(url)}")
        return max((self.pauses[name] for name in names if name in self.pauses), default=None)


def viewed(domain: str = "") -> View:
    """The view of the database that the settings name, with the requests to `domain`. Raises Misconfigured."""
    common = load(CommonSettings)
    log.configure(level="error", json=common.log_json)
    settings = load(FetcherSettings)
    sources = load_sources(settings.sources_path)
    try:
        return asyncio.run(_opened(common, settings, sources, domain))
    except DatabaseUnavailable as error:
        raise Misconfigured(f"the database does not answer: {error}") from error
    except (OperationalError, ProgrammingError) as error:
        place = plain(common.database_url)
        raise Misconfigured(f"the database {place} is not prepared for this version: run wirewatch init") from error


async def _opened(common: CommonSettings, settings: FetcherSettings, sources: Sources, domain: str) -> View:
    database = open_database(common.database_url)
    try:
        return await _read(database, common, settings, sources, domain)
    finally:
        await database.close()


async def _read(
    database: Database, common: CommonSettings, settings: FetcherSettings, sources: Sources, domain: str
) -> View:
    now = datetime.now(UTC)
    wanted = sa.select(REQUESTS).where(REQUESTS.c.domain == domain).order_by(REQUESTS.c.day)
    newest = sa.select(HEAT.c.source_id, sa.func.max(HEAT.c.heated)).group_by(HEAT.c.source_id)
    async with database.reading() as connection:
        return View(
            settings, common, now, sources, await store.source_states(connection),
            {row.origin: row for row in await connection.execute(sa.select(ROBOTS))},
            {row.name: row.until for row in await connection.execute(sa.select(PAUSES)) if row.until > now},
            {source_id: at for source_id, at in await connection.execute(newest)},  # noqa: C416 - rows are no pairs to mypy
            (await connection.execute(wanted)).all() if domain else (),
        )  # fmt: skip


def origin(url: str) -> str:
    """Scheme, host and port: each has a robots file of its own."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def shown(moment: datetime | None) -> str | None:
    """A time for people: RFC 3339 to the second, in UTC."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"
