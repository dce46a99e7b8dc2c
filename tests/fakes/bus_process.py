"""A process of its own on a bus, for tests that kill it: `python -m tests.fakes.bus_process WHAT ADDRESS TOPIC`.

`write` publishes one number after the other and prints each once it is acknowledged. `read` joins the group `g`, prints
what it polls, and commits only the first record of each partition. Both go on until they are killed. `hold` polls,
commits what it read only when a line arrives on its input, and prints how that went.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shared.bus import Bus, CommitRefused, ConsumerOptions, Message, Partition


async def connect(address: str) -> Bus:
    """`embedded:PATH` or `kafka:PREFIX@BOOTSTRAP`."""
    kind, _, rest = address.partition(":")
    if kind == "embedded":
        from shared.bus.embedded import EmbeddedBus

        return await EmbeddedBus.open(Path(rest))
    from shared.bus.kafka import KafkaBus, KafkaOptions

    prefix, _, bootstrap = rest.partition("@")
    return await KafkaBus.open(KafkaOptions(bootstrap=bootstrap, topic_prefix=prefix))


async def write(bus: Bus, topic: str) -> None:
    """Publish until killed; several publishes are in flight at any time, so that group commit has something to do."""
    publisher = await bus.publisher()

    async def lane(lane: int) -> None:
        for n in range(lane, 10_000_000, 4):
            await publisher.publish([Message(topic, f"key {lane}".encode(), str(n).encode())])
            print(n, flush=True)

    await asyncio.gather(*(lane(n) for n in range(4)))


async def read(bus: Bus, topic: str) -> None:
    """Poll until killed."""
    consumer = await bus.subscribe([topic], "g", ConsumerOptions(session_timeout=6.0))
    committed: set[Partition] = set()
    print("joined", flush=True)
    while True:
        for record in await consumer.poll(max_records=100, timeout=1.0):
            if record.place not in committed:
                committed.add(record.place)
                await consumer.commit({record.place: record.offset + 1})
            print((record.value or b"").decode(), flush=True)


async def hold(bus: Bus, topic: str) -> None:
    """Poll, wait to be told, commit."""
    consumer = await bus.subscribe([topic], "g", ConsumerOptions(session_timeout=6.0))
    records = await consumer.poll(max_records=100, timeout=10.0)
    print("holding", len(records), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    try:
        await consumer.commit({record.place: record.offset + 1 for record in records})
        print("committed", flush=True)
    except CommitRefused:
        print("refused", flush=True)
    await bus.close()


async def main() -> None:
    what, address, topic = sys.argv[1:]
    await {"write": write, "read": read, "hold": hold}[what](await connect(address), topic)


if __name__ == "__main__":
    asyncio.run(main())
