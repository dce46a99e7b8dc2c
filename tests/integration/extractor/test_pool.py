"""The pool: a page can cost a worker, never the service, its neighbours or the pages after it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.extractor.reading import ExtractOutcome, NoArticle, Reading
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared.errors import Rejected
from tests.fakes.pages import html, page

NO_PACK = Path("no-such-pack")
KILLERS: Any = {"full": "tests.fakes.page_killers:full", "cheap": "tests.fakes.page_killers:cheap"}


async def _started(plan: Plan, *, deadline: float = 0.5, workers: int = 2, recycle: int = 0) -> Readers:
    readers = Readers(plan, workers=workers, deadline=timedelta(seconds=deadline), recycle=recycle)
    await readers.start()
    return readers


@pytest.fixture
def killing() -> Plan:
    return Plan(NO_PACK, 1024, 60, **KILLERS)


@pytest.fixture
async def real() -> AsyncIterator[Readers]:
    """Workers that read pages as in production."""
    started = await _started(Plan(NO_PACK, 1024, 60), deadline=30)
    yield started
    await started.close()


@pytest.mark.parametrize(("word", "reason"), [("spin", "deadline"), ("die", "worker_died"), ("eat", "memory")])
async def test_a_page_that_costs_two_workers_is_rejected_and_its_neighbours_go_on(
    killing: Plan, word: str, reason: str
) -> None:
    readers = await _started(killing, deadline=0.5 if word == "spin" else 60)
    bad = asyncio.create_task(readers.read(page(f"{word} {word}")))
    good = await asyncio.gather(*(readers.read(page(f"ok ok {number}")) for number in range(20)))
    assert all(isinstance(one, NoArticle) and one.outcome is ExtractOutcome.NOT_ARTICLE for one in good)
    with pytest.raises(Rejected) as caught:
        await bad
    assert caught.value.reason == reason
    await readers.close()


@pytest.mark.parametrize("word", ["spin", "die", "eat", "fail"])
async def test_a_page_that_fails_once_is_read_the_cheap_way(killing: Plan, word: str) -> None:
    readers = await _started(killing, deadline=2)
    answer = await readers.read(page(f"{word} ok"))
    await readers.close()
    assert isinstance(answer, NoArticle) and answer.detail.startswith("cheap")


async def test_a_defect_in_both_ways_is_a_defect(killing: Plan) -> None:
    readers = await _started(killing, deadline=60)
    with pytest.raises(RuntimeError, match="a defect of ours"):
        await readers.read(page("fail fail"))
    await readers.close()


async def test_an_idle_worker_that_is_killed_is_replaced_at_no_charge_to_pages(killing: Plan) -> None:
    readers = await _started(killing, workers=1, deadline=30)
    first = await readers.read(page("ok ok"))
    assert isinstance(first, NoArticle)
    os.kill(int(first.detail.split()[1]), signal.SIGKILL)
    answers = await asyncio.gather(*(readers.read(page(f"ok ok {number}")) for number in range(5)))
    assert {one.outcome for one in answers if isinstance(one, NoArticle)} == {ExtractOutcome.NOT_ARTICLE}
    await readers.close()


async def test_workers_are_recycled_after_their_share_of_pages(killing: Plan) -> None:
    readers = await _started(killing, workers=1, recycle=3, deadline=30)
    answers = [await readers.read(page(f"ok ok {number}")) for number in range(8)]
    assert len({one.detail for one in answers if isinstance(one, NoArticle)}) >= 3
    await readers.close()


async def test_a_page_of_100_000_attributes_is_read(real: Readers) -> None:
    attributes = " ".join(f'data-a{number}="{number}"' for number in range(100_000))
    monster = html().replace("<article>", f"<article {attributes}>")
    answer = await real.read(page(monster))
    assert isinstance(answer, Reading)
    assert "joint exercises" in answer.text
    assert answer.methods["text"] == "trafilatura"


async def test_nesting_that_ends_a_parser_ends_no_worker(real: Readers) -> None:
    deep = "<html><body>" + "<div>" * 50_000 + "<p>text</p>" + "</div>" * 50_000 + "</body></html>"
    answer, neighbour = await asyncio.gather(real.read(page(deep)), real.read(page(html())))
    assert isinstance(answer, NoArticle)
    assert isinstance(neighbour, Reading)


async def test_an_entity_list_of_the_pack_is_used(tmp_path: Path) -> None:
    (tmp_path / "entities.yaml").write_text(
        "version: 1\nentities:\n- {id: tirana, type: metonym, label: {en: Tirana}, side: albania, names: [Tirana]}\n"
    )
    readers = await _started(Plan(tmp_path, 1024, 60), workers=1, deadline=30)
    answer = await readers.read(page(html()))
    assert isinstance(answer, Reading)
    assert {(one.entity_id, one.side) for one in answer.entities} == {("tirana", "albania")}
    assert all(
        one.span.surface == {"title": answer.title, "text": answer.text}[one.span.field][one.span.start : one.span.end]
        for one in answer.entities
    )
    await readers.close()


async def test_workers_die_with_a_service_that_is_killed() -> None:
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.reader_process", stdout=asyncio.subprocess.PIPE
    )
    assert service.stdout is not None
    worker = int(await service.stdout.readline())
    assert _runs(worker)
    service.kill()
    await service.wait()
    async with asyncio.timeout(30):
        while _runs(worker):
            await asyncio.sleep(0.05)


def _runs(process: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
