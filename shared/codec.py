"""Events to bytes and back: CloudEvents 1.0 in binary mode on the bus's headers, the body as JSON.

Strict writer, tolerant reader: unknown fields are ignored, missing optional ones take their default, anything else is
`Undecodable`. Header names follow the CloudEvents Kafka binding (`ce_` prefix, `content-type` for the data), so any
CloudEvents library reads them; `traceparent` is W3C trace context, passed on from cause to effect.

Left out on purpose: a schema registry. The schemas are generated into `docs/events/` and drift-checked.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from shared.bus import Headers, Message, Record
from shared.errors import Undecodable
from shared.events import Event, Mode
from shared.topics import Topic, topic_of

SPEC_VERSION = "1.0"
SOURCE_PREFIX = "/wirewatch/"
TYPE_PREFIX = "wirewatch."
CONTENT_TYPE = b"application/json"
MODE = "ce_mode"
"""An extension attribute of ours. A record published again says `replay` in it, and that wins over its body's mode."""

E = TypeVar("E", bound=Event)
_ENCODER = msgspec.json.Encoder()
_DECODERS: dict[type[Event], msgspec.json.Decoder[Event]] = {}


@dataclass(frozen=True, slots=True)
class Trace:
    """W3C trace context: what a span of ours passes on."""

    parent: str
    state: str = ""

    @staticmethod
    def start(event_id: str) -> Trace:
        """A trace for an event without a cause: its ids follow from the event's, so a replay has the same trace."""
        digest = hashlib.blake2b(event_id.encode(), digest_size=24).hexdigest()
        return Trace(f"00-{digest[:32]}-{digest[32:48]}-01")


def type_of(event: type[Event]) -> str:
    """The CloudEvents type, for example `wirewatch.pages.fetched.v1`: the name of the topic."""
    return topic_of(event).name


def encode(event: Event, *, trace: Trace | None = None, cause: str = "") -> Message:
    """The message of `event` on its own topic, keyed as the topology says."""
    topic = topic_of(type(event))
    return Message(
        topic=topic.name,
        key=topic.key(event).encode(),
        value=_ENCODER.encode(event),
        headers=_headers(event, topic, trace or Trace.start(event.id), cause),
    )


def _headers(event: Event, topic: Topic, trace: Trace, cause: str) -> Headers:
    named = {
        "ce_specversion": SPEC_VERSION,
        "ce_id": event.id,
        "ce_source": SOURCE_PREFIX + topic.producer,
        "ce_type": topic.name,
        "ce_time": stamp(event.observed),
        "ce_subject": topic.key(event),
        "ce_causationid": cause,
        "traceparent": trace.parent,
        "tracestate": trace.state,
    }
    headers = tuple((name, value.encode()) for name, value in named.items() if value)
    return (*headers, ("content-type", CONTENT_TYPE))


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with a trailing Z, as msgspec writes it in the body."""
    return moment.isoformat().replace("+00:00", "Z")


def decode(record: Record, event: type[E]) -> E:
    """The event in `record`. Raises Undecodable with what is wrong and where."""
    if record.value is None:
        raise Undecodable("the record has no value", reason="no_value")
    return _in_mode(record, decode_bytes(record.value, event))


def _in_mode(record: Record, event: E) -> E:
    """The event with the mode that a header gives it. One that carries no mode has none to change."""
    given = next((value for name, value in record.headers if name == MODE), None)
    if given is None or not hasattr(event, "mode"):
        return event
    try:
        return msgspec.structs.replace(event, mode=Mode(given.decode("ascii", "replace")))
    except ValueError as error:
        raise Undecodable(f"header {MODE}: {error}") from error


def replayed(record: Record) -> Message:
    """The record to be published again as history, on its own topic, at the time of now."""
    headers = tuple((name, value) for name, value in record.headers if name != MODE)
    return Message(record.topic, record.key, record.value, (*headers, (MODE, Mode.REPLAY.value.encode())))


def decode_bytes(value: bytes, event: type[E]) -> E:
    """The event in JSON bytes. Raises Undecodable."""
    decoder = _DECODERS.setdefault(event, msgspec.json.Decoder(event))
    try:
        return decoder.decode(value)  # type: ignore[return-value]  # the table is keyed by the type it decodes to
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error


def trace_of(record: Record) -> Trace | None:
    """The trace context in the headers, if any."""
    headers = dict(record.headers)
    parent = headers.get("traceparent", b"").decode("ascii", "replace")
    return Trace(parent, headers.get("tracestate", b"").decode("ascii", "replace")) if parent else None
