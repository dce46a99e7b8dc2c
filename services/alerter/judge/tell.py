"""Telling: drafts become alerts, with revisions, and not too many of them.

One alert per rule and subject: it opens, is brought up to date, is resolved. An update is held back while a kind that
says the same more exactly speaks of the same article (inhibition), or in its cooldown unless it brings a new actor,
number, place or source. What is beyond a day's budget goes into one roll-up alert, which is told again each time that
it has doubled. Everything held back is counted with its reason, in metrics and by day in the watch's memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec

from services.alerter.judge import wording
from services.alerter.judge.case import Case, Draft, Hour
from services.alerter.judge.memory import Told
from services.alerter.judge.metrics import SUPPRESSED, Suppressed
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.story import Story
from services.alerter.judge.timers import TIMERS, Timer, set_timer
from services.alerter.rules import Rule
from shared import ids
from shared.codec import decode_bytes
from shared.events import AlertKind, AlertRaised, AlertState, Ledger, Mode

INHIBITED_BY: Mapping[AlertKind, frozenset[AlertKind]] = {
    AlertKind.MATCH: frozenset({AlertKind.SECOND_SOURCE, AlertKind.BORDER_CROSSING, AlertKind.BURST}),
}
"""Updates of a kind that need not be told while one of these speaks of the same article."""
RESOLVE = "resolve"
KEPT_FACTS = 300
"""Facts of an alert that are remembered as told; the story of years names more, and a fact told again is no harm."""
_COUNTED = (AlertState.OPEN, AlertState.UPDATE)


class Day(msgspec.Struct, omit_defaults=True):
    """A day of a watch: tellings in all and by rule, what went into the roll-up, what was held back and why."""

    told: int = 0
    rules: dict[str, int] = {}
    beyond: int = 0
    suppressed: dict[str, int] = {}


DAYS = ShelfSpec("day", Day, timedelta(days=8))


def tell(at: Case | Hour, drafts: Sequence[Draft]) -> list[AlertRaised]:
    """The alerts of one article or timer, in the order of the drafts."""
    kinds = frozenset(one.rule.kind for one in drafts if one.state is not AlertState.CORRECTION)
    alerts: list[AlertRaised] = []
    for draft in drafts:
        alerts += _told(at, draft, kinds)
    return alerts


def _told(at: Case | Hour, draft: Draft, kinds: frozenset[AlertKind]) -> Iterable[AlertRaised]:
    name = draft.name or ids.alert(at.memory.watch_id, draft.rule.id, *draft.about)
    before = at.memory.told.get(name)
    if before is not None and before.revision < 0:
        before = None
    state = draft.state or (AlertState.UPDATE if before else AlertState.OPEN)
    reason = _held_back(at, draft, before, state, kinds)
    if reason is not None:
        suppress(at, draft.rule.kind, reason)
        return _instead(at, draft, name, before, reason)
    revision = before.revision + 1 if before else 0
    _remember(at, draft, name, before, revision, resolved=draft.closes or state is AlertState.RESOLVED)
    _count(at, draft, state)
    alert = _alert(at, draft, name, state, revision)
    _set_rest(at, draft, alert)
    return (alert,)


def _held_back(
    at: Case | Hour, draft: Draft, before: Told | None, state: AlertState, kinds: frozenset[AlertKind]
) -> Suppressed | None:
    if state is AlertState.UPDATE and INHIBITED_BY.get(draft.rule.kind, frozenset()) & kinds:
        return Suppressed.INHIBITED
    cooldown = draft.rule.cooldown if draft.rule.cooldown is not None else at.settings.update_cooldown
    cooling = before is not None and at.moment - before.told < cooldown and not draft.gathers
    if cooling and state is AlertState.UPDATE and before is not None and not draft.facts - set(before.facts):
        return Suppressed.COOLDOWN
    return Suppressed.BUDGET if state in _COUNTED and not draft.gathers and _is_spent(at, draft) else None


def _is_spent(at: Case | Hour, draft: Draft) -> bool:
    day, most = _day(at), draft.rule.per_day
    return day.told >= at.settings.alerts_per_day or (most is not None and day.rules.get(draft.rule.id, 0) >= most)


def _instead(
    at: Case | Hour, draft: Draft, name: str, before: Told | None, reason: Suppressed
) -> Iterable[AlertRaised]:
    """What is done about a draft that is not told: an inhibited one is known to the reader by the other alert, one
    beyond the budget stands in the roll-up and is not told again tomorrow."""
    if reason is Suppressed.COOLDOWN:
        return ()
    _remember(at, draft, name, before, before.revision if before else -1, told_now=False)
    return _roll_up(at, draft) if reason is Suppressed.BUDGET else ()


def _remember(
    at: Case | Hour, draft: Draft, name: str, before: Told | None, revision: int, *, resolved: bool = False,
    told_now: bool = True,
) -> None:  # fmt: skip
    story = _story(at, draft)[0]
    facts = sorted({*(before.facts if before else ()), *draft.facts})[-KEPT_FACTS:]
    told = before.told if before and not told_now else at.moment
    at.memory.put_told(
        Told(name, story, draft.rule.kind.value, revision, told, draft.languages, draft.sources, draft.terms,
             tuple(facts), resolved)
    )  # fmt: skip


def _story(at: Case | Hour, draft: Draft) -> tuple[str, str]:
    return draft.story if isinstance(at, Hour) or draft.story[0] else (at.story.id, at.story.headline)


def _alert(at: Case | Hour, draft: Draft, name: str, state: AlertState, revision: int) -> AlertRaised:
    story_id, story_headline = _story(at, draft)
    match = at.reading.match if isinstance(at, Case) else None
    article = draft.article or (wording.reference(at.reading, draft.sentence) if isinstance(at, Case) else None)
    if article is None:
        raise ValueError(f"a draft of {draft.rule.kind} names no article")
    return AlertRaised(
        id=name, observed=match.observed if match else at.moment, revision=revision, state=state, kind=draft.rule.kind,
        rule_id=draft.rule.id, watch_id=at.memory.watch_id,
        watch_version=match.watch_version if match else at.rules.version, watch_title=at.rules.title,
        story_id=story_id, story_headline=story_headline, severity=draft.severity or draft.rule.severity,
        headline=draft.headline, reason=draft.reason, article=article, hits=draft.hits,
        why=match.why if match else None, novelty=draft.novelty, reaction=draft.reaction,
        independent_sources=draft.sources, extra=dict(draft.extra), mode=match.mode if match else Mode.LIVE,
        ledger=match.ledger if match else Ledger(),
    )  # fmt: skip


# ---- budget ----------------------------------------------------------------------------------------------------------


def _day(at: Case | Hour) -> Day:
    return at.memory.shelf(DAYS).get(_today(at)) or Day()


def _today(at: Case | Hour) -> str:
    return at.moment.date().isoformat()


def _put_day(at: Case | Hour, day: Day) -> None:
    at.memory.shelf(DAYS).put(_today(at), at.moment, day)


def suppress(at: Case | Hour, kind: AlertKind, reason: Suppressed) -> None:
    """Count what was not told, or not by itself."""
    SUPPRESSED.labels(kind.value, reason.value).inc()
    day = _day(at)
    day.suppressed = day.suppressed | {reason.value: day.suppressed.get(reason.value, 0) + 1}
    _put_day(at, day)


def _count(at: Case | Hour, draft: Draft, state: AlertState) -> None:
    if state not in _COUNTED or draft.gathers:
        return
    day, rule = _day(at), draft.rule.id
    day.told += 1
    day.rules = day.rules | {rule: day.rules.get(rule, 0) + 1}
    _put_day(at, day)


def _roll_up(at: Case | Hour, draft: Draft) -> Iterable[AlertRaised]:
    """The day's roll-up, told when what stands in it has doubled: 1, 2, 4, 8 …"""
    day = _day(at)
    day.beyond += 1
    _put_day(at, day)
    if day.beyond & (day.beyond - 1):
        return ()
    count = wording.count(day.beyond, "more alert")
    extra: dict[str, Any] = {"roll_up": "day", "alerts": day.beyond, "suppressed": day.suppressed}
    return _told(at, replace(
        draft, about=("day", _today(at)), headline=f"{count} today, the latest: {draft.headline}",
        reason=f"Told together: the budget of {_budget(at, draft)} a day is spent", state=None, novelty=None,
        reaction=None, extra=extra, resolve=None, gathers=True, rule=replace(draft.rule, id="beyond"),
    ), frozenset())  # fmt: skip


