"""The demo world through matching and judging, without fetching: what its expectations list must be told, in time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.alerter import load
from services.alerter.match.compile import build
from services.alerter.match.match import make
from shared import db
from shared.clock import SteppedClock
from shared.codec import Trace
from shared.db import open_database
from shared.events import AlertKind, AlertRaised, ArticleMatched
from shared.step import Work
from shared.text.fold import fold_text
from tests.fakes.judging import START, feed, prepared, raised, work
from tests.fakes.news import PACK, demo_articles, gazetteer

WATCH_FILE = PACK / "watches" / "defence-alliance.yaml"
MOST_OTHER_TERMS = 12
"""New terms beside the expected ones in six weeks of the story; each is read by a person when this number changes."""


@dataclass(frozen=True)
class Told:
    """What was told, and of which article."""

    alerts: tuple[AlertRaised, ...]
    names: dict[str, str]


@cache
def expectations() -> dict[str, Any]:
    """The pack's own list."""
    data: dict[str, Any] = yaml.safe_load((PACK / "demo" / "expectations.yaml").read_text(encoding="utf-8"))
    return data


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """All alerts of the demo, judged once."""
    alerts = asyncio.run(judged(tmp_path_factory.mktemp("judge") / "demo.db"))
    print_told(alerts)
    return Told(tuple(alerts), {one.article.article_id: one.name for one in demo_articles()})


async def judged(file: Path) -> list[AlertRaised]:
    """The whole demo through both steps."""
    database = open_database(f"sqlite:///{file}")
    await db.migrate(database, "shared", Path(db.__file__).parent / "migrations")
    text = WATCH_FILE.read_text(encoding="utf-8")
    judge = await prepared(database, watch=text)
    alerts = raised(await feed(judge, await matches(text)))
    await database.close()
    return alerts


async def matches(text: str) -> list[ArticleMatched]:
    """What matching passes on of the demo, in the order of time."""
    watch = load.loads(text, WATCH_FILE.name, gazetteer().entities)
    engine = build([watch])
    handle = make(lambda: engine, SteppedClock(START))
    outcomes = [await handle(_work(one.article)) for one in demo_articles()]
    return [event for outcome in outcomes for event in outcome.outputs if isinstance(event, ArticleMatched)]


def _work(article: Any) -> Work:
    shown = work(ArticleMatched(id="", observed=article.observed, watch_id="", watch_version=0, article=article))
    return Work(article, shown.record, Trace.start(article.id))


def print_told(alerts: list[AlertRaised]) -> None:
    """Shown with `pytest -s`: what a reader of this watch would have been told."""
    for one in alerts:
        print(f"{one.observed:%d.%m. %H:%M} {one.kind:10} {one.revision} {one.headline} | {one.reason}")


@pytest.mark.parametrize("row", expectations()["must"]["first_seen"], ids=lambda row: row["term"])
def test_every_planted_term_is_told_once(told: Told, row: dict[str, Any]) -> None:
    forms = {fold_text(form) for form in row["forms"]}
    found = [one for one in told.alerts if one.novelty is not None and _is_of(one, forms)]
    assert len(found) == 1
    novelty = found[0].novelty
    assert novelty is not None
    assert len(novelty.witnesses) >= 2 or found[0].article.source.official
    assert novelty.earlier_hits == 0
    assert not novelty.warming


def _is_of(alert: AlertRaised, forms: set[str]) -> bool:
    shown = {fold_text(form) for form in alert.novelty.forms} if alert.novelty else set()
    return bool(shown & forms) or any(form.startswith(tuple(forms)) for form in shown)


def test_few_other_terms_are_told(told: Told) -> None:
    forms = {fold_text(form) for row in expectations()["must"]["first_seen"] for form in row["forms"]}
    others = [one.headline for one in told.alerts if one.kind is AlertKind.FIRST_SEEN and not _is_of(one, forms)]
    assert len(others) <= MOST_OTHER_TERMS, others


@pytest.mark.parametrize("row", expectations()["must"]["reactions"], ids=lambda row: row["actor"])
def test_every_actor_is_told_with_a_right_act_and_not_too_early(told: Told, row: dict[str, Any]) -> None:
    found = [one for one in told.alerts if one.reaction is not None and one.reaction.actor == row["actor"]]
    assert found
    first = found[0].reaction
    assert first is not None
    assert first.act in row["acts"]
    assert found[0].observed >= datetime.fromisoformat(row["after"]).astimezone(UTC)


def test_nobody_else_reacts_for_serbia(told: Told) -> None:
    actors = {one.reaction.actor for one in told.alerts if one.reaction is not None}
    assert not actors & set(expectations()["must_not"]["actors"])


def test_no_look_alike_is_told(told: Told) -> None:
    shown = {told.names[one.article.id] for one in told.alerts}
    assert not shown & set(expectations()["must_not"]["articles"])


def test_the_story_is_one_and_nothing_is_told_of_history(told: Told) -> None:
    assert len({one.story_id for one in told.alerts}) == 1
    assert all(one.observed >= START for one in told.alerts)
    openings = [one for one in told.alerts if one.kind is AlertKind.MATCH and one.revision == 0]
    assert len(openings) == 1


def test_an_alert_shows_little_of_the_text_and_says_why(told: Told) -> None:
    for one in told.alerts:
        assert len(one.article.excerpt) <= 300
        assert one.headline
        assert one.reason
        assert one.ledger.raised is not None
