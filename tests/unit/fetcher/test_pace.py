"""One request a domain at a time, a distance between them, pauses; jobs in fair order."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from services.fetcher.manners.pace import Pace
from services.fetcher.pages.frontier import Frontier
from services.fetcher.store import Item, Job
from shared.clock import SteppedClock
from shared.events import Entry, Mode, Source

START = datetime(2025, 3, 18, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def job(number: int, host: str = "a.test", mode: Mode = Mode.LIVE) -> Job:
    item = Item(
        entry_id=str(number), source=Source(id="s", name="S"), url=f"http://{host}/{number}", entry=Entry(), mode=mode,
        observed=START, seen=START,
    )  # fmt: skip
    return Job(item)


async def test_requests_to_a_domain_keep_their_distance_and_others_do_not_wait() -> None:
    clock = SteppedClock(START)
    pace = Pace(clock, spacing=SECOND, cap=10)
    done: list[str] = []

    async def visit(url: str) -> None:
        async with pace.turn(url):
            done.append(url)

    urls = ["http://x.a.test/1", "http://y.a.test/2", "http://b.test/1"]
    tasks = [asyncio.create_task(visit(url)) for url in urls]
    await settle()
    assert done == [urls[0], urls[2]]
    clock.advance_to(START + SECOND)
    await asyncio.gather(*tasks)
    assert done[-1] == urls[1]


async def test_a_crawl_delay_lengthens_the_distance_and_zero_switches_it_off() -> None:
    clock = SteppedClock(START)
    pace = Pace(clock, spacing=SECOND, cap=10)
    async with pace.turn("http://a.test/", delay=5 * SECOND):
        pass
    waiting = asyncio.create_task(_visit(pace, "http://a.test/"))
    clock.advance_to(START + 4 * SECOND)
    await settle()
    assert not waiting.done()
    clock.advance_to(START + 5 * SECOND)
    await waiting
    for _ in range(3):
        async with pace.turn("http://a.test/", spacing=timedelta(), delay=5 * SECOND):
            pass


async def _visit(pace: Pace, url: str) -> None:
    async with pace.turn(url):
        pass


async def test_the_cap_holds_over_all_domains() -> None:
    pace = Pace(SteppedClock(START), spacing=SECOND, cap=2)
    inside, most = 0, 0

    async def visit(url: str) -> None:
        nonlocal inside, most
        async with pace.turn(url):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(visit(f"http://{number}.test/") for number in range(10)))
    assert most == 2


def test_a_pause_is_for_the_whole_domain_and_ends() -> None:
    clock = SteppedClock(START)
    pace = Pace(clock, spacing=SECOND, cap=1)
    pace.pause("http://www.a.test/feed", 60 * SECOND)
    pace.pause("http://www.a.test/feed", 5 * SECOND)
    assert pace.paused("http://a.test/page") == 60 * SECOND
    assert not pace.paused("http://b.test/")
    clock.advance_to(START + 60 * SECOND)
    assert not pace.paused("http://a.test/")


def test_news_comes_before_history_and_domains_take_turns() -> None:
    frontier = Frontier(Pace(SteppedClock(START), spacing=SECOND, cap=1), one_each=True)
    for number, host, mode in (
        (1, "a.test", Mode.BACKFILL), (2, "a.test", Mode.LIVE), (3, "b.test", Mode.LIVE), (4, "www.a.test", Mode.LIVE)
    ):  # fmt: skip
        frontier.add(job(number, host, mode))
    frontier.add(job(1))
    first, second = frontier.take(START), frontier.take(START)
    assert first and second and [first.item.entry_id, second.item.entry_id] == ["2", "3"]
    assert frontier.take(START) is None and not frontier.ready(START)
    frontier.finish(first)
    third = frontier.take(START)
    assert third and third.item.entry_id == "4"
    assert len(frontier) == 3


def test_later_tries_wait_for_their_time_and_pauses_are_no_work() -> None:
    clock = SteppedClock(START)
    pace = Pace(clock, spacing=SECOND, cap=1)
    frontier = Frontier(pace, one_each=True)
    frontier.add(job(1))
    taken = frontier.take(START)
    assert taken
    frontier.retry(taken, 1, START + SECOND)
    assert not frontier.ready(START) and frontier.next_change() == START + SECOND
    assert frontier.ready(START + SECOND)
    pace.pause("http://a.test/", 10 * SECOND)
    assert not frontier.ready(START + SECOND) and frontier.waiting_for_hosts()
    clock.advance_to(START + 10 * SECOND)
    again = frontier.take(START + SECOND)
    assert again and again.attempts == 1


def test_what_finds_no_room_is_left_in_the_table() -> None:
    frontier = Frontier(Pace(SteppedClock(START), spacing=SECOND, cap=1), one_each=False, room=4)
    for number in range(6):
        frontier.add(job(number))
    assert len(frontier) == 4 and frontier.overflowed and not frontier.wants_more()
    for _ in range(2):
        taken = frontier.take(START)
        assert taken
        frontier.finish(taken)
    assert frontier.wants_more()
