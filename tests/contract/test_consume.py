"""What the consume loop promises, a test per clause, on every bus."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import Counter

from shared import codec, dead
from shared.bus import Bus, Consumer, ConsumerOptions, Message, Partition, Record
from shared.bus.embedded import Chaos, EmbeddedBus
from shared.clock import RealClock
from shared.consume import ConsumeLoop, LoopOptions
from shared.errors import Rejected, Transient
from shared.events import OperatorAsked
from shared.finish import TooManyDefects
from shared.metrics import COMMITS, RETRIES, SKIPPED, CommitOutcome
from shared.step import Outcome, Step, Work
from shared.topics import OPERATORS_ASKED, Topic, TopicSpec, dead_topic, retry_topic, spec_of
from tests.fakes.fixtures_bus import Lab

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
WAIT = 30.0


class Ended(StrEnum):
    """Outcomes of the test step."""

    DONE = "done"


def asked(number: int, subject: str) -> OperatorAsked:
    return OperatorAsked(id=f"{number}", observed=NOW, request="note", subject=subject, arguments={"n": number})


@dataclass
class Seen:
    """What the handler saw, and hooks that make it misbehave."""

    numbers: list[int] = field(default_factory=list)
    started: list[int] = field(default_factory=list)
    running: int = 0
    most: int = 0
    before: Callable[[Work], Any] | None = None

    async def handle(self, work: Work) -> Outcome:
        number = work.event.arguments["n"]
        self.started.append(number)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if self.before is not None:
                await self.before(work)
        finally:
            self.running -= 1
        self.numbers.append(number)
        return Outcome(Ended.DONE)

    async def handle_batch(self, works: list[Work]) -> list[Outcome]:
        return [await self.handle(work) for work in works]


GROUP = "tested"


@pytest.fixture
async def bus(lab: Lab) -> Bus:
    return await lab.open()


def step_of(seen: Seen, *, batch: bool = False, **options: Any) -> Step:
    kind = {"handle_batch": seen.handle_batch} if batch else {"handle": seen.handle}
    return Step(group=GROUP, topics=(OPERATORS_ASKED,), outcomes=Ended, **kind, **options)


async def prepare(bus: Bus, topic: Topic = OPERATORS_ASKED) -> None:
    spec = spec_of(topic)
    small = [
        TopicSpec(name, partitions, spec.retention, -1, spec.largest)
        for name, partitions in ((topic.name, 3), (retry_topic(GROUP), 3), (dead_topic(GROUP), 1))
    ]
    await bus.ensure_topics(small)


async def send(bus: Bus, events: list[OperatorAsked]) -> None:
    publisher = await bus.publisher()
    await publisher.publish([codec.encode(event) for event in events])
    await publisher.close()


def loop_of(bus: Bus, step: Step, *, drain: float = 5.0, rebalance: float = 10.0) -> ConsumeLoop:
    member = ConsumerOptions(session_timeout=6.0, rebalance_timeout=rebalance)
    options = LoopOptions(drain=timedelta(seconds=drain), commit_every=0.1, poll_timeout=0.1, consumer=member)
    return ConsumeLoop(step, bus=bus, real=RealClock(), options=options)


@asynccontextmanager
async def running(loop: ConsumeLoop) -> Any:
    """The loop at work; at the end it is stopped, and a loop that does not end, or ends badly, fails the test."""
    stop = asyncio.Event()
    task = asyncio.create_task(loop.run(stop))
    try:
        yield task
    finally:
        stop.set()
        done, _ = await asyncio.wait({task}, timeout=WAIT)
        assert done, "the loop does not end"
        if not isinstance(task.exception(), TooManyDefects):
            task.result()


class Telling:
    """A bus that tells when a member is asked to give partitions back, before its loop hears of it."""

    def __init__(self, bus: Bus) -> None:
        self._bus, self.revoking = bus, asyncio.Event()

    async def subscribe(self, topics: list[str], group: str, options: ConsumerOptions) -> Consumer:
        async def on_revoked(partitions: frozenset[Partition]) -> None:
            if partitions:
                self.revoking.set()
            await options.on_revoked(partitions)

        return await self._bus.subscribe(topics, group, replace(options, on_revoked=on_revoked))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)


def counted(metric: Counter, *labels: str) -> float:
    return float(metric.labels(GROUP, *labels)._value.get())


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The names of the log events so far."""
    return [record.msg["event"] for record in caplog.records if isinstance(record.msg, dict)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not condition():
            await asyncio.sleep(0.01)


async def committed(bus: Bus) -> int:
    return sum(lag.committed or 0 for lag in await bus.lag(GROUP, [OPERATORS_ASKED.name]))


async def dead_letters(bus: Bus) -> list[Record]:
    return await bus.read(Partition(dead_topic(GROUP), 0), 0, 1000)


async def test_every_record_is_handled_and_committed(bus: Bus) -> None:
    await prepare(bus)
    seen = Seen()
    async with running(loop_of(bus, step_of(seen))):
        await send(bus, [asked(n, f"k{n % 7}") for n in range(60)])
        await until(lambda: len(seen.numbers) == 60)
    assert sorted(seen.numbers) == list(range(60))
    assert await committed(bus) == 60


@pytest.mark.parametrize("batch", [False, True])
async def test_order_per_key_holds_while_others_overtake(bus: Bus, batch: bool) -> None:
    await prepare(bus)
    gate = asyncio.Event()
    seen = Seen()

    async def slow(work: Work) -> None:
        if work.event.arguments["n"] == 0 and not batch:
            await gate.wait()

    seen.before = slow
    async with running(loop_of(bus, step_of(seen, batch=batch))):
        await send(bus, [asked(n, f"k{n % 3}") for n in range(30)])
        others = [n for n in range(30) if n % 3]
        await until(lambda: set(others) <= set(seen.numbers))
        if not batch:
            assert 3 not in seen.numbers, "the key behind the slow record waits"
        gate.set()
        await until(lambda: len(seen.numbers) == 30)
    for key in range(3):
        assert [n for n in seen.numbers if n % 3 == key] == list(range(key, 30, 3))


async def test_nothing_beyond_an_unfinished_record_is_committed(bus: Bus) -> None:
    await prepare(bus)
    seen, hold = Seen(), asyncio.Event()

    async def block_first(work: Work) -> None:
        if work.event.arguments["n"] == 0:
            await hold.wait()

    seen.before = block_first
    events = [asked(0, "same")] + [asked(n, f"k{n}") for n in range(1, 30)]
    loop = loop_of(bus, step_of(seen), drain=0.3)
    async with running(loop):
        await send(bus, events)
        await until(lambda: len(seen.numbers) == 29)
    again = Seen()
    async with running(loop_of(bus, step_of(again))):
        await until(lambda: 0 in again.numbers)
    assert set(seen.numbers) | set(again.numbers) == set(range(30))


async def test_hands_are_bounded(bus: Bus) -> None:
    await prepare(bus)
    seen, gate = Seen(), asyncio.Event()

    async def wait(_work: Work) -> None:
        await gate.wait()

    seen.before = wait
    loop = loop_of(bus, step_of(seen, in_flight=5))
    async with running(loop):
        await send(bus, [asked(n, f"k{n}") for n in range(40)])
        await until(lambda: seen.running == 5)
        await asyncio.sleep(0.5)
        assert loop.in_hand == 5
        gate.set()
        await until(lambda: len(seen.numbers) == 40)
    assert seen.most == 5


async def test_a_paused_loop_rests_between_half_and_full_hands(bus: Bus) -> None:
    """Hands neither full nor half empty must not make the poll spin: the handlers would never get their turn."""
    await prepare(bus)
    seen, gates = Seen(), [asyncio.Event() for _ in range(40)]

    async def wait(work: Work) -> None:
        await gates[work.event.arguments["n"]].wait()

    seen.before = wait
    loop = loop_of(bus, step_of(seen, in_flight=10))
    async with running(loop):
        await send(bus, [asked(n, f"k{n}") for n in range(40)])
        await until(lambda: seen.running == 10)
        await asyncio.sleep(0.3)  # full for longer than a poll: paused
        for number in seen.started[:3]:
            gates[number].set()
        await until(lambda: len(seen.numbers) == 3)
        await asyncio.sleep(0.3)
        for gate in gates:
            gate.set()
        await until(lambda: len(seen.numbers) == 40)


async def test_bytes_in_hand_are_bounded(bus: Bus) -> None:
    await prepare(bus)
    seen, gate = Seen(), asyncio.Event()

    async def wait(_work: Work) -> None:
        await gate.wait()

    seen.before = wait
    fat = [
        OperatorAsked(id=f"{n}", observed=NOW, request="x" * 100_000, subject=f"k{n}", arguments={"n": n})
        for n in range(60)
    ]
    loop = loop_of(bus, step_of(seen, in_flight=8, in_flight_bytes=300_000))
    async with running(loop):
        await send(bus, fat)
        await until(lambda: seen.running >= 3)
        await asyncio.sleep(0.5)
        assert loop.in_hand_bytes <= 300_000 + 8 * 101_000, "at most one poll beyond the bound"
        gate.set()
        await until(lambda: len(seen.numbers) == 60)


async def test_poison_is_dead_lettered_with_its_bytes_and_its_neighbours_go_on(bus: Bus) -> None:
    await prepare(bus)
    poison = Message(OPERATORS_ASKED.name, b"k1", b"{not json", (("ce_type", b"odd"), ("mine", b"\xff")))
    publisher = await bus.publisher()
    await publisher.publish([codec.encode(asked(1, "k1")), poison, codec.encode(asked(2, "k1"))])
    seen = Seen()
    async with running(loop_of(bus, step_of(seen))):
        await until(lambda: seen.numbers == [1, 2])
    (letter,) = await dead_letters(bus)
    assert letter.value == b"{not json"
    assert letter.key == b"k1"
    assert ("mine", b"\xff") in letter.headers
    facts = dead.facts_of(letter)
    assert facts["reason"] == "undecodable"
    assert facts["topic"] == OPERATORS_ASKED.name
    assert await committed(bus) == 3
    await publisher.close()


@pytest.mark.parametrize("batch", [False, True])
async def test_a_handler_that_raises_once_costs_one_record(bus: Bus, batch: bool) -> None:
    await prepare(bus)
    seen = Seen()

    async def stumble(work: Work) -> None:
        if work.event.arguments["n"] == 5:
            raise KeyError("a defect of ours")

    seen.before = stumble
    async with running(loop_of(bus, step_of(seen, batch=batch))):
        await send(bus, [asked(n, f"k{n % 4}") for n in range(20)])
        await until(lambda: set(seen.numbers) == set(range(20)) - {5})
        await asyncio.sleep(0.3)
    (letter,) = await dead_letters(bus)
    assert dead.facts_of(letter)["reason"] == "defect"


async def test_a_run_of_our_own_failures_stops_the_loop(bus: Bus) -> None:
    await prepare(bus)
    seen = Seen()

    async def fail(_work: Work) -> None:
        raise ZeroDivisionError

    seen.before = fail
    await send(bus, [asked(n, f"k{n}") for n in range(300)])
    async with running(loop_of(bus, step_of(seen))) as task:
        with pytest.raises(TooManyDefects):
            await asyncio.wait_for(asyncio.shield(task), WAIT)
    assert len(await dead_letters(bus)) <= 50 + 64, "at most the first half of the window and what was in hand"


async def test_one_poison_key_does_not_stop_the_loop(bus: Bus) -> None:
    await prepare(bus)
    seen = Seen()

    async def fail(work: Work) -> None:
        if work.event.subject == "bad":
            raise ZeroDivisionError

    seen.before = fail
    await send(bus, [asked(n, "bad") for n in range(120)] + [asked(1000, "good")])
    async with running(loop_of(bus, step_of(seen))):
        await until(lambda: 1000 in seen.numbers)
        async with asyncio.timeout(WAIT):
            while len(await dead_letters(bus)) < 120:
                await asyncio.sleep(0.1)


async def test_a_run_of_bad_documents_does_not_stop_the_loop(bus: Bus) -> None:
    await prepare(bus)
    seen = Seen()

    async def refuse(work: Work) -> None:
        if work.event.arguments["n"] < 150:
            raise Rejected("a page without end", reason="deadline")

    seen.before = refuse
    await send(bus, [asked(n, f"k{n}") for n in range(151)])
    async with running(loop_of(bus, step_of(seen))):
        await until(lambda: seen.numbers == [150])
        async with asyncio.timeout(WAIT):
            while len(await dead_letters(bus)) < 150:
                await asyncio.sleep(0.1)
    assert {dead.facts_of(letter)["reason"] for letter in await dead_letters(bus)} == {"deadline"}


@pytest.mark.parametrize("batch", [False, True])
async def test_transient_failures_are_tried_again_in_order(bus: Bus, batch: bool) -> None:
    await prepare(bus)
    seen = Seen()
    left = 2

    async def away(work: Work) -> None:
        nonlocal left
        if work.event.arguments["n"] == 1 and left:
            left -= 1
            raise Transient("database away")

    seen.before = away
    async with running(loop_of(bus, step_of(seen, batch=batch))):
        await send(bus, [asked(n, "same") for n in range(4)])
        await until(lambda: seen.numbers[-3:] == [1, 2, 3])
    assert await dead_letters(bus) == []


async def test_redriven_records_reach_only_the_retry_topic_and_are_handled(bus: Bus) -> None:
    await prepare(bus)
    seen = Seen()

    async def refuse(work: Work) -> None:
        if work.record.topic == OPERATORS_ASKED.name:
            raise Rejected("not today")

    seen.before = refuse
    async with running(loop_of(bus, step_of(seen))):
        await send(bus, [asked(7, "k")])
        async with asyncio.timeout(WAIT):
            while not (letters := await dead_letters(bus)):
                await asyncio.sleep(0.05)
        publisher = await bus.publisher()
        await publisher.publish([dead.redrive(letters[0], GROUP)])
        await until(lambda: seen.numbers == [7])
        await publisher.close()


async def test_topics_that_are_not_there_are_waited_for_and_do_not_hold_up_the_end(bus: Bus) -> None:
    retried = RETRIES.labels(GROUP, "bus_unavailable")
    before = retried._value.get()
    async with running(loop_of(bus, step_of(Seen()))):  # it fails when the loop does not end
        await until(lambda: retried._value.get() > before)
    seen = Seen()
    async with running(loop_of(bus, step_of(seen))):
        await until(lambda: retried._value.get() > before + 1)
        await prepare(bus)
        await send(bus, [asked(1, "k")])
        await until(lambda: seen.numbers == [1])


async def test_drain_finishes_what_runs_and_commits_it(bus: Bus) -> None:
    await prepare(bus)
    seen = Seen()

    async def slow(_work: Work) -> None:
        await asyncio.sleep(0.3)

    seen.before = slow
    async with running(loop_of(bus, step_of(seen))):
        await send(bus, [asked(n, f"k{n}") for n in range(5)])
        await until(lambda: len(seen.started) == 5)
    assert sorted(seen.numbers) == [0, 1, 2, 3, 4]
    assert await committed(bus) == 5


async def test_drain_ends_at_its_deadline_and_the_cut_record_comes_again(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    """`running` fails when the loop outlives a handler that never returns; what ended in time is committed."""
    await prepare(bus)
    seen = Seen()

    async def hang(work: Work) -> None:
        if work.event.arguments["n"] == 2:
            await asyncio.Event().wait()

    seen.before = hang
    async with running(loop_of(bus, step_of(seen), drain=0.3)):
        await send(bus, [asked(n, "k") for n in (1, 2, 3)])
        await until(lambda: seen.started == [1, 2])
    assert seen.numbers == [1]
    assert "drain_cut" in told(caplog)
    assert await committed(bus) == 1
    again = Seen()
    async with running(loop_of(bus, step_of(again))):
        await until(lambda: again.numbers == [2, 3])


async def test_revoke_during_work_finishes_what_runs_and_nothing_is_done_twice(bus: Bus, lab: Lab) -> None:
    """Half of the partitions go to a second member while four inputs are in hand: they may finish, they are committed
    before it starts, so it repeats nothing, and the order per key holds over both."""
    await prepare(bus)
    finished: list[int] = []
    first, second, telling = Seen(numbers=finished), Seen(numbers=finished), Telling(bus)

    async def hold(_work: Work) -> None:
        if len(first.started) > 10:
            await telling.revoking.wait()
            await asyncio.sleep(0.05)

    first.before = hold
    async with running(loop_of(cast(Bus, telling), step_of(first, in_flight=4))):
        await send(bus, [asked(n, f"k{n % 20}") for n in range(100)])
        await until(lambda: first.running == 4 and len(first.started) > 10)
        async with running(loop_of(await lab.open(), step_of(second, in_flight=4))):
            await until(lambda: len(finished) >= 100)
    assert second.started, "the second member got its share"
    assert sorted(finished) == list(range(100))
    for key in range(20):
        assert [n for n in finished if n % 20 == key] == list(range(key, 100, 20))
    assert await committed(bus) == 100


async def test_a_refused_commit_is_counted_and_its_work_comes_again(
    bus: Bus, lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    """A member that drains for longer than the group waits is out: the next owner does its work again, the late commit
    is refused and moves nothing, and the loop goes on as a new member."""
    await prepare(bus)
    slow, other, gate = Seen(), Seen(), asyncio.Event()
    before = counted(COMMITS, CommitOutcome.REFUSED)

    async def wait(_work: Work) -> None:
        await gate.wait()

    slow.before = wait
    async with running(loop_of(bus, step_of(slow), drain=20.0, rebalance=2.0)):
        await send(bus, [asked(n, f"k{n}") for n in range(6)])
        await until(lambda: slow.running == 6)
        async with running(loop_of(await lab.open(), step_of(other), rebalance=2.0)):
            await until(lambda: sorted(other.numbers) == list(range(6)))
            gate.set()
            await until(lambda: counted(COMMITS, CommitOutcome.REFUSED) > before)
        await send(bus, [asked(6, "later")])
        await until(lambda: 6 in slow.numbers)
    assert "commit_failed" in told(caplog)
    assert sorted(slow.numbers) == list(range(7)), "what was in hand, once, and what came later"
    assert await committed(bus) == 7


async def test_what_retention_took_is_counted_and_the_loop_goes_on(bus: Bus, lab: Lab) -> None:
    await prepare(bus)
    seen, again = Seen(), Seen()
    async with running(loop_of(bus, step_of(seen))):
        await send(bus, [asked(n, "same") for n in range(3)])
        await until(lambda: len(seen.numbers) == 3)
    await send(bus, [asked(n, "same") for n in range(3, 10)])
    (place,) = {lag.partition for lag in await bus.lag(GROUP, [OPERATORS_ASKED.name]) if lag.records}
    await lab.trim(place, 8)
    before = counted(SKIPPED)
    async with running(loop_of(bus, step_of(again))):
        await until(lambda: again.numbers == [8, 9])
        await until(lambda: counted(SKIPPED) == before + 5)
    assert await committed(bus) == 10


async def test_an_output_is_published_before_its_input_is_committed(bus: Bus) -> None:
    await prepare(bus)

    async def answer(work: Work) -> Outcome:
        outputs = () if work.event.request == "answer" else (
            OperatorAsked(id="a" + work.event.id, observed=NOW, request="answer", subject=work.event.subject),
        )  # fmt: skip
        handled.append(work)
        return Outcome(Ended.DONE, outputs)

    handled: list[Work] = []
    step = Step(group=GROUP, topics=(OPERATORS_ASKED,), outcomes=Ended, handle=answer)
    async with running(loop_of(bus, step)):
        await send(bus, [asked(1, "k")])
        await until(lambda: len(handled) == 2)
    assert [work.event.request for work in handled] == ["note", "answer"]
    assert handled[0].trace == handled[1].trace, "the trace goes from cause to effect"


CHAOS = Chaos(seed=7, redeliver=0.1, rebalance=0.05, refuse=0.1, delay=0.1, shuffle=True)


@pytest.mark.parametrize("batch", [False, True])
async def test_chaos_loses_nothing_and_keeps_order_per_key(tmp_path: Path, batch: bool) -> None:
    bus = await EmbeddedBus.open(tmp_path / "log.db", chaos=CHAOS)
    await prepare(bus)
    seen = Seen()
    async with running(loop_of(bus, step_of(seen, batch=batch))):
        await send(bus, [asked(n, f"k{n % 7}") for n in range(150)])
        await until(lambda: set(seen.numbers) == set(range(150)))
    for key in range(7):
        firsts = list(dict.fromkeys(n for n in seen.numbers if n % 7 == key))
        assert firsts == sorted(firsts), "a repeat may come, a later record never before an earlier one"
    await bus.close()
