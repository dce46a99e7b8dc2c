"""silence: a source, a language or a country that normally tells of this story says nothing while others do (`silent`
decides who). It is resolved when it speaks again, or when the others have fallen silent, too.

One timer for each rule sweeps the watch: at whole hours of story time, six times in the length of a silence, for as
long as anybody tells of it. A sweep looks at the time until then and at nothing later, and it fires when everything met
until then was judged, so late articles give no false alarm. The id of the alert is who, and when it last spoke.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from services.alerter.judge import habits, wording, wording_silence
from services.alerter.judge.case import Case, Draft, Hour
from services.alerter.judge.kinds.kind import Kind
from services.alerter.judge.memory import Memory
from services.alerter.judge.metrics import Suppressed
from services.alerter.judge.outside import SILENT_FOR
from services.alerter.judge.shelf import ShelfSpec
from services.alerter.judge.silent import COUNTRY, HOUR, LANGUAGE, OTHERS, SOURCE, Scene, Silence, silences
from services.alerter.judge.tallies import Window
from services.alerter.judge.tell import suppress
from services.alerter.judge.timers import TIMERS, Timer, key, set_timer
from services.alerter.rules import Rule
from services.alerter.volumes import KEPT
from shared import ids
from shared.db import EPOCH
from shared.events import AlertKind, AlertState, ArticleReference
from shared.text.languages import macro

BASELINE = timedelta(days=28)
SWEEPS = 6
"""Sweeps in the length of a silence."""
MOST = 3
"""Silences told at one sweep, the most telling ones; the others are only counted."""
REACH = 4
"""How many times its least length a silence is followed back."""
SWEEP = "sweep"
NEVER = "never"


class Silent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody who is silent: since when (`NEVER`), under which name, which sources, and how many of these must speak
    until it is none; 0 says that anybody of the group will do. `why` says why it was not told, if it was not."""

    since: str
    label: str
    members: tuple[str, ...]
    speak: int = 0
    why: str = ""


class Heard(msgspec.Struct, frozen=True):
    """The latest live article of the watch: what a silence is about."""

    article: ArticleReference
    story: tuple[str, str]


SILENT = ShelfSpec("silent", Silent, KEPT)
HEARD = ShelfSpec("heard", Heard, KEPT)


def judged(case: Case) -> Iterable[Draft]:
    """Count the article; a live one ends silences and keeps the sweeps going."""
    habits.note(case)
    rules = case.rules.of(AlertKind.SILENCE) if case.reading.live else ()
    if not rules:
        return []
    article = msgspec.structs.replace(wording.reference(case.reading, None), excerpt="")
    case.memory.shelf(HEARD).put("now", case.moment, Heard(article, (case.story.id, case.story.headline)))
    for rule in rules:
        if case.memory.shelf(TIMERS).get(key(AlertKind.SILENCE.value, rule.id, SWEEP)) is None:
            _set_sweep(case.memory, rule, case.moment)
    return [draft for rule in rules for draft in _ended(case, rule)]


# ---- sweeps ----------------------------------------------------------------------------------------------------------


def due(hour: Hour, timer: Timer) -> Iterable[Draft]:
    """Sweep the watch: who is silent now?"""
    rule = next((one for one in hour.rules.of(AlertKind.SILENCE) if one.id == timer.rule_id), None)
    heard = hour.memory.shelf(HEARD).get("now")
    if rule is None or heard is None:
        return []
    window = _window(rule, hour.moment)
    days = habits.days(hour.memory)
    if 0 < days.speakers(window.start, OTHERS) < OTHERS and not _has_silent(hour.memory, rule):
        _set_sweep(hour.memory, rule, hour.moment)  # too few to say anything of the others
        return []
    scene = Scene(window, days.tallies(window), hour.outside)
    if not scene.speakers():
        return _quiet(hour, rule, heard)
    _set_sweep(hour.memory, rule, hour.moment)
    spoken = list(_spoken(hour, rule, scene, heard))
    return [*spoken, *_found(hour, rule, scene, heard)]


