"""Rows of a rehearsal against labels: precision and recall by language and script, and of attributed actors.

Labels are those of the labelled set: `about_alliance` (or `about`), `serbian_reaction` (or `reaction`),
`reaction_actors`, `language`, `script`. A ratio with nothing to divide by is None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

from services.operate.watches.rehearse import Row
from services.operate.watches.texts import Text


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers against labels."""

    texts: int = 0
    wanted: int = 0
    right: int = 0
    false: int = 0

    @property
    def precision(self) -> float | None:
        """Of what was answered yes, the share that is."""
        return _ratio(self.right, self.right + self.false)

    @property
    def recall(self) -> float | None:
        """Of what is, the share that was answered yes."""
        return _ratio(self.right, self.wanted)


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def counted(pairs: Iterable[tuple[bool, bool]]) -> Counts:
    """Of (label, answer) pairs."""
    rows = list(pairs)
    return Counts(
        len(rows), sum(label for label, _ in rows), sum(label and said for label, said in rows),
        sum(said and not label for label, said in rows),
    )  # fmt: skip


def groups(texts: Sequence[Text], rows: Sequence[Row]) -> dict[str, Counts]:
    """Matching by language and script, and of all."""
    found: dict[str, list[tuple[bool, bool]]] = {}
    for one, row in zip(texts, rows, strict=True):
        found.setdefault(f"{one.language} {_label(one, 'script')}".strip(), []).append((about(one), row.matched))
    return {name: counted(pairs) for name, pairs in sorted(found.items())} | {
        "all": counted(pair for pairs in found.values() for pair in pairs)
    }


def totals(texts: Sequence[Text], rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of the whole set, flat."""
    matching = counted((about(one), row.matched) for one, row in zip(texts, rows, strict=True))
    reacting = counted((reacts(one), row.reaction) for one, row in zip(texts, rows, strict=True))
    named = [
        bool(set(row.actors) & _actors(one))
        for one, row in zip(texts, rows, strict=True) if reacts(one) and row.reaction
    ]  # fmt: skip
    return {
        "texts": matching.texts, "about": matching.wanted, "matched": matching.right + matching.false,
        "precision": matching.precision, "recall": matching.recall,
        "reactions": reacting.wanted, "reaction_precision": reacting.precision, "reaction_recall": reacting.recall,
        "actor_right": _ratio(sum(named), len(named)),
        **_grouped("near_duplicate", "near_group", texts, [row.copy_group for row in rows]),
        **_grouped("topic", "dup_group", texts, [row.story for row in rows]),
    }  # fmt: skip


def _grouped(name: str, label: str, texts: Sequence[Text], groups: Sequence[str]) -> dict[str, Any]:
    """Pairwise precision and recall of groups against a label; the number of pairs that the labels make."""
    wanted, made = _pairs([_label(one, label) for one in texts]), _pairs(groups)
    right = len(wanted & made)
    return {f"{name}_pairs": len(wanted), f"{name}_precision": _ratio(right, len(made)),
            f"{name}_recall": _ratio(right, len(wanted))}  # fmt: skip


def _pairs(groups: Sequence[str]) -> set[tuple[int, int]]:
    members: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        if group:
            members.setdefault(group, []).append(number)
    return {pair for some in members.values() for pair in combinations(some, 2)}


def plain(row: Row) -> dict[str, Any]:
    """A row as JSON gives it."""
    return asdict(row)


def about(one: Text) -> bool:
    """The label of matching."""
    return bool(_labels(one).get("about_alliance", _labels(one).get("about", False)))


def reacts(one: Text) -> bool:
    """The label of a reaction."""
    return bool(_labels(one).get("serbian_reaction", _labels(one).get("reaction", False)))


def _actors(one: Text) -> set[str]:
    """The labelled actors; those without a name carry a remark in brackets."""
    return {str(actor).partition(" (")[0] for actor in _labels(one).get("reaction_actors") or ()}


def _label(one: Text, name: str) -> str:
    return str(_labels(one).get(name) or "")


def _labels(one: Text) -> Mapping[str, Any]:
    return one.labels or {}
