"""A news site on loopback: feeds and pages with validators, a log of requests, and every way of misbehaving.

    async with feed_site() as site:
        site.put("/feed", rss([Story("One", site.url("/1"))]), etag='"1"')
        site.put("/1", page("One", "text"))
        ...
        assert site.asked("/feed")[-1].headers["if-none-match"] == '"1"'

One site answers for any number of hosts: `put(..., host="a.test")` answers only under that name, `Loopback()` is a
resolver that leads every name here.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gzip
import html
import io
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import StrEnum

from aiohttp import web

MEGABYTE = 1_000_000


class Fault(StrEnum):
    """How an address misbehaves."""

    TRICKLE = "trickle"
    """A byte now and then, without end."""
    SILENCE = "silence"
    """Takes the request and never answers."""
    RESET = "reset"
    """Cuts the connection before the answer."""
    CUT = "cut"
    """Cuts the connection in the body."""
    BOMB = "bomb"
    """300 MB of gzip in 300 KB."""


class Heeds(StrEnum):
    """How an address treats conditions."""

    RIGHTLY = "rightly"
    DATE_ALONE = "date_alone"
    """Never knows its own ETag again, as behind a module that adds `-gzip` to it."""
    NOTHING = "nothing"
    """Answers the whole body always."""
    FALSELY = "falsely"
    """Says 304 to any condition, whatever happened since."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; header names in lower case, `at` seconds of the event loop's clock."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    at: float


@dataclass(frozen=True, slots=True)
class Story:
    """What a feed tells of an article."""

    title: str
    link: str
    published: datetime | None = None
    guid: str = ""
    summary: str = ""
    content: str = ""


@dataclass(slots=True)
class _Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = None
    last_modified: str | None = None
    fault: Fault | None = None
    wait: float = 0.0
    heeds: Heeds = Heeds.RIGHTLY


