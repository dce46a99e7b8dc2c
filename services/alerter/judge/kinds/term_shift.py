"""term_shift: the outlets of a language or country go over from one word for the thing to another: from “declaration”
to “pact” to “alliance”. The terms are concepts of the glossary (`glossary.yaml`), the same in every language.

What an article calls the thing is counted in its title and in the sentences about the watch's subject, copies once.
A shift is told when the leading term of the last `window` is another than before, on enough texts, and chance is no
explanation: one-sided Fisher exact test of that term's share now and before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import comb
from typing import Any

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.case import Case, Draft
from services.alerter.judge.families import keys_of
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.rules import Rule
from shared.events import AlertKind

GROUPS = ("country", "language")
WINDOW = timedelta(hours=48)
LEAST = 5
"""Texts that must use one of the terms, in the window and before it."""
CHANCE = 0.01
"""Probability below which the change of share is no chance."""
KEPT = 400
"""Uses of a group that are remembered, the newest."""


class Use(msgspec.Struct, frozen=True, array_like=True):
    """What one text calls the thing."""

    moment: datetime
    term: str
    outlet: str
    title: str


class Uses(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest uses of a group of outlets, in the order they were met, and the term last told as leading."""

    uses: tuple[Use, ...] = ()
    leading: str = ""
    shifts: int = 0


USES = ShelfSpec("usage", Uses, timedelta(days=60))


def judged(case: Case) -> Iterable[Draft]:
    """Count what the article calls the thing; tell when its group has changed over."""
    if case.is_copy or case.again:
        return []
    return [draft for rule in case.rules.of(AlertKind.TERM_SHIFT) for draft in _judged(case, rule)]


def _judged(case: Case, rule: Rule) -> Iterator[Draft]:
    term = term_of(case, rule.terms)
    for kind, group in _groups(case, rule) if term else ():
        shelf, key = case.memory.shelf(USES), f"{rule.id} {kind} {group}"
        before = shelf.get(key) or Uses()
        source = case.reading.article.source
        use = Use(case.moment, term, source.name or source.id, wording.shortened(case.reading.article.title, 100))
        found = msgspec.structs.replace(before, uses=(*before.uses, use)[-KEPT:])
        shift = shifted(found, rule, case.moment)
        if shift is not None and case.reading.live:
            found = msgspec.structs.replace(found, leading=shift[1], shifts=found.shifts + 1)
            yield _draft(case, rule, (kind, group), shift, found)
        shelf.put(key, case.moment, found)


def term_of(case: Case, terms: Sequence[str]) -> str:
    """Which of the terms an article uses most in its title (counted twice) and where it speaks of the subject."""
    wanted = {f"={one}": one for one in terms}
    counts: Counter[str] = Counter()
    code = case.reading.article.language.macro
    for sentence in case.reading.sentences:
        if sentence.near or sentence.field == "title":
            for word in sentence.words:
                for key in keys_of(word.folded, code):
                    if key in wanted:
                        counts[wanted[key]] += 2 if sentence.field == "title" else 1
    most = max(counts.values(), default=0)
    return next((one for one in terms if counts[one] == most), "") if most else ""


def _groups(case: Case, rule: Rule) -> Iterator[tuple[str, str]]:
    wanted = rule.groups or ("country",)
    if "country" in wanted and case.reading.article.source.country:
        yield "country", case.reading.article.source.country
    if "language" in wanted:
        yield "language", case.reading.article.language.macro


def shifted(found: Uses, rule: Rule, now: datetime) -> tuple[str, str, float] | None:
    """From which term to which a group went over, and how probable that is by chance; None where it did not."""
    since = now - (rule.window or WINDOW)
    recent = Counter(one.term for one in found.uses if one.moment > since)
    earlier = Counter(one.term for one in found.uses if one.moment <= since)
    least = rule.minimum or LEAST
    if recent.total() < least or earlier.total() < least:
        return None
    old, new = found.leading or _leading(earlier, rule.terms), _leading(recent, rule.terms)
    if new in {old, ""}:
        return None
    chance = fisher(recent[new], recent.total(), earlier[new], earlier.total())
    return (old, new, chance) if chance < (rule.p or CHANCE) else None


def _leading(counts: Mapping[str, int], terms: Sequence[str]) -> str:
    """The term used most; where two are even, none leads."""
    ranked = sorted(terms, key=lambda one: -counts.get(one, 0))
    even = len(ranked) > 1 and counts.get(ranked[0], 0) == counts.get(ranked[1], 0)
    return "" if even or not ranked else ranked[0]


def fisher(now: int, of_now: int, before: int, of_before: int) -> float:
    """Probability of at least `now` of `of_now` texts, were the share the same as in the others (Fisher's exact test,
    one-sided: the tail of the hypergeometric distribution)."""
    everything, used = of_now + of_before, now + before
    tail = sum(comb(used, k) * comb(everything - used, of_now - k) for k in range(now, min(used, of_now) + 1))
    return tail / comb(everything, of_now)


def _draft(case: Case, rule: Rule, group: tuple[str, str], shift: tuple[str, str, float], found: Uses) -> Draft:
    old, new, chance = shift
    since = case.moment - (rule.window or WINDOW)
    recent = [one for one in found.uses if one.moment > since]
    earlier = [one for one in found.uses if one.moment <= since]
    headline, reason = wording.of_shift(group, old, new, (_share(recent, new), _share(earlier, new)))
    extra: dict[str, Any] = {
        "groups": group[0], "group": group[1], "from": old, "to": new, "chance": float(f"{chance:.2g}"),
        "now": dict(Counter(one.term for one in recent)), "before": dict(Counter(one.term for one in earlier)),
        "examples": [{"term": one.term, "outlet": one.outlet, "title": one.title} for one in recent[-3:]],
        "days": _by_day(found.uses),
    }  # fmt: skip
    return Draft(rule, (*group, new, found.shifts), headline, reason, extra=extra,
                 facts=frozenset({f"term {new}"}))  # fmt: skip


def _share(uses: Sequence[Use], term: str) -> tuple[int, int]:
    return sum(one.term == term for one in uses), len(uses)


def _by_day(uses: Sequence[Use]) -> dict[str, dict[str, int]]:
    days: dict[str, dict[str, int]] = {}
    for one in uses:
        day = days.setdefault(one.moment.date().isoformat(), {})
        day[one.term] = day.get(one.term, 0) + 1
    return dict(sorted(days.items())[-14:])


KIND = Kind(AlertKind.TERM_SHIFT, judged, shelves=(USES,))
