"""Ask matching to publish a watch, and wait for its answer on the same partition."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from services.alerter.match.publish import PUBLISHED, REFUSED, request_of
from shared.bus import Bus, Position
from shared.codec import decode, encode
from shared.events import OperatorAsked

POLL_SECONDS, AT_ONCE = 0.1, 100


async def ask(
    bus: Bus, watch: str, text: str, by: str, now: datetime, *, only_new: bool = False, wait: float = 10.0
) -> dict[str, Any]:
    """Put the request and return the answer's arguments, or outcome `asked` when nobody answered in `wait` seconds."""
    request = request_of(watch, text, by, now, only_new=only_new)
    publisher = await bus.publisher()
    try:
        (position,) = await publisher.publish([encode(request)])
    finally:
        await publisher.close()
    answer = await _answer(bus, position, request.id, wait)
    return {"watch": watch, **(answer or {"outcome": "asked", "version": None, "faults": []})}


async def _answer(bus: Bus, position: Position, cause: str, wait: float) -> dict[str, Any] | None:
    """The answer follows the request on its partition, since both have the watch's id as key."""
    offset, loop = position.offset + 1, asyncio.get_running_loop()
    until = loop.time() + wait
    while loop.time() < until:
        for record in await bus.read(position.partition, offset, AT_ONCE):
            offset = record.offset + 1
            event = decode(record, OperatorAsked)
            if event.request in (PUBLISHED, REFUSED) and event.arguments.get("cause") == cause:
                return {key: event.arguments.get(key) for key in ("outcome", "version", "faults")}
        await asyncio.sleep(POLL_SECONDS)
    return None
