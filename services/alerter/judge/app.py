"""Wiring of judging."""

from __future__ import annotations

from pathlib import Path

from services.alerter import published
from services.alerter.judge.advance import Advance
from services.alerter.judge.judge import Judge
from services.alerter.judge.metrics import JudgeOutcome
from services.alerter.judge.readers import Readers
from services.alerter.judge.settings import JudgeSettings
from shared.db import Database, migrate
from shared.run import Parts, Service
from shared.step import Step
from shared.topics import GROUPS

OWNER = "judge"
MIGRATIONS = Path(__file__).parent / "migrations"


async def prepare(database: Database) -> None:
    """Bring the tables of judging, and those of the watches it reads, up to date."""
    await published.prepare(database)
    await migrate(database, OWNER, MIGRATIONS)


def build(settings: JudgeSettings, parts: Parts) -> Service:
    """The service that judges matches and lets time pass. The database must have been prepared (`wirewatch init`)."""
    readers = Readers(settings.judge_readers)
    judge = Judge(parts.database, settings, parts.real, readers)
    step = Step(
        group="judge",
        topics=GROUPS["judge"],
        outcomes=JudgeOutcome,
        handle_batch=judge.judge,
        fenced=True,
        batch=settings.judge_batch,
        in_flight=2 * settings.judge_batch,  # one batch in hand, the next at hand
    )
    time = Advance(settings, parts)

    async def close() -> None:
        await time.close()
        await readers.close()

    return Service(name="judge", steps=(step,), tasks={"time": time.run}, settled=time.settled, close=close)
