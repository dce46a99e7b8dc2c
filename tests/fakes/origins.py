"""Servers on loopback that say exactly the bytes a test gives them, and names that resolve as a test wants."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]
"""Takes the request head as text and writes whatever it likes; the connection is closed after it."""


@dataclass(slots=True)
class Origin:
    """What a server saw."""

    port: int
    connections: int = 0
    heads: list[str] = field(default_factory=list)

    def url(self, path: str = "/", *, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def header(self, name: str, *, request: int = -1) -> str | None:
        """A header of a request as it came over the wire."""
        for line in self.heads[request].split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.lower() == name:
                return value.strip()
        return None


@dataclass(slots=True)
class Names:
    """A resolver: each name has a list of answers given one after the other, the last one for good."""

    answers: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str) -> Sequence[str]:
        self.asked.append(host)
        turns = self.answers.get(host)
        if not turns:
            raise OSError(f"no such name: {host}")
        return turns.pop(0) if len(turns) > 1 else turns[0]


@asynccontextmanager
async def origin(
    answer: Answer,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    greeting: bytes = b"",
    again: bool = False,
) -> AsyncIterator[Origin]:
    """A listening server; at the end its open connections are cut.

    `greeting` is said before anything is read; `again` reads further requests on the same connection.
    """
    seen = Origin(port=port)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        seen.connections += 1
        answered = False
        try:
            writer.write(greeting)
            while again or not answered:
                head = await reader.readuntil(b"\r\n\r\n")
                seen.heads.append(head.decode("latin-1"))
                await answer(seen.heads[-1], writer)
                await writer.drain()
                answered = True
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        server.close()
        await asyncio.sleep(0)  # a connection accepted just now starts its task, which then can be ended
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # closed transports let go of their sockets in the next turn of the loop


def says(data: bytes) -> Answer:
    """Writes the same bytes to everybody."""

    async def answer(head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return answer


def reply(body: bytes = b"", *, status: str = "200 OK", **fields: str) -> bytes:
    """A complete answer; `content_type="x"` becomes `content-type: x`, length and closing come by themselves."""
    given = {"content_length": str(len(body)), "connection": "close", **fields}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1") + body


def path_of(head: str) -> str:
    return head.split(" ", 2)[1]
