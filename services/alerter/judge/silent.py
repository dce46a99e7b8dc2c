"""Who is silent: sources, languages and countries that tell nothing of a story for a while though by their habit they
would have, while at least three others do. A silence has its least length from the rule; the longer it is, up to four
times that, the more was to be expected.

Silence is claimed only of sources that were read without fault all the while and published other articles: one whose
feed is broken, or from which nothing at all comes, is no news but a fault. A source that never told of the watch is
measured by the habit of its own language: three quarters of those sources must have spoken.

Every test of a sweep has its share of one chance in twenty to be wrong, so that however many sources there are, at most
one window in twenty has a false alarm (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from services.alerter.judge.habits import LEAST_DISPERSION, Habit, days_of, habit_of
from services.alerter.judge.outside import Outside, hour_of
from services.alerter.judge.tallies import Tallies, Tally, Window
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
    spoke, None where they never did, `begun` the hour after which that was measured. `unread` are sources about which
    nothing can be said."""

    kind: str
    name: str
    label: str
    members: tuple[str, ...]
    of: int
    since: datetime | None
    begun: datetime
    expected: float
    chance: float
    published: int
    unread: tuple[str, ...] = ()


class Scene:
    """What everybody told, before and lately, and what is known of the sources."""

    def __init__(self, window: Window, tallies: Tallies, outside: Outside) -> None:
        self.window, self.tallies, self.outside = window, tallies.sources, outside
        self.everybody = tallies.everybody
        self.in_order = [self.tallies[name] for name in sorted(self.tallies)]
        self._speakers = [one for one in self.in_order if one.last >= window.start and one.lately]
        self._clusters: dict[datetime, int] = {}
        for one in self.in_order:
            for hour, own in one.lately.items():
                self._clusters[hour] = self._clusters.get(hour, 0) + own
        self._told, self._lately = sum(self.everybody.values()), sum(self._clusters.values())

    def speakers(self, but: Collection[str] = ()) -> list[Tally]:
        """Sources that told of it in the shortest window."""
        return [one for one in self._speakers if one.source_id not in but]

    def clusters(self, since: datetime) -> int:
        """Independent clusters of all after the hour `since`."""
        return sum(own for hour, own in self._clusters.items() if hour > since)

    def may_stand_out(self, members: Sequence[Tally], limit: float) -> bool:
        """Whether the silence of these, who are quiet now, could be as rare as `limit` if they told as evenly as can
        be and were silent as long as can be: no reading of their habit gives less (`Habit.chance_of_none`, solved for
        the clusters expected)."""
        told = sum([one.told for one in members])
        others = self._told - sum([one.clusters for one in members])
        return bool(told * self._lately >= others * (limit**-LEAST_DISPERSION - 1) / LEAST_DISPERSION)

    def published(self, source_id: str, since: datetime) -> int:
        """Articles of a source after the hour `since`, matched or not."""
        hours = int((self.window.end - since) / HOUR)
        volumes, last = self.outside.volumes, self.window.end
        return sum(volumes.get((last - at * HOUR, source_id), 0) for at in range(1, hours))

    def began(self, source_id: str, last: datetime | None) -> datetime | None:
        """The hour after which a silence of a source means anything: it spoke until then, or could not be read. None
        where that is less than the shortest window, where its last check is too old, or where nothing comes of it."""
        state, window = self.outside.sources.get(source_id), self.window
        late = max(STALE, (window.end - window.start) / 2)
        if state is None or not state.read_well or state.checked < window.end - late:
            return None
        begun = max(window.reach, hour_of(state.since), hour_of(last) if last else window.reach)
        return begun if begun <= window.start and self.published(source_id, begun) else None


