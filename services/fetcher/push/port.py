"""The public port of the fetcher: the callback of WebSub, `<public address>/push/<unguessable>`, and nothing else.

Off unless a public address is set. It speaks plain HTTP and belongs behind whatever ends TLS for that address. Bodies
are bounded in bytes, time and number before anybody reads them; everything that is not a callback of ours is 404.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import structlog

from services.fetcher.push import metrics
from services.fetcher.push.metrics import PushOutcome, VerifyOutcome
from services.fetcher.push.receive import LARGEST, Receiver
from services.fetcher.push.store import State, Subscription
from services.fetcher.push.verify import verify
from shared.clock import Clock
from shared.db import Database, DatabaseUnavailable
from shared.errors import Misconfigured

log = structlog.get_logger()

CONNECTIONS = 256
AT_ONCE = 16
"""Bodies in memory at the same time; a hub that finds all places taken is asked to come again."""
BODY_SECONDS = 10.0
KEPT_SECONDS = 5.0
"""How long a hub waits for its push to be kept before it is asked to come again; hubs wait about ten."""
MOST_FIELDS = 20
LONGEST_QUERY = 16_384
PATH = re.compile(r"/push/([A-Za-z0-9_-]{43})")
HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "content-type": "text/plain; charset=utf-8",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: status, text, headers beside `HEADERS`."""

    status: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_FOUND = Reply(404)
COME_AGAIN = Reply(503, headers={"retry-after": "60"})
REPLIES = {
    PushOutcome.UNKNOWN: NOT_FOUND,
    PushOutcome.TOO_LARGE: Reply(413),
    PushOutcome.CUT: Reply(408),
    PushOutcome.BUSY: COME_AGAIN,
    PushOutcome.DELAYED: COME_AGAIN,
    PushOutcome.DEFECT: Reply(500),
}
"""Every other outcome is acknowledged alike, a forged push too."""


class TooLarge(Exception):
    """The body passes its limit."""


def callback_of(public_url: str) -> str:
    """The callback without its unguessable part. Raises Misconfigured."""
    parts = urlsplit(public_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        fix = "write the address under which hubs reach this port, such as https://news.example.org"
        raise Misconfigured(f"WIREWATCH_PUSH_PUBLIC_URL is {public_url!r}: {fix}")
    return public_url.rstrip("/") + "/push"


@dataclass(slots=True, kw_only=True)
class Port:
    """The ASGI application. `prefix` is the path of the public address, which a proxy may or may not take off."""

    database: Database
    real: Clock
    receiver: Receiver
    prefix: str = ""
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _in_hand: set[asyncio.Task[PushOutcome]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        found = PATH.fullmatch(scope["path"].removeprefix(self.prefix))
        if found is not None and scope["method"] == "GET":
            reply = await self._verify(found[1], scope["query_string"])
        elif found is not None and scope["method"] == "POST":
            reply = await self._push(found[1], scope, receive)
        else:
            reply = NOT_FOUND
        await _send(send, reply)

    async def _verify(self, push_id: str, query: bytes) -> Reply:
        lease = self.receiver.subscriber.hubs.lease
        try:
            async with self.database.transaction() as connection:
                answer = await verify(connection, push_id, _fields(query), now=self.real.now(), lease=lease)
        except DatabaseUnavailable as error:
            log.warning("push_not_verified", error=str(error))
            metrics.VERIFIED.labels(VerifyOutcome.DELAYED).inc()
            return COME_AGAIN
        metrics.VERIFIED.labels(answer.outcome).inc()
        if answer.outcome is VerifyOutcome.REFUSED:
            return NOT_FOUND
        self.receiver.subscriber.alarm.ring()
        return Reply(200, answer.body)

    async def _push(self, push_id: str, scope: Scope, receive: Receive) -> Reply:
        row = None
        try:
            row = await self.receiver.known(push_id)
            outcome = await self._received(row, scope, receive)
        except DatabaseUnavailable as error:
            log.warning("push_not_kept", error=str(error))
            outcome = PushOutcome.DELAYED
        metrics.RECEIVED.labels(outcome).inc()
        if row is not None and row.state is State.LEAVING:
            return Reply(410)
        return REPLIES.get(outcome, Reply(202))

    async def _received(self, row: Subscription | None, scope: Scope, receive: Receive) -> PushOutcome:
        if row is None:
            return PushOutcome.UNKNOWN
        if self._places.locked():
            return PushOutcome.BUSY
        async with self._places:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _read(receive)
            except TooLarge:
                return PushOutcome.TOO_LARGE
            except (TimeoutError, ConnectionError):
                return PushOutcome.CUT
            return await self._kept(row, _headers(scope), body)

    async def _kept(self, row: Subscription, headers: Mapping[str, str], body: bytes) -> PushOutcome:
        """Take it in, and go on with that where the hub is not to wait for it any longer."""
        task = asyncio.create_task(self._take(row, headers, body), name=f"push:{row.source_id}")
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)
        done, _ = await asyncio.wait({task}, timeout=KEPT_SECONDS)
        return task.result() if done else PushOutcome.DELAYED

    async def _take(self, row: Subscription, headers: Mapping[str, str], body: bytes) -> PushOutcome:
        try:
            return await self.receiver.receive(row, headers, body)
        except DatabaseUnavailable as error:
            log.warning("push_not_kept", source=row.source_id, error=str(error))
            return PushOutcome.DELAYED
        except Exception as error:
            log.error("fetcher_defect", exc_info=error, source=row.source_id)
            return PushOutcome.DEFECT


def _fields(query: bytes) -> dict[str, str]:
    """The query by name, the first value of each; empty where it is no query that anybody would send."""
    try:
        text = query[:LONGEST_QUERY].decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        return {}
    return dict(reversed(pairs))


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def _read(receive: Receive) -> bytes:
    """The body as sent. Raises TooLarge, and ConnectionError where it ends before its end."""
    pieces: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("the hub went away")
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > LARGEST:
            raise TooLarge(f"more than {LARGEST} bytes")
        more = message.get("more_body", False)
    return b"".join(pieces)


async def _send(send: Send, reply: Reply) -> None:
    body = reply.text.encode()
    told = {**HEADERS, **reply.headers, "content-length": str(len(body))}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in told.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
