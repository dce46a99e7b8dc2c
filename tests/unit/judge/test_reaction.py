"""Reactions: who did what about the subject; direction, negation, office and side."""

from __future__ import annotations

import pytest

from services.alerter.judge.reaction import reactions
from services.alerter.judge.reading import Reading
from services.alerter.judge.wording import office
from shared.db import Database
from shared.events import ArticleMatched, Mode, Quote
from tests.fakes.judging import feed, judge_on, prepared, raised, tried
from tests.fakes.small import mention, small, spans

WATCH = "alerts: [{kind: reaction, id: belgrade, actor: {side: serbia}, severity: warning}]"
PEOPLE = {
    "Vučić": ("vucic", "serbia", "person", "president of serbia"), "Вучић": ("vucic", "serbia", "person", "president"),
    "Vučić's": ("vucic", "serbia", "person", "president"), "Vuçiq": ("vucic", "serbia", "person", "president"),
    "Вучич": ("vucic", "serbia", "person", "president"), "Вучиќ": ("vucic", "serbia", "person", "president"),
    "Vulin": ("vulin", "serbia", "person", ""), "Kurti": ("kurti", "kosovo", "person", "prime minister"),
    "Anušić": ("anusic", "croatia", "person", "defence minister"), "Beograd": ("belgrade", "serbia", "metonym", ""),
    "Belgrade": ("belgrade", "serbia", "metonym", ""), "Zagreb": ("zagreb", "croatia", "metonym", ""),
}  # fmt: skip
OBLIQUE = ("Vučića", "Vučiću", "Vučićem", "Kurtija")


def article(title: str, text: str = "", *, code: str = "hbs", **more: object) -> ArticleMatched:
    found = []
    for surface, (entity_id, side, kind, role) in PEOPLE.items():
        for one in mention(title, text, surface, entity_id, kind=kind, side=side, role=role):
            content = title if one.span.field == "title" else text
            tail = content[one.span.start :].split(" ")[0].rstrip(".,:“”")
            if tail in OBLIQUE or tail == surface or not tail[len(surface) :].isalpha():
                subject = tail not in OBLIQUE
                found.append(type(one)(entity_id=entity_id, name=entity_id, kind=kind, span=one.span, side=side,
                                       role=role, subject=subject))  # fmt: skip
    topic = {"en": "alliance", "sq": "aleanc", "bg": "съюз", "mk": "сојуз", "sl": "zavezništv"}.get(
        code, "(?:savez|савез)"
    )
    return small(title, text, code=code, mentions=tuple(found), topic=topic, **more)  # type: ignore[arg-type]


def acts(title: str, text: str = "", *, code: str = "hbs", side: str = "serbia") -> set[tuple[str, str]]:
    found = reactions(Reading(article(title, text, code=code)), side)
    return {(one.actor.entity_id, one.act) for one in found if one.confidence >= 0.5}


@pytest.mark.parametrize(
    ("code", "title", "act"),
    [
        ("hbs", "Vučić osudio savez Zagreba i Tirane", "condemn"),
        ("hbs", "Вучић затражио објашњење због савеза", "demand"),
        ("hbs", "Vučić upozorio na savez", "warn"),
        ("hbs", "Vučić odbacio savez kao ništavan", "reject"),
        ("hbs", "Vučić pozdravio savez", "welcome"),
        ("hbs", "Vučić uputio protestnu notu zbog saveza", "protest"),
        ("hbs", "Vučić: Zbog saveza jačamo vojsku", "mobilise"),
        ("en", "Vučić condemns the alliance", "condemn"),
        ("en", "Belgrade demands explanation of the alliance", "demand"),
        ("sq", "Vuçiq paralajmëroi pas aleancës", "warn"),
        ("bg", "Вучич обвини страните от съюза", "condemn"),
        ("mk", "Вучиќ го осуди сојузот", "condemn"),
        ("sl", "Vučić zavrnil zavezništvo", "reject"),
    ],
)
def test_an_act_is_found_in_every_language(code: str, title: str, act: str) -> None:
    assert act in {found for _, found in acts(title, code=code)}


def test_direction_who_accuses_is_not_who_is_accused() -> None:
    assert acts("Kurti optužio Vučića zbog saveza") == set()
    assert acts("Kurti optužio Vučića zbog saveza", side="kosovo") == {("kurti", "condemn")}


def test_another_capital_beside_the_verb_takes_it() -> None:
    assert ("vucic", "condemn") not in acts("Dok je Vučić ćutao o savezu, Zagreb je osudio Beograd")


