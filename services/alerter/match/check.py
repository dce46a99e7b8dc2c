"""A watch file checked whole: form, its examples by the code of production, and advice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from services.alerter.load import load
from services.alerter.match.advise import advice
from services.alerter.match.article import Article
from services.alerter.match.compile import Engine, build
from services.alerter.match.evaluate import Reading
from services.alerter.match.explain import Verdict, explain
from services.alerter.watch import Example, Status, Watch
from shared import events, ids
from shared.document import Fault
from shared.text.gazetteer import Found, Gazetteer
from shared.text.languages import macro

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
    return Report(tuple(wrong), tuple(advice(path, watch)), len(watch.examples), len(watch.examples) - len(wrong))


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
