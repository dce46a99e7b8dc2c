"""What a kind of alert is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from services.alerter.judge.case import Case, Draft, Hour
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.timers import Timer
from shared.events import AlertKind


def nothing_due(_hour: Hour, _timer: Timer) -> Iterable[Draft]:
    """A kind without timers."""
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: its answer to an article, to a timer of its own, and the shelves it keeps. `judged` is called for every
    article of the watch, history and copies included, whether a rule asks for the kind or not."""

    kind: AlertKind
    judged: Callable[[Case], Iterable[Draft]]
    due: Callable[[Hour, Timer], Iterable[Draft]] = nothing_due
    shelves: tuple[ShelfSpec[Any], ...] = ()
