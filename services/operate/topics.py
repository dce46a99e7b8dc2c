"""`wirewatch topics`: the topology as it should be, as it is, and bringing the one to the other."""

from __future__ import annotations

from typing import Any

from shared.bus import Bus
from shared.topics import TopicSpec, all_specs


async def rows(bus: Bus) -> list[dict[str, Any]]:
    """One row a topic: partitions wanted and found, retention, state (`ok`, `missing`, `partitions differ`)."""
    found = await bus.topics()
    return [_row(spec, found.get(spec.name)) for spec in all_specs()]


def _row(spec: TopicSpec, partitions: int | None) -> dict[str, Any]:
    state = "ok"
    if partitions is None:
        state = "missing"
    elif partitions != spec.partitions:
        state = "partitions differ"
    return {
        "topic": spec.name,
        "partitions": spec.partitions,
        "found": partitions,
        "retention_days": round(spec.retention.total_seconds() / 86400, 2),
        "retention_bytes": spec.retention_bytes if spec.retention_bytes >= 0 else None,
        "largest_record": spec.largest,
        "state": state,
    }
