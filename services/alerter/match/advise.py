"""Advice on a watch that is well formed: what can never match, what takes in too much, what nobody uses.

Advice does not fail a check unless asked to (`--strict`): a term may look odd and be right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from services.alerter.match.compile import used_concepts
from services.alerter.watch import About, AnyOf, Clause, Near, Not, Only, Watch, Weighed, Word, inside
from shared.document import Fault
from shared.text.fold import Folded, fold_text
from shared.text.languages import languages, macro
from shared.text.lexicon import Lexicon
from shared.text.terms import Kind, Term

SHORTEST_PREFIX = 5
"""Letters below which an open prefix takes in too much (Meltwater's advice is at most 9 before a wildcard)."""
TOO_MANY = 25
"""Words of one language's bundled vocabulary (400 to 500 frequent ones) that a term may hit."""


def advice(path: Path, watch: Watch) -> Iterator[Fault]:
    """Everything worth saying, with its place."""
    file = str(path)
    for name, message in _unused(watch):
        yield Fault(watch.concepts[name].file or file, watch.concepts[name].line, 1, message)
    hits = _vocabulary_hits(tuple(word.term for word, _ in _all_words(watch)))
    for word, concept in _all_words(watch):
        for message in _of_term(word.term, hits):
            line, column = word.place if word.place[0] else (concept.line, 1)
            said = f"concept {concept.name!r}, term {word.term.written!r}: {message}"
            yield Fault(concept.file or file, line, column, said)
    for concept in watch.concepts.values():
        for message in dict.fromkeys(_never(concept.clause, watch)):
            yield Fault(concept.file or file, concept.line, 1, f"concept {concept.name!r}: {message}")
    yield from (Fault(file, 1, 1, message) for message in _coverage(watch))


def _unused(watch: Watch) -> Iterator[tuple[str, str]]:
    used = used_concepts(watch)
    for name, concept in watch.concepts.items():
        if name not in used and concept.weight == 0 and not concept.file:
            yield name, f"concept {name!r} is used nowhere: remove it or give it a weight"


def _all_words(watch: Watch) -> Iterator[tuple[Word, Weighed]]:
    for concept in watch.concepts.values():
        for word in _words(concept.clause):
            yield word, concept


def _words(clause: Clause) -> Iterator[Word]:
    if isinstance(clause, Word):
        yield clause
    for part in inside(clause):
        yield from _words(part)


def _of_term(term: Term, hits: Mapping[Term, Mapping[str, list[str]]]) -> Iterator[str]:
    last = term.parts[-1]
    if last.kind is Kind.PREFIX and len(last.stem) < SHORTEST_PREFIX and len(term.parts) == 1:
        yield f"an open prefix of {len(last.stem)} letters takes in too much: write ~ or at least {SHORTEST_PREFIX}"
    if term.exact and fold_text(term.exact) == term.exact and term.exact.isalpha():
        yield "= asks for exact characters, but there is no capital or diacritic in it: leave = out"
    for language, words in hits.get(term, {}).items():
        if len(words) > TOO_MANY:
            yield f"hits {len(words)} frequent words of {language} ({', '.join(words[:3])}, …): write more letters"


@cache
def _vocabularies() -> Mapping[str, tuple[str, Folded]]:
    """Name and frequent words of every language, one a line."""
    return {one.code: (one.name, Folded("\n".join(one.background))) for one in languages().values()}


def _vocabulary_hits(terms: tuple[Term, ...]) -> dict[Term, dict[str, list[str]]]:
    """The frequent words that each term of one word hits, by the name of their language."""
    lexicon = Lexicon.build((term, term) for term in terms if len(term.parts) == 1)
    found: dict[Term, dict[str, list[str]]] = {}
    for code, (name, words) in _vocabularies().items():
        for hit in lexicon.find(words, code):
            found.setdefault(hit.key, {}).setdefault(name, []).append(hit.surface)
    return found


def _never(clause: Clause, watch: Watch) -> Iterator[str]:
    """Why parts of a clause can never hold in this watch."""
    if isinstance(clause, Only) and clause.languages and watch.languages:
        unread = [code for code in clause.languages if code not in watch.languages]
        if len(unread) == len(clause.languages):
            yield f"asks for {', '.join(unread)}, which the watch does not read: add it to languages"
    if isinstance(clause, Near) and any(_is_placeless(group) for group in clause.groups):
        yield "near needs places in the text, and outlet, country, section and not have none: put them beside it in all"
    if isinstance(clause, AnyOf):
        counts = Counter(part.term for part in clause.parts if isinstance(part, Word))
        yield from (
            f"term {term.written!r} stands twice in one list: remove one" for term, n in counts.items() if n > 1
        )
    for part in inside(clause):
        yield from _never(part, watch)


def _is_placeless(clause: Clause) -> bool:
    return isinstance(clause, About | Not) or (bool(inside(clause)) and all(map(_is_placeless, inside(clause))))


def _coverage(watch: Watch) -> Iterator[str]:
    for matches, name in ((True, "match"), (False, "no_match")):
        mine = [one for one in watch.examples if one.matches is matches]
        covered = {macro(one.language) for one in mine}
        missing = [code for code in watch.languages if code not in covered]
        if not mine:
            yield f"tests: {name}: no examples; write some for every language"
        elif missing:
            yield f"tests: {name}: no example in {', '.join(missing)}"