def test_negation_takes_the_act_away() -> None:
    assert ("vucic", "condemn") not in acts("Vučić nije osudio savez")


def test_a_former_office_holder_does_not_react_for_his_country() -> None:
    assert acts("Vulin osudio savez") == set()


def test_what_is_quoted_belongs_to_its_speaker() -> None:
    title, text = "O savezu", "„Taj savez je otvorena provokacija i sramota“, rekao je Anušić. Vučić je ćutao."
    span = spans(title, text, "Taj savez je otvorena provokacija i sramota")[0]
    quote = Quote(span=span, kind="direct", speaker_id="anusic", speaker="Ivan Anušić", confidence=0.9)
    found = reactions(Reading(article(title, text, quotes=(quote,))), "serbia")
    assert [one for one in found if one.act == "condemn"] == []


def test_a_statement_goes_on_without_the_name() -> None:
    text = "Vučić je govorio o savezu. „To je otvorena provokacija tog saveza prema svima“, poručio je on."
    assert ("vucic", "condemn") in acts("Savez", text)


def test_an_act_far_from_the_subject_is_not_sure_enough() -> None:
    text = "Savez je tema.\nPrvi red.\nDrugi red.\nVučić je osudio nasilje na utakmici."
    assert acts("Vesti dana", text) == set()


def test_a_capital_gives_way_to_who_is_named() -> None:
    assert acts("Vučić osudio savez", "Beograd je osudio savez.") == {("vucic", "condemn")}


def test_a_comment_is_told_only_of_who_does_nothing_weightier() -> None:
    assert acts("Vučić rekao da prati savez") == {("vucic", "comment")}
    assert acts("Vučić rekao da prati savez", "Vučić je osudio savez.") == {("vucic", "condemn")}


def test_first_of_the_actor_then_first_of_the_act_then_nothing() -> None:
    told = tried(
        [
            article("Vučić osudio savez", source="one"),
            article("Vučić osudio savez ponovo", source="two", minutes=5),
            article("Vučić upozorio na savez", source="three", minutes=9),
        ],
        watch=WATCH,
    )
    assert [one.reaction.act for one in told if one.reaction] == ["condemn", "warn"]
    assert [one.extra["first_of_actor"] for one in told] == [True, False]
    assert told[0].headline == "vucic condemns it"
    assert told[0].reaction is not None
    assert told[0].reaction.stance == -1
    assert told[0].severity == "warning"


def test_history_makes_a_reaction_known() -> None:
    before = article("Vučić osudio savez", source="zero", minutes=-600, mode=Mode.BACKFILL)
    told = tried([before, article("Vučić osudio savez", source="one")], watch=WATCH)
    assert told == []


def test_a_rule_may_ask_for_some_acts_only() -> None:
    rule = "alerts: [{kind: reaction, id: r, actor: {side: serbia}, act: {classes: [warn]}}]"
    told = tried([article("Vučić osudio savez"), article("Vučić upozorio na savez", minutes=5)], watch=rule)
    assert [one.reaction.act for one in told if one.reaction] == ["warn"]


# ---- changed stance --------------------------------------------------------------------------------------------------


def test_whoever_changes_sides_is_told_each_time() -> None:
    stances = [
        article("Vučić osudio savez", minutes=0, source="one"),
        article("Vučić pozdravio savez", minutes=60, source="two"),
        article("Vučić opet osudio savez", minutes=120, source="three"),
        article("Vučić ponovo osudio savez", minutes=180, source="four"),
    ]
    alerts = tried(stances, watch=WATCH)
    assert [one.reaction.act for one in alerts if one.reaction] == ["condemn", "welcome", "condemn"]
    assert [one.extra.get("changed", {}).get("from") for one in alerts] == [None, "condemn", "welcome"]
    assert [(one.extra["first_of_actor"], one.extra["first_of_act"]) for one in alerts] == [
        (True, True), (False, True), (False, False)
    ]  # fmt: skip
    assert alerts[1].headline == "vucic changes sides: now welcomes it"
    assert alerts[1].reason == "It was told on 20 Mar of vucic, president of Serbia: condemns it. Now in Two"
    assert len({one.id for one in alerts}) == 3


def test_a_stance_known_from_history_is_what_a_change_is_measured_against() -> None:
    stances = [article("Vučić osudio savez", mode=Mode.BACKFILL), article("Vučić pozdravio savez", minutes=60)]
    [alert] = tried(stances, watch=WATCH)
    assert alert.extra["changed"]["from"] == "condemn"


