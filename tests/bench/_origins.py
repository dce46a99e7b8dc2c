"""Many small servers in a process of their own, for benchmarks: `python -m tests.bench._origins NUMBER`.

Prints its ports as JSON and serves until its standard input ends. `/feed` is a feed with a validator, `/asked` tells
when each of them was asked for, a line a request: Unix seconds and host; `/trickle-head` and `/trickle-body` send a
byte every 0.2 s, without end; everything else is a page of 2 KB.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import uvloop

from tests.fakes.feed_site import Story, rss
from tests.fakes.origins import reply

PAGE = b"x" * 2_048
FEED = rss([Story(f"Вест {at}", f"http://site.test/{at}", guid=f"g{at}") for at in range(5)]).encode()
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: "
PAGES = HEAD + b"2048\r\ncontent-type: text/html\r\n\r\n" + PAGE
FEEDS = HEAD + str(len(FEED)).encode() + b'\r\netag: "1"\r\ncontent-type: application/rss+xml\r\n\r\n' + FEED
UNCHANGED = b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n'
ASKED: list[str] = []
"""What `/asked` tells."""

TRICKLE = 0.2
"""Seconds between two bytes."""

TRICKLES = {b"/trickle-head": b"HTTP/1.1 200 OK\r\nx-slow: ", b"/trickle-body": reply(content_length="100000")}


class Served(asyncio.Protocol):
    """One connection; requests come one after the other and fit into one read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        path = data.split(b" ", 2)[1]
        if path in TRICKLES:
            self.transport.write(TRICKLES[path])
            self._drop()
        elif path == b"/feed":
            low = data.lower()
            ASKED.append(f"{time.time():.6f} {_host(low)}")
            self.transport.write(UNCHANGED if b"if-none-match" in low else FEEDS)
        elif path == b"/asked":
            told = "\n".join(ASKED).encode()
            self.transport.write(HEAD + str(len(told)).encode() + b"\r\n\r\n" + told)
        else:
            self.transport.write(PAGES)

    def _drop(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(b"1")
            asyncio.get_running_loop().call_later(TRICKLE, self._drop)


def _host(request: bytes) -> str:
    """The name in the Host header of a request in lower case."""
    return request.partition(b"\r\nhost:")[2].partition(b"\r\n")[0].strip().partition(b":")[0].decode()


async def serve(number: int) -> None:
    """Listen on `number` ports until standard input ends."""
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Served, "127.0.0.1", 0) for _ in range(number)]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def origins(number: int) -> Iterator[list[int]]:
    """The ports of a server process."""
    command = [sys.executable, "-m", "tests.bench._origins", str(number)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
