"""A fetcher in a process of its own, for tests that kill or stop it:

    python -m tests.fakes.fetcher_process NAME DATABASE SOURCES

Every name leads to this machine, NAME is its User-Agent, and what it publishes is printed, a line an event: kind, entry
or source, id. Where a file `stop-NAME` lies beside SOURCES, the process stops itself (SIGSTOP) as soon as it looks up
the host that the file names, once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

from services.fetcher.app import build
from services.fetcher.settings import FetcherSettings
from shared.bus import Message, Partition, Position
from shared.clock import RealClock
from shared.codec import decode_bytes
from shared.db import open_database
from shared.events import PageFetched, SourceChecked
from shared.http import Door, Guard
from shared.run import Parts
from shared.topics import PAGES_FETCHED

LEASE = timedelta(seconds=4)
SPACING = timedelta(seconds=0.4)
SETTINGS = FetcherSettings(
    poll_interval=timedelta(seconds=1.5), poll_spread=timedelta(), spacing=SPACING, sources_reload=timedelta(),
    page_retry=timedelta(seconds=0.2), request_timeout=timedelta(seconds=1.2), domain_lease=LEASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sleepwalker:
    """A resolver that leads every name to this machine, and stops the process where a file says so."""

    told: Path

    async def resolve(self, host: str) -> Sequence[str]:
        if self.told.exists() and self.told.read_text() == host:
            self.told.unlink()
            os.kill(os.getpid(), signal.SIGSTOP)
        return ["127.0.0.1"]


class Printed:
    """A bus that prints what is published."""

    async def publisher(self) -> Printed:
        return self

    async def publish(self, messages: Sequence[Message]) -> list[Position]:
        for message in messages:
            if message.topic == PAGES_FETCHED.name:
                page = decode_bytes(message.value or b"", PageFetched)
                print("page", page.entry_id, page.id, flush=True)
            else:
                check = decode_bytes(message.value or b"", SourceChecked)
                print("check", check.source.id, check.id, flush=True)
        return [Position(Partition(message.topic, 0), 0) for message in messages]

    async def close(self) -> None:
        await asyncio.sleep(0)


async def main(name: str, url: str, sources: str) -> None:
    """Run until killed."""
    database = open_database(url)
    guard = Guard((ip_network("127.0.0.0/8"),))
    resolver = Sleepwalker(Path(sources).with_name(f"stop-{name}"))
    async with Door(user_agent=name, guard=guard, resolver=resolver) as door:
        parts = Parts(bus=Printed(), database=database, door=door, story=RealClock(), real=RealClock())  # type: ignore[arg-type]  # a bus that only writes
        settings = FetcherSettings(**{**vars(SETTINGS), "sources_file": Path(sources)})
        service = await build(settings, parts)
        print("ready", flush=True)
        await service.tasks["poll"](asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
