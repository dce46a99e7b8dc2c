"""What a watch has matched so far, from the retained topic."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from shared.bus import Bus, Partition
from shared.codec import decode
from shared.events import ArticleMatched
from shared.topics import ARTICLES_MATCHED

AT_ONCE = 500


async def matches(bus: Bus, watch: str, progress: Callable[[int, int], None]) -> AsyncIterator[ArticleMatched]:
    """The retained matches of a watch, oldest first within a partition; `progress` gets records read and in all."""
    ends = await bus.end_offsets([Partition(ARTICLES_MATCHED.name, n) for n in range(ARTICLES_MATCHED.partitions)])
    starts = await bus.offsets_for_time(list(ends), 0)
    total = sum(end - (starts[place] or 0) for place, end in ends.items() if starts[place] is not None)
    done = 0
    for place, end in ends.items():
        offset = starts[place]
        while offset is not None and offset < end:
            records = await bus.read(place, offset, AT_ONCE)
            for record in records:
                if record.key == watch.encode():
                    yield decode(record, ArticleMatched)
            done += len(records)
            progress(done, total)
            offset = records[-1].offset + 1 if records else None
