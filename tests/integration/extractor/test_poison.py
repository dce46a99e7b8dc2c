"""Poisonous documents through real workers: each ends, and an honest page beside it is read as ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.extractor.metrics import POOL_RELIEVED
from services.extractor.reading import NoArticle, Reading
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared.errors import Rejected
from tests.bench._standalone import real_pages
from tests.fakes.mutate import LARGEST, mutated
from tests.fakes.pages import html, page
from tests.fakes.poison import POISON
from tests.faults.documents import run_documents

PACK = Path("deploy/packs/alliance").resolve()


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    """Two workers as in production; the deadline is for a machine that others use, too."""
    started = Readers(Plan(PACK, 1024, 60), workers=2, deadline=timedelta(seconds=60), recycle=0)
    await started.start()
    yield started
    await started.close()


@pytest.mark.slow
async def test_every_poison_is_read_or_refused_and_costs_no_worker(readers: Readers) -> None:
    assert len(POISON) >= 25
    for name, make in POISON.items():
        answer, neighbour = await asyncio.gather(readers.read(page(make())), readers.read(page(html())))
        assert isinstance(answer, Reading | NoArticle), name
        assert isinstance(neighbour, Reading), name


@pytest.mark.slow
@pytest.mark.skipif(not real_pages(), reason="no real pages here: set WIREWATCH_DATA_SETS")
async def test_real_pages_gone_wrong_are_read_or_refused(readers: Readers) -> None:
    chance = random.Random(3)
    pages = [mutated(chance.choice(real_pages()[:40]), chance) for _ in range(60)]
    answers = await asyncio.gather(*(readers.read(page(body)) for body in pages), return_exceptions=True)
    assert all(isinstance(one, Reading | NoArticle | Rejected) for one in answers), answers


def test_mutated_pages_differ_and_stay_within_the_limit() -> None:
    chance = random.Random(1)
    made = {mutated(html().encode() * 200, chance) for _ in range(50)}
    assert len(made) > 40
    assert max(map(len, made)) <= LARGEST


async def test_a_crew_whose_worker_has_grown_is_relieved_between_pages() -> None:
    before = POOL_RELIEVED._value.get()
    readers = Readers(Plan(PACK, 1024, 60), workers=1, deadline=timedelta(seconds=60), recycle=0, largest_mb=1)
    await readers.start()
    answers = [await readers.read(page(html(title=f"Number {number}"))) for number in range(120)]
    await readers.close()
    assert all(isinstance(one, Reading) for one in answers)
    assert POOL_RELIEVED._value.get() == before + 2


@pytest.mark.slow
async def test_a_small_campaign_loses_nothing(tmp_path: Path) -> None:
    report = await run_documents(
        tmp_path, count=560, seed=5, deadline=30, share=0.3, workers=2, pages=(), told=lambda number, what: None
    )
    assert report.poisons >= 10
    assert sum(report.endings.values()) == 560
    assert not [fault for fault in report.faults if "honest documents" not in fault]
