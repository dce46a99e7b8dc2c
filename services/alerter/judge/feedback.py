"""Feedback: what readers said of alerts. Kept for the figures of a watch; it never changes what is told."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import msgspec

from services.alerter.judge.memory import Memory
from services.alerter.judge.shelf import ShelfSpec
from shared.events import FeedbackGiven


class Verdicts(msgspec.Struct, omit_defaults=True):
    """The last verdict on an alert of each subscription."""

    by: dict[str, str] = {}


FEEDBACK = ShelfSpec("feedback", Verdicts, timedelta(days=400))


def note(memory: Memory, given: FeedbackGiven) -> None:
    """Keep a verdict; a later one of the same subscription replaces it."""
    shelf = memory.shelf(FEEDBACK)
    before = shelf.get(given.alert_id) or Verdicts()
    shelf.put(given.alert_id, given.observed, Verdicts(before.by | {given.subscription_id: given.verdict}))


def figures(memory: Memory) -> dict[str, int]:
    """How many verdicts of each kind the watch has."""
    return dict(Counter(verdict for _, _, one in memory.shelf(FEEDBACK).items() for verdict in one.by.values()))
