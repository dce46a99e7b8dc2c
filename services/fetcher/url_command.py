"""`wirewatch url URL…`: what an address is to the fetcher, without fetching it.

One row an address, in the order given, whatever was given: what is no address is a row, too, with the reason. Lines of
standard input (`-`) are taken as they are; empty ones are no addresses.

Left out on purpose: asking a site for its robots file (`wirewatch sources check --live` asks sites).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from services.fetcher.manners.robots_rules import PARSED, Rules, allows, parse, text_of
from services.fetcher.settings import FetcherSettings
from shared.errors import Misconfigured
from shared.http import Guard
from shared.http.guard import Refused
from shared.http.transport import LOOKUPS, GuardedResolver, SystemResolver
from shared.settings import CommonSettings, load
from shared.urls import canonical, host_of, registered_domain

PATIENCE = 10.0
"""Seconds for one name: less than a resolver takes that asks a dead server again and again."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of an address. `canonical` and `domain` are "" where there is none, `reason` where it is allowed;
    `robots` is None when no robots file was given."""

    url: str
    canonical: str
    domain: str
    allowed: bool
    reason: str
    robots: bool | None


def url(
    urls: Annotated[list[str], typer.Argument(help="addresses; - reads lines from standard input", metavar="URL...")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    resolve: Annotated[bool, typer.Option("--resolve", help="look names up and judge their addresses, too")] = False,
    robots: Annotated[Path | None, typer.Option(help="a robots.txt, whose rules are held against each address")] = None,
    agent: Annotated[str, typer.Option(help="the name looked for in it; default: the setting")] = "",
) -> None:
    """Tell of addresses: canonical form, registered domain, whether they may be fetched."""
    guard = Guard(load(CommonSettings).allow_networks)
    rules = _rules(robots, agent or load(FetcherSettings).robots_agent) if robots else None
    rows = [told(one, guard, rules) for one in _given(urls)]
    if resolve:
        rows = asyncio.run(_resolved(rows, guard))
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=2))
    else:
        _print(rows)


def told(address: str, guard: Guard, rules: Rules | None) -> Told:
    """What can be said of an address without asking anybody. Never raises."""
    reason = guard.check_url(address)
    form = canonical(address)
    if reason is None and not form:
        reason = "no address of a page: it is too long or has no usable host"
    domain = registered_domain(address) if host_of(address) else ""
    may = None if rules is None else bool(form) and allows(rules, address)
    return Told(address, form, domain, reason is None, reason or "", may)


def _given(urls: Iterable[str]) -> Iterator[str]:
    """The addresses, with the lines of standard input in the place of the first `-`."""
    for one in urls:
        if one == "-":
            yield from _lines(sys.stdin.buffer.read())
        else:
            yield one.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _lines(text: bytes) -> Iterator[str]:
    for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
        if line.strip():
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def _rules(path: Path, agent: str) -> Rules:
    try:
        with path.open("rb") as file:
            return parse(text_of(file.read(PARSED + 1)), agent)
    except OSError as error:
        raise Misconfigured(f"{path}: cannot be read: {error.strerror}; name a robots.txt that is there") from error


# -- names -----------------------------------------------------------------------------------------------------------


async def _resolved(rows: Sequence[Told], guard: Guard) -> list[Told]:
    """The rows with what their names lead to; each name is looked up once."""
    hosts = list(dict.fromkeys(host_of(row.url) for row in rows if row.allowed))
    resolver, places = SystemResolver(), asyncio.Semaphore(LOOKUPS)
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("names", total=len(hosts))

        async def reason(host: str) -> str:
            async with places:
                found = await _refusal(GuardedResolver(resolver, guard), host)
            bar.advance(task)
            return found

        reasons = dict(zip(hosts, await asyncio.gather(*map(reason, hosts)), strict=True))
    resolver.close()
    return [_judged(row, reasons.get(host_of(row.url), "")) if row.allowed else row for row in rows]


async def _refusal(resolver: GuardedResolver, host: str) -> str:
    """Why the door would not reach a host, "" if it would."""
    try:
        async with asyncio.timeout(PATIENCE):
            await resolver.resolve(host)
    except TimeoutError:
        return f"no name server answered for {host} within {PATIENCE:g} s"
    except (OSError, UnicodeError) as error:
        return str(error) if isinstance(error, Refused) else f"{host} has no address: {error}"
    return ""


def _judged(row: Told, reason: str) -> Told:
    return replace(row, allowed=not reason, reason=reason)


# -- for people ------------------------------------------------------------------------------------------------------


def _print(rows: Sequence[Told]) -> None:
    table = Table(header_style="bold")
    for column in ("url", "canonical", "domain", "allowed", "reason", "robots"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_shown(value)) for value in asdict(row).values()))
    Console().print(table)


def _shown(value: object) -> str:
    """A value on a terminal, where control characters of others must not arrive."""
    text = "" if value is None else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
