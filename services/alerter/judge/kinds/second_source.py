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

    origin: str
    name: str
    seen: datetime
    article_id: str
    official: bool = False
    second: bool = False


WITNESSES = ShelfSpec("witness", Witness, timedelta(days=4))


def judged(case: Case) -> Iterable[Draft]:
    """Note the first witness of the article's topic; tell of the second."""
    shelf, origin = case.memory.shelf(WITNESSES), case.memory.origin(case.copy_group)
    first = shelf.get(case.topic_id)
    if first is None or (case.moment < first.seen and not first.second):
        shelf.put(case.topic_id, case.moment, _witness(case, origin))
        return []
    if first.second or first.origin == origin or case.is_copy or case.again:
        return []
    shelf.put(case.topic_id, case.moment, msgspec.structs.replace(first, second=True))
    return [
        _draft(case, rule, first) for rule in case.rules.of(AlertKind.SECOND_SOURCE)
        if case.reading.live and case.moment - first.seen <= (rule.within or WITHIN)
    ]  # fmt: skip


def _witness(case: Case, origin: str) -> Witness:
    article = case.reading.article
    name = article.agency or article.source.name or article.source.id
    return Witness(origin, name, case.moment, article.article_id, article.source.official)


def _draft(case: Case, rule: Rule, first: Witness) -> Draft:
    second = _witness(case, case.memory.origin(case.copy_group))
    minutes = round((case.moment - first.seen).total_seconds() / 60)
    headline, reason = wording.of_second(
        case.reading.article.title, _named(first), _named(second), case.moment - first.seen
    )
    extra = {"first": first.name, "first_seen": first.seen.isoformat(), "first_article": first.article_id,
             "second": second.name, "minutes": minutes, "topic": case.topic_id}  # fmt: skip
    return Draft(
        rule, (case.topic_id,), headline, reason, hits=case.reading.match.hits[:SHOWN_HITS], sources=2, extra=extra,
        facts=frozenset({f"source {second.origin}"}),
    )  # fmt: skip


def _named(one: Witness) -> str:
    return f"{one.name} (official)" if one.official else one.name


KIND = Kind(AlertKind.SECOND_SOURCE, judged, shelves=(WITNESSES,))
