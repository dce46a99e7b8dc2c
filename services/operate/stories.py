"""`wirewatch stories`: the stories of a watch, what was merged and why, and taking a merge apart.

Reading is done in SQL, read only; the undoing is a request on the bus, which the alerter answers with a correction.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from services.alerter.judge import store
from services.alerter.judge.correct import UNDO_MERGE
from services.alerter.judge.memory import Memory
from services.alerter.judge.merge import ALIASES
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.tables import WATCHES
from shared import ids
from shared.bus import Bus, Partition
from shared.bus.murmur2 import partition_of
from shared.codec import decode, encode
from shared.db import Database
from shared.errors import Misconfigured
from shared.events import AlertRaised, OperatorAsked
from shared.topics import ALERTS_RAISED

POLL_SECONDS, AT_ONCE = 0.1, 100


async def rows(database: Database, watch_id: str) -> list[dict[str, Any]]:
    """The open stories of a watch, newest first, each followed by those that went into it. Raises Misconfigured for a
    watch that has judged nothing."""
    memory = await _memory(database, watch_id)
    stories = sorted(memory.stories.values(), key=lambda one: one.last, reverse=True)
    found: list[dict[str, Any]] = []
    for story in stories:
        found.append(_row(story.id, story.headline, story.opened, story.last, story.profile.articles))
        for name in memory.lineage(story.id)[1:]:
            alias = memory.shelf(ALIASES).get(name)
            if alias is not None:
                row = _row(name, alias.headline, alias.opened, alias.last, alias.profile.articles)
                found.append({**row, "merged_into": story.id, "evidence": _told(alias.evidence)})
    return found


async def _memory(database: Database, watch_id: str) -> Memory:
    async with database.reading() as connection:
        known = list(await connection.scalars(sa.select(WATCHES.c.watch_id).order_by(WATCHES.c.watch_id)))
        if watch_id not in known:
            raise Misconfigured(f"watch {watch_id!r} has judged nothing yet; there is {', '.join(known) or 'none'}")
        return await store.load(connection, watch_id, JudgeSettings())


def _row(name: str, headline: str, opened: datetime, last: datetime, articles: int) -> dict[str, Any]:
    return {
        "story": name, "headline": headline, "opened": f"{opened:%Y-%m-%d %H:%M}", "last": f"{last:%Y-%m-%d %H:%M}",
        "articles": articles, "merged_into": "", "evidence": "",
    }  # fmt: skip


def _told(evidence: dict[str, float]) -> str:
    return ", ".join(f"{kind} {alike:.2f}" for kind, alike in evidence.items())


async def undo(
    bus: Bus, watch_id: str, story: str, by: str, now: datetime, *, wait: float = 10.0
) -> AlertRaised | None:
    """Ask the alerter to take a merged story out again, and return its correction, or None where nobody answered in
    `wait` seconds: the request stays, and is done once the alerter runs."""
    asked = OperatorAsked(
        id=ids.of("asked", UNDO_MERGE, watch_id, story, now.isoformat()), observed=now, request=UNDO_MERGE,
        subject=watch_id, by=by, arguments={"story": story},
    )  # fmt: skip
    place = Partition(ALERTS_RAISED.name, partition_of(watch_id.encode(), ALERTS_RAISED.partitions))
    offset = (await bus.end_offsets([place]))[place]
    publisher = await bus.publisher()
    try:
        await publisher.publish([encode(asked)])
    finally:
        await publisher.close()
    return await _answer(bus, place, offset, story, wait)


async def _answer(bus: Bus, place: Partition, offset: int, story: str, wait: float) -> AlertRaised | None:
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while loop.time() < until:
        for record in await bus.read(place, offset, AT_ONCE):
            offset = record.offset + 1
            alert = decode(record, AlertRaised)
            if alert.extra.get("parted") == story:
                return alert
        await asyncio.sleep(POLL_SECONDS)
    return None