def test_a_warning_or_a_demand_is_no_change_of_sides() -> None:
    stances = [article("Vučić pozdravio savez", source="one"), article("Vučić upozorio na savez", minutes=60)]
    assert [one.extra.get("changed") for one in tried(stances, watch=WATCH)] == [None, None]


def test_every_rule_for_a_side_hears_of_first_acts_and_changes() -> None:
    rules = "[{kind: reaction, id: a, actor: {side: serbia}}, {kind: reaction, id: b, actor: {side: serbia}}]"
    stances = [article("Vučić osudio savez", source="one"), article("Vučić pozdravio savez", minutes=60)]
    alerts = tried(stances, watch=f"alerts: {rules}")
    assert [(one.rule_id, "changed" in one.extra) for one in alerts] == [
        ("a", False), ("b", False), ("a", True), ("b", True)
    ]  # fmt: skip


async def test_a_change_of_sides_is_told_the_same_after_a_restart(database: Database) -> None:
    stances = [
        article("Vučić osudio savez", source="one"), article("Vučić pozdravio savez", minutes=60, source="two"),
        article("Vučić opet osudio savez", minutes=120, source="three"),
    ]  # fmt: skip
    await prepared(database, watch=f"id: w\n{WATCH}", watch_id="w")
    outcomes = [one for match in stances for one in await feed(judge_on(database), [match])]
    assert [one.id for one in raised(outcomes)] == [one.id for one in tried(stances, watch=WATCH)]
    assert len(raised(outcomes)) == 3


# ---- what an alert carries, and who is not counted -------------------------------------------------------------------


def test_an_alert_carries_quote_speaker_office_outlet_and_language() -> None:
    title, text = "Vučić o savezu", "„Taj savez je otvorena provokacija i sramota“, rekao je Vučić."
    span = spans(title, text, "Taj savez je otvorena provokacija i sramota")[0]
    quote = Quote(span=span, kind="direct", speaker_id="vucic", speaker="Aleksandar Vučić", confidence=0.9)
    alert = next(
        one for one in tried([article(title, text, quotes=(quote,), source="vesti")], watch=WATCH)
        if one.reaction and one.reaction.act == "condemn"
    )  # fmt: skip
    assert alert.reaction is not None
    assert alert.reaction.quote == "Taj savez je otvorena provokacija i sramota"
    assert (alert.reaction.actor, alert.reaction.office) == ("vucic", "president of serbia")
    assert (alert.article.source.name, alert.article.language.macro) == ("Vesti", "hbs")
    assert "in Vesti" in alert.reason


@pytest.mark.parametrize(
    "title",
    [
        "Kurti osudio savez", "Anušić zapretio zbog saveza", "Zagreb odbacio kritike saveza",
        "Bivši ministar Vulin osudio savez", "Anušić osudio Vučićevu izjavu o savezu",
        "Kurti tvrdi da Vučić preti savezu", "Kurti: Vučić preti savezu",
    ],
)  # fmt: skip
def test_others_and_former_holders_do_not_react_for_a_side(title: str) -> None:
    assert tried([article(title)], watch=WATCH) == []


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("hbs", "Vučić demantovao da je osudio savez"),
        ("hbs", "Vučić je demantovao navode da je osudio savez"),
        ("hbs", "Vučić negirao da je savez otvorena provokacija"),
        ("en", "Vučić denied that he condemned the alliance"),
        ("en", "Vučić denied having condemned the alliance"),
        ("sq", "Vuçiq mohoi se e dënoi aleancën"),
        ("bg", "Вучич отрече да е осъдил съюза"),
        ("mk", "Вучиќ негираше дека го осудил сојузот"),
        ("sl", "Vučić zanikal, da je obsodil zavezništvo"),
    ],
)
def test_what_is_denied_was_not_done(code: str, title: str) -> None:
    assert acts(title, code=code) == {("vucic", "reject")}


def test_a_denial_reaches_no_further_than_its_clause() -> None:
    assert ("vucic", "condemn") in acts("Vučić demantovao navode i osudio savez")
    assert ("vucic", "condemn") in acts("Vučić nije demantovao da je osudio savez")


def test_an_office_is_said_without_an_id() -> None:
    assert office("director of office-for-kosovo") == ", director of Office for Kosovo"
    assert office("president of serbia") == ", president of Serbia"
    assert office("minister") == ", minister"
    assert office("") == ""
