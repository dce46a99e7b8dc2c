"""The memory of articles, on both databases: once decided, told the same again, whatever comes at the same time."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from services.extractor.app import MIGRATIONS
from services.extractor.reading import Reading
from services.extractor.tables import ARTICLES
from services.extractor.versions.remember import Asked, Memory
from shared import ids
from shared.db import Database, migrate, open_database
from shared.events import Language
from tests.fakes.pages import OBSERVED

ONE = "Three ministers signed the declaration in Tirana."
TWO = "Serbia protested against the declaration on the same day."


@pytest.fixture
async def migrated(database: Database) -> Database:
    """A database with the extractor's table."""
    await migrate(database, "extractor", MIGRATIONS)
    return database


def asked(text: str, page_id: str, *, article: str = "a", after: int = 0) -> Asked:
    """A reading of an article with some text, seen so many minutes later."""
    reading = Reading(
        article_id=article, version_id=ids.article_version(article, text), text_hash=ids.of("text", text),
        canonical_url=f"https://lajmi.test/{article}", title="T", lead="", text=text, language=Language(macro="sq"),
    )  # fmt: skip
    return Asked(reading, page_id, "lajmi", OBSERVED + timedelta(minutes=after))


async def test_versions_follow_each_other_and_known_texts_are_unchanged(migrated: Database) -> None:
    memory = Memory(migrated)
    first = (await memory.decide(asked(ONE, "p1"))).version
    same = (await memory.decide(asked(ONE, "p2", after=1))).version
    second = (await memory.decide(asked(TWO, "p3", after=2))).version
    back = (await memory.decide(asked(ONE, "p4", after=3))).version
    assert first is not None and second is not None
    assert (first.previous, second.previous) == ("", first.id)
    assert same is None and back is None


async def test_a_page_that_comes_again_gets_its_first_answer_after_a_restart_too(migrated: Database) -> None:
    first = await Memory(migrated).decide(asked(ONE, "p1"))
    await Memory(migrated).decide(asked(TWO, "p2"))
    assert await Memory(migrated).decide(asked(ONE, "p1", after=9)) == first
    assert (await Memory(migrated).decide(asked("read otherwise by a newer extractor", "p1"))) == first


async def test_many_at_once_each_get_their_own_answer(migrated: Database) -> None:
    memory = Memory(migrated)
    wanted = [asked(f"The ministers signed {n % 3} declarations.", f"p{n}", article=f"a{n // 3}") for n in range(300)]
    decisions = await asyncio.gather(*map(memory.decide, wanted))
    assert all(one.version is not None for one in decisions)
    async with migrated.transaction() as connection:
        assert await connection.scalar(sa.select(sa.func.count()).select_from(ARTICLES)) == 100


async def test_two_replicas_agree_on_who_was_first(database_url: str, migrated: Database) -> None:
    other = open_database(database_url)
    memories = [Memory(migrated), Memory(other)]
    wanted = [asked("same text", f"p{n}", article=f"a{n // 10}") for n in range(200)]
    decisions = await asyncio.gather(*(memories[n % 2].decide(one) for n, one in enumerate(wanted)))
    await other.close()
    assert sum(one.version is not None for one in decisions) == 20


async def test_a_transaction_that_fails_fails_its_askers_and_the_next_try_succeeds(database: Database) -> None:
    memory = Memory(database)
    with pytest.raises((sa.exc.OperationalError, sa.exc.ProgrammingError)):  # the table is not there yet
        await memory.decide(asked(ONE, "p1"))
    await migrate(database, "extractor", MIGRATIONS)
    assert (await memory.decide(asked(ONE, "p1"))).version is not None
