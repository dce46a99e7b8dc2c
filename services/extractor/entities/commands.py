"""`wirewatch entities`: what might be missing from the pack's list."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from sqlalchemy.exc import OperationalError, ProgrammingError

from services.extractor.entities import review
from services.extractor.settings import ExtractorSettings
from shared import show
from shared.db import open_database
from shared.errors import Misconfigured
from shared.settings import CommonSettings, load

entities = typer.Typer(help="Entities: candidates for the list.", no_args_is_help=True)


@entities.callback()
def _entities() -> None:
    """Entities."""


@entities.command()
def candidates(
    sources: Annotated[int, typer.Option(min=1, help="Independent sources that a name needs.")] = review.SOURCES,
    most: Annotated[int, typer.Option(min=1, help="Names to show.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: with an article and the line to add.")] = False,
) -> None:
    """Names that independent outlets wrote and the list does not know, each with the entity it may be a spelling of.
    Add it to the pack's entities.yaml; as an entry of type ignore it is not asked about again."""
    found = asyncio.run(_rows(sources, most))
    shown = found if as_json else [{key: row[key] for key in ("name", "sources", "of", "languages", "last", "like")}
                                   for row in found]  # fmt: skip
    show.show(shown, as_json=as_json, title="Candidates")


async def _rows(sources: int, most: int) -> list[dict[str, Any]]:
    database = open_database(load(CommonSettings).database_url)
    try:
        return await review.rows(database, load(ExtractorSettings).pack, sources=sources, most=most)
    except (OperationalError, ProgrammingError) as error:  # how SQLite and PostgreSQL say that there is no table
        raise Misconfigured("the database has no tables of the extractor yet: run wirewatch init") from error
    finally:
        await database.close()
