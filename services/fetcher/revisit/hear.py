"""Hears of alerts: their articles are looked at again while their stories live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from services.fetcher.alarm import Alarm
from services.fetcher.revisit import plan, row
from services.fetcher.revisit.plan import TEMPOS, Tempo
from services.fetcher.sources import Edits, Source
from shared.clock import Clock
from shared.db import Database
from shared.events import AlertRaised


@dataclass(slots=True, kw_only=True)
class Hearing:
    """Which articles are followed, and how closely: `edits` where a source does not say. `sources` gives the sources as
    they stand now; `alarm` rings when visits were planned."""

    database: Database
    story: Clock
    sources: Callable[[], Mapping[str, Source]]
    edits: Edits
    alarm: Alarm = field(default_factory=Alarm)

    async def hear(self, alerts: Sequence[AlertRaised]) -> None:
        """Take note of alerts. Raises DatabaseUnavailable, with nothing written."""
        async with self.database.transaction() as connection:
            for alert in alerts:
                await self._hear(connection, alert)
        self.alarm.ring()

    async def _hear(self, connection: AsyncConnection, alert: AlertRaised) -> None:
        article, now = alert.article, self.story.now()
        for known in await row.named(connection, article.source.id, article.url, alert.story_id):
            tempo = self.tempo_of(known.source_id)
            told = plan.heard(known, alert, tempo, now) if tempo is not None else known
            if told != known:
                await row.note(
                    connection, known.entry_id, article_id=told.article_id, story_id=told.story_id, due=told.due,
                    live_until=told.live_until, quiet=told.quiet,
                )  # fmt: skip

    def edits_of(self, source_id: str) -> Edits:
        """How closely the articles of a source are followed now."""
        source = self.sources().get(source_id)
        if source is None or source.paused:
            return Edits.OFF
        return source.edits or self.edits

    def tempo_of(self, source_id: str) -> Tempo | None:
        """The same as a tempo, None for not at all."""
        return TEMPOS.get(self.edits_of(source_id))
