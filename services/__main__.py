"""`wirewatch`: one subcommand per service and per operator's task.

A wrong setting or file ends with one line that names it and exit code 2, anything unexpected with one line saying what
crashed and exit code 1; `--debug` shows the traceback.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.text import Text
from typer.exceptions import TyperException

from shared import log, show
from shared.bus import Bus
from shared.errors import Failure, Misconfigured, Transient
from shared.run import VERSION, crash_line, first_cause, open_bus
from shared.settings import CommonSettings, load

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Watches a news story across languages and pushes what is new in it.")  # fmt: skip


def main() -> None:
    """The entry point."""
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Do what the arguments say; returns the exit code. Errors become one line on standard error."""
    _mount(next((word for word in words if not word.startswith("-")), ""))
    try:
        return int(app(args=list(words), prog_name="wirewatch", standalone_mode=False) or 0)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except (Exception, BaseExceptionGroup) as error:  # the process edge: one clear last line instead of a traceback
        if "--debug" in words:
            raise
        return _failed(error)


def _misused(error: TyperException) -> int:
    """Wrong arguments: what is wrong, and who tells more. No arguments where there must be some: the help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()  # type: ignore[attr-defined] # a class that typer keeps to itself
        return 2
    context = getattr(error, "ctx", None)
    more = f" (wirewatch{context.command_path.removeprefix('wirewatch')} --help tells more)" if context else ""
    return _end(f"{error.format_message()}{more}", 2)


def _failed(error: BaseException) -> int:
    first = first_cause(error)
    if isinstance(first, Misconfigured):
        return _end(str(first), 2)
    return _end(f"stopped by {crash_line(error)}", 1)


def _end(line: str, code: int) -> int:
    text = Text.assemble(("wirewatch:", "bold red"), " ", line.strip())
    Console(stderr=True, highlight=False, soft_wrap=True).print(text)
    return code


@app.callback(invoke_without_command=False)
def _options(debug: Annotated[bool, typer.Option(help="Show tracebacks.")] = False) -> None:
    pass


# -- services ------------------------------------------------------------------------------------------------------


def _serve(names: list[str], *, service: str, prepared: bool = False) -> None:
    from services.standalone.app import serve

    common = load(CommonSettings)
    log.configure(level=common.log_level, json=common.log_json, service=service)
    _run(lambda: serve(names, common, prepared=prepared))


def _run(work: Callable[[], Awaitable[T]]) -> T:
    import uvloop

    async def _work() -> T:
        return await work()

    return uvloop.run(_work())


@app.command()
def fetcher() -> None:
    """Poll sources and fetch new pages."""
    _serve(["fetcher"], service="fetcher")


@app.command()
def extractor() -> None:
    """Read text, metadata, language, entities and quotes out of pages."""
    _serve(["extractor"], service="extractor")


@app.command()
def alerter(only: Annotated[str, typer.Option(help="Run one step only: match or judge.")] = "") -> None:
    """Match articles with watches and judge what is new."""
    if only not in ("", "match", "judge"):
        raise Misconfigured(f"--only is {only!r}: write match or judge")
    _serve([only] if only else ["match", "judge"], service=f"alerter-{only}" if only else "alerter")


@app.command()
def notifier() -> None:
    """Deliver alerts as signed webhooks."""
    _serve(["notifier"], service="notifier")


@app.command()
def standalone() -> None:
    """All services in one process, on the embedded log unless told otherwise."""
    _serve(["fetcher", "extractor", "match", "judge", "notifier"], service="standalone", prepared=True)


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="No terminal needed; exit 0 if all expected arrived.")] = False,
    seconds: Annotated[float, typer.Option(help="Real seconds for the three weeks of the story.")] = 40.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON, all else on stderr.")] = False,
) -> None:
    """Play a demo news world to the whole pipeline and show the alerts."""
    from services.standalone.demo import run_demo

    code = _run(lambda: run_demo(seconds=seconds, as_json=as_json))
    sys.exit(code if once else 0)


# -- operators -----------------------------------------------------------------------------------------------------


def _common() -> CommonSettings:
    common = load(CommonSettings)
    log.configure(level="warning", json=common.log_json)
    return common


def _with_bus(work: Callable[[Bus], Awaitable[T]]) -> T:
    common = _common()

    async def _opened() -> T:
        bus = await open_bus(common)
        try:
            return await work(bus)
        finally:
            await bus.close()

    try:
        return _run(_opened)
    except Transient as error:
        raise Misconfigured(f"the bus ({common.bus}) does not answer: {error}") from error
    except Failure as error:
        raise Misconfigured(str(error)) from error


@app.command()
def init() -> None:
    """Run migrations, create topics, ask for the pack's watches to be published; safe to repeat."""
    from services.operate.init import patiently, prepare
    from services.operate.watches.ask import ask_for_pack
    from services.standalone.app import STARTING
    from shared.run import open_parts

    common = load(CommonSettings)
    log.configure(level=common.log_level, json=common.log_json, service="init")

    async def _prepare() -> tuple[str, ...]:
        async with open_parts(common) as parts:
            await prepare(parts.bus, parts.database)
            return await ask_for_pack(parts.bus, common.pack, parts.real.now())

    for fault in _run(lambda: patiently(_prepare, seconds=STARTING)):
        typer.echo(f"wirewatch: not asked for: {fault}", err=True)


