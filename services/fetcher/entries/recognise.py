"""Which entries are new articles, and which are told again under another guid, address or date. Pure.

Entries of one body that share a name, directly or by way of others, are one article; so is what shares a name with an
entry seen before. Of several that are new, the one published first stands for all: the order of a body changes nothing.
An entry that ended without a page lends its names to nobody: whoever bears them next is fetched.

Left out on purpose: joining two articles that were fetched before something tells that they are one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.fetcher.entries.names import Name, NameKind, Sighting, names_of, number_place
from services.fetcher.metrics import ToldAgain

RENUMBERED = timedelta(days=3)
"""How long after it was last seen a title with its text is the same article's: a site that renumbers lists its entries
again at once, and a column of every week may begin with the same words."""

CROWD = 3
"""Entries of one body from which a number they share is a section's, and an address no article's."""

NUMBERED, DISTINCT = 4, 0.75
"""Entries of a body that bear a number, and how many different ones that takes, for the numbers of a source to be its
articles': a section or a dossier may have a number in its address, too, and its second article would never be read."""

_LATE = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """An entry seen before; `lost`: it ended without a page."""

    published: datetime | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who bears a name, and when it was seen (story time)."""

    entry_id: str
    seen: datetime
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of the entries of a body: those seen before, and who bears their names."""

    known: Mapping[str, Known] = field(default_factory=dict)
    bearers: Mapping[Name, Bearer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recognised:
    """`copies`: entries never seen before of articles that are known, or that another entry of this body stands for;
    `again`: entries seen before that tell something else; `names`: to be kept."""

    copies: Mapping[str, ToldAgain]
    again: Mapping[str, ToldAgain]
    names: Mapping[Name, Bearer]


Names = Mapping[str, Collection[Name]]


def numbers_articles(listed: Mapping[str, Sighting]) -> bool | None:
    """Whether the numbers in a body's addresses are those of articles; None where too few bear one to tell."""
    numbers = [number_place(url) for one in listed.values() for url in one.urls[:1]]
    borne = [number for number in numbers if number]
    return len(set(borne)) >= DISTINCT * len(borne) if len(borne) >= NUMBERED else None


def named(
    sightings: Mapping[str, Sighting], known: Collection[str], listed: Mapping[str, Sighting], *, numbered: bool
) -> Names:
    """The names of each of the `sightings` among all that a body has `listed`; title and text are read of those alone
    that are not `known`. Article numbers are names where `numbered`."""
    none = _crowded(listed)
    return {
        entry_id: frozenset(
            name for name in names_of(one, content=entry_id not in known)
            if name not in none and (numbered or name.kind is not NameKind.NUMBER)
        )
        for entry_id, one in sightings.items()
    }  # fmt: skip


def _crowded(listed: Mapping[str, Sighting]) -> set[Name]:
    """Names that too many entries of a body bear: the number of a section, the page that all of a channel lead to."""
    bearers = Counter(name for one in listed.values() for name in names_of(one, content=False))
    return {name for name, count in bearers.items() if count >= CROWD}


def recognise(sightings: Mapping[str, Sighting], names: Names, past: Past, observed: datetime) -> Recognised:
    """Tell new from known among `sightings`, whose `names` are those of `named`; `observed` is story time."""
    valid = {name: bearer for name, bearer in past.bearers.items() if _counts(name, bearer, observed)}
    copies: dict[str, ToldAgain] = {}
    kept: dict[Name, Bearer] = {}
    for group in grouped(names):
        article = _article(group, names, valid, past, sightings)
        shared = Counter(name for entry_id in group for name in names[entry_id])
        new = [entry_id for entry_id in group if entry_id != article and entry_id not in past.known]
        copies |= {entry_id: _by_what(names[entry_id], shared, valid) for entry_id in new}
        kept |= {name: Bearer(article, observed) for name in shared if name not in valid}
        kept |= {name: Bearer(valid[name].entry_id, observed) for name in shared if _fades(name) and name in valid}
    told = {
        entry_id: _again(sightings[entry_id], names[entry_id], past.known[entry_id], past) for entry_id in past.known
    }
    return Recognised(copies, {entry_id: how for entry_id, how in told.items() if how}, kept)


def _fades(name: Name) -> bool:
    return name.kind is NameKind.CONTENT


def _counts(name: Name, bearer: Bearer, observed: datetime) -> bool:
    return not bearer.lost and not (_fades(name) and abs(observed - bearer.seen) > RENUMBERED)


def _article(
    group: Collection[str], names: Names, valid: Mapping[Name, Bearer], past: Past, sightings: Mapping[str, Sighting]
) -> str:
    """The entry that stands for the article of a group: who was seen first, else has an address and was published
    first."""
    bearers = {valid[name] for entry_id in group for name in names[entry_id] if name in valid}
    if bearers:
        return min((bearer.seen, bearer.entry_id) for bearer in bearers)[1]
    if had := [entry_id for entry_id in group if entry_id in past.known and not past.known[entry_id].lost]:
        return min(had)
    new = [entry_id for entry_id in group if entry_id not in past.known] or group
    listed = {entry_id: sightings[entry_id] for entry_id in new}
    return min(new, key=lambda one: (not listed[one].url, listed[one].entry.published or _LATE, one))


def _by_what(mine: Collection[Name], shared: Counter[Name], valid: Mapping[Name, Bearer]) -> ToldAgain:
    """The surest of the names by which an entry was recognised."""
    kinds = {name.kind for name in mine if name in valid or shared[name] > 1}
    return ToldAgain(next(kind for kind in NameKind if kind in kinds))


def _again(sighting: Sighting, mine: Collection[Name], known: Known, past: Past) -> ToldAgain | None:
    """What an entry that was seen before tells anew, if anything."""
    if any(name.kind is NameKind.ADDRESS and name not in past.bearers for name in mine):
        return ToldAgain.READDRESSED
    before, now = known.published, sighting.entry.published
    return ToldAgain.REDATED if before and now and before != now else None


def grouped(names: Names) -> list[list[str]]:
    """The entries in groups that share names, directly or by way of others."""
    leaders = {entry_id: entry_id for entry_id in names}
    bearers: dict[Name, str] = {}
    for entry_id, mine in names.items():
        for name in mine:
            leaders[_leader(leaders, entry_id)] = _leader(leaders, bearers.setdefault(name, entry_id))
    groups: dict[str, list[str]] = {}
    for entry_id in names:
        groups.setdefault(_leader(leaders, entry_id), []).append(entry_id)
    return list(groups.values())


def _leader(leaders: dict[str, str], entry_id: str) -> str:
    while leaders[entry_id] != entry_id:
        leaders[entry_id] = leaders[leaders[entry_id]]  # half the way is enough for the next who asks
        entry_id = leaders[entry_id]
    return entry_id
