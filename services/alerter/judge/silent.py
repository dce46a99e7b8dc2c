"""Who is silent: sources, languages and countries that tell nothing of a story in a window though by their habit they
would have, while at least three others do.

Silence is claimed only of sources that were read without fault through the whole window and published other articles
in it: one whose feed is broken, or from which nothing at all comes, is no news but a fault. A source that never told of
the watch is measured by the habit of its own language: three quarters of those sources must have spoken.

Every test of a sweep has its share of one chance in twenty to be wrong, so that however many sources there are, at most
one window in twenty has a false alarm (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median

from services.alerter.judge.habits import Habit, Tally, Window, habit_of
from services.alerter.judge.outside import Outside, hour_of
from services.alerter.rules import Rule
from services.alerter.volumes import SourceState
from shared.text.languages import macro

SOURCE, LANGUAGE, COUNTRY = "source", "language", "country"
EVERY = (LANGUAGE, COUNTRY, SOURCE)
"""Whose silence is looked for, the wider first."""
CHANCE = 0.01
"""A silence is told where chance alone brings one this rarely, at most."""
FAMILY = 0.05
"""The chance of any false alarm in one window."""
OTHERS = 3
"""Sources that must tell of the story meanwhile."""
HABIT_DAYS = 3
"""Days on which somebody must have told of the watch before a silence means anything."""
PEERS = 0.75
"""Share of the sources of a language that must speak for one that never did to count as silent."""
STALE = timedelta(hours=1)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Silence:
    """Somebody is silent. `members` are the sources that are, `of` how many there are; `since` is when the last of them
    spoke, None where they never did. `unread` are sources about which nothing can be said."""

    kind: str
    name: str
    label: str
    members: tuple[str, ...]
    of: int
    since: datetime | None
    expected: float
    chance: float
    published: int
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scene:
    """A window of a watch: what everybody told, before and in it, and what is known of the sources."""

    window: Window
    tallies: Mapping[str, Tally]
    outside: Outside

    def speakers(self, but: Iterable[str] = ()) -> list[Tally]:
        """Sources that told of it in the window."""
        left_out = set(but)
        return [one for one in self.tallies.values() if one.told and one.source_id not in left_out]

    def published(self, source_id: str) -> int:
        """Articles of a source in the window, matched or not."""
        hours = int((self.window.end - self.window.start) / HOUR)
        first = hour_of(self.window.start)
        return sum(self.outside.volumes.get((first + at * HOUR, source_id), 0) for at in range(hours))

    def is_read(self, source_id: str) -> bool:
        """Whether its silence means anything: read well through the window, and other articles came."""
        state = self.outside.sources.get(source_id)
        if state is None or not state.read_well or state.since > self.window.start:
            return False
        late = max(STALE, (self.window.end - self.window.start) / 2)
        return state.checked >= self.window.end - late and self.published(source_id) > 0


def silences(scene: Scene, rule: Rule) -> tuple[list[Silence], list[Silence]]:
    """Who is silent, the wider and the more telling first; and who would be, but cannot be read."""
    wanted = rule.groups or EVERY
    tests = [(kind, name, members) for kind in EVERY for name, members in _groups(scene, kind, rule) if members]
    tests = [test for test in tests if test[0] in wanted or test[0] == SOURCE]
    limit = min(rule.p or CHANCE, FAMILY / max(1, len(tests)))
    found: list[Silence] = []
    broken: list[Silence] = []
    for kind, name, members in tests:
        silence, read = _tried(scene, kind, name, members)
        if silence is not None and silence.chance <= limit:
            (found if read else broken).append(silence)
    found += _never(scene, rule, limit)
    single = [one for one in found if one.kind == SOURCE]
    for kind in (LANGUAGE, COUNTRY):
        found += _most(scene, kind, single, found) if kind in wanted else []
    return _widest(found, wanted), broken


def _groups(scene: Scene, kind: str, rule: Rule) -> list[tuple[str, list[Tally]]]:
    """The sources by language or country, or each by itself. A group of one is that source."""
    found: dict[str, list[Tally]] = {}
    for one in sorted(scene.tallies.values(), key=lambda tally: tally.source_id):
        if not rule.names or one.source_id in rule.names:
            found.setdefault(_group(kind, one), []).append(one)
    least = 1 if kind == SOURCE else 2
    return [(name, some) for name, some in sorted(found.items()) if name and len(some) >= least]


def _group(kind: str, one: Tally | SourceState) -> str:
    if kind == SOURCE:
        return one.source_id
    return one.country if kind == COUNTRY else macro(one.language)


def _tried(scene: Scene, kind: str, name: str, members: Sequence[Tally]) -> tuple[Silence | None, bool]:
    """The silence of a group that says nothing at all, with its chance, and whether enough of it can be read."""
    if any(one.last >= scene.window.start for one in members):
        return None, False
    others = scene.speakers()
    if len(others) < OTHERS:
        return None, False
    read = [one for one in members if scene.is_read(one.source_id)]
    silence = _measured(scene, kind, name, read or members)
    if silence is None:
        return None, False
    unread = tuple(one.source_id for one in members if one not in read)
    return replace(silence, of=len(members), unread=unread), bool(read)


def _measured(scene: Scene, kind: str, name: str, members: Sequence[Tally]) -> Silence | None:
    habit = habit_of(members, scene.tallies.values())
    if habit.days < HABIT_DAYS:
        return None
    clusters = sum(one.told_own for one in scene.speakers())
    return Silence(
        kind, name, members[0].name if kind == SOURCE else name, tuple(one.source_id for one in members), len(members),
        max(one.last for one in members), habit.share * clusters, habit.chance_of_none(clusters),
        sum(scene.published(one.source_id) for one in members),
    )  # fmt: skip


# ---- those that never spoke ------------------------------------------------------------------------------------------


def _never(scene: Scene, rule: Rule, limit: float) -> list[Silence]:
    """Sources that were never met in this watch, although nearly all others of their language tell of it."""
    known = scene.tallies.keys()
    states = [one for name, one in sorted(scene.outside.sources.items()) if name not in known and scene.is_read(name)]
    asked = [one for one in states if not rule.names or one.source_id in rule.names]
    return [silence for one in asked if (silence := _never_one(scene, one)) is not None and silence.chance <= limit]


def _never_one(scene: Scene, state: SourceState) -> Silence | None:
    language = macro(state.language)
    peers = [one for one in scene.speakers() if one.language == language]
    group = [name for name, one in scene.outside.sources.items() if macro(one.language) == language
             and scene.is_read(name)]  # fmt: skip
    if not language or len(peers) < OTHERS or len(peers) < PEERS * len(group):
        return None
    habits = [habit_of([one], scene.tallies.values()) for one in peers]
    if max(one.days for one in habits) < HABIT_DAYS:
        return None
    usual = Habit(median(one.share for one in habits), 0, max(one.dispersion for one in habits))
    clusters = sum(one.told_own for one in scene.speakers())
    return Silence(
        SOURCE, state.source_id, state.name, (state.source_id,), 1, None, usual.share * clusters,
        usual.chance_of_none(clusters), scene.published(state.source_id),
    )  # fmt: skip


# ---- together --------------------------------------------------------------------------------------------------------


def _most(scene: Scene, kind: str, single: Sequence[Silence], found: Sequence[Silence]) -> list[Silence]:
    """Languages or countries of which most sources are silent though not all: told once instead of each."""
    told = {one.name for one in found if one.kind == kind}
    by_group: dict[str, list[Silence]] = {}
    for one in single:
        facts = scene.tallies.get(one.name) or scene.outside.sources.get(one.name)
        if facts is not None:
            by_group.setdefault(_group(kind, facts), []).append(one)
    return [
        _together(kind, name, some, _size(scene, kind, name))
        for name, some in sorted(by_group.items())
        if name and name not in told and len(some) >= OTHERS and 2 * len(some) > _size(scene, kind, name)
    ]


def _size(scene: Scene, kind: str, name: str) -> int:
    names = {one.source_id for one in scene.tallies.values() if _group(kind, one) == name}
    return len(names | {one for one, state in scene.outside.sources.items() if _group(kind, state) == name})


def _together(kind: str, name: str, some: Sequence[Silence], of: int) -> Silence:
    spoke = [one.since for one in some if one.since is not None]
    return Silence(
        kind, name, name, tuple(sorted(one.name for one in some)), of, max(spoke) if spoke else None,
        sum(one.expected for one in some), min(one.chance for one in some), sum(one.published for one in some),
    )  # fmt: skip


def _widest(found: Sequence[Silence], wanted: Sequence[str]) -> list[Silence]:
    """Each source once, in the widest group that says it; within a kind the most telling first."""
    covered: set[str] = set()
    chosen: list[Silence] = []
    for kind in EVERY:
        for one in sorted((one for one in found if one.kind == kind), key=lambda one: (one.chance, one.name)):
            if kind in wanted and not covered.issuperset(one.members):
                chosen.append(one)
                covered |= set(one.members)
    return chosen
