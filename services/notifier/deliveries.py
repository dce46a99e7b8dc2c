"""`wirewatch deliveries`: what was sent, what came of it, and sending it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import history, resend
from services.notifier.commands import AsJson, Desk, within
from services.notifier.resend import Range
from services.notifier.subscribe import InvalidSubscription
from services.notifier.tables import DeliveryState
from shared.clock import RealClock
from shared.errors import Misconfigured

COLUMNS = ("id", "type", "state", "reason", "attempts", "created", "finished")

deliveries = typer.Typer(no_args_is_help=True, help="Deliveries: list, show, resend.")
Subscription = Annotated[str, typer.Argument(help="The subscription, as `subscriptions list` shows it.")]


@deliveries.command("list")
def list_(
    subscription: Subscription,
    state: Annotated[DeliveryState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1, max=10_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Deliveries of a subscription, the latest first."""

    async def work(_: Desk, connection: AsyncConnection) -> list[dict[str, Any]]:
        rows = await history.listed(connection, subscription, state=state, limit=limit)
        return [{name: getattr(row, name) for name in COLUMNS} for row in rows]

    found = within(work)
    if as_json:
        typer.echo(_json(found))
        return
    table = Table(*COLUMNS, header_style="bold")
    for one in found:
        table.add_row(*(_text(one[name]) for name in COLUMNS))
    Console(markup=False).print(table)


@deliveries.command()
def show(delivery: Annotated[str, typer.Argument(help="The `webhook-id`.")]) -> None:
    """One delivery with all its attempts, as JSON: requests, answers, timings, addresses."""

    async def work(_: Desk, connection: AsyncConnection) -> dict[str, Any] | None:
        return await history.shown(connection, delivery)

    found = within(work)
    if found is None:
        raise _unknown(delivery)
    typer.echo(_json(found))


@deliveries.command("resend")
def resend_(  # noqa: PLR0917 - one parameter an option: typer reads the command line from them
    delivery: Annotated[list[str] | None, typer.Argument(help="Deliveries by their `webhook-id`.")] = None,
    subscription: Annotated[str, typer.Option(help="All of this subscription that the options below name.")] = "",
    after: Annotated[datetime | None, typer.Option(help="Whose alerts came at this time (UTC) or later.")] = None,
    before: Annotated[datetime | None, typer.Option(help="Whose alerts came before this time (UTC).")] = None,
    lost: Annotated[bool, typer.Option(help="Only what did not arrive.")] = False,
    since_success: Annotated[bool, typer.Option(help="What was given up since the last success.")] = False,
) -> None:
    """Send again, under the same ids, marked as replays and slower than live."""
    if bool(delivery) is bool(subscription):
        raise Misconfigured("name deliveries, or a --subscription with --after, --before, --lost or --since-success")
    if subscription and not (after or before or lost or since_success):
        raise Misconfigured("say which of them: --after, --before, --lost or --since-success")
    span = Range(_utc(after), _utc(before), lost)

    async def work(_: Desk, connection: AsyncConnection) -> int:
        return await _resend(connection, delivery or [], subscription, None if since_success else span)

    try:
        typer.echo(f"{within(work)} to be sent again")
    except InvalidSubscription as error:
        raise Misconfigured(str(error)) from error


async def _resend(connection: AsyncConnection, named: list[str], subscription: str, span: Range | None) -> int:
    now, total = RealClock().now(), 0
    for one in named:
        total += _known(await resend.resend_one(connection, one, now=now), one)
    if subscription and span is None:
        total += _known(await resend.resend_since_success(connection, subscription, now=now), subscription)
    elif subscription and span is not None:
        total += _known(await resend.resend_range(connection, subscription, span, now=now), subscription)
    return total


def _known(count: int | None, name: str) -> int:
    if count is None:
        raise _unknown(name)
    return count


def _unknown(name: str) -> Misconfigured:
    return Misconfigured(f"there is no {name!r}: see wirewatch subscriptions list, wirewatch deliveries list")


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment is not None else None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=_text)


def _text(value: Any) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else str("" if value is None else value)
