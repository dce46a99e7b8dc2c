"""What judging is told from outside a watch: how much every source published, and how fetching it went.

The volume step of the alerter counts; judging reads it once a batch, for the rules that need shares or silences, and
not more than once a minute of story time. Only as many hours as these rules look back are read, 35 days at most; in
memory that is about 150 bytes for every hour in which a source published anything.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerter import volumes
from services.alerter.rules import Rule, WatchRules
from services.alerter.volumes import KEPT, SourceState
from shared.events import AlertKind


@dataclass(frozen=True, slots=True)
class Outside:
    """Articles by hour and source, and the state of every source. Empty where nobody counts (a back-test)."""

    volumes: Mapping[tuple[datetime, str], int] = field(default_factory=dict)
    sources: Mapping[str, SourceState] = field(default_factory=dict)
    _hours: dict[datetime, int] = field(default_factory=dict, compare=False)

    def by_hour(self) -> Mapping[datetime, int]:
        """Articles of all sources by hour; added up when first asked for."""
        if not self._hours:
            for (hour, _), articles in self.volumes.items():
                self._hours[hour] = self._hours.get(hour, 0) + articles
        return self._hours


NOTHING = Outside()
SILENT_FOR = timedelta(hours=6)
"""How long a source must say nothing, where a rule does not say."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SLACK = 2 * HOUR
"""How much further than a rule itself the volumes look back: watches are not at the very same time."""
SETTLED = 3 * HOUR
"""Hours that ended so long ago are read again once a day only: what history adds to them makes little difference."""


def looks_back(rule: Rule) -> timedelta:
    """How much of the volumes a rule needs; none for most kinds."""
    if rule.kind is AlertKind.BURST:
        return min(KEPT, (rule.baseline or KEPT) + DAY)
    if rule.kind is AlertKind.SILENCE:
        return min(KEPT, 4 * (rule.lasting or SILENT_FOR) + SLACK)
    return timedelta()


class Lookout:
    """The outside as one process last saw it."""

    def __init__(self) -> None:
        self._seen = NOTHING
        self._span = timedelta()
        self._at: datetime | None = None
        self._since: datetime | None = None
        self._whole: datetime | None = None

    async def look(self, connection: AsyncConnection, watches: Collection[WatchRules], now: datetime) -> Outside:
        """What is to be known at the story time `now` for the rules of these watches."""
        span = max((looks_back(rule) for watch in watches for rule in watch.rules), default=timedelta())
        if not span:
            return NOTHING
        self._span = max(span, self._span)
        since = hour_of(now - self._span)
        if self._at is None or now - self._at >= MINUTE or self._is_before(since):
            await self._read(connection, since, now)
        return self._seen

    def _is_before(self, since: datetime) -> bool:
        """Whether a watch that is behind the others needs hours that were not read."""
        return self._since is None or self._since - since > SLACK

    async def _read(self, connection: AsyncConnection, since: datetime, now: datetime) -> None:
        kept: Mapping[tuple[datetime, str], int] = {}
        begin = since
        if self._at is None or self._is_before(since) or self._is_old(now):
            self._whole = now
        else:
            begin = max(since, hour_of(self._at - SETTLED))
            kept = {key: articles for key, articles in self._seen.volumes.items() if since <= key[0] < begin}
        found = await volumes.by_hour(connection, begin, now)
        self._seen = Outside({**kept, **found}, await volumes.states(connection))
        self._since, self._at = since, now

    def _is_old(self, now: datetime) -> bool:
        return self._whole is None or now - self._whole >= DAY or now < self._whole


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour."""
    return moment.replace(minute=0, second=0, microsecond=0)
