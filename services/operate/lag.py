"""`wirewatch lag`: how far each group is behind, in records and in seconds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from shared.bus import Bus
from shared.topics import GROUPS, retry_topic


async def rows(bus: Bus, now: datetime) -> list[dict[str, Any]]:
    """One row for every group and topic it reads."""
    found = await bus.topics()
    return [
        await _row(bus, group, name, now)
        for group, read in GROUPS.items()
        for name in (*(topic.name for topic in read), retry_topic(group))
        if name in found
    ]


async def _row(bus: Bus, group: str, topic: str, now: datetime) -> dict[str, Any]:
    lags = await bus.lag(group, [topic])
    waiting = [lag.oldest / 1000 for lag in lags if lag.records and lag.oldest is not None]
    age = max(0.0, now.timestamp() - min(waiting)) if waiting else 0.0
    return {
        "group": group,
        "topic": topic,
        "records": sum(lag.records for lag in lags),
        "seconds": round(age, 1),
        "end": sum(lag.end for lag in lags),
        "committed": sum(lag.committed or 0 for lag in lags),
    }
