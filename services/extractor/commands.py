"""The extractor on the command line: what would be read from a page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from services.extractor.reading import Answer, NoArticle
from services.extractor.settings import ExtractorSettings
from shared import ids
from shared.errors import Misconfigured
from shared.events import PageFetched, Source
from shared.settings import load
from shared.urls import host_of

File = Annotated[Path, typer.Argument(help="A saved page, or - for standard input.", allow_dash=True)]
Url = Annotated[str, typer.Option(help="Where the page came from: resolves links, decides the canonical address.")]
Language = Annotated[str, typer.Option(help="Language of the outlet, where the text does not tell.")]
Country = Annotated[str, typer.Option(help="Country of the outlet: its time zone, and which office is meant.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def extract(
    file: File, url: Url = "https://example.org/page", language: Language = "", country: Country = "",
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Print the text, metadata and entities of a saved page, and where each field came from. Exit code 1 when it is
    no article."""
    answer = answer_for(page_of(body_of(file), url, language, country), load(ExtractorSettings))
    if as_json:
        print(json.dumps(shown(answer), ensure_ascii=False, indent=2))  # plain, so that other programs can read it
    else:
        _print(answer)
    if isinstance(answer, NoArticle):
        raise typer.Exit(1)


def body_of(file: Path) -> bytes:
    """The bytes of a file. Raises Misconfigured when it cannot be read."""
    try:
        return typer.get_binary_stream("stdin").read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise Misconfigured(f"{file}: {error.strerror or error}") from error


def page_of(body: bytes, url: str, language: str, country: str) -> PageFetched:
    """A page as if it had just been fetched."""
    source = Source(id="file", name=host_of(url), domain=host_of(url), language=language, country=country)
    entry = ids.entry("file", "", url)
    return PageFetched(
        id=ids.page(entry, body), observed=datetime.now(UTC), entry_id=entry, source=source, url=url, final_url=url,
        status=200, body=body,
    )  # fmt: skip


def answer_for(page: PageFetched, settings: ExtractorSettings) -> Answer:
    """Read in this process: a command has no neighbours to protect."""
    from services.extractor.body.site import load_sites
    from services.extractor.entities.model import load_model
    from services.extractor.entities.recognise import load_gazetteer
    from services.extractor.language import load_identifier
    from services.extractor.read import Tools, read

    gazetteer, sites, model = (
        load_gazetteer(settings.pack),
        load_sites(settings.pack),
        load_model(settings.extract_model),
    )
    return read(page, Tools(load_identifier(), gazetteer, settings.extract_shortest, sites, model))


def shown(answer: Answer) -> dict[str, Any]:
    """The answer as plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    plain.pop("type", None)
    return {"outcome": plain.pop("outcome", "extracted"), **plain}


def _print(answer: Answer) -> None:
    console = Console(highlight=False)
    if isinstance(answer, NoArticle):
        console.print(f"[yellow]{answer.outcome}[/]: {answer.detail}")
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
    console.print("\n" + answer.text, markup=False)


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
