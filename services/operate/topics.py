"""`wirewatch topics`: the topology as it should be, as it is, and bringing the one to the other."""

from __future__ import annotations

from typing import Any

from shared.bus import Bus
from shared.topics import TopicSpec, all_specs


async def rows(bus: Bus) -> list[dict[str, Any]]:
    """One row a topic: as it should be, the partitions found, and the state: `ok`, `missing`, or what differs."""
    specs = all_specs()
    found, different = await bus.topics(), await bus.differing(specs)
    return [_row(spec, found.get(spec.name), different.get(spec.name, "ok")) for spec in specs]


def _row(spec: TopicSpec, partitions: int | None, state: str) -> dict[str, Any]:
    return {
        "topic": spec.name,
        "partitions": spec.partitions,
        "found": partitions,
        "retention_days": round(spec.retention.total_seconds() / 86400, 2),
        "retention_bytes": spec.retention_bytes if spec.retention_bytes >= 0 else None,
        "largest_record": spec.largest,
        "state": state,
    }
