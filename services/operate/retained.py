"""Records that topics still hold, by the story time of what they tell. Read without a group: nobody's place moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.bus import Bus, Partition, Record
from shared.codec import decode
from shared.errors import Misconfigured, Undecodable
from shared.topics import Topic

AT_ONCE = 50
"""Records of one read: a page may be 8 MiB."""
SLACK = timedelta(hours=1)
"""How much earlier than what it tells a record may stand on the log: more than clocks of machines differ."""
BEGINNING, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

Progress = Callable[[int, int], None]
"""Gets the records read, and all there are to read."""


@dataclass(frozen=True, slots=True)
class Range:
    """From a story time on, up to but not including another."""

    since: datetime = BEGINNING
    until: datetime = END

    def __contains__(self, moment: datetime) -> bool:
        return self.since <= moment < self.until


def range_of(since: str, until: str, now: datetime) -> Range:
    """The range that an operator wrote: years, months, days or times (UTC unless they say), "" for open.

    Raises Misconfigured for what is no time, is upside down or has not begun.
    """
    found = Range(_moment("--from", since, BEGINNING), _moment("--to", until, END))
    if found.since >= found.until:
        raise Misconfigured(f"--from {since} is not before --to {until}: give the earlier time first")
    if found.since > now:
        raise Misconfigured(f"--from {since} is in the future: nothing was read then yet")
    return found


def _moment(option: str, written: str, otherwise: datetime) -> datetime:
    if not written:
        return otherwise
    try:
        missing = {len("2025"): "-01-01", len("2025-03"): "-01"}.get(len(written), "")
        found = datetime.fromisoformat(written + missing)
    except ValueError:
        raise Misconfigured(f"{option} {written!r} is no time: write 2025-03-18 or 2025-03-18T10:00Z") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


async def retained(bus: Bus, topic: Topic, span: Range, progress: Progress) -> AsyncIterator[Record]:
    """The records of a topic whose events were observed within `span`, in order within a partition. What is written
    meanwhile is not read."""
    if topic.name not in await bus.topics():
        return
    places = [Partition(topic.name, number) for number in range(topic.partitions)]
    ends = await bus.end_offsets(places)
    begin = max(0, int((span.since - SLACK).timestamp() * 1000))
    starts = {place: at for place, at in (await bus.offsets_for_time(places, begin)).items() if at is not None}
    total, done = sum(ends[place] - at for place, at in starts.items()), 0
    for place, start in starts.items():
        offset = start
        while offset < ends[place] and (records := await bus.read(place, offset, AT_ONCE)):
            for record in records:
                if record.offset < ends[place] and observed_of(record, topic) in span:
                    yield record
            done += records[-1].offset + 1 - offset
            offset = records[-1].offset + 1
            progress(min(done, total), total)


def observed_of(record: Record, topic: Topic) -> datetime:
    """When what a record tells was observed: by its header, so that a page need not be read for it; the end of time
    for a record that cannot be read."""
    try:
        written = dict(record.headers).get("ce_time", b"").decode("ascii", "replace")
        return datetime.fromisoformat(written) if written else decode(record, topic.event).observed
    except (ValueError, Undecodable):
        return END
