"""What make passes on."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize(("words", "passed"), [((), "--bus both"), (("BUS=kafka", "N=7"), "--count 7 --bus kafka")])
def test_faults_run_on_both_buses_unless_told_otherwise(words: tuple[str, ...], passed: str) -> None:
    done = subprocess.run(["make", "--dry-run", "faults", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"tests.faults kills {passed}" in done.stdout or f"{passed}\n" in done.stdout
