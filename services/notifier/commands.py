"""`wirewatch subscriptions` and `wirewatch receiver`: what operators and people who write receivers start with.

The commands work on the database directly, so they need no running notifier; one that runs notices within a second.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
import yaml
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import subscribe
from services.notifier.app import MIGRATIONS, OWNER
from services.notifier.deliver import Attempt, Target
from services.notifier.ping import ping
from services.notifier.receiver import Receiver
from services.notifier.seal import Sealer, Unopened, sealer_of
from services.notifier.settings import NotifierSettings
from services.notifier.show_receipt import as_json_line, show_receipt
from services.notifier.sign import BadSecret, Secret
from services.notifier.subscribe import Filters, InvalidSubscription, Limits, Quiet, Subscription, Wanted
from shared import db, log
from shared.clock import RealClock
from shared.db import Database, DatabaseUnavailable, open_database
from shared.errors import Misconfigured
from shared.events import AlertKind, DeliveryOutcome
from shared.http import Guard
from shared.run import open_door
from shared.settings import CommonSettings, load, parse

T = TypeVar("T")
PASTE = Path(__file__).parent / "paste_receiver.py.txt"
USUAL = Limits()
PRIVATE_HINT = "for a receiver on your own machine or network set WIREWATCH_ALLOW_NETWORKS, such as 127.0.0.0/8"

subscriptions = typer.Typer(no_args_is_help=True, help="Subscriptions: add, list, test, pause, resume, remove.")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SubscriptionId = Annotated[str, typer.Argument(help="The id, as `subscriptions list` shows it.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a command works with."""

    common: CommonSettings
    database: Database
    sealer: Sealer
    guard: Guard


def _at_desk(work: Callable[[Desk], Awaitable[T]]) -> T:
    """Run `work` with an open database. Raises Misconfigured with one clear line."""
    common = load(CommonSettings)
    log.configure(level="error", json=common.log_json)
    sealer = sealer_of(load(NotifierSettings))

    async def run() -> T:
        database = open_database(common.database_url)
        try:
            if database.is_sqlite:  # one machine: nobody else prepared the database; on a server `init` does
                await db.migrate(database, OWNER, MIGRATIONS)
            return await work(Desk(common, database, sealer, Guard(common.allow_networks)))
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except DatabaseUnavailable as error:
        raise Misconfigured(f"the database does not answer: {error}") from error
    except ProgrammingError as error:
        raise Misconfigured("the database has no tables of the notifier yet: run wirewatch init") from error


def within(work: Callable[[Desk, AsyncConnection], Awaitable[T]]) -> T:
    """Run `work` in one transaction. Raises Misconfigured with one clear line."""

    async def run(desk: Desk) -> T:
        async with desk.database.transaction() as connection:
            return await work(desk, connection)

    return _at_desk(run)


# -- add -----------------------------------------------------------------------------------------------------------


@subscriptions.command()
def add(  # noqa: PLR0917 - one parameter an option: typer reads the command line from them
    url: Annotated[str, typer.Argument(help="Where to send to.")],
    watch: Annotated[list[str] | None, typer.Option(help="A watch to be told of; may be repeated.")] = None,
    kind: Annotated[list[AlertKind] | None, typer.Option(help="Only these kinds of alert.")] = None,
    language: Annotated[list[str] | None, typer.Option(help="Only articles in these languages.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only articles of these sources.")] = None,
    in_flight: Annotated[int, typer.Option(help="Requests at the same time.")] = USUAL.in_flight,
    rate: Annotated[float | None, typer.Option(help="Requests a second at most.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for an answer.")] = USUAL.timeout,
    notices: Annotated[bool, typer.Option(help="Be told of your failing subscriptions instead of alerts.")] = False,
    ordered: Annotated[bool, typer.Option(help="In each story, wait for the delivery before.")] = False,
    digest: Annotated[str, typer.Option(help="Tell all in digests, one in so long, such as 1h.")] = "",
    quiet: Annotated[str, typer.Option(help="Hours told in a digest, such as 22:00-07:00@Europe/Belgrade.")] = "",
    expires_after: Annotated[str, typer.Option(help="What is later than this goes into a digest.")] = "",
    secret: Annotated[str, typer.Option(help="A secret the receiver has already; default: a new one.")] = "",
    test: Annotated[bool, typer.Option(help="Send a test event at once.")] = True,
    as_json: AsJson = False,
) -> None:
    """Subscribe a receiver, print its secret, send a test event, and show receiver code to paste."""
    if bool(watch) is notices:
        raise Misconfigured("name the watches to be told of (--watch), or ask for notices (--notices)")
    filters = Filters(
        watches=tuple(watch or ()), kinds=tuple(kind or ()), languages=tuple(language or ()),
        sources=tuple(source or ()), notices=notices,
    )  # fmt: skip
    wanted = Wanted(
        url, filters, _limits(Limits(in_flight, rate, timeout, ordered=ordered), digest, quiet, expires_after)
    )
    given = _secret(secret) if secret else None

    async def work(desk: Desk) -> tuple[Subscription, Secret, Attempt | None]:
        async with desk.database.transaction() as connection:
            made, key = await subscribe.create(
                connection, wanted, sealer=desk.sealer, guard=desk.guard, now=RealClock().now(), secret=given
            )
        return made, key, await _ping(desk, made, (key,)) if test else None

    try:
        made, key, attempt = _at_desk(work)
    except InvalidSubscription as error:
        hint = f"; {PRIVATE_HINT}" if "refused" in str(error) else ""
        raise Misconfigured(f"{error}{hint}") from error
    if as_json:
        typer.echo(json.dumps({**_row(made), "secret": key.reveal(), "test": _tested(attempt)}, indent=2, default=str))
    else:
        _show_added(made, key, attempt)


