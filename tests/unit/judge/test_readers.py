"""Reading in another process: the same findings, in order, whatever happens to the process."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Sequence
from functools import cache

import msgspec
import pytest

from services.alerter.judge.findings import Findings, find
from services.alerter.judge.readers import LOSSES, PORTION, Portion, Readers
from services.alerter.judge.reading import Reading
from services.alerter.rules import WatchRules, parse_rules
from shared.events import ArticleMatched
from tests.fakes.news import PACK, WATCH_ID, demo_articles, matched


@cache
def matches() -> list[ArticleMatched]:
    return [matched(one.article) for one in demo_articles()]


@cache
def rules() -> dict[str, WatchRules]:
    text = (PACK / "watches" / "defence-alliance.yaml").read_text(encoding="utf-8")
    return {WATCH_ID: parse_rules(WATCH_ID, 1, text)}


def portions(some: Sequence[ArticleMatched]) -> list[Portion]:
    return [Portion(some[at : at + PORTION], rules()) for at in range(0, len(some), PORTION)]


def read_here(some: Sequence[ArticleMatched]) -> list[Findings]:
    return [find(Reading(one), rules()[one.watch_id]) for one in some]


async def read_all(readers: Readers, batch: Sequence[Portion]) -> list[Findings]:
    readers.begin(batch)
    return [one for at in range(len(batch)) for one in await readers.read(at, batch)]


@pytest.fixture
async def readers() -> AsyncIterator[Readers]:
    found = Readers(1)
    await started(found)
    yield found
    await found.close()


async def started(readers: Readers) -> None:
    """Bring backlogs, the first of which starts the process, until it is there."""
    while not readers.is_ready and readers.losses < LOSSES:
        await read_all(readers, portions(matches()))


def kill_all() -> None:
    for one in multiprocessing.active_children():
        one.kill()


def test_findings_survive_the_way_between_processes_whole() -> None:
    here = read_here(matches())
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(here), type=list[Findings])
    assert sent == here
    assert any(one.statements.get("serbia") for one in here), "the demo has reactions"
    assert any(one.named for one in here), "and words for the thing"


async def test_a_process_finds_what_is_found_here_in_order(readers: Readers) -> None:
    batch = portions(matches())
    assert await read_all(readers, batch) == read_here(matches())
    assert any(one.begun is not None and not one.begun.cancelled() for one in batch), "some were read aside"


async def test_few_articles_start_no_process() -> None:
    readers = Readers(1)
    some = matches()[:PORTION]
    for _ in range(3):
        assert await read_all(readers, portions(some)) == read_here(some)
        await asyncio.sleep(0.2)
    assert not readers.is_ready
    assert multiprocessing.active_children() == []


async def test_a_process_that_dies_costs_nothing_and_comes_back_until_it_dies_too_often(readers: Readers) -> None:
    for lost in range(1, LOSSES + 1):
        kill_all()
        while readers.losses < lost:
            assert await read_all(readers, portions(matches())) == read_here(matches())
        await started(readers)
        assert readers.is_ready is (lost < LOSSES)
    assert await read_all(readers, portions(matches())) == read_here(matches())


async def test_a_process_killed_over_its_texts_has_them_read_here(readers: Readers) -> None:
    batch = portions(matches())
    readers.begin(batch)
    kill_all()
    assert [one for at in range(len(batch)) for one in await readers.read(at, batch)] == read_here(matches())


async def test_what_reading_raises_is_told(readers: Readers) -> None:
    batch = [Portion(one.matches, {}) for one in portions(matches())]
    with pytest.raises(KeyError, match=WATCH_ID):
        await read_all(readers, batch)


async def test_with_none_everything_is_read_here() -> None:
    readers = Readers(0)
    assert await read_all(readers, portions(matches())) == read_here(matches())
    assert not readers.is_ready
    await readers.close()
