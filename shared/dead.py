"""Dead letters: the original bytes, key and headers untouched, with the reason beside them, on the group's dead topic.

Redriving puts the original record on the group's *retry* topic: its original topic has other readers who have digested
it already. The headers written here are stripped again on the way back.
"""

from __future__ import annotations

import traceback
from datetime import datetime

from shared.bus import Headers, Message, Record
from shared.codec import stamp
from shared.topics import dead_topic, retry_topic

PREFIX = "dead_"
DETAIL_BYTES = 2048
"""Bound on the error text kept: an attempt log that can outgrow its message limit loops for ever."""


def bury(record: Record, group: str, reason: str, error: BaseException | None, at: datetime) -> Message:
    """The dead letter of `record`. A letter that was redriven and died again keeps its first place."""
    facts = {
        "reason": reason,
        "error": _detail(error),
        "group": group,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp": str(record.timestamp),
        "at": stamp(at),
    }
    original = original_headers(record.headers)
    headers = original + tuple((PREFIX + name, value.encode()[:DETAIL_BYTES]) for name, value in facts.items())
    return Message(dead_topic(group), record.key, record.value, headers)  # of now, or retention might take it at once


def _detail(error: BaseException | None) -> str:
    if error is None:
        return ""
    last = traceback.extract_tb(error.__traceback__)[-1:] or []
    place = "".join(f" ({frame.filename}:{frame.lineno})" for frame in last)
    return f"{type(error).__name__}: {error}{place}"


def original_headers(headers: Headers) -> Headers:
    """The headers without those written here."""
    return tuple((name, value) for name, value in headers if not name.startswith(PREFIX))


def facts_of(record: Record) -> dict[str, str]:
    """What a dead letter says of itself: reason, error, group, topic, partition, offset, timestamp, at."""
    named = ((name, value) for name, value in record.headers if name.startswith(PREFIX))
    return {name.removeprefix(PREFIX): value.decode("utf-8", "replace") for name, value in named}


def redrive(letter: Record, group: str) -> Message:
    """The original record, addressed to the one group that failed."""
    return Message(retry_topic(group), letter.key, letter.value, original_headers(letter.headers))
