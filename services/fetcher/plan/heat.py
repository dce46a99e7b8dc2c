"""Sources that carry a hot story are polled faster for a while.

Each alert that tells something new heats every source that carried its story in the last day: those whose articles
alerts were raised of. The heat stands in SQL, so that a restart forgets nothing, and fades by half every two hours; it
multiplies the rate that is expected of a source, so polls come up to four times as often and the budget of the others
stays what it is.

Left out on purpose: sources whose interval is stated, and servers' wishes, which hold for hot stories, too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.tables import HEAT
from shared.clock import Clock
from shared.db import Database, among, upsert_many
from shared.events import AlertKind, AlertRaised, AlertState, Mode
from shared.step import Outcome, Step, Work
from shared.topics import GROUPS

log = structlog.get_logger()

GROUP = "fetcher"
HOTTEST = 16.0
"""By how much more than its rhythm a source is worth in the moment of an alert: four times the polls."""

HALF_LIFE = timedelta(hours=2)
FORGOTTEN = timedelta(hours=12)
"""Six half-lives: polls are a tenth more frequent then."""

CARRIED = timedelta(days=1)
"""How long a source counts as carrying a story after an alert named it."""

NEWS = frozenset({AlertState.OPEN, AlertState.UPDATE})


class HeatOutcome(StrEnum):
    """How an alert ended here; exactly one of these."""

    HEATED = "heated"
    NOT_LIVE = "not_live"
    NO_NEWS = "no_news"
    LATE = "late"


async def _nobody(_: Sequence[AlertRaised]) -> None:
    """Where nobody else wants to hear."""


@dataclass(slots=True)
class Heat:
    """Which sources are hot. `told` hears of sources that just became hotter, `heard` of every alert: the group reads
    them once for all of the fetcher."""

    database: Database
    story: Clock
    told: Callable[[Collection[str]], None] = field(default=lambda _: None)
    heard: Callable[[Sequence[AlertRaised]], Awaitable[None]] = _nobody
    _since: dict[str, datetime] = field(default_factory=dict)

    def step(self) -> Step:
        """For the consume loop."""
        return Step(group=GROUP, topics=GROUPS[GROUP], outcomes=HeatOutcome, handle_batch=self.handle)

    async def load(self, connection: AsyncConnection) -> None:
        """Take up what an earlier process, or another one, has heard."""
        newest = sa.select(HEAT.c.source_id, sa.func.max(HEAT.c.heated)).group_by(HEAT.c.source_id)
        for source_id, at in await connection.execute(newest):
            self._note(source_id, at)

    def of(self, source_id: str, now: datetime) -> float:
        """By how much more than usual a source is worth now: 1 where it is not hot, at most `HOTTEST`."""
        since = self._since.get(source_id)
        if since is None or now - since >= FORGOTTEN:
            return 1.0
        return 1 + (HOTTEST - 1) * float(0.5 ** (max(timedelta(), now - since) / HALF_LIFE))

    def hot(self, now: datetime) -> list[str]:
        """The sources that are hot now. Forgets those that were."""
        for source_id in [name for name, since in self._since.items() if now - since >= FORGOTTEN]:
            del self._since[source_id]
        return list(self._since)

    async def handle(self, works: Sequence[Work]) -> list[Outcome]:
        """One outcome an alert. Raises DatabaseUnavailable, with nothing written."""
        now = self.story.now()
        outcomes = [_outcome(work.event, now) for work in works]
        alerts = [work.event for work, label in zip(works, outcomes, strict=True) if label is HeatOutcome.HEATED]
        if alerts:
            await self._take_in(alerts)
        await self.heard([work.event for work in works])
        return [Outcome(label) for label in outcomes]

    async def _take_in(self, alerts: Sequence[AlertRaised]) -> None:
        newest = max(alert.observed for alert in alerts)
        async with self.database.transaction() as connection:
            carriers = heated(await _carriers(connection, alerts), alerts)
            statement = upsert_many(HEAT, connection.dialect.name, keys=("story_id", "source_id"))
            await connection.execute(statement, [asdict(one) for one in carriers])
            await connection.execute(sa.delete(HEAT).where(HEAT.c.carried < newest - CARRIED - FORGOTTEN))
        for one in carriers:
            self._note(one.source_id, one.heated)
        warmer = {one.source_id for one in carriers}
        log.info("sources_heated", stories=len({one.story_id for one in carriers}), sources=len(warmer))
        self.told(warmer)

    def _note(self, source_id: str, at: datetime) -> None:
        self._since[source_id] = max(at, self._since.get(source_id, at))


def _outcome(alert: AlertRaised, now: datetime) -> HeatOutcome:
    if alert.mode is not Mode.LIVE:
        return HeatOutcome.NOT_LIVE
    if alert.state not in NEWS or alert.kind is AlertKind.SILENCE:
        return HeatOutcome.NO_NEWS
    return HeatOutcome.HEATED if now - alert.observed < FORGOTTEN else HeatOutcome.LATE


@dataclass(frozen=True, slots=True)
class Carrier:
    """A source that carried a story: a row of `fetcher_heat`."""

    story_id: str
    source_id: str
    carried: datetime
    heated: datetime


async def _carriers(connection: AsyncConnection, alerts: Sequence[AlertRaised]) -> list[Carrier]:
    """Who is known to carry the stories of these alerts."""
    stories = {alert.story_id for alert in alerts}
    query = sa.select(HEAT).where(among(HEAT.c.story_id, stories, connection.dialect.name))
    return [Carrier(**row._asdict()) for row in await connection.execute(query)]


def heated(known: Sequence[Carrier], alerts: Sequence[AlertRaised]) -> list[Carrier]:
    """The carriers whose heat the alerts change: the source of each alert, and who carried its story in the day
    before."""
    rows = {(one.story_id, one.source_id): one for one in known}
    changed: set[tuple[str, str]] = set()
    for alert in alerts:
        at, own = alert.observed, (alert.story_id, alert.article.source.id)
        before = rows.get(own)
        carried = max(at, before.carried) if before else at
        rows[own] = Carrier(*own, carried, before.heated if before else at)
        for key, one in rows.items():
            if one.story_id == alert.story_id and at - one.carried <= CARRIED:
                rows[key] = replace(one, heated=max(at, one.heated))
                changed.add(key)
    return [rows[key] for key in sorted(changed)]
