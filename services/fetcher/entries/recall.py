"""What is new in a body, by what is remembered of its source: its last body in memory, all entries before in SQL.

Most polls list what the last one listed; they ask the database nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.fetcher import metrics, store
from services.fetcher.entries.discover import Look, discover, identify
from services.fetcher.entries.names import Sighting
from services.fetcher.entries.recognise import Past, Recognised, named, numbers_articles, recognise
from services.fetcher.metrics import PageOutcome, ToldAgain
from services.fetcher.read.feed import Feed
from services.fetcher.sources import Source
from services.fetcher.store import Changes, Found, Named
from shared.db import Database

Prints = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a body lists. `found`: new articles; `copies`: new entries of known ones, which end here; `again`: how known
    articles were told again; `prints`: all entries, None where there was no body to read."""

    found: tuple[Found, ...] = ()
    copies: tuple[Found, ...] = ()
    again: tuple[ToldAgain, ...] = ()
    named: Named | None = None
    prints: Prints | None = None

    @property
    def entries(self) -> tuple[Found, ...]:
        """All that were never seen before."""
        return (*self.found, *self.copies)

    def changes(self, changes: Changes) -> Changes:
        """`changes` with what is to be written of it."""
        return replace(changes, found=self.entries, named=self.named)


@dataclass(slots=True)
class Recall:
    """The entries of all sources. `look`, then write what it says, then `keep`."""

    database: Database
    _last: dict[str, Prints] = field(default_factory=dict)
    _numbered: dict[str, bool] = field(default_factory=dict)

    async def look(self, source: Source, feed: Feed | None, base: str, look: Look, *, whole: bool = True) -> Seen:
        """What a body brings. One that is not `whole` (a push) leaves out what was listed before. Raises
        DatabaseUnavailable."""
        if feed is None:
            return Seen()
        last = self._last.get(source.id, {})
        listed = identify(source, feed, base)
        prints = {entry_id: one.print for entry_id, one in listed.items()}
        kept = prints if whole else {**last, **prints}
        fresh = {entry_id: one for entry_id, one in listed.items() if last.get(entry_id) != prints[entry_id]}
        return replace(await self._told(source, fresh, listed, look), prints=kept) if fresh else Seen(prints=kept)

    async def _told(
        self, source: Source, fresh: Mapping[str, Sighting], listed: Mapping[str, Sighting], look: Look
    ) -> Seen:
        """What entries say that the last body did not list, or otherwise."""
        async with self.database.reading() as connection:
            known = await store.known(connection, fresh.keys())
            names = named(fresh, known, listed, numbered=self._is_numbered(source, listed))
            bearers = await store.bearers(connection, source.id, {name for mine in names.values() for name in mine})
        recognised = recognise(fresh, names, Past(known, bearers), look.observed)
        new = discover(source, fresh, known, look)
        return Seen(
            found=tuple(one for one in new if one.item.entry_id not in recognised.copies),
            copies=tuple(_copy(one) for one in new if one.item.entry_id in recognised.copies),
            again=_how(recognised),
            named=Named(source.id, recognised.names) if recognised.names else None,
        )

    def _is_numbered(self, source: Source, listed: Mapping[str, Sighting]) -> bool:
        """Whether numbers in addresses are articles', as this body says, else the last that did; not until one does."""
        said = numbers_articles(listed)
        if said is not None:
            self._numbered[source.id] = said
        return self._numbered.get(source.id, False)

    def forget(self, source_id: str) -> None:
        """Another process has the source: what it did not let us write was never seen."""
        self._last.pop(source_id, None)

    def keep(self, source_id: str, seen: Seen) -> None:
        """What was seen is written: remember and count it."""
        if seen.prints is not None:
            self._last[source_id] = seen.prints
        for how in seen.again:
            metrics.TOLD_AGAIN.labels(how).inc()


def _copy(found: Found) -> Found:
    return Found(found.item, PageOutcome.COPY)


def _how(recognised: Recognised) -> tuple[ToldAgain, ...]:
    return (*recognised.copies.values(), *recognised.again.values())
