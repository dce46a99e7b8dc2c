"""How much was published in a back-test's input and how its sources were read, counted up to the time judged, by the
function that counts live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from services.alerter.match import count
from shared.bus import Record
from shared.codec import Trace
from shared.db import Database
from shared.events import ArticleExtracted, SourceChecked
from shared.step import HandleBatch, Work
from shared.topics import topic_of

AT_ONCE = 500


class Tally:
    """What is to be counted: articles without their text, and checks of sources."""

    def __init__(self) -> None:
        self._articles: list[ArticleExtracted] = []
        self._checks: list[SourceChecked] = []

    def add(self, one: ArticleExtracted | SourceChecked) -> None:
        """Note it."""
        if isinstance(one, SourceChecked):
            self._checks.append(one)
        else:
            bare = msgspec.structs.replace(one, title="", lead="", text="", entities=(), quotes=(), methods={})
            self._articles.append(bare)

    def counting(self, database: Database) -> Counting:
        """Counting anew, into this database."""
        articles = sorted(self._articles, key=lambda one: (one.observed, one.article_id))
        return Counting(count.make(database), (articles, sorted(self._checks, key=lambda one: (one.observed, one.id))))


@dataclass(slots=True)
class Counting:
    """What was counted so far of what, in the order of time."""

    count: HandleBatch
    rows: Sequence[Sequence[ArticleExtracted | SourceChecked]]
    done: list[int] = field(default_factory=lambda: [0, 0])

    async def up_to(self, moment: datetime) -> None:
        """Count what was observed by then."""
        for which, rows in enumerate(self.rows):
            while due := [one for one in rows[self.done[which] : self.done[which] + AT_ONCE] if one.observed <= moment]:
                await self.count([_work(one, self.done[which] + at) for at, one in enumerate(due)])
                self.done[which] += len(due)


def _work(event: ArticleExtracted | SourceChecked, offset: int) -> Work:
    record = Record(
        topic=topic_of(type(event)).name, partition=0, offset=offset, timestamp=0, key=None, value=None
    )  # fmt: skip
    return Work(event, record, Trace.start(event.id), None)
