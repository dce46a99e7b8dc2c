"""Ask matching to publish a watch, and wait for its answer on the same partition; or ask for all of a pack, as `init`
does, and wait for none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from services.alerter.bundle import bundle
from services.alerter.load import loads
from services.alerter.match.publish import PUBLISHED, REFUSED, request_of
from shared.bus import Bus, Position
from shared.codec import decode, encode
from shared.document import Fault, Faulty
from shared.events import OperatorAsked
from shared.text.entities import load as load_entities

log = structlog.get_logger()
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


async def ask_for_pack(bus: Bus, pack: Path, now: datetime) -> tuple[str, ...]:
    """Put a request for every watch of a pack that does not bring replaced texts back; the same texts make the same
    requests. Answers the faults of files that are left out: what is in force of them stays in force."""
    requests: list[OperatorAsked] = []
    faults: list[str] = []
    for found in _requests(pack, now):
        if isinstance(found, Faulty):
            faults += (str(one) for one in found.faults)
        else:
            requests.append(found)
    publisher = await bus.publisher()
    try:
        await publisher.publish([encode(one) for one in requests])
    finally:
        await publisher.close()
    log.info("watches_asked", watches=[one.subject for one in requests], faults=len(faults))
    return tuple(faults)


def _requests(pack: Path, now: datetime) -> Iterator[OperatorAsked | Faulty]:
    files = sorted((pack / "watches").glob("*.yaml"))
    try:
        entities = load_entities(pack / "entities.yaml") if files and (pack / "entities.yaml").exists() else {}
    except Faulty as error:
        log.error("entities_invalid", file=str(pack / "entities.yaml"), faults=[str(one) for one in error.faults])
        yield error
        return
    owners: dict[str, Path] = {}
    for path in files:
        try:
            text = bundle(path)
            name = loads(text, str(path), entities).id
            if owners.setdefault(name, path) is not path:
                raise Faulty([Fault(str(path), 1, 1, f"the id {name} is that of {owners[name]}")])
            yield request_of(name, text, "init", now, only_new=True)
        except Faulty as error:
            log.error("watch_invalid", file=str(path), faults=[str(one) for one in error.faults])
            yield error
