"""Every kind of alert in the order it is asked; the order of the alerts of one article."""

from __future__ import annotations

from typing import Any

from services.alerter.judge import feedback, late, merge
from services.alerter.judge.kinds import (
    border_crossing,
    burst,
    edit,
    first_seen,
    match,
    reaction,
    second_source,
    silence,
    term_shift,
)
from services.alerter.judge.kinds.kind import nothing_due
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.tell import DAYS, RESOLVE, rest
from services.alerter.judge.timers import TIMERS

KINDS = (
    match.KIND, second_source.KIND, border_crossing.KIND, edit.KIND, term_shift.KIND, first_seen.KIND, reaction.KIND,
    burst.KIND, silence.KIND,
)  # fmt: skip

EDITS = (edit.KIND,)
"""Those that are asked about an article which does not satisfy the watch any more."""

_OWN: tuple[ShelfSpec[Any], ...] = (TIMERS, DAYS, late.LATE, feedback.FEEDBACK, merge.ALIASES, merge.APART)
SHELVES = {one.part: one for one in (*_OWN, *(shelf for kind in KINDS for shelf in kind.shelves))}
"""Every shelf by its name in SQL."""

DUE = {
    RESOLVE: rest, late.LATE.part: late.due,
    **{kind.kind.value: kind.due for kind in KINDS if kind.due is not nothing_due},
}  # fmt: skip
"""Who answers a timer, by its kind."""
