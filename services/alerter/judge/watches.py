"""The rules in force of the watches that a batch is about, from the alerter's table."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerter.rules import WatchRules, parse_rules
from services.alerter.tables import WATCHES


async def load_rules(connection: AsyncConnection, watch_ids: Collection[str]) -> dict[str, WatchRules]:
    """The rules of the newest version of each watch; a watch that was never published is missing."""
    if not watch_ids:
        return {}
    newest = sa.select(WATCHES.c.id, sa.func.max(WATCHES.c.version)).where(WATCHES.c.id.in_(sorted(watch_ids)))
    versions = {row[0]: row[1] for row in await connection.execute(newest.group_by(WATCHES.c.id))}
    found: dict[str, WatchRules] = {}
    for watch_id, version in versions.items():
        text = sa.select(WATCHES.c.yaml).where(WATCHES.c.id == watch_id, WATCHES.c.version == version)
        found[watch_id] = _parsed(watch_id, version, str(await connection.scalar(text)))
    return found


@lru_cache(maxsize=1_000)
def _parsed(watch_id: str, version: int, text: str) -> WatchRules:
    return parse_rules(watch_id, version, text)
