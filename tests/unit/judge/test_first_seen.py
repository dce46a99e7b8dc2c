"""New terms: what is told, by whom it must be confirmed, and what never is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from services.alerter.judge.families import number
from services.alerter.judge.figures import figures
from services.alerter.judge.memory import Memory, Standing
from services.alerter.judge.novel import enough
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.terms import Term
from shared.events import AlertKind, AlertRaised, AlertState, ArticleMatched, Mode
from shared.text.languages import language
from tests.fakes.judging import tried
from tests.fakes.small import mention, small

WATCH = "alerts: [{kind: first_seen, id: new, sources: 2, within: 6h, severity: notice}]"
WARM = JudgeSettings(warm_documents=0, warm_for=timedelta(0))


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
    title = "Savez i „blokadnik“"
    told = alerts(
        [
            use(one, at, title=title, code=code)
            for at, (one, code) in enumerate(zip("abcdef", ("hbs", "sl", "mk") * 2, strict=True))
        ],
        settings=cold,
    )
    assert [one.novelty.warming for one in told if one.novelty] == [True]
    assert "still learning" in told[0].reason


def test_more_than_the_limit_of_an_hour_is_told_together() -> None:
    new = ["blokadnik", "glasovnik", "pruzanac", "kovitlac", "strelovod"]
    settings = replace(WARM, new_terms_per_hour=2)
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


# ---- unconfirmed, returning, who was first ---------------------------------------------------------------------------

UNSURE = "alerts: [{kind: first_seen, id: new, sources: 2, within: 6h, unconfirmed: true}]"
RETURNING = "alerts: [{kind: first_seen, id: new, sources: 2, within: 6h, returning: 30d}]"
DAY = 24 * 60


def quiet(minutes: float) -> ArticleMatched:
    """An article that brings nothing but time."""
    return small("Savez", "List o savezu.", source="quiet", minutes=minutes)


def test_unconfirmed_terms_too_are_told_together_beyond_the_limit_of_an_hour() -> None:
    new = ["blokadnik", "glasovnik", "pruzanac", "kovitlac"]
    articles = [small(f"Savez: „{word}“", f"List o savezu {at}.", minutes=at) for at, word in enumerate(new)]
    again = small("Savez: „pruzanac“ opet", "Isti list dodaje nešto o savezu.", minutes=9)
    confirming = small("Savez: „blokadnik“", "Drugi list o savezu.", source="two", minutes=12)
    told = tried([*articles, again, confirming], watch=UNSURE, settings=replace(WARM, new_terms_per_hour=2))
    assert [one.novelty is not None for one in told] == [True, True, False, False, True]
    assert told[3].headline.startswith("2 more new terms")
    assert told[4].id == told[0].id, "what was told unconfirmed is brought up to date, whatever the limit"


def test_an_unconfirmed_term_is_told_on_wish_and_brought_up_to_date_when_confirmed() -> None:
    told = tried([use("one"), use("two", 30)], watch=UNSURE, settings=WARM)
    assert [(one.state, one.revision) for one in told] == [(AlertState.OPEN, 0), (AlertState.UPDATE, 1)]
    assert [one.extra["confirmed"] for one in told] == [False, True]
    assert told[0].reason == "First used by One; not confirmed yet"
    assert told[0].id == told[1].id == alerts([use("one"), use("two", 30)])[0].id


def test_a_confirmation_that_runs_out_resolves_the_alert() -> None:
    told = tried([use("one"), quiet(7 * 60), use("two", 8 * 60)], watch=UNSURE, settings=WARM)
    assert [one.state for one in told] == [AlertState.OPEN, AlertState.RESOLVED]
    assert told[1].headline == "Not confirmed: “Blokadnik”"
    assert told[1].reason == "Nobody but One used it within 6 hours"
    assert told[1].observed == told[0].observed + timedelta(hours=6)


def test_a_term_that_comes_back_after_long_is_told_as_returning() -> None:
    back = [use("three", 45 * DAY), use("four", 45 * DAY + 30)]
    told = tried([use("one"), use("two", 30), *back], watch=RETURNING, settings=WARM)
    assert [one.headline.split(":")[0] for one in told] == ["New in this story", "Back in this story"]
    assert told[1].novelty is not None
    assert told[1].novelty.last_seen == told[0].observed
    assert told[1].id != told[0].id
    assert "last used on 20 Mar 2025, 45 days before" in told[1].reason
    assert len(tried([use("one"), use("two", 30), *back], watch=WATCH, settings=WARM)) == 1


def test_a_term_that_comes_back_in_one_outlet_only_is_not_told() -> None:
    back = [use("three", 45 * DAY), use("three", 47 * DAY, name="x"), use("four", 47 * DAY + 30)]
    assert len(tried([use("one"), use("two", 30), *back], watch=RETURNING, settings=WARM)) == 1


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.BACKFILL])
def test_a_late_article_corrects_who_was_first(mode: Mode) -> None:
    late = use("zero", -120, mode=mode)
    told = alerts([use("one"), use("two", 30), late, use("three", 60)])
    assert [(one.state, one.revision) for one in told] == [(AlertState.OPEN, 0), (AlertState.CORRECTION, 1)]
    assert told[1].id == told[0].id
    assert told[1].extra["first_source"] == "Zero"
    proof = told[1].novelty
    assert proof is not None
    assert (proof.family, proof.first_source, proof.first_seen) == ("blokadnik", "Zero", late.observed)
    assert proof.documents_searched == 2  # all but the article itself
    assert told[1].headline == "Used earlier than was told: “Blokadnik”"


def test_whoever_repeats_a_sentence_is_no_second_witness() -> None:
    def quoting(source: str, minutes: float, sentence: str) -> ArticleMatched:
        return small(f"Savez u listu {source}", f"{sentence} Vise u listu {source}.", source=source, minutes=minutes)

    same = "U govoru o savezu blokadnik je pomenut prvi put."
    assert novel([quoting(one, at, same) for at, one in enumerate("abcd")]) == []
    own = [quoting(one, at, f"Blokadnik je za savez u listu {one} nova rec.") for at, one in enumerate("abcd")]
    assert "blokadnik" in novel(own, memory=learned(2_000))


def learned(documents: int) -> Memory:
    """A memory with a long history."""
    memory = Memory("w")
    memory.documents = documents
    return memory


def test_the_longer_the_history_the_less_is_asked_of_a_rare_word() -> None:
    def deep(source: str, minutes: float) -> ArticleMatched:
        text = f"Prvi dan, pise {source}.\nDrugi dan, pise {source}.\nTamo je i glasovnik, pise {source}."
        return small(f"Savez {source}", text, source=source, minutes=minutes)

    assert novel([deep("one", 0), deep("two", 10)]) == []
    memory = learned(2_000)
    novel([small("Savez", "List o savezu.", source="quiet", minutes=at, name=str(at)) for at in range(-9999, -99, 99)],
          memory=memory)  # fmt: skip
    assert novel([deep("one", 0), deep("two", 10)], memory=memory) == ["glasovnik"]


@pytest.mark.parametrize(
    ("parts", "scare", "points"),
    [(("=army", "napredk"), False, 3.5), (("=army", "napredk"), True, 3.0), (("=pact", "=triple"), False, 3.0)],
)
def test_a_phrase_of_a_concept_and_an_ordinary_word_needs_more(
    parts: tuple[str, ...], scare: bool, points: float
) -> None:
    term = Term("+".join(parts), 1, 2, "title", 0, 9, "form", True, False, scare, False, False, (), parts)
    assert enough(Memory("w"), term, (), 2, warm=True) == points


def test_what_everybody_uses_without_its_standing_out_becomes_known() -> None:
    memory = Memory("w")

    def deep(source: str, minutes: float) -> ArticleMatched:
        text = f"Prvi red iz lista {source}.\nDrugi red {source}.\nTamo je i glasovnik, {source}."
        return small(f"Savez {source}", text, source=source, minutes=minutes, name=f"{minutes}")

    novel([deep("one", at) for at in range(60)], memory=memory)
    family = memory.families[number("glasovnik")]
    assert family.standing is Standing.KNOWN
    assert number("glasovnik") not in memory.sightings


def test_a_number_and_a_name_that_are_new_are_told() -> None:
    def article(source: str, minutes: float) -> ArticleMatched:
        title = f"Savez salje 5.000 ljudi, kaze general Iks za {source}"
        found = mention(title, "", "general Iks", "general-x", side="", role="")
        return small(title, f"List {source}.", source=source, minutes=minutes, mentions=found)

    told = alerts([article("one", 0), article("two", 10), article("three", 20), article("four", 30)])
    assert [one.novelty.family for one in told if one.novelty] == ["name:general-x", "number:5000"]


@pytest.mark.parametrize("routine", ["2025.", "18.30", "15 odsto", "25 marta", "12", "18.3.2025", "1244/99"])
def test_numbers_of_routine_are_not(routine: str) -> None:
    text = f"Savez je {routine} tema."
    assert list(figures(text, 0, len(text), language("hbs"))) == []


def test_a_phrase_of_three_is_one_term() -> None:
    articles = [
        small("Savez gradi „plavi protivavionski glasovnik“", f"Kako javlja {one}, savez.", source=one, minutes=at)
        for at, one in enumerate("abcd")
    ]
    told = alerts(articles)
    assert [one.novelty.forms[0] for one in told if one.novelty] == ["plavi protivavionski glasovnik"]


def test_the_same_articles_under_new_matches_raise_nothing() -> None:
    memory = Memory("w")
    first = [use("one"), use("two", 30)]
    assert novel(first, memory=memory) == ["blokadnik"]
    again = [msgspec.structs.replace(one, id=f"again {at}", watch_version=2) for at, one in enumerate(first)]
    assert alerts(again, memory=memory) == []


DAY = 24 * 60


def filler(minutes: float) -> ArticleMatched:
    return small("Savez", f"List o savezu broj {minutes:.0f}.", source="quiet", minutes=minutes, name=f"{minutes}")


def test_the_proof_counts_what_was_searched_within_the_look_back() -> None:
    watch = "alerts: [{kind: first_seen, id: new, sources: 2, within: 6h, history: 30d}]"
    matches = [*(filler(at * DAY) for at in range(60)), use("one", 60 * DAY), use("two", 60 * DAY + 30)]
    told = tried(matches, watch=watch, settings=WARM)
    [alert] = [one for one in told if one.novelty and one.novelty.family == "blokadnik"]
    assert alert.novelty is not None
    assert alert.novelty.documents_searched == 30
    assert alert.novelty.searched_since == alert.observed - timedelta(days=30)


@pytest.mark.parametrize(("days", "told"), [(20, []), (50, ["blokadnik"])])
def test_what_was_used_before_the_look_back_only_is_new(days: int, told: list[str]) -> None:
    watch = "alerts: [{kind: first_seen, id: new, sources: 2, within: 6h, history: 30d}]"
    matches = [use("zero", 0, mode=Mode.REPLAY), filler(10 * DAY), use("one", days * DAY), use("two", days * DAY + 30)]
    alerts = tried(matches, watch=watch, settings=WARM)
    assert [one.novelty.family for one in alerts if one.novelty] == told


def test_a_phrase_around_a_told_word_brings_its_alert_up_to_date() -> None:
    def green(source: str, minutes: float) -> ArticleMatched:
        return small("Savez i „zeleni blokadnik“", f"Savez je tema lista {source}.", source=source, minutes=minutes)

    first, then = alerts([use("one"), use("two", 30), green("three", 60), green("four", 90)])
    assert (first.state, then.state, then.id) == (AlertState.OPEN, AlertState.UPDATE, first.id)
    assert first.novelty is not None and first.novelty.family == "blokadnik"
    assert then.novelty is not None and set(then.novelty.family.split("+")) == {"blokadnik", "zelen"}
    assert then.headline == "Now in a phrase: “zeleni blokadnik”"
