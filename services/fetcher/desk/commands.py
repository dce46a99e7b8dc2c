"""The group `wirewatch sources`; each of its commands stands in a file of its own."""

from __future__ import annotations

import typer

from services.fetcher.desk.check import check
from services.fetcher.desk.discover import discover
from services.fetcher.desk.due import due
from services.fetcher.desk.report import report
from services.fetcher.desk.status import status

sources = typer.Typer(help="Sources: discover, check, due, status, report.", no_args_is_help=True)
for command in (discover, check, due, status, report):
    sources.command()(command)
