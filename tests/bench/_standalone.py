"""What the benchmarks of the whole pipeline share: a site with given pages, the services in one process, a receiver."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_network
from pathlib import Path

import yaml
from fastapi import FastAPI
from fastapi.responses import Response

from services.notifier.receiver import Received, Receiver
from services.notifier.seal import sealer_of
from services.notifier.settings import NotifierSettings
from services.notifier.subscribe import Limits, Wanted, create
from services.operate.init import prepare
from services.standalone.app import BUILDERS, build_services
from shared.health import serve
from shared.http import Guard
from shared.metrics import RECORDS
from shared.run import Parts, assemble, open_parts, run_process
from shared.settings import CommonSettings, load
from tests.faults.ledger import FILLERS, watch_of, word_of

LOOPBACK = (ip_network("127.0.0.0/8"),)
DATA = Path(os.environ.get("WIREWATCH_DATA_SETS", Path(__file__).resolve().parents[3] / "shared" / "data"))
EVERY = 20
"""One page in so many carries text that matches and is delivered."""


def real_pages() -> list[bytes]:
    """Real news pages as served, None committed; empty where the folder is absent."""
    folder = DATA / "pages" / "html"
    return [gzip.decompress(path.read_bytes()) for path in sorted(folder.glob("*.html.gz"))]


def marked(pages: Sequence[bytes], number: int) -> bytes:
    """Page `number`: a real one; one in twenty is a page of our own, as heavy, with the word that matches,
    so that what is measured does not hang on where an extractor sees the article in a page we have tampered with."""
    page = pages[number % len(pages)]
    if number % EVERY:
        cut = page.find(b"<p")
        return page[:cut] + f"<p>Article {number} of the series.</p>".encode() + page[cut:] if cut >= 0 else page
    body = "".join(
        f"<p>{text} The {word_of(number)} was shown on day {number}, officials said.</p>" for text in FILLERS
    )
    head = f"<html lang='en'><head><title>Report {word_of(number)}</title></head>"
    ballast = f"<script>/*{'x' * (len(page) - len(body))}*/</script>"
    return f"{head}<body><article><h1>Report {word_of(number)}</h1>{body}</article>{ballast}</body></html>".encode()


@dataclass(frozen=True, slots=True)
class Bench:
    """A running pipeline."""

    parts: Parts
    receiver: Receiver
    stop: asyncio.Event


def site_app(pages: Sequence[bytes], count: int, outlets: int, shown: list[int]) -> FastAPI:
    """`count` articles over `outlets` feeds; a feed lists those below `shown[0]`, newest last fifty in reserve."""
    app, at = FastAPI(openapi_url=None), datetime.now(UTC)

    @app.get("/o{outlet}/feed.xml")
    async def feed(outlet: int) -> Response:
        items = "".join(
            f"<item><title>Article {n}</title><link>/o{outlet}/a{n}</link><guid isPermaLink='false'>g{n}</guid>"
            f"<pubDate>{format_datetime(at)}</pubDate></item>"
            for n in range(outlet, min(shown[0], count), outlets)
        )
        return Response(f"<rss version='2.0'><channel>{items}</channel></rss>", media_type="application/rss+xml")

    @app.get("/o{outlet}/a{number}")
    async def article(outlet: int, number: int) -> Response:
        return Response(marked(pages, number), media_type="text/html")

    return app


@asynccontextmanager
async def pipeline(
    folder: Path,
    app: FastAPI,
    *,
    count: int,
    bus: str = "embedded",
    outlets: int = 8,
    interval: str = "1s",
    workers: int = 2,
) -> AsyncIterator[Bench]:
    """The site and the receiver in this process, the services too."""
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, "127.0.0.1", 0, stop, started=started))
    environment = _write(folder, await started, count, outlets, interval)
    prefix = f"bench{os.getpid()}{folder.name}." if bus != "embedded" else ""
    environment |= {"WIREWATCH_BUS": bus, "WIREWATCH_TOPIC_PREFIX": prefix, "WIREWATCH_EXTRACT_WORKERS": str(workers)}
    common = load(CommonSettings, environment)
    receiver = Receiver()
    await receiver.start()
    async with open_parts(common) as parts:
        await prepare(parts.bus, parts.database)
        await _subscribe(parts, environment, receiver)
        process = assemble(await build_services(list(BUILDERS), parts, environment), parts, common, stop=stop)
        running = asyncio.create_task(run_process(process, common, admin=False))
        try:
            yield Bench(parts, receiver, stop)
        finally:
            stop.set()
            await running
            await receiver.stop()
            await serving


def _write(folder: Path, port: int, count: int, outlets: int, interval: str) -> dict[str, str]:
    pack = folder / "pack"
    (pack / "watches").mkdir(parents=True)
    sources = [
        {"id": f"o{n}", "name": f"Outlet {n}", "kind": "rss", "url": f"http://127.0.0.1:{port}/o{n}/feed.xml",
         "language": "en", "country": "XK", "interval": interval, "robots": False}
        for n in range(outlets)
    ]  # fmt: skip
    (pack / "sources.yaml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    (pack / "entities.yaml").write_text("version: 1\nentities: []\n", encoding="utf-8")
    for number in range(0, count, EVERY):
        path = pack / "watches" / f"w{number}.yaml"
        path.write_text(yaml.safe_dump(watch_of(number), sort_keys=False), encoding="utf-8")
    return {
        "WIREWATCH_DATA": str(folder / "data"), "WIREWATCH_PACK": str(pack), "WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8",
        "WIREWATCH_SPACING": "0s", "WIREWATCH_POLL_JITTER": "0", "WIREWATCH_POLL_SPREAD": "1s", "WIREWATCH_DRAIN": "5s",
    }  # fmt: skip


async def _subscribe(parts: Parts, environment: dict[str, str], receiver: Receiver) -> None:
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
