"""Which sitemaps of an index are asked: those that may have something new. Pure; story time.

A child never asked before is asked where its index or its name dates it in the last days, or nothing dates it. One that
brings recent links is asked at every poll, unless its index says that it has not changed since. One that brings none
any more (names that rotate by day or month) is retired by what is in it, never by its name alone: it is asked again
when its index states a change, else once a week.

Left out on purpose: `changefreq` and `priority`, which say what a publisher hopes for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from services.fetcher.read.feed import Child, FeedEntry

MOST_ASKED = 10
"""Children asked in one poll; the most recent go first, the others have their turn at the next one."""

MOST_KEPT = 2_000
"""Children of one index that are remembered."""

RECENT = timedelta(days=3)
RETIRED_AFTER = timedelta(days=7)
LOOKED_AT_AGAIN = timedelta(days=7)
_DATED = re.compile(r"(?<!\d)(20\d\d)[-_/.]?(0[1-9]|1[0-2])(?:[-_/.]?(0[1-9]|[12]\d|3[01]))?(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildState:
    """What is known of a child: a row of `fetcher_children`. `changed` as its index states it now, `read_at` that of
    the index when it was last asked; `fresh` is the newest time stated in it, else when its body was last another one;
    `listed` says whether it stood in the index at the last look; `silent`: it was there when the source was first seen,
    and what it lists without a time is history."""

    source_id: str
    url: str
    listed: bool = True
    silent: bool = False
    changed: datetime | None = None
    read_at: datetime | None = None
    asked: datetime | None = None
    fresh: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None


def merged(
    known: Mapping[str, ChildState], children: Iterable[Child], source_id: str, *, first: bool
) -> dict[str, ChildState]:
    """The children by address after a look at the index; those that left it stay known and are not asked."""
    found = {url: replace(state, listed=False) for url, state in known.items()}
    for child in children:
        state = known.get(child.url)
        if state is None and len(found) >= MOST_KEPT:
            continue
        state = state or ChildState(source_id=source_id, url=child.url, silent=first)
        found[child.url] = replace(state, listed=True, changed=child.changed)
    return found


def to_ask(known: Iterable[ChildState], now: datetime) -> list[ChildState]:
    """The children to ask now, the most recent first."""
    wanted = [state for state in known if state.listed and _is_wanted(state, now)]
    wanted.sort(key=lambda state: (_dated(state) or now, state.url), reverse=True)
    return wanted[:MOST_ASKED]


def is_retired(state: ChildState, now: datetime) -> bool:
    """Whether it was asked and has brought nothing recent for long."""
    return state.asked is not None and (state.fresh is None or now - state.fresh > RETIRED_AFTER)


def looked_at(
    state: ChildState, entries: Iterable[FeedEntry], body_hash: str | None, now: datetime
) -> ChildState:  # fmt: skip
    """The state after a body was read; `body_hash` None: it was the same as before."""
    state = replace(state, asked=now, read_at=state.changed, silent=False)
    if body_hash is None:
        return state
    dates = [entry.published for entry in entries if entry.published]
    return replace(state, body_hash=body_hash, fresh=min(max(dates), now) if dates else now)


def _is_wanted(state: ChildState, now: datetime) -> bool:
    if state.asked is None:
        dated = _dated(state)
        return dated is None or now - dated <= RECENT
    if state.changed is not None:
        return state.read_at is None or state.changed > state.read_at
    return not is_retired(state, now) or now - state.asked >= LOOKED_AT_AGAIN


def _dated(state: ChildState) -> datetime | None:
    """The last moment that the child can be about, by its index or the last date in its name."""
    if state.changed is not None:
        return state.changed
    found = _DATED.findall(state.url)
    if not found:
        return None
    year, month, day = found[-1]
    if day:
        return _moment(int(year), int(month), int(day)) + timedelta(days=1)
    return _moment(int(year) + int(month) // 12, int(month) % 12 + 1, 1)


def _moment(year: int, month: int, day: int) -> datetime:
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:  # 30 February in a name
        return datetime(year, month, 28, tzinfo=UTC)
