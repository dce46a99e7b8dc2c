"""A batch lane that rests between batches; what else lanes promise stands in `tests/contract/test_consume.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.bus import Partition, Record
from shared.lane import BatchLane

HOUR = 3600.0


class _Kept:
    """A lane and what became of its records, by offset."""

    def __init__(self, rest: float, batch: int = 3) -> None:
        self.batches: list[list[int]] = []
        self.dropped: list[int] = []
        self.lane = BatchLane(
            Partition("t", 0), self._process, lambda _: None, lambda one: self.dropped.append(one.offset),
            batch=batch, rest=rest,
        )  # fmt: skip

    async def _process(self, records: Sequence[Record]) -> None:
        self.batches.append([one.offset for one in records])

    async def accept(self, *offsets: int) -> None:
        for offset in offsets:
            self.lane.accept(Record("t", 0, offset, 0, b"k", b""))
            await _turns()


async def _turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_without_a_rest_each_is_done_as_it_comes() -> None:
    kept = _Kept(0.0)
    await kept.accept(0, 1, 2)
    await kept.lane.wait()
    assert kept.batches == [[0], [1], [2]]


async def test_the_first_does_not_wait_and_the_next_share_a_batch() -> None:
    kept = _Kept(0.2)
    await kept.accept(0, 1, 2)
    assert kept.batches == [[0]]
    await kept.lane.wait()
    assert kept.batches == [[0], [1, 2]]
    assert kept.lane.tracker.next == 3


async def test_a_whole_batch_does_not_wait() -> None:
    kept = _Kept(HOUR)
    await kept.accept(0, 1, 2, 3)
    assert kept.batches == [[0], [1, 2, 3]]


async def test_stopping_does_not_wait_and_drops_what_rests() -> None:
    kept = _Kept(HOUR)
    await kept.accept(0, 1)
    kept.lane.stop_feeding()
    async with asyncio.timeout(10):
        await kept.lane.wait()
    assert kept.batches == [[0]]
    assert kept.dropped == [1]
    assert kept.lane.tracker.next == 1
