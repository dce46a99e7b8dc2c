"""What the benchmarks of the whole pipeline share: a site with given pages, the services in one process, a receiver."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import yaml
from aiohttp import web
from rich.console import Console
from rich.table import Table

from services.notifier.receiver import Received, Receiver
from services.notifier.seal import sealer_of
from services.notifier.settings import NotifierSettings
from services.notifier.subscribe import Limits, Wanted, create
from services.operate.init import prepare
from services.standalone.app import BUILDERS, build_services
from shared.http import Guard
from shared.metrics import RECORDS
from shared.run import Parts, assemble, open_parts, run_process
from shared.settings import CommonSettings, load
from tests.faults.ledger import FILLERS, watch_of, word_of

LOOPBACK = (ip_network("127.0.0.0/8"),)
DATA = Path(os.environ.get("WIREWATCH_DATA_SETS", Path(__file__).resolve().parents[3] / "shared" / "data"))
EVERY = 20
"""One page in so many carries text that matches and is delivered, where a benchmark says nothing else."""


def real_pages() -> list[bytes]:
    """Real news pages as served, None committed; empty where the folder is absent."""
    folder = DATA / "pages" / "html"
    return [gzip.decompress(path.read_bytes()) for path in sorted(folder.glob("*.html.gz"))]


def marked(pages: Sequence[bytes], number: int, every: int = EVERY) -> bytes:
    """Page `number`: a real one; one in `every` is a page of our own, as heavy, with the word that matches,
    so that what is measured does not hang on where an extractor sees the article in a page we have tampered with."""
    page = pages[number % len(pages)]
    if number % every:
        cut = page.find(b"<p")
        return page[:cut] + f"<p>Article {number} of the series.</p>".encode() + page[cut:] if cut >= 0 else page
    body = "".join(
        f"<p>{text} The {word_of(number)} was shown on day {number}, officials said.</p>" for text in FILLERS
    )
    head = f"<html lang='en'><head><title>Report {word_of(number)}</title></head>"
    ballast = f"<script>/*{'x' * (len(page) - len(body))}*/</script>"
    return f"{head}<body><article><h1>Report {word_of(number)}</h1>{body}</article>{ballast}</body></html>".encode()


class Site:
    """Articles over `outlets` feeds, of which those below `shown` are published; a feed lists its newest `listed`.

    Served by aiohttp, with items made once, since its cost is in every figure and it is not what is measured.
    """

    def __init__(self, pages: Sequence[bytes], *, outlets: int = 8, listed: int = 1000, every: int = EVERY) -> None:
        self.pages, self.outlets, self.listed, self.every = pages, outlets, listed, every
        self.shown = 0
        self._items: list[str] = []

    async def feed(self, request: web.Request) -> web.Response:
        """The feed of one outlet."""
        date = format_datetime(datetime.now(UTC))
        while len(self._items) < self.shown:
            self._items.append(item(len(self._items), self.outlets, date))
        numbers = range(int(request.match_info["outlet"]), self.shown, self.outlets)[-self.listed :]
        text = "".join(self._items[number] for number in numbers)
        return web.Response(text=f"<rss version='2.0'><channel>{text}</channel></rss>", content_type="text/xml")

    async def article(self, request: web.Request) -> web.Response:
        """One article's page."""
        body = marked(self.pages, int(request.match_info["number"]), self.every)
        return web.Response(body=body, content_type="text/html")

    @asynccontextmanager
    async def served(self) -> AsyncIterator[int]:
        """Serve on a free port of loopback."""
        app = web.Application()
        app.add_routes([web.get("/o{outlet}/feed.xml", self.feed), web.get("/o{outlet}/a{number}", self.article)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


def item(number: int, outlets: int, date: str) -> str:
    """An entry of a feed."""
    return (
        f"<item><title>Article {number}</title><link>/o{number % outlets}/a{number}</link>"
        f"<guid isPermaLink='false'>g{number}</guid><pubDate>{date}</pubDate></item>"
    )


@dataclass(frozen=True, slots=True)
class Bench:
    """A running pipeline."""

    parts: Parts
    receiver: Receiver
    stop: asyncio.Event


@asynccontextmanager
async def pipeline(
    folder: Path, site: Site, *, words: int, bus: str = "embedded", interval: str = "1s", workers: int = 2
) -> AsyncIterator[Bench]:
    """The site and the receiver in this process, the services too. `words` articles have words to match."""
    async with site.served() as port, receiving() as receiver:
        environment = environment_of(
            folder, port, words=words, outlets=site.outlets, interval=interval, every=site.every
        )
        environment |= {"WIREWATCH_BUS": bus, "WIREWATCH_EXTRACT_WORKERS": str(workers)}
        if bus != "embedded":
            environment["WIREWATCH_TOPIC_PREFIX"] = f"bench{os.getpid()}{folder.name}."
        common = load(CommonSettings, environment)
        async with open_parts(common) as parts:
            await subscribed(parts, environment, receiver)
            stop = asyncio.Event()
            process = assemble(await build_services(list(BUILDERS), parts, environment), parts, common, stop=stop)
            running = asyncio.create_task(run_process(process, common, admin=False))
            try:
                yield Bench(parts, receiver, stop)
            finally:
                stop.set()
                await running


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver of webhooks."""
    receiver = Receiver()
    await receiver.start()
    try:
        yield receiver
    finally:
        await receiver.stop()


def environment_of(
    folder: Path, port: int, *, words: int, outlets: int, interval: str = "1s", every: int = EVERY
) -> dict[str, str]:
    """Write a pack with a watch per word and return the settings to run it with."""
    pack = folder / "pack"
    (pack / "watches").mkdir(parents=True)
    sources = [
        {"id": f"o{n}", "name": f"Outlet {n}", "kind": "rss", "url": f"http://127.0.0.1:{port}/o{n}/feed.xml",
         "language": "en", "country": "XK", "robots": False}
        for n in range(outlets)
    ]  # fmt: skip
    (pack / "sources.yaml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    (pack / "entities.yaml").write_text("version: 1\nentities: []\n", encoding="utf-8")
    for number in range(0, words, every):
        path = pack / "watches" / f"w{number}.yaml"
        path.write_text(yaml.safe_dump(watch_of(number), sort_keys=False), encoding="utf-8")
    return {
        "WIREWATCH_DATA": str(folder / "data"), "WIREWATCH_PACK": str(pack), "WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "WIREWATCH_SPACING": "0s", "WIREWATCH_POLL_JITTER": "0", "WIREWATCH_POLL_SPREAD": "1s", "WIREWATCH_DRAIN": "5s",
        "WIREWATCH_POLL_INTERVAL": interval,
    }  # fmt: skip


async def subscribed(parts: Parts, environment: Mapping[str, str], receiver: Receiver) -> None:
    """Make topics and tables, and subscribe the receiver to everything."""
    await prepare(parts.bus, parts.database)
    sealer = sealer_of(load(NotifierSettings, environment))
    wanted = Wanted(receiver.url, limits=Limits(in_flight=32))
    async with parts.database.transaction() as connection:
        guard = Guard(allow_networks=LOOPBACK)
        _, secret = await create(connection, wanted, sealer=sealer, guard=guard, now=parts.real.now())
    receiver.trust(secret)


def finished(group: str) -> int:
    """Inputs that ended in this process in any outcome of `group`."""
    return int(sum(
        sample.value for metric in RECORDS.collect() for sample in metric.samples
        if sample.name.endswith("_total") and sample.labels["group"] == group
    ))  # fmt: skip


def delays(received: Sequence[Received]) -> list[float]:
    """Seconds from fetched to sent of every delivered alert."""
    timings = [json.loads(item.body)["data"]["timings"] for item in received if item.verified]
    return [(moment(t["sent"]) - moment(t["fetched"])).total_seconds() for t in timings if "fetched" in t]


def moment(text: str) -> datetime:
    """An RFC 3339 time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def resident_mb(pid: int | str = "self") -> float:
    """Resident memory of a process in MiB, children not counted."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def printed(title: str, figures: Mapping[str, float | str]) -> None:
    """Print the figures as a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)
