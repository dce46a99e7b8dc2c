"""`wirewatch feed parse FILE`: what the fetcher would read from a feed or sitemap."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from services.fetcher.read.parse import Feed, FeedEntry, Unusable, parse_feed
from services.fetcher.read.read_sitemap import GZIP, looks_like_sitemap, read_sitemap

feed = typer.Typer(help="Feeds.", no_args_is_help=True)


@feed.callback()
def _feeds() -> None:
    """Feeds."""


@feed.command()
def parse(
    file: Annotated[Path, typer.Argument(help="a feed or sitemap as it was served; - reads standard input")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Read a feed and print its entries."""
    body = _bytes(file)
    found = read_sitemap(body) if body.startswith(GZIP) or looks_like_sitemap(body) else parse_feed(body)
    if isinstance(found, Unusable):
        typer.echo(f"{file}: {found.damage.replace('_', ' ')}: {found.detail}", err=True)
        raise typer.Exit(1)
    if found.cut:
        typer.echo(f"{file}: {found.cut:,} entries beyond {len(found.entries):,} were left out", err=True)
    if as_json:
        typer.echo(json.dumps(shown(found), ensure_ascii=False, indent=2))
    else:
        _print(found)


def _bytes(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        typer.echo(f"{file}: cannot be read: {error.strerror}; name a feed that is there, or - to read it", err=True)
        raise typer.Exit(2) from error


def shown(found: Feed) -> dict[str, Any]:
    """The feed as JSON values; times are RFC 3339 in UTC, or null. `children` only of a sitemap index."""
    children = [{"url": child.url, "changed": _moment(child.changed)} for child in found.children]
    return {
        "kind": found.kind,
        "title": found.title,
        "link": found.link,
        "language": found.language,
        "entries": [_entry(entry) for entry in found.entries],
        **({"children": children} if children else {}),
    }


def _entry(entry: FeedEntry) -> dict[str, Any]:
    details = entry.read
    return {
        "id": entry.id or entry.link,
        "title": entry.title,
        "link": entry.link,
        "published": _moment(entry.published),
        "updated": _moment(entry.updated),
        "summary": details.summary,
        "content": details.content,
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def _print(found: Feed) -> None:
    language = f" [{found.language}]" if found.language else ""
    table = Table(title=f"{found.title}{language} ({found.kind}, {len(found.entries)} entries)", title_justify="left")
    for column in ("published", "title", "link"):
        table.add_column(column, overflow="fold")
    for entry in found.entries:
        table.add_row(_moment(entry.published) or "-", entry.title, entry.link)
    for child in found.children:
        table.add_row(_moment(child.changed) or "-", "(sitemap)", child.url)
    Console().print(table)
