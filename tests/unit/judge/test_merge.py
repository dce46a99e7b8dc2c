"""Stories that turn out to be one, or two: merged on evidence, parted by their articles or by an operator."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.alerter.judge.causes import answered
from services.alerter.judge.correct import UNDO_MERGE
from services.alerter.judge.memory import Acted, Memory
from services.alerter.judge.merge import ALIASES, evidence, is_enough, joined, without
from services.alerter.judge.outside import NOTHING
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.story import Profile
from services.alerter.rules import parse_rules
from shared.events import AlertRaised, AlertState, ArticleMatched, OperatorAsked
from tests.fakes.judging import tried
from tests.fakes.small import NOON, mention, small

WATCH = """title: A watch
alerts:
  - {kind: match, id: any}
  - {kind: reaction, id: belgrade, actor: {side: serbia}}
"""
SETTINGS = JudgeSettings(warm_documents=0)


def article(title: str, people: str, at: float, *, source: str = "one", said: str = "") -> ArticleMatched:
    text = f"Javlja {source} u {at:g}: {title}. {said}"
    found = tuple(one for name in people.split() for one in mention("", text + people, name, name.lower()))
    return small(title, text + people, source=source, minutes=at, mentions=found)


FIRST = article("Potpisan savez u Tirani", "Anušić Vengu", 0)
SECOND = article("Gasovod kroz ravnicu, savez energetike", "Orban Fico", 5)
BRIDGES = [
    article(f"Potpisan savez u Tirani, gasovod kroz ravnicu {at}", "Anušić Vengu Orban Fico", 10 * at, source=f"b{at}")
    for at in range(1, 8)
]


def merged() -> tuple[Memory, list[AlertRaised]]:
    memory = Memory("w")
    return memory, tried([FIRST, SECOND, *BRIDGES], watch=WATCH, settings=SETTINGS, memory=memory)


def told(alerts: list[AlertRaised], state: AlertState) -> list[AlertRaised]:
    return [one for one in alerts if one.state is state]


def asked(story: str) -> OperatorAsked:
    return OperatorAsked(
        id="x", observed=NOON + timedelta(days=1), request=UNDO_MERGE, subject="w", by="ana", arguments={"story": story}
    )


def test_two_stories_that_come_to_tell_the_same_are_merged_once_and_corrected() -> None:
    memory, alerts = merged()
    first, second = told(alerts, AlertState.OPEN)
    assert first.story_id != second.story_id
    [correction] = told(alerts, AlertState.CORRECTION)
    assert correction.id == second.id
    assert correction.story_id == first.story_id
    assert correction.extra["merged"] == second.story_id
    assert correction.extra["evidence"]["names"] >= 0.62
    assert correction.headline == "One story: Gasovod kroz ravnicu, savez energetike / Potpisan savez u Tirani"
    assert list(memory.stories) == [first.story_id]
    assert memory.lineage(first.story_id) == (first.story_id, second.story_id)


def test_the_articles_of_both_go_on_under_the_older_id() -> None:
    memory, alerts = merged()
    later = article("Gasovod kroz ravnicu, savez energetike opet", "Orban Fico", 200, source="z")
    more = tried([later], watch=WATCH, settings=SETTINGS, memory=memory)
    assert {one.story_id for one in more} <= {alerts[0].story_id}
    assert memory.members[later.article.article_id].story_id == alerts[0].story_id
    assert AlertState.OPEN not in {one.state for one in more}


def test_a_merge_that_is_undone_gives_both_back_and_is_not_done_again() -> None:
    memory, alerts = merged()
    rules = parse_rules("w", 1, WATCH)
    _, second = told(alerts, AlertState.OPEN)
    [correction] = answered(asked(second.story_id), memory, rules, SETTINGS, NOTHING)
    assert correction.state is AlertState.CORRECTION
    assert correction.extra == {"parted": second.story_id, "from": alerts[0].story_id, "by": "ana"}
    assert correction.reason == "Taken apart by ana"
    assert correction.article.excerpt == ""
    assert sorted(memory.stories) == sorted({alerts[0].story_id, second.story_id})
    assert memory.stories[second.story_id].profile.entities == {"orban": 1, "fico": 1}
    bridge = article("Potpisan savez u Tirani, gasovod kroz ravnicu 9", "Anušić Vengu Orban Fico", 300, source="b9")
    tried([bridge], watch=WATCH, settings=SETTINGS, memory=memory)
    assert len(memory.stories) == 2
    assert answered(asked(second.story_id), memory, rules, SETTINGS, NOTHING) == []


def test_an_unknown_merge_is_nothing_to_undo() -> None:
    assert answered(asked("nobody"), Memory("w"), parse_rules("w", 1, WATCH), SETTINGS, NOTHING) == []


def test_what_was_decided_in_either_story_is_decided_in_the_merged_one() -> None:
    memory, alerts = merged()
    one, other = (found.story_id for found in told(alerts, AlertState.OPEN))
    memory.put_acted(Acted(other, "vucic", "condemn", NOON, "a"))
    assert set(memory.acts_of(one, "vucic")) == {"condemn"}


def test_names_alone_are_no_evidence() -> None:
    same = Profile(articles=5, entities={"a": 5, "b": 3}, grams={"savez": 4}, concepts={"alliance": 5})
    other = Profile(articles=5, entities={"a": 4, "b": 4}, grams={"plin": 4}, concepts={"alliance": 5})
    assert not is_enough(evidence(same, other))
    assert is_enough(evidence(same, Profile(articles=5, entities={"a": 4, "b": 4}, grams={"savez": 2})))


def test_a_topic_with_nothing_in_common_parts_from_its_story() -> None:
    memory = Memory("w")
    people = "Anušić Vengu Maqedonci"
    own = [article(f"Potpisan savez u Tirani {at}", people, at, source=f"s{at}") for at in range(8)]
    tried(own, watch=WATCH, settings=SETTINGS, memory=memory)
    [home] = memory.stories.values()
    home.profile.entities |= {"orban": 1, "fico": 1}  # one article about them was taken for part of it
    home.profile.grams |= {"gaso": 1}
    strangers = [article(f"Gasovod ravnica {at}", "Orban Fico", 20 + at, source=f"g{at}") for at in range(6)]
    alerts = tried(strangers, watch=WATCH, settings=SETTINGS, memory=memory)
    [correction] = told(alerts, AlertState.CORRECTION)
    assert correction.extra["from"] == home.id
    assert correction.extra["articles"] == 5
    parted = memory.stories[str(correction.extra["split"])]
    assert parted.profile.entities == {"orban": 6, "fico": 6}
    assert {memory.members[one.article.article_id].story_id for one in strangers} == {parted.id}
    assert home.profile.articles == 8


COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 5), max_size=5)
GROUPS = st.lists(st.sampled_from("pqrstu"), unique=True, max_size=4)
PROFILES = st.builds(
    Profile, articles=st.integers(0, 9), entities=COUNTS, concepts=COUNTS, grams=COUNTS, numbers=COUNTS,
    languages=COUNTS, groups=GROUPS, live_groups=GROUPS,
)  # fmt: skip


@given(PROFILES, PROFILES)
def test_taking_out_what_was_joined_gives_back_the_rest(one: Profile, other: Profile) -> None:
    apart = without(joined(one, other), other)
    assert apart.articles == one.articles
    assert apart.entities == one.entities
    assert apart.grams == one.grams
    assert set(apart.groups) == set(one.groups) - set(other.groups)


@given(PROFILES, PROFILES)
def test_evidence_does_not_depend_on_the_order(one: Profile, other: Profile) -> None:
    assert evidence(one, other) == evidence(other, one)


def test_an_alias_keeps_its_evidence() -> None:
    memory, alerts = merged()
    second = told(alerts, AlertState.OPEN)[1]
    alias = memory.shelf(ALIASES).get(second.story_id)
    assert alias is not None
    assert alias.into == alerts[0].story_id
    assert set(alias.evidence) == {"names", "words", "numbers", "concepts"}