def _limits(limits: Limits, digest: str, quiet: str, expires_after: str) -> Limits:
    return dataclasses.replace(
        limits, digest=_span(digest, "--digest"), expires_after=_span(expires_after, "--expires-after"),
        quiet=_quiet(quiet) if quiet else None,
    )  # fmt: skip


def _span(text: str, name: str) -> timedelta | None:
    try:
        return parse(text, timedelta) if text else None
    except ValueError as error:
        raise Misconfigured(f"{name}: {error}") from error


def _quiet(text: str) -> Quiet:
    hours, _, zone = text.partition("@")
    begins, _, ends = hours.partition("-")
    return Quiet(begins=begins, ends=ends, zone=zone or "UTC")


def _secret(text: str) -> Secret:
    try:
        return Secret.parse(text)
    except BadSecret as error:
        raise Misconfigured(f"--secret: {error}") from error


def _show_added(made: Subscription, key: Secret, attempt: Attempt | None) -> None:
    typer.echo(f"Subscription {made.id} to {made.url}")
    typer.echo(f"Secret, shown this once: {key.reveal()}")
    _warn_of_unknown_watches(made)
    if attempt is not None:
        typer.echo(_told_of_test(made.id, attempt))
    typer.echo("\nA receiver to start from (Python, standard library only):\n")
    typer.echo(PASTE.read_text(encoding="utf-8").replace("whsec_...", key.reveal()))


def _warn_of_unknown_watches(made: Subscription) -> None:
    known = _watches_of_pack(load(CommonSettings).pack)
    for watch in made.filters.watches:
        if known and watch not in known:
            line = f"no watch {watch!r} in the pack, so nothing may ever come; there: {', '.join(sorted(known))}"
            typer.echo(f"warning: {line}", err=True)


