"""Timers: what is to happen at a time when perhaps nothing else does: a story falls silent, a confirmation runs out.

A timer stands on a shelf under `kind` and subject with the moment it is due. It fires when the story time of its watch
has passed that moment: before the next live article is judged, or on the watermark when no article comes. Either way it
fires once, in order of due time, with the same alert id. Setting it again under the same subject moves it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from services.alerter.judge.shelf import Shelf, ShelfSpec


class Timer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What fires: the kind of alert it belongs to, the rule and the subject, and what the kind noted for then."""

    kind: str
    rule_id: str
    subject: str
    note: str = ""


TIMERS = ShelfSpec("timer", Timer, None)


def key(kind: str, rule_id: str, subject: str) -> str:
    """Where a timer stands."""
    return f"{kind} {rule_id} {subject}"


def set_timer(shelf: Shelf[Timer], due: datetime, timer: Timer) -> None:
    """Set a timer, or move it."""
    shelf.put(key(timer.kind, timer.rule_id, timer.subject), due, timer)


def cancel(shelf: Shelf[Timer], kind: str, rule_id: str, subject: str) -> None:
    """Take a timer back."""
    shelf.drop(key(kind, rule_id, subject))


def take_due(shelf: Shelf[Timer], now: datetime) -> Iterator[tuple[datetime, Timer]]:
    """The timers due by `now` in order of time, each removed before it is given; one that is set meanwhile and is due
    by then is given too."""
    while due := [(moment, name) for name, moment, _ in shelf.items() if moment <= now]:
        moment, name = min(due)
        timer = shelf.get(name)
        shelf.drop(name)
        if timer is not None:
            yield moment, timer
