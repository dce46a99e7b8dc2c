"""The ledger: what was published, what a receiver verified, and the difference."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from fastapi.responses import Response

from services.notifier.receiver import Received, Receiver
from shared.health import serve

CONSONANTS = "bdfgklmnprstvz"
OUTLETS = 4
FEED_LENGTH = 400


def word_of(number: int) -> str:
    """A word no language has, another for every publication, without a common stem: the letters spell the number."""
    letters = ""
    for _ in range(4):
        number, rest = divmod(number, len(CONSONANTS))
        letters += CONSONANTS[rest] + "aeio"[rest % 4]
    return "qu" + letters + "x"


def watch_of(number: int) -> dict[str, Any]:
    """The watch that waits for publication `number` and nothing else."""
    return {
        "schema": "watch/1", "id": f"w{number}", "title": f"Publication {number}", "status": "active",
        "languages": ["en"],
        "concepts": {"word": {"weight": 3, "any": [word_of(number)]}},
        "match": {"require": ["word"], "score": {"threshold": 1}},
        "alerts": [{"kind": "match", "id": "any-new", "per": "story", "severity": "info"}],
    }  # fmt: skip


@dataclass
class Ledger:
    """Publications that exist by now, and deliveries by watch."""

    total: int
    published: dict[int, datetime] = field(default_factory=dict)
    ids: dict[str, set[str]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    repeats: int = 0
    unverified: int = 0
    fetches: Counter[str] = field(default_factory=Counter)

    def __call__(self, received: Received) -> None:
        """A delivery arrived."""
        if not received.verified:
            self.unverified += 1
            return
        data = received.event()["data"]
        if "alert" not in data:
            return
        known = self.ids.setdefault(data["alert"]["watch"]["id"], set())
        self.repeats += received.id in known
        known.add(received.id)
        self.kinds[data["alert"]["kind"]] += 1

    def publish(self) -> None:
        """One more publication."""
        self.published[len(self.published)] = datetime.now(UTC)

    @property
    def missing(self) -> list[str]:
        """Watches whose publication is out and whose alert has not arrived."""
        return sorted({f"w{n}" for n in self.published} - self.ids.keys())

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        wanted = {f"w{n}" for n in self.published}
        invented = [f"invented: {watch}" for watch in sorted(self.ids.keys() - wanted)]
        doubled = [f"{watch}: {len(found)} webhook-ids" for watch, found in sorted(self.ids.items()) if len(found) > 1]
        unverified = [f"{self.unverified} unverified deliveries"] if self.unverified else []
        return [f"lost: {watch}" for watch in self.missing] + invented + doubled + unverified


def site_app(ledger: Ledger) -> FastAPI:
    """A site of several outlets; publication n appears at outlet n modulo their number."""
    app = FastAPI(openapi_url=None)

    @app.get("/o{outlet}/feed.xml")
    async def feed(outlet: int) -> Response:
        mine = [(n, at) for n, at in ledger.published.items() if n % OUTLETS == outlet][-FEED_LENGTH:]
        items = "".join(
            f"<item><title>Report {word_of(n)}</title><link>/o{outlet}/a{n}</link><guid isPermaLink='false'>g{n}</guid>"
            f"<pubDate>{format_datetime(at)}</pubDate></item>"
            for n, at in reversed(mine)
        )
        text = f"<rss version='2.0'><channel><title>Outlet {outlet}</title>{items}</channel></rss>"
        return Response(text, media_type="application/rss+xml")

    @app.get("/o{outlet}/a{number}")
    async def article(outlet: int, number: int) -> Response:
        ledger.fetches[f"a{number}"] += 1
        if number not in ledger.published or number % OUTLETS != outlet:
            return Response("not found", 404)
        return Response(page_of(number, ledger.published[number]), media_type="text/html; charset=utf-8")

    return app


def page_of(number: int, at: datetime) -> str:
    """A page with enough ordinary text around the word."""
    word, filler = word_of(number), FILLERS[number % len(FILLERS)]
    return (
        f"<html lang='en'><head><title>Report {word}</title>"
        f"<meta property='article:published_time' content='{at.isoformat()}'></head><body><article>"
        f"<h1>Report {word}</h1><p>The ministers spoke about {word} on the morning of day {number} in the capital.</p>"
        f"<p>{filler} The paper numbered {number * 7919} was read to the members of the committee.</p>"
        f"<p>A spokesman said that further meetings on {word} would follow before the end of the month.</p>"
        f"</article></body></html>"
    )


FILLERS = (
    "Officials expect the talks to last for several weeks, and journalists heard that no further comment is planned.",
    "The weather in the north delayed two trains, while farmers near the river asked for help with the spring floods.",
    "A museum opened its new hall with paintings that had been kept in a cellar since the last century ended.",
    "Researchers at the university published a survey of prices, wages and rents in the five largest towns.",
    "The city council voted for a longer tram line, although some residents fear for the trees along the avenue.",
)


@asynccontextmanager
async def world(ledger: Ledger, folder: Path) -> AsyncIterator[tuple[Path, Receiver]]:
    """The site, a receiver, and the pack that describes them."""
    stop = asyncio.Event()
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(site_app(ledger), "127.0.0.1", 0, stop, started=started))
    try:
        async with Receiver(on_receipt=ledger, keep=False) as receiver:
            yield write_pack(folder / "pack", await started, ledger.total), receiver
    finally:
        stop.set()
        await serving


def write_pack(folder: Path, port: int, watches: int) -> Path:
    """Sources, a watch for each publication, no entities."""
    (folder / "watches").mkdir(parents=True)
    sources = [
        {"id": f"o{n}", "name": f"Outlet {n}", "kind": "rss", "url": f"http://127.0.0.1:{port}/o{n}/feed.xml",
         "language": "en", "country": "XK", "robots": False}
        for n in range(OUTLETS)
    ]  # fmt: skip
    (folder / "sources.yaml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    (folder / "entities.yaml").write_text("version: 1\nentities: []\n", encoding="utf-8")
    for number in range(watches):
        path = folder / "watches" / f"w{number}.yaml"
        path.write_text(yaml.safe_dump(watch_of(number), sort_keys=False), encoding="utf-8")
    return folder
