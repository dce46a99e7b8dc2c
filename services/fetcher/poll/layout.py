"""What a listing page was learned by, kept with its source: the shapes of its articles' addresses. Pure.

Links of a shape once learned are taken also on a day when too few of them stand together to be learned from again, so
the choice is the same after a restart. A page that shows none of the shapes it had was made anew: all its links look
new and none is news, so those without a date are a first sight again, and the check says so.

Left out on purpose: the elements around the links, whose names change with every release of a site.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from services.fetcher.entries.discover import FIRST_SIGHT
from services.fetcher.read.feed import Feed

MOST_SHAPES = 12
"""A page with more has been through several layouts: it is known by the newest alone."""

CHANGED = "the page lists articles otherwise than before: what it lists now is a first sight"


def known(kept: str | None) -> frozenset[str]:
    """The shapes that `kept` of a source names."""
    return frozenset((kept or "").split())


def settled(feed: Feed, kept: str | None) -> tuple[Feed, str | None, str]:
    """The feed of a listing page, the shapes to keep, and what is to be told people ("" for nothing)."""
    before = known(kept)
    if not feed.shapes:
        return feed, kept, ""
    if before and not before & feed.shapes:
        return _as_first_sight(feed), _kept(feed.shapes), CHANGED
    both = before | feed.shapes
    return feed, _kept(both if len(both) <= MOST_SHAPES else feed.shapes), ""


def _kept(shapes: frozenset[str]) -> str:
    return " ".join(sorted(shapes))


def _as_first_sight(feed: Feed) -> Feed:
    return replace(feed, entries=tuple(
        entry if entry.published else msgspec.structs.replace(entry, flags=(*entry.flags, FIRST_SIGHT))
        for entry in feed.entries
    ))  # fmt: skip
