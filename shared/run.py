"""The process edge: what a service is given, what it gives back, and how a process runs it and ends.

One task group holds every loop, task and the admin port. SIGTERM and SIGINT stop the intake, let what is in hand
finish within the drain budget, commit and close; a second signal, or the budget's end, cuts it short. A crash of any
task stops the whole process with one clear last line: half a pipeline hides loss.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import structlog

from shared import metrics
from shared.bus import Bus, BusUnavailable, ConsumerOptions
from shared.clock import Clock, RealClock
from shared.consume import ConsumeLoop, LoopOptions
from shared.db import Database, open_database
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
    """What the process edge builds once and hands to every service."""

    bus: Bus
    database: Database
    door: Door
    story: Clock
    real: Clock


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Service:
    """A wired service: its steps for the consume loop, and tasks that run beside them.

    `busy` says whether work that a clock step caused is still in hand (the demo's clock waits for it). `close` frees
    what the service opened itself (worker processes, servers).
    """

    name: str
    steps: tuple[Step, ...] = ()
    tasks: Mapping[str, Task] = field(default_factory=dict)
    busy: Callable[[], bool] = _never
    close: Callable[[], Awaitable[None]] | None = None


async def open_bus(settings: CommonSettings) -> Bus:
    """The bus the settings name. Connects; raises BusUnavailable."""
    if settings.bus == "embedded":
        from shared.bus.embedded import EmbeddedBus  # each installation uses one of the two: the other is not loaded

        return await EmbeddedBus.open(settings.data / "bus.db")
    return await _open_kafka(settings)


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
    health = Health(info={"version": VERSION, "services": names, "settings": masked(settings)})
    return Process(tuple(services), loops_of(services, parts, settings, health), health, stop)


async def run_process(process: Process, settings: CommonSettings, *, admin: bool = True) -> None:
    """Run until `process.stop` is set or something crashes; close the services at the end."""
    try:
        async with asyncio.TaskGroup() as group:
            started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            tasks = [group.create_task(_awaited(work), name=name) for name, work in _work_of(process)]
            if admin:
                app = admin_app(process.health)
                host, port = settings.admin_host, settings.admin_port
                group.create_task(serve(app, host, port, process.stop, started=started), name="admin")
                log.info("started", admin=f"http://{host}:{await started}", version=VERSION, **_names(process))
            process.health.ready = True
            group.create_task(_cut(process.stop, tasks, settings.drain.total_seconds() + 3), name="drain")
    finally:
        process.health.ready = False
        for service in process.services:
            if service.close is not None:
                await service.close()
        log.info("stopped", **_names(process))


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


async def _cut(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]], budget: float) -> None:
    """After the stop, give the tasks their budget, then cancel what is left: the supervisor's patience ends too."""
    await stop.wait()
    _, late = await asyncio.wait(tasks, timeout=budget) if tasks else (set(), set())
    for task in late:
        log.warning("drain_cut", task=task.get_name())
        task.cancel()


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


def crash_line(error: BaseException) -> str:
    """One line that says why the process ended: the innermost first cause of an exception group."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
