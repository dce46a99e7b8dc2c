"""New terms in a simulated stream: what is found, how soon, what is told wrongly, and whether anything is told twice.

`make bench BENCH=novelty ARGS="--seed 3 --config days=10"` (or WIREWATCH_BENCH_SEED and _CONFIG) plays another
stream; see `_stream.Config` for what can be changed. Goals: 0.9 of the planted families within three independent
clusters, at most two false ones a day, none after a restart or a replay, each once.
"""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median

from rich.progress import Progress

from services.alerter.judge.judge import Judge
from shared import db
from shared.db import Database, open_database
from shared.events import AlertKind, AlertRaised, AlertState
from shared.text.fold import fold_text
from tests.bench._config import configured
from tests.bench._report import Goals
from tests.bench._standalone import printed
from tests.bench._stream import Config, Item, Stream, replayed, stream
from tests.fakes.judging import feed, judge_on, prepared, raised

WITHIN_CLUSTERS, RESTARTS, REPLAYED = 3, 6, 400
GOALS: Goals = {
    "recall_within_three_clusters": ("at least", 0.9), "false_a_day": ("at most", 2.0), "told_twice": ("at most", 0),
    "after_restart_or_replay": ("at most", 0),
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What was told."""

    found: dict[str, datetime] = field(default_factory=dict)
    twice: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    rolled_up: int = 0


async def judged(config: Config, *, bar: bool = False) -> Mapping[str, float]:
    """Play a stream through judging with SQL: restarts in between, a replay in the middle, everything again at the
    end."""
    made = stream(config)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Progress(disable=not bar) as progress:
        database = open_database(f"sqlite:///{folder}/judge.db")
        await db.migrate(database, "shared", Path(db.__file__).parent / "migrations")
        task = progress.add_task("judged", total=len(made.items))
        alerts, again = await _played(database, made, lambda count: progress.advance(task, count))
        await database.close()
    return figures(made, alerts, again)


async def _played(database: Database, made: Stream, told: object) -> tuple[list[AlertRaised], int]:
    judge: Judge = await prepared(database)
    alerts: list[AlertRaised] = []
    again, step = 0, max(1, len(made.items) // (RESTARTS + 1))
    for at in range(0, len(made.items), step):
        part = made.items[at : at + step]
        alerts += raised(await feed(judge, [item.match for item in part], batch=64))
        judge = judge_on(database)  # as a process that has just started
        some = replayed(part[-REPLAYED // RESTARTS :])
        again += _new(raised(await feed(judge, [item.match for item in some], batch=64)), ())
        told(len(part))  # type: ignore[operator]
    known = {(one.id, one.revision) for one in alerts}
    once_more = raised(await feed(judge_on(database), [item.match for item in made.items[-step:]], batch=64))
    return alerts, again + _new(once_more, known)


def _new(alerts: Sequence[AlertRaised], known: object) -> int:
    """First sightings among alerts that were not told before under the same id."""
    return sum(
        one.kind is AlertKind.FIRST_SEEN and one.state is AlertState.OPEN and (one.id, one.revision) not in known  # type: ignore[operator]
        for one in alerts
    )


def figures(made: Stream, alerts: Sequence[AlertRaised], again: int) -> dict[str, float]:
    """The figures of a stream."""
    tally, live_days = tallied(made, alerts), made.config.days
    uses = _uses(made.items)
    delays = [_clusters(uses[name], when) for name, when in tally.found.items()]
    return {
        "articles": len(made.items), "planted": len(made.planted), "found": len(tally.found),
        "recall": round(len(tally.found) / len(made.planted), 3),
        "recall_within_three_clusters": round(sum(one <= WITHIN_CLUSTERS for one in delays) / len(made.planted), 3),
        "median_clusters": float(median(delays)) if delays else 0.0,
        "false": len(tally.false), "false_a_day": round(len(tally.false) / live_days, 2),
        "told_twice": len(tally.twice), "rolled_up": tally.rolled_up, "after_restart_or_replay": again,
    }  # fmt: skip


def tallied(made: Stream, alerts: Sequence[AlertRaised]) -> Tally:
    """Every first sighting as a planted word, a repetition or a false one."""
    forms = {fold_text(form): one.stem for one in made.planted for form in one.forms}
    tally = Tally()
    for one in alerts:
        if one.kind is not AlertKind.FIRST_SEEN or one.state is not AlertState.OPEN:
            continue
        if one.novelty is None:
            tally.rolled_up += 1
            continue
        words = {word for form in one.novelty.forms for word in fold_text(form).split()}
        stems = {forms[word] for word in words if word in forms}
        for name in stems:
            if name in tally.found:
                tally.twice.append(one.headline)
            tally.found.setdefault(name, one.observed)
        if not stems:
            tally.false.append(one.headline)
    return tally


def _uses(items: Sequence[Item]) -> dict[str, dict[int, datetime]]:
    """When each cluster first used each planted word, live."""
    uses: dict[str, dict[int, datetime]] = defaultdict(dict)
    for item in items:
        for name in item.planted:
            moment = item.match.observed
            uses[name][item.cluster] = min(uses[name].get(item.cluster, moment), moment)
    return uses


def _clusters(uses: Mapping[int, datetime], when: datetime) -> int:
    return sum(moment <= when for moment in uses.values())


async def run() -> dict[str, float | str]:
    """One stream."""
    seed = int(os.environ.get("WIREWATCH_BENCH_SEED", "1"))
    config = configured(Config(seed=seed), os.environ.get("WIREWATCH_BENCH_CONFIG", ""))
    found: dict[str, float | str] = {"seed": seed, **await judged(config, bar=True)}
    printed("new terms in a simulated stream", found)
    return found