def _watches_of_pack(pack: Path) -> set[str]:
    """Ids in the watch files; only for a warning, so what cannot be read is left out."""
    found = set()
    for path in sorted((pack / "watches").glob("*.y*ml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if isinstance(content, dict) and isinstance(content.get("id"), str):
            found.add(content["id"])
    return found


def _told_of_test(subscription_id: str, attempt: Attempt) -> str:
    if attempt.decision.outcome is DeliveryOutcome.DELIVERED:
        return f"Test event: delivered, answered {attempt.status} in {attempt.seconds * 1000:.0f} ms"
    again = f"try again with: wirewatch subscriptions test {subscription_id}"
    if attempt.status in (401, 403):
        return f"Test event: answered {attempt.status}; give the receiver the secret, then {again}"
    answered = f"answered {attempt.status}" if attempt.status else f"no answer ({attempt.decision.reason})"
    return f"Test event: {answered} {attempt.excerpt[:200]}; {again}"


def _tested(attempt: Attempt | None) -> dict[str, Any] | None:
    if attempt is None:
        return None
    delivered = attempt.decision.outcome is DeliveryOutcome.DELIVERED
    return {"delivered": delivered, "status": attempt.status, "reason": attempt.decision.reason,
            "seconds": round(attempt.seconds, 4), "webhook_id": attempt.delivery.id}  # fmt: skip


async def _ping(desk: Desk, one: Subscription, secrets: tuple[Secret, ...]) -> Attempt:
    async with open_door(desk.common) as door:
        return await ping(
            door, Target(one.id, one.url, secrets, one.limits.timeout, one.version, one.thin), real=RealClock()
        )


# -- the others ----------------------------------------------------------------------------------------------------


@subscriptions.command("list")
def list_(as_json: AsJson = False) -> None:
    """All subscriptions, without their secrets."""

    async def work(_: Desk, connection: AsyncConnection) -> list[Subscription]:
        return await subscribe.listed(connection)

    found = within(work)
    if as_json:
        typer.echo(json.dumps([_row(one) for one in found], indent=2, ensure_ascii=False, default=str))
        return
    _print_table(found)


def _row(one: Subscription) -> dict[str, Any]:
    return {
        "id": one.id, "owner": one.owner, "url": one.url, "state": str(one.state), "state_reason": one.state_reason,
        "filters": msgspec.to_builtins(one.filters), "in_flight": one.limits.in_flight, "rate": one.limits.rate,
        "timeout": one.limits.timeout, "ordered": one.limits.ordered, "created": one.created.isoformat(),
        "failures": one.failures, "last_success": _iso(one.last_success), "hold_until": _iso(one.hold_until),
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _print_table(found: list[Subscription]) -> None:
    if not found:
        typer.echo("no subscriptions; add one with: wirewatch subscriptions add URL --watch ID")
        return
    table = Table(header_style="bold")
    for column in ("id", "state", "url", "watches", "kinds", "failures", "last success"):
        table.add_column(column, overflow="fold", no_wrap=column == "id")
    for one in found:
        state = f"{one.state} ({one.state_reason})" if one.state_reason else str(one.state)
        filters = one.filters
        kinds = ", ".join(filters.kinds) or "all"
        table.add_row(one.id, state, one.url, ", ".join(filters.watches) or "all", kinds, str(one.failures),
                      _iso(one.last_success) or "never")  # fmt: skip
    Console(markup=False).print(table)


@subscriptions.command("test")
def send_test(subscription_id: SubscriptionId, as_json: AsJson = False) -> None:
    """Send a test event; exit 1 when it was not accepted."""

    async def work(desk: Desk) -> Attempt:
        async with desk.database.transaction() as connection:
            found = await subscribe.found(connection, [subscription_id])
            sealed = await subscribe.sealed_secrets(connection, [subscription_id], now=RealClock().now())
        if subscription_id not in found:
            raise _unknown(subscription_id)
        return await _ping(desk, found[subscription_id], _opened(desk, subscription_id, sealed))

    attempt = _at_desk(work)
    typer.echo(json.dumps(_tested(attempt)) if as_json else _told_of_test(subscription_id, attempt))
    if attempt.decision.outcome is not DeliveryOutcome.DELIVERED:
        raise typer.Exit(1)


def _opened(desk: Desk, subscription_id: str, sealed: dict[str, tuple[bytes, ...]]) -> tuple[Secret, ...]:
    try:
        return tuple(Secret(desk.sealer.open(one, subscription_id)) for one in sealed.get(subscription_id, ()))
    except Unopened as error:
        raise Misconfigured(f"the secret does not open ({error}): is WIREWATCH_NOTIFIER_KEY the right one?") from error


@subscriptions.command()
def remove(subscription_id: SubscriptionId) -> None:
    """Delete a subscription and its secret; what was still to be sent to it is not sent."""
    _change(subscription_id, "removed", subscribe.remove)


@subscriptions.command()
def pause(subscription_id: SubscriptionId) -> None:
    """Send nothing until resumed; what comes meanwhile is kept."""
    _change(subscription_id, "paused", subscribe.pause)


@subscriptions.command()
def resume(subscription_id: SubscriptionId) -> None:
    """Send again, first what was kept."""
    _change(subscription_id, "resumed", subscribe.resume)


def _change(subscription_id: str, done: str, change: Callable[..., Awaitable[bool]]) -> None:
    async def work(_: Desk, connection: AsyncConnection) -> bool:
        return await change(connection, subscription_id, now=RealClock().now())

    if not within(work):
        raise _unknown(subscription_id)
    typer.echo(f"{subscription_id} {done}")


def _unknown(subscription_id: str) -> Misconfigured:
    return Misconfigured(f"there is no subscription {subscription_id!r}: see wirewatch subscriptions list")


# -- the receiver --------------------------------------------------------------------------------------------------


def receiver(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8787,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    secret: Annotated[list[str] | None, typer.Option(help="whsec_…; may be repeated; default: a new one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a message.")] = False,
) -> None:
    """Receive webhooks, verify their signatures, and show what they tell."""
    secrets = [_secret(text) for text in secret or ()]
    made = None if secrets else Secret.generate()
    console = Console(highlight=False, soft_wrap=True)

    async def work() -> None:
        show = (
            (lambda got: print(as_json_line(got), flush=True)) if as_json else (lambda got: show_receipt(console, got))
        )
        listening = Receiver(secrets or ([made] if made else []), host=host, port=port, on_receipt=show, keep=False)
        async with listening:
            _greet(listening.url, made)
            await listening.wait()

    asyncio.run(work())


def _greet(url: str, made: Secret | None) -> None:
    typer.echo(f"listening on {url}", err=True)
    if made is not None:
        key = made.reveal()
        typer.echo(
            f"secret: {key}\nsubscribe with: wirewatch subscriptions add {url} --watch ID --secret {key}", err=True
        )
