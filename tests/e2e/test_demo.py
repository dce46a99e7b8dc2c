"""The demo as a person runs it: everything expected arrives, nothing forbidden does, and the exit code says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.kafka_broker import ROOT

PACK = ROOT / "deploy/packs/alliance"
OUTLET = "msp-saopstenja"


def demo(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services", "demo", "--once", *words]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "200"} | environment,
    )


@pytest.mark.slow
def test_the_demo_once_shows_all_that_is_expected() -> None:
    """As shipped, with `make demo ARGS=--once`."""
    done = demo()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "Everything expected arrived, nothing else did." in done.stdout


def small_pack(folder: Path, expectations: dict[str, Any]) -> Path:
    """The pack with one outlet of its demo world, and expectations of the test's own."""
    shutil.copytree(PACK, folder, ignore=shutil.ignore_patterns("demo", "sources.yaml"))
    (folder / "demo" / "articles").mkdir(parents=True)
    shutil.copy(PACK / f"demo/articles/{OUTLET}.yaml", folder / "demo/articles")
    outlets = yaml.safe_load((PACK / "demo/outlets.yaml").read_text(encoding="utf-8"))
    kept = [outlet for outlet in outlets if outlet["id"] == OUTLET]
    (folder / "demo/outlets.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")
    (folder / "demo/expectations.yaml").write_text(yaml.safe_dump(expectations), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_a_demo_that_misses_something_names_it_and_ends_with_1(tmp_path: Path) -> None:
    """One outlet only: most of the story is missing, and what it does tell is forbidden here."""
    loaded = yaml.safe_load((PACK / "demo/expectations.yaml").read_text(encoding="utf-8"))
    articles = yaml.safe_load((PACK / f"demo/articles/{OUTLET}.yaml").read_text(encoding="utf-8"))
    about = [article["id"] for article in articles if article["about"]]
    loaded["must_not"] |= {"articles": about, "actors": []}
    done = demo("--seconds", "1", WIREWATCH_PACK=str(small_pack(tmp_path / "pack", loaded)))
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert any(line.startswith("missing   reaction: Aleksandar Vučić (condemn or") for line in lines)
    assert any(line.startswith("missing   first_seen: arms race") for line in lines)
    assert "missing   match: no article in sq" in lines
    assert not any("Marko Đurić" in line or "no article in sr" in line for line in lines if line.startswith("missing"))
    assert any(line.startswith("forbidden an alert carries") for line in lines), done.stdout[-4000:]
    assert "Everything expected arrived" not in done.stdout
