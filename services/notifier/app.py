"""Wiring of the notifier."""

from __future__ import annotations

import platform
import secrets
from pathlib import Path

from services.notifier.dispatch import Dispatch
from services.notifier.fan_out import FanOut
from services.notifier.retry import SHIPPED, Schedule
from services.notifier.seal import sealer_of
from services.notifier.settings import NotifierSettings
from shared.run import Parts, Service

OWNER = "notifier"
MIGRATIONS = Path(__file__).parent / "migrations"


def build(settings: NotifierSettings, parts: Parts, *, schedule: Schedule = SHIPPED) -> Service:
    """The service: fan-out as a step, sending as a task. Raises Misconfigured."""
    holder = f"{platform.node()}-{secrets.token_hex(8)}"
    dispatch = Dispatch(settings, parts, sealer=sealer_of(settings), holder=holder, schedule=schedule)
    fan_out = FanOut(parts.database, parts.real, dispatch.offer)
    return Service(
        name="notifier", steps=(fan_out.step(),), tasks={"deliver": dispatch.run}, busy=lambda: dispatch.busy
    )