class FeedSite:
    """The site. `port` is set once it listens."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[Asked] = []
        self.open_now: dict[str, int] = defaultdict(int)
        self.most_open: dict[str, int] = defaultdict(int)
        self._answers: dict[tuple[str, str], _Answer] = {}

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def put(
        self,
        path: str,
        body: str | bytes = b"",
        *,
        host: str = "",
        status: int = 200,
        etag: str | None = None,
        last_modified: str | None = None,
        wait: float = 0.0,
        heeds: Heeds = Heeds.RIGHTLY,
        **headers: str,
    ) -> None:
        """Answer `path` so from now on; `content_type="x"` becomes a header."""
        raw = body.encode() if isinstance(body, str) else body
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[host, path] = _Answer(raw, status, named, etag, last_modified, wait=wait, heeds=heeds)

    def fault(self, path: str, fault: Fault, *, host: str = "") -> None:
        if fault is Fault.BOMB:
            bomb()  # now, not while somebody waits for the answer
        self._answers[host, path] = _Answer(fault=fault)

    def remove(self, path: str, *, host: str = "") -> None:
        self._answers.pop((host, path), None)

    def asked(self, path: str) -> list[Asked]:
        return [asked for asked in self.requests if asked.path == path]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.rpartition(":")[0] or request.host
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Asked(request.method, host, request.path_qs, headers, asyncio.get_running_loop().time()))
        found = self._answers.get((host, request.path_qs)) or self._answers.get(("", request.path_qs))
        self.open_now[host] += 1
        self.most_open[host] = max(self.most_open[host], self.open_now[host])
        try:
            return await self._say(request, found or _Answer(b"not here", 404))
        finally:
            self.open_now[host] -= 1

    async def _say(self, request: web.Request, answer: _Answer) -> web.StreamResponse:
        if answer.wait:
            await asyncio.sleep(answer.wait)
        if answer.fault is not None:
            return await _misbehave(request, answer.fault)
        validators = {"ETag": answer.etag, "Last-Modified": answer.last_modified}
        headers = {**answer.headers, **{name: value for name, value in validators.items() if value}}
        if _unchanged(request, answer):
            return web.Response(status=304, headers=headers)
        headers.setdefault("content-type", "text/html; charset=utf-8")
        return web.Response(body=answer.body, status=answer.status, headers=headers)


def _unchanged(request: web.Request, answer: _Answer) -> bool:
    """RFC 9110 section 13.2.2: If-None-Match decides where it was sent."""
    tags, date = request.headers.get("If-None-Match"), request.headers.get("If-Modified-Since")
    if answer.heeds is Heeds.NOTHING or (tags is None and date is None):
        return False
    if answer.heeds is Heeds.FALSELY:
        return True
    if tags is not None:
        return tags == answer.etag and answer.heeds is Heeds.RIGHTLY
    return answer.last_modified is not None and date == answer.last_modified


async def _misbehave(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault is Fault.BOMB:
        return web.Response(body=bomb(), headers={"content-encoding": "gzip", "content-type": "text/xml"})
    if fault is Fault.SILENCE:
        await asyncio.Event().wait()
    if fault is Fault.RESET:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
    response = web.StreamResponse(headers={"content-type": "text/xml", "content-length": str(MEGABYTE)})
    await response.prepare(request)
    await response.write(b"<rss>")
    if fault is Fault.CUT:
        assert request.transport is not None
        request.transport.abort()
        return response
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


@functools.cache
def bomb(size: int = 300 * MEGABYTE) -> bytes:
    """`size` bytes of nothing, as gzip."""
    target = io.BytesIO()
    with gzip.GzipFile(fileobj=target, mode="wb", compresslevel=9) as packed:
        piece = b" " * MEGABYTE
        for _ in range(size // MEGABYTE):
            packed.write(piece)
    return target.getvalue()


@contextlib.asynccontextmanager
async def feed_site() -> AsyncIterator[FeedSite]:
    """A listening site; at the end its open connections are cut."""
    site = FeedSite()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", site.answer)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True, access_log=None)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()


class Loopback:
    """A resolver that leads every name to this machine."""

    async def resolve(self, host: str) -> Sequence[str]:
        return ["127.0.0.1"]


# -- what the site serves -----------------------------------------------------------------------------------------


def rss(stories: Sequence[Story], *, title: str = "Site", language: str = "sr") -> str:
    items = "".join(
        f"<item><title>{html.escape(story.title)}</title><link>{html.escape(story.link)}</link>"
        + (f'<guid isPermaLink="false">{html.escape(story.guid)}</guid>' if story.guid else "")
        + (f"<pubDate>{format_datetime(story.published)}</pubDate>" if story.published else "")
        + f"<description>{html.escape(story.summary)}</description>"
        + (f"<content:encoded><![CDATA[{story.content}]]></content:encoded>" if story.content else "")
        + "</item>"
        for story in stories
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>{html.escape(title)}</title><link>http://site.test/</link><language>{language}</language>{items}"
        "</channel></rss>"
    )


def atom(stories: Sequence[Story], *, title: str = "Site", language: str = "bg") -> str:
    entries = "".join(
        f"<entry><id>{html.escape(story.guid or story.link)}</id><title>{html.escape(story.title)}</title>"
        f'<link rel="alternate" href="{html.escape(story.link)}"/>'
        + (f"<published>{story.published.isoformat()}</published>" if story.published else "")
        + f"<summary>{html.escape(story.summary)}</summary></entry>"
        for story in stories
    )
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{language}"><title>{html.escape(title)}</title>'
        f"<updated>{datetime(2025, 3, 18, tzinfo=UTC).isoformat()}</updated>{entries}</feed>"
    )


def json_feed(stories: Sequence[Story], *, title: str = "Site") -> str:
    items = [
        {"id": story.guid or story.link, "url": story.link, "title": story.title, "content_html": story.content}
        | ({"date_published": story.published.isoformat()} if story.published else {})
        for story in stories
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": title, "items": items})


def page(title: str, text: str, *, language: str = "sr") -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><title>{html.escape(title)}</title></head>'
        f"<body><article><h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></article></body></html>"
    )