def _budget(at: Case | Hour, draft: Draft) -> str:
    if _day(at).told >= at.settings.alerts_per_day or draft.rule.per_day is None:
        return wording.count(at.settings.alerts_per_day, "alert")
    return f"{wording.count(draft.rule.per_day, 'alert')} of the rule {draft.rule.id}"


# ---- rest ------------------------------------------------------------------------------------------------------------


def _set_rest(at: Case | Hour, draft: Draft, alert: AlertRaised) -> None:
    if draft.resolve is not None and alert.state in _COUNTED:
        note = msgspec.json.encode(alert).decode()
        set_timer(at.memory.shelf(TIMERS), at.moment + draft.resolve, Timer(RESOLVE, alert.rule_id, alert.id, note))


def rest(hour: Hour, timer: Timer) -> Iterable[Draft]:
    """An alert may have come to rest: resolve it, or look again when its story has been silent for long enough."""
    last = decode_bytes(timer.note.encode(), AlertRaised)
    rule = next((one for one in hour.rules.rules if one.id == last.rule_id and one.kind is last.kind), None)
    told = hour.memory.told.get(last.id)
    if rule is None or told is None or told.resolved:
        return
    after = rule.resolve or hour.settings.resolve_after
    story = hour.memory.story(last.story_id)
    if last.kind is AlertKind.MATCH and story is not None and story.last + after > hour.moment:
        set_timer(hour.memory.shelf(TIMERS), story.last + after, timer)
        return
    about = last.story_headline if last.kind is AlertKind.MATCH else last.headline
    headline, reason = wording.of_rest(about, after if last.kind is AlertKind.MATCH else hour.moment - told.told, story)
    yield replace(_resolved(last, rule, told, story), headline=headline, reason=reason)


def _resolved(last: AlertRaised, rule: Rule, told: Told, story: Story | None) -> Draft:
    extra = {"articles": story.profile.articles, "opened": story.opened.isoformat()} if story else {}
    return Draft(
        rule, (), last.headline, "", state=AlertState.RESOLVED, name=last.id, severity="info", sources=told.sources,
        languages=told.languages, terms=told.terms, extra=extra, article=last.article,
        story=(last.story_id, last.story_headline),
    )  # fmt: skip
