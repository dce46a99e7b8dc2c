"""The shipped watch `defence-alliance` on an independent set: precision and recall per language and script.

`alliance/*.jsonl` beside this file was written before and apart from the watch, by the label rules of the evaluation
set and from public facts; the texts are in the manner of news, their statements are no quotations, and some events in
them are made up. Figures count every text, borderline ones too. A text's language is the one it is written in, so that
what is measured is the watch and not the identification of languages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from services.alerter.load import load
from services.alerter.match.check import article
from services.alerter.match.commands import gazetteer_beside
from services.alerter.match.compile import Engine, build
from services.alerter.match.match import macro_of, read
from services.alerter.watch import Status
from shared.text.gazetteer import Gazetteer

TEXTS = Path(__file__).parent / "alliance"
WATCH = Path("deploy/packs/alliance/watches/defence-alliance.yaml").resolve()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the watch said of a labelled text."""

    id: str
    group: str
    wanted: bool
    matched: bool

    @property
    def missed(self) -> bool:
        """It should have matched."""
        return self.wanted and not self.matched

    @property
    def false(self) -> bool:
        """It should not have matched."""
        return self.matched and not self.wanted


def texts() -> list[dict[str, Any]]:
    """The labelled texts, in the order of their files."""
    files = sorted(TEXTS.glob("*.jsonl"))
    return [json.loads(line) for path in files for line in path.read_text(encoding="utf-8").splitlines()]


def answer(row: dict[str, Any], engine: Engine, gazetteer: Gazetteer) -> Answer:
    """Ask the engine as the match step does."""
    extracted = article(row["text"], row["language"], gazetteer, title=row["title"])
    watched = engine.watches_language(macro_of(extracted))
    matched = watched and any(reading.matched() for reading in read(extracted, engine))
    return Answer(row["id"], f"{row['language']} {row['script']}", row["about_alliance"], matched)


def precision(answers: Iterable[Answer]) -> float:
    """Of the texts matched, the part that is about the subject; 1 when none matched."""
    hits = [one.wanted for one in answers if one.matched]
    return sum(hits) / len(hits) if hits else 1.0


def recall(answers: Iterable[Answer]) -> float:
    """Of the texts about the subject, the part matched; 1 when there are none."""
    wanted = [one.matched for one in answers if one.wanted]
    return sum(wanted) / len(wanted) if wanted else 1.0


def _figures(answers: Sequence[Answer]) -> dict[str, float | str]:
    groups: dict[str, list[Answer]] = {}
    for one in answers:
        groups.setdefault(one.group, []).append(one)
    figures: dict[str, float | str] = {
        "texts": len(answers), "about": sum(one.wanted for one in answers),
        "precision": round(precision(answers), 4), "recall": round(recall(answers), 4),
        "missed": sum(one.missed for one in answers), "false": sum(one.false for one in answers),
    }  # fmt: skip
    for group, members in groups.items():
        key = group.lower().replace(" ", "_")
        figures[f"precision_{key}"] = round(precision(members), 4)
        figures[f"recall_{key}"] = round(recall(members), 4)
    _print(groups)
    return figures


def _print(groups: dict[str, list[Answer]]) -> None:
    table = Table(title="defence-alliance on the independent set", title_justify="left")
    for name in ("language, script", "texts", "about", "precision", "recall", "missed", "false"):
        table.add_column(name, justify="left" if name[0] == "l" else "right")
    for group, answers in [*groups.items(), ("all", [one for members in groups.values() for one in members])]:
        counts = (len(answers), sum(one.wanted for one in answers))
        wrong = (sum(one.missed for one in answers), sum(one.false for one in answers))
        rates = (f"{precision(answers):.3f}", f"{recall(answers):.3f}")
        table.add_row(group, *map(str, counts), *rates, *map(str, wrong))
    Console().print(table)


async def run() -> dict[str, float | str]:
    """The figures, their table and the ids of the wrong ones."""
    gazetteer = gazetteer_beside(WATCH)
    engine = build([replace(load(WATCH, gazetteer.entities), status=Status.ACTIVE)])
    answers = [answer(row, engine, gazetteer) for row in texts()]
    figures = _figures(answers)
    print("missed:", " ".join(one.id for one in answers if one.missed) or "none")
    print("false:", " ".join(one.id for one in answers if one.false) or "none")
    return figures
