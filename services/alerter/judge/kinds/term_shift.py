"""term_shift: the outlets of a language or country go over from one word for the thing to another: from “declaration”
to “pact” to “alliance”.

What a text calls the thing (`naming`) is counted in its title and in the sentences about the watch's subject; copies
are not counted, wherever they are printed: the words are those of the first. A shift is told when the leading term of
the last `window` is another than before, on enough texts of more than one outlet, the watch is warm, and chance is no
explanation: one-sided Fisher exact test of that term's share now and in the two weeks before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from math import comb
from typing import Any

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.case import Case, Draft
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.naming import term_of
from services.alerter.judge.shelf import Shelf, ShelfSpec
from services.alerter.rules import Rule
from shared.events import AlertKind

WINDOW, LONGEST = timedelta(hours=48), timedelta(days=14)
BEFORE = timedelta(days=14)
"""How far back from the window the time before it reaches."""
LEAST = 5
"""Texts that must use one of the terms, in the window and before it."""
OUTLETS = 2
"""Outlets that must use the new term: one of them changing its words is no shift of a group."""
CHANCE = 0.01
"""Probability below which the change of share is no chance."""
EVEN = 0.05
"""Probability below which one term is ahead of another: five texts to none, nine to two. Without it, terms that are
used about as often would take turns."""
SHOWN, SHOWN_TEXTS = timedelta(days=13), 3
"""Days that an alert shows, beside the last, and texts of each term."""
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Calls(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the outlets of a group call the thing in one day: texts by term, by hour and in all, and the first outlets
    by term."""

    hours: dict[str, dict[str, int]] = {}
    texts: dict[str, int] = {}
    outlets: dict[str, tuple[str, ...]] = {}


class Text(msgspec.Struct, frozen=True):
    """A text that uses a term."""

    outlet: str
    title: str


class Lead(msgspec.Struct, frozen=True, omit_defaults=True):
    """The term last told as leading in a group, since when and after how many shifts; by term the newest texts, and the
    hour in which a shift to it was last looked for."""

    term: str = ""
    since: datetime | None = None
    shifts: int = 0
    texts: dict[str, tuple[Text, ...]] = {}
    looked: dict[str, str] = {}


CALLS = ShelfSpec("term-day", Calls, BEFORE + LONGEST + 2 * DAY)
LEADS = ShelfSpec("term-lead", Lead, timedelta(days=60))


