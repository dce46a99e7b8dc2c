"""Term families: one key for all forms of a term, across inflection, script and language.

The key of a word is its concept in the glossary when it has one there, else its folded stem with cognate spellings
unified (hybrid, hibridne, хибридни). The key of a phrase is the set of its words' keys: order does not matter
(kërcënimet hibride, hybrid threats), nor does the little word between (trka u naoružanju).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import yaml

from shared.text.fold import fold_text
from shared.text.inflect import GUESSED, inflections
from shared.text.languages import language

SHORTEST_STEM = 3
_LONGEST_ENDING = 5
_LONGEST_TAIL = 6
_FLEETING = re.compile(r"([^aeiou])a([rclkn])$")
_UNSTEADY = frozenset({"en", "sq"})
"""A Slavic noun drops its last a in most cases (ministar, ministri); English and Albanian do not."""
_COGNATES = (("y", "i"), ("ph", "f"), ("th", "t"), ("ck", "k"), ("x", "ks"), ("w", "v"), ("q", "k"))


@dataclass(frozen=True, slots=True)
class Glossary:
    """The glossary of one language: whole words and prefixes to concepts, and first parts of compounds."""

    words: Mapping[str, str]
    stems: Mapping[str, str]
    parts: tuple[tuple[str, str], ...]

    def concept(self, folded: str) -> str:
        """The concept of a folded word, empty when it has none."""
        stems = (stem for stem in _stems_in(folded, self.stems) if len(folded) <= len(stem) + _reach(stem))
        return self.words.get(folded) or next((self.stems[stem] for stem in stems), "")

    def compound(self, folded: str) -> tuple[str, ...]:
        """The concepts of a compound (kontrasavez: counter, alliance), empty when it is none."""
        for part, concept in self.parts:
            rest = self.concept(folded[len(part) :].lstrip("-")) if folded.startswith(part) else ""
            if rest:
                return concept, rest
        return ()


@dataclass(slots=True)
class _Building:
    words: dict[str, str] = field(default_factory=dict)
    stems: list[tuple[str, str]] = field(default_factory=list)
    parts: list[tuple[str, str]] = field(default_factory=list)

    def add(self, concept: str, written: str, *, prefix: bool) -> None:
        for word in fold_text(written).split():
            if word.endswith("~"):
                self.stems.append((word[:-1], concept))
            else:
                self.words[word] = concept
            if prefix:
                self.parts.append((word.rstrip("~"), concept))


@cache
def glossary(code: str) -> Glossary:
    """The glossary of a macro language; an empty one for a language it does not know."""
    building = _Building()
    for concept, row in _data("glossary.yaml").items():
        building.add(concept, str(row.get(code, "")), prefix=bool(row.get("prefix")))
    return Glossary(building.words, dict(building.stems), tuple(sorted(building.parts, key=lambda pair: -len(pair[0]))))


def _stems_in(folded: str, stems: Container[str]) -> Iterator[str]:
    """The stems that the word begins with, the longest first."""
    return (folded[:length] for length in range(len(folded), 1, -1) if folded[:length] in stems)


@cache
def _data(file: str) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader, in C
    return data


@lru_cache(maxsize=32_768)
def keys_of(folded: str, code: str) -> tuple[str, ...]:
    """The keys of a folded word: one, or two for a compound of glossary words. Concepts begin with `=`."""
    known = glossary(code)
    concept = known.concept(folded)
    if concept:
        return (f"={concept}",)
    return tuple(f"={part}" for part in known.compound(folded)) or (stem(folded, code),)


@lru_cache(maxsize=32_768)
def stem(folded: str, code: str) -> str:
    """The folded word without its endings, cognate spellings unified. Twice, because definite forms carry two endings
    (siguri-a-n) and a dictionary form one."""
    bare = _stripped(_stripped(folded, code), code)
    return _cognate(bare if code in _UNSTEADY else _FLEETING.sub(r"\1\2", bare))


def _stripped(folded: str, code: str) -> str:
    for length in range(min(_LONGEST_ENDING, len(folded) - SHORTEST_STEM), 0, -1):
        if folded[-length:] in _endings(code) and not _is_cut(folded, length, code):
            return folded[:-length]
    return folded


def _is_cut(folded: str, length: int, code: str) -> bool:
    """Whether an ending would take a letter of the stem: Albanian ones that begin with t stand behind a vowel, a
    borrowed word in -nt keeps its t (president-e)."""
    return code == "sq" and folded[-length] == "t" and folded[-length - 1] not in "aeiouy"


@cache
def _endings(code: str) -> frozenset[str]:
    return frozenset(ending for ending in inflections().endings(GUESSED, code) if ending)


def _cognate(bare: str) -> str:
    for written, unified in _COGNATES:
        bare = bare.replace(written, unified)
    return "".join(letter for at, letter in enumerate(bare) if at == 0 or letter != bare[at - 1])


def join(keys: tuple[str, ...]) -> str:
    """The key of a phrase from the keys of its words."""
    return "+".join(sorted(set(keys)))


@lru_cache(maxsize=32_768)
def number(key: str) -> int:
    """The 63-bit number that a family is stored under: at a million families a collision has a chance of 10^-7."""
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big") >> 1


@cache
def _background(code: str) -> Mapping[str, float]:
    known = language(code)
    rates: dict[str, float] = {}
    for word, rate in (known.background if known else {}).items():
        key = stem(word, code)
        rates[key] = rates.get(key, 0.0) + rate
    return rates


@cache
def _ordinary(code: str) -> tuple[frozenset[str], frozenset[str]]:
    words = fold_text(str(_data("ordinary.yaml").get(code, ""))).split()
    whole = frozenset(word for word in words if not word.endswith("~"))
    return whole, frozenset(word[:-1] for word in words if word.endswith("~"))


@lru_cache(maxsize=32_768)
def is_ordinary(folded: str, code: str) -> bool:
    """Whether the word belongs to everyday news prose (`ordinary.yaml`)."""
    whole, stems = _ordinary(code)
    return folded in whole or any(len(folded) <= len(bare) + _tail(bare) for bare in _stems_in(folded, stems))


def _reach(bare: str) -> int:
    """Letters that may follow a stem of the glossary: an ending, not another word (blok, not blokada)."""
    return 4 if len(bare) <= 4 else 5


def _tail(bare: str) -> int:
    """A short stem says little: it takes short endings only."""
    return _LONGEST_TAIL if len(bare) > SHORTEST_STEM else SHORTEST_STEM


def per_million(folded: str, code: str) -> float:
    """How often any form of the word occurs in a million words of ordinary news of that language; 0 when unknown."""
    return _background(code).get(stem(folded, code), 0.0)
