"""`wirewatch dead`: list, show and redrive what the consume loop put aside.

Redriving writes the original record to the failing group's retry topic, never to its original one: other groups have
read that already. Nothing is deleted; a letter redriven twice is handled twice, under the same ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from shared.bus import Bus, Partition, Record
from shared.dead import facts_of, original_headers, redrive
from shared.errors import Misconfigured
from shared.topics import GROUPS, dead_topic

PAGE = 200


def check_group(group: str) -> None:
    """Raises Misconfigured where there is no such group."""
    if group not in GROUPS:
        raise Misconfigured(f"group is {group!r}: write one of {', '.join(GROUPS)}")


async def letters(bus: Bus, group: str, *, reason: str = "") -> AsyncIterator[Record]:
    """The dead letters of a group, oldest first; only those with this reason if one is given."""
    place, offset = Partition(dead_topic(group), 0), 0
    if place.topic not in await bus.topics():
        return
    while page := await bus.read(place, offset, PAGE):
        for record in page:
            if not reason or facts_of(record).get("reason") == reason:
                yield record
        offset = page[-1].offset + 1


async def rows(bus: Bus, group: str, *, reason: str = "", limit: int = 100) -> list[dict[str, Any]]:
    """One row a letter, of one group or (empty) of all."""
    listed: list[dict[str, Any]] = []
    for name in [group] if group else list(GROUPS):
        async for letter in letters(bus, name, reason=reason):
            listed.append(_row(name, letter))
            if len(listed) >= limit:
                return listed
    return listed


def _row(group: str, letter: Record) -> dict[str, Any]:
    facts = facts_of(letter)
    return {
        "group": group,
        "offset": letter.offset,
        "at": facts.get("at", ""),
        "reason": facts.get("reason", ""),
        "error": facts.get("error", "")[:160],
        "from": f"{facts.get('topic', '')}/{facts.get('partition', '')}@{facts.get('offset', '')}",
        "id": dict(letter.headers).get("ce_id", b"").decode("utf-8", "replace"),
        "bytes": len(letter.value or b""),
    }


async def one(bus: Bus, group: str, offset: int) -> dict[str, Any] | None:
    """A letter whole: reason, original headers, the start of its original bytes; None where there is none."""
    place = Partition(dead_topic(group), 0)
    page = await bus.read(place, offset, 1) if place.topic in await bus.topics() else []
    if not page or page[0].offset != offset:
        return None
    letter = page[0]
    headers = {name: value.decode("utf-8", "replace") for name, value in original_headers(letter.headers)}
    body = (letter.value or b"")[:4000].decode("utf-8", "replace")
    return {**_row(group, letter), **facts_of(letter), "key": (letter.key or b"").decode("utf-8", "replace"),
            "headers": headers, "body": body}  # fmt: skip


async def redrive_all(bus: Bus, group: str, *, reason: str, limit: int, dry_run: bool) -> int:
    """Put letters on the group's retry topic; returns how many (would be) put."""
    chosen: list[Record] = []
    async for letter in letters(bus, group, reason=reason):
        if len(chosen) >= limit:
            break
        chosen.append(letter)
    if chosen and not dry_run:
        publisher = await bus.publisher()
        await publisher.publish([redrive(letter, group) for letter in chosen])
        await publisher.close()
    return len(chosen)
