"""The demo as a person runs it: everything expected arrives, nothing forbidden does, and the exit code says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.kafka_broker import ROOT

PACK = ROOT / "deploy/packs/alliance"
OUTLET = "msp-saopstenja"


pytestmark = pytest.mark.slow
LIMIT = 300.0


@dataclass(frozen=True)
class Demo:
    """A demo that plays; it writes to a file, since nobody may be there to read."""

    process: subprocess.Popen[bytes]
    output: Path

    def ended(self) -> tuple[int, str]:
        """Its exit code and what it said."""
        return self.process.wait(timeout=LIMIT), self.output.read_text(encoding="utf-8")


@contextmanager
def demo(output: Path, *words: str, **environment: str) -> Iterator[Demo]:
    command = [sys.executable, "-m", "services", "demo", "--once", *words]
    settings = os.environ | {"COLUMNS": "200"} | environment
    with output.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, cwd=ROOT, env=settings) as made:
        try:
            yield Demo(made, output)
        finally:
            made.kill()


@pytest.fixture(scope="module")
def as_shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """`make demo ARGS=--once`, started before the first test of this module: it waits most of its time."""
    with demo(tmp_path_factory.mktemp("demo") / "output.txt") as playing:
        yield playing


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


@pytest.mark.usefixtures("as_shipped")
def test_a_demo_that_misses_something_names_it_and_ends_with_1(tmp_path: Path) -> None:
    """One outlet only: most of the story is missing, and what it does tell is forbidden here."""
    loaded = yaml.safe_load((PACK / "demo/expectations.yaml").read_text(encoding="utf-8"))
    articles = yaml.safe_load((PACK / f"demo/articles/{OUTLET}.yaml").read_text(encoding="utf-8"))
    about = [article["id"] for article in articles if article["about"]]
    loaded["must_not"] |= {"articles": about, "actors": []}
    pack = small_pack(tmp_path / "pack", loaded)
    with demo(tmp_path / "output.txt", "--seconds", "1", WIREWATCH_PACK=str(pack)) as playing:
        code, told = playing.ended()
    assert code == 1, told[-4000:]
    lines = told.splitlines()
    assert any(line.startswith("missing   reaction: Aleksandar Vučić (condemn or") for line in lines)
    assert any(line.startswith("missing   first_seen: arms race") for line in lines)
    assert "missing   match: no article in sq" in lines
    assert not any("Marko Đurić" in line or "no article in sr" in line for line in lines if line.startswith("missing"))
    assert any(line.startswith("forbidden an alert carries") for line in lines), told[-4000:]
    assert "Everything expected arrived" not in told


def test_the_demo_once_shows_all_that_is_expected(as_shipped: Demo) -> None:
    code, told = as_shipped.ended()
    assert code == 0, told[-4000:]
    assert "Everything expected arrived, nothing else did." in told
