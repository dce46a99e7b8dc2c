"""The extractor on the command line: what would be read from a page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from services.extractor import batch as batches
from services.extractor.entities.recognise import load_gazetteer, packed
from services.extractor.reading import Answer, NoArticle
from services.extractor.settings import ExtractorSettings
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared import ids, show
from shared.errors import Misconfigured, Rejected
from shared.events import PageFetched, Source
from shared.http import HttpFailure
from shared.run import open_door
from shared.settings import CommonSettings, load
from shared.urls import host_of, registered_domain

File = Annotated[
    Path | None, typer.Argument(help="A saved page (.gz too), an address, or - for standard input.", allow_dash=True)
]
Batch = Annotated[
    Path | None,
    typer.Option(help="JSON lines with id, url and html_path (from that file's folder; .gz too): a line each."),
]
Explain = Annotated[bool, typer.Option(help="Show what was offered for each field, and why one won.")]
Url = Annotated[str, typer.Option(help="Where the page came from: resolves links, decides the canonical address.")]
Language = Annotated[str, typer.Option(help="Language of the outlet, where the text does not tell.")]
Country = Annotated[str, typer.Option(help="Country of the outlet: its time zone, and which office is meant.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def extract(
    file: File = None, *, batch: Batch = None, url: Url = "https://example.org/page", language: Language = "",
    country: Country = "", explain: Explain = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Print the text, metadata and entities of a page, and where each field came from; of many pages with --batch, as
    lines of JSON. Exit code 1 when it is no article, or a line of the batch could not be read; 2 for a wrong call."""
    settings = load(ExtractorSettings)
    if (file is None) == (batch is None):
        raise Misconfigured("wirewatch extract: give one FILE or address, or --batch FILE.jsonl")
    if batch is not None:
        raise typer.Exit(asyncio.run(_batch(batch, settings, language, country, explain=explain)))
    assert file is not None
    page = _page(str(file), url, language, country)
    answer = asyncio.run(_one(page, settings, explain=explain))
    if as_json:
        print(json.dumps(shown(answer), ensure_ascii=False, indent=2))  # plain, so that other programs can read it
    else:
        _print(answer)
    if isinstance(answer, NoArticle):
        raise typer.Exit(1)


def _page(file: str, url: str, language: str, country: str) -> PageFetched:
    address = file.replace(":/", "://", 1) if file.startswith(("http:/", "https:/")) and "://" not in file else file
    if address.startswith(("http://", "https://")):
        return asyncio.run(fetched(address, language, country))
    return page_of(body_of(Path(file)), url, language, country)


async def fetched(url: str, language: str, country: str) -> PageFetched:
    """The page at an address. Raises Misconfigured when it cannot be had."""
    async with open_door(load(CommonSettings)) as door:
        try:
            response = await door.get(url, truncate=True)
        except HttpFailure as failure:
            raise Misconfigured(str(failure)) from failure
    if response.status >= 400:
        raise Misconfigured(f"{url}: HTTP {response.status}")
    page = page_of(response.body, url, language, country)
    return msgspec.structs.replace(page, final_url=response.url, headers=dict(response.headers))


async def _one(page: PageFetched, settings: ExtractorSettings, *, explain: bool) -> Answer:
    readers = _readers(settings, explain=explain, workers=1)
    try:
        return await readers.read(page)
    except Rejected as rejected:
        raise Misconfigured(str(rejected)) from rejected
    finally:
        await readers.close()


async def _batch(path: Path, settings: ExtractorSettings, language: str, country: str, *, explain: bool) -> int:
    """Print a line for every line of the batch; the exit code."""

    def made(body: bytes, line: Mapping[str, Any]) -> PageFetched:
        told = str(line.get("url") or "https://example.org/page")
        return page_of(body, told, str(line.get("language") or language), str(line.get("country") or country))

    readers = _readers(settings, explain=explain, workers=settings.extract_workers)
    broken = 0
    try:
        with show.bars() as bar:
            async for row in batches.run(path, readers, made, bar("pages")):
                broken += row["outcome"] in batches.BROKEN
                print(json.dumps(row, ensure_ascii=False), flush=True)
    finally:
        await readers.close()
    return 1 if broken else 0


