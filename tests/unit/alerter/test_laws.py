"""What holds for every watch and every article: the laws of matching, on watches and articles made up by hypothesis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.match.article import Article
from services.alerter.match.check import article
from services.alerter.match.compile import Engine, build
from services.alerter.match.evaluate import Reading
from services.alerter.match.explain import Verdict, explain
from services.alerter.match.match import read
from services.alerter.watch import Watch
from shared.events import ArticleExtracted, Clause, Quote, Source, Span
from tests.unit.alerter.test_matching import GAZETTEER, watch

TERMS = (
    "savez~", "pakt~", "vojn~", "1244", "trojni pakt~", "odbran*", "= NATO",
    "{entity: kosovo}", "{entity: [albania, croatia], kinds: [adjective]}", "{role: {title: premijer, of: kosovo}}",
    "{pattern: '[sс]-?[34]00'}", "{number: {from: 1000, to: 5000}}", "{number: 3}",
    "{outlet: [rts.rs]}", "{country: [RS]}", "{section: [politik*]}", "{phrase: {sr: [pakt~], en: [pact]}}",
)  # fmt: skip
FOLDED = tuple(one for one in TERMS if "=" not in one and "pattern" not in one)
WORDS = (
    "savezu", "пакт", "vojni", "trojni", "1244", "4.500", "S-400", "С300", "Kosovo", "Albanija", "hrvatski", "Kurti",
    "одбрамбени", "NATO", "nato", "kuća", "љубав", "i", ".", "\n", "„", "“", "\u00ad", "🙂",
)  # fmt: skip
WITHIN = ("2", "5", "sentence", "paragraph", "field")
PLACED = ("title", "lead", "text", "quote")


def _several(inner: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[str]:
    return st.lists(inner, min_size=least, max_size=3).map(", ".join)


def _composed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    order = st.sampled_from(("", "ordered: true, "))
    return st.one_of(
        _several(inner).map("{{any: [{}]}}".format),
        _several(inner).map("{{all: [{}]}}".format),
        inner.map("{{not: {}}}".format),
        _several(inner, 2).map("{{at_least: 2, of: [{}]}}".format),
        st.tuples(st.sampled_from(WITHIN), order, inner, inner).map(
            lambda one: "{{near: {{within: {}, {}all: [[{}], [{}]]}}}}".format(*one)
        ),
        st.tuples(_several(inner), st.sampled_from(PLACED)).map(lambda one: "{{any: [{}], fields: [{}]}}".format(*one)),
        _several(inner).map("{{all: [{}], lang: [sr]}}".format),
    )


def clauses(terms: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.recursive(st.sampled_from(terms), _composed, max_leaves=6)


words = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


# Many words by one draw: hypothesis likes short lists, in which hardly anything is found that a watch asks for.
dense = st.integers(0, 1 << 32).map(lambda seed: " ".join(Random(seed).choices(WORDS, k=25)))


@st.composite
def articles(draw: st.DrawFn) -> ArticleExtracted:
    """An article with everything a clause may ask for: fields, a quotation, an outlet, a section, a language."""
    title, lead, text = draw(words), draw(words), draw(words | dense)
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, len(text)))
    quoted = Span(field="text", start=start, end=end, surface=text[start:end])
    return msgspec.structs.replace(
        article(text, draw(st.sampled_from(("sr", "hr", "en", ""))), GAZETTEER, title=title),
        lead=lead,
        quotes=(Quote(span=quoted, kind="direct"),) if end > start else (),
        source=draw(st.sampled_from((Source(id="rts", name="RTS", domain="www.rts.rs", country="RS"), OTHER))),
        section=draw(st.sampled_from(("", "Politika", "Sport"))),
    )


OTHER = Source(id="x", name="X", domain="x.test", country="HR")


@st.composite
def watches(draw: st.DrawFn, name: str = "w", terms: tuple[str, ...] = TERMS) -> Watch:
    """A watch of two concepts, some with an exclusion and a score to reach."""
    first, second = draw(clauses(terms)), draw(clauses(terms))
    concepts = f"{{weight: 2, any: [{first}]}}\n  b: {{weight: 1, any: [{second}]}}"
    require = draw(st.sampled_from(("[a]", "[{any_of: [a, b]}]", "[{concept: a}, b]")))
    exclude = draw(
        st.sampled_from(("", ", exclude: [{any: [nato], scope: title}]", ", exclude: [{all: [savez~, nato]}]"))
    )
    score = draw(st.sampled_from(("", ", score: {threshold: 3, title_factor: 2, lead_factor: 1.5}")))
    languages = draw(st.sampled_from(("[]", "[sr]")))
    return watch(concepts, rest=f"match: {{require: {require}{exclude}{score}}}", name=name, languages=languages)


several = st.integers(1, 3).flatmap(lambda count: st.tuples(*(watches(f"w{at}") for at in range(count))))


def reading(engine: Engine, name: str, extracted: ArticleExtracted) -> Reading:
    (one,) = [other for other in engine.watches if other.id == name]
    return Reading(one, Article(extracted, engine))


@given(several, articles())
def test_other_watches_change_nothing_and_the_index_loses_no_match(
    given_: tuple[Watch, ...], extracted: ArticleExtracted
) -> None:
    """The engine of all, with its candidates, finds what every watch finds alone when it is evaluated without index."""
    together = build(given_)
    alone = {one.id: explain(reading(build([one]), one.id, extracted)) for one in given_}
    found = {one.watch.id: explain(one) for one in read(extracted, together) if one.matched()}
    assert set(found) == {name for name, verdict in alone.items() if verdict.matched}
    for name, verdict in found.items():
        assert told(verdict) == told(alone[name])


def told(verdict: Verdict) -> tuple[object, ...]:
    """A verdict without the numbers that terms have in an engine."""
    return verdict.matched, verdict.score, verdict.concepts, verdict.hits, verdict.why


@given(several, several, st.lists(st.booleans(), min_size=8, max_size=8), articles())
def test_an_engine_grown_from_another_is_as_good_as_a_new_one(
    first: tuple[Watch, ...], second: tuple[Watch, ...], kept: list[bool], extracted: ArticleExtracted
) -> None:
    stay = [one for one, is_kept in zip(first, kept, strict=False) if is_kept]
    wanted = [*stay, *(replace(one, id=f"new-{one.id}") for one in second)]
    grown = build(wanted, build(first))
    assert matched(grown, extracted) == matched(build(wanted), extracted)
    assert matched(build(wanted, grown), extracted) == matched(grown, extracted)


def matched(engine: Engine, extracted: ArticleExtracted) -> dict[str, tuple[object, ...]]:
    """What the index and the conditions of an engine find, without its numbers."""
    return {one.watch.id: told(explain(one)) for one in read(extracted, engine) if one.matched()}


@given(watches(), articles())
def test_explanation_and_engine_never_disagree(one: Watch, extracted: ArticleExtracted) -> None:
    """Every clause of the tree says what those below it make of it, up to the decision itself; and every hit is cut
    exactly from the article."""
    engine = build([one])
    matched = reading(engine, "w", extracted).matched()
    for whole in (True, False):
        verdict = explain(reading(engine, "w", extracted), whole=whole)
        assert verdict.matched == verdict.why.held == matched == all(part.held for part in verdict.why.parts)
        assert sorted(verdict.hits, key=place) == list(verdict.hits)
        for hit in verdict.hits:
            field = getattr(extracted, hit.span.field)
            assert field[hit.span.start : hit.span.end] == hit.span.surface != ""
        for clause in flat(verdict.why):
            assert all(0 <= hit < len(verdict.hits) for hit in clause.hits)
            assert not clause.hits or clause.held
            if whole and clause.parts:
                assert is_consistent(clause), clause


def place(hit: object) -> tuple[int, int, int]:
    span = hit.span  # type: ignore[attr-defined]
    return ("title", "lead", "text").index(span.field), span.start, span.end


def flat(clause: Clause) -> Iterator[Clause]:
    yield clause
    for part in clause.parts:
        yield from flat(part)


def is_consistent(clause: Clause) -> bool:
    """Whether a clause of a whole tree follows from its parts; what asks for places may still not hold."""
    kind, held = clause.label.split()[0], [part.held for part in clause.parts]
    if clause.label.startswith("any of"):
        return clause.held == any(held)
    if clause.label.startswith(("all of", "concept", "watch")):
        return clause.held == all(held)
    if clause.label == "not" or clause.label.startswith("none of"):
        return clause.held != held[0]
    if clause.label.startswith("at least"):
        return clause.held == (sum(held) >= int(clause.label.split()[2]))
    if clause.label.startswith("score"):
        return True
    return not clause.held or sum(held) >= (int(kind) if kind.isdigit() else 1)  # near, only in


CYRILLIC = dict(zip("абвгдђежзијклљмнњопрстћуфхцчџш", [
    "a", "b", "v", "g", "d", "đ", "e", "ž", "z", "i", "j", "k", "l", "lj", "m", "n", "nj", "o", "p", "r", "s", "t",
    "ć", "u", "f", "h", "c", "č", "dž", "š",
], strict=True))  # fmt: skip
SERBIAN = (
    "савезу", "Савез", "пакт", "војни", "тројни", "1244", "4.500", "С-400", "Косово", "Албанија", "хрватски", "Курти",
    "одбрамбени", "НАТО", "кућа", "Љубав", "џеп", ".", "\n", "„", "“",
)  # fmt: skip
letters = st.text(alphabet="".join(CYRILLIC) + "".join(CYRILLIC).upper() + " .", max_size=20)
serbian = st.integers(0, 1 << 32).map(lambda seed: " ".join(Random(seed).choices(SERBIAN, k=20)))


LATIN = str.maketrans(CYRILLIC | {one.upper(): other.capitalize() for one, other in CYRILLIC.items()})


def latin(text: str) -> str:
    return text.translate(LATIN)


@given(watches(terms=FOLDED), serbian, letters)
def test_serbian_matches_the_same_in_both_scripts(one: Watch, text: str, title: str) -> None:
    """Whether, by which terms in which forms, and with what score. (`= NATO` and patterns ask for characters.)"""
    engine = build([one])
    first, second = (
        explain(reading(engine, "w", article(written(text), "sr", GAZETTEER, title=written(title))))
        for written in (str, latin)
    )
    assert (first.matched, first.score, first.concepts) == (second.matched, second.score, second.concepts)
    assert [shown(hit) for hit in first.hits] == [shown(hit) for hit in second.hits]


def shown(hit: object) -> tuple[object, ...]:
    return hit.concept, hit.term, hit.span.field, hit.form, latin(hit.span.surface)  # type: ignore[attr-defined]
