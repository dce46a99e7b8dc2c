"""What both adapters do with a listener."""

from __future__ import annotations

import structlog

from shared.bus import Listener, Partition

log = structlog.get_logger()


async def call_listener(listener: Listener, partitions: frozenset[Partition], group: str) -> None:
    """Await a listener; what it raises is logged, as aiokafka does: a rebalance cannot be called off."""
    try:
        await listener(partitions)
    except Exception:
        log.exception("rebalance_listener_failed", group=group)
