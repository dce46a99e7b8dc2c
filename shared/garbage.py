"""The garbage collector, asked to run rarely.

Python looks for cycles after every 700 new containers and through everything every 70,000, however much of it is there
for good: word lists, watches, the memory of stories. Measured on judging, that was 6 to 9 % of the time.
"""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 20_000, 20, 50
"""Containers before the young are looked through; times that happens before the middle-aged are, and these before all
are. Cycles are few here (tracebacks, tasks); what they hold until then is some megabytes."""


def collect_rarely() -> None:
    """Leave what is there now alone for good, and look for garbage among the rest rarely. For the start of a process,
    when everything that stays has been loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
