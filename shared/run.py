"""The process edge: what a service is given, what it gives back, and how a process runs it and ends.

One task group holds every loop, task and the admin port. SIGTERM and SIGINT stop the intake, let what is in hand
finish within the drain budget, commit and close; a second signal, or the budget's end, cuts it short. A crash of any
task stops the whole process with one clear last line: half a pipeline hides loss.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import structlog

from shared import metrics
from shared.bus import Bus, BusUnavailable, ConsumerOptions
from shared.clock import Clock, RealClock
from shared.consume import ConsumeLoop, LoopOptions
from shared.db import Database, open_database
from shared.errors import Misconfigured
from shared.health import Health, admin_app, serve
from shared.http import Door, Guard, Resolver
from shared.settings import CommonSettings, masked
from shared.step import Step

log = structlog.get_logger()
VERSION = version("wirewatch")

Task = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set, then finishes what it has in hand and returns. Whatever it raises stops the process."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process edge builds once and hands to every service. Tasks show with a `health.pulse` that they do not
    hang; consume loops do so by themselves."""

    bus: Bus
    database: Database
    door: Door
    story: Clock
    real: Clock
    health: Health = field(default_factory=Health)


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Service:
    """A wired service: its steps for the consume loop, and tasks that run beside them.

    `busy` says whether work that a clock step caused is still in hand (the demo's clock waits for it); `settled` is
    told by that clock that everything up to a time was done, and answers whether that caused more. `close` frees what
    the service opened itself (worker processes, servers).
    """

    name: str
    steps: tuple[Step, ...] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    busy: Callable[[], bool] = _never
    settled: Callable[[datetime], Awaitable[bool]] | None = None
    close: Callable[[], Awaitable[None]] | None = None


async def open_bus(settings: CommonSettings) -> Bus:
    """The bus the settings name. Connects; raises BusUnavailable, Misconfigured for a data folder that is of no use."""
    if settings.bus == "embedded":
        _make_data_folder(settings.data)
        from shared.bus.embedded import EmbeddedBus  # each installation uses one of the two: the other is not loaded

        return await EmbeddedBus.open(settings.data / "bus.db")
    return await _open_kafka(settings)


def _make_data_folder(folder: Path) -> None:
    fix = "write the path of a folder that this user can write to"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"WIREWATCH_DATA is {str(folder)!r}: {error.strerror}; {fix}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Misconfigured(f"WIREWATCH_DATA is {str(folder)!r}: not writable; {fix}")


async def _open_kafka(settings: CommonSettings) -> Bus:
    from shared.bus.kafka import KafkaBus, KafkaOptions

    options = KafkaOptions(
        bootstrap=settings.bus,
        topic_prefix=settings.topic_prefix,
        replication_factor=settings.replication_factor,
        security_protocol=settings.kafka_security.value,
        sasl_mechanism=settings.kafka_sasl_mechanism.value,
        sasl_username=settings.kafka_username,
        sasl_password=settings.kafka_password,
        ca_file=Path(settings.kafka_ca_file) if settings.kafka_ca_file else None,
    )
    return await KafkaBus.open(options)


CONNECTIONS = 768
"""Open connections of a process: 512 deliveries that may all hang, and the fetcher's beside them; below the 1024 files
that many systems allow a process."""


def open_door(settings: CommonSettings, resolver: Resolver | None = None) -> Door:
    """The one door to the outside, guarded."""
    guard = Guard(allow_networks=settings.allow_networks)
    return Door(user_agent=settings.user_agent, guard=guard, resolver=resolver, connections=CONNECTIONS)


@asynccontextmanager
async def open_parts(
    settings: CommonSettings,
    *,
    story: Clock | None = None,
    real: Clock | None = None,
    resolver: Resolver | None = None,
    patience: float = 0.0,
) -> AsyncIterator[Parts]:
    """Build bus, database and door, and close them in the opposite order. A bus that is still starting, or away, is
    waited for `patience` seconds of real time; then BusUnavailable is raised."""
    clock = real or RealClock()
    if settings.bus == "embedded" or not settings.database:
        _make_data_folder(settings.data)
    database = open_database(settings.database_url)
    door = open_door(settings, resolver)
    try:
        bus = await _open_patiently(settings, patience)
        try:
            yield Parts(bus, database, door, story or clock, clock)
        finally:
            await bus.close()
    finally:
        await door.aclose()
        await database.close()


async def _open_patiently(settings: CommonSettings, patience: float) -> Bus:
    deadline = asyncio.get_running_loop().time() + patience
    while True:
        try:
            return await open_bus(settings)
        except BusUnavailable as error:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            log.warning("bus_awaited", bus=settings.bus, error=str(error))
            await asyncio.sleep(1.0)


