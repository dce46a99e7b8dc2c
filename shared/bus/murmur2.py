"""Murmur2 as Apache Kafka's Java client computes it, so that a key has the same partition on both buses.

The algorithm and its constants are those of `org.apache.kafka.common.utils.Utils.murmur2`; `tests/contract/test_bus.py`
compares it with vectors taken from that class. Whole words are unpacked at once, which makes it about three times as
fast as the byte-wise Python in aiokafka: it runs once per record on the embedded log.
"""

from __future__ import annotations

from struct import unpack_from

SEED = 0x9747B28C
MIX = 0x5BD1E995
MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The unsigned 32-bit hash of `data`."""
    length = len(data)
    h = SEED ^ length
    for word in unpack_from(f"<{length >> 2}I", data):
        k = word * MIX & MASK
        h = (h * MIX & MASK) ^ ((k ^ k >> 24) * MIX & MASK)
    rest = data[length & ~3 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * MIX & MASK
    h = (h ^ h >> 13) * MIX & MASK
    return h ^ h >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """Where the Java client's default partitioner puts `key`."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
