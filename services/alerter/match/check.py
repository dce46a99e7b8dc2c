"""Checks of a watch that need more than its file: examples, concepts nobody uses, terms that cannot do their work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from services.alerter.load import load
from services.alerter.match.article import Article
from services.alerter.match.compile import Engine, build, used_concepts
from services.alerter.match.evaluate import Reading
from services.alerter.match.explain import Verdict, explain
from services.alerter.watch import Clause, Example, Status, Watch, Word, inside
from shared import events, ids
from shared.document import Fault
from shared.text.fold import Folded, fold_text
from shared.text.gazetteer import Found, Gazetteer
from shared.text.languages import languages, macro
from shared.text.lexicon import Lexicon
from shared.text.terms import Kind, Term

SHORTEST_PREFIX = 5
"""Letters below which an open prefix takes in too much (Meltwater's advice is at most 9 before a wildcard)."""
TOO_MANY = 25
"""Words of one language's bundled vocabulary (400 to 500 frequent ones) that a term may hit."""
_MOMENT = datetime(2025, 3, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found: faults fail it, advice does not."""

    faults: tuple[Fault, ...]
    advice: tuple[Fault, ...]
    examples: int = 0
    right: int = 0


def article(text: str, language: str, gazetteer: Gazetteer, *, title: str = "") -> events.ArticleExtracted:
    """A text as the extractor would hand it over."""
    identity = ids.of("example", title, text)
    found = gazetteer.find("\n".join((title, "", text)), language)
    return events.ArticleExtracted(
        id=identity, observed=_MOMENT, article_id=identity, url="", canonical_url="",
        source=events.Source(id="example", name="example"), title=title, text=text,
        language=events.Language(macro=macro(language), variety=language),
        entities=tuple(_mention(one, len(title)) for one in found),
    )  # fmt: skip


def _mention(found: Found, title: int) -> events.Mention:
    field, base = ("title", 0) if found.start < title else ("text", title + 2)
    span = events.Span(field=field, start=found.start - base, end=found.end - base, surface=found.surface)
    return events.Mention(
        entity_id=found.entity.id, name=found.entity.label, kind=found.kind, span=span, side=found.entity.side,
        role=found.role, subject=found.subject, why=found.why,
    )  # fmt: skip


def decide(watch: Watch, extracted: events.ArticleExtracted, *, whole: bool = False) -> Verdict:
    """What a watch says of an article, explained, by the same code as in production."""
    engine = build([_active(watch)])
    return explain(Reading(engine.watches[0], Article(extracted, engine)), whole=whole)


def _active(watch: Watch) -> Watch:
    return replace(watch, status=Status.ACTIVE)


def check(path: Path, gazetteer: Gazetteer) -> Report:
    """Check a file whole. Raises Faulty when it cannot be read as a watch at all."""
    watch = load(path, gazetteer.entities)
    engine = build([_active(watch)])
    wrong = [fault for one in watch.examples if (fault := _example(str(path), one, engine, gazetteer)) is not None]
    advice = [*_unused(path, watch), *_terms(path, watch), *_coverage(path, watch)]
    return Report(tuple(wrong), tuple(advice), len(watch.examples), len(watch.examples) - len(wrong))


def _example(file: str, one: Example, engine: Engine, gazetteer: Gazetteer) -> Fault | None:
    extracted = article(one.text, one.language, gazetteer, title=one.title)
    ready = Article(extracted, engine)
    reading = Reading(engine.watches[0], ready)
    reachable = bool(engine.candidates(ready.anchors()))
    matched = reading.matched() and reachable
    if matched == one.matches:
        return None
    if matched:
        surfaces = ", ".join(sorted({hit.span.surface for hit in explain(reading).hits}))
        return Fault(file, one.line, one.column, f"must not match, but does, by {surfaces}: add an exclude")
    return Fault(file, one.line, one.column, f"must match, but does not: {_missing(explain(reading).why)}")


def _missing(why: events.Clause) -> str:
    return "; ".join(part.label for part in why.parts if not part.held) or "not among the candidates"


def _unused(path: Path, watch: Watch) -> Iterator[Fault]:
    used = used_concepts(watch)
    for name, concept in watch.concepts.items():
        if name not in used and concept.weight == 0:
            yield Fault(str(path), concept.line, 1, f"concept {name!r} is used nowhere: remove it or give it a weight")


def _terms(path: Path, watch: Watch) -> Iterator[Fault]:
    for name, concept in watch.concepts.items():
        for term in _written(concept.clause):
            for message in _advice(term):
                yield Fault(str(path), concept.line, 1, f"concept {name!r}, term {term.written!r}: {message}")


def _written(clause: Clause) -> Iterator[Term]:
    if isinstance(clause, Word):
        yield clause.term
    for part in inside(clause):
        yield from _written(part)


def _advice(term: Term) -> Iterator[str]:
    last = term.parts[-1]
    if last.kind is Kind.PREFIX and len(last.stem) < SHORTEST_PREFIX and len(term.parts) == 1:
        yield f"an open prefix of {len(last.stem)} letters takes in too much: write ~ or at least {SHORTEST_PREFIX}"
    if term.exact and fold_text(term.exact) == term.exact and term.exact.isalpha():
        yield "= asks for exact characters, but there is no capital or diacritic in it: leave = out"
    if len(term.parts) == 1:
        lexicon = Lexicon.build([(0, term)])
        for one in languages().values():
            hit = _hits(lexicon, one.code, tuple(one.background))
            if len(hit) > TOO_MANY:
                yield f"hits {len(hit)} frequent words of {one.name} ({', '.join(hit[:3])}, …): write more letters"


def _hits(lexicon: Lexicon[int], code: str, vocabulary: tuple[str, ...]) -> list[str]:
    return [hit.surface for hit in lexicon.find(Folded("\n".join(vocabulary)), code)]


def _coverage(path: Path, watch: Watch) -> Iterator[Fault]:
    for matches, name in ((True, "match"), (False, "no_match")):
        count = sum(1 for one in watch.examples if one.matches is matches)
        if count == 0:
            yield Fault(str(path), 1, 1, f"tests: {name}: no examples; write some for every language")
        covered = {macro(one.language) for one in watch.examples if one.matches is matches}
        missing = [code for code in watch.languages if code not in covered]
        if count and missing:
            yield Fault(str(path), 1, 1, f"tests: {name}: no example in {', '.join(missing)}")
