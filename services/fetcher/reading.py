"""The body of a source's answer to a feed: the one place that knows which kind of source is read how."""

from __future__ import annotations

import asyncio

from services.fetcher.parse import Feed, Unusable, parse_feed
from services.fetcher.sources import Source

AWAY = 256_000
"""Bytes from which parsing leaves the event loop for a thread (about 3 ms)."""


async def read_body(source: Source, body: bytes, url: str) -> Feed | Unusable:  # noqa: ARG001 - for kinds to come
    """What `body`, had at `url`, tells of `source`."""
    return parse_feed(body) if len(body) < AWAY else await asyncio.to_thread(parse_feed, body)
