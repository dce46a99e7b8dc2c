"""edit: an article that was judged before comes with another text: another headline, other numbers, a denial, or a
notice that it was withdrawn. Told with what changed, never as a new article.

Only what the outlet changed is told: a comma, a typing error or a new date is no edit, nor is a text that only grew
unless the rule says how many sentences count (`minimum`). A version that is older than the one known says nothing.
What changed is told in numbers and titles; the excerpt of the alert begins at the first sentence that is new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from rapidfuzz import fuzz

from services.alerter.judge import wording
from services.alerter.judge.acts import lexicon
from services.alerter.judge.case import SHOWN_HITS, Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.reading import TEXT, Reading, Sentence
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.version import Version, hashes
from services.alerter.options import ACTS
from services.alerter.rules import Rule
from shared.events import AlertKind
from shared.text.fold import fold_text

REWORDED = 90.0
"""Titles less alike than this (per cent, rapidfuzz ratio of folded texts) were reworded; typing errors stay above."""
GUTTED, WORTH = 5, 60
"""A text of at least so many words that lost all but a fifth was taken away."""
KEPT_SENTENCES, KEPT_NUMBERS = 120, 60
"""Of a longer text the beginning is kept, and compared, only."""


VERSIONS = ShelfSpec("version", Version, timedelta(days=7), resident=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What an outlet changed: `what` in plain words, the weightiest first."""

    what: tuple[str, ...]
    numbers_gone: tuple[str, ...]
    numbers_new: tuple[str, ...]
    sentences_gone: int
    sentences_new: int
    tone: str
    sentence: Sentence | None


def judged(case: Case) -> Iterable[Draft]:
    """Keep the version; tell what changed in it, for every rule that asks."""
    rules = case.rules.of(AlertKind.EDIT)
    if not rules:
        return []
    shelf, article = case.memory.shelf(VERSIONS), case.reading.article
    before = shelf.get(article.article_id)
    if before is not None and (before.version == article.id or case.reading.match.observed < before.observed):
        return []
    now = case.found.version
    if before is not None:
        now = msgspec.structs.replace(now, withdrawn=is_withdrawn(before, now))
    shelf.put(article.article_id, case.moment, _kept(now))
    if before is None or not case.reading.live:
        return []
    return [draft for rule in rules if (draft := _draft(case, rule, before, now)) is not None]


def _kept(version: Version) -> Version:
    return msgspec.structs.replace(
        version, numbers=version.numbers[:KEPT_NUMBERS], sentences=version.sentences[:KEPT_SENTENCES]
    )


def is_withdrawn(before: Version, now: Version) -> bool:
    """Whether an article was taken away: little is left of its text, or a notice stands where it stood. Once it was, it
    stays so until there is a text again."""
    if before.withdrawn:
        return now.notice or now.words < GUTTED * before.words
    if now.unread:
        return False
    kept = len(set(before.sentences) & set(now.sentences))
    replaced = now.notice and not before.notice and 2 * kept < len(before.sentences)
    return replaced or (before.words >= WORTH and now.words * GUTTED < before.words)


def change(before: Version, now: Version, reading: Reading, minimum: int | None) -> Change | None:
    """What changed materially, or None."""
    gone, new = turned(before.numbers, now.numbers, KEPT_NUMBERS)
    lost, added = turned(before.sentences, now.sentences, KEPT_SENTENCES)
    what = tuple(_what(before, now, numbers=bool(gone or new), sentences=len(lost) + len(added), minimum=minimum))
    if not what:
        return None
    tone = _tone(before.title, now.title, reading.article.language.macro) if "headline" in what else ""
    return Change(what, gone, new, len(lost), len(added), tone, _first_of(reading, frozenset(added)))


T = TypeVar("T", int, str)


def turned(before: tuple[T, ...], now: tuple[T, ...], kept: int) -> tuple[tuple[T, ...], tuple[T, ...]]:
    """What is gone and what is new. Of a longer version before, only its first `kept` are known: what may have stood
    behind them is not called new."""
    known, stands = frozenset(before), frozenset(now)
    gone = tuple(one for one in before if one not in stands)
    far = now if len(before) < kept else now[: kept - len(gone)]
    return gone, tuple(one for one in far if one not in known)


def _what(before: Version, now: Version, *, numbers: bool, sentences: int, minimum: int | None) -> Iterator[str]:
    if before.withdrawn or now.withdrawn:
        if before.withdrawn != now.withdrawn:
            yield "withdrawn" if now.withdrawn else "restored"
        return
    if now.denies and not before.denies:
        yield "denial"
    if fuzz.ratio(fold_text(before.title), fold_text(now.title)) < REWORDED:
        yield "headline"
    if before.unread or now.unread:
        return
    if numbers:
        yield "number"
    if minimum is not None and sentences >= minimum:
        yield "text"


def _tone(before: str, now: str, code: str) -> str:
    """Whether the act that a headline tells became a weightier one or a lighter one (`ACTS`, weightiest first)."""
    told = [
        min((ACTS.index(cue.act) for cue in lexicon(code).find(fold_text(title).split())), default=len(ACTS))
        for title in (before, now)
    ]
    return "" if told[0] == told[1] else "softer" if told[1] > told[0] else "harder"


def _first_of(reading: Reading, added: Collection[int]) -> Sentence | None:
    """The first sentence that is new."""
    told = (one for one in reading.sentences if one.field == TEXT)
    return next((one for one, name in zip(told, hashes(reading), strict=True) if name in added), None)


def _draft(case: Case, rule: Rule, before: Version, now: Version) -> Draft | None:
    found = change(before, now, case.reading, rule.minimum)
    if found is None:
        return None
    headline, reason = wording.of_edit(
        found.what, before.title, now.title, numbers=(found.numbers_gone, found.numbers_new), tone=found.tone
    )
    extra: dict[str, Any] = {
        "what": list(found.what), "title": {"before": before.title, "now": now.title}, "tone": found.tone,
        "numbers": {"gone": list(found.numbers_gone), "new": list(found.numbers_new)},
        "sentences": {"gone": found.sentences_gone, "new": found.sentences_new},
        "versions": {"before": before.version, "now": now.version},
        "after_minutes": round((now.observed - before.observed).total_seconds() / 60),
    }  # fmt: skip
    return Draft(
        rule, (case.reading.article.article_id,), headline, reason, sentence=found.sentence,
        hits=case.reading.match.hits[:SHOWN_HITS], extra=extra, facts=frozenset(_facts(found, now)),
    )  # fmt: skip


def _facts(found: Change, now: Version) -> Iterator[str]:
    """What goes through a cooldown: all but a text that only grows."""
    yield from (f"number {one}" for one in (*found.numbers_gone, *found.numbers_new))
    yield from (f"{one} {now.version}" for one in found.what if one not in {"number", "text"})


KIND = Kind(AlertKind.EDIT, judged, shelves=(VERSIONS,))