@dataclass(frozen=True, slots=True)
class Usage:
    """Texts of a group by term, in the window and in the time before; and outlets of the window by term."""

    now: Counter[str]
    before: Counter[str]
    outlets: dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Shift:
    """From which term a group went over to which, and how probable that is by chance."""

    old: str
    new: str
    chance: float


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an alert shows beside the counts."""

    lead: Lead
    days: tuple[tuple[datetime, Calls], ...]


def judged(case: Case) -> Iterable[Draft]:
    """Count what the article calls the thing; tell when its group has changed over."""
    if case.is_copy or case.again:
        return []
    return [draft for rule in case.rules.of(AlertKind.TERM_SHIFT) for draft in _judged(case, rule)]


def _judged(case: Case, rule: Rule) -> Iterator[Draft]:
    term = term_of(case.found.named, rule.terms)
    for kind, group in _groups(case, rule) if term else ():
        place, leads = f"{rule.id} {kind} {group}", case.memory.shelf(LEADS)
        _count(case, place, term)
        before = leads.get(place) or Lead()
        lead = _with_text(before, term, case)
        usage = _looked(case, rule, place, before, term)
        shift = shifted(usage, lead, rule, case.moment) if usage else None
        if usage is not None and shift is not None and shift.new == term:
            lead = msgspec.structs.replace(lead, term=term, since=case.moment, shifts=lead.shifts + 1)
            shown = _Shown(lead, tuple(_days(case.memory.shelf(CALLS), place, case.moment, SHOWN)))
            yield _draft(rule, (kind, group), shift, usage, shown)
        leads.put(place, case.moment, lead)


def _looked(case: Case, rule: Rule, place: str, lead: Lead, term: str) -> Usage | None:
    """The use of the terms, where a shift to `term` is possible: once an hour, lest chance be tried too often."""
    if not case.reading.live or lead.term == term or lead.looked.get(term) == _hour(case) or not _is_warm(case):
        return None
    return usage_of(case.memory.shelf(CALLS), place, case.moment, _window(rule))


def _hour(case: Case) -> str:
    return f"{case.moment:%m-%d %H}"


def _groups(case: Case, rule: Rule) -> Iterator[tuple[str, str]]:
    wanted = rule.groups or ("country",)
    if "country" in wanted and case.reading.article.source.country:
        yield "country", case.reading.article.source.country
    if "language" in wanted:
        yield "language", case.reading.article.language.macro


def _count(case: Case, place: str, term: str) -> None:
    shelf, key = case.memory.shelf(CALLS), f"{place} {case.moment.date().isoformat()}"
    before, hour, source = shelf.get(key) or Calls(), f"{case.moment:%H}", case.reading.article.source.id
    terms = before.hours.get(hour, {})
    hours = before.hours | {hour: terms | {term: terms.get(term, 0) + 1}}
    known = before.outlets.get(term, ())
    outlets = before.outlets | {term: known if source in known else (*known, source)[:OUTLETS]}
    texts = before.texts | {term: before.texts.get(term, 0) + 1}
    shelf.put(key, case.moment, Calls(hours, texts, outlets))


def _with_text(lead: Lead, term: str, case: Case) -> Lead:
    source = case.reading.article.source
    text = Text(source.name or source.id, wording.shortened(case.reading.article.title, 100))
    texts = lead.texts | {term: (*lead.texts.get(term, ()), text)[-SHOWN_TEXTS:]}
    return msgspec.structs.replace(lead, texts=texts, looked=lead.looked | {term: _hour(case)})


def _window(rule: Rule) -> timedelta:
    return min(rule.window or WINDOW, LONGEST)


def _is_warm(case: Case) -> bool:
    days = case.settings.warm_for / DAY
    return case.memory.is_warm(case.moment, documents=case.settings.warm_documents, days=days)


def usage_of(shelf: Shelf[Calls], place: str, now: datetime, window: timedelta) -> Usage:
    """The use of the terms by `now`, in whole hours."""
    usage, since = Usage(Counter(), Counter(), {}), now - window
    for day, calls in _days(shelf, place, now, window + BEFORE):
        if day + DAY > since:
            usage.outlets.update({term: usage.outlets.get(term, frozenset()) | {*some}
                                  for term, some in calls.outlets.items()})  # fmt: skip
        for end, texts in _pieces(day, calls, (since, since - BEFORE)):
            if end > since - BEFORE:
                counts = usage.now if end > since else usage.before
                for term, times in texts.items():
                    counts[term] += times
    return usage


def _days(shelf: Shelf[Calls], place: str, now: datetime, back: timedelta) -> Iterator[tuple[datetime, Calls]]:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for ago in range(back // DAY + 1, -1, -1):
        day = midnight - ago * DAY
        calls = shelf.get(f"{place} {day.date().isoformat()}")
        if calls is not None:
            yield day, calls


def _pieces(day: datetime, calls: Calls, cuts: Iterable[datetime]) -> Iterator[tuple[datetime, Mapping[str, int]]]:
    """A day whole, or by hours where a cut goes through it; each with its end."""
    if not any(day < cut < day + DAY for cut in cuts):
        yield day + DAY, calls.texts
        return
    for hour, texts in calls.hours.items():
        yield day + (int(hour) + 1) * HOUR, texts


def shifted(usage: Usage, lead: Lead, rule: Rule, now: datetime) -> Shift | None:
    """The shift that the use of the terms shows, or None. What was told as leading is what the next is measured
    against, for as long as that is in the time looked at."""
    least, window = rule.minimum or LEAST, _window(rule)
    if usage.now.total() < least or usage.before.total() < least:
        return None
    told = lead.term if lead.since is not None and now - lead.since <= window + BEFORE else ""
    old, new = told or _leading(usage.before, rule.terms), _leading(usage.now, rule.terms)
    if new in {old, ""} or len(usage.outlets.get(new, ())) < OUTLETS:
        return None
    if not (old and _leads(usage.now, new, old) and (told or _leads(usage.before, old, new))):
        return None
    chance = fisher(usage.now[new], usage.now.total(), usage.before[new], usage.before.total())
    return Shift(old, new, chance) if chance < (rule.p or CHANCE) else None


def _leads(counts: Mapping[str, int], one: str, other: str) -> bool:
    """Whether a term is ahead of another by more than an even chance explains (sign test)."""
    return ahead(counts.get(one, 0), counts.get(other, 0)) < EVEN


def ahead(one: int, other: int) -> float:
    """Probability of at least `one` of `one + other` tosses of a fair coin (binomial tail, exact)."""
    tosses = one + other
    favourable: int = sum(comb(tosses, k) for k in range(one, tosses + 1))
    return float(Fraction(favourable, 1 << tosses))


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


def _draft(rule: Rule, group: tuple[str, str], shift: Shift, usage: Usage, shown: _Shown) -> Draft:
    new = shift.new
    shares = ((usage.now[new], usage.now.total()), (usage.before[new], usage.before.total()))
    headline, reason = wording.of_shift(group, shift.old, new, shares)
    extra: dict[str, Any] = {
        "groups": group[0], "group": group[1], "from": shift.old, "to": new, "chance": float(f"{shift.chance:.2g}"),
        "now": dict(usage.now), "before": dict(usage.before),
        "examples": {term: [msgspec.to_builtins(one) for one in texts] for term, texts in shown.lead.texts.items()},
        "days": {day.date().isoformat(): dict(calls.texts) for day, calls in shown.days},
    }  # fmt: skip
    return Draft(rule, (*group, new, shown.lead.shifts), headline, reason, extra=extra,
                 facts=frozenset({f"term {new}"}))  # fmt: skip


KIND = Kind(AlertKind.TERM_SHIFT, judged, shelves=(CALLS, LEADS))