def loops_of(
    services: Sequence[Service], parts: Parts, settings: CommonSettings, health: Health
) -> dict[str, ConsumeLoop]:
    """One consume loop for every step of every service, by group."""
    member = ConsumerOptions(
        session_timeout=settings.session_timeout.total_seconds(),
        rebalance_timeout=settings.drain.total_seconds() + 20,
    )
    options = LoopOptions(drain=settings.drain, consumer=member)
    return {
        step.group: ConsumeLoop(
            step, bus=parts.bus, real=parts.real, database=parts.database, options=options,
            progress=_beat(health, step.group),
        )
        for service in services for step in service.steps
    }  # fmt: skip


def _beat(health: Health, name: str) -> Callable[[], None]:
    return lambda: health.beat(name)


@dataclass(frozen=True, slots=True)
class Process:
    """What runs in this process."""

    services: tuple[Service, ...]
    loops: Mapping[str, ConsumeLoop]
    health: Health
    stop: asyncio.Event


def assemble(services: Sequence[Service], parts: Parts, settings: CommonSettings, *, stop: asyncio.Event) -> Process:
    """Make the loops of `services`; nothing runs yet."""
    names = "+".join(service.name for service in services)
    metrics.BUILD.labels(VERSION).set(1)
    health = parts.health
    health.info = {"version": VERSION, "services": names, "settings": masked(settings)}
    return Process(tuple(services), loops_of(services, parts, settings, health), health, stop)


async def run_process(process: Process, settings: CommonSettings, *, admin: bool = True) -> None:
    """Run until `process.stop` is set or something crashes; close the services at the end."""
    try:
        async with asyncio.TaskGroup() as group:
            drained = asyncio.Event()
            tasks = [group.create_task(_awaited(work), name=name) for name, work in _work_of(process)]
            if admin:
                await _open_admin(group, process, settings, drained)
            joining = group.create_task(_join(process), name="join")
            budget = settings.drain.total_seconds() + 3
            group.create_task(_drain(process, [joining, *tasks], budget, drained), name="drain")
    except BaseExceptionGroup as error:
        cause = first_cause(error)
        if not isinstance(cause, Misconfigured):  # the last line says what went wrong, this one where
            log.error("crashed", trace="".join(traceback.format_exception(cause))[-TRACE:], **_names(process))
        raise
    finally:
        process.health.ready = False
        for service in process.services:
            if service.close is not None:
                await service.close()
        log.info("stopped", **_names(process))


async def _open_admin(
    group: asyncio.TaskGroup, process: Process, settings: CommonSettings, drained: asyncio.Event
) -> None:
    """Start the admin port, which answers until everything else has ended."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    app, host = admin_app(process.health), settings.admin_host
    serving = serve(app, host, settings.admin_port, drained, started=started, named="WIREWATCH_ADMIN_PORT")
    group.create_task(serving, name="admin")
    log.info("started", admin=f"http://{host}:{await started}", version=VERSION, **_names(process))


TRACE = 6_000
"""Characters of a traceback in the log: its end, where it happened."""
JOINING = 15.0
"""Seconds of turns without a partition after which a member counts as joined all the same: there may be more members
than partitions. Longer than a group takes to share out anew after a member has died (session 10 s)."""


async def _join(process: Process) -> None:
    """Ready once every consume loop is a member of its group."""
    for name, loop in process.loops.items():
        while not (loop.assigned or process.health.turned_for(name) > JOINING or process.stop.is_set()):  # noqa: ASYNC110 - the bus tells by assignment only
            await asyncio.sleep(0.05)
    process.health.ready = not process.stop.is_set()


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _names(process: Process) -> dict[str, str]:
    return {"services": "+".join(service.name for service in process.services)}


def _work_of(process: Process) -> list[tuple[str, Awaitable[None]]]:
    loops = [(f"consume:{group}", loop.run(process.stop)) for group, loop in process.loops.items()]
    tasks = [
        (f"{service.name}:{name}", task(process.stop))
        for service in process.services
        for name, task in service.tasks.items()
    ]
    return [*loops, *tasks]


async def _drain(process: Process, tasks: Sequence[asyncio.Task[None]], budget: float, drained: asyncio.Event) -> None:
    """After the stop, give the tasks their budget, then cancel what is left: the supervisor's patience ends too."""
    await process.stop.wait()
    process.health.ready, process.health.draining = False, True
    _, late = await asyncio.wait(tasks, timeout=budget)
    for task in late:
        log.warning("drain_cut", task=task.get_name())
        task.cancel()
    if late:
        await asyncio.wait(late)
    drained.set()


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`; a second one ends the process the hard way."""
    loop = asyncio.get_running_loop()

    def _handle(number: signal.Signals) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        log.info("stopping", signal=number.name)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, _handle, number)


def first_cause(error: BaseException) -> BaseException:
    """The innermost first exception of a group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def crash_line(error: BaseException) -> str:
    """One line that says why the process ended: the innermost first cause of an exception group. Texts of libraries may
    have many lines (a database tells the statement): those are joined and cut."""
    cause = first_cause(error)
    return f"{type(cause).__name__}: {' '.join(str(cause).split())[:400]}"
