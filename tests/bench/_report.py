"""What is made of a benchmark's figures: held against its goals, and a marked block of `docs/benchmarks.md`.

A module may have `GOALS`: a figure, "at least" or "at most", and the bound. The block of a benchmark stands between
`<!-- bench:NAME -->` and `<!-- /bench:NAME -->`; the text around it is written by hand and stays.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

Figures = Mapping[str, float | str]
Goals = Mapping[str, tuple[str, float]]
LONGEST = 60
"""Characters of a figure that is text."""


class Verdict(StrEnum):
    """How a figure stands to its goal."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "not measured"


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure held against its goal."""

    figure: str
    goal: str
    verdict: Verdict


def judge(figures: Figures, goals: Goals) -> list[Judged]:
    """Every goal, also of figures that were not measured here."""
    return [Judged(name, f"{how} {bound:g}", _verdict(figures.get(name), how, bound))
            for name, (how, bound) in goals.items()]  # fmt: skip


def _verdict(value: float | str | None, how: str, bound: float) -> Verdict:
    if not isinstance(value, int | float):
        return Verdict.UNKNOWN
    met = {"at least": value >= bound, "at most": value <= bound}[how]
    return Verdict.MET if met else Verdict.MISSED


def block(name: str, figures: Figures, goals: Goals, day: date) -> str:
    """The marked block: every figure, its goal if it has one, the day and the machine."""
    judged = {one.figure: one for one in judge(figures, goals)}
    rows = [_row(key, value, judged.get(key)) for key, value in figures.items() if key != "machine"]
    rows += [_row(key, "–", one) for key, one in judged.items() if key not in figures]
    head = [f"<!-- bench:{name} -->", f"{day:%-d %B %Y}, {figures.get('machine', 'machine unknown')}.", "",
            "| figure | value | goal |", "|---|---:|---|"]  # fmt: skip
    return "\n".join([*head, *rows, f"<!-- /bench:{name} -->"])


def _row(key: str, value: float | str, judged: Judged | None) -> str:
    goal = f"{judged.goal}: {judged.verdict}" if judged else ""
    return f"| {key.replace('_', ' ')} | {_shown(value)} | {goal} |"


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        text = value.replace("|", "/")
        return text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return f"{value:,}"


def written(text: str, name: str, new: str) -> str:
    """`text` with the block of `name` replaced by `new`; one that has no place yet gets a section at the end."""
    marked = re.compile(rf"<!-- bench:{re.escape(name)} -->.*?<!-- /bench:{re.escape(name)} -->", re.DOTALL)
    if marked.search(text):
        return marked.sub(lambda _: new, text, count=1)
    return f"{text.rstrip()}\n\n## {name}\n\n{new}\n"
