"""When a page is fetched again, and what follows from what was found there. Pure; story time.

Distances double from visit to visit, and begin anew when an edit was told: who edited once edits again. (Another body
says little: most pages differ at every look.) Visits are bounded in number, and end when the story has not been told of
for two days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.fetcher.metrics import VisitOutcome
from services.fetcher.plan.schedule import LONGEST_WAIT, share
from services.fetcher.revisit.row import Revisit
from services.fetcher.sources import Edits
from shared.events import AlertKind, AlertRaised, AlertState, Mode

STORY_LIVES = timedelta(hours=48)
"""From the last alert of a story."""
GONE_AFTER = 2
"""Visits in a row without a page before an article counts as withdrawn; 410 says so at once. Content networks give 404
for minutes."""
JITTER = 0.2

ENDS = frozenset({VisitOutcome.WITHDRAWN, VisitOutcome.REFUSED, VisitOutcome.ROBOTS_DENIED, VisitOutcome.LEFT})
"""Outcomes after which there is no further visit."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """The first distance, and how many visits there are at most."""

    first: timedelta
    most: int


TEMPOS = {
    Edits.SLOW: Tempo(timedelta(minutes=30), 12),
    Edits.FAST: Tempo(timedelta(minutes=5), 24),
}
"""Without an edit: visits after 30 min, 90 min, 3.5 h … (7 in two days), or after 5 min, 15 min, 35 min … (10)."""


def heard(row: Revisit, alert: AlertRaised, tempo: Tempo, now: datetime) -> Revisit:
    """The row after an alert of its story: live for longer, and planned if it was not. An alert that comes again
    changes nothing."""
    until = alert.observed + STORY_LIVES
    if alert.mode is not Mode.LIVE or alert.state is AlertState.RESOLVED or row.ended or until <= now:
        return row
    row = replace(row, story_id=alert.story_id, live_until=max(until, row.live_until or until))
    if alert.article.url == row.url and alert.article.source.id == row.source_id:
        row = replace(row, article_id=alert.article.id)
    edited = alert.kind is AlertKind.EDIT and alert.article.id == row.article_id
    row = replace(row, quiet=0) if edited else row
    if row.due is not None and not edited:
        return row
    if not row.article_id or row.tries >= tempo.most:
        return row
    soon = now + _wait(row, tempo)
    return replace(row, due=min(row.due or soon, soon))


def after(row: Revisit, outcome: VisitOutcome, tempo: Tempo, now: datetime, wish: timedelta) -> Revisit:
    """The row after a visit; `wish` is the least time that the server wants until the next."""
    tries, missing = row.tries + 1, row.missing + 1 if outcome is VisitOutcome.MISSING else 0
    if outcome in ENDS:
        return replace(row, tries=tries, due=None, ended=outcome.value)
    row = replace(row, tries=tries, missing=missing, quiet=row.quiet if missing else row.quiet + 1)
    due = now + max(tempo.first if missing else _wait(row, tempo), wish)
    over = tries >= tempo.most or row.live_until is None or due > row.live_until
    return replace(row, due=None if over else due)


def _wait(row: Revisit, tempo: Tempo) -> timedelta:
    doubled: timedelta = tempo.first * (1 << min(row.quiet, 20))
    return min(LONGEST_WAIT, doubled) * (1 - JITTER * share(row.entry_id, row.tries))
