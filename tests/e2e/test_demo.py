"""The demo as a person runs it: everything expected arrives, nothing forbidden does, and the exit code says so."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.fakes.kafka_broker import ROOT


@pytest.mark.slow
def test_the_demo_once_shows_all_that_is_expected() -> None:
    command = [sys.executable, "-m", "services", "demo", "--once", "--seconds", "20"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "Everything expected arrived, nothing else did." in done.stdout
