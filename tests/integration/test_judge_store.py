"""Judging through real SQL, on SQLite and PostgreSQL: decided once, answered the same, carried on by whoever comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.alerter.judge import tables as t
from services.alerter.judge.metrics import JudgeOutcome
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.store import load
from shared.db import Database
from shared.errors import Fenced
from shared.events import AlertRaised, ArticleMatched, Mode
from shared.step import Outcome
from tests.fakes.judging import feed, fence_on, judge_on, prepared, raised
from tests.fakes.news import demo_articles, matched
from tests.fakes.small import WATCH, small


def story(most: int = 45) -> list[ArticleMatched]:
    """The beginning of the demo's story as matches."""
    return [matched(one.article) for one in demo_articles() if one.about][:most]


def tellings(outcomes: Sequence[Outcome]) -> list[tuple[str, int]]:
    """The alerts of these outcomes by id and revision."""
    return [(one.id, one.revision) for one in raised(outcomes)]


async def everything(database: Database) -> dict[str, int]:
    """The number of rows in each table."""
    async with database.transaction() as connection:
        counts = {}
        for table in t.METADATA.sorted_tables:
            counts[table.name] = int(await connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
        return counts


async def places(database: Database) -> list[tuple[str, str, str, str]]:
    """Story, topic and copy group of every article."""
    columns = (t.MEMBERS.c.article_id, t.MEMBERS.c.story_id, t.MEMBERS.c.topic_id, t.MEMBERS.c.copy_group)
    async with database.reading() as connection:
        rows = await connection.execute(sa.select(*columns).order_by(t.MEMBERS.c.article_id))
        return [(row[0], row[1], row[2], row[3]) for row in rows]


async def test_a_match_that_comes_again_is_answered_byte_for_byte(database: Database) -> None:
    judge = await prepared(database)
    first = await feed(judge, story())
    rows = await everything(database)
    again = await feed(judge, story(), batch=7)
    assert {one.label for one in again} == {JudgeOutcome.REPEATED}
    assert [one.outputs for one in again] == [one.outputs for one in first]
    assert await everything(database) == rows


async def test_a_match_twice_in_one_batch_is_judged_once(database: Database) -> None:
    judge = await prepared(database)
    doubled = [match for match in story(20) for _ in range(2)]
    outcomes = await feed(judge, doubled, batch=64)
    assert [one.label for one in outcomes[1::2]] == [JudgeOutcome.REPEATED] * 20
    assert tellings(outcomes[::2]) == tellings(outcomes[1::2])


async def test_a_restart_after_every_batch_changes_nothing(database: Database) -> None:
    unbroken = await feed(await prepared(database), story())
    rows, placed = await everything(database), await places(database)
    async with database.transaction() as connection:
        for table in t.METADATA.sorted_tables:
            await connection.execute(sa.delete(table))
    broken: list[Outcome] = []
    for match in story():
        broken += await feed(judge_on(database), [match])
    assert tellings(broken) == tellings(unbroken)
    assert tellings(broken)
    assert await everything(database) == rows
    assert await places(database) == placed
    assert 1 < len({topic for _, _, topic, _ in placed}) < len(placed)


async def test_of_a_text_printed_for_months_memory_keeps_who_stands_behind_it(database: Database) -> None:
    text = "Ministri tri zemlje potpisali su u Tirani deklaraciju o odbrani, a Beograd trazi objasnjenje od svih. " * 3
    printed = [
        small("Savez u Tirani", text, source=f"s{day}", minutes=day * 1_440, agency="Beta" if day % 4 == 2 else "",
              name=f"a{day}")
        for day in range(40)
    ]  # fmt: skip
    judge = await prepared(database, watch="alerts: []", watch_id=WATCH)
    await feed(judge, printed, batch=4)
    kept, settings = judge._kept[WATCH].memory, JudgeSettings()
    async with database.reading() as connection:
        loaded = await load(connection, WATCH, settings)
    (group,) = kept.groups
    recent = settings.copy_window // timedelta(days=1) + 1
    assert len(kept.members) <= 2 + recent + 4 and len(loaded.members) <= 2 + recent
    assert kept.origin(group) == loaded.origin(group) == "agency beta"
    assert loaded.origins([group]) == 1 and printed[0].article.article_id in loaded.members


async def test_replay_and_back_fill_enter_history_and_tell_nothing(database: Database) -> None:
    judge = await prepared(database)
    history = [matched(one.article, mode=Mode.BACKFILL) for one in demo_articles() if one.about][:45]
    outcomes = await feed(judge, history)
    assert {one.label for one in outcomes} == {JudgeOutcome.HISTORY}
    assert raised(outcomes) == []
    rows = await everything(database)
    assert rows["judge_families"] > 1_000
    assert rows["judge_sighted"] == 0


PATIENT = "alerts: [{kind: first_seen, id: new, sources: 2, within: 48h}]"


@pytest.mark.parametrize(("hours", "told"), [(30, ["blokadnik"]), (50, [])])
async def test_a_rule_that_waits_longer_than_a_day_does_so_over_a_restart_and_a_purge(
    database: Database, hours: int, told: list[str]
) -> None:
    await prepared(database, watch=PATIENT, watch_id="w")
    settings = JudgeSettings(warm_documents=0, warm_for=timedelta(0))
    others = [small("Savez", f"Savez je tema dana {day}.", source=f"o{day}", minutes=1500 * day) for day in (0, 1)]
    for match in [use("one", 5), *others, use("two", 60 * hours)]:
        outcomes = await feed(judge_on(database, settings), [match])
    assert [one.novelty.family for one in raised(outcomes) if one.novelty] == told


def use(source: str, minutes: float) -> ArticleMatched:
    return small(
        "Blokadnik protiv saveza", f"Novi savez izaziva blokadnike, pise {source}.", source=source, minutes=minutes
    )


async def test_what_history_knows_is_never_new(database: Database) -> None:
    judge = await prepared(database)
    live = await feed(judge, story())
    terms = {one.novelty.family for one in raised(live) if one.novelty}
    assert terms
    async with database.transaction() as connection:
        for table in t.METADATA.sorted_tables:
            await connection.execute(sa.delete(table))
    early = [one for one in demo_articles() if one.about][:45]
    await feed(judge_on(database), [matched(one.article, mode=Mode.BACKFILL) for one in early])
    later = [matched(one.article) for one in demo_articles() if one.about][45:]
    assert not terms & {one.novelty.family for one in raised(await feed(judge_on(database), later)) if one.novelty}


async def test_a_process_that_lost_its_partition_writes_nothing(database: Database) -> None:
    judge = await prepared(database)
    old = await fence_on(database)
    await feed(judge, story(20), fence=old)
    new = await fence_on(database)
    rows = await everything(database)
    with pytest.raises(Fenced):
        await feed(judge, story(25)[20:], fence=old)
    assert await everything(database) == rows
    taken_over = await feed(judge_on(database), story(25)[20:], fence=new)
    assert {one.label for one in taken_over} <= {JudgeOutcome.RAISED, JudgeOutcome.QUIET}


async def test_a_lost_memory_is_loaded_anew_after_a_failure(database: Database) -> None:
    judge = await prepared(database)
    old = await fence_on(database)
    await feed(judge, story(20), fence=old)
    new = await fence_on(database)
    with pytest.raises(Fenced):
        await feed(judge, story(30)[20:], fence=old)
    after = await feed(judge, story(30)[20:], fence=new)
    assert {one.label for one in after} <= {JudgeOutcome.RAISED, JudgeOutcome.QUIET}


async def test_a_watch_that_was_never_published_is_an_outcome(database: Database) -> None:
    judge = await prepared(database, watch_id="another")
    outcomes = await feed(judge, story(2))
    assert [one.label for one in outcomes] == [JudgeOutcome.UNWATCHED] * 2
    assert (await everything(database))["judge_decisions"] == 0


async def test_an_alert_is_stored_with_its_decision(database: Database) -> None:
    outcomes = await feed(await prepared(database), story())
    rows = await everything(database)
    alerts = [one for one in raised(outcomes) if isinstance(one, AlertRaised)]
    assert rows["judge_alerts"] == len(alerts)
    assert rows["judge_decisions"] == len(outcomes)
    assert len({(one.id, one.revision) for one in alerts}) == len(alerts)


async def test_what_is_forgotten_is_forgotten_in_memory_too(database: Database) -> None:
    """A word that nobody used for longer than families are kept: with or without a restart it is new."""

    def using(source: str, days: float, mode: Mode = Mode.LIVE) -> ArticleMatched:
        text = f"Novi savez izaziva blokadnike, piše {source} danas."
        return small("Blokadnik protiv saveza", text, source=source, minutes=days * 1440, mode=mode)

    days = (small("Savez", f"List o savezu, {at}.", source="s", minutes=at * 1440, name=str(at)) for at in range(1, 99))
    stream = [using("one", 0, Mode.REPLAY), *days, using("two", 99), using("three", 99.01)]
    watch = "title: T\nalerts: [{kind: first_seen, id: new, sources: 2, within: 6h}]"
    unbroken = await feed(await prepared(database, watch=watch, watch_id="w"), stream)
    async with database.transaction() as connection:
        for table in t.METADATA.sorted_tables:
            await connection.execute(sa.delete(table))
    broken = [one for at in range(0, len(stream), 10) for one in await feed(judge_on(database), stream[at : at + 10])]
    assert tellings(broken) == tellings(unbroken)
    assert "blokadnik" in {one.novelty.family for one in raised(unbroken) if one.novelty}
