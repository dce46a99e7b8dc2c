"""Watches asked for on `operators.asked`: answered by the running step on both buses, in force in every replica."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.alerter import published
from services.alerter.match import metrics
from services.alerter.match.in_force import Watches
from services.alerter.match.outcomes import AnswerOutcome, PublishOutcome
from services.alerter.match.publish import PUBLISHED, REFUSED, REQUEST
from services.operate.watches.ask import ask
from shared import db
from shared.bus import Bus, Partition
from shared.clock import SteppedClock
from shared.codec import decode, encode
from shared.db import Database, open_database
from shared.events import OperatorAsked
from shared.metrics import RECORDS
from shared.topics import ARTICLES_EXTRACTED, ARTICLES_MATCHED, OPERATORS_ASKED, TopicSpec, all_specs
from tests.fakes.fixtures_bus import Lab
from tests.fakes.fixtures_db import SHARED_MIGRATIONS
from tests.fakes.matching import first_term, matching

NOW = datetime(2025, 3, 18, tzinfo=UTC)
PARTITIONS = 2
TOPICS = (ARTICLES_EXTRACTED.name, ARTICLES_MATCHED.name, OPERATORS_ASKED.name)


def text(term: str, name: str = "w") -> str:
    return f"schema: watch/1\nid: {name}\nconcepts: {{a: [{term}]}}\nmatch: {{require: [a]}}\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """A running replica, and another one that has no files and is told nothing."""

    bus: Bus
    database: Database
    other: Watches

    async def ask(self, wanted: str, name: str = "w", *, minutes: int = 0, only_new: bool = False) -> dict[str, Any]:
        at = NOW + timedelta(minutes=minutes)
        return await ask(self.bus, name, wanted, "ana", at, only_new=only_new, wait=60)

    async def put(self, event: OperatorAsked) -> None:
        publisher = await self.bus.publisher()
        await publisher.publish([encode(event)])
        await publisher.close()

    async def in_force(self) -> list[tuple[str, int, str]]:
        await self.other.reload()
        watches = self.other.engine.watches
        return [(one.id, one.version, first_term(one.concepts["a"].clause)) for one in watches]

    async def events(self, request: str) -> list[OperatorAsked]:
        found = []
        for number in range(PARTITIONS):
            records = await self.bus.read(Partition(OPERATORS_ASKED.name, number), 0, 100)
            found += [decode(record, OperatorAsked) for record in records]
        return [one for one in found if one.request == request]


@pytest.fixture
async def asked(lab: Lab, tmp_path: Path) -> AsyncIterator[Asked]:
    bus, database = await lab.open(), open_database(f"sqlite:///{tmp_path}/w.db")
    await db.migrate(database, "shared", SHARED_MIGRATIONS)
    await published.prepare(database)
    await bus.ensure_topics([small(spec) for spec in all_specs() if needs(spec.name)])
    other = Watches(database, tmp_path / "nowhere", SteppedClock(NOW))
    await other.start()
    async with matching(bus, database, tmp_path / "empty"):
        yield Asked(bus, database, other)
    await database.close()


def needs(name: str) -> bool:
    return name in TOPICS or name.startswith(("wirewatch.match.", "wirewatch.watches."))


def small(spec: TopicSpec) -> TopicSpec:
    return TopicSpec(spec.name, min(spec.partitions, PARTITIONS), spec.retention, -1, spec.largest)


@pytest.fixture
def ended() -> Callable[[AnswerOutcome], float]:
    """How many requests have ended so since the test began."""
    before = {one: _ended(one) for one in AnswerOutcome}
    return lambda outcome: _ended(outcome) - before[outcome]


def _ended(outcome: AnswerOutcome) -> float:
    return float(RECORDS.labels("watches", outcome)._value.get())


async def until(reached: Callable[[], bool]) -> None:
    """What is counted is counted after the answer has gone out."""
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.02)


Ended = Callable[[AnswerOutcome], float]


async def test_a_request_is_answered_and_in_force_in_every_replica(asked: Asked, ended: Ended) -> None:
    assert await asked.ask(text("savez~")) == {"watch": "w", "outcome": "published", "version": 1, "faults": []}
    assert await asked.in_force() == [("w", 1, "savez~")]
    for minutes in (0, 1):  # the same request again, and another one for the same text
        again = await asked.ask(text("savez~"), minutes=minutes)
        assert (again["outcome"], again["version"]) == ("in_force", 1)
    await until(lambda: ended(AnswerOutcome.IN_FORCE) == 2)
    assert await asked.in_force() == [("w", 1, "savez~")]
    first, second, third = [one.id for one in await asked.events(PUBLISHED)]
    assert first == second != third
    assert await published.versions(asked.database) == {"w": 1}


async def test_a_refused_one_leaves_the_last_good_version_and_tells_it_three_times(
    asked: Asked, ended: Ended, caplog: pytest.LogCaptureFixture
) -> None:
    await asked.ask(text("savez~"))
    before = refusals()
    caplog.clear()
    answer = await asked.ask(text("ab*"))
    fault = "w as asked by ana:3:16: 'ab*': an open prefix needs at least 3 letters"
    assert answer == {"watch": "w", "outcome": "invalid", "version": 0, "faults": [fault]}
    assert await asked.in_force() == [("w", 1, "savez~")]
    (event,) = await asked.events(REFUSED)
    (request,) = [one for one in await asked.events(REQUEST) if "ab*" in one.arguments["text"]]
    assert (event.subject, event.by, event.arguments["cause"]) == ("w", "match", request.id)
    assert refusals() == before + 1
    (line,) = [one.msg for one in caplog.records if isinstance(one.msg, dict) and one.msg["event"] == "watch_invalid"]
    assert (line["watch"], line["file"], line["faults"]) == ("w", f"request {request.id}", [fault])
    other = await asked.ask(text("pakt~"), name="other")
    assert other["faults"] == [
        "other as asked by ana:1:1: asked about 'other', but this is the watch 'w'"
    ]  # nobody replaces a watch under another's key, where the order of requests would be lost
    await asked.put(OperatorAsked(id="bare", observed=NOW, request=REQUEST, subject="w"))
    await until(lambda: ended(AnswerOutcome.REFUSED) == 3)
    told = [fault for one in await asked.events(REFUSED) for fault in one.arguments["faults"]]
    assert "request bare:1:1: it holds no text of a watch" in told
    assert await asked.in_force() == [("w", 1, "savez~")]


def refusals() -> float:
    return float(metrics.PUBLISHED.labels(PublishOutcome.INVALID)._value.get())


async def test_only_new_leaves_a_replaced_text_replaced(asked: Asked) -> None:
    for at, (term, only_new, outcome, version) in enumerate([
        ("savez~", True, "published", 1),
        ("pakt~", False, "published", 2),
        ("savez~", True, "older", 2),
        ("blok~", True, "published", 3),
        ("pakt~", False, "published", 4),
    ]):  # fmt: skip
        answer = await asked.ask(text(term), minutes=at, only_new=only_new)
        assert (answer["outcome"], answer["version"]) == (outcome, version)
    assert await asked.in_force() == [("w", 4, "pakt~")]


async def test_what_is_not_about_watches_is_passed_over_and_everything_ends_once(asked: Asked, ended: Ended) -> None:
    foreign = ("pause_source", "add_source", "undo_merge", "watch_published")
    for number, name in enumerate(foreign):
        await asked.put(OperatorAsked(id=f"{number}", observed=NOW, request=name, subject=f"s{number}"))
    await asked.ask(text("savez~"))
    await until(lambda: ended(AnswerOutcome.NOT_OURS) == len(foreign) + 1)  # the answer itself is on the topic
    assert sum(map(ended, AnswerOutcome)) == len(foreign) + 2
    assert await asked.events(REFUSED) == []
