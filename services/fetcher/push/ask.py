"""One request to a hub: to push, or to stop it (WebSub section 5.1). Never raises for what a hub does.

A redirect to another registered domain is a refusal: whoever moves a hub says so in the feed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from urllib.parse import urlencode

import structlog

from services.fetcher.manners.pace import HostPaused, Pace
from services.fetcher.plan.schedule import retry_after
from services.fetcher.push.metrics import AskOutcome
from services.fetcher.push.store import Pending, Subscription
from shared.clock import Clock
from shared.http import Door, HttpFailure, Limits
from shared.urls import registered_domain

log = structlog.get_logger()

ANSWER = 65_536
"""Bytes read of a hub's answer, which says nothing but its status."""
FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Asked:
    """How a request was taken, and the hub's wish for the time until the next one."""

    outcome: AskOutcome
    wish: timedelta = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hubs:
    """What asking needs. `callback` is the public address without the unguessable part, `lease` what is asked for."""

    door: Door
    pace: Pace
    real: Clock
    limits: Limits
    callback: str
    lease: timedelta

    async def ask(self, row: Subscription, mode: Pending) -> Asked:
        """Ask the hub of `row` once, politely."""
        limits = replace(self.limits, body=ANSWER)
        try:
            async with self.pace.turn(row.hub) as still:
                response = await self.door.request(
                    "POST", row.hub, headers=FORM, content=self._form(row, mode), truncate=True, limits=limits,
                    within=partial(_is_same_domain, row.hub), still=still,
                )  # fmt: skip
        except HostPaused as pause:
            return Asked(AskOutcome.UNREACHABLE, pause.left)
        except HttpFailure as failure:
            log.warning("push_not_asked", source=row.source_id, hub=row.hub, mode=mode, detail=str(failure))
            return Asked(AskOutcome.UNREACHABLE)
        taken = 200 <= response.status < 300
        level = log.info if taken else log.warning
        level("push_asked", source=row.source_id, hub=row.hub, topic=row.topic, mode=mode, status=response.status)
        wish = retry_after(response.headers, self.real.now())
        return Asked(AskOutcome.ACCEPTED if taken else AskOutcome.REFUSED, wish)

    def _form(self, row: Subscription, mode: Pending) -> bytes:
        asked = {"hub.mode": mode.value, "hub.topic": row.topic, "hub.callback": f"{self.callback}/{row.push_id}"}
        if mode is Pending.SUBSCRIBE:
            asked |= {"hub.secret": row.secret, "hub.lease_seconds": str(int(self.lease.total_seconds()))}
        return urlencode(asked).encode()


def _is_same_domain(hub: str, target: str) -> bool:
    return registered_domain(target) == registered_domain(hub)
