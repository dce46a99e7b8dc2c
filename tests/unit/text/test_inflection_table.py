"""The figures of the table of inflected forms hold, and the sounds that change before an ending are right."""

from __future__ import annotations

import pytest

from shared.text.inflect import guess
from shared.text.terms import parse, spellings
from tests.bench.inflection import SECOND, concepts, evaluate

RECALL, LOWEST, LOOKALIKES = 0.98, 0.97, 0.005
"""What the table reaches with a little room; the goals are 0.95, 0.92 and 0.01."""


def test_forms_are_found_and_lookalikes_are_not() -> None:
    outcome = evaluate()
    figures = outcome.figures()
    told = f"missed: {[str(row) for row in outcome.missed]}, hit: {[str(row) for row in outcome.hit]}"
    recalls = {name: float(value) for name, value in figures.items() if name.startswith("recall_")}
    assert set(recalls) == {f"recall_{code}" for code in ("en", "sq", "hbs", "mk", "bg", "sl")}
    assert float(figures["recall"]) >= RECALL, told
    assert min(recalls.values()) >= LOWEST, told
    assert float(figures["lookalike_rate"]) <= LOOKALIKES, told


def test_other_words_are_found_as_well() -> None:
    figures = evaluate(SECOND).figures()
    assert float(figures["recall"]) >= RECALL
    assert float(figures["lookalike_rate"]) <= 0.01


def test_the_table_keeps_its_size_and_its_terms_stay_few() -> None:
    figures = evaluate().figures()
    assert (figures["concepts"], figures["forms"], figures["lookalikes"]) == (83, 1772, 667)
    assert max(len(entry["terms"]) for entry in concepts().values()) <= 10  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("term", "others"),
    [
        ("deklaracij~", {"deklaraci"}),
        ("idej~noun_a", {"ide"}),
        ("želj~noun_a", set()),  # želi is a verb
        ("odluk~noun_a", {"odluc"}),
        ("dijalog~", {"dijaloz"}),
        ("znak~", set()),  # znači is a verb
        ("tačk~noun_a", {"tacak"}),
        ("vojničk~", set()),  # vojnici are soldiers
        ("Petar~person_c", {"petr"}),
        ("Bruselj~place_c", {"bruslj"}),
        ("ministër~noun_c", {"ministr"}),
        ("bezbednost~", {"bezbednosc"}),
        ("most~noun_c", set()),
        ("ministarstv~noun_o", {"ministarstav", "ministarstev"}),
        ("strank~", {"stranak"}),
        ("zemlj~noun_a", {"zemalj"}),
        ("grožnj~noun_a", {"grozenj"}),
        ("žrtv~noun_a", {"zrtav", "zrtev"}),
        ("trk~noun_a", {"trc"}),  # traka is a tape
        ("Grk~noun_c", {"grc"}),
        ("Vinkovci~place_i", {"vinkovc"}),
        ("Serbi~place_i", set()),
        ("odluk*", set()),
    ],
)
def test_sounds_change_before_endings(term: str, others: set[str]) -> None:
    part = parse(term).parts[-1]
    first, *rest = spellings(part)
    assert first == (part.stem, False)
    assert {stem for stem, _ in rest} == others


@pytest.mark.parametrize(
    ("written", "kind"), [("NATO", "acronym"), ("SAD", "initials"), ("EU", "initials"), ("Kfor", "word")]
)
def test_short_acronyms_are_initials(written: str, kind: str) -> None:
    assert guess(written.lower(), written) == kind
