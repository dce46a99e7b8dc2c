"""Reading watch files: what is accepted, and what a fault says."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest

from services.alerter.bundle import bundle
from services.alerter.load import load, loads
from services.alerter.watch import AnyOf, Near, Only, Status, Watch, Word
from shared.document import Faulty
from shared.events import AlertKind
from shared.text.entities import loads as load_entities

HEAD = "schema: watch/1\nid: w\n"
TAIL = "match: {require: [a]}\n"
ENTITIES = load_entities(
    "entities:\n  - {id: serbia, type: state, names: [Srbija]}\n  - {id: kosovo, type: state, names: [Kosovo]}\n"
    "  - {id: kurti, type: person, names: [Albin Kurti], roles: [{title: prime minister, of: kosovo}]}\n",
    "entities.yaml",
)


def faults(text: str) -> list[str]:
    with pytest.raises(Faulty) as caught:
        loads(text, "w.yaml", ENTITIES)
    return [str(fault) for fault in caught.value.faults]


def test_a_small_watch() -> None:
    watch = loads(
        HEAD + "title: T\nlanguages: [sr, hr, en]\nconcepts:\n  a: {any: [savez~]}\n" + TAIL, "w.yaml", ENTITIES
    )
    assert (watch.id, watch.title, watch.status, watch.languages) == ("w", "T", Status.ACTIVE, ("hbs", "en"))
    assert isinstance(watch.concepts["a"].clause, AnyOf)
    assert watch.score.threshold == 0


def test_every_kind_of_clause() -> None:
    text = (
        HEAD + "concepts:\n"
        "  a:\n    weight: 2\n    any:\n"
        "      - near: {within: 3, ordered: true, all: [[vojn~], [savez~, pakt~]]}\n"
        "      - {phrase: {en: [defence pact], sr: [vojni savez~]}}\n"
        "      - {all: [x1, {not: x2}], fields: [title]}\n"
        "      - {at_least: 2, of: [{entity: serbia}, {entity: [serbia, kosovo], kinds: [adjective]}, {concept: b}]}\n"
        "  b: [= NATO]\n" + TAIL
    )
    clause = loads(text, "w.yaml", ENTITIES).concepts["a"].clause
    assert isinstance(clause, AnyOf)
    near, phrase, only, _ = clause.parts
    assert isinstance(near, Near)
    assert (near.within, near.ordered, near.count) == (3, True, 2)
    assert isinstance(phrase, AnyOf)
    assert [part.languages for part in phrase.parts if isinstance(part, Only)] == [("en",), ("hbs",)]
    assert isinstance(only, Only)
    assert only.fields == ("title",)


@pytest.mark.parametrize(
    ("clause", "told"),
    [
        ("{pattern: 'a('}", "not RE2: missing ): a("),
        ("{pattern: '(a)\\1'}", "not RE2"),
        ("{pattern: 'a*'}", "this pattern matches the empty text"),
        ("{number: {from: 5, to: 2}}", "the smaller one first"),
        ("{number: many}", "number: write a number, not 'many'"),
        ("{country: [Serbia]}", "country: 'Serbia'; write two capitals, such as RS"),
        ("{role: {title: king, of: kosovo}}", "nobody in entities.yaml is 'king' of 'kosovo'; offices: prime minister"),
        ("{any: [x1], fields: [headline]}", "fields: 'headline'; write title, lead, text, quote"),
        ("{not: x1, fields: [title]}", "not has no place in the text: write fields inside it"),
        ("{near: {within: yes, all: [[x1], [x2]]}}", "within: True; write 1 to 50 tokens"),
        ("{near: {within: 3, ordered: 'on', all: [[x1], [x2]]}}", "ordered: 'on'; write true or false"),
        ("{at_least: [1], of: [x1]}", "at_least: [1]; write a number from 1 to 1"),
        ("{any: [x1], weight: .inf}", "weight: write a number, not inf"),
        ("{entity: []}", "entity: an empty list"),
        ("{entity: {a: b}}", "entity: write a list, [a, b], not key: value pairs"),
        ("{phrase: {}}", "phrase: write {en: [defence pact]}"),
        ("[" * 60 + "x1" + "]" * 60, "more than 40 levels of lists and maps"),
    ],
)
def test_a_clause_that_means_nothing_is_told(clause: str, told: str) -> None:
    (fault,) = faults(HEAD + f"concepts:\n  a: {clause}\n" + TAIL)
    assert fault.startswith("w.yaml:4:") and told in fault


def test_shared_concepts_are_included_and_kept_in_one_text(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "parties.yaml").write_text("schema: concepts/1\nconcepts:\n  party: [savez~]\n")
    path = tmp_path / "w.yaml"
    path.write_text(HEAD + "include: [shared/parties.yaml]\nconcepts: {a: {concept: party}}\n" + TAIL)
    assert set(load(path, ENTITIES).concepts) == {"party", "a"}
    assert loads(bundle(path), "elsewhere.yaml", {}) == replace_file(load(path, {}), "shared/parties.yaml")


def replace_file(watch: Watch, name: str) -> Watch:
    party = dataclasses.replace(watch.concepts["party"], file=name)
    return dataclasses.replace(watch, concepts={**watch.concepts, "party": party})


@pytest.mark.parametrize(
    ("include", "shared", "told"),
    [
        ("gone.yaml", "", "w.yaml:3:11: include 'gone.yaml' cannot be read: No such file or directory"),
        ("../up.yaml", "", "w.yaml:3:11: include '../up.yaml': write a path below the watch's folder"),
        ("s.yaml", "schema: concepts/1\nconcepts: {p: [a~b]}", "s.yaml:2:16: 'a~b': no class of endings 'b'"),
        ("s.yaml", "schema: concepts/1\nconcepts: {a: [b]}", "w.yaml:4:1: concept 'a' stands in"),
        ("s.yaml", "concepts: {p: [b]}", "s.yaml:1:1: write schema: concepts/1"),
    ],
)
def test_a_fault_of_an_include_names_the_file_it_stands_in(
    tmp_path: Path, include: str, shared: str, told: str
) -> None:
    (tmp_path / "s.yaml").write_text(shared)
    path = tmp_path / "w.yaml"
    path.write_text(HEAD + f"include: [{include}]\nconcepts: {{a: [x1]}}\n" + TAIL)
    with pytest.raises(Faulty) as caught:
        load(path, ENTITIES)
    assert told in str(caught.value)


def test_the_bounds_of_one_watch_hold_for_what_it_includes() -> None:
    shared = "schema: concepts/1\nconcepts: {" + ", ".join(f"c{at}: {{pattern: p{at}}}" for at in range(50)) + "}\n"
    text = HEAD + "include: [s.yaml]\nconcepts: {a: {pattern: x1}}\n" + TAIL + f"# ---- included: s.yaml ----\n{shared}"
    assert [one.split(": ", 1)[1] for one in faults(text)] == [
        "more than 50 patterns in one watch: terms are faster, use them"
    ]


@pytest.mark.parametrize(
    ("scope", "fields"), [("title", ("title",)), ("[quote, lead]", ("quote", "lead")), ("[title, article]", ())]
)
def test_the_scope_of_an_exclusion(scope: str, fields: tuple[str, ...]) -> None:
    text = HEAD + f"concepts: {{a: [x1]}}\nmatch: {{require: [a], exclude: [{{concept: a, scope: {scope}}}]}}\n"
    (excluded,) = loads(text, "w.yaml", ENTITIES).exclude
    assert (excluded.fields if isinstance(excluded, Only) else ()) == fields


def test_alerts_and_examples() -> None:
    text = (
        HEAD + "concepts: {a: [x1]}\n" + TAIL + "alerts:\n"
        "  - {kind: first_seen, id: new, history: 90d, sources: 2, severity: notice}\n"
        "  - {kind: reaction, actor: {side: serbia}, topic: {concept: a}}\n"
        "tests: {match: {sr: [Prvi, {title: T, text: Drugi}]}, no_match: {en: [Third]}}\n"
    )
    watch = loads(text, "w.yaml", ENTITIES)
    rule = watch.wanted(AlertKind.FIRST_SEEN)[0]
    assert rule.duration("history", timedelta()) == timedelta(days=90)
    assert watch.wanted(AlertKind.REACTION)[0].id == "reaction"
    assert [(one.language, one.text, one.title, one.matches, one.line) for one in watch.examples] == [
        ("sr", "Prvi", "", True, 8),
        ("sr", "Drugi", "T", True, 8),
        ("en", "Third", "", False, 8),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "schema: watch/9\nid: w\nconcepts: {a: [x1]}\n" + TAIL,
            "w.yaml:1:9: write schema: watch/1",
        ),
        (
            "schema: watch/1\nid: W W\nconcepts: {a: [x1]}\n" + TAIL,
            "w.yaml:2:5: id: 'W W'; write small letters",
        ),
        (
            HEAD + "concepts: {a: [x1]}\nmach: 1\n" + TAIL,
            "w.yaml:4:1: unknown key 'mach': did you mean 'match'?",
        ),
        (
            HEAD + "concepts: {a: [x1]}\nmatch: {require: [b]}\n",
            "w.yaml:4:19: no concept 'b' in this watch; there is a",
        ),
        (
            HEAD + "concepts: {a: [x1]}\nmatch: {require: []}\n",
            "w.yaml:4:8: a watch needs match: {require: [some concept]}",
        ),
        (
            HEAD + "concepts: {a: [{entity: nobody}]}\n" + TAIL,
            "w.yaml:3:25: no entity has the id 'nobody'",
        ),
        (
            HEAD + "concepts: {a: [ab*]}\n" + TAIL,
            "w.yaml:3:16: 'ab*': an open prefix needs at least 3 letters",
        ),
        (
            HEAD + "concepts: {a: [x~nope]}\n" + TAIL,
            "w.yaml:3:16: 'x~nope': no class of endings 'nope'; write one of",
        ),
        (
            HEAD + "concepts: {a: {near: {within: 99, all: [[x1], [x2]]}}}\n" + TAIL,
            "w.yaml:3:31: within: 99; write 1 to 50",
        ),
        (
            HEAD + "concepts: {a: {near: {within: 3, all: [[x1]]}}}\n" + TAIL,
            "w.yaml:3:39: near needs at least two groups",
        ),
        (
            HEAD + "concepts: {a: {any: [x1], all: [x2]}}\n" + TAIL,
            "w.yaml:3:15: concept a: write one of any, all",
        ),
        (
            HEAD + "concepts: {a: {at_least: 3, of: [x1, x2]}}\n" + TAIL,
            "w.yaml:3:26: at_least: 3; write a number from 1 to 2",
        ),
        (
            HEAD + "concepts: {a: [{concept: b}], b: [{concept: a}]}\n" + TAIL,
            "w.yaml:3:1: concept 'a' refers to itself",
        ),
        (
            HEAD + "concepts: {a: [x1]}\nlanguages: [xx]\n" + TAIL,
            "w.yaml:4:12: no language 'xx'; write one of",
        ),
        (
            HEAD + "concepts: {a: [x1]}\nalerts: [{kind: bang}]\n" + TAIL,
            "w.yaml:4:17: kind: 'bang'; write one of match",
        ),
        (
            HEAD + "concepts: {a: [x1]}\nalerts: [{kind: match, p: 1}]\n" + TAIL,
            "w.yaml:4:24: unknown key 'p'",
        ),
        (
            HEAD + "concepts: {a: [x1]}\nalerts: [{kind: term_shift, terms: [alliance, a, nowhere]}]\n" + TAIL,
            "w.yaml:4:50: no concept 'nowhere' in this watch",
        ),
        (
            HEAD + "concepts: {a: []}\n" + TAIL,
            "w.yaml:3:15: concept a: an empty list",
        ),
    ],
)
def test_faults_say_where_and_what_instead(text: str, told: str) -> None:
    found = faults(text)
    assert any(one.startswith(told) for one in found), found


def test_all_faults_are_told_at_once_in_order() -> None:
    found = faults("schema: nope\nid: w\nconcepts:\n  a: [ab*]\n  b: [{entity: nobody}]\n" + TAIL)
    assert [one.split(":")[1] for one in found] == ["1", "4", "5"]


def test_words_of_a_term_list_are_words() -> None:
    watch = loads(HEAD + "concepts: {a: [1244, vojni savez~]}\n" + TAIL, "w.yaml", ENTITIES)
    clause = watch.concepts["a"].clause
    assert isinstance(clause, AnyOf)
    assert [part.term.written for part in clause.parts if isinstance(part, Word)] == ["1244", "vojni savez~"]
