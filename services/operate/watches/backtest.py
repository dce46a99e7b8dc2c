"""A version of a watch over articles of the past: the same matching and the same judge as live, over a database of its
own that is thrown away, so that the same input gives the same alerts.

Articles come in the order (observed, article id), whatever order they were read in. Only what matches is kept in
memory; for rules that look at volumes (bursts, silences) a bare row of every article is kept, too.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from services.alerter import published
from services.alerter.judge.app import prepare
from services.alerter.judge.causes import Cause
from services.alerter.judge.judge import Judge
from services.alerter.judge.outside import looks_back
from services.alerter.judge.readers import Readers
from services.alerter.judge.settings import JudgeSettings
from services.alerter.load import loads
from services.alerter.match.compile import Engine, build
from services.alerter.match.match import decided, event_of, lost
from services.alerter.rules import parse_rules
from services.alerter.watch import Status
from services.operate.watches.tally import Tally
from shared import ids
from shared.bus import Record
from shared.clock import RealClock
from shared.codec import Trace
from shared.db import EPOCH, Database, open_database
from shared.events import AlertRaised, ArticleExtracted, ArticleMatched, SourceChecked, TimePassed
from shared.step import Work
from shared.text.gazetteer import Gazetteer

Seen = ArticleExtracted | SourceChecked
Tick = Callable[[int, int], None]
"""Gets what is done of how much."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a watch, and how it is told from the other one (`file x.yaml`, `published version 3`)."""

    told: str
    watch_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a version made of the input: the articles it matched, and all it told, each telling once."""

    version: Version
    matched: frozenset[str]
    alerts: tuple[AlertRaised, ...]


@dataclass(frozen=True, slots=True)
class Result:
    """The runs, in the order of the versions, and the input: ids of articles and the time they span."""

    runs: tuple[Run, ...]
    articles: frozenset[str]
    first: datetime | None
    last: datetime | None


@dataclass(slots=True)
class _Trial:
    """A version at work."""

    version: Version
    engine: Engine
    causes: list[ArticleMatched] = field(default_factory=list)


@dataclass(slots=True)
class _Input:
    """What was read: the ids of the articles' versions, and their times."""

    known: set[str] = field(default_factory=set)
    articles: set[str] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    time: datetime = EPOCH

    def is_new(self, article: ArticleExtracted) -> bool:
        """Note it; whether this version was not met before (a topic may hold it again, replayed)."""
        new = article.id not in self.known
        self.known.add(article.id)
        self.articles.add(article.article_id)
        self.first = min(self.first or article.observed, article.observed)
        self.last = max(self.last or article.observed, article.observed)
        return new


async def backtest(
    versions: Sequence[Version], seen: AsyncIterable[Seen], gazetteer: Gazetteer, settings: JudgeSettings, *,
    until: datetime | None = None, tick: Tick = lambda _done, _total: None,
) -> Result:  # fmt: skip
    """Run the versions over the same input. Time then passes up to `until`, or the last that was seen: what was
    due by then is told. Raises Faulty for a version that cannot be read."""
    trials = [_Trial(one, _engine(one, gazetteer)) for one in versions]
    tally = Tally() if any(_looks_outside(one) for one in versions) else None
    met = _Input()
    async for one in seen:
        met.time = max(met.time, one.observed)
        if tally is not None:
            tally.add(one)
        if isinstance(one, ArticleExtracted) and met.is_new(one):
            for trial in trials:
                trial.causes += _matched(one, trial.engine)
    for trial in trials:
        trial.causes = _in_order(trial.causes)
    past = _Past(tally, settings, until or met.time, tick, sum(len(trial.causes) for trial in trials))
    runs = [await past.run(trial) for trial in trials]
    return Result(tuple(runs), frozenset(met.articles), met.first, met.last)


def _engine(version: Version, gazetteer: Gazetteer) -> Engine:
    """The compiled watch, whatever its status."""
    watch = loads(version.text, version.told, gazetteer.entities)
    return build([replace(watch, status=Status.ACTIVE)])


def _looks_outside(version: Version) -> bool:
    return any(looks_back(rule) for rule in parse_rules(version.watch_id, 1, version.text).rules)


def _matched(article: ArticleExtracted, engine: Engine) -> Iterator[ArticleMatched]:
    """The match of an article; of a new version that does not match, what a watch hears that knew the one before."""
    _, verdicts, _ = decided(article, engine)
    yield from (event_of(article, verdict, article.observed) for verdict in verdicts)
    if article.previous and not verdicts:
        yield from lost(article, engine, [one.id for one in engine.watches], (), article.observed)


def _in_order(causes: Sequence[ArticleMatched]) -> list[ArticleMatched]:
    """By (observed, article id); what was never held is of no concern to the watch."""
    known: set[str] = set()
    kept: list[ArticleMatched] = []
    for one in sorted(causes, key=lambda one: (one.observed, one.article.article_id)):
        if one.held or one.article.article_id in known:
            known.add(one.article.article_id)
            kept.append(one)
    return kept


@dataclass(slots=True)
class _Past:
    """What every version is judged with; how much of all was judged."""

    tally: Tally | None
    settings: JudgeSettings
    until: datetime
    tick: Tick
    total: int
    done: int = 0

    async def run(self, trial: _Trial) -> Run:
        """A version over what it matched, from an empty memory."""
        with TemporaryDirectory(prefix="wirewatch-backtest-") as folder:
            database = open_database(f"sqlite:///{Path(folder) / 'backtest.db'}")
            try:
                alerts = await self._alerts(trial, database)
            finally:
                await database.close()
        matched = frozenset(one.article.article_id for one in trial.causes if one.held)
        return Run(trial.version, matched, tuple(alerts))

    async def _alerts(self, trial: _Trial, database: Database) -> list[AlertRaised]:
        version = trial.version
        await prepare(database)
        await published.publish(database, version.watch_id, version.text, EPOCH)
        judge = Judge(database, self.settings, RealClock(), Readers(0))
        counting = self.tally.counting(database) if self.tally is not None else None
        size = self.settings.judge_batch if counting is None else 1  # volumes as they stood at every article
        alerts: dict[tuple[str, int], AlertRaised] = {}
        for batch in _batches(trial.causes, version.watch_id, self.until, size):
            if counting is not None:
                await counting.up_to(batch[-1].observed)
            for outcome in await judge.judge([_work(cause) for cause in batch]):
                told = [one for one in outcome.outputs if isinstance(one, AlertRaised)]
                alerts |= {(one.id, one.revision): one for one in told}
            self.done += sum(isinstance(cause, ArticleMatched) for cause in batch)
            self.tick(self.done, self.total)
        return list(alerts.values())


def _batches(matches: Sequence[ArticleMatched], watch_id: str, until: datetime, size: int) -> Iterator[Sequence[Cause]]:
    for at in range(0, len(matches), size):
        yield matches[at : at + size]
    if matches:
        yield [TimePassed(id=ids.time_passed(watch_id, until), observed=until, watch_id=watch_id)]


def _work(cause: Cause) -> Work:
    """A cause as the loop hands it over. Judging does not look at the record, and nobody else owns this database."""
    record = Record(topic="", partition=0, offset=0, timestamp=0, key=None, value=None)
    return Work(cause, record, Trace.start(cause.id), None)
