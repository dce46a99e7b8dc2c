"""`wirewatch watch …`: what editors of watches use. `check` is for continuous integration too."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from services.alerter.match.check import Report, check
from shared.document import Faulty
from shared.settings import CommonSettings, load
from shared.text.entities import load as load_entities
from shared.text.gazetteer import Gazetteer

watch = typer.Typer(help="Watches.", no_args_is_help=True)


@watch.callback()
def _watches() -> None:
    """Watches."""


@watch.command(name="check")
def check_files(
    files: Annotated[list[Path] | None, typer.Argument(help="watch files; default: those of the pack")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="advice fails too")] = False,
) -> None:
    """Check watch files: form, entities, concepts, terms, and that every example behaves. Exit code 1 on faults."""
    chosen = files or sorted((load(CommonSettings).pack / "watches").glob("*.yaml"))
    if not chosen:
        raise typer.BadParameter("no watch files: name some, or set WIREWATCH_PACK")
    missing = [path for path in chosen if not path.is_file()]
    if missing:
        raise typer.BadParameter(f"no such file: {', '.join(map(str, missing))}")
    reports = {path: _report(path) for path in chosen}
    if as_json:
        typer.echo(json.dumps([_row(path, one) for path, one in reports.items()], ensure_ascii=False, indent=2))
    else:
        for path, one in reports.items():
            _print(path, one)
    if any(one.faults or (strict and one.advice) for one in reports.values()):
        raise typer.Exit(1)


def _report(path: Path) -> Report:
    try:
        return check(path, gazetteer_beside(path))
    except Faulty as error:
        return Report(error.faults, ())


def gazetteer_beside(path: Path) -> Gazetteer:
    """The entities of the pack a watch file lies in (`<pack>/watches/<file>`), else of the pack in the settings."""
    beside = path.resolve().parent.parent / "entities.yaml"
    chosen = beside if beside.exists() else load(CommonSettings).pack / "entities.yaml"
    return Gazetteer(load_entities(chosen) if chosen.exists() else {})


def _row(path: Path, report: Report) -> dict[str, Any]:
    return {
        "file": str(path),
        "ok": not report.faults,
        "examples": report.examples,
        "right": report.right,
        "faults": [asdict(one) for one in report.faults],
        "advice": [asdict(one) for one in report.advice],
    }


def _print(path: Path, report: Report) -> None:
    for one in report.faults:
        typer.echo(f"{one}", err=True)
    for one in report.advice:
        typer.echo(f"{one} (advice)", err=True)
    state = "ok" if not report.faults else f"{len(report.faults)} faults"
    typer.echo(f"{path}: {state}, {report.right} of {report.examples} examples as they should be")
