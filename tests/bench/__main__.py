"""`make bench`: run benchmark modules, print their tables, write `build/bench/<name>.json` (flat keys).

A benchmark is a module here with `async def run() -> dict[str, float | str]` that prints its own table, and `GOALS`
where it has any. Timings are noisy: compare within one run, report ratios as medians of pairs. Docs are rewritten only
when asked for (`--write-docs`), and only between the marks; a missed goal is an error only with `--strict`.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from rich.console import Console

import tests.bench
from shared import log
from tests.bench._report import Figures, Goals, Verdict, block, judge, written

ROOT = Path(__file__).resolve().parents[2]
BUILD, DOCS = ROOT / "build" / "bench", ROOT / "docs" / "benchmarks.md"
COLOURS = {Verdict.MET: "green", Verdict.MISSED: "red", Verdict.UNKNOWN: "yellow"}


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(module.name for module in pkgutil.iter_modules(tests.bench.__path__) if module.name[0] != "_")


def run(name: str) -> tuple[Figures, Goals]:
    """Run one and write its figures."""
    print(f"== {name}", flush=True)
    module = importlib.import_module(f"tests.bench.{name}")
    figures: dict[str, float | str] = uvloop.run(module.run())
    figures["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"{name}.json").write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return figures, getattr(module, "GOALS", {})


def missed(figures: Figures, goals: Goals) -> int:
    """Print every goal with what came of it; how many were missed."""
    console, judged = Console(highlight=False), judge(figures, goals)
    for one in judged:
        console.print(
            f"  goal: {one.figure.replace('_', ' ')} {one.goal}: {figures.get(one.figure, '–')}, "
            f"[{COLOURS[one.verdict]}]{one.verdict}[/]"
        )
    return sum(one.verdict is Verdict.MISSED for one in judged)


def document(name: str, figures: Figures, goals: Goals) -> None:
    """Rewrite the block of one benchmark; one that was skipped leaves the last figures."""
    if "skipped" in figures:
        return
    new = block(name, figures, goals, datetime.now(UTC).date())
    DOCS.write_text(written(DOCS.read_text(encoding="utf-8"), name, new), encoding="utf-8")


def main() -> None:
    """Run those named on the command line, or all."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(names())}; default: all")
    parser.add_argument("--write-docs", action="store_true", help="rewrite the blocks of docs/benchmarks.md")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a goal is missed")
    parser.add_argument("--seed", type=int, help="seed of a simulated stream (novelty, burst)")
    parser.add_argument("--config", help="what a simulated stream is made of: a file, or name=value,…")
    options = parser.parse_args()
    for name, given in (("SEED", options.seed), ("CONFIG", options.config)):
        if given is not None:
            os.environ[f"WIREWATCH_BENCH_{name}"] = str(given)
    log.configure(level="error")
    if unknown := set(options.names) - set(names()):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(names())}")
    bad = 0
    for name in options.names or names():
        figures, goals = run(name)
        bad += missed(figures, goals)
        if options.write_docs:
            document(name, figures, goals)
    sys.exit(1 if bad and options.strict else 0)


if __name__ == "__main__":
    main()
