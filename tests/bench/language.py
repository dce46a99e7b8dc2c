"""The language of short titles and of the labelled texts: ours, and the single identifier alone beside it.

`language/*.yaml` holds forty or more short titles for each language of the pack, the four varieties of
one of them, and titles in languages that have no file here. They were written by the author of the rules: an upper
bound, good for comparing. Latin titles are measured once more without their diacritics, and all of them once more as if
a Serbian outlet had published them, which for most is wrong. The identifier's own varieties count as one language.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import yaml
from rich.console import Console
from rich.table import Table

from services.extractor.language import Identifier, identify, load_identifier, script_of, variety_of
from services.extractor.language.codes import macro
from tests.bench._standalone import DATA

TITLES = Path(__file__).parent / "language"
GOALS = {
    "titles": ("at least", 0.97), "bare_titles": ("at least", 0.97), "other_languages": ("at least", 0.95),
    "labelled_wrong": ("at most", 1),
}  # fmt: skip
_GROUP = "plain"
_BARE = str.maketrans({"đ": "dj", "Đ": "Dj", "ł": "l", "Ł": "L", "ı": "i", "ß": "ss"})
_NORWEGIAN = {"nb": "no", "nn": "no"}


@dataclass(frozen=True, slots=True)
class Title:
    """A title with the code it is listed under: a language, a variety, or `plain` for no variety's own."""

    code: str
    text: str

    @property
    def language(self) -> str:
        """The macro language."""
        return "hbs" if self.code == _GROUP else macro(self.code)


def titles(*names: str) -> list[Title]:
    """The titles of the named files."""
    files = (yaml.safe_load((TITLES / f"{name}.yaml").read_text(encoding="utf-8")) for name in names)
    return [Title(code, text) for file in files for code, texts in file.items() for text in texts]


def bare(rows: Iterable[Title]) -> list[Title]:
    """Those in Latin letters that look different without diacritics, without them."""
    pairs = ((one, Title(one.code, without_diacritics(one.text))) for one in rows if script_of(one.text) == "Latn")
    return [other for one, other in pairs if other.text != one.text]


def without_diacritics(text: str) -> str:
    """As people type who have no such keys."""
    loose = unicodedata.normalize("NFKD", text.translate(_BARE))
    return "".join(one for one in loose if not unicodedata.combining(one))


def ours(identifier: Identifier, row: Title, outlet: str = "") -> bool:
    """Whether our answer is right."""
    return identify(identifier, row.text, "", "", outlet).macro == row.language


def alone(identifier: Identifier, row: Title) -> bool:
    """Whether the identifier's is."""
    code = macro(identifier.classify(row.text)[0])
    return _NORWEGIAN.get(code, code) == row.language


def varieties(rows: Iterable[Title]) -> Counter[tuple[str, str]]:
    """How often each variety was told as which, "" being the group."""
    return Counter((one.code, variety_of(one.text, script_of(one.text))) for one in rows)


def variety_figures(rows: Sequence[Title]) -> dict[str, float]:
    """Right, wrong and honest answers about varieties, as shares; the group is the right answer to a plain title."""
    told = varieties(rows)
    count = sum(told.values())
    right = sum(times for (code, said), times in told.items() if said == code or (code == _GROUP and not said))
    group = sum(times for (code, said), times in told.items() if not said and code != _GROUP)
    shares = {"right": right, "group": group, "wrong": count - right - group}
    return {f"variety_{name}": round(share / count, 4) for name, share in shares.items()}


def _share(rows: Sequence[bool]) -> float:
    return round(sum(rows) / len(rows), 4)


async def run() -> dict[str, float | str]:
    """The figures and a table by language."""
    identifier = load_identifier()
    ours_ones, others = titles("titles_1", "titles_2", "varieties"), titles("others")
    plain = bare(ours_ones)
    sets = {"titles": ours_ones, "bare_titles": plain, "other_languages": others}
    figures: dict[str, float | str] = {"title_count": len(ours_ones), "bare_count": len(plain)}
    for name, rows in sets.items():
        figures[name] = _share([ours(identifier, one) for one in rows])
        figures[f"{name}_identifier_alone"] = _share([alone(identifier, one) for one in rows])
    figures["titles_at_a_serbian_outlet"] = _share([ours(identifier, one, "sr") for one in ours_ones])
    figures |= variety_figures(titles("varieties"))
    figures |= _labelled(identifier) | _speed(identifier, ours_ones)
    _print(identifier, ours_ones, plain)
    return figures


def _labelled(identifier: Identifier) -> dict[str, float]:
    path = DATA / "articles" / "labelled.jsonl"
    if not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    wrong = [row["id"] for row in rows
             if identify(identifier, row["title"], "", row["text"]).macro != macro(row["language"])]  # fmt: skip
    return {"labelled_texts": len(rows), "labelled_wrong": len(wrong)}


def _speed(identifier: Identifier, rows: Sequence[Title]) -> dict[str, float]:
    started = perf_counter()
    for one in rows:
        identify(identifier, one.text, "", "")
    return {"titles_per_second": round(len(rows) / (perf_counter() - started))}


def _print(identifier: Identifier, rows: Sequence[Title], plain: Sequence[Title]) -> None:
    table = Table("language", "titles", "right", "identifier alone", "bare", "right", "identifier alone")
    for code in dict.fromkeys(one.code for one in rows):
        cells = []
        for chosen in (rows, plain):
            own = [one for one in chosen if one.code == code]
            cells += [len(own), sum(ours(identifier, one) for one in own), sum(alone(identifier, one) for one in own)]
        table.add_row(code, *map(str, cells))
    Console().print(table)
