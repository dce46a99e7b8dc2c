"""`wirewatch replay`: retained records once more, as history.

They go to their own topic under a header that says so, and that header wins over the mode in their body: such articles
enter the history of a watch (one that was published later, or lost its memory) and raise nothing. What was decided is
answered from its decision, under the same ids, which the notifier has delivered already. Every event is published once,
though it stand on the topic several times, so replaying twice does not double what there is to replay.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.operate.retained import Progress, Range, retained
from shared.bus import Bus, Message, Publisher
from shared.codec import replayed
from shared.errors import Misconfigured
from shared.topics import ARTICLES_EXTRACTED, ARTICLES_MATCHED, PAGES_FETCHED, Topic

TOPICS = {topic.short: topic for topic in (ARTICLES_MATCHED, ARTICLES_EXTRACTED, PAGES_FETCHED)}
"""What can be replayed: topics whose events carry a mode."""
AT_ONCE, BYTES_AT_ONCE = 200, 16 * 1024 * 1024


@dataclass(slots=True)
class Counts:
    """Records in the range; of these published again, and passed over since they were met before."""

    found: int = 0
    published: int = 0
    repeated: int = 0


def topic_of(name: str) -> Topic:
    """The topic that an operator named; the matches where none. Raises Misconfigured."""
    found = TOPICS.get(name or ARTICLES_MATCHED.short)
    if found is None:
        raise Misconfigured(f"--topic {name!r} cannot be replayed: write one of {', '.join(TOPICS)}")
    return found


async def replay(bus: Bus, topic: Topic, span: Range, progress: Progress, *, dry_run: bool) -> Counts:
    """Publish what `topic` retains of `span` again; with `dry_run` only count it, as if. Raises Transient; what was
    published until then stays, and doing it again does no harm."""
    publisher = None if dry_run else await bus.publisher()
    try:
        return await _replayed(bus, topic, span, progress, publisher)
    finally:
        if publisher is not None:
            await publisher.close()


async def _replayed(bus: Bus, topic: Topic, span: Range, progress: Progress, publisher: Publisher | None) -> Counts:
    counts, known = Counts(), set[bytes]()
    waiting: list[Message] = []
    async for record in retained(bus, topic, span, progress):
        counts.found += 1
        name = dict(record.headers).get("ce_id", b"")
        if name and name in known:
            counts.repeated += 1
            continue
        known.add(name)
        waiting.append(replayed(record))
        if len(waiting) >= AT_ONCE or sum(len(one.value or b"") for one in waiting) >= BYTES_AT_ONCE:
            counts.published += await _publish(publisher, waiting)
    counts.published += await _publish(publisher, waiting)
    return counts


async def _publish(publisher: Publisher | None, waiting: list[Message]) -> int:
    """Send what waits; how many."""
    count = len(waiting)
    if publisher is not None and waiting:
        await publisher.publish(waiting)
    waiting.clear()
    return count
