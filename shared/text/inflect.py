"""Endings: which forms a stem may take in a language, and which of them can be a grammatical subject.

A class is a name (`noun_a`, `person_c`, `adj_sk`, …) under which each language lists its own folded endings, those of
the subject apart from the oblique ones. A text in a language without the class, or in an unknown one, is checked
against the endings of all languages together.

Classes decide by endings alone: no lemmatiser joins Kosovo and kosovski or knows Vuçiqit, and open prefixes take in
look-alikes (Kosovel, kurtizana). Subject forms matter to whoever asks who spoke: Vučića, Kurtin, Додика never did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from shared.text.languages import Language, languages

GUESSED = "word"
"""The class of `stem~` when nothing about the ending says more: nouns and adjectives of all kinds."""
_ADJECTIVE = ("sk", "ck", "zk", "stk")
_INITIALS = 3
"""Acronyms of so few letters are spelt out and keep a hyphen before an ending (SAD-a is no sada); Kfora is read."""
POSSESSIVE = ("", "'s")


@dataclass(frozen=True, slots=True)
class Form:
    """How an ending was accepted: its class, the language whose table held it, whether it can be a subject."""

    ending: str
    kind: str
    language: str
    subject: bool

    def __str__(self) -> str:
        ending = f"+{self.ending}" if self.ending else "bare"
        return f"{ending} {self.kind} {'subject' if self.subject else 'oblique'} {self.language}".rstrip()


Endings = Mapping[str, Form]


class Inflections:
    """The endings of all languages, looked up by language and class."""

    def __init__(self, known: Iterable[Language]) -> None:
        self._tables: dict[tuple[str, str], dict[str, Form]] = {}
        self._strips: dict[str, tuple[str, ...]] = {}
        for language in known:
            self._add(language)

    def _add(self, language: Language) -> None:
        for kind, endings in language.classes.items():
            own = self._tables.setdefault((language.code, kind), {})
            for ending, subject in endings.forms.items():
                form = Form(ending, kind, language.code, subject)
                own[ending] = form
                self._tables.setdefault(("", kind), {}).setdefault(ending, form)
            known = self._strips.get(kind, ())
            self._strips[kind] = tuple(dict.fromkeys((*known, *endings.strip)))

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The names of all classes."""
        return frozenset(kind for _, kind in self._tables)

    def endings(self, kind: str, language: str = "") -> Endings:
        """The endings of a class in a language; of all languages when it has none or is unknown."""
        return self._tables.get((language, kind)) or self._tables.get(("", kind)) or {}

    def stem(self, folded: str, kind: str) -> str:
        """The stem of a dictionary form: `hrvatska` of class `place_a` is `hrvatsk`."""
        for ending in self._strips.get(kind, ()):
            if folded.endswith(ending) and len(folded) > len(ending) + 1:
                return folded[: -len(ending)]
        return folded


def guess(stem: str, written: str = "") -> str:
    """The class of `stem~` from the folded stem and how it was written."""
    if written.isupper() and len(written) > 1:
        return "acronym" if len(stem) > _INITIALS else "initials"
    if stem.endswith(_ADJECTIVE):
        return "adj_sk"
    return GUESSED


_SHARED: list[Inflections] = []


def inflections() -> Inflections:
    """The endings of all shipped languages, read once."""
    if not _SHARED:
        _SHARED.append(Inflections(languages().values()))
    return _SHARED[0]
