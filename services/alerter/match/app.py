"""Wiring of the matching step."""

from __future__ import annotations

import asyncio

from services.alerter.match import match
from services.alerter.match.outcomes import MatchOutcome
from services.alerter.match.publish import Watches
from services.alerter.settings import MatchSettings
from shared.run import Parts, Service
from shared.step import Step
from shared.topics import ARTICLES_EXTRACTED


async def build(settings: MatchSettings, parts: Parts) -> Service:
    """The service: watches are published and loaded before the first article. The tables must exist (`init`)."""
    watches = Watches(parts.database, settings.pack, parts.real)
    await watches.start()

    async def reload(stop: asyncio.Event) -> None:
        await watches.watch(stop, settings.watch_poll.total_seconds())

    step = Step(
        group="match",
        topics=(ARTICLES_EXTRACTED,),
        outcomes=MatchOutcome,
        handle=match.make(lambda: watches.engine, parts.real),
        in_flight=settings.match_in_flight,
    )
    return Service(name="match", steps=(step,), tasks={"reload": reload})
