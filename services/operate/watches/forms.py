"""The forms that a watch knows, term by term and language by language, and which of them have ever fired.

A form is a spelling of the stem with an ending of its class, folded, as the automaton sees it. Of phrases the last
word is inflected here, though every word may be; fired forms are shown as they stood in the text either way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.alerter.watch import Clause, Only, Watch, Word, inside
from shared.events import ArticleMatched
from shared.text.fold import Folded
from shared.text.inflect import Inflections, inflections
from shared.text.languages import languages, macro
from shared.text.terms import Kind, Term, spellings


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of a term in one language (folded), and how often each fired; others are surfaces that no table lists
    (open prefixes, phrases with several inflected words)."""

    concept: str
    term: str
    language: str
    forms: tuple[str, ...]
    fired: Mapping[str, int]

    @property
    def never(self) -> tuple[str, ...]:
        """The forms that never fired; an open prefix has fired with any word that begins so."""
        return tuple(form for form in self.forms if not self._has_fired(form))

    def _has_fired(self, form: str) -> bool:
        if form.endswith("*"):
            return any(surface.startswith(form[:-1]) for surface in self.fired)
        return form in self.fired


def count(match: ArticleMatched, counts: dict[tuple[str, str, str], int]) -> None:
    """Count the (term, language, words of the surface, folded) of every hit of a match."""
    for hit in match.hits:
        words = " ".join(Folded(hit.span.surface).words.split())
        key = (hit.term, macro(match.article.language.macro), words)
        counts[key] = counts.get(key, 0) + 1


def table(watch: Watch, hits: Mapping[tuple[str, str, str], int]) -> list[Forms]:
    """Every term of the watch in every language in which it may occur."""
    endings, rows = inflections(), []
    by_term: dict[tuple[str, str], dict[str, int]] = {}
    for (written, code, surface), count in hits.items():
        by_term.setdefault((written, code), {})[surface] = count
    for concept in watch.concepts.values():
        for term, spoken in _terms(concept.clause, watch.languages or tuple(languages())):
            for language in spoken:
                forms = tuple(sorted(forms_of(term, language, endings)))
                rows.append(
                    Forms(concept.name, term.written, language, forms, by_term.get((term.written, language), {}))
                )
    return rows


def _terms(clause: Clause, spoken: tuple[str, ...]) -> Iterator[tuple[Term, tuple[str, ...]]]:
    if isinstance(clause, Word):
        yield clause.term, spoken
    if isinstance(clause, Only) and clause.languages:
        spoken = tuple(code for code in spoken if code in clause.languages)
    for part in inside(clause):
        yield from _terms(part, spoken)


def forms_of(term: Term, language: str, table: Inflections) -> set[str]:
    """The folded forms of a term in a language; of an open prefix only the prefix itself, marked with `*`."""
    before = "".join(f"{part.stem} " for part in term.parts[:-1])
    last = term.parts[-1]
    if last.kind is Kind.PREFIX:
        return {f"{before}{last.stem}*"}
    if last.kind is Kind.BARE:
        return {before + last.stem}
    return {
        before + stem + ending
        for stem, only_i in spellings(last) for ending in table.endings(last.endings, language)
        if not only_i or ending.startswith("i")
    }  # fmt: skip


def plain(row: Forms) -> dict[str, Any]:
    """A row for JSON."""
    return {"concept": row.concept, "term": row.term, "language": row.language,
            "fired": dict(row.fired), "never": list(row.never)}  # fmt: skip


def shown(row: Forms) -> dict[str, Any]:
    """A row for people."""
    counts = ", ".join(f"{form} {count}" for form, count in sorted(row.fired.items(), key=lambda one: -one[1]))
    return {"concept": row.concept, "term": row.term, "language": row.language,
            "fired": counts, "never fired": ", ".join(row.never)}  # fmt: skip
