"""An alert with everything in it, for tests of those who read alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared import ids
from shared.events import (
    AlertKind,
    AlertRaised,
    ArticleReference,
    Clause,
    Hit,
    Language,
    Ledger,
    Novelty,
    Published,
    Reaction,
    Source,
    Span,
)

NOON = datetime(2025, 3, 18, 12, 0, tzinfo=UTC)
"""The story's time."""

REAL = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""The real time at which the fake pipeline did its steps."""


def alert(number: int = 1, *, watch: str = "alliance", **changes: Any) -> AlertRaised:
    """Alert `number` of a watch."""
    article_id = ids.article(f"https://bregu.example/lajme/{number}")
    whole = AlertRaised(
        id=ids.alert(watch, "first-seen", number),
        observed=NOON,
        kind=AlertKind.FIRST_SEEN,
        rule_id="first-seen",
        watch_id=watch,
        watch_version=3,
        watch_title="Defence cooperation",
        story_id=ids.story(watch, article_id),
        story_headline="Declaration signed in Tirana",
        severity="warning",
        headline="New in this story: “стратешко партнерство”",
        reason="The term was not met in 1204 documents since 1 March.",
        article=_article(article_id, number),
        hits=(Hit(concept="declaration", term="deklarata", form="exact",
                  span=Span(field="title", start=0, end=9, surface="Deklarata")),),
        why=Clause(label="all of", held=True, parts=(Clause(label="declaration", held=True),)),
        novelty=Novelty(family="stratesko partnerstvo", forms=("стратешко партнерство",), languages=("hbs",),
                        first_seen=NOON, witnesses=("bregu",), documents_searched=1204,
                        searched_since=NOON - timedelta(days=17)),
        reaction=Reaction(actor_id="minister", actor="The minister", act="condemned", quote="„Не прихватамо.“"),
        extra={"window": "1h"},
        ledger=_ledger(),
    )  # fmt: skip
    return msgspec.structs.replace(whole, **changes)


def _article(article_id: str, number: int) -> ArticleReference:
    return ArticleReference(
        id=article_id,
        version=ids.article_version(article_id, "text"),
        url=f"https://bregu.example/lajme/{number}",
        title="Deklarata u nënshkrua në Tiranë",
        source=Source(id="bregu", name="Bregu", domain="bregu.example", country="AL", language="sq"),
        language=Language(macro="sq", script="Latn", confidence=0.99, origin="text"),
        published=Published(at=NOON - timedelta(minutes=4), origin="json-ld", sure=0.95),
        observed=NOON,
        excerpt="Ministrat nënshkruan deklaratën…",
    )


def _ledger() -> Ledger:
    steps = [REAL + timedelta(milliseconds=step) for step in (0, 120, 480, 490, 505)]
    return Ledger(seen=steps[0], fetched=steps[1], extracted=steps[2], matched=steps[3], raised=steps[4])
