"""The lexicon of acts, one data file a language: what an actor does, and what it says that amounts to the same.

`verbs` are acts by their verb (osudio, denounced); `said` are words inside a statement that make it the act (open
provocation, will not be silent). A pattern is words that follow one another with at most one between, folded; `~` takes
any ending.

`marks` are the words that tell who acts and how: offices and the heads of institutions (whole words are forms that can
be a subject, stems any form); `others` who speak for nobody, `former` holders; prepositions by what they make of a name
(`of`, `according`, `out_of`, `inside`, `agent`, `prep` for the rest), `theirs` for according to him; `relative`, `that`
which open clauses; `deny`, verbs that say of such a clause that it is not so; `this` which points back, `media` who
report what others say; `speak` and `view`, verbs beside the reporting verbs of the language, and `noun`, what looks
like one; `feel`, verbs with whoever feels as their object (brine ga, angered him), `be` which turns that round;
`react`, reactions told without a verb of anybody (u Beogradu se reagovalo); `claim`, nouns of what somebody said;
`never`, negations of several words, and `silent`, refusals to say anything; `whether`, which opens what is only asked,
and `there`, which makes an office one of the place named before (officials there).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import msgspec
import yaml

from services.alerter.options import ACTS
from shared.text.fold import fold_text
from shared.text.languages import language

STANCE = {"welcome": 1, "comment": 0}
"""What an act says of the subject: for (1), nothing (0), against (-1, all others)."""
OFFICES = ("president", "prime minister", "minister", "officials")
"""Kinds of marks that are offices; the first three are parts of a person's role."""
FORMED = (*OFFICES, "institution")
"""Kinds of which a word written out is a form that can be a subject, and a stem any form."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_GAP = 1
WORDS_KNOWN = 20_000
"""Words of a language whose patterns are remembered: most of a day's, 3 MB of them."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Folded words, each whole or a stem."""

    act: str
    verb: bool
    words: tuple[tuple[str, bool], ...]


class Cue(msgspec.Struct, frozen=True, gc=False):
    """A pattern found: its act, whether it is a verb, and the words it covers (first, behind the last)."""

    act: str
    verb: bool
    first: int
    end: int


class Lexicon:
    """The patterns of one language, looked up by their first word: whole, or by every beginning of a word."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._whole: dict[str, list[Pattern]] = {}
        self._stems: dict[str, list[Pattern]] = {}
        for pattern in patterns:
            bare, stem = pattern.words[0]
            (self._stems if stem else self._whole).setdefault(bare, []).append(pattern)
        self._lengths = sorted({len(stem) for stem in self._stems})
        self._known: dict[str, tuple[Pattern, ...]] = {}

    def find(self, words: Sequence[str]) -> Iterator[Cue]:
        """The cues in a sentence of folded words."""
        for at, word in enumerate(words):
            begun = self._known.get(word)
            if begun is None:
                begun = self._remembered(word)
            for pattern in begun:
                end = _match(pattern, words, at) if len(pattern.words) > 1 else at + 1
                if end:
                    yield Cue(pattern.act, pattern.verb, at, end)

    def _remembered(self, word: str) -> tuple[Pattern, ...]:
        if len(self._known) >= WORDS_KNOWN:
            self._known.clear()
        self._known[word] = found = tuple(self._begun(word))
        return found

    def _begun(self, word: str) -> Iterator[Pattern]:
        yield from self._whole.get(word, ())
        for length in self._lengths:
            if length > len(word):
                return
            yield from self._stems.get(word[:length], ())


@dataclass(frozen=True, slots=True)
class Reporting:
    """The reporting verbs of a language: the act each stem hints at."""

    acts: Mapping[str, str]
    lengths: tuple[int, ...]

    def found(self, words: Sequence[str]) -> dict[int, str]:
        """The words that are one, with what it hints at; of several stems the longest."""
        told = ((at, self.acts[word[:length]]) for at, word in enumerate(words) for length in self.lengths
                if word[:length] in self.acts)  # fmt: skip
        return dict(told)


def _match(pattern: Pattern, words: Sequence[str], at: int) -> int:
    """Behind the last word of a pattern whose first stands at `at`, else 0."""
    at += 1
    for bare, stem in pattern.words[1:]:
        for word in words[at : at + _GAP + 1]:
            at += 1
            if word == bare or (stem and word.startswith(bare)):
                break
        else:
            return 0
    return at


@dataclass(frozen=True, slots=True)
class Anaphors:
    """Words that stand for somebody named before: pronouns, and offices without a name."""

    whole: frozenset[str]
    stems: tuple[str, ...]

    def holds(self, word: str) -> bool:
        """Whether a folded word is one."""
        return word in self.whole or word.startswith(self.stems)


@cache
def lexicon(code: str) -> Lexicon:
    """The acts of a macro language; an empty lexicon where there is no file for it."""
    return Lexicon(tuple(patterns({act: row for act, row in _data(code).items() if act in ACTS})))


@cache
def reporting(code: str) -> Reporting:
    """The reporting verbs of a macro language; none where there is no file for it."""
    spoken = language(code)
    acts = {verb.stem: verb.act for verb in spoken.verbs} if spoken is not None else {}
    return Reporting(acts, tuple(sorted({len(stem) for stem in acts})))


@cache
def marks(code: str) -> Lexicon:
    """The words that tell who acts and how, by kind; offices in forms that are only part of the word end in `~`."""
    return Lexicon(tuple(_marks(_data(code).get("marks") or {})))


@cache
def kinds(code: str) -> frozenset[str]:
    """The kinds of marks that a macro language has."""
    return frozenset(_data(code).get("marks") or ())


@cache
def anaphors(code: str) -> Anaphors:
    """The anaphors of a macro language."""
    words = fold_text(_data(code).get("anaphors", "")).split()
    stems = tuple(word[:-1] for word in words if word.endswith("~"))
    return Anaphors(frozenset(word for word in words if not word.endswith("~")), stems)


@cache
def _data(code: str) -> dict[str, Any]:
    file = resources.files(__name__).joinpath(f"{code}.yaml")
    if not file.is_file():
        return {}
    data: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader, in C
    return data


def patterns(data: dict[str, dict[str, str]]) -> Iterator[Pattern]:
    """The patterns of lists as they are written in the files: by act, then `verbs` and `said`."""
    for act, lists in data.items():
        for kind, written in lists.items():
            for entry in fold_text(written).split():
                words = tuple((word.rstrip("~"), word.endswith("~")) for word in entry.split("+"))
                yield Pattern(act, kind == "verbs", words)


def _marks(data: dict[str, str]) -> Iterator[Pattern]:
    for kind, written in data.items():
        for entry in fold_text(written).split():
            words = tuple((word.rstrip("~"), word.endswith("~")) for word in entry.split("+"))
            yield Pattern(kind + "~" * (kind in FORMED and words[0][1]), False, words)
