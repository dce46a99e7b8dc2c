"""New terms: what is told, by whom it must be confirmed, and what never is."""

from __future__ import annotations

import pytest

from services.alerter.judge.memory import Memory
from services.alerter.judge.settings import JudgeSettings
from shared.events import AlertKind, AlertRaised, ArticleMatched, Mode
from tests.fakes.judging import tried
from tests.fakes.small import small

WATCH = "alerts: [{kind: first_seen, id: new, sources: 2, within: 6h, severity: notice}]"
WARM = JudgeSettings(warm_documents=0)


def novel(matches: list[ArticleMatched], *, settings: JudgeSettings = WARM, memory: Memory | None = None) -> list[str]:
    return [one.novelty.family for one in alerts(matches, settings=settings, memory=memory) if one.novelty]


def alerts(
    matches: list[ArticleMatched], *, settings: JudgeSettings = WARM, memory: Memory | None = None
) -> list[AlertRaised]:
    return tried(matches, watch=WATCH, settings=settings, memory=memory)


def use(source: str, minutes: float = 0, **more: object) -> ArticleMatched:
    """An article with a new word in its title, in its own words otherwise."""
    text = f"Novi savez izaziva blokadnike u zemlji, pise {source} danas. {source} ima svoje izvore."
    return small(more.pop("title", "Blokadnik protiv saveza"), text, source=source, minutes=minutes, **more)  # type: ignore[arg-type]


def test_a_term_is_told_once_when_a_second_source_uses_it() -> None:
    assert novel([use("one"), use("two", 30), use("three", 60)]) == ["blokadnik"]


def test_one_source_is_not_enough_however_often() -> None:
    assert novel([use("one"), use("one", 10, name="again"), use("one", 20, name="and again")]) == []


def test_an_official_site_alone_is() -> None:
    assert novel([use("ministry", official=True)]) == ["blokadnik"]


def test_one_agency_is_one_witness() -> None:
    assert novel([use("one", agency="Tanjug"), use("two", 30, agency="TANJUG")]) == []


def test_a_copy_is_no_second_witness() -> None:
    text = " ".join(f"rec{at}" for at in range(120)) + " savez"
    copies = [small("Blokadnik i savez", text, source=source) for source in ("one", "two", "three")]
    assert novel(copies) == []


def test_confirmation_has_to_come_in_time() -> None:
    assert novel([use("one"), use("two", 7 * 60)]) == []
    assert novel([use("one"), use("two", 7 * 60), use("three", 8 * 60)]) == ["blokadnik"]


@pytest.mark.parametrize("mode", [Mode.BACKFILL, Mode.REPLAY])
def test_history_makes_a_term_known_and_tells_nothing(mode: Mode) -> None:
    assert novel([use("zero", -600, mode=mode), use("one"), use("two", 30)]) == []
    assert novel([use("one", mode=mode), use("two", 30, mode=mode)]) == []


def test_history_that_comes_late_but_happened_before_counts() -> None:
    assert novel([use("one"), use("zero", -600, mode=Mode.BACKFILL), use("two", 30)]) == []


def test_history_from_after_the_first_use_changes_nothing() -> None:
    assert novel([use("one"), use("zero", 10, mode=Mode.REPLAY), use("two", 30)]) == ["blokadnik"]


def test_all_cases_and_both_scripts_are_one_term() -> None:
    cyrillic = small("Блокадником против савеза", "Савез и блокадници у граду.", source="two", minutes=20)
    assert novel([use("one"), cyrillic]) == ["blokadnik"]


def test_ordinary_words_names_and_numbers_are_never_told() -> None:
    title = "Ministri potpisali sporazum u 15 sati, savez 1944"
    assert novel([small(title, source=source, minutes=at) for at, source in enumerate("abc")]) == []


def test_a_word_deep_in_the_text_needs_more_witnesses_than_one_in_the_title() -> None:
    def deep(source: str, minutes: float) -> ArticleMatched:
        text = f"Prvi red iz lista {source}.\nDrugi red {source}.\nTamo je i glasovnik, {source}."
        return small(f"Savez {source}", text, source=source, minutes=minutes)

    assert novel([deep("one", 0), deep("two", 10)]) == []


def test_the_longest_phrase_is_told_and_its_parts_rest_with_it() -> None:
    articles = [
        small("Savez i „zeleni blokadnik“", f"Kako javlja {one}, savez.", source=one, minutes=at)
        for at, one in enumerate("abcd")
    ]
    told = alerts(articles)
    assert len(told) == 1
    assert told[0].novelty is not None
    assert told[0].novelty.forms[0] == "zeleni blokadnik"


def test_the_proof_is_in_the_alert() -> None:
    memory = Memory("w")
    told = alerts([use("zero", -60, title="Savez", mode=Mode.BACKFILL), use("one"), use("two", 45)], memory=memory)
    assert told == []  # the text of the history has the word
    told = alerts([small("Savez danas", "Ovde je mirno.", mode=Mode.BACKFILL, minutes=-90), use("one"), use("two", 45)])
    novelty = told[0].novelty
    assert novelty is not None
    assert (novelty.first_source, novelty.witnesses) == ("One", ("One", "Two"))
    assert (novelty.confirmed - novelty.first_seen).total_seconds() == 45 * 60 if novelty.confirmed else False
    assert novelty.documents_searched == 1
    assert novelty.earlier_hits == 0
    assert told[0].hits[0].span.surface.casefold() == "blokadnik"
    assert "confirmed by 2 independent sources after 45 min" in told[0].reason


def test_a_young_watch_asks_for_more_and_says_so() -> None:
    cold = JudgeSettings(warm_documents=50)
    told = alerts([use(one, at) for at, one in enumerate("abcde")], settings=cold)
    assert [one.novelty.warming for one in told if one.novelty] == [True]
    assert "still learning" in told[0].reason


def test_more_than_the_limit_of_an_hour_is_told_together() -> None:
    new = ["blokadnik", "glasovnik", "pruzanac", "kovitlac", "strelovod"]
    settings = JudgeSettings(warm_documents=0, new_terms_per_hour=2)
    articles = [
        small(f"Savez: „{word}“", f"List {source} o savezu.", source=source, minutes=at)
        for at, (word, source) in enumerate((word, source) for word in new for source in ("one", "two"))
    ]
    told = alerts(articles, settings=settings)
    assert [one.novelty is not None for one in told] == [True, True, False, False, False]
    assert len({one.id for one in told[2:]}) == 1
    assert [one.revision for one in told[2:]] == [0, 1, 2]
    assert told[-1].headline.startswith("3 more new terms")


def test_the_id_is_of_the_term_not_of_who_came_second() -> None:
    one = alerts([use("one"), use("two", 30)])
    other = alerts([use("two", 30), use("one")])
    assert [alert.id for alert in one] == [alert.id for alert in other]
    assert one[0].kind is AlertKind.FIRST_SEEN
