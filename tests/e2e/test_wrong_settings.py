"""A wrong setting ends the process with one line and exit code 2, before a broker, a database or a file is touched."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

WRONG = [
    (["fetcher"], "WIREWATCH_SPACING", "soon"),
    (["extractor"], "WIREWATCH_EXTRACT_WORKERS", "two"),
    (["alerter", "--only", "match"], "WIREWATCH_MATCH_IN_FLIGHT", "all"),
    (["alerter"], "WIREWATCH_JUDGE_READERS", "many"),
    (["standalone"], "WIREWATCH_COUNT_EVERY", "often"),
]


@pytest.mark.parametrize(("command", "setting", "value"), WRONG, ids=[f"{one[0][0]} {one[1]}" for one in WRONG])
async def test_it_is_told_first(command: list[str], setting: str, value: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    environment = {**os.environ, setting: value, "WIREWATCH_DATA": str(data)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", *command, env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await process.communicate()
    (line,) = errors.decode().splitlines()
    assert process.returncode == 2
    assert line.startswith(f"wirewatch: {setting} is {value!r}: write ")
    assert not data.exists()
