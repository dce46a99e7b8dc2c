"""second_source: a second independent witness of an event. Copies, one agency's item and one outlet writing twice are
one witness, however many print it. Told once for each topic of a story, with both witnesses and the time between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.case import SHOWN_HITS, Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.rules import Rule
from shared.events import AlertKind

WITHIN = timedelta(hours=48)
"""Time in which a second witness is news, where a rule does not say."""


class Witness(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who was the first to tell of a topic; `second` says that there is another one by now."""

    group: str
    origin: str
    name: str
    seen: datetime
    article_id: str
    official: bool = False
    second: bool = False


WITNESSES = ShelfSpec("witness", Witness, timedelta(days=4))


def judged(case: Case) -> Iterable[Draft]:
    """Note the first witness of the article's topic; tell of the second."""
    shelf, mine = case.memory.shelf(WITNESSES), _witness(case)
    first = shelf.get(case.topic_id)
    if first is not None and first.second:
        return []
    if first is None or first.group == mine.group or first.origin == mine.origin:
        now = _earlier(first, mine)
        if now != first:
            shelf.put(case.topic_id, case.moment, now)
        return []
    if case.is_copy or case.again:
        return []
    shelf.put(case.topic_id, case.moment, msgspec.structs.replace(first, second=True))
    return _drafts(case, *sorted((first, mine), key=lambda one: (one.seen, one.article_id)))


def _witness(case: Case) -> Witness:
    article = case.reading.article
    name = article.agency or article.source.name or article.source.id
    origin = case.memory.origin(case.copy_group)
    return Witness(case.copy_group, origin, name, case.moment, article.article_id, article.source.official)


def _earlier(known: Witness | None, mine: Witness) -> Witness:
    """The earlier of two texts of one witness; a copy may be the first to say which agency stands behind both."""
    if known is None or mine.seen < known.seen:
        return mine
    return msgspec.structs.replace(known, origin=mine.origin) if known.group == mine.group else known


def _drafts(case: Case, first: Witness, second: Witness) -> list[Draft]:
    between = second.seen - first.seen
    if not case.reading.live:
        return []
    return [
        _draft(case, rule, first, second) for rule in case.rules.of(AlertKind.SECOND_SOURCE)
        if between <= (rule.within or WITHIN)
    ]  # fmt: skip


def _draft(case: Case, rule: Rule, first: Witness, second: Witness) -> Draft:
    between = second.seen - first.seen
    headline, reason = wording.of_second(case.reading.article.title, _named(first), _named(second), between)
    extra = {
        "first": first.name, "first_seen": first.seen.isoformat(), "first_article": first.article_id,
        "first_official": first.official, "second": second.name, "second_article": second.article_id,
        "second_official": second.official, "minutes": round(between.total_seconds() / 60), "topic": case.topic_id,
    }  # fmt: skip
    return Draft(
        rule, (case.topic_id,), headline, reason, hits=case.reading.match.hits[:SHOWN_HITS], sources=2, extra=extra,
        facts=frozenset({f"source {first.origin}", f"source {second.origin}"}),
    )  # fmt: skip


def _named(one: Witness) -> str:
    return f"{one.name} (official)" if one.official else one.name


KIND = Kind(AlertKind.SECOND_SOURCE, judged, shelves=(WITNESSES,))
