"""What clauses mean, how watches are chosen and explained, and the step itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

import msgspec
import pytest

from services.alerter.load import loads
from services.alerter.match import match
from services.alerter.match.article import Article
from services.alerter.match.check import article
from services.alerter.match.compile import Engine, anchors_of, build
from services.alerter.match.evaluate import Reading
from services.alerter.match.explain import Verdict, explain
from services.alerter.match.outcomes import MatchOutcome
from services.alerter.watch import Watch
from shared import events, ids
from shared.bus import Record
from shared.clock import SteppedClock
from shared.codec import Trace
from shared.events import ArticleExtracted, ArticleMatched, Clause
from shared.step import Outcome, Work
from shared.text.entities import loads as load_entities
from shared.text.gazetteer import Gazetteer

ENTITIES = load_entities(
    "entities:\n  - {id: kosovo, type: state, names: [Kosovo]}\n  - {id: albania, type: state, names: [Albanija]}\n"
    "  - {id: kurti, type: person, names: [Kurti], roles: [{title: premijer, of: kosovo}]}\n"
    "  - {id: other, type: person, names: [Marić], roles: [{title: ministar, of: kosovo}]}\n"
    "  - {id: croatia, type: state, names: [Hrvatska], adjectives: [hrvatsk~]}\n",
    "entities.yaml",
)
GAZETTEER = Gazetteer(ENTITIES)
NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
REQUIRE = "match: {require: [a]}"


def watch(concept: str, *, rest: str = REQUIRE, name: str = "w", languages: str = "[]") -> Watch:
    text = (
        f"schema: watch/1\nid: {name}\nlanguages: {languages}\n"
        f"concepts:\n  a: {concept}\n  z: {{weight: 0, any: [zzzz]}}\n{rest}\n"
    )
    return loads(text, "w.yaml", ENTITIES)


def decide(one: Watch, text: str, title: str = "", lead: str = "", language: str = "sr") -> Verdict:
    engine = build([one])
    extracted = msgspec.structs.replace(article(text, language, GAZETTEER, title=title), lead=lead)
    return explain(Reading(engine.watches[0], Article(extracted, engine)), whole=True)


@pytest.mark.parametrize(
    ("concept", "text", "matches"),
    [
        ("[savez~]", "O savezu se govori.", True),
        ("[savez~]", "Saveznici govore.", False),
        ("{all: [savez~, {entity: kosovo}]}", "Savez. I Kosovo.", True),
        ("{all: [savez~, {entity: kosovo}]}", "Savez. I Albanija.", False),
        ("{all: [savez~, {not: fudbal*}]}", "Savez.", True),
        ("{all: [savez~, {not: fudbal*}]}", "Fudbalski savez.", False),
        ("{at_least: 2, of: [{entity: kosovo}, {entity: albania}, {entity: croatia}]}", "Kosovo i Albanija", True),
        ("{at_least: 2, of: [{entity: kosovo}, {entity: albania}, {entity: croatia}]}", "Kosovo i Kosovo", False),
        ("{near: {within: 3, all: [[vojn~], [savez~]]}}", "vojni a i savez", True),
        ("{near: {within: 3, all: [[vojn~], [savez~]]}}", "vojni a i ili savez", False),
        ("{near: {within: 3, all: [[vojn~], [savez~]]}}", "savez, i to vojni", True),
        ("{near: {within: 3, ordered: true, all: [[vojn~], [savez~]]}}", "savez, i to vojni", False),
        ("{near: {within: 3, ordered: true, all: [[vojn~], [savez~]]}}", "savez vojni savez", True),
        ("{near: {within: 2, all: [[savez~], [savez~]]}}", "jedan savez", False),
        ("{near: {within: 2, all: [[savez~], [savez~]]}}", "savez i savez", True),
        ("{near: {within: sentence, all: [[savez~], [{entity: kosovo}]]}}", "Savez postoji. Kosovo ćuti.", False),
        ("{near: {within: sentence, all: [[savez~], [{entity: kosovo}]]}}", "Savez i Kosovo. Kraj.", True),
        ("{near: {within: paragraph, all: [[savez~], [{entity: kosovo}]]}}", "Savez postoji. Kosovo ćuti.", True),
        ("{pattern: 'S-[34]00'}", "Kupljen je sistem s-400.", True),
        ("{pattern: 'S-[34]00'}", "Kupljen je sistem S-500.", False),
        ("{near: {within: 3, all: [{pattern: 'F-\\d+'}, [avion~]]}}", "Avioni tipa F-16.", True),
        ("{near: {within: 3, all: [{pattern: 'F-\\d+'}, [avion~]]}}", "Avioni. A kasnije je došao i F-16.", False),
        ("{number: {from: 4000, to: 5000}}", "Stiže 4.500 vojnika", True),
        ("{number: {from: 4000, to: 5000}}", "Stiže 4 500 vojnika", True),
        ("{number: {from: 4000, to: 5000}}", "Stiže 4,5 vojnika", False),
        ("{number: {from: 4000}}", "Stiže 12,750.5 vojnika", True),
        ("{number: {to: 3}}", "Stiže 12.750,5 vojnika", False),
        ("{number: 1244}", "Rezolucija 1244.", True),
        ("{number: 1244}", "Rezolucija 12440.", False),
        ("{near: {within: 2, all: [{number: {from: 100}}, [vojnik~]]}}", "Šalje se 150 vojnika", True),
        ("{near: {within: paragraph, all: [[savez~], [{entity: kosovo}]]}}", "Savez postoji.\nKosovo ćuti.", False),
        ("{near: {within: sentence, at_least: 2, all: [[x1], [pakt~], [{entity: kosovo}]]}}", "Pakt i Kosovo.", True),
        ("[{entity: croatia, kinds: [adjective]}]", "Hrvatska", False),
        ("[{entity: croatia, kinds: [adjective]}]", "hrvatski", True),
        ("[{phrase: {en: [pact], sr: [savez~]}}]", "A pact, they say", False),
        ("[{phrase: {en: [pact], sr: [savez~]}}]", "Савезу", True),
    ],
)  # fmt: skip
def test_clauses(concept: str, text: str, matches: bool) -> None:
    assert decide(watch(concept), text).matched is matches


META = events.Source(id="rts", name="RTS", domain="www.rts.rs", country="RS")


@pytest.mark.parametrize(
    ("concept", "matches"),
    [
        ("{outlet: [rts]}", True),
        ("{outlet: [rts.rs]}", True),
        ("{outlet: [ts.rs]}", False),
        ("{country: [HR, RS]}", True),
        ("{country: HR}", False),
        ("{section: [politik*]}", True),
        ("{section: [svet]}", True),
        ("{section: [poli]}", False),
        ("{all: [savez~, {not: {country: RS}}]}", False),
        ("{any: [savez~], fields: [quote]}", False),
        ("{any: [pakt~], fields: [quote]}", True),
        ("{any: [pakt~], fields: [title]}", False),
        ("{any: [pakt~], fields: [title, quote]}", True),
        ("{role: {title: premijer, of: kosovo}}", True),
        ("{role: {title: premijer}}", True),
        ("{role: {title: ministar, of: kosovo}}", False),
        ("{any: [{role: {title: premijer, of: kosovo}}], fields: [quote]}", False),
    ],
)
def test_what_is_asked_beside_words(concept: str, matches: bool) -> None:
    text = "Savez, kaže Kurti: „Pakt je mrtav.“"
    at = text.index("„")
    quote = events.Quote(span=events.Span(field="text", start=at, end=len(text), surface=text[at:]), kind="direct")
    extracted = msgspec.structs.replace(
        article(text, "sr", GAZETTEER), source=META, section="Politika / Svet", quotes=(quote,)
    )
    engine = build([watch(concept)])
    assert Reading(engine.watches[0], Article(extracted, engine)).matched() is matches


def test_nothing_is_near_across_fields() -> None:
    near = watch("{near: {within: 3, all: [[vojn~], [savez~]]}}")
    assert not decide(near, "savez je tu", title="Novi vojni").matched


def test_interleaved_groups_are_near_when_their_tokens_differ() -> None:
    nested = "[{near: {within: sentence, all: [[{near: {within: 9, all: [[vojn~], [savez~]]}}], [pakt~]]}}]"
    assert decide(watch(nested), "vojni pakt i savez").matched
    assert not decide(watch(nested.replace("pakt~", "savez~")), "vojni savez").matched


def test_fields_scopes_and_scores() -> None:
    rest = (
        "match:\n  require: [a]\n  exclude: [{concept: z, scope: title}]\n"
        "  score: {threshold: 3, title_factor: 2, lead_factor: 1.5}"
    )
    scored = watch("{weight: 2, any: [savez~]}", rest=rest)
    verdicts = (
        decide(scored, "savez"),
        decide(scored, "ništa", lead="savez"),
        decide(scored, "savez", title="Savez"),
        decide(scored, "savez", title="Savez zzzz"),
        decide(scored, "savez zzzz", title="Savez"),
    )
    told = [(verdict.matched, verdict.score) for verdict in verdicts]
    assert told == [(False, 2), (True, 3), (True, 4), (False, 4), (True, 4)]


def test_languages() -> None:
    sr = watch("[savez~]", languages="[sr]")
    assert decide(sr, "savez", language="hr").matched
    assert not decide(sr, "savez", language="sl").matched
    assert decide(sr, "savez", language="").matched


def test_explanation_shows_every_clause_and_cuts_the_surface() -> None:
    near = watch("{weight: 3, any: [{near: {within: 3, all: [[vojn~], [савез~]]}}, pakt~]}")
    verdict = decide(near, "Реч је о „војном савезу“.", title="Њихов потез")
    assert [(hit.span.surface, hit.span.field, hit.span.start, hit.form) for hit in verdict.hits] == [
        ("војном", "text", 10, "+om word oblique hbs"),
        ("савезу", "text", 17, "+u word oblique hbs"),
    ]
    labels = {clause.label: clause.held for clause in flat(verdict.why)}
    assert labels["2 of 2 within 3 tokens"] is True
    assert labels["pakt~"] is False
    assert labels["score 3 of at least 0"] is True
    assert next(clause.hits for clause in flat(verdict.why) if clause.label == "2 of 2 within 3 tokens") == (0, 1)


def flat(clause: Clause) -> list[Clause]:
    return [clause, *(below for part in clause.parts for below in flat(part))]


def test_a_watch_stands_under_its_rarest_condition() -> None:
    engine = build([watch("{all: [{entity: kosovo}, trilateralnost]}")])
    assert anchors_of(engine.watches[0]) == frozenset({0})
    assert engine.terms[0].written == "trilateralnost"
    assert anchors_of(build([watch("{not: [x1]}")]).watches[0]) is None


# -- the step ------------------------------------------------------------------------------------------------------


async def run(engine: Engine, extracted: ArticleExtracted) -> Outcome:
    record = Record(topic="t", partition=0, offset=0, timestamp=0, key=b"", value=b"")
    handle = match.make(lambda: engine, SteppedClock(NOW))
    return await handle(Work(extracted, record, Trace("")))


async def test_an_article_gives_one_match_per_watch() -> None:
    engine = build([watch("[savez~]", name="b"), watch("[savez~]", name="a"), watch("[pakt~]", name="c")])
    extracted = article("O savezu.", "sr", GAZETTEER)
    outcome = await run(engine, extracted)
    assert outcome.label is MatchOutcome.MATCHED
    events = [event for event in outcome.outputs if isinstance(event, ArticleMatched)]
    assert [(one.watch_id, one.id, one.article, one.mode, one.ledger.matched) for one in events] == [
        (name, ids.match(name, extracted.id), extracted, extracted.mode, NOW) for name in ("a", "b")
    ]


@pytest.mark.parametrize(
    ("languages", "text", "outcome"),
    [("[sr]", "Kiša.", MatchOutcome.NOT_MATCHED), ("[mk]", "Savez.", MatchOutcome.LANGUAGE_NOT_WATCHED)],
)
async def test_the_other_outcomes(languages: str, text: str, outcome: MatchOutcome) -> None:
    engine = build([watch("[savez~]", languages=languages)])
    assert await run(engine, article(text, "sr", GAZETTEER)) == Outcome(outcome)


async def test_without_watches() -> None:
    assert (await run(build([]), article("Savez.", "sr", GAZETTEER))).label is MatchOutcome.NO_WATCHES


# -- edits ---------------------------------------------------------------------------------------------------------


async def test_a_watch_that_knows_the_article_hears_when_it_is_lost() -> None:
    engine = build([watch("[savez~]", name="a"), watch("[savez~]", name="b"), watch("[kiša~]", name="c")])
    asked: list[str] = []

    async def knowing(article_id: str, watches: Collection[str]) -> list[str]:
        asked.append(article_id)
        return ["gone", *(one for one in watches if one != "b")]

    handle = match.make(lambda: engine, SteppedClock(NOW), knowing)
    edited = msgspec.structs.replace(article("Kiša pada.", "sr", GAZETTEER), previous="the version before")
    record = Record(topic="t", partition=0, offset=0, timestamp=0, key=b"", value=b"")
    events_of = (await handle(Work(edited, record, Trace("")))).outputs
    found = [event for event in events_of if isinstance(event, ArticleMatched)]
    assert [(one.watch_id, one.held, one.hits != ()) for one in found] == [("c", True, True), ("a", False, False)]
    assert found[1].id == ids.match("a", edited.id)
    assert found[1].why is not None
    assert not found[1].why.held
    assert [(part.label, part.held) for part in found[1].why.parts][1] == ("concept a", False)
    assert asked == [edited.article_id]
    await handle(Work(article("Kiša pada.", "sr", GAZETTEER), record, Trace("")))
    assert len(asked) == 1