def _has_silent(memory: Memory, rule: Rule) -> bool:
    return any(place.rsplit(" ", 2)[0] == rule.id for place in memory.shelf(SILENT))


def _set_sweep(memory: Memory, rule: Rule, after: datetime) -> None:
    """The next whole step of story time."""
    step = max(HOUR, _lasting(rule) // SWEEPS // HOUR * HOUR)
    due_at = EPOCH + ((after - EPOCH) // step + 1) * step
    set_timer(memory.shelf(TIMERS), due_at, Timer(AlertKind.SILENCE.value, rule.id, SWEEP))


def _lasting(rule: Rule) -> timedelta:
    """The length of a silence in whole hours, at least one."""
    return max(HOUR, -(-(rule.lasting or SILENT_FOR) // HOUR) * HOUR)


def _window(rule: Rule, end: datetime) -> Window:
    lasting = _lasting(rule)
    return Window(end - min(KEPT, rule.baseline or BASELINE), end - REACH * lasting, end - lasting, end)


def _found(hour: Hour, rule: Rule, scene: Scene, heard: Heard) -> Iterator[Draft]:
    found, broken = silences(scene, rule)
    for one in broken:
        if _is_news(hour.memory, rule, one):
            suppress(hour, rule.kind, Suppressed.BROKEN_FETCH)
            _keep(hour, rule, one, Suppressed.BROKEN_FETCH.value)
    told = 0
    for one in found:
        if not _is_news(hour.memory, rule, one):
            continue
        told += 1
        _keep(hour, rule, one, "" if told <= MOST else Suppressed.ROLLED_UP.value)
        if told > MOST:
            suppress(hour, rule.kind, Suppressed.ROLLED_UP)
        else:
            yield _draft(rule, one, scene, heard)


def _is_news(memory: Memory, rule: Rule, one: Silence) -> bool:
    """Whether it is not known already, by itself or as one of a group; one that could not be read may be told once it
    can."""
    shelf = memory.shelf(SILENT)
    known = shelf.get(_key(rule, one.kind, one.name))
    if known is not None:
        return known.why == Suppressed.BROKEN_FETCH.value and bool(one.members) and not one.unread
    wider = (
        two for place, _, two in shelf.items() if place.rsplit(" ", 2)[:2] in ([rule.id, LANGUAGE], [rule.id, COUNTRY])
    )
    return one.kind != SOURCE or not any(one.name in two.members and not two.why for two in wider)


def _keep(hour: Hour, rule: Rule, one: Silence, why: str) -> None:
    whole = one.kind == SOURCE or len(one.members) + len(one.unread) >= one.of
    speak = 0 if whole else (len(one.members) + 1) // 2
    silent = Silent(one.since.isoformat() if one.since else NEVER, one.label, one.members, speak, why)
    hour.memory.shelf(SILENT).put(_key(rule, one.kind, one.name), hour.moment, silent)


def _key(rule: Rule, kind: str, name: str) -> str:
    return f"{rule.id} {kind} {name}"


def _draft(rule: Rule, one: Silence, scene: Scene, heard: Heard) -> Draft:
    others, clusters = scene.speakers(one.members), scene.clusters(one.begun)
    lasting = scene.window.end - one.begun
    headline, reason = wording_silence.of_silence(one, heard.story[1], lasting, len(others), clusters)
    since = one.since.isoformat() if one.since else NEVER
    extra = {
        "silent": one.kind, "name": one.name, "since": since, "members": list(one.members), "unread": list(one.unread),
        "others": len(others), "expected": round(one.expected, 2), "chance": float(f"{one.chance:.2g}"),
        "window_hours": int(lasting / HOUR), "other_articles": one.published,
    }  # fmt: skip
    return Draft(
        rule, _about(one.kind, one.name, since), headline, reason, state=AlertState.OPEN, sources=len(others),
        extra=extra, article=heard.article, story=heard.story,
    )  # fmt: skip


def _about(kind: str, name: str, since: str) -> tuple[str, ...]:
    return (kind, name, since)


# ---- ends ------------------------------------------------------------------------------------------------------------


def _ended(case: Case, rule: Rule) -> Iterator[Draft]:
    """The silences that this article ends."""
    source = case.reading.article.source
    language = macro(source.language or case.reading.article.language.macro)
    for kind, name in ((SOURCE, source.id), (LANGUAGE, language), (COUNTRY, source.country)):
        silent = case.memory.shelf(SILENT).get(_key(rule, kind, name))
        if silent is None or not _has_ended(case, rule, kind, name, silent):
            continue
        headline, reason = wording_silence.of_speech(
            _label(kind, silent.label), _since(silent), case.moment, case.reading.article.title
        )
        if _is_told(case.memory, rule, kind, name, silent):
            yield Draft(rule, _about(kind, name, silent.since), headline, reason, state=AlertState.RESOLVED,
                        severity="info")  # fmt: skip


def _has_ended(case: Case, rule: Rule, kind: str, name: str, silent: Silent) -> bool:
    """Note that one of them has spoken; whether that is enough."""
    source, place, shelf = case.reading.article.source.id, _key(rule, kind, name), case.memory.shelf(SILENT)
    if silent.speak and source not in silent.members:
        return False
    if silent.speak > 1:
        left = tuple(one for one in silent.members if one != source)
        entry = shelf.entry(place)
        shelf.put(
            place, entry[0] if entry else case.moment,
            msgspec.structs.replace(silent, members=left, speak=silent.speak - 1),
        )  # fmt: skip
        return False
    shelf.drop(place)
    return True


def _spoken(hour: Hour, rule: Rule, scene: Scene, heard: Heard) -> Iterator[Draft]:
    """Silences that history ends: what was met late shows that there was none."""
    shelf = hour.memory.shelf(SILENT)
    for place, opened, silent in sorted(shelf.items(), key=lambda entry: entry[0]):
        rule_id, kind, name = place.rsplit(" ", 2)
        if rule_id != rule.id or kind != SOURCE:
            continue
        tally, since = scene.tallies.get(name), _since(silent)
        if tally is None or (since is not None and tally.last <= since) or tally.last > opened:
            continue
        shelf.drop(place)
        if _is_told(hour.memory, rule, kind, name, silent):
            headline, reason = wording_silence.of_speech(silent.label, since, tally.last, heard.article.title)
            yield Draft(rule, _about(kind, name, silent.since), headline, reason, state=AlertState.RESOLVED,
                        severity="info", article=heard.article, story=heard.story)  # fmt: skip


def _quiet(hour: Hour, rule: Rule, heard: Heard) -> list[Draft]:
    """Nobody tells of it any more: no silence stands out, and no sweep is needed before the next article."""
    shelf, drafts = hour.memory.shelf(SILENT), []
    for place, _, silent in sorted(shelf.items(), key=lambda entry: entry[0]):
        rule_id, kind, name = place.rsplit(" ", 2)
        if rule_id != rule.id:
            continue
        shelf.drop(place)
        if _is_told(hour.memory, rule, kind, name, silent):
            headline, reason = wording_silence.of_quiet(_label(kind, silent.label), heard.story[1])
            drafts.append(
                Draft(rule, _about(kind, name, silent.since), headline, reason, state=AlertState.RESOLVED,
                      severity="info", article=heard.article, story=heard.story)
            )  # fmt: skip
    return drafts


def _label(kind: str, label: str) -> str:
    if kind == SOURCE:
        return label
    return f"sources in {wording.names((label,))}" if kind == LANGUAGE else f"sources from {label}"


def _since(silent: Silent) -> datetime | None:
    return None if silent.since == NEVER else datetime.fromisoformat(silent.since)


def _is_told(memory: Memory, rule: Rule, kind: str, name: str, silent: Silent) -> bool:
    told = memory.told.get(ids.alert(memory.watch_id, rule.id, *_about(kind, name, silent.since)))
    return told is not None and told.revision >= 0 and not told.resolved


KIND = Kind(AlertKind.SILENCE, judged, due, (habits.HABITS, SILENT, HEARD))
