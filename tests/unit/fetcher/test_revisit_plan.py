"""When pages are fetched again: distances that double, a bound, and what alerts change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.metrics import VisitOutcome
from services.fetcher.plan.schedule import LONGEST_WAIT
from services.fetcher.revisit.plan import ENDS, STORY_LIVES, TEMPOS, after, heard
from services.fetcher.revisit.row import Revisit
from services.fetcher.sources import Edits
from shared.events import AlertKind, AlertRaised, ArticleReference, Language, Mode, Source

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
URL = "https://one.test/1"
SLOW, FAST = TEMPOS[Edits.SLOW], TEMPOS[Edits.FAST]
NONE = timedelta()
GOES_ON = [outcome for outcome in VisitOutcome if outcome not in ENDS]


def row(**more: Any) -> Revisit:
    return replace(Revisit(entry_id="e", source_id="one", url=URL, item=b"{}", seen=NOW, body_hash="h"), **more)


def alert(*, url: str = URL, source: str = "one", observed: datetime = NOW, mode: Mode = Mode.LIVE,
          kind: AlertKind = AlertKind.MATCH) -> AlertRaised:  # fmt: skip
    article = ArticleReference(
        id="a", url=url, title="T", source=Source(id=source, name="S"), language=Language(macro="hbs")
    )
    return AlertRaised(
        id="x", observed=observed, kind=kind, rule_id="r", watch_id="w", story_id="story", headline="h",
        reason="r", article=article, mode=mode,
    )  # fmt: skip


def test_an_alert_plans_the_first_visit_of_its_article() -> None:
    told = heard(row(), alert(), SLOW, NOW)
    assert (told.article_id, told.story_id, told.live_until) == ("a", "story", NOW + STORY_LIVES)
    assert told.due is not None and timedelta(minutes=24) <= told.due - NOW <= timedelta(minutes=30)
    assert heard(told, alert(), SLOW, NOW + timedelta(minutes=1)) == told  # the same alert again changes nothing


def test_an_alert_of_the_story_keeps_its_other_articles_alive() -> None:
    told = heard(row(), alert(), SLOW, NOW)
    later = heard(told, alert(url="https://two.test/9", source="two", observed=NOW + timedelta(hours=9)), SLOW, NOW)
    assert later == replace(told, live_until=NOW + timedelta(hours=9) + STORY_LIVES)
    asleep = replace(told, due=None, quiet=4)
    assert heard(asleep, alert(url="https://two.test/9", source="two"), SLOW, NOW).due is not None


@pytest.mark.parametrize(
    "one", [alert(mode=Mode.REPLAY), alert(mode=Mode.BACKFILL), alert(observed=NOW - STORY_LIVES), ],
)  # fmt: skip
def test_history_and_old_alerts_plan_nothing(one: AlertRaised) -> None:
    assert heard(row(), one, SLOW, NOW) == row()


@pytest.mark.parametrize("more", [{"ended": "withdrawn"}, {"tries": SLOW.most}])
def test_a_page_that_ended_or_was_seen_often_enough_is_not_planned(more: dict[str, Any]) -> None:
    assert heard(row(**more), alert(), SLOW, NOW).due is None


@pytest.mark.parametrize(("tempo", "visits"), [(SLOW, 8), (FAST, 11)])
def test_distances_double_and_end_with_the_story(tempo: Any, visits: int) -> None:
    one, now, waits = heard(row(), alert(), tempo, NOW), NOW, []
    while one.due is not None:
        waits.append(one.due - now)
        now = one.due
        one = after(one, VisitOutcome.UNCHANGED, tempo, now, NONE)
    assert visits - 2 <= len(waits) <= visits
    assert all(before * 1.5 < wait or wait > LONGEST_WAIT * 0.7 for before, wait in pairwise(waits))
    assert now <= NOW + STORY_LIVES


def test_an_edit_that_was_told_begins_anew_and_another_body_does_not() -> None:
    one = row(quiet=5, article_id="a", live_until=NOW + STORY_LIVES)
    one = after(one, VisitOutcome.CHANGED, SLOW, NOW, NONE)
    assert one.due is not None and one.due - NOW > SLOW.first * 32
    for url, source in ((URL, "one"), ("https://one.test/new-slug", "one")):
        told = heard(one, alert(url=url, source=source, kind=AlertKind.EDIT), SLOW, NOW)
        assert told.due is not None and told.due - NOW <= SLOW.first and told.quiet == 0
    other = msgspec.structs.replace(alert(kind=AlertKind.EDIT).article, id="b", url="https://one.test/2")
    assert heard(one, msgspec.structs.replace(alert(kind=AlertKind.EDIT), article=other), SLOW, NOW).due == one.due


def test_a_page_that_is_missing_is_looked_at_soon_and_once_more() -> None:
    one = after(row(quiet=5, live_until=NOW + STORY_LIVES), VisitOutcome.MISSING, SLOW, NOW, NONE)
    assert (one.missing, one.quiet, one.due) == (1, 5, NOW + SLOW.first)
    assert after(one, VisitOutcome.SAME, SLOW, NOW, NONE).missing == 0


def test_a_wish_of_the_server_is_a_floor() -> None:
    one = after(row(live_until=NOW + STORY_LIVES), VisitOutcome.FAILED, SLOW, NOW, timedelta(hours=7))
    assert one.due == NOW + timedelta(hours=7)


@given(st.lists(st.sampled_from(GOES_ON)), st.sampled_from([SLOW, FAST]), st.sampled_from([0, 3_600, 200_000]))
def test_visits_are_bounded_and_never_backwards(outcomes: list[VisitOutcome], tempo: Any, wish: int) -> None:
    one = heard(row(), alert(), tempo, NOW)
    made = 0
    for outcome in outcomes:
        if one.due is None:
            break
        now, made = one.due, made + 1
        one = after(one, outcome, tempo, now, timedelta(seconds=wish))
        assert one.due is None or one.due > now
    assert made <= tempo.most
    assert all(after(one, end, tempo, NOW, NONE).due is None for end in ENDS)
