"""Positions of a side, on passages written apart from the rules: precision, recall, right actor and act by language.

`reaction/*.yaml` beside this file holds short passages under a headline on the subject of the shipped watch
`defence-alliance`; half of them are traps: another side's words about it, its name as an object, somebody who has left
office, an expert, a newspaper, a neighbour, silence, another subject. They were written before the rules were tuned and
by the same people, so the figures say which rules work rather than what to expect of news. A passage counts only where
the watch matches it; the others are told as unmatched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from services.alerter.judge.reaction import reactions
from services.alerter.judge.reading import Reading
from services.alerter.match.commands import gazetteer_beside
from services.operate.watches.rehearse import Rehearsal, actor_name, rehearsal
from services.operate.watches.texts import Text

PASSAGES = Path(__file__).parent / "reaction"
WATCH = Path("deploy/packs/alliance/watches/defence-alliance.yaml").resolve()
SIDE, ASKED = "serbia", 0.6
"""The side and the confidence that the shipped watch asks for."""
GOALS = {"precision": ("at least", 0.93), "recall": ("at least", 0.86), "actor": ("at least", 0.88)}
WHEN = datetime(2025, 3, 19, 12, tzinfo=UTC)
"""The day after the declaration: offices are those of that day."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with who is expected to take which position; nobody in a trap."""

    id: str
    text: Text
    actors: frozenset[str]
    acts: frozenset[str]
    kind: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found in a passage; None where the watch does not match it."""

    passage: Passage
    found: tuple[tuple[str, str], ...] | None

    @property
    def wanted(self) -> bool:
        """Somebody is expected."""
        return bool(self.passage.actors)

    @property
    def right_actor(self) -> bool:
        """Somebody expected was found."""
        return any(actor in self.passage.actors for actor, _ in self.found or ())

    @property
    def right_act(self) -> bool:
        """With an act that is expected."""
        return any(actor in self.passage.actors and act in self.passage.acts for actor, act in self.found or ())


def passages() -> list[Passage]:
    """All passages in the order of their files."""
    return [one for path in sorted(PASSAGES.glob("*.yaml")) for one in _passages(path)]


def _passages(path: Path) -> Iterator[Passage]:
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for number, row in enumerate(data["passages"], 1):
        name = f"{path.stem}-{number:02}"
        language, title = (row.get(key) or data[key] for key in ("language", "title"))
        text = Text(id=name, title=title, text=row["text"], language=language, published=WHEN)
        yield Passage(name, text, _set(row.get("actor")), _set(row.get("act")), row.get("kind", ""))


def _set(written: Any) -> frozenset[str]:
    return frozenset([written] if isinstance(written, str) else written or ())


def answer(trial: Rehearsal, one: Passage) -> Answer:
    """Ask as the judge does."""
    match = trial.match(one.text)
    if match is None:
        return Answer(one, None)
    return Answer(one, tuple((actor_name(said.actor), said.act) for said in reactions(Reading(match), SIDE)
                             if said.confidence >= ASKED))  # fmt: skip


def figures(answers: Sequence[Answer]) -> dict[str, float]:
    """Counts and ratios."""
    asked = [one for one in answers if one.found is not None]
    wanted, found = [one for one in asked if one.wanted], [one for one in asked if one.found]
    right = [one for one in found if one.wanted]
    return {
        "passages": len(answers), "unmatched": len(answers) - len(asked), "wanted": len(wanted),
        "precision": len(right) / max(1, len(found)), "recall": len(right) / max(1, len(wanted)),
        "actor": sum(one.right_actor for one in right) / max(1, len(right)),
        "act": sum(one.right_act for one in right) / max(1, len(right)),
    }  # fmt: skip


def mistakes(answers: Sequence[Answer]) -> list[str]:
    """One line for each passage that was answered wrongly."""
    return [
        f"{one.passage.id} {one.passage.kind or 'position'}: {dict(one.found or ())} for {sorted(one.passage.actors)}: "
        f"{one.passage.text.text}"
        for one in answers
        if one.found is None or bool(one.found) != one.wanted or (one.wanted and not one.right_actor)
    ]


async def run() -> dict[str, float | str]:
    """Print the table and give the figures."""
    trial = rehearsal(WATCH, gazetteer_beside(WATCH), WHEN)
    answers = [answer(trial, one) for one in passages()]
    groups: dict[str, list[Answer]] = {}
    for one in answers:
        groups.setdefault(one.passage.id.rsplit("-", 1)[0], []).append(one)
    table = Table("set", "passages", "unmatched", "wanted", "precision", "recall", "actor", "act")
    told: dict[str, float | str] = {}
    for name, rows in [*groups.items(), ("all", answers)]:
        counted = figures(rows)
        kept = counted if name == "all" else {key: counted[key] for key in ("precision", "recall")}
        told |= {(key if name == "all" else f"{name}_{key}"): round(value, 4) for key, value in kept.items()}
        table.add_row(name, *(str(value) if isinstance(value, int) else f"{value:.3f}" for value in counted.values()))
    Console().print(table)
    for line in mistakes(answers):
        print(" ", line)
    return told
