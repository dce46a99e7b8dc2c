"""Who is next: news before history wherever it is from, the newest of history first, and room for news always."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.manners.pace import Pace
from services.fetcher.pages.frontier import Frontier
from services.fetcher.store import Item, Job
from shared.clock import SteppedClock
from shared.events import Entry, Mode, Published, Source

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def job(name: str, mode: Mode = Mode.LIVE, *, age: int | None = 0) -> Job:
    """`name` is host/number."""
    published = None if age is None else Published(at=NOW - age * HOUR, origin="feed")
    return Job(
        Item(entry_id=name, source=Source(id="s", name="S"), url=f"http://{name}", entry=Entry(), published=published,
             mode=mode, observed=NOW, seen=NOW)
    )  # fmt: skip


def frontier(*jobs: Job, one_each: bool = False, room: int = 1_000) -> Frontier:
    made = Frontier(Pace(SteppedClock(NOW), spacing=timedelta(), cap=1), one_each=one_each, room=room)
    for one in jobs:
        made.add(one)
    return made


def taken(made: Frontier) -> list[str]:
    found = []
    while (one := made.take(NOW)) is not None:
        found.append(one.item.entry_id)
        made.finish(one)
    return found


def test_of_history_the_newest_comes_first_and_what_has_no_date_last() -> None:
    ages = {"a.test/1": 72, "a.test/2": 30, "a.test/3": None, "a.test/4": 48}
    made = frontier(*(job(name, Mode.BACKFILL, age=age) for name, age in ages.items()), job("a.test/5"), one_each=True)
    assert taken(made) == ["a.test/5", "a.test/2", "a.test/4", "a.test/1", "a.test/3"]


def test_news_of_one_domain_goes_before_the_history_of_all_others() -> None:
    made = frontier(
        *(job(f"h{at}.test/1", Mode.BACKFILL, age=50) for at in range(50)), job("n.test/1"), job("h3.test/2")
    )
    assert set(taken(made)[:2]) == {"n.test/1", "h3.test/2"}


def test_history_leaves_room_for_news() -> None:
    made = frontier(*(job(f"a.test/{at}", Mode.BACKFILL, age=at) for at in range(100)), room=40)
    assert (len(made), made.overflowed) == (30, True)
    made.add(job("b.test/1"))
    assert "b.test/1" in made and not made.wants_more()


def test_a_domain_in_hand_waits_and_its_jobs_are_not_waiting_for_a_host() -> None:
    made = frontier(job("a.test/1"), job("a.test/2", Mode.BACKFILL, age=30), one_each=True)
    first = made.take(NOW)
    assert first is not None and made.take(NOW) is None
    assert not made.ready(NOW) and not made.waiting_for_hosts()
    made.finish(first)
    assert made.ready(NOW) and taken(made) == ["a.test/2"]


JOBS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from([Mode.LIVE, Mode.BACKFILL]),
                          st.one_of(st.none(), st.integers(25, 99))), max_size=40)  # fmt: skip


@given(JOBS, st.booleans())
def test_each_job_comes_out_once_and_no_history_while_there_is_news(
    asked: list[tuple[int, int, Mode, int | None]], one_each: bool
) -> None:
    jobs = {f"h{host}.test/{number}": job(f"h{host}.test/{number}", mode, age=age) for host, number, mode, age in asked}
    made = frontier(*jobs.values(), one_each=one_each)
    order = taken(made)
    assert sorted(order) == sorted(jobs) and len(made) == 0 and not made.waiting_for_hosts()
    modes = [jobs[name].item.mode for name in order]
    assert modes == sorted(modes, key=lambda mode: mode is not Mode.LIVE)
