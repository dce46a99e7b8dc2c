"""A WebSub hub on loopback: takes requests, verifies them at the callback, distributes signed bodies, keeps what was
said.

    async with hub() as one:
        site.put("/feed", rss([...]), link=f'<{one.url}>; rel="hub", <{site.url("/feed")}>; rel="self"')
        ...
        await one.verified()
        assert await one.push(body) == 202
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import io
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

CHALLENGE = "42 <script>"


@dataclass(frozen=True, slots=True)
class Told:
    """An answer of a callback."""

    status: int
    text: str
    headers: Mapping[str, str]


@dataclass(slots=True)
class Hub:
    """The hub. `answer` is its status for requests; `verifies` whether it asks back, and `early` whether it does so
    before it answers; `lease` is what it gives (None says nothing); one that `hangs` never answers."""

    client: aiohttp.ClientSession
    port: int = 0
    answer: int = 202
    verifies: bool = True
    early: bool = False
    lease: int | None = 1_000
    asked: list[dict[str, str]] = field(default_factory=list)
    answers: list[Told] = field(default_factory=list)
    retry_after: str = ""
    hangs: bool = False
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub"

    def modes(self) -> list[str]:
        return [asked["hub.mode"] for asked in self.asked]

    async def take(self, request: web.Request) -> web.Response:
        """A request of a subscriber."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.asked.append(form)
        if self.hangs:
            await asyncio.Event().wait()
        if self.verifies and self.answer < 300:
            task = asyncio.create_task(self._verify(form))
            self._tasks.add(task)
            if self.early:
                await task
        headers = {"Retry-After": self.retry_after} if self.retry_after else {}
        return web.Response(status=self.answer, headers=headers)

    async def _verify(self, form: Mapping[str, str]) -> None:
        await self.question(form["hub.mode"], topic=form["hub.topic"])

    async def question(self, mode: str, *, topic: str = "", callback: str = "", **more: str) -> Told:
        """Ask a callback (the last one named) whether it meant it; what it answered."""
        query = {"hub.mode": mode, "hub.topic": topic or self.asked[-1]["hub.topic"], "hub.challenge": CHALLENGE}
        if mode == "subscribe" and self.lease is not None:
            query["hub.lease_seconds"] = str(self.lease)
        query |= {name.replace("_", "."): value for name, value in more.items()}
        told = await self.get(callback or self.asked[-1]["hub.callback"], query)
        self.answers.append(told)
        return told

    async def get(self, url: str, query: Mapping[str, str] | None = None, *, method: str = "GET") -> Told:
        async with self.client.request(method, url, params=query) as response:
            return Told(response.status, await response.text(), response.headers)

    async def verified(self, times: int = 1) -> None:
        """Wait until so many questions were answered with their challenge."""
        async with asyncio.timeout(10):
            while sum(told.status == 200 and told.text == CHALLENGE for told in self.answers) < times:
                await asyncio.sleep(0.005)

    async def was_asked(self, times: int = 1) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(10):
            while len(self.asked) < times:
                await asyncio.sleep(0.005)

    async def push(
        self, body: str | bytes, *, method: str = "sha256", signature: str | None = None, to: int = -1,
        secret: str = "", coding: str = "", callback: str = "",
    ) -> int:  # fmt: skip
        """Distribute a body to the callback of a request, signed with its secret; the status it got."""
        raw, asked = body.encode() if isinstance(body, str) else body, self.asked[to]
        made = hmac.new((secret or asked["hub.secret"]).encode(), raw, getattr(hashlib, method)).hexdigest()
        told = f"{method}={made}" if signature is None else signature
        headers = {"content-type": "application/rss+xml"}
        headers |= {"x-hub-signature": told} if told else {}
        headers |= {"content-encoding": coding} if coding else {}
        async with self.client.post(
            callback or asked["hub.callback"], data=io.BytesIO(raw), headers=headers
        ) as response:
            return response.status


def free_port() -> int:
    """A port that nobody listens on: hubs have to know the callback before the fetcher starts."""
    with contextlib.closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextlib.asynccontextmanager
async def hub() -> AsyncIterator[Hub]:
    """A listening hub."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as client:
        made = Hub(client)
        app = web.Application()
        app.router.add_post("/hub", made.take)
        runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True, access_log=None)
        await runner.setup()
        listening = web.TCPSite(runner, "127.0.0.1", 0)
        await listening.start()
        made.port = runner.addresses[0][1]
        try:
            yield made
        finally:
            await asyncio.gather(*made._tasks, return_exceptions=True)
            await runner.cleanup()
