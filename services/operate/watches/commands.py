"""`wirewatch watch …`: check, publish, list, explain, forms, evaluate, suggest, backtest."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.alerter import published
from services.alerter.bundle import bundle
from services.alerter.load import load as load_watch
from services.alerter.load import loads
from services.alerter.match.commands import gazetteer_beside, watch
from services.operate.init import check_prepared
from shared import log, show
from shared.bus import Bus
from shared.db import DatabaseUnavailable, open_database
from shared.errors import Failure, Misconfigured, Transient
from shared.events import ArticleMatched
from shared.http import HttpFailure
from shared.run import open_bus
from shared.settings import CommonSettings, load
from shared.text.gazetteer import Gazetteer

if TYPE_CHECKING:
    from services.operate.watches.backtest import Version

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Named = Annotated[str, typer.Argument(help="The id of a watch of the pack, or a watch file.", metavar="ID")]
Labelled = Annotated[Path, typer.Option(help="JSON lines: id, title, text, language, published, and labels.")]


def file_of(name: str) -> Path:
    """The file of a watch: the path itself, or the pack's file with this id. Raises Misconfigured."""
    path = Path(name)
    if path.is_file():
        return path
    folder = load(CommonSettings).pack / "watches"
    for one in sorted(folder.glob("*.yaml")):
        if one.stem == name or f"\nid: {name}\n" in one.read_text(encoding="utf-8"):
            return one
    known = ", ".join(one.stem for one in sorted(folder.glob("*.yaml"))) or "none"
    raise Misconfigured(f"no watch {name!r} in {folder}: there is {known}; or write the path of a file")


