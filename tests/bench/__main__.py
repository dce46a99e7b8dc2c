"""`make bench`: run benchmark modules, print their tables, write `build/bench/<name>.json` (flat keys).

A benchmark is a module here with `async def run() -> dict[str, float | str]` that prints its own table. Timings are
noisy: compare within one run, report ratios as medians of pairs.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import platform
import sys
from pathlib import Path
from typing import Any

import uvloop

import tests.bench
from shared import log

BUILD = Path(__file__).resolve().parents[2] / "build" / "bench"


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted(module.name for module in pkgutil.iter_modules(tests.bench.__path__) if module.name[0] != "_")


def run(name: str) -> dict[str, Any]:
    """Run one and write its figures."""
    print(f"== {name}", flush=True)
    figures = uvloop.run(importlib.import_module(f"tests.bench.{name}").run())
    figures["machine"] = f"{platform.machine()}, Python {platform.python_version()}"
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / f"{name}.json").write_text(json.dumps(figures, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return dict(figures)


def main() -> None:
    """Run those named on the command line, or all."""
    log.configure(level="error")
    chosen = sys.argv[1:] or names()
    if unknown := set(chosen) - set(names()):
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(names())}")
    for name in chosen:
        run(name)


if __name__ == "__main__":
    main()
