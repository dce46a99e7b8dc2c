"""The bus on Apache Kafka, through aiokafka.

    options.py    the cluster and what its clients share     consumer.py   a member of a group
    publisher.py  an idempotent producer, rebuilt on error

Left out on purpose: transactions (aiokafka's stop at the protocol of 2018; ids are deterministic instead), cooperative
rebalancing and the KIP-848 protocol (aiokafka has neither), changing partition counts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from shared.bus import (
    BusUnavailable,
    ConsumerOptions,
    OffsetPolicy,
    Partition,
    PartitionLag,
    Record,
    TopicMismatch,
)
from shared.bus.kafka.consumer import KafkaConsumer
from shared.bus.kafka.options import KafkaOptions, translated
from shared.bus.kafka.publisher import KafkaPublisher, stopped
from shared.topics import TopicSpec

__all__ = ["KafkaBus", "KafkaOptions"]

OVERHEAD = 64 * 1024
"""Room for a batch's frame, header frames and what zstd adds to bytes that do not compress: `max.message.bytes` bounds
the whole batch, `TopicSpec.largest` key, value and headers of one record."""
TOPIC_EXISTS = 36
DYNAMIC_TOPIC_CONFIG = 1
READ_BYTES = 16 * 1024 * 1024
VISIBLE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class TopicInfo:
    """What has to be known of a topic to publish to it."""

    partitions: int
    largest: int


class KafkaBus:
    """The whole log. Make it with `await KafkaBus.open(options)`; it belongs to the running event loop."""

    def __init__(self, options: KafkaOptions) -> None:
        self._options = options
        self._admin = AIOKafkaAdminClient(**options.client())
        self._offsets = AIOKafkaConsumer(**options.client(), group_id=None, enable_auto_commit=False)
        self._known: dict[str, TopicInfo] = {}
        self._publishers: list[KafkaPublisher] = []
        self._consumers: set[KafkaConsumer] = set()

    @classmethod
    async def open(cls, options: KafkaOptions) -> KafkaBus:
        """Connect. Raises BusUnavailable when no broker answers."""
        bus = cls(options)
        try:
            with translated(f"connect to {options.bootstrap}"):
                await bus._admin.start()
                await bus._offsets.start()
        except BaseException:
            await bus.close()
            raise
        return bus

    async def close(self) -> None:
        """Close every publisher and consumer made here, each within its bound."""
        await asyncio.gather(*(consumer.close() for consumer in list(self._consumers)))
        await asyncio.gather(*(publisher.close() for publisher in self._publishers))
        await stopped(self._offsets, self._options.stop_timeout)
        with contextlib.suppress(BusUnavailable), translated("close"):
            async with asyncio.timeout(self._options.stop_timeout):
                await self._admin.close()

    # ---- topics -----------------------------------------------------------------------------------------------------

    async def ensure_topics(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Create what is missing and bring retention in line."""
        existing = await self.topics()
        for spec in specs:
            count = existing.get(spec.name, spec.partitions)
            if count != spec.partitions:
                raise TopicMismatch(f"{spec.name} has {count} partitions, the topology says {spec.partitions}")
        created = [spec for spec in specs if spec.name not in existing]
        if created:
            await self._create(created)
        await self._configure([spec for spec in specs if spec.name in existing])
        self._known.clear()
        return [spec.name for spec in created]

    async def topics(self) -> dict[str, int]:
        """Topics with this installation's prefix, and their partition counts."""
        with translated("list topics"):
            described = await self._admin.describe_topics()
        prefix = self._options.topic_prefix
        return {
            topic["topic"].removeprefix(prefix): len(topic["partitions"])
            for topic in described
            if topic["topic"].startswith(prefix) and not topic["is_internal"] and not topic["error_code"]
        }

    async def differing(self, specs: Sequence[TopicSpec]) -> dict[str, str]:
        """Topics that are not as specified, and how."""
        existing = await self.topics()
        there = [spec for spec in specs if spec.name in existing]
        described = await self._describe([spec.name for spec in there])
        found = {spec.name: "missing" for spec in specs if spec.name not in existing}
        for spec in there:
            own = {"partitions": str(existing[spec.name])} | own_settings(described[spec.name])
            wanted = {"partitions": str(spec.partitions)} | configs_of(spec)
            different = [
                f"{key} is {own.get(key)}, not {value}" for key, value in wanted.items() if own.get(key) != value
            ]
            if different:
                found[spec.name] = ", ".join(different)
        return found

    async def topic(self, name: str) -> TopicInfo:
        """What is known of a topic. The bound comes from the cluster: it is what a broker would refuse."""
        if name not in self._known:
            partitions = (await self.topics()).get(name)
            if partitions is None:
                raise BusUnavailable(f"no topic {name}: run `wirewatch init`")
            configs = (await self._describe([name]))[name]
            self._known[name] = TopicInfo(partitions, int(configs["max.message.bytes"][0]) - OVERHEAD)
        return self._known[name]

    async def _create(self, specs: Sequence[TopicSpec]) -> None:
        new = [
            NewTopic(
                self._options.topic_prefix + spec.name, spec.partitions, self._options.replication_factor,
                topic_configs=configs_of(spec),
            )
            for spec in specs
        ]  # fmt: skip
        with translated("create topics"):
            response = await self._admin.create_topics(new)
        for name, code, *message in response.topic_errors:
            if code not in {0, TOPIC_EXISTS}:
                raise BusUnavailable(f"create {name}: {for_code(code).__name__} {message}")
        await self._visible([spec.name for spec in specs])

    async def _visible(self, names: Collection[str]) -> None:
        """A broker may answer with metadata from before the creation for a moment."""
        with translated("topics not visible"):
            async with asyncio.timeout(VISIBLE_SECONDS):
                while not set(names) <= (await self.topics()).keys():  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(0.05)

    async def _configure(self, specs: Sequence[TopicSpec]) -> None:
        """Alter what differs, and keep what operators set: the request replaces all of a topic's own settings."""
        wanted = await self._differing(specs)
        if not wanted:
            return
        prefix = self._options.topic_prefix
        changes = [ConfigResource(ConfigResourceType.TOPIC, prefix + name, configs=c) for name, c in wanted.items()]
        with translated("alter topics"):
            (response,) = await self._admin.alter_configs(changes)
        for code, message, *_ in response.resources:
            if code:
                raise BusUnavailable(f"alter topics: {for_code(code).__name__} {message}")
        with translated("altered settings not visible"):
            async with asyncio.timeout(VISIBLE_SECONDS):
                while await self._differing(specs):  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(0.05)

    async def _differing(self, specs: Sequence[TopicSpec]) -> dict[str, dict[str, str]]:
        """Topics that are not as specified, with all settings of their own as they should be."""
        described = await self._describe([spec.name for spec in specs])
        own = {spec.name: own_settings(described[spec.name]) for spec in specs}
        wanted = {spec.name: own[spec.name] | configs_of(spec) for spec in specs}
        return {name: configs for name, configs in wanted.items() if configs != own[name]}

    async def _describe(self, names: Sequence[str]) -> dict[str, dict[str, tuple[str, int]]]:
        """Per topic: setting -> (value, where it comes from)."""
        if not names:
            return {}
        prefix = self._options.topic_prefix
        asked = [ConfigResource(ConfigResourceType.TOPIC, prefix + name) for name in names]
        with translated("describe topics"):
            responses = await self._admin.describe_configs(asked)
        found = {}
        for response in responses:
            for code, message, _type, name, entries in response.resources:
                if code:
                    raise BusUnavailable(f"describe {name}: {for_code(code).__name__} {message}")
                found[name.removeprefix(prefix)] = {entry[0]: (entry[1], entry[3]) for entry in entries}
        return found

    # ---- publishers and consumers -----------------------------------------------------------------------------------

    async def publisher(self) -> KafkaPublisher:
        """A new writer; connects at once, so that a wrong setting shows at the start."""
        publisher = KafkaPublisher(self, self._options)
        await publisher.ready()
        self._publishers.append(publisher)
        return publisher

    async def subscribe(self, topics: Sequence[str], group: str, options: ConsumerOptions) -> KafkaConsumer:
        """Join `group` and read `topics`."""
        for topic in topics:
            await self.topic(topic)
        consumer = KafkaConsumer(self, group, self._options, options)
        await consumer.start(topics)
        self._consumers.add(consumer)
        return consumer

    def gone(self, consumer: KafkaConsumer) -> None:
        """A consumer has closed."""
        self._consumers.discard(consumer)

    # ---- offsets ----------------------------------------------------------------------------------------------------

    async def end_offsets(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        """The offset after the last record."""
        with translated("end offsets"):
            found = await self._offsets.end_offsets(self._there(partitions))
        return self._here(found)

    async def offsets_for_time(self, partitions: Collection[Partition], timestamp: int) -> dict[Partition, int | None]:
        """The first offset whose timestamp is at or after `timestamp`."""
        if not partitions:
            return {}
        with translated("offsets for time"):
            found = await self._offsets.offsets_for_times(dict.fromkeys(self._there(partitions), timestamp))
        return {self._options.here(place): None if at is None else at.offset for place, at in found.items()}

    async def bounds(self, partition: Partition) -> tuple[int, int]:
        """First and next offset."""
        beginnings, ends = await self._beginnings([partition]), await self.end_offsets([partition])
        return beginnings[partition], ends[partition]

    async def committed(self, group: str, partitions: Collection[Partition]) -> dict[Partition, int | None]:
        """The group's next offsets."""
        if not partitions:
            return {}
        with translated("committed offsets"):
            found = await self._admin.list_consumer_group_offsets(
                self._options.topic_prefix + group, partitions=self._there(partitions)
            )
        offsets = {self._options.here(place): at.offset for place, at in found.items()}
        return {place: offsets[place] if offsets.get(place, -1) >= 0 else None for place in partitions}

    async def start_positions(
        self, group: str, partitions: Collection[Partition], policy: OffsetPolicy
    ) -> dict[Partition, int]:
        """Where a member begins: at the committed offset, else by the policy."""
        committed = await self.committed(group, partitions)
        fresh = [place for place, offset in committed.items() if offset is None]
        begin = await (self._beginnings(fresh) if policy == "earliest" else self.end_offsets(fresh))
        return {place: begin[place] if offset is None else offset for place, offset in committed.items()}

    async def lag(self, group: str, topics: Sequence[str]) -> list[PartitionLag]:
        """How far `group` is behind."""
        places = [Partition(topic, n) for topic in topics for n in range((await self.topic(topic)).partitions)]
        committed = await self.committed(group, places)
        beginnings, ends = await self._beginnings(places), await self.end_offsets(places)
        nexts = {place: max(committed[place] or 0, beginnings[place]) for place in places}
        waiting = {place: offset for place, offset in nexts.items() if offset < ends[place]}
        oldest = await self._read(waiting, limit=1)
        return [
            PartitionLag(
                place, committed[place], beginnings[place], ends[place],
                next((record.timestamp for record in oldest.get(place, [])), None),
            )
            for place in places
        ]  # fmt: skip

    async def read(self, partition: Partition, offset: int, limit: int) -> list[Record]:
        """Read without a group."""
        beginning, end = await self.bounds(partition)
        start = max(offset, beginning)
        return (await self._read({partition: start}, limit=limit))[partition] if start < end else []

    async def settings_of(self, name: str) -> dict[str, str]:
        """What was set on a topic itself, for `wirewatch topics --check`."""
        return own_settings((await self._describe([name]))[name])

    async def trim(self, partition: Partition, offset: int) -> None:
        """Delete the records of a partition before `offset`."""
        with translated("delete records"):
            await self._admin.delete_records({self._options.there(partition): RecordsToDelete(offset)})

    async def _beginnings(self, partitions: Collection[Partition]) -> dict[Partition, int]:
        with translated("beginning offsets"):
            found = await self._offsets.beginning_offsets(self._there(partitions))
        return self._here(found)

    async def _read(self, starts: Mapping[Partition, int], *, limit: int) -> dict[Partition, list[Record]]:
        """Up to `limit` records of each partition, with a consumer of its own; ends at the present end."""
        if not starts:
            return {}
        reader = AIOKafkaConsumer(
            **self._options.client(), group_id=None, enable_auto_commit=False, auto_offset_reset="earliest",
            max_partition_fetch_bytes=READ_BYTES,
        )  # fmt: skip
        try:
            with translated("read"):
                async with asyncio.timeout(self._options.request_timeout):
                    await reader.start()
                    return await self._collect(reader, starts, limit)
        finally:
            await stopped(reader, self._options.stop_timeout)

    async def _collect(
        self, reader: AIOKafkaConsumer, starts: Mapping[Partition, int], limit: int
    ) -> dict[Partition, list[Record]]:
        ends = await self.end_offsets(starts.keys())
        found: dict[Partition, list[Record]] = {place: [] for place in starts}
        reader.assign(self._there(starts))
        for place, offset in starts.items():
            reader.seek(self._options.there(place), offset)
        open_places = {place for place in starts if starts[place] < ends[place]}
        while open_places:
            for there, records in (await reader.getmany(timeout_ms=200)).items():
                place = self._options.here(there)
                found[place] += [record_of(place, record) for record in records]
            for place in list(open_places):  # also one that brought nothing: retention may have taken all it had left
                there = self._options.there(place)
                if len(found[place]) >= limit or await reader.position(there) >= ends[place]:
                    open_places.discard(place)
                    reader.pause(there)
        return {place: records[:limit] for place, records in found.items()}

    def _there(self, partitions: Collection[Partition]) -> list[TopicPartition]:
        return [self._options.there(place) for place in partitions]

    def _here(self, offsets: Mapping[TopicPartition, int]) -> dict[Partition, int]:
        return {self._options.here(place): offset for place, offset in offsets.items()}


def own_settings(described: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """What was set on the topic itself, by us or by operators, without the cluster's defaults."""
    return {key: value for key, (value, source) in described.items() if source == DYNAMIC_TOPIC_CONFIG}


def record_of(place: Partition, record: Any) -> Record:
    """What aiokafka read, as a record of ours."""
    headers = tuple(record.headers)
    return Record(place.topic, place.number, record.offset, record.timestamp, record.key, record.value, headers)


def configs_of(spec: TopicSpec) -> dict[str, str]:
    """A topic's own settings. Kafka 4 refuses timestamps more than an hour ahead by default (KIP-1030): a source with a
    wrong clock would then stop the pipeline, and the embedded log accepts them."""
    return {
        "retention.ms": str(int(spec.retention.total_seconds() * 1000)),
        "retention.bytes": str(spec.retention_bytes),
        "max.message.bytes": str(spec.largest + OVERHEAD),
        "message.timestamp.after.max.ms": str(2**63 - 1),
    }
