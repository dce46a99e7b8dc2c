"""Wiring of the matching step."""

from __future__ import annotations

import asyncio

from services.alerter.match import answer, count, match
from services.alerter.match.in_force import Watches
from services.alerter.match.outcomes import AnswerOutcome, CountOutcome, MatchOutcome
from services.alerter.settings import MatchSettings
from shared import events
from shared.codec import encode
from shared.finish import patiently
from shared.run import Parts, Service
from shared.step import Step
from shared.topics import ARTICLES_EXTRACTED, GROUPS, OPERATORS_ASKED

COUNTED_AT_ONCE = 256
"""Records of a partition counted in one transaction: few commits after an outage, little to repeat."""
COUNTED_BYTES = 16 * 1024 * 1024


async def build(settings: MatchSettings, parts: Parts) -> Service:
    """The service: watches are published and loaded before the first article. The tables must exist (`init`)."""
    publisher = await patiently("match", parts.bus.publisher)

    async def announce(event: events.OperatorAsked) -> None:
        await publisher.publish([encode(event)])

    watches = Watches(parts.database, settings.pack, parts.real, announce)
    await watches.start()

    async def reload(stop: asyncio.Event) -> None:
        await watches.watch(stop, settings.watch_poll.total_seconds(), parts.health.pulse("match:reload"))

    step = Step(
        group="match",
        topics=(ARTICLES_EXTRACTED,),
        outcomes=MatchOutcome,
        handle=match.make(lambda: watches.engine, parts.real, match.knowing_from(parts.database)),
        in_flight=settings.match_in_flight,
    )
    asked = Step(
        group="watches",
        topics=(OPERATORS_ASKED,),
        outcomes=AnswerOutcome,
        handle=answer.make(watches, parts.database, parts.real),
        in_flight=1,
    )
    counted = Step(
        group="volumes",
        topics=GROUPS["volumes"],
        outcomes=CountOutcome,
        handle_batch=count.make(parts.database),
        fenced=True,
        batch=COUNTED_AT_ONCE,
        in_flight=2 * COUNTED_AT_ONCE,
        in_flight_bytes=COUNTED_BYTES,
        rest=settings.count_every.total_seconds(),
    )
    return Service(name="match", steps=(step, asked, counted), tasks={"reload": reload}, close=publisher.close)