def silences(scene: Scene, rule: Rule) -> tuple[list[Silence], list[Silence]]:
    """Who is silent, the wider and the more telling first; and who would be, but cannot be read."""
    if len(scene.speakers()) < OTHERS:
        return [], []
    wanted = rule.groups or EVERY
    tests = [(kind, name, members) for kind in EVERY for name, members in _groups(scene, kind, rule) if members]
    tests = [test for test in tests if test[0] in wanted or test[0] == SOURCE]
    limit = min(rule.p or CHANCE, FAMILY / max(1, len(tests)))
    found: list[Silence] = []
    broken: list[Silence] = []
    for kind, name, members in tests:
        silence, read = _tried(scene, kind, name, members, limit)
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
    if kind == SOURCE:
        return [(one.source_id, [one]) for one in scene.in_order if not rule.names or one.source_id in rule.names]
    for one in scene.in_order:
        if not rule.names or one.source_id in rule.names:
            found.setdefault(_group(kind, one), []).append(one)
    return [(name, some) for name, some in sorted(found.items()) if name and len(some) > 1]


def _group(kind: str, one: Tally | SourceState) -> str:
    if kind == SOURCE:
        return one.source_id
    return one.country if kind == COUNTRY else macro(one.language)


def _tried(scene: Scene, kind: str, name: str, members: Sequence[Tally], limit: float) -> tuple[Silence | None, bool]:
    """The silence of a group that says nothing at all, with its chance, and whether any of it can be read. None at once
    where no reading of its habit could bring the chance below the limit: that is so for nearly all, at nearly all
    sweeps."""
    last = max([one.last for one in members])
    if last >= scene.window.start or not scene.may_stand_out(members, limit) or days_of(members) < HABIT_DAYS:
        return None, False
    begun = {one.source_id: hour for one in members if (hour := scene.began(one.source_id, last)) is not None}
    read = [one for one in members if one.source_id in begun]
    since = max(begun.values()) if begun else max(scene.window.reach, hour_of(last))
    habit = habit_of(read or members, scene.everybody)
    if habit.days < HABIT_DAYS:
        return None, False
    clusters = scene.clusters(since)
    silence = Silence(
        kind, name, members[0].name if kind == SOURCE else name, tuple(one.source_id for one in read or members),
        len(members), last, since, habit.share * clusters, habit.chance_of_none(clusters),
        sum(scene.published(one.source_id, since) for one in read),
        tuple(one.source_id for one in members if one.source_id not in begun),
    )  # fmt: skip
    return silence, bool(read)


# ---- those that never spoke ------------------------------------------------------------------------------------------


def _never(scene: Scene, rule: Rule, limit: float) -> list[Silence]:
    """Sources that were never met in this watch, although nearly all others of their language tell of it."""
    asked = [state for name, state in sorted(scene.outside.sources.items()) if name not in scene.tallies]
    tried = (_never_one(scene, state) for state in asked if not rule.names or state.source_id in rule.names)
    return [one for one in tried if one is not None and one.chance <= limit]


def _never_one(scene: Scene, state: SourceState) -> Silence | None:
    language, begun = macro(state.language), scene.began(state.source_id, None)
    peers = [one for one in scene.speakers() if one.language == language]
    if begun is None or not language or len(peers) < OTHERS or len(peers) < PEERS * _readable(scene, language):
        return None
    habits = [habit_of([one], scene.everybody) for one in peers]
    if max(one.days for one in habits) < HABIT_DAYS:
        return None
    usual = Habit(median(one.share for one in habits), 0, max(one.dispersion for one in habits))
    clusters = scene.clusters(begun)
    return Silence(
        SOURCE, state.source_id, state.name, (state.source_id,), 1, None, begun, usual.share * clusters,
        usual.chance_of_none(clusters), scene.published(state.source_id, begun),
    )  # fmt: skip


def _readable(scene: Scene, language: str) -> int:
    """Sources of a language whose silence would mean something."""
    states = scene.outside.sources.values()
    return sum(macro(one.language) == language and scene.began(one.source_id, None) is not None for one in states)


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
        max(one.begun for one in some), sum(one.expected for one in some), min(one.chance for one in some),
        sum(one.published for one in some),
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
