"""Inflection: how many forms of a table the terms of its concepts find, and how many look-alikes they hit.

The table (`tests/bench/inflection/`) holds concepts with the terms that an author would write, forms and look-alikes
in nine varieties. The production lexicon reads each of them in a neutral sentence with the language's macro code.
Counted, not timed: `tests/unit/text/test_inflection_table.py` holds the same figures to their goals.
`python -m tests.bench.inflection` also lists what was missed and what was hit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from shared.text.fold import fold
from shared.text.lexicon import Lexicon
from tests.bench._standalone import printed

TABLE = Path(__file__).with_name("inflection")
SECOND = TABLE / "second"
"""Other words, run once before anything was changed for them: how far the rules reach beyond the first table."""
CARRIERS = {
    "en": "Yesterday in the report: {} again.",
    "sq": "Dje në raport: {} përsëri.",
    "sr": "Juče u izveštaju: {} ponovo.",
    "sr-Cyrl": "Јуче у извештају: {} поново.",
    "hr": "Jučer u izvještaju: {} ponovno.",
    "bs": "Jučer u izvještaju: {} ponovo.",
    "cnr": "Juče u izvještaju: {} ponovo.",
    "mk": "Вчера во извештајот: {} повторно.",
    "bg": "Вчера в доклада: {} отново.",
    "sl": "Včeraj v poročilu: {} spet.",
}
"""A sentence of each variety that holds no word of the table."""
MACRO = {"sr": "hbs", "sr-Cyrl": "hbs", "hr": "hbs", "bs": "hbs", "cnr": "hbs"}


@dataclass(frozen=True, slots=True)
class Row:
    """A surface to be found, or a look-alike to be passed by, at `start` of `text`."""

    concept: str
    variety: str
    surface: str
    text: str
    start: int
    wanted: bool

    @property
    def language(self) -> str:
        """The macro code."""
        return MACRO.get(self.variety, self.variety)

    def __str__(self) -> str:
        return f"{self.variety} {self.concept}: {self.surface}"


@dataclass(frozen=True)
class Outcome:
    """Every row with whether it was found."""

    rows: Sequence[tuple[Row, bool]]

    @cached_property
    def missed(self) -> list[Row]:
        """Forms that no term found."""
        return [row for row, found in self.rows if row.wanted and not found]

    @cached_property
    def hit(self) -> list[Row]:
        """Look-alikes that a term found."""
        return [row for row, found in self.rows if not row.wanted and found]

    def figures(self) -> dict[str, float | str]:
        """Recall and rate of look-alikes, in total and for each language."""
        of, good = Counter[str](), Counter[str]()
        for row, found in self.rows:
            kind = "recall" if row.wanted else "lookalike_rate"
            for name in (kind, f"{kind}_{row.language}"):
                of[name] += 1
                good[name] += found
        concepts = len({row.concept for row, _ in self.rows})
        counts = {"concepts": concepts, "forms": of["recall"], "lookalikes": of["lookalike_rate"]}
        return {**counts, **{name: round(good[name] / of[name], 4) for name in sorted(of)}}


def concepts(folder: Path = TABLE) -> dict[str, dict[str, object]]:
    """The table in a folder."""
    return {
        name: entry
        for path in sorted(folder.glob("*.yaml"))
        for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items()
    }


def evaluate(folder: Path = TABLE) -> Outcome:
    """Look for every row of a table with the terms of its concept."""
    outcome = []
    for name, entry in concepts(folder).items():
        lexicon = Lexicon.build((name, term) for term in entry["terms"])  # type: ignore[attr-defined]
        outcome += [(row, _found(lexicon, row)) for row in _rows(name, entry)]
    return Outcome(outcome)


def _rows(name: str, entry: dict[str, object]) -> Iterator[Row]:
    for kind, wanted in (("forms", True), ("lookalikes", False)):
        for variety, surfaces in entry.get(kind, {}).items():  # type: ignore[attr-defined]
            for surface in surfaces:
                yield _row(name, variety, surface, wanted=wanted)


def _row(name: str, variety: str, written: str, *, wanted: bool) -> Row:
    text = written if "<" in written else CARRIERS[variety].format(f"<{written}>")
    before, _, rest = text.partition("<")
    surface, _, after = rest.partition(">")
    return Row(name, variety, surface, before + surface + after, len(before), wanted)


def _found(lexicon: Lexicon[str], row: Row) -> bool:
    spans = [hit.span for hit in lexicon.find(fold(row.text), row.language)]
    end = row.start + len(row.surface)
    if row.wanted:
        return (row.start, end) in spans
    return any(start < end and row.start < stop for start, stop in spans)


async def run() -> dict[str, float | str]:
    """Print the figures of both tables and return them with what was missed and hit."""
    figures: dict[str, float | str] = {}
    for prefix, folder in (("", TABLE), ("second_", SECOND)):
        outcome = evaluate(folder)
        printed(f"inflection {prefix.rstrip('_')}", outcome.figures())
        rows = {"missed": "; ".join(map(str, outcome.missed)), "hit": "; ".join(map(str, outcome.hit))}
        figures |= {f"{prefix}{name}": value for name, value in {**outcome.figures(), **rows}.items()}
    return figures


def main() -> None:
    """Print every miss and every wrong hit."""
    for folder in (TABLE, SECOND):
        outcome = evaluate(folder)
        for title, rows in (("missed", outcome.missed), ("hit", outcome.hit)):
            print(f"== {folder.name}, {title}: {len(rows)}", *rows, sep="\n")


if __name__ == "__main__":
    main()
