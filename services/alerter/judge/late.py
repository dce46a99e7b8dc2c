"""Late articles: what a watch would have told, had it been met in time. After an outage the fetcher marks what is older
than a day as back-filled: it enters history silently, and one roll-up says that it exists.

Only what was published after the watch began to live counts: the history that a new watch starts with is no news.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.case import Case, Draft, Hour
from services.alerter.judge.metrics import SUPPRESSED, Suppressed
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.timers import TIMERS, Timer, set_timer
from shared.events import AlertKind, AlertState, ArticleReference, Mode

SHOWN = 5
"""Headlines of a roll-up."""
BEGAN, NOW = "began", "now"


class Late(msgspec.Struct, omit_defaults=True):
    """What was gathered since `observed`: how many articles, of which time, and those to show. The entry `began` only
    says when the watch met its first live article."""

    observed: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None
    articles: int = 0
    titles: tuple[str, ...] = ()
    article: ArticleReference | None = None
    story: tuple[str, str] = ("", "")


LATE = ShelfSpec("late", Late, None)


def gather(case: Case) -> None:
    """Note a live article as the watch's first, or a late one for the roll-up."""
    shelf, reading = case.memory.shelf(LATE), case.reading
    began = shelf.moment(BEGAN)
    if reading.live:
        if began is None or reading.moment < began:
            shelf.put(BEGAN, reading.moment, Late())
        return
    if reading.match.mode is not Mode.BACKFILL or case.again or case.is_copy or began is None or case.moment <= began:
        return
    before = shelf.get(NOW) or Late(reading.match.observed, case.moment, case.moment)
    shelf.put(NOW, reading.match.observed, _with(before, case))
    SUPPRESSED.labels(AlertKind.MATCH.value, Suppressed.LATE.value).inc()
    if not before.articles:
        due = reading.match.observed + case.settings.late_after
        set_timer(case.memory.shelf(TIMERS), due, Timer(LATE.part, "", NOW))


def _with(before: Late, case: Case) -> Late:
    first, last = before.first or case.moment, before.last or case.moment
    return Late(
        before.observed, min(first, case.moment), max(last, case.moment), before.articles + 1,
        (*before.titles, case.reading.article.title)[:SHOWN], before.article or wording.reference(case.reading, None),
        before.story if before.story[0] else (case.story.id, case.story.headline),
    )  # fmt: skip


def due(hour: Hour, _timer: Timer) -> Iterable[Draft]:
    """Tell what was gathered, once."""
    shelf = hour.memory.shelf(LATE)
    late = shelf.get(NOW)
    shelf.drop(NOW)
    rules = hour.rules.of(AlertKind.MATCH) or hour.rules.rules
    if late is None or late.observed is None or late.first is None or late.last is None or not rules:
        return
    headline, reason = wording.of_late(late.articles, late.first, late.last, late.titles)
    yield Draft(
        rules[0], ("late", late.observed.isoformat()), headline, reason, state=AlertState.OPEN, severity="info",
        extra={"roll_up": "late", "articles": late.articles, "titles": list(late.titles)}, article=late.article,
        story=late.story, gathers=True,
    )  # fmt: skip
