"""What editors are told about a watch: figures, forms and suggestions, on examples small enough to count by hand."""

from __future__ import annotations

import pytest

from services.alerter.load import loads
from services.alerter.watch import Watch
from services.operate.watches import forms
from services.operate.watches.forms import forms_of, table
from services.operate.watches.measure import Counts, counted, groups, totals
from services.operate.watches.rehearse import Row
from services.operate.watches.suggest import Reason, suggest
from services.operate.watches.texts import Text
from shared.text.inflect import inflections
from shared.text.terms import parse
from tests.fakes.small import small


def watch(concept: str, languages: str = "[sr]") -> Watch:
    text = f"schema: watch/1\nid: w\nlanguages: {languages}\nconcepts: {{a: {concept}}}\nmatch: {{require: [a]}}\n"
    return loads(text, "w.yaml", {})


def test_counts() -> None:
    counts = counted([(True, True), (True, False), (False, True), (False, False), (True, True)])
    assert counts == Counts(texts=5, wanted=3, right=2, false=1)
    assert (counts.precision, counts.recall) == (0.6667, 0.6667)
    assert (Counts().precision, Counts().recall) == (None, None)


def text(name: str, language: str, script: str = "", **labels: object) -> Text:
    return Text(name, "", "x", language, labels={"script": script, **labels})


TEXTS = [
    text(
        "1",
        "sr",
        "Latin",
        about_alliance=True,
        serbian_reaction=True,
        reaction_actors=["A", "B"],
        near_group="n",
        dup_group="d",
    ),
    text("2", "sr", "Cyrillic", about=True, reaction=True, reaction_actors=["A"], near_group="n", dup_group="d"),
    text("3", "en", about=False, dup_group="d"),
    text("4", "en", about=True),
]
ROWS = [
    Row("1", True, True, ("B",), "1", "s"), Row("2", True, True, ("C",), "1", "s"),
    Row("3", True, True, ("C",), "3", "t"), Row("4", False),
]  # fmt: skip


def test_figures_of_a_set() -> None:
    assert totals(TEXTS, ROWS) == {
        "texts": 4, "about": 3, "matched": 3, "precision": 0.6667, "recall": 0.6667,
        "reactions": 2, "reaction_precision": 0.6667, "reaction_recall": 1.0, "actor_right": 0.5,
        "near_duplicate_pairs": 1, "near_duplicate_precision": 1.0, "near_duplicate_recall": 1.0,
        "topic_pairs": 3, "topic_precision": 1.0, "topic_recall": 0.3333,
    }  # fmt: skip
    assert groups(TEXTS, ROWS) == {
        "en": Counts(2, 1, 0, 1), "sr Cyrillic": Counts(1, 1, 1, 0), "sr Latin": Counts(1, 1, 1, 0),
        "all": Counts(4, 3, 2, 1),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("term", "language", "held", "missing"),
    [
        ("savez~", "hbs", {"savez", "savezu", "savezima"}, {"saveznik", "saveze*"}),
        ("odluka~noun_a", "hbs", {"odluka", "odluci", "odluku"}, {"odlucu"}),
        ("vojni pakt~", "hbs", {"vojni pakt", "vojni paktovi"}, {"vojnom paktu"}),
        ("savez", "hbs", {"savez"}, {"savezu"}),
        ("S-400", "en", {"s 400"}, {"s-400"}),
        ("provokacij*", "sl", {"provokacij*"}, {"provokacija"}),
    ],
)
def test_forms_of_a_term(term: str, language: str, held: set[str], missing: set[str]) -> None:
    found = forms_of(parse(term), language, inflections())
    assert found >= held and not found & missing


def test_the_table_has_a_row_for_every_term_and_language() -> None:
    one = watch("[savez, {any: [pakt*], lang: en}]", languages="[sr, en]")
    rows = table(one, {("savez", "hbs", "savez"): 2, ("pakt*", "en", "pakts"): 1})
    assert [(row.term, row.language, dict(row.fired), row.never) for row in rows] == [
        ("savez", "hbs", {"savez": 2}, ()),
        ("savez", "en", {}, ("savez",)),
        ("pakt*", "en", {"pakts": 1}, ()),
    ]


def test_hits_are_counted_by_their_words() -> None:
    counts: dict[tuple[str, str, str], int] = {}
    for title in ("Savez, SAVEZ", "Савез"):
        forms.count(small(title), counts)
    assert counts == {("savez", "hbs", "savez"): 2}  # the small article's hits are those in the alphabet asked for


def test_a_suggestion_stands_near_hits_in_two_texts_and_is_rarer_elsewhere() -> None:
    right = [
        small("Savez i trilaterala", "Saveznici su tu.", source="a"),
        small("Savez: trilaterala", "Saveznici opet.", source="b"),
        small("Savez", "Samo jednom: jednokratno.", source="c"),
    ]
    found = {one.word: one for one in suggest(watch("[savez~]"), right)}
    assert (found["trilaterala"].reason, found["trilaterala"].documents, found["trilaterala"].of) == (
        Reason.TERM,
        2,
        "",
    )
    assert "jednokratno" not in found and "savez" not in found
    assert found["trilaterala"].score > 0
    assert suggest(watch("[savez~]"), []) == []


def test_what_only_the_wrong_ones_have_is_to_be_excluded() -> None:
    right = [small("Savez i kultura", source="a"), small("Savez i kultura", source="b")]
    wrong = [small("Savez pisaca, kultura", source=name) for name in "cd"] + [small("Savez za vodu", source="e")]
    found = [one for one in suggest(watch("[savez~]"), right, wrong) if one.reason is Reason.EXCLUDE]
    assert [(one.word, one.surface, one.documents, one.score) for one in found] == [("pisaca", "pisaca", 2, 0.667)]
    assert len(suggest(watch("[savez~]"), right, wrong, most=0)) == 0


def test_a_form_says_of_which_stem() -> None:
    right = [small(f"Pakt saveznom {name}", topic="pakt", source=name) for name in "ab"]
    (one,) = [one for one in suggest(watch("[savezni*, pakt]"), right) if one.reason is Reason.FORM]
    assert (one.word, one.of) == ("saveznom", "savezni")
