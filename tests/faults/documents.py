"""Poisonous documents among honest ones, through the real step, consume loop, embedded log and workers.

The oracle: every document is handed to the step once and ends in one outcome or one dead letter, within the deadline
and a second; and the honest ones take, at the 99th percentile, less than twice what they take with no poison about.
A document is timed from when the step gets it; the step has as many in hand as there are workers, so that none waits
behind another and each one's time is its own.

One document in a hundred is poison: a generator of `tests.fakes.poison`, a real page that was mutated (where the data
folder exists), or, one poison in twelve, a page that makes its reader spin, die or eat memory, once or both times.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from services.extractor.app import GROUP, MIGRATIONS
from services.extractor.extract import Extract
from services.extractor.reading import ExtractOutcome
from services.extractor.versions.remember import Memory
from services.extractor.workers.pool import Readers
from services.extractor.workers.worker import Plan
from shared import codec
from shared.bus import Bus, Partition
from shared.bus.embedded import EmbeddedBus
from shared.clock import RealClock
from shared.consume import ConsumeLoop, LoopOptions
from shared.db import migrate, open_database
from shared.errors import Rejected
from shared.events import PageFetched
from shared.step import Outcome, Step, Work
from shared.topics import PAGES_FETCHED, all_specs, dead_topic
from tests.fakes.mutate import mutated
from tests.fakes.pages import PARAGRAPHS, html, page
from tests.fakes.poison import POISON

PACK = Path("deploy/packs/alliance").resolve()
KILLERS = "tests.fakes.page_killers"
POISON_SHARE = 0.01
KILLER_SHARE = 1 / 12
ACTS = ("spin spin", "die die", "eat eat", "spin ok", "die ok", "eat ok")
QUIET_SHARE = 0.05
LEAST_QUIET = 500
WARM = 50
"""Documents before the quiet ones are timed: the first of a worker are slower."""
AHEAD = 64
"""Documents on the log and not yet settled."""
SLACK = 1.0
TIMES = 2.0

Told = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the campaign: `kind` is `quiet`, `honest`, or the name of a poison."""

    kind: str
    page: PageFetched


@dataclass
class Ledger:
    """What became of every document: times in seconds by id, endings, how often it was handed over."""

    kinds: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    endings: Counter[str] = field(default_factory=Counter)
    handed: Counter[str] = field(default_factory=Counter)

    def times(self, *kinds: str) -> list[float]:
        """The times of documents of these kinds, in the order they were settled."""
        return [seconds for one, seconds in self.seconds.items() if self.kinds[one] in kinds]

    def settled(self, name: str, started: float, ending: str) -> None:
        """A document has ended."""
        self.seconds[name] = time.perf_counter() - started
        self.endings[ending] += 1


@dataclass(frozen=True, slots=True)
class Report:
    """What a campaign found; times in seconds."""

    documents: int
    poisons: int
    slowest: tuple[str, float]
    quiet_p99: float
    honest_p99: float
    endings: dict[str, int]
    faults: tuple[str, ...]


def documents(count: int, seed: int, pages: Sequence[bytes], share: float = POISON_SHARE) -> Iterator[Document]:
    """The stream: honest ones alone at first, then with poison among them. `pages` are real ones to mutate."""
    chance = random.Random(seed)
    quiet = min(count, max(LEAST_QUIET, int(count * QUIET_SHARE)))
    for number in range(count):
        if number >= quiet and chance.random() < share:
            kind, body = _poison(chance, pages)
        else:
            kind, body = ("quiet" if number < quiet else "honest"), _honest(chance, number)
        yield Document(kind, page(body, url=f"https://lajmi.test/bota/{seed}-{number}"))


def _honest(chance: random.Random, number: int) -> bytes:
    paragraphs = tuple(f"{chance.choice(PARAGRAPHS)} {number}-{at}." for at in range(chance.randrange(4, 24)))
    return html(title=f"Number {number} of many", paragraphs=paragraphs).encode()


def _poison(chance: random.Random, pages: Sequence[bytes]) -> tuple[str, bytes]:
    if chance.random() < KILLER_SHARE:
        act = chance.choice(ACTS)
        return act, f"{act} ".encode() + html().encode()
    if pages and chance.random() < 0.5:
        return "mutated", mutated(chance.choice(pages), chance)
    name = chance.choice(sorted(POISON))
    return name, POISON[name]()


async def run_documents(
    folder: Path,
    *,
    count: int,
    seed: int,
    deadline: float,
    workers: int,
    pages: Sequence[bytes],
    told: Told,
    share: float = POISON_SHARE,
) -> Report:
    """The campaign; `share` of the documents are poison. `told` hears how many are settled, and what the last was."""
    ledger = Ledger()
    async with _extractor(folder, ledger, deadline, workers) as bus:
        await _published(bus, ledger, documents(count, seed, pages, share), told)
        dead = await _records(bus, dead_topic(GROUP))
    return _report(ledger, count, deadline, dead)


