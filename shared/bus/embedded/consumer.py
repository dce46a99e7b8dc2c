"""A member of a group on the embedded log. One background task keeps the lease and carries rebalances through, `poll`
reads on: the same division of labour as in aiokafka, so that services see the same interleavings.

Left out on purpose: a bound between polls (Kafka's max.poll.interval). The consume loop polls without waiting for
handlers, and readiness watches its progress.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

import structlog

from shared.bus import BusUnavailable, CommitRefused, ConsumerOptions, Partition, Record
from shared.bus.embedded import groups
from shared.bus.embedded.chaos import Dice
from shared.bus.embedded.groups import Member, View
from shared.bus.embedded.reading import Bounds, Fetched, Wanted, fetch
from shared.bus.rebalance import call_listener

if TYPE_CHECKING:
    from shared.bus.embedded import EmbeddedBus

T = TypeVar("T")

POLL_BYTES = 32 * 1024 * 1024
"""About as much as a poll returns at most, whatever the partitions are allowed."""

RETRY_SECONDS = 0.2

log = structlog.get_logger()


class EmbeddedConsumer:
    """Reads as a member of a group; made by `EmbeddedBus.subscribe`."""

    def __init__(self, bus: EmbeddedBus, topics: tuple[str, ...], group: str, options: ConsumerOptions) -> None:
        self.skipped = 0
        self.group = group
        self._bus = bus
        self._options = options
        session, rebalance = int(options.session_timeout * 1000), int(options.rebalance_timeout * 1000)
        self._member = Member(group, f"{options.client_id}-{uuid4().hex}", topics, session, rebalance)
        self._dice = Dice(bus.chaos, f"{group}/{options.client_id}")
        self._generation = -1
        self._owned: frozenset[Partition] = frozenset()
        self._order: list[Partition] = []
        self._lanes: frozenset[int] = frozenset()
        self._readable = False
        self._positions: dict[Partition, int] = {}
        self._paused: set[Partition] = set()
        self._dry: set[int] = set()
        self._turn = 0
        self._arrived = asyncio.Event()
        self._stirred = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    # ---- joining and leaving ----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join, and return when the first assignment stands."""
        joined = asyncio.Event()
        self._task = asyncio.create_task(self._coordinate(joined), name=f"group {self.group}")
        waiter = asyncio.create_task(joined.wait())
        await asyncio.wait({self._task, waiter}, return_when=asyncio.FIRST_COMPLETED)
        waiter.cancel()
        if self._task.done():
            self._task.result()

    async def close(self) -> None:
        """Give up what is owned and leave at once, so that others need not wait for the lease to run out."""
        if self._closing:
            return
        self._closing = True
        self._stirred.set()
        self._arrived.set()
        if self._task is not None:
            await asyncio.wait({self._task})
            self._task.exception()  # poll has raised it, or the bus was away while closing
        await self._give_up()
        with contextlib.suppress(BusUnavailable):
            await self._bus.write(lambda conn: groups.leave(conn, self._member))
        self._bus.gone(self)

    async def _coordinate(self, joined: asyncio.Event) -> None:
        view = await self._persistently(self._join)
        while not self._closing:
            view = await self._follow(view)
            if self._generation >= 0:
                joined.set()
            await self._rest()
            view = await self._persistently(self._beat)

    async def _follow(self, view: View) -> View:
        """Do what the group's state asks for: give up, come back, take over."""
        if not view.known or (view.joining and view.assigned is not None) or self._is_outdated(view):
            await self._give_up()
            if self._closing:
                return view
            view = await self._persistently(self._join)
        if view.assigned is not None and not view.joining and view.generation != self._generation:
            await self._take_over(view.generation, view.assigned)
        return view

    def _is_outdated(self, view: View) -> bool:
        return view.assigned is None and not view.joining

    async def _give_up(self) -> None:
        """No more records from here on; then let the owner of the handlers finish and commit, with the lease kept."""
        self._readable = False
        if self._owned:
            await self._kept_alive(call_listener(self._options.on_revoked, self._owned, self.group))
        self._owned = frozenset()
        self._generation = -1

    async def _take_over(self, generation: int, assigned: frozenset[Partition]) -> None:
        policy = self._options.offset_policy
        self._positions = await self._persistently(lambda: self._bus.start_positions(self.group, assigned, policy))
        self._paused.clear()
        self._dry.clear()
        self._owned = assigned
        self._order = sorted(assigned)
        self._lanes = frozenset(self._bus.lane(partition) for partition in assigned)
        self._generation = generation
        if assigned:
            await self._kept_alive(call_listener(self._options.on_assigned, assigned, self.group))
        self._readable = True
        self._arrived.set()

    async def _kept_alive(self, work: Awaitable[None]) -> None:
        """Wait for a listener while the lease is prolonged. Whether it is lost meanwhile shows afterwards."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await asyncio.wait({task}, timeout=self._interval())
            if not task.done():
                with contextlib.suppress(BusUnavailable):
                    await self._beat()
        await task

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval()):
                await self._stirred.wait()
        self._stirred.clear()

    def _interval(self) -> float:
        return min(1.0, self._options.session_timeout / 3)

    async def _join(self) -> View:
        return await self._bus.write(lambda conn: groups.join(conn, self._member))

    async def _beat(self) -> View:
        return await self._bus.write(lambda conn: groups.beat(conn, self._member))

    async def _persistently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The lease is worth trying for as long as it takes: a full disk may have room again."""
        while True:
            try:
                return await attempt()
            except BusUnavailable as failure:
                if self._closing:
                    raise
                log.warning("group_unavailable", group=self.group, error=str(failure))
                await asyncio.sleep(RETRY_SECONDS)

    def stir(self) -> None:
        """The group has changed: look now."""
        self._stirred.set()

    # ---- reading ----------------------------------------------------------------------------------------------------

    async def poll(self, *, max_records: int, timeout: float) -> list[Record]:  # noqa: ASYNC109 - see the port
        """Records in order per partition; empty after `timeout` seconds."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        await self._cause_trouble()
        while True:
            if self._task is not None and self._task.done() and not self._closing:
                self._task.result()
            self._arrived.clear()
            records = await self._read(self._dice.fewer(max_records))
            left = until - loop.time()
            if records or left <= 0 or self._closing:
                return records
            await self._wait(left)

    def arrived(self, lanes: Collection[int]) -> None:
        """Something was appended to these lanes."""
        if not self._lanes.isdisjoint(lanes):
            self._dry.difference_update(lanes)
            self._arrived.set()

    async def _read(self, limit: int) -> list[Record]:
        wanted = self._wanted()
        if not wanted:
            return []
        generation = self._generation
        bounds = Bounds(limit, POLL_BYTES, self._options.max_partition_bytes, self._options.offset_policy)
        asked = {place.lane for place in wanted}
        self._dry |= asked  # before reading: what arrives while we read takes its lane out again
        parts: list[Fetched] = []
        try:
            parts = await self._bus.read_file(lambda conn: fetch(conn, wanted, bounds))
        finally:
            self._dry -= asked - {part.wanted.lane for part in parts}
        if generation != self._generation or not self._readable:
            return []
        return self._dice.mixed([part for part in parts if self._accept(part)])

    def _wanted(self) -> list[Wanted]:
        """Where to read, another partition first every time, so that none starves."""
        if not self._readable:
            return []
        now = asyncio.get_running_loop().time()
        self._turn += 1
        split = self._turn % len(self._order) if self._order else 0
        wanted = []
        for partition in self._order[split:] + self._order[:split]:
            lane = self._bus.lane(partition)
            if lane not in self._dry and partition not in self._paused and not self._dice.held_back(partition, now):
                wanted.append(Wanted(partition, lane, self._positions[partition]))
        return wanted

    def _accept(self, part: Fetched) -> bool:
        partition = part.wanted.partition
        if not part.dry:
            self._dry.discard(part.wanted.lane)
        if self._positions.get(partition) != part.wanted.position or partition in self._paused:
            self._dry.discard(part.wanted.lane)
            return False
        self._positions[partition] = part.position
        if part.skipped:
            self.skipped += part.skipped
            log.warning(
                "offset_out_of_range", group=self.group, topic=partition.topic, partition=partition.number,
                position=part.wanted.position, policy=self._options.offset_policy, skipped=part.skipped,
            )  # fmt: skip
        return bool(part.records)

    async def _wait(self, left: float) -> None:
        loop = asyncio.get_running_loop()
        release = self._dice.next_release()
        if release is not None:
            left = max(0.0, min(left, release - loop.time()))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left):
                await self._arrived.wait()
        self._dice.released(loop.time())

    # ---- positions --------------------------------------------------------------------------------------------------

    async def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store the next offsets to read."""
        if self._dice.happens("refuse"):
            await self._throw_out()
        foreign = offsets.keys() - self._owned
        if foreign:
            raise CommitRefused(f"not assigned: {sorted(foreign)}")
        lanes = {self._bus.lane(partition): offset for partition, offset in offsets.items()}
        generation = self._generation
        await self._bus.write(lambda conn: groups.commit(conn, self._member, generation, lanes))

    def assignment(self) -> frozenset[Partition]:
        """What this member owns now."""
        return self._owned

    def pause(self, partitions: Collection[Partition]) -> None:
        """Poll nothing from these until resumed."""
        self._paused.update(self._owned.intersection(partitions))

    def resume(self, partitions: Collection[Partition]) -> None:
        """Poll from these again."""
        self._paused.difference_update(partitions)
        self._arrived.set()

    async def position(self, partition: Partition) -> int:
        """The next offset this member will poll."""
        self._check_owned(partition)
        return self._positions[partition]

    async def seek(self, partition: Partition, offset: int) -> None:
        """Poll from `offset` next."""
        self._check_owned(partition)
        self._positions[partition] = offset
        self._dry.discard(self._bus.lane(partition))
        self._arrived.set()

    async def committed(self, partition: Partition) -> int | None:
        """The group's next offset, None if it never committed."""
        lane = self._bus.lane(partition)
        return await self._bus.read_file(lambda conn: groups.committed(conn, self.group, lane))

    def _check_owned(self, partition: Partition) -> None:
        if partition not in self._owned:
            raise CommitRefused(f"not assigned: {partition}")

    # ---- chaos ------------------------------------------------------------------------------------------------------

    async def _cause_trouble(self) -> None:
        if self._dice.happens("redeliver"):
            await self._throw_out()
        if self._dice.happens("rebalance"):
            await self._bus.write(lambda conn: groups.stir(conn, self.group))
            self._stirred.set()

    async def _throw_out(self) -> None:
        await self._bus.write(lambda conn: groups.leave(conn, self._member))
        self._stirred.set()
