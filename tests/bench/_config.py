"""What a simulated stream is made of, from the command line."""

from __future__ import annotations

import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar

C = TypeVar("C")


def configured(config: C, text: str) -> C:
    """`config` (a dataclass of numbers) changed by `name=value,…`, or by a file with such pairs, one a line. Ends with
    one line where a name is unknown or a value no number."""
    if Path(text).is_file():
        text = ",".join(line.split("#")[0].strip() for line in Path(text).read_text(encoding="utf-8").splitlines())
    shape: Any = config
    kinds = {one.name: one.type for one in fields(shape)}
    values: dict[str, float] = {}
    for pair in filter(None, text.replace(":", "=").split(",")):
        name, _, value = (part.strip() for part in pair.partition("="))
        try:
            values[name] = (int if kinds[name] == "int" else float)(value)
        except (KeyError, ValueError):
            sys.exit(f"--config: {pair.strip()!r} is no name=value of {', '.join(kinds)}")
    changed: C = replace(shape, **values)
    return changed
