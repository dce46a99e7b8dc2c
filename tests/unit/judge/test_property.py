"""Whatever the loop does with the order of batches, repeats and restarts, a watch tells the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from shared import db
from shared.db import open_database
from shared.step import Outcome
from tests.fakes.judging import judge_on, prepared, raised, work
from tests.fakes.news import demo_articles, matched

MATCHES = [matched(one.article) for one in demo_articles() if one.about and one.article.language.macro == "hbs"][:24]
CUTS = st.lists(st.integers(1, 9), min_size=3, max_size=12)


async def judged(cuts: list[int], repeats: list[int], restarts: set[int]) -> list[tuple[str, int]]:
    """The alerts of the matches cut into batches, some sent again from a place before, with restarts between."""
    with TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{folder}/judge.db")
        await db.migrate(database, "shared", Path(db.__file__).parent / "migrations")
        judge = await prepared(database)
        outcomes: list[Outcome] = []
        at, turn = 0, 0
        while at < len(MATCHES):
            size = cuts[turn % len(cuts)]
            back = repeats[turn % len(repeats)] if repeats else 0
            if turn in restarts:
                judge = judge_on(database)
            outcomes += await judge.judge([work(match) for match in MATCHES[max(0, at - back) : at + size]])
            at, turn = at + size, turn + 1
        await database.close()
    return list(dict.fromkeys((one.id, one.revision) for one in raised(outcomes)))


PLAIN = asyncio.run(judged([len(MATCHES)], [], set()))


@settings(max_examples=8, deadline=None)
@given(cuts=CUTS, repeats=st.lists(st.integers(0, 5), max_size=6), restarts=st.sets(st.integers(0, 12)))
def test_batches_repeats_and_restarts_change_nothing(cuts: list[int], repeats: list[int], restarts: set[int]) -> None:
    assert PLAIN
    assert asyncio.run(judged(cuts, repeats, restarts)) == PLAIN
