"""Names beside names: a person's surname alone, how the neighbours spell it, and what tells that another is meant.

Albanian writes Slavic names by sound (Vučić, Vuçiq; Nikola, Nikolla), and its Slavic neighbours do so with Albanian
ones (Thaçi, Tači; Hoxhaj, Hodžaj). Diacritics and scripts need nothing here: folding takes care of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

SLAVIC_SIDES = frozenset({"serbia", "croatia", "bosnia", "montenegro", "macedonia", "bulgaria", "slovenia"})
ALBANIAN_SIDES = frozenset({"albania", "kosovo"})
SLAVIC_LANGUAGES = ("hbs", "mk", "bg", "sl", "ru", "uk")
_TO_ALBANIAN = (("dž", "xh"), ("lj", "l"), ("ć", "q"), ("č", "ç"), ("š", "sh"), ("ž", "zh"), ("đ", "gj"))
_TO_SLAVIC = (
    ("xh", "dž"), ("zh", "ž"), ("sh", "š"), ("gj", "đ"), ("th", "t"), ("dh", "d"), ("ll", "l"), ("rr", "r"), ("q", "ć"),
    ("ç", "č"), ("ë", "e"), ("y", "i"), ("x", "dz"),
)  # fmt: skip
_SLAVIC_LETTERS = frozenset("ćčšžđ")
_HARD_L = re.compile("(?<!l)l(?=[aeiou])")
Spelt = tuple[str, tuple[str, ...]]


def respelt(name: str, side: str) -> list[Spelt]:
    """Spellings of a name in its dictionary form that neighbours use, each with the languages that do; `side` tells
    where the person is from. None of what folds to the same."""
    slavic = side in SLAVIC_SIDES or bool(_SLAVIC_LETTERS & set(name.lower()))
    if side in ALBANIAN_SIDES:
        return [(one, SLAVIC_LANGUAGES) for one in _others(name, (_slavic,))]
    return [(one, ("sq",)) for one in _others(name, (_albanian, _doubled))] if slavic else []


def _others(name: str, ways: Iterable[Callable[[str], str]]) -> list[str]:
    return [one for one in dict.fromkeys(way(name) for way in ways) if one != name]


def _albanian(name: str) -> str:
    return _replaced(name, _TO_ALBANIAN)


def _doubled(name: str) -> str:
    """With the hard l of Slavic names as Albanian writes it: Nikolla, Millosh, Sllobodan."""
    return _albanian(_HARD_L.sub("ll", name))


def _slavic(name: str) -> str:
    return _replaced(name, _TO_SLAVIC)


def _replaced(name: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        name = name.replace(old, new).replace(old.capitalize(), new.capitalize())
    return name


def surname(written: str) -> str:
    """The last word of a name of several words, with the mark of its endings; "" of one word or an initial."""
    first, *rest = written.split()
    return rest[-1] if rest and len(rest[-1].strip(".")) > 1 and not first.startswith("=") else ""


@dataclass(frozen=True, slots=True)
class Namesakes:
    """What tells that a name means something else: first names in their dictionary form, and the words (terms) that
    stand `before` or `after` the name of a place in a name of another kind."""

    first_names: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]


@cache
def namesakes() -> Namesakes:
    """The lists of `namesakes.yaml`."""
    file = resources.files(__package__).joinpath("namesakes.yaml")
    lists = yaml.safe_load(file.read_text(encoding="utf-8"))
    names = dict.fromkeys(lists["first_names"].split())
    return Namesakes(tuple(names), tuple(lists["before"]), tuple(lists["after"]))
