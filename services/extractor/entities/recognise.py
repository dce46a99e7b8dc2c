"""Known entities in an article: people with their offices on the day, states, institutions, documents.

The gazetteer of the story pack does the finding (`shared.text.gazetteer`); here title, lead and text are read as one,
so that a surname in the title is linked to the full name in the text, and found places go back to their fields.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from shared.events import Mention, Span
from shared.text.entities import load
from shared.text.gazetteer import Gazetteer

MOST = 400
"""Mentions kept of one article; an article of 200,000 characters may hold thousands."""
READ = 100_000
"""Characters in which entities are looked for: ten long articles."""

_APART = "\n\n\n\n"
"""Between fields: wider than any gap inside a name, so that none begins in the title and ends in the text."""


def load_gazetteer(pack: Path) -> Gazetteer:
    """The entities of a pack, compiled; none when the pack has no list. Raises Faulty with every fault's place."""
    path = pack / "entities.yaml"
    return Gazetteer(load(path) if path.exists() else {})


def packed(gazetteer: Gazetteer) -> bytes:
    """A gazetteer for another process of ours: the entries read, which takes a tenth of the time to load again."""
    return pickle.dumps(gazetteer.entities)


def unpacked(entries: bytes) -> Gazetteer:
    """The gazetteer of `packed`, and of that alone: bytes of others are not to be trusted."""
    return Gazetteer(pickle.loads(entries))  # noqa: S301 - made by our own process and handed to its child


def mentions(
    gazetteer: Gazetteer, fields: tuple[tuple[str, str], ...], language: str, when: datetime | None, country: str
) -> tuple[Mention, ...]:
    """The entities in named fields, in order. `when` decides offices, `country` is the outlet's."""
    whole = _APART.join(text for _, text in fields)[:READ]
    starts = _starts(fields)
    day = when.date() if when is not None else None
    found = []
    for one in gazetteer.find(whole, language, day=day, country=country)[:MOST]:
        name, offset = next(place for place in starts if one.start >= place[1])
        span = Span(field=name, start=one.start - offset, end=one.end - offset, surface=one.surface)
        found.append(
            Mention(
                entity_id=one.entity.id,
                name=one.entity.label,
                kind=one.kind,
                span=span,
                side=one.entity.side,
                role=one.role,
                subject=one.subject,
                why=one.why,
            )
        )
    return tuple(found)


def spans_of(found: Iterable[Mention], field: str) -> list[tuple[int, int]]:
    """Where the entities of a field are."""
    return [(one.span.start, one.span.end) for one in found if one.span.field == field]


def _starts(fields: tuple[tuple[str, str], ...]) -> list[tuple[str, int]]:
    """Where each field begins in the joined text, the last one first."""
    starts, at = [], 0
    for name, text in fields:
        starts.append((name, at))
        at += len(text) + len(_APART)
    return starts[::-1]
