"""`wirewatch keys`: who may use the public port; `wirewatch signing`: the notifier's own key pairs. Both work on the
database directly, as `wirewatch subscriptions` does."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import key_pairs
from services.notifier import keys as api_keys
from services.notifier.commands import AsJson, Desk, within
from services.notifier.keys import OPERATOR, InvalidKey, Key, Scope
from shared.clock import RealClock
from shared.errors import Misconfigured

keys = typer.Typer(no_args_is_help=True, help="API keys of the public port: make, list, revoke.")

signing = typer.Typer(no_args_is_help=True, help="Key pairs for signatures that anybody can check (v1a): make, list.")


@keys.command()
def make(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    owner: Annotated[str, typer.Option(help="Whose subscriptions it sees and makes.")] = OPERATOR,
    scope: Annotated[Scope, typer.Option(help="read, write (own subscriptions) or operator.")] = Scope.WRITE,
    days: Annotated[int | None, typer.Option(help="Days until it expires; default: never.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once."""

    async def work(_: Desk, connection: AsyncConnection) -> tuple[Key, str]:
        now = RealClock().now()
        expires = now + timedelta(days=days) if days else None
        return await api_keys.make(connection, owner=owner, scope=scope, name=name, now=now, expires=expires)

    try:
        made, text = within(work)
    except InvalidKey as error:
        raise Misconfigured(str(error)) from error
    if as_json:
        typer.echo(json.dumps({**_row(made), "key": text}, indent=2))
        return
    typer.echo(f"Key {made.id} of {made.owner} ({made.scope}), shown this once: {text}")


@keys.command("list")
def list_(as_json: AsJson = False) -> None:
    """All keys, without what makes them work."""

    async def work(_: Desk, connection: AsyncConnection) -> list[Key]:
        return await api_keys.listed(connection)

    found = [_row(one) for one in within(work)]
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    if not found:
        typer.echo("no keys; make one with: wirewatch keys make NAME --owner OWNER")
        return
    table = Table(*found[0], header_style="bold")
    for row in found:
        table.add_row(*(str(value or "") for value in row.values()))
    Console(markup=False).print(table)


@keys.command()
def revoke(key_id: Annotated[str, typer.Argument(help="The id, as `keys list` shows it.")]) -> None:
    """Take a key out of use, at once."""

    async def work(_: Desk, connection: AsyncConnection) -> bool:
        return await api_keys.revoke(connection, key_id, RealClock().now())

    if not within(work):
        raise Misconfigured(f"there is no key {key_id!r} that counts: see wirewatch keys list")
    typer.echo(f"{key_id} revoked")


def _row(one: Key) -> dict[str, Any]:
    moments = {"created": one.created, "expires": one.expires, "revoked": one.revoked}
    return {
        "id": one.id, "name": one.name, "owner": one.owner, "scope": str(one.scope),
        **{name: moment.isoformat(timespec="seconds") if moment else None for name, moment in moments.items()},
    }  # fmt: skip


@signing.command("make")
def make_pair(
    overlap_days: Annotated[
        float, typer.Option(help="Days for which the pair before goes on signing.", min=0, max=90)
    ] = key_pairs.OVERLAP.days,
    as_json: AsJson = False,
) -> None:
    """Make a key pair: from now on every message carries a v1a signature; again: rotate."""

    async def work(desk: Desk, connection: AsyncConnection) -> key_pairs.Pair:
        overlap = timedelta(days=overlap_days)
        return await key_pairs.make(connection, sealer=desk.sealer, now=RealClock().now(), overlap=overlap)

    made = within(work)
    row = {"id": made.id, "public": key_pairs.written(made.public)}
    typer.echo(json.dumps(row, indent=2) if as_json else f"Key pair {row['id']}, public key {row['public']}")


@signing.command("list")
def list_pairs(as_json: AsJson = False) -> None:
    """The public keys of the pairs that sign now, the newest first."""

    async def work(_: Desk, connection: AsyncConnection) -> dict[str, Any]:
        return await key_pairs.key_set(connection, RealClock().now())

    found = within(work)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    lines = [f"{one['kid']}  {one['whpk']}" for one in found["keys"]]
    typer.echo("\n".join(lines) or "no key pair: messages carry v1 alone; make one with: wirewatch signing make")