topics_app = typer.Typer(no_args_is_help=True, help="The topology on the bus.")
app.add_typer(topics_app, name="topics")


@topics_app.command("list")
def topics_list(
    as_json: AsJson = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 when something is missing or differs.")] = False,
) -> None:
    """Every topic: as it should be and as it is."""
    from services.operate import topics

    rows = _with_bus(topics.rows)
    show.show(rows, as_json=as_json, title="Topics")
    if check and any(row["state"] != "ok" for row in rows):
        sys.exit(1)


@topics_app.command("create")
def topics_create(
    as_json: AsJson = False,
    check: Annotated[bool, typer.Option("--check", help="Only say what is missing; exit 1 if anything is.")] = False,
) -> None:
    """Create missing topics and bring retention in line."""
    from shared.topics import all_specs

    if check:
        topics_list(as_json=as_json, check=True)
        return
    created = _with_bus(lambda bus: bus.ensure_topics(all_specs()))
    if as_json:
        show.show([{"topic": name} for name in created], as_json=True)
    else:
        Console().print(f"{len(created)} topics created")


stories_app = typer.Typer(no_args_is_help=True, help="The stories of a watch: list, undo-merge.")
app.add_typer(stories_app, name="stories")


@stories_app.command("list")
def stories_list(watch: Annotated[str, typer.Argument(help="The id of a watch.")], as_json: AsJson = False) -> None:
    """Open stories, newest first, with what was merged into them and why."""
    from services.operate import stories
    from shared.db import open_database

    async def _rows() -> list[dict[str, Any]]:
        database = open_database(_common().database_url)
        try:
            return await stories.rows(database, watch)
        finally:
            await database.close()

    show.show(_run(_rows), as_json=as_json, title=f"Stories of {watch}")