@watch.command()
def publish(
    files: Annotated[list[Path], typer.Argument(help="Watch files.")],
    wait: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Check watch files and ask the alerter to put them in force; exit code 1 when one is refused."""
    from services.operate.watches.ask import ask

    texts = {path: bundle(path) for path in files}
    names = {path: loads(text, str(path), _gazetteer(path).entities).id for path, text in texts.items()}

    async def _ask(bus: Bus) -> list[dict[str, Any]]:
        by, now = caller(), datetime.now(UTC)
        return [
            {"file": str(path), **await ask(bus, names[path], text, by, now, wait=wait)} for path, text in texts.items()
        ]

    rows = _with_bus(_ask)
    shown = rows if as_json else [{**row, "faults": "\n".join(row["faults"])} for row in rows]
    show.show(shown, as_json=as_json, title="Published")
    if any(row["outcome"] == "asked" for row in rows):
        typer.echo(f"no answer in {wait:g} s: the request stays, and is done once the alerter runs", err=True)
    if any(row["outcome"] not in ("published", "in_force", "asked") for row in rows):
        sys.exit(1)


def caller() -> str:
    """Who runs this; in a container a user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


@watch.command(name="list")
def list_watches(as_json: AsJson = False) -> None:
    """The watches in force, with their versions."""

    async def _rows() -> list[dict[str, Any]]:
        database = open_database(load(CommonSettings).database_url)
        try:
            await check_prepared(database)
            rows = await published.in_force(database, await published.versions(database))
        except DatabaseUnavailable as error:
            raise Misconfigured(f"the database does not answer: {error}") from error
        finally:
            await database.close()
        return [{"watch": one.id, "version": one.version, "hash": one.hash, "bytes": len(one.yaml)} for one in rows]

    show.show(_run(_rows()), as_json=as_json, title="Watches in force")


@watch.command()
def explain(  # noqa: PLR0917 - a command gives its options by name
    name: Named,
    place: Annotated[str, typer.Argument(help="A text, page (.html) or article (.json), or an address.")],
    language: Annotated[str, typer.Option(help="Language of a plain text.")] = "",
    title: Annotated[str, typer.Option(help="Title of a plain text.")] = "",
    whole: Annotated[bool, typer.Option("--whole", help="Show alternatives that did not occur, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Why a watch matches a text, or why not: every clause, every hit. Exit code 1 when it does not match."""
    from services.operate.watches import explain as explaining

    path = file_of(name)
    gazetteer = _gazetteer(path)
    asked = explaining.Asked(place, language, title)
    try:
        article = _run(explaining.article(asked, gazetteer, datetime.now(UTC)))
    except HttpFailure as error:
        raise Misconfigured(f"{place}: {error}") from error
    verdict = explaining.explained(path, article, gazetteer)
    if as_json:
        print(json.dumps(explaining.plain(verdict), ensure_ascii=False, indent=2, default=str))
    else:
        for line in explaining.lines(verdict, article, whole=whole):
            print(line)
    if not verdict.matched:
        sys.exit(1)


@watch.command()
def forms(
    name: Named,
    dry: Annotated[bool, typer.Option("--dry", help="Do not ask the topic of matches which forms fired.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every form of every term by language; which have ever fired, and which never did."""
    from services.operate.watches import forms as tables

    path = file_of(name)
    known = load_watch(path, _gazetteer(path).entities)

    async def _fired(bus: Bus) -> dict[tuple[str, str, str], int]:
        counts: dict[tuple[str, str, str], int] = {}
        for match in await _history(bus, known.id):
            tables.count(match, counts)
        return counts

    rows = tables.table(known, {} if dry else _with_bus(_fired))
    show.show([tables.plain(one) if as_json else tables.shown(one) for one in rows], as_json=as_json, title="Forms")


@watch.command()
def evaluate(name: Named, labelled: Labelled, as_json: AsJson = False) -> None:
    """A watch over labelled texts, from an empty memory: what it matches and attributes, precision and recall."""
    from services.operate.watches import measure
    from services.operate.watches.rehearse import rehearsal, rehearse
    from services.operate.watches.texts import last_moment, read_texts

    texts, path = read_texts(labelled), file_of(name)
    trial = rehearsal(path, _gazetteer(path), last_moment(texts))
    with _bar("texts", len(texts)) as tick:
        rows = rehearse(trial, texts, tick)
    totals = measure.totals(texts, rows)
    if as_json:
        answer = {"texts": [measure.plain(one) for one in rows], "totals": totals}
        print(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    table = [
        {"language": group, "texts": one.texts, "about": one.wanted, "precision": one.precision, "recall": one.recall,
         "missed": one.wanted - one.right, "false": one.false}
        for group, one in measure.groups(texts, rows).items()
    ]  # fmt: skip
    show.show(table, as_json=False, title=f"{name} on {labelled.name}")
    figures = [{"figure": key.replace("_", " "), "value": value} for key, value in totals.items()]
    show.show(figures, as_json=False, title="Whole set")


@watch.command()
def suggest(
    name: Named,
    labelled: Annotated[Path | None, typer.Option(help="Labelled texts instead of the topic of matches.")] = None,
    most: Annotated[int, typer.Option(help="Suggestions of each kind.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Forms and terms seen near matches that the watch lacks, and words that only its false positives have."""
    from services.operate.watches import suggest as suggesting
    from services.operate.watches.measure import about
    from services.operate.watches.rehearse import rehearsal
    from services.operate.watches.texts import last_moment, read_texts

    path = file_of(name)
    known = load_watch(path, _gazetteer(path).entities)
    wrong: list[ArticleMatched] = []
    if labelled is None:
        right = _with_bus(lambda bus: _history(bus, known.id))
    else:
        texts = read_texts(labelled)
        trial = rehearsal(path, _gazetteer(path), last_moment(texts))
        found = [(one, match) for one in texts if (match := trial.match(one)) is not None]
        right, wrong = [m for one, m in found if about(one)], [m for one, m in found if not about(one)]
    rows = suggesting.suggest(known, right, wrong, most=most)
    show.show([suggesting.plain(one) for one in rows], as_json=as_json, title="Suggestions")


@watch.command()
def backtest(  # noqa: PLR0917 - a command gives its options by name
    name: Named,
    file: Annotated[
        Path | None, typer.Option(help="JSON lines instead of the topic: id, title, text, published, url, source.")
    ] = None,
    since: Annotated[str, typer.Option("--from", help="Only what was observed from this time on (UTC).")] = "",
    until: Annotated[str, typer.Option("--to", help="Only what was observed before this time (UTC).")] = "",
    against: Annotated[
        str, typer.Option(help="What to compare with: published, none, or a watch file. Default: published if it is.")
    ] = "",
    label: Annotated[str, typer.Option(help="The label of the texts that says yes where an alert is right.")] = "",
    as_json: AsJson = False,
) -> None:
    """What a watch would have told of past articles, from an empty memory, and what another version of it tells."""
    from services.operate.retained import range_of
    from services.operate.watches import past, report

    path, span = file_of(name), range_of(since, until, datetime.now(UTC))
    gazetteer = _gazetteer(path)
    texts = past.dated_texts(file) if file is not None else None
    mine = past.version_of(path, gazetteer)
    other = _other(mine, against, gazetteer)
    versions = [mine, other] if other is not None else [mine]
    with show.bars() as bar:
        reading = bar("reading")
        if texts is not None:
            log.configure(level="warning", json=load(CommonSettings).log_json)  # judging tells of every article
            seen = past.from_texts(texts, span, gazetteer, reading)
            result = _run(past.run(versions, seen, span, gazetteer, bar))
        else:
            result = _with_bus(
                lambda bus: past.run(versions, past.from_topics(bus, span, reading), span, gazetteer, bar)
            )
    if not result.articles:
        where = f"no text of {file}" if file is not None else "no article that the bus retains"
        raise Misconfigured(f"nothing to read: {where} is of that time; give other --from and --to, or another --file")
    label_of = past.label_of(label)
    read = (one for one in texts or () if one.id in result.articles)
    wanted = {one.id: said for one in read if (said := label_of(one)) is not None}
    report.tell(report.answer(result, wanted, _said(mine.watch_id)), as_json=as_json)


def _other(mine: Version, against: str, gazetteer: Gazetteer) -> Version | None:
    """The version to compare with. Where none was named: the published one, if there is one."""
    from services.operate.watches import past

    if against == past.NONE:
        return None
    if against not in ("", past.PUBLISHED):
        return past.version_of(file_of(against), gazetteer)
    try:
        return _run(past.in_force(load(CommonSettings).database_url, mine.watch_id))
    except Misconfigured:
        if against:
            raise
        return None


def _said(watch_id: str) -> Mapping[str, Sequence[str]]:
    """What readers said of the alerts of a watch; nothing where there is no database."""
    from services.operate.watches import past

    try:
        return _run(past.verdicts(load(CommonSettings).database_url, watch_id))
    except Misconfigured:
        return {}


async def _history(bus: Bus, name: str) -> list[ArticleMatched]:
    from services.operate.watches.history import matches

    console = Console(stderr=True)
    with Progress(TextColumn("reading matches"), BarColumn(), MofNCompleteColumn(), console=console,
                  transient=True, disable=not console.is_terminal) as progress:  # fmt: skip
        bar = progress.add_task("matches", total=None)

        def tick(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        return [one async for one in matches(bus, name, tick)]


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    console = Console(stderr=True)
    with Progress(TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
                  transient=True, disable=not console.is_terminal) as progress:  # fmt: skip
        bar = progress.add_task(what, total=total)
        yield lambda: progress.advance(bar)


def _gazetteer(path: Path) -> Gazetteer:
    return gazetteer_beside(path)


def _with_bus(work: Callable[[Bus], Awaitable[T]]) -> T:
    common = load(CommonSettings)
    log.configure(level="warning", json=common.log_json)

    async def _opened() -> T:
        bus = await open_bus(common)
        try:
            return await work(bus)
        finally:
            await bus.close()

    try:
        return _run(_opened())
    except Transient as error:
        raise Misconfigured(f"the bus ({common.bus}) does not answer: {error}") from error
    except Failure as error:
        raise Misconfigured(str(error)) from error


def _run(work: Awaitable[T]) -> T:
    async def _awaited() -> T:
        return await work

    return asyncio.run(_awaited())
