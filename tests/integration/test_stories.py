"""Merged stories through SQL: a new owner knows them, an operator takes them apart, all is answered again."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from services.alerter.judge import tables as t
from services.alerter.judge.metrics import JudgeOutcome
from services.operate import stories
from shared.db import Database
from shared.errors import Misconfigured
from shared.events import AlertState, OperatorAsked
from tests.fakes.judging import feed, judge_on, prepared, raised
from tests.unit.judge.test_merge import BRIDGES, FIRST, SECOND, WATCH, article, asked


async def test_a_merge_outlives_its_owner_and_is_undone_by_the_next(database: Database) -> None:
    judge = await prepared(database, watch=WATCH, watch_id="w")
    alerts = raised(await feed(judge, [FIRST, SECOND, *BRIDGES]))
    first, second = (one for one in alerts if one.state is AlertState.OPEN)
    rows = await stories.rows(database, "w")
    assert [(row["story"], row["merged_into"]) for row in rows] == [
        (first.story_id, ""), (second.story_id, first.story_id)
    ]  # fmt: skip
    assert rows[1]["evidence"].startswith("names 0.")
    heir = judge_on(database)
    [outcome] = await feed(heir, [asked(second.story_id)])
    assert outcome.label is JudgeOutcome.RAISED
    [again] = await feed(judge_on(database), [asked(second.story_id)])
    assert again.label is JudgeOutcome.REPEATED
    assert again.outputs == outcome.outputs
    assert {row["merged_into"] for row in await stories.rows(database, "w")} == {""}


async def test_members_of_a_story_that_ended_stay_known_while_the_other_goes_on(database: Database) -> None:
    judge = await prepared(database, watch=WATCH, watch_id="w")
    [first, *_] = raised(await feed(judge, [FIRST, SECOND, *BRIDGES]))
    later = [article(f"Potpisan savez u Tirani {day}", "Anušić Vengu", day * 1440, source=f"d{day}") for day in
             range(1, 12)]  # fmt: skip
    await feed(judge, later)
    new_version = article("Gasovod kroz ravnicu, savez energetike", "Orban Fico", 16_000)
    await feed(judge_on(database), [new_version])
    async with database.reading() as connection:
        found = await connection.scalar(
            sa.select(t.MEMBERS.c.story_id).where(t.MEMBERS.c.article_id == SECOND.article.article_id)
        )
        count = await connection.scalar(sa.select(sa.func.count()).select_from(t.STORIES))
    assert found is not None
    assert count == 2
    assert next(row["story"] for row in await stories.rows(database, "w")) == first.story_id


async def test_requests_of_others_are_passed_over(database: Database) -> None:
    judge = await prepared(database, watch=WATCH, watch_id="w")
    other = OperatorAsked(id="y", observed=FIRST.observed, request="publish_watch", subject="w")
    [outcome] = await feed(judge, [other])
    assert outcome.label is JudgeOutcome.NOT_OURS


async def test_a_watch_that_judged_nothing_is_said_in_one_line(database: Database) -> None:
    await prepared(database, watch=WATCH, watch_id="w")
    with pytest.raises(Misconfigured, match="watch 'w' has judged nothing yet; there is none"):
        await stories.rows(database, "w")