def _readers(settings: ExtractorSettings, *, explain: bool, workers: int) -> Readers:
    full = "services.extractor.read:read_explained" if explain else "services.extractor.read:read"
    entities = packed(load_gazetteer(settings.pack))
    plan = Plan(settings.pack.resolve(), settings.extract_memory_mb, settings.extract_shortest, full=full,
                model=settings.extract_model, entities=entities)  # fmt: skip
    return Readers(plan, workers=workers, deadline=settings.extract_deadline, recycle=settings.extract_recycle)


def body_of(file: Path) -> bytes:
    """The bytes of a file. Raises Misconfigured when it cannot be read."""
    try:
        return typer.get_binary_stream("stdin").read() if str(file) == "-" else batches.unpacked(file)
    except (OSError, EOFError) as error:
        raise Misconfigured(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def page_of(body: bytes, url: str, language: str, country: str) -> PageFetched:
    """A page as if it had just been fetched, of a source that lets its texts be read: whoever gives a page by hand may
    read it. What is reserved is shown."""
    source = Source(
        id="file", name=host_of(url), domain=registered_domain(url) or host_of(url), language=language,
        country=country, licensed=True,
    )  # fmt: skip
    entry = ids.entry("file", "", url)
    return PageFetched(
        id=ids.page(entry, body), observed=datetime.now(UTC), entry_id=entry, source=source, url=url, final_url=url,
        status=200, body=body,
    )  # fmt: skip


def shown(answer: Answer) -> dict[str, Any]:
    """The answer as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    plain.pop("type", None)
    return {"outcome": plain.pop("outcome", "extracted"), **plain}


def _print(answer: Answer) -> None:
    console = Console(highlight=False)
    if isinstance(answer, NoArticle):
        console.print(f"[yellow]{answer.outcome}[/]: {answer.detail}")
        _print_offers(console, answer)
        return
    table = Table("field", "value", "how", show_header=True, box=None)
    for name, value in _rows(answer):
        if value:
            table.add_row(name, value, answer.methods.get(name, ""))
    console.print(table)
    for one in answer.entities:
        console.print(
            f"  [cyan]{one.entity_id}[/] {one.span.field}:{one.span.start} “{one.span.surface}” {one.role} ({one.why})"
        )
    for quote in answer.quotes:
        why = f"{quote.kind}, {quote.why or 'nobody near'} {quote.confidence:g}"
        console.print(f"  [green]{quote.speaker or '?'}[/] ({why}): {quote.span.surface}")
    _print_offers(console, answer)
    console.print("\n" + answer.text, markup=False)


def _print_offers(console: Console, answer: Answer) -> None:
    for offer in answer.candidates:
        mark = "won " if offer.won else "    "
        why = f" ({offer.why})" if offer.why else ""
        console.print(f"  {mark}{offer.field} {offer.origin} {offer.sure:g}: {offer.value}{why}", markup=False)


def _rows(answer: Any) -> list[tuple[str, str]]:
    published = answer.published
    when = f"{published.at.isoformat()} (sure {published.sure:g})" if published is not None else ""
    language = answer.language
    return [
        ("title", answer.title), ("lead", answer.lead), ("canonical_url", answer.canonical_url), ("published", when),
        ("modified", answer.modified.isoformat() if answer.modified else ""), ("authors", ", ".join(answer.authors)),
        ("agency", answer.agency), ("section", answer.section), ("image", answer.image), ("kind", answer.kind),
        ("language", f"{language.macro} {language.variety} {language.script} {language.confidence:g}"),
        ("reservations", ", ".join(answer.reservations)), ("article_id", answer.article_id),
        ("version", answer.version_id), ("encoding", answer.methods.get("encoding", "")),
    ]  # fmt: skip
