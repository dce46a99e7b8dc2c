"""Wiring of the notifier."""

from __future__ import annotations

import platform
import secrets
from datetime import timedelta
from pathlib import Path

from services.notifier.dispatch import Dispatch
from services.notifier.fan_out import FanOut
from services.notifier.retry import SHIPPED, Schedule
from services.notifier.seal import sealer_of
from services.notifier.settings import NotifierSettings
from shared.errors import Misconfigured
from shared.run import CONNECTIONS, Parts, Service

OWNER = "notifier"
SHORTEST_LEASE = timedelta(seconds=60)
"""A lease is renewed after a third of it, and the rest has to cover the longest time-out and the commit after it."""

MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: NotifierSettings, parts: Parts, *, schedule: Schedule = SHIPPED) -> Service:
    """The service: fan-out as a step, sending as a task. Raises Misconfigured."""
    _check(settings)
    holder = f"{platform.node()}-{secrets.token_hex(8)}"
    dispatch = Dispatch(settings, parts, sealer=sealer_of(settings), holder=holder, schedule=schedule)
    fan_out = FanOut(parts.database, parts.real, dispatch.offer)
    return Service(
        name="notifier", steps=(fan_out.step(),), tasks={"deliver": dispatch.run}, busy=lambda: dispatch.busy
    )


def _check(settings: NotifierSettings) -> None:
    if settings.delivery_lease < SHORTEST_LEASE:
        raise Misconfigured(f"WIREWATCH_DELIVERY_LEASE is {settings.delivery_lease}: write 60s or more")
    if not 1 <= settings.delivery_in_flight <= CONNECTIONS:
        raise Misconfigured(f"WIREWATCH_DELIVERY_IN_FLIGHT is {settings.delivery_in_flight}: write 1 to {CONNECTIONS}")
