"""One data file a language: endings, reporting verbs, stop words, months, quotation marks, abbreviations, background.

`languages()` reads them all once; `language("sr")` answers for a variety with its macro language (`hbs`). Words are
folded on loading, so a file may be written in the script its speakers use. A file that is wrong stops the process with
its name and what is missing: it is part of the program, not of what people write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from shared.errors import Misconfigured
from shared.text.fold import fold_text
from shared.text.languages.quoting import Quoting, read_quoting

NAMES = ("person", "place", "acronym", "initials")
"""The beginnings of classes of names, whose endings some languages set off by an apostrophe."""
PER_DOCUMENT = 300
"""Words of a news text at the median, to turn a frequency per million words into one per document."""


@dataclass(frozen=True, slots=True)
class Endings:
    """The endings of a class: folded ending to whether the form can be a subject; what a dictionary form loses."""

    forms: Mapping[str, bool]
    strip: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verb:
    """A reporting verb: folded stem (a prefix of its forms) and the act it hints at, `say` when none."""

    stem: str
    act: str = "say"


@dataclass(frozen=True, slots=True)
class Language:
    """What a language file says; all words folded."""

    code: str
    name: str
    varieties: tuple[str, ...]
    scripts: tuple[str, ...]
    cased: bool
    ordinal_dot: bool
    classes: Mapping[str, Endings]
    verbs: tuple[Verb, ...]
    connectives: tuple[str, ...]
    according: tuple[str, ...]
    not_speakers_after: frozenset[str]
    negations: frozenset[str]
    stop_words: frozenset[str]
    months: Mapping[str, int]
    quotes: tuple[tuple[str, str], ...]
    abbreviations: frozenset[str]
    background: Mapping[str, float]
    quoting: Quoting


@cache
def languages() -> Mapping[str, Language]:
    """Every language by its code, in the order of the codes."""
    folder = resources.files(__name__)
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".yaml")), key=lambda item: item.name)
    read = [_read(item.name, item.read_text(encoding="utf-8")) for item in files]
    return {one.code: one for one in read}


def language(code: str) -> Language | None:
    """The language of a code or of one of its varieties (`sr`, `hr`), or None when there is no file for it."""
    known = languages().get(code)
    if known is not None:
        return known
    return next((one for one in languages().values() if code in one.varieties), None)


def macro(code: str) -> str:
    """The code that texts and watches are compared by: `hbs` for `sr`; itself when unknown."""
    known = language(code)
    return known.code if known is not None else code


def _read(name: str, text: str) -> Language:
    try:
        data = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader, in C
        return _language(data)
    except (KeyError, TypeError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise Misconfigured(f"shared/text/languages/{name}: {error!r}") from error


def _language(data: dict[str, Any]) -> Language:
    return Language(
        code=data["code"],
        name=data["name"],
        varieties=tuple(data.get("varieties", ())),
        scripts=tuple(data["scripts"]),
        cased=bool(data.get("cased", False)),
        ordinal_dot=bool(data.get("ordinal_dot", False)),
        classes=_classes(data["classes"], apart=bool(data.get("apostrophe", False))),
        verbs=_verbs(data["reporting"]),
        connectives=_words(data.get("that", "")),
        according=_phrases(data.get("according", ())),
        not_speakers_after=frozenset(_words(data.get("not_speakers_after", ""))),
        negations=frozenset(_words(data["negations"])),
        stop_words=frozenset(_words(data["stop_words"])),
        months=_months(data["months"]),
        quotes=tuple((pair[0], pair[1]) for pair in data["quotes"]),
        abbreviations=frozenset(_words(data["abbreviations"])),
        background=_background(data["background"]),
        quoting=read_quoting(data.get("quoting") or {}),
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(fold_text(text).split()))


def _phrases(items: Any) -> tuple[str, ...]:
    return tuple(fold_text(item) for item in items)


def _classes(data: dict[str, dict[str, str]], *, apart: bool) -> dict[str, Endings]:
    plain = {name: _endings(row) for name, row in data.items() if "union" not in row}
    if apart:
        plain |= {name: _apart(one) for name, one in plain.items() if name.startswith(NAMES)}
    for name, row in data.items():
        if "union" in row:
            plain[name] = _union([plain[part] for part in row["union"].split()], row)
    return plain


def _endings(row: dict[str, str]) -> Endings:
    forms = dict.fromkeys(_ending_list(row.get("oblique", "")), False)
    forms |= dict.fromkeys(_ending_list(row.get("subject", "")), True)
    return Endings(forms, tuple(_ending_list(row.get("strip", ""))))


def _apart(endings: Endings) -> Endings:
    """Endings of names that an apostrophe may part from the dictionary form: Ankara'nın, NATO'nun."""
    joined = {
        f"{strip}'{ending.removeprefix(strip)}": subject
        for ending, subject in endings.forms.items() for strip in (*endings.strip, "")
        if ending.startswith(strip) and ending != strip
    }  # fmt: skip
    return Endings({**endings.forms, **joined}, endings.strip)


def _union(parts: list[Endings], row: dict[str, str]) -> Endings:
    forms: dict[str, bool] = {}
    for part in [*parts, _endings(row)]:
        for ending, subject in part.forms.items():
            forms[ending] = forms.get(ending, False) or subject
    return Endings(forms)


def _ending_list(text: str) -> list[str]:
    """`0` stands for the bare stem."""
    return ["" if ending == "0" else fold_text(ending) for ending in str(text).split()]


def _verbs(data: dict[str, str]) -> tuple[Verb, ...]:
    found = {stem: Verb(stem, act) for act, stems in data.items() for stem in _words(stems)}
    return tuple(found.values())


def _months(names: list[str]) -> dict[str, int]:
    if len(names) != 12:
        raise ValueError("months: write twelve lines, all forms of a month on one")
    return {form: number for number, forms in enumerate(names, 1) for form in _words(forms)}


def _background(data: dict[int, str]) -> dict[str, float]:
    """Words by how often they occur per million words; the keys are the frequencies, the highest one counts."""
    return {word: float(rate) for rate, words in sorted(data.items()) for word in _words(words)}
