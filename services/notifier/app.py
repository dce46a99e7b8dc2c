"""Wiring of the notifier."""

from __future__ import annotations

import asyncio
import platform
import secrets
from datetime import timedelta
from pathlib import Path

import structlog

from services.notifier.dispatch import Dispatch
from services.notifier.fan_out import FanOut
from services.notifier.retry import SHIPPED, Schedule
from services.notifier.seal import Sealer, sealer_of
from services.notifier.settings import NotifierSettings
from shared.errors import Misconfigured
from shared.health import serve
from shared.run import CONNECTIONS, Parts, Service, Task

log = structlog.get_logger()
OWNER = "notifier"
SHORTEST_LEASE = timedelta(seconds=60)
"""A lease is renewed after a third of it, and the rest has to cover the longest time-out and the commit after it."""

MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: NotifierSettings, parts: Parts, *, schedule: Schedule = SHIPPED) -> Service:
    """The service: fan-out as a step, sending as a task. Raises Misconfigured."""
    _check(settings)
    holder = f"{platform.node()}-{secrets.token_hex(8)}"
    sealer = sealer_of(settings)
    dispatch = Dispatch(settings, parts, sealer=sealer, holder=holder, schedule=schedule)
    fan_out = FanOut(parts.database, parts.real, dispatch.offer)
    tasks: dict[str, Task] = {"deliver": dispatch.run}
    if settings.api_port:
        tasks["api"] = _listening(settings, parts, sealer)
    return Service(name="notifier", steps=(fan_out.step(),), tasks=tasks, busy=lambda: dispatch.busy)


def _listening(settings: NotifierSettings, parts: Parts, sealer: Sealer) -> Task:
    """The public port, served until the stop. Raises Misconfigured where it cannot be had."""
    from services.notifier.api.port import CONNECTIONS as MOST_CALLERS
    from services.notifier.api.port import Api, application

    origin = settings.api_origin or platform.node()
    api = application(Api(parts.database, parts.real, sealer, parts.door.guard, parts.door, origin))

    async def listen(stop: asyncio.Event) -> None:
        started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        started.add_done_callback(lambda bound: log.info("api_opened", host=settings.api_host, port=bound.result()))
        await serve(
            api, settings.api_host, settings.api_port, stop, started=started, named="WIREWATCH_API_PORT",
            most=MOST_CALLERS,
        )  # fmt: skip

    return listen


def _check(settings: NotifierSettings) -> None:
    if settings.delivery_lease < SHORTEST_LEASE:
        raise Misconfigured(f"WIREWATCH_DELIVERY_LEASE is {settings.delivery_lease}: write 60s or more")
    if not 1 <= settings.delivery_in_flight <= CONNECTIONS:
        raise Misconfigured(f"WIREWATCH_DELIVERY_IN_FLIGHT is {settings.delivery_in_flight}: write 1 to {CONNECTIONS}")
