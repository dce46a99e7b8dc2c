"""Candidates for the list of entities, for a person to look at: names that independent outlets wrote.

Each comes with the entity it may be a spelling of, and with the line that would add it to the list. What the list knows
by now, also as an `ignore` entry, is no candidate.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rapidfuzz import fuzz, process

from services.extractor.entities.recognise import load_gazetteer
from services.extractor.entities.tally import Tally, tallies
from shared.db import Database
from shared.text.fold import fold_text
from shared.text.gazetteer import Gazetteer

SOURCES = 3
"""Independent sources that make a name a candidate."""
SHOWN = 5
"""Outlets and forms shown of a name."""
ALIKE = 80
"""Likeness (0 to 100, folded) from which a name may be a spelling of an entity's."""


async def rows(database: Database, pack: Path, *, sources: int = SOURCES, most: int = 50) -> list[dict[str, Any]]:
    """The candidates, those of the most sources first. Raises Faulty when the pack's list is wrong."""
    gazetteer = load_gazetteer(pack)
    found = [one for one in await tallies(database, sources) if not any(gazetteer.knows(form) for form in one.forms)]
    labels = {one.id: fold_text(one.label) for one in gazetteer.entities.values() if one.type != "ignore"}
    return [_row(one, gazetteer, labels) for one in found[:most]]


def _row(one: Tally, gazetteer: Gazetteer, labels: dict[str, str]) -> dict[str, Any]:
    name = min(one.forms, key=len)
    close = process.extractOne(fold_text(name), labels, scorer=fuzz.ratio, score_cutoff=ALIKE)
    return {
        "name": name,
        "sources": len(one.origins),
        "of": ", ".join(one.origins[:SHOWN]),
        "languages": ", ".join(one.languages),
        "first": f"{one.first:%Y-%m-%d %H:%M}",
        "last": f"{one.last:%Y-%m-%d %H:%M}",
        "forms": ", ".join(one.forms[:SHOWN]),
        "like": gazetteer.entities[close[2]].label if close else "",
        "article": one.url,
        "entry": _entry(one, name),
    }


def _entry(one: Tally, name: str) -> str:
    return f"{{id: {one.key.replace(' ', '-')}, type: person, label: {name}, names: [{', '.join(one.forms[:SHOWN])}]}}"
