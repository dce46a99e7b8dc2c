"""A judge over a real database, fed with matches as the consume loop would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from services.alerter import published
from services.alerter.judge.app import prepare
from services.alerter.judge.causes import Cause
from services.alerter.judge.decide import decide
from services.alerter.judge.findings import find
from services.alerter.judge.judge import Judge
from services.alerter.judge.memory import Memory
from services.alerter.judge.readers import Readers
from services.alerter.judge.reading import Reading
from services.alerter.judge.settings import JudgeSettings
from services.alerter.rules import parse_rules
from shared.bus import Record
from shared.clock import SteppedClock
from shared.codec import Trace, encode
from shared.db import Database
from shared.events import AlertRaised, ArticleMatched
from shared.lease import Fence, raise_fences
from shared.step import Outcome, Work
from tests.fakes.news import WATCH, WATCH_ID

START = datetime(2025, 3, 18, tzinfo=UTC)


async def prepared(database: Database, *, watch: str = WATCH, watch_id: str = WATCH_ID) -> Judge:
    """A judge on a database with its tables and one published watch."""
    await prepare(database)
    await published.publish(database, watch_id, watch, START)
    return judge_on(database)


def judge_on(database: Database, settings: JudgeSettings | None = None, readers: Readers | None = None) -> Judge:
    """A judge as a process that has just started."""
    return Judge(database, settings or JudgeSettings(), SteppedClock(START), readers or Readers(0))


async def fence_on(database: Database) -> Fence:
    """A new owner of the watch's partition."""
    return (await raise_fences(database, "judge", [0]))[0]


async def feed(judge: Judge, matches: Iterable[Cause], *, fence: Fence | None = None, batch: int = 16) -> list[Outcome]:
    """Judge causes in order, in batches."""
    waiting = [work(match, fence) for match in matches]
    outcomes: list[Outcome] = []
    for at in range(0, len(waiting), batch):
        outcomes += await judge.judge(waiting[at : at + batch])
    return outcomes


def work(match: Cause, fence: Fence | None = None) -> Work:
    """A cause as the loop hands it over."""
    message = encode(match)
    record = Record(
        topic=message.topic, partition=0, offset=0, key=message.key, value=message.value, headers=message.headers,
        timestamp=0,
    )  # fmt: skip
    return Work(match, record, Trace.start(match.id), fence)


def raised(outcomes: Sequence[Outcome]) -> list[AlertRaised]:
    """All alerts of these outcomes, in order."""
    return [alert for outcome in outcomes for alert in outcome.outputs if isinstance(alert, AlertRaised)]


def tried(
    matches: Iterable[ArticleMatched], *, watch: str = WATCH, settings: JudgeSettings | None = None,
    memory: Memory | None = None, watch_id: str = "w",
) -> list[AlertRaised]:  # fmt: skip
    """The alerts of matches decided in order without any SQL."""
    rules = parse_rules(watch_id, 1, watch)
    memory = memory or Memory(watch_id)
    alerts: list[AlertRaised] = []
    for match in matches:
        reading = Reading(match)
        alerts += decide(memory, reading, find(reading, rules), rules, settings or JudgeSettings())
    return alerts
