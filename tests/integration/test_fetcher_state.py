"""The fetcher's tables, its robots files over time, and landing on the real embedded log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from services import fetcher
from services.fetcher import store
from services.fetcher.entries.recognise import Known
from services.fetcher.land import Landing
from services.fetcher.metrics import PageOutcome
from services.fetcher.store import Changes, Found, Item, SourceState, Tried
from services.fetcher.tables import METADATA
from shared import db, ids
from shared.bus import Partition
from shared.bus.embedded import EmbeddedBus
from shared.clock import RealClock
from shared.codec import decode
from shared.db import Database
from shared.events import Entry, Mode, PageFetched, Published, Source
from shared.topics import PAGES_FETCHED, all_specs
from tests.fakes.fake_bus import FakePublisher

START = datetime(2025, 3, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MIGRATIONS = Path(fetcher.__file__).parent / "migrations"


@pytest.fixture
async def tables(database: Database) -> Database:
    await db.migrate(database, "fetcher", MIGRATIONS)
    return database


def item(number: int) -> Item:
    return Item(
        entry_id=f"e{number}", source=Source(id="s", name="С"), url=f"http://e.test/{number}", mode=Mode.LIVE,
        entry=Entry(title="Вест", content="<p>\u2028"), observed=START, seen=START,
        published=Published(at=START, origin="feed"),
    )  # fmt: skip


def event(number: int, body: bytes = b"x") -> PageFetched:
    made = item(number)
    return PageFetched(
        id=ids.page(made.entry_id, body), observed=START, entry_id=made.entry_id, source=made.source, url=made.url,
        final_url=made.url, status=200, body=body,
    )  # fmt: skip


async def test_migrations_make_the_tables_the_code_speaks_of(tables: Database) -> None:
    def differences(connection: sa.Connection) -> list[object]:
        from alembic.autogenerate import compare_metadata
        from alembic.migration import MigrationContext

        options = {
            "include_object": lambda _object, name, kind, *_: kind != "table" or str(name).startswith("fetcher_"),
            "compare_type": False,
        }
        context = MigrationContext.configure(connection, opts={**options, "version_table": "fetcher_schema"})
        found = compare_metadata(context, METADATA)
        return [one for one in found if not (one[0] == "remove_table" and one[1].name == "fetcher_schema")]

    async with tables.engine.begin() as connection:
        assert await connection.run_sync(differences) == []


async def test_rows_come_back_as_they_went(tables: Database) -> None:
    state = SourceState(
        source_id="s", url="http://e.test/", next_due=START + timedelta(microseconds=1), failures=2, seeded=True,
        etag='W/"x"', last_checked=START,
    )  # fmt: skip
    found = tuple(Found(item(number), PageOutcome.NO_LINK if number == 3 else None) for number in range(4))
    async with tables.transaction() as connection:
        await store.write(connection, [Changes(source=state, found=found)])
        await store.write(connection, [
            Changes(found=found), Changes(tried=Tried("e0", 1, PageOutcome.PUBLISHED)),
            Changes(tried=Tried("e1", 2, None, START + HOUR)),
        ])  # fmt: skip
    async with tables.transaction() as connection:
        assert await store.source_states(connection) == {"s": state}
        jobs = await store.pending(connection, 10)
        assert [(job.item, job.attempts, job.retry_at) for job in jobs] == [
            (item(1), 2, START + HOUR), (item(2), 0, None),
        ]  # fmt: skip
        assert await store.count_pending(connection) == 2
        asked = [f"e{number}" for number in range(1_500)]
        assert await store.known(connection, asked) == {
            "e0": Known(START), "e1": Known(START), "e2": Known(START), "e3": Known(START, lost=True),
        }  # fmt: skip


# -- landing ------------------------------------------------------------------------------------------------------


async def test_landing_on_the_embedded_log(tables: Database, tmp_path: Path) -> None:
    bus = await EmbeddedBus.open(tmp_path / "log.db")
    await bus.ensure_topics(all_specs())
    landing = Landing(await bus.publisher(), tables, RealClock())
    async with tables.transaction() as connection:
        await store.write(connection, [Changes(found=tuple(Found(item(number)) for number in range(300)))])
    sent = [event(number, b"x" * number) for number in range(300)]
    landed = await asyncio.gather(
        *(landing.land(one, Changes(tried=Tried(one.entry_id, 1, PageOutcome.PUBLISHED))) for one in sent)
    )
    assert all(landed)
    places = [Partition(PAGES_FETCHED.name, number) for number in range(PAGES_FETCHED.partitions)]
    records = [record for place in places for record in await bus.read(place, 0, 1_000)]
    assert sorted(decode(record, PageFetched).id for record in records) == sorted(one.id for one in sent)
    async with tables.transaction() as connection:
        assert await store.count_pending(connection) == 0
    await landing.close(1.0)
    await bus.close()


async def test_one_round_carries_what_came_meanwhile(tables: Database) -> None:
    publisher = FakePublisher()
    publisher.gate.clear()
    landing = Landing(publisher, tables, RealClock())
    waiting = [asyncio.create_task(landing.land(event(number), Changes())) for number in range(100)]
    await asyncio.sleep(0.01)
    publisher.gate.set()
    await asyncio.gather(*waiting)
    assert len(publisher.messages) == 100 and publisher.calls == 1


async def test_one_that_is_too_large_does_not_hold_up_its_neighbours(tables: Database) -> None:
    publisher = FakePublisher(largest=5_000)
    landing = Landing(publisher, tables, RealClock())
    bodies = [b"x", b"x" * 10_000, b"xx"]
    landed = await asyncio.gather(*(landing.land(event(number, body), Changes()) for number, body in enumerate(bodies)))
    assert landed == [True, False, True]
    assert [one.body for one in publisher.events(PageFetched)] == [b"x", b"xx"]


async def test_a_defect_reaches_everybody_who_waits(tables: Database) -> None:
    landing = Landing(FakePublisher(), tables, RealClock())
    naive = datetime(2025, 3, 18)  # noqa: DTZ001 - the defect
    tried = Changes(tried=Tried("e1", 1, None, naive))
    results = await asyncio.gather(*(landing.land(None, tried) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(result, Exception) for result in results)
