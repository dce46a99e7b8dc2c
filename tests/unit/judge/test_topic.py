"""Topics: which articles tell of the same event, within a language, across scripts and across languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.alerter.judge.facts import facts
from services.alerter.judge.reading import Reading
from services.alerter.judge.topic import Likeness, Topics, Traits, grams, is_linked, opened
from shared.events import Quote, Span
from tests.fakes.small import small

NOW = datetime(2025, 3, 20, 12, tzinfo=UTC)
BACKGROUND = "Kosovo, Albanija i Hrvatska potpisale su deklaraciju o odbrambenoj saradnji u Tirani. "
PARTIES = {"kosovo": 1, "albania": 1, "croatia": 1}


def traits(text: str, names: dict[str, int], language: str = "hbs") -> Traits:
    counts: dict[str, int] = {}
    for gram in grams(text):
        counts[gram] = counts.get(gram, 0) + 1
    return Traits(counts, names, language)


class World:
    """Topics grown article by article, as judging does it."""

    def __init__(self) -> None:
        self.topics = Topics()
        self.made = 0

    def tell(self, one: Traits, moment: datetime = NOW) -> str:
        self.topics.forget(moment - timedelta(days=2))
        found = self.topics.find(one, moment)
        if found is None:
            self.made += 1
            found = opened("w", Reading(small(f"Naslov {self.made}", "Savez.", source=f"s{self.made}")), moment)
        self.topics.grow(found, one, moment)
        return found.id


@pytest.fixture
def world() -> World:
    """A watch in which the parties and the declaration are in every article."""
    world = World()
    subjects = ("avion", "brod", "tenk", "bank", "škol", "put", "most", "gas", "film", "sud", "zakon", "izbor")
    for number, subject in enumerate(subjects * 2):
        own = " ".join(f"{subject}{ending}" for ending in ("ovima", "arstvo", "iranje", "ovski", "nica", f"{number}x"))
        world.tell(traits(f"{BACKGROUND} {own}", {**PARTIES, f"other-{number}": 2}))
    return world


GASIC = "Bratislav Gašić kaže da će vojska odgovoriti i da je ministarstvo odbrane spremno za svaki slučaj."


def test_one_event_in_both_scripts_and_two_varieties(world: World) -> None:
    first = world.tell(traits(BACKGROUND + GASIC, {**PARTIES, "gasic": 2}))
    cyrillic = "Братислав Гашић каже да ће војска одговорити и да је министарство одбране спремно за сваки случај."
    assert world.tell(traits(cyrillic, {"gasic": 1, "kosovo": 1})) == first
    croatian = "Bratislav Gašić kaže da će vojska odgovoriti te da je ministarstvo obrane spremno za svaki slučaj."
    assert world.tell(traits(croatian, {"gasic": 1, "croatia": 1})) == first


def test_what_everybody_writes_is_no_evidence(world: World) -> None:
    first = world.tell(traits(BACKGROUND + GASIC, {**PARTIES, "gasic": 2}))
    other = "Ivan Anušić odgovara iz Zagreba da je reč o industriji, obuci i evropskom putu tri partnera."
    assert world.tell(traits(BACKGROUND + other, {**PARTIES, "anusic": 2})) != first


def test_across_languages_by_names_and_cognates(world: World) -> None:
    names = {"gasic": 2, "mod-serbia": 1, "orban": 1}
    first = world.tell(traits(GASIC + " Orban, Budimpešta.", names))
    english = "Minister Bratislav Gasic says the army is ready, and Orban of Budapest agrees, the ministry reports."
    assert world.tell(traits(english, names, "en")) == first
    assert world.tell(traits("Bratislav Gasic opened a school.", {"gasic": 1, "school": 3}, "en")) != first


def test_names_alone_are_one_kind_of_evidence(world: World) -> None:
    names = {"gasic": 2, "orban": 1}
    first = world.tell(traits(GASIC, names))
    assert world.tell(traits("Ουδέν νεώτερον από το μέτωπον", names, "el")) != first


def test_a_topic_is_closed_after_two_days(world: World) -> None:
    one = traits(BACKGROUND + GASIC, {**PARTIES, "gasic": 2})
    first = world.tell(one)
    assert world.tell(one, NOW + timedelta(days=1)) == first
    assert world.tell(one, NOW + timedelta(days=4)) != first


def test_a_late_article_finds_its_topic(world: World) -> None:
    one = traits(BACKGROUND + GASIC, {**PARTIES, "gasic": 2})
    first = world.tell(one)
    assert world.topics.find(one, NOW - timedelta(days=1)) is world.topics[first]
    assert world.topics.find(one, NOW - timedelta(days=3)) is None


@given(st.lists(st.tuples(st.sampled_from(["savez", "pakt", "vežba", "sastanak"]), st.integers(0, 5)), max_size=12))
def test_counting_and_forgetting_leave_nothing_behind(told: list[tuple[str, int]]) -> None:
    world = World()
    for word, day in told:
        one = replace(traits(f"{word} {word}ima", {word: 1}), facts={f"number {day}": 1})
        world.tell(one, NOW + timedelta(days=day))
    world.topics.forget(NOW + timedelta(days=400))
    assert world.topics._grams == {} and world.topics._names == {} and world.topics._facts == {}
    assert world.topics._articles == 0


def test_two_kinds_of_evidence_are_needed() -> None:
    assert is_linked(alike(0.3, 0.3), same=True)
    assert not is_linked(alike(0.3, 0.1), same=True)
    assert not is_linked(alike(0.1, 0.9), same=True)
    assert is_linked(alike(0.1, 0.7), same=False)
    assert not is_linked(alike(0.0, 0.9), same=False)
    assert not is_linked(alike(0.9, 0.0), same=False)


def test_facts_bring_languages_together_and_days_take_them_apart() -> None:
    assert not is_linked(alike(0.1, 0.4), same=False)
    assert is_linked(alike(0.1, 0.4, facts=1.0), same=False)
    assert is_linked(alike(0.1, 0.6), same=False)
    assert not is_linked(alike(0.1, 0.6, days=1.0), same=False)
    assert not is_linked(alike(0.0, 0.4, facts=1.0), same=False)


def alike(words: float, names: float, facts: float = 0.0, days: float = 0.0) -> Likeness:
    return Likeness(words, names, facts, days)


def test_facts_are_the_same_in_every_language() -> None:
    serbian = small("Izjava 18. marta", "Kupljeno je 1.350 raketa, kaže ministar.", source="a")
    english = small("Statement of March 18", "They bought 1,350 missiles, the minister says.", source="b", code="en")
    albanian = small("Deklarata e 18 marsit", "U blenë 1.350 raketa.", source="c", code="sq")
    found = [set(facts(one.article, 700)) for one in (serbian, english, albanian)]
    assert found[0] == found[1] == found[2] == {"number 1350", "day 3-18"}


def test_a_speaker_who_is_named_is_a_fact() -> None:
    match = small("Naslov", "Savez.", source="a")
    span = Span(field="text", start=0, end=5, surface="Savez")
    quote = Quote(span=span, kind="direct", speaker_id="gasic", confidence=0.6)
    inferred = msgspec.structs.replace(quote, speaker_id="vucic", confidence=0.4)
    article = msgspec.structs.replace(
        match.article, quotes=(quote, inferred, msgspec.structs.replace(quote, speaker_id=""))
    )
    assert list(facts(article, 700)) == ["speaker gasic"]
