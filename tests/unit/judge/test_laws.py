"""Laws of judging, on small streams: how the log delivers them changes nothing, and in what order articles of the same
minutes come does not decide what is told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.alerter import published
from services.alerter.judge.causes import Cause, watch_of
from services.alerter.judge.settings import JudgeSettings
from shared import db, ids
from shared.db import open_database
from shared.events import AlertRaised, ArticleMatched, Mode, TimePassed
from tests.fakes.judging import START, judge_on, prepared, raised, tried, work
from tests.unit.judge.test_reaction import article

WATCH = """
title: T
alerts:
  - {kind: match, id: any-new, resolve: 2h}
  - {kind: first_seen, id: new, sources: 2, within: 3h, unconfirmed: true}
  - {kind: reaction, id: belgrade, actor: {side: serbia}}
  - {kind: second_source, id: second}
"""
PLAIN = """
title: T
alerts:
  - {kind: match, id: any-new}
  - {kind: first_seen, id: new, sources: 2, within: 3h}
  - {kind: reaction, id: belgrade, actor: {side: serbia}}
"""
OFF = JudgeSettings(
    alerts_per_day=10**6, new_terms_per_hour=10**6, warm_documents=0, warm_for=timedelta(0), confirm_sources=2
)
WATCHES = ("w", "v")
TITLES = (
    "Blokadnik protiv saveza", "Savez i „kovitlac“", "Novi savez i „zeleni blokadnik“", "Vučić osudio savez",
    "Vučić pozdravio savez", "Beograd upozorio na savez", "Vulin odbacio savez", "Savez: „glasovnik“ o „kovitlacu“",
)  # fmt: skip
TEXTS = (
    "Savez izaziva {0}, pišu novine {0} danas u gradu.", "Ministri o savezu: {0} javlja sa lica mesta bez detalja.",
    "Blokadnici i savez, tvrdi {0}, imaju svoje izvore o svemu.",
)  # fmt: skip
SOURCES = ("alfa", "beta", "gama", "delta")

Row = tuple[int, int, int, int]
"""An article: its title, its text, its source, and minutes since the one before."""
ROWS = st.tuples(
    st.integers(0, len(TITLES) - 1), st.integers(0, len(TEXTS) - 1), st.integers(0, len(SOURCES) - 1),
    st.sampled_from([0, 1, 3, 20, 90, 200]),
)  # fmt: skip
STREAMS = st.lists(ROWS, min_size=1, max_size=9)


def stream(rows: Sequence[Row], *, watch: str = "w", history: frozenset[int] = frozenset()) -> list[ArticleMatched]:
    """The matches of a watch, in order; those at the places in `history` are replayed."""
    minutes, found = 0, []
    for at, (title, text, source, gap) in enumerate(rows):
        minutes += gap
        mode = Mode.REPLAY if at in history else Mode.LIVE
        one = article(
            TITLES[title], TEXTS[text].format(SOURCES[source]), source=SOURCES[source], minutes=minutes, mode=mode,
            name=f"{at}",
        )  # fmt: skip
        found.append(msgspec.structs.replace(one, id=ids.match(watch, one.article.id), watch_id=watch))
    return found


# ---- delivery --------------------------------------------------------------------------------------------------------


@cache
def template() -> Path:
    """A database with its tables and both watches."""
    path = Path(mkdtemp(prefix="wirewatch-laws-")) / "judge.db"

    async def made() -> None:
        database = open_database(f"sqlite:///{path}")
        await db.migrate(database, "shared", Path(db.__file__).parent / "migrations")
        await prepared(database, watch=WATCH, watch_id="w")
        await published.publish(database, "v", WATCH, START)
        await database.close()

    asyncio.run(made())
    return path


def delivered(batches: Sequence[Sequence[Cause]]) -> dict[str, list[tuple[str, int, str]]]:
    """What each watch tells, every telling once, in order."""
    return asyncio.run(_delivered(template(), batches))


async def _delivered(ready: Path, batches: Sequence[Sequence[Cause]]) -> dict[str, list[tuple[str, int, str]]]:
    with TemporaryDirectory() as folder:
        shutil.copy(ready, Path(folder) / "judge.db")
        database = open_database(f"sqlite:///{folder}/judge.db")
        judge = judge_on(database, OFF)
        alerts: list[AlertRaised] = []
        for batch in batches:
            alerts += raised(await judge.judge([work(cause) for cause in batch]))
        await database.close()
    told = dict.fromkeys((one.watch_id, one.id, one.revision, one.state.value) for one in alerts)
    return {name: [(id_, revision, state) for watch, id_, revision, state in told if watch == name] for name in WATCHES}


def with_times(causes: Sequence[ArticleMatched], moments: Sequence[float]) -> list[Cause]:
    """Before live articles, the watch is told a time up to theirs: at a share of the way from the one before."""
    found: list[Cause] = []
    last = causes[0].observed if causes else START
    for at, one in enumerate(causes):
        share = moments[at % len(moments)] if moments else 0
        if share and one.mode is Mode.LIVE and one.observed >= last:
            until = last + (one.observed - last) * share
            found.append(TimePassed(id=ids.time_passed(one.watch_id, until), observed=until, watch_id=one.watch_id))
        last = max(last, one.observed)
        found.append(one)
    return found


def interleaved(first: Sequence[Cause], second: Sequence[Cause], turns: Sequence[bool]) -> list[Cause]:
    """Both in their own order; a turn says whose cause comes next."""
    waiting = [list(first), list(second)]
    found: list[Cause] = []
    for turn in turns:
        found += [waiting[turn].pop(0)] if waiting[turn] else []
    return [*found, *waiting[0], *waiting[1]]


def cut(causes: Sequence[Cause], sizes: Sequence[int], backs: Sequence[int]) -> list[Sequence[Cause]]:
    """Batches of these sizes; each begins some causes before where the last one ended, as after a commit that was lost.
    Each cause may stand twice in one batch, too."""
    batches: list[Sequence[Cause]] = []
    at = turn = 0
    while at < len(causes):
        size, back = sizes[turn % len(sizes)], backs[turn % len(backs)] if backs else 0
        again = causes[max(0, at - back) : at + size]
        batches.append([*again, *again[:back]])
        at, turn = at + size, turn + 1
    return batches


@settings(max_examples=15, deadline=None)
@given(
    rows=STREAMS, others=STREAMS, history=st.frozensets(st.integers(0, 8), max_size=3),
    moments=st.lists(st.sampled_from([0.0, 0.3, 0.9, 1.0]), max_size=4), turns=st.lists(st.booleans(), max_size=18),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=5), backs=st.lists(st.integers(0, 4), max_size=4),
)  # fmt: skip
def test_how_the_log_delivers_changes_nothing(
    rows: list[Row], others: list[Row], history: frozenset[int], moments: list[float], turns: list[bool],
    sizes: list[int], backs: list[int],
) -> None:  # fmt: skip
    first, second = stream(rows, history=history), stream(others, watch="v")
    plain = delivered([[one] for one in (*first, *second)])
    causes = interleaved(with_times(first, moments), with_times(second, moments), turns)
    assert {watch_of(one) for one in causes} <= set(WATCHES)
    assert delivered(cut(causes, sizes, backs)) == plain


# ---- order -----------------------------------------------------------------------------------------------------------

About = set[tuple[str, ...]]


def terms(alerts: Sequence[AlertRaised]) -> About:
    """Every family told, by itself or with another."""
    return {
        (one.watch_id, one.rule_id, family)
        for one in alerts if one.novelty for family in (one.novelty.family, *one.novelty.together)
    }  # fmt: skip


def acts(alerts: Sequence[AlertRaised]) -> About:
    return {(one.watch_id, one.reaction.actor_id, one.reaction.act) for one in alerts if one.reaction}


def late(matches: Sequence[ArticleMatched], delays: Sequence[float]) -> list[ArticleMatched]:
    """The same, each late by a share of the lateness."""
    lateness = OFF.lateness
    waits = [delays[at % len(delays)] * lateness if delays else timedelta(0) for at in range(len(matches))]
    order = sorted(range(len(matches)), key=lambda at: (matches[at].observed + waits[at], at))
    return [matches[at] for at in order]


def both_ways(rows: list[Row], delays: list[float]) -> tuple[list[AlertRaised], list[AlertRaised]]:
    """What is told of a stream in the order of observation, and in that of a log where some are late."""
    matches = stream(rows)
    plain, other = (tried(one, watch=PLAIN, settings=OFF) for one in (matches, late(matches, delays)))
    return plain, other


DELAYS = st.lists(st.floats(0, 1, allow_nan=False), max_size=9)


@settings(max_examples=80, deadline=None)
@given(rows=STREAMS, delays=DELAYS)
def test_the_order_within_lateness_does_not_decide_which_acts_are_told(rows: list[Row], delays: list[float]) -> None:
    plain, other = both_ways(rows, delays)
    assert acts(plain) == acts(other)


@settings(max_examples=80, deadline=None)
@given(rows=STREAMS, delays=DELAYS)
@example(rows=[(2, 1, 3, 0), (0, 2, 1, 171), (2, 1, 2, 3)], delays=[0.0, 0.9, 0.0])  # a phrase and its word
@example(rows=[(3, 0, 3, 0), (3, 0, 2, 63), (6, 0, 2, 1)], delays=[0.9, 0.6, 0.0])  # a name that acts
def test_the_order_within_lateness_does_not_decide_which_terms_are_told(rows: list[Row], delays: list[float]) -> None:
    plain, other = both_ways(rows, delays)
    assert terms(plain) == terms(other)
