"""A receiver that verifies: for the command line, the demo and the tests.

It answers 204 to what it could verify, 401 to what it could not, and keeps what it got. `behave` makes it misbehave on
purpose: any status, headers, slowness, or no answer at all.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import uvicorn

from services.notifier import sign
from services.notifier.payload import CHALLENGE_TYPE
from services.notifier.sign import Secret, Verdict
from shared.clock import Clock, RealClock
from shared.errors import Misconfigured
from shared.health import Server

EVERYBODY = {"webhook-allowed-origin": "*"}
"""The answer to a handshake that lets anybody send, as often as they like."""

LARGEST = 256 * 1024
"""Bytes read of a request: our own bodies are below 64 KiB."""


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. Header names are in lower case; `at` is when its body was complete (real time)."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    verdict: Verdict
    at: datetime
    repeat: bool = False

    @property
    def verified(self) -> bool:
        """Whether one of the secrets signed it, lately."""
        return self.verdict is Verdict.VALID

    @property
    def id(self) -> str:
        """The `webhook-id`."""
        return self.headers.get(sign.ID, "")

    def event(self) -> dict[str, Any]:
        """The CloudEvent; only of a verified message. Raises msgspec.DecodeError."""
        event: dict[str, Any] = msgspec.json.decode(self.body, type=dict[str, Any])
        return event


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer: after `wait` seconds, or never where `hang` is set (until the receiver stops)."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    wait: float = 0.0
    hang: bool = False


def politely(received: Received) -> Reply:
    """What a good receiver answers: also that it wants what will be sent, where it is asked by who has its secret."""
    if not received.verified:
        return Reply(401, body=str(received.verdict).encode())
    event = received.event()
    if event.get("type") == CHALLENGE_TYPE:
        return Reply(200, body=msgspec.json.encode({"challenge": event["data"]["challenge"]}))
    return Reply(204)


class Receiver:
    """Listens between `start` and `stop`, or within `async with`."""

    def __init__(
        self, secrets: Sequence[Secret] = (), *, host: str = "127.0.0.1", port: int = 0,
        on_receipt: Callable[[Received], None] = lambda _: None, behave: Callable[[Received], Reply] = politely,
        real: Clock | None = None, keep: bool = True, allow: Mapping[str, str] = EVERYBODY,
    ) -> None:  # fmt: skip
        """Port 0 takes a free one. `keep` keeps everything received in memory, in `received`; `allow` is what a
        handshake is answered with, nothing refuses it."""
        self.allow, self.asked = allow, 0
        self.secrets = list(secrets)
        self.received: list[Received] = []
        self.times: Counter[str] = Counter()
        self.behave = behave
        self._host, self._port, self._on_receipt, self._keep = host, port, on_receipt, keep
        self._real = real or RealClock()
        self._stopping = asyncio.Event()
        self._server: Server | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where to send to; only after `start`."""
        return f"http://{self._host}:{self._port}/"

    @property
    def repeats(self) -> int:
        """How many verified messages came again under an id that had come before."""
        return sum(times - 1 for times in self.times.values())

    def trust(self, secret: Secret) -> None:
        """Verify with this secret, too."""
        self.secrets.append(secret)

    async def start(self) -> None:
        """Listen. Raises Misconfigured where the port is taken."""
        config = uvicorn.Config(
            self._serve, host=self._host, port=self._port, log_config=None, log_level="critical", access_log=False,
            lifespan="off", ws="none", interface="asgi3", timeout_graceful_shutdown=3,
        )  # fmt: skip
        self._server = Server(config)
        self._running = asyncio.create_task(self._run(self._server))
        while not self._server.started:
            if self._running.done():
                await self._running
                raise Misconfigured(f"the receiver cannot listen on {self._host}:{self._port}")
            await asyncio.sleep(0.005)
        self._port = self._server.servers[0].sockets[0].getsockname()[1]

    async def _run(self, server: Server) -> None:
        try:
            await server.serve()
        except SystemExit as error:  # uvicorn's answer to a port that is taken
            raise Misconfigured(f"the receiver cannot listen on {self._host}:{self._port}") from error

    async def stop(self) -> None:
        """Answer what hangs with 503 and close."""
        self._stopping.set()
        if self._server is not None and self._running is not None:
            self._server.should_exit = True
            await self._running

    async def wait(self) -> None:
        """Return when it was stopped."""
        await self._stopping.wait()

    async def __aenter__(self) -> Receiver:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # -- serving -------------------------------------------------------------------------------------------------

    async def _serve(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        body = await _read(receive)
        if scope["method"] == "OPTIONS" and self.allow:
            self.asked += 1
            await _answer(send, Reply(200, self.allow))
            return
        if scope["method"] != "POST" or body is None:
            await _answer(send, Reply(405 if body is not None else 413))
            return
        received = self._take(_headers(scope), body)
        reply = self.behave(received)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if reply.hang else reply.wait):
                await self._stopping.wait()
        await _answer(send, Reply(503) if reply.hang else reply)

    def _take(self, headers: Mapping[str, str], body: bytes) -> Received:
        now = self._real.now()
        verdict = sign.verify(self.secrets, headers, body, now)
        message_id = headers.get(sign.ID, "")
        received = Received(headers, body, verdict, now, repeat=message_id in self.times)
        if received.verified:
            self.times[message_id] += 1
        if self._keep:
            self.received.append(received)
        self._on_receipt(received)
        return received


def _headers(scope: Mapping[str, Any]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _read(receive: Any) -> bytes | None:
    """The body, None where it is too large."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _answer(send: Any, reply: Reply) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    if reply.status != 204:
        headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if reply.status == 204 else reply.body})
