"""Statements of when a text came out, and which of them are believed: what agrees, and what is misread.

Places that tell the same minute corroborate each other; those in the page's body count as one, for they are often one
element seen three ways. A weak place that tells the time of the last change is no statement of the publication, and a
weak place that contradicts the strong ones by more than a day may belong to a teaser.

Left out on purpose: looking at the page's body where the head tells a minute. A reader would sometimes see another one
there, but it would cost every page what helps one in fifty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from services.extractor.metadata.moments import Exact, Moment, Place, moment, parse

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)
"""News sites begin about here; earlier dates are epochs and placeholders."""
TOLERANCE = timedelta(minutes=10)
"""How far clocks of publishers run ahead before a date counts as from the future."""
APART = timedelta(hours=36)
"""How far a weak place may be from the day that a strong one tells: a day and a time zone."""
SAME = timedelta(minutes=1)
"""Below this two statements tell the same minute."""
LARGEST_OFFSET, QUARTER = timedelta(hours=14), timedelta(minutes=15)
"""Zones lie at most so far from UTC, in steps of this."""

SURE = {"jsonld": 0.98, "meta": 0.95, "feed": 0.95, "microdata": 0.9, "time": 0.8, "script": 0.75, "seen": 0.7,
        "url": 0.65, "created": 0.6, "htmldate": 0.6}  # fmt: skip
"""How sure the places are."""
STRONG = frozenset({"jsonld", "meta", "feed", "microdata", "url"})
_FAMILY = {"microdata": "body", "time": "body", "seen": "body", "created": "meta"}
"""Places that repeat one another, by what they are together."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A place that says when: the moment, and where it stands. `wrong_zone` is that it was a local time marked as
    UTC, and is put right here."""

    moment: Moment
    origin: str
    wrong_zone: bool = False

    @property
    def at(self) -> datetime:
        """The moment in UTC."""
        return self.moment.at

    @property
    def exact(self) -> Exact:
        """How exact it is."""
        return self.moment.exact

    def future(self, now: datetime) -> bool:
        """Whether it lies after `now`, seen with the tolerance its exactness asks for."""
        return self.at > now + (TOLERANCE if self.exact is Exact.ZONED else timedelta(hours=14))

    def agrees(self, other: Statement) -> bool:
        """Whether both tell the same minute."""
        return Exact.DAY not in (self.exact, other.exact) and abs(self.at - other.at) < SAME


@dataclass(frozen=True, slots=True)
class Weighed:
    """All statements, why those that are not believed are not, and when the page says it was changed."""

    told: tuple[Statement, ...]
    now: datetime
    objections: dict[Statement, str] = field(default_factory=dict)

    @property
    def usable(self) -> list[Statement]:
        """Those that are believed."""
        return [one for one in self.told if one not in self.objections]

    def best(self) -> Statement | None:
        """The most exact statement; among equals the one that most other places agree with, then by its place."""
        return max(self.usable, key=self._rank, default=None)

    def _rank(self, one: Statement) -> tuple[bool, Exact, float, float]:
        return not one.future(self.now), one.exact, self.support(one), SURE[one.origin]

    def support(self, statement: Statement) -> float:
        """How sure the places are together that tell the same minute."""
        families: dict[str, float] = {}
        for one in (statement, *self.allies(statement)):
            family = _FAMILY.get(one.origin, one.origin)
            families[family] = max(families.get(family, 0.0), SURE[one.origin])
        return round(sum(families.values()), 2)

    def allies(self, statement: Statement) -> list[Statement]:
        """The other statements that tell the same minute."""
        return [one for one in self.usable if one is not statement and one.agrees(statement)]


def weighed(told: Iterable[Statement], changes: Sequence[Moment], now: datetime) -> Weighed:
    """The statements with what speaks against each; `changes` are the moments that the page calls changes."""
    listed = tuple(told)
    known = [one for one in listed if one.at >= EARLIEST]
    strong = [one for one in known if one.origin in STRONG and not one.future(now)]
    objections = {one: "before there were news sites" for one in listed if one not in known}
    for one in known:
        if one.origin not in STRONG and strong and all(abs(one.at - other.at) > APART for other in strong):
            objections[one] = "contradicts a stronger place"
        elif one.origin not in STRONG and _is_change(one, known, changes):
            objections[one] = "the time of a change"
    return Weighed(listed, now, objections)


def _is_change(one: Statement, known: list[Statement], changes: Sequence[Moment]) -> bool:
    """Whether a statement tells the time of a change and another one an earlier time, as exactly."""
    changed = one.exact is not Exact.DAY and any(abs(one.at - change.at) < SAME for change in changes)
    return changed and any(other.exact >= one.exact and other.at <= one.at - SAME for other in known)


def in_own_zone(one: Statement, now: datetime, place: Place) -> Statement:
    """A moment from the future that is past when read as local time: publishers mark local times as UTC."""
    stated = datetime.fromisoformat(one.moment.stated)
    if not one.future(now) or one.exact is not Exact.ZONED or place.zone is None or stated.utcoffset():
        return one
    again = moment(stated.replace(tzinfo=None), place)
    return replace(one, moment=again, wrong_zone=True) if again is not None and again.at <= now + TOLERANCE else one


def local_clock(first: str, others: Iterable[str], west: bool | None) -> timedelta:
    """How much must be added to what a page marks as UTC, where it tells one change (`first` and `others`) in two ways
    that differ by whole quarters of an hour to the second: then one way is the local clock. Zero where `first` is not
    the local one; `west` is on which side of Greenwich the page keeps its clock."""
    known = parse(first)
    if known is None or known.exact is not Exact.ZONED or not known.at.second or west is None:
        return timedelta()
    zoned = (other for other in map(parse, others) if other is not None and other.exact is Exact.ZONED)
    aheads = (other.at - known.at for other in zoned)
    return next((ahead for ahead in aheads if _is_offset(ahead) and (ahead > timedelta()) is west), timedelta())


def _is_offset(ahead: timedelta) -> bool:
    return bool(ahead) and abs(ahead) <= LARGEST_OFFSET and not ahead % QUARTER
