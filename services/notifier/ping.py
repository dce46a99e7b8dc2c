"""A test event: shows a subscriber that the address, the secret and the way between work, without any alert.

It is sent by itself, at once, and leaves no delivery behind: nothing retries it, nothing is owed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from services.notifier import body, deliver
from services.notifier.deliver import Attempt, Target
from services.notifier.payload import PING_TYPE
from services.notifier.store import Delivery, StoredAlert
from shared import ids
from shared.clock import Clock
from shared.codec import Trace
from shared.events import Ledger
from shared.http import Door

WATCH = "test"


async def ping(door: Door, target: Target, *, real: Clock) -> Attempt:
    """Send a test event and say how that ended. Raises nothing but cancellation."""
    return await deliver.attempt(door, target, _delivery(target.id, real.now()), real=real)


def _delivery(subscription_id: str, now: datetime) -> Delivery:
    test_id = ids.of("test", subscription_id, now.isoformat())
    alert = StoredAlert(
        id=test_id,
        revision=0,
        watch_id=WATCH,
        story_id=subscription_id,
        type=PING_TYPE,
        severity="info",
        observed=now,
        ledger=Ledger(raised=now),
        trace=Trace.start(test_id).parent,
        data=body.ping_data(subscription_id, now),
    )
    return Delivery(test_id, subscription_id, sequence=0, attempts=0, expires=now + timedelta(minutes=5), alert=alert)