@stories_app.command("undo-merge")
def stories_undo_merge(
    watch: Annotated[str, typer.Argument(help="The id of a watch.")],
    story: Annotated[str, typer.Argument(help="The id of the story that was merged into another.")],
    wait: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Take a merged story out again; the two are never merged any more. Exit code 1 when nobody answered."""
    from datetime import UTC, datetime

    from services.operate import stories
    from services.operate.watches.commands import caller

    told = _with_bus(lambda bus: stories.undo(bus, watch, story, caller(), datetime.now(UTC), wait=wait))
    if told is None:
        typer.echo(f"no answer in {wait:g} s: there is no such merge, or the alerter is not running", err=True)
        sys.exit(1)
    show.show([{"story": story, "outcome": told.headline, "reason": told.reason}], as_json=as_json, title="Undone")


@app.command()
def lag(as_json: AsJson = False) -> None:
    """How far each group is behind."""
    from datetime import UTC, datetime

    from services.operate import lag as lags

    show.show(_with_bus(lambda bus: lags.rows(bus, datetime.now(UTC))), as_json=as_json, title="Lag")


dead_app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, redrive.")
app.add_typer(dead_app, name="dead")
Reason = Annotated[str, typer.Option(help="Only letters with this reason.")]


@dead_app.command("list")
def dead_list(group: str = "", reason: Reason = "", limit: int = 100, as_json: AsJson = False) -> None:
    """What was put aside, and why."""
    from services.operate import dead

    if group:
        dead.check_group(group)
    rows = _with_bus(lambda bus: dead.rows(bus, group, reason=reason, limit=limit))
    show.show(rows, as_json=as_json, title="Dead letters")


@dead_app.command("show")
def dead_show(group: str, offset: int) -> None:
    """One dead letter whole, as JSON."""
    from services.operate import dead

    dead.check_group(group)
    letter = _with_bus(lambda bus: dead.one(bus, group, offset))
    if letter is None:
        raise Misconfigured(f"group {group!r} has no dead letter at offset {offset}: see wirewatch dead list")
    show.show([letter], as_json=True)


@dead_app.command("redrive")
def dead_redrive(
    group: str, reason: Reason = "", limit: int = 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
) -> None:  # fmt: skip
    """Put letters on the group's retry topic, to be tried once more by that group only."""
    from services.operate import dead

    dead.check_group(group)
    count = _with_bus(lambda bus: dead.redrive_all(bus, group, reason=reason, limit=limit, dry_run=dry_run))
    Console().print(f"{count} letters {'would be ' if dry_run else ''}put on the retry topic of {group}")


@app.command()
def replay(
    since: Annotated[str, typer.Option("--from", help="What was observed from this time on (UTC).")],
    until: Annotated[str, typer.Option("--to", help="What was observed before this time (UTC).")],
    topic: Annotated[str, typer.Option(help="articles.matched, articles.extracted or pages.fetched.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish retained records again as history: they raise nothing, and what was decided stays decided."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from services.operate import replay as replaying
    from services.operate.retained import range_of

    span, chosen = range_of(since, until, datetime.now(UTC)), replaying.topic_of(topic)
    with show.bars() as bar:
        counts = _with_bus(lambda bus: replaying.replay(bus, chosen, span, bar("records"), dry_run=dry_run))
    row = {"topic": chosen.short, **asdict(counts), "dry_run": dry_run}
    show.show([row], as_json=as_json, title="Would be replayed" if dry_run else "Replayed")


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check versions, settings, bus and database; exit 1 on a fault."""
    from services.operate import doctor as doctors

    rows = _run(lambda: doctors.examine(_common()))
    show.show(rows, as_json=as_json, title="Doctor")
    if any(row["state"] != "ok" for row in rows):
        sys.exit(1)


@app.command()
def health(port: int = 0, host: str = "127.0.0.1") -> None:
    """Exit 0 when this machine's admin port says ready: the container health check."""
    from services.operate.health import is_ready

    log.configure(level="error")
    sys.exit(0 if is_ready(host, port or load(CommonSettings).admin_port) else 1)


@app.command()
def version(as_json: AsJson = False) -> None:
    """The version."""
    rows: list[dict[str, Any]] = [{"version": VERSION}]
    show.show(rows, as_json=as_json)


BROUGHT: dict[str, tuple[str, str]] = {
    "feed": ("services.fetcher.commands:feed", "Feeds: what the fetcher reads in a file."),
    "sources": ("services.fetcher.desk.commands:sources", "Sources: discover, check, due, status, report."),
    "url": (
        "services.fetcher.url_command:url",
        "Addresses: canonical form, registered domain, whether they may be fetched.",
    ),
    "entities": ("services.extractor.entities.commands:entities", "Entities: candidates for the list."),
    "extract": ("services.extractor.commands:extract", "What the extractor reads in a page."),
    "watch": (
        "services.operate.watches.commands:watch",
        "Watches: check, publish, list, explain, forms, evaluate, suggest, backtest.",
    ),
    "deliveries": ("services.notifier.deliveries:deliveries", "Deliveries: list, show, resend."),
    "subscriptions": ("services.notifier.commands:subscriptions", "Subscriptions: add, list, test, pause, remove."),
    "keys": ("services.notifier.key_commands:keys", "API keys of the notifier's public port: make, list, revoke."),
    "signing": ("services.notifier.key_commands:signing", "Key pairs for signatures that anybody can check."),
    "receiver": ("services.notifier.commands:receiver", "A receiver that verifies and shows what it gets."),
}
"""Commands that services bring with them. Only the one that is called is imported: the libraries behind them take
seconds to load, and `--help` should not."""


def _mount(called: str) -> None:
    app.registered_commands[:] = [one for one in app.registered_commands if one.name not in BROUGHT]
    app.registered_groups[:] = [one for one in app.registered_groups if one.name not in BROUGHT]
    for name, (place, told) in BROUGHT.items():
        if name != called:
            app.command(name=name, help=told)(_not_loaded)
            continue
        module, _, attribute = place.partition(":")
        brought = getattr(importlib.import_module(module), attribute)
        if isinstance(brought, typer.Typer):
            app.add_typer(brought, name=name, help=told)
        else:
            app.command(name=name, help=told)(brought)


def _not_loaded() -> None:
    raise AssertionError("a command that was not called")


if __name__ == "__main__":
    main()
