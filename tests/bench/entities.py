"""Entities: recall of the labelled texts' names, precision and recall of every mention in passages, and traps.

`entities/passages.yaml` marks every mention in forty passages of 16 languages, `entities/traps.yaml` holds sentences in
which a name means something else; both were written by the author of the list. The labelled texts of the data folder
name their main entities in English: a name counts as found when an entity with that label (or, in brackets, a longer or
shorter form of it) is in the text. Which spans are right there was judged by hand once; `docs/benchmarks.md`
tells. Beside the traps stands what the names alone would do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from services.extractor.entities.recognise import load_gazetteer
from services.extractor.language import Identifier, identify, load_identifier
from shared.text.fold import Folded, fold_text
from shared.text.gazetteer import Gazetteer
from shared.text.languages import macro
from shared.text.lexicon import Lexicon
from tests.bench._standalone import DATA

SETS = Path(__file__).parent / "entities"
PACK = Path("deploy/packs/alliance").resolve()
GOALS = {
    "labelled_recall": ("at least", 0.92), "passages_precision": ("at least", 0.95),
    "passages_recall": ("at least", 0.92), "traps_wrong": ("at most", 0), "entities": ("at least", 250),
}  # fmt: skip
_MARKED = re.compile(r"\[\[([^|\]]+)\|([^\]]+)\]\]")
Mention = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """A text with its language and its mentions: entity, start, end."""

    language: str
    text: str
    mentions: frozenset[Mention]


def passages() -> list[Passage]:
    """The passages, their marks taken off."""
    return [_unmarked(row["lang"], row["text"]) for row in _rows("passages")]


def _rows(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = yaml.safe_load((SETS / f"{name}.yaml").read_text(encoding="utf-8"))
    return rows


def _unmarked(language: str, marked: str) -> Passage:
    text, mentions, at = "", set(), 0
    for mark in _MARKED.finditer(marked):
        text += marked[at : mark.start()]
        mentions.add((mark[1], len(text), len(text) + len(mark[2])))
        text, at = text + mark[2], mark.end()
    return Passage(language, text + marked[at:], frozenset(mentions))


def found(gazetteer: Gazetteer, text: str, language: str) -> frozenset[Mention]:
    """What the list finds."""
    return frozenset((one.entity.id, one.start, one.end) for one in gazetteer.find(text, macro(language)))


@dataclass(frozen=True, slots=True)
class Trap:
    """A sentence, entities that must not be found in it and entities that must."""

    language: str
    text: str
    without: frozenset[str]
    having: frozenset[str]

    def caught(self, gazetteer: Gazetteer) -> bool:
        """Whether the list falls for it."""
        ids = {entity for entity, _, _ in found(gazetteer, self.text, self.language)}
        return bool(ids & self.without) or not self.having <= ids


def traps() -> list[Trap]:
    """The traps."""
    rows = _rows("traps")
    return [Trap(row["lang"], row["text"], frozenset(row["not"]), frozenset(row.get("find", ()))) for row in rows]


def missing(
    gazetteer: Gazetteer, identifier: Identifier, rows: Iterable[dict[str, Any]]
) -> Iterator[tuple[str, str, bool]]:
    """Of labelled texts each named entity: the text, the name, and whether it was found."""
    for row in rows:
        language = identify(identifier, row["title"], "", row["text"]).macro
        here = {fold_text(one.entity.label) for one in gazetteer.find(f"{row['title']}\n\n\n\n{row['text']}", language)}
        for entity in row["entities"]:
            yield row["id"], entity["name"], _is_among(entity["name"], here)


def plain_names(gazetteer: Gazetteer, rows: Sequence[Trap]) -> int:
    """How many traps the bare list would fall for: every name in every form, without longest match, support or veto."""
    names = ((one.id, name.term) for one in gazetteer.entities.values() if one.type != "ignore" for name in one.names)
    lexicon = Lexicon.build(names)
    return sum(
        bool({hit.key for hit in lexicon.find(Folded(row.text), macro(row.language))} & row.without) for row in rows
    )


def _is_among(name: str, labels: Iterable[str]) -> bool:
    words = set(Folded(name).words.split())
    return any(words == (other := set(Folded(label).words.split())) or words <= other for label in labels)


def _labelled(gazetteer: Gazetteer) -> dict[str, float | str]:
    path = DATA / "articles" / "labelled.jsonl"
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    told = list(missing(gazetteer, load_identifier(), rows))
    print("not found:", "; ".join(f"{text} {name}" for text, name, there in told if not there) or "none")
    return {"labelled_names": len(told), "labelled_recall": round(sum(there for *_, there in told) / len(told), 4)}


def _passages(gazetteer: Gazetteer) -> dict[str, float | str]:
    pairs = [(one.mentions, found(gazetteer, one.text, one.language)) for one in passages()]
    right = sum(len(wanted & given) for wanted, given in pairs)
    _print(pairs)
    return {
        "passages": len(pairs), "mentions": sum(len(wanted) for wanted, _ in pairs),
        "passages_precision": round(right / max(1, sum(len(given) for _, given in pairs)), 4),
        "passages_recall": round(right / max(1, sum(len(wanted) for wanted, _ in pairs)), 4),
    }  # fmt: skip


def _speed(gazetteer: Gazetteer) -> dict[str, float | str]:
    """Bodies of real pages a second, 4,460 characters on average; without the folder none."""
    path = DATA / "pages" / "ground-truth.json"
    if not path.exists():
        return {}
    texts = [row["articleBody"] for row in json.loads(path.read_text(encoding="utf-8")).values()]
    gazetteer.find(texts[0], "en")
    started = perf_counter()
    for text in texts:
        gazetteer.find(text, "en")
    return {"articles_per_second": round(len(texts) / (perf_counter() - started))}


def _print(pairs: Sequence[tuple[frozenset[Mention], frozenset[Mention]]]) -> None:
    table = Table("passage", "missed", "wrong")
    for passage, (wanted, given) in zip(passages(), pairs, strict=True):
        if wanted != given:
            table.add_row(passage.text[:60], _shown(wanted - given), _shown(given - wanted))
    Console().print(table)


def _shown(mentions: frozenset[Mention]) -> str:
    return ", ".join(sorted(f"{entity} {start}" for entity, start, _ in mentions))


async def run() -> dict[str, float | str]:
    """The figures, and what was missed or wrong."""
    gazetteer = load_gazetteer(PACK)
    rows = traps()
    wrong = [one.text for one in rows if one.caught(gazetteer)]
    print("traps:", "; ".join(wrong) or "none fallen for")
    listed = [one for one in gazetteer.entities.values() if one.type != "ignore"]
    figures: dict[str, float | str] = {"entities": len(listed), "traps": len(rows), "traps_wrong": len(wrong)}
    figures["traps_wrong_with_names_alone"] = plain_names(gazetteer, rows)
    return figures | _labelled(gazetteer) | _passages(gazetteer) | _speed(gazetteer)
