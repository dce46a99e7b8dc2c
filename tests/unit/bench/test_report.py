"""Benchmarks against their goals, and the blocks of the page that shows them."""

from __future__ import annotations

import importlib
import re
from datetime import date
from pathlib import Path

import pytest

from tests.bench.__main__ import DOCS, names
from tests.bench._report import Goals, Verdict, block, judge, written

DAY = date(2026, 11, 5)
GOALS: Goals = {"ratio": ("at least", 0.6), "p95_seconds": ("at most", 1.0)}


@pytest.mark.parametrize(
    ("ratio", "p95", "verdicts"),
    [
        (0.6, 1.0, [Verdict.MET, Verdict.MET]),
        (0.59, 1.01, [Verdict.MISSED, Verdict.MISSED]),
        ("skipped", 0.2, [Verdict.UNKNOWN, Verdict.MET]),
    ],
)
def test_figures_are_held_against_their_goals(ratio: float | str, p95: float, verdicts: list[Verdict]) -> None:
    assert [one.verdict for one in judge({"ratio": ratio, "p95_seconds": p95}, GOALS)] == verdicts


def test_a_figure_that_is_absent_is_neither_met_nor_missed() -> None:
    assert [one.verdict for one in judge({}, GOALS)] == [Verdict.UNKNOWN, Verdict.UNKNOWN]


def test_a_block_shows_figures_goals_day_and_machine() -> None:
    shown = block("bus", {"ratio": 0.5, "appends_per_s": 18487, "kafka": "a|b" * 40, "machine": "here"}, GOALS, DAY)
    lines = shown.splitlines()
    assert lines[0] == "<!-- bench:bus -->" and lines[-1] == "<!-- /bench:bus -->"
    assert lines[1] == "5 November 2026, here."
    assert "| ratio | 0.5 | at least 0.6: missed |" in lines
    assert "| appends per s | 18,487 |  |" in lines
    assert "| p95 seconds | – | at most 1: not measured |" in lines
    assert all(line.count("|") == 4 for line in lines if line.startswith("|"))


def test_only_the_block_is_rewritten() -> None:
    page = "# Page\n\n## bus\n\nProse.\n\n<!-- bench:bus -->\nold\n<!-- /bench:bus -->\n\nMore \\1 prose.\n"
    new = block("bus", {"ratio": 0.7}, {}, DAY)
    again = written(page, "bus", new)
    assert again == page.replace("<!-- bench:bus -->\nold\n<!-- /bench:bus -->", new)
    assert written(again, "bus", new) == again


def test_a_benchmark_without_a_place_gets_a_section_at_the_end() -> None:
    page = "# Page\n\n<!-- bench:bus_two -->\nkept\n<!-- /bench:bus_two -->\n"
    new = block("bus", {"ratio": 0.7}, {}, DAY)
    assert written(page, "bus", new) == f"{page}\n## bus\n\n{new}\n"


@pytest.mark.parametrize("name", ["bus", "pipeline", "latency", "memory"])
def test_the_promised_benchmarks_have_goals_and_a_place(name: str) -> None:
    goals: Goals = importlib.import_module(f"tests.bench.{name}").GOALS
    assert name in names()
    assert goals
    assert all(how in ("at least", "at most") for how, _ in goals.values())
    text = Path(DOCS).read_text(encoding="utf-8")
    assert len(re.findall(rf"<!-- /?bench:{name} -->", text)) == 2
