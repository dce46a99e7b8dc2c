"""The `wirewatch` command within the test process: the same entry, in a tenth of the time of a process of its own."""

from __future__ import annotations

import asyncio
import contextvars
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from typer.testing import CliRunner

from services.__main__ import run
from shared import log


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    errors: str


def command(*words: str, env: Mapping[str, str], given: bytes = b"") -> Done:
    """Run it with these settings and `given` on standard input. The log level is that of the tests: a logger keeps the
    level of its first use."""
    with CliRunner().isolation(given, env={"COLUMNS": "250", "WIREWATCH_LOG_LEVEL": "warning", **env}) as (
        out,
        errors,
        _,
    ):
        try:
            code = contextvars.copy_context().run(run, words)
        finally:
            sys.stdout.flush()
            log.configure(level="warning", json=True)
        return Done(code, out.getvalue().decode(), errors.getvalue().decode())


async def commanded(*words: str, env: Mapping[str, str]) -> Done:
    """The same from a running loop: a command brings its own."""
    return await asyncio.to_thread(command, *words, env=env)