async def _published(bus: Bus, ledger: Ledger, stream: Iterator[Document], told: Told) -> None:
    publisher = await bus.publisher()
    for one in stream:
        ledger.kinds[one.page.id] = one.kind
        await publisher.publish([codec.encode(one.page)])
        while len(ledger.kinds) - len(ledger.seconds) >= AHEAD:
            await asyncio.sleep(0.005)
        told(len(ledger.seconds), one.kind)
    while await _behind(bus):
        await asyncio.sleep(0.1)
        told(len(ledger.seconds), "the last ones")


async def _behind(bus: Bus) -> int:
    return sum(lag.records for lag in await bus.lag(GROUP, [PAGES_FETCHED.name]))


async def _records(bus: Bus, topic: str) -> int:
    """How many records a topic holds."""
    numbers = range(next(spec.partitions for spec in all_specs() if spec.name == topic))
    ends = await bus.end_offsets([Partition(topic, number) for number in numbers])
    return sum(ends.values())


@asynccontextmanager
async def _extractor(folder: Path, ledger: Ledger, deadline: float, workers: int) -> AsyncIterator[Bus]:
    """The step at work on a log of its own."""
    bus = await EmbeddedBus.open(folder / "log.db")
    await bus.ensure_topics(all_specs())
    database = open_database(f"sqlite:///{folder}/state.db")
    await migrate(database, GROUP, MIGRATIONS)
    plan = Plan(PACK, 1024, 60, full=f"{KILLERS}:full_or_act", cheap=f"{KILLERS}:cheap_or_act")
    readers = Readers(plan, workers=workers, deadline=timedelta(seconds=deadline), recycle=5_000)
    await readers.start()
    step = _step(Extract(readers, Memory(database), RealClock(), timedelta(hours=24)), ledger, workers)
    loop = ConsumeLoop(step, bus=bus, real=RealClock(), options=LoopOptions(commit_every=0.5))
    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    try:
        yield bus
    finally:
        stop.set()
        await running
        await readers.close()
        await database.close()
        await bus.close()


def _step(extract: Extract, ledger: Ledger, workers: int) -> Step:
    async def handle(work: Work) -> Outcome:
        name, started = work.event.id, time.perf_counter()
        ledger.handed[name] += 1
        try:
            outcome = await extract.handle(work)
        except Rejected as refused:
            ledger.settled(name, started, f"dead: {refused.reason}")
            raise
        ledger.settled(name, started, str(outcome.label))
        return outcome

    return Step(GROUP, (PAGES_FETCHED,), ExtractOutcome, handle=handle, in_flight=workers)


def _report(ledger: Ledger, count: int, deadline: float, dead: int) -> Report:
    quiet, honest = _p99(ledger.times("quiet")[WARM:]), _p99(ledger.times("honest"))
    slowest = max(ledger.seconds, key=lambda one: ledger.seconds[one], default="")
    faults = [*_misplaced(ledger, count, dead), *_late(ledger, deadline)]
    if honest > TIMES * quiet > 0:
        faults.append(f"honest documents take {1000 * honest:.0f} ms among poison, {1000 * quiet:.0f} ms without")
    return Report(
        documents=count,
        poisons=sum(kind not in ("quiet", "honest") for kind in ledger.kinds.values()),
        slowest=(ledger.kinds.get(slowest, ""), ledger.seconds.get(slowest, 0.0)),
        quiet_p99=quiet,
        honest_p99=honest,
        endings=dict(ledger.endings.most_common()),
        faults=tuple(faults),
    )


def _misplaced(ledger: Ledger, count: int, dead: int) -> Iterator[str]:
    """Documents that were lost, or came again and again."""
    lost = [one for one in ledger.kinds if one not in ledger.seconds]
    if lost or len(ledger.kinds) != count:
        yield f"{len(lost)} of {count} documents never ended, the first {ledger.kinds[lost[0]] if lost else '?'}"
    for name, times in ledger.handed.items():
        if times > 1:
            yield f"{ledger.kinds[name]} was handed over {times} times"
    refused = sum(number for ending, number in ledger.endings.items() if ending.startswith("dead"))
    if refused != dead:
        yield f"{refused} documents were refused and {dead} put aside"


def _late(ledger: Ledger, deadline: float) -> Iterator[str]:
    for name, seconds in ledger.seconds.items():
        if seconds > deadline + SLACK:
            yield f"{ledger.kinds[name]} took {seconds:.1f} s"


def _p99(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=100)[98] if len(times) > 1 else 0.0
