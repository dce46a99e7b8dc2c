"""The watches in force: files that changed are published, every replica takes them from SQL and swaps them whole.

A file that is wrong changes nothing: the last good version stays in force. So does a stored version that this process
cannot read (a newer program published it, or the pack lacks an entity), after a restart, too. A file that disappears
stays in force (its watch is silenced by `status: muted`): nobody stops watching by a slip of the hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import structlog

from services.alerter import published
from services.alerter.bundle import bundle
from services.alerter.load import loads
from services.alerter.match import metrics
from services.alerter.match.compile import Engine, build
from services.alerter.match.outcomes import PublishOutcome
from services.alerter.match.publish import Answer, announcement, publish, refused, told
from services.alerter.published import Published
from services.alerter.watch import Watch
from shared import events
from shared.clock import Clock
from shared.db import Database
from shared.document import Faulty
from shared.errors import Transient
from shared.health import UNHEARD, Pulse
from shared.text.entities import Entity
from shared.text.entities import load as load_entities

log = structlog.get_logger()


Announce = Callable[[events.OperatorAsked], Awaitable[None]]


async def _nobody(_event: events.OperatorAsked) -> None:
    pass


class Watches:
    """What this process matches with. `engine` is swapped whole."""

    def __init__(self, database: Database, pack: Path, clock: Clock, announce: Announce = _nobody) -> None:
        self._database = database
        self._pack = pack
        self._clock = clock
        self._announce = announce
        self.entities: dict[str, Entity] = {}
        self._seen: dict[Path, str] = {}
        self._names: dict[Path, str] = {}
        self._owed: list[events.OperatorAsked] = []
        self._taking = asyncio.Lock()
        self._force: dict[str, Watch] = {}
        self._tried: dict[str, int] = {}
        self.engine: Engine = build(())

    async def start(self) -> None:
        """Read files and database once. Raises Faulty when the list of entities itself is wrong."""
        self.entities = await asyncio.to_thread(_entities, self._pack)
        known = await published.known_hashes(self._database)
        await self._publish_files(known)
        await self.take()
        await self._tell()
        if not self.engine.watches:  # a replica may live from SQL alone, so this is no mistake, only hardly ever meant
            hint = "set WIREWATCH_PACK to the folder of a story pack, or publish a watch"
            log.warning("no_watch_in_force", folder=str(self._pack / "watches"), hint=hint)

    async def reload(self) -> None:
        """Look at files and database again; nothing happens when nothing changed."""
        await self._publish_files({})
        await self.take()
        await self._tell()

    async def watch(self, stop: asyncio.Event, every: float, pulse: Pulse = UNHEARD) -> None:
        """Reload until stopped, every so many seconds. A database out of reach is waited for."""
        while not await _stopped(stop, self._clock, every):
            pulse.beat()
            try:
                await self.reload()
            except Transient as error:
                log.warning("watches_not_reloaded", error=str(error))
            pulse.rest()

    async def _publish_files(self, known: Mapping[str, frozenset[str]]) -> None:
        texts = await asyncio.to_thread(_read_files, self._pack / "watches")
        self._names = {path: name for path, name in self._names.items() if path in texts}
        for path, text in texts.items():
            digest = published.digest(str(text))
            if self._seen.get(path) == digest:
                continue
            answer = await self._publish_file(path, text, known)
            self._seen[path] = digest  # only now: a database out of reach is asked again
            told(answer, str(path))
            if answer.outcome is not PublishOutcome.IN_FORCE:
                self._owed.append(announcement(answer, digest, self._clock.now()))

    async def _publish_file(self, path: Path, text: str | Faulty, known: Mapping[str, frozenset[str]]) -> Answer:
        if isinstance(text, Faulty):
            return refused(path.stem, text.faults)
        taken = {name: str(other) for other, name in self._names.items() if other != path}
        answer = await publish(
            self._database, text, str(path), self.entities, self._clock.now(), known=known, taken=taken
        )
        if answer.outcome is not PublishOutcome.INVALID:
            self._names[path] = answer.watch
        return answer

    async def _tell(self) -> None:
        """Announce what came of files; what a bus out of reach did not take is announced the next time."""
        while self._owed:
            await self._announce(self._owed[0])
            del self._owed[0]

    async def take(self) -> None:
        """Take from SQL what is newer than what this process has tried, and swap. One at a time: an older build that
        ends later must not replace a newer one."""
        async with self._taking:
            await self._take()

    async def _take(self) -> None:
        newest = await published.versions(self._database)
        changed = {name: version for name, version in newest.items() if self._tried.get(name) != version}
        if not changed:
            return
        rows = await published.in_force(self._database, changed)
        started = perf_counter()
        fresh = [watch for row in rows if (watch := await self._readable(row)) is not None]
        self._force |= {one.id: one for one in fresh}
        self.engine = await asyncio.to_thread(build, list(self._force.values()), self.engine)
        self._tried |= changed
        taken = [f"{one.id} {one.version}" for one in fresh]
        metrics.BUILD_SECONDS.observe(perf_counter() - started)
        metrics.IN_FORCE.set(len(self.engine.watches))
        metrics.TERMS.set(len(self.engine.terms))
        log.info("watches_in_force", taken=taken, watches=len(self.engine.watches), terms=len(self.engine.terms))

    async def _readable(self, row: Published) -> Watch | None:
        """A stored version; the newest one before it that can be read where it cannot and nothing is in force yet."""
        watch = await asyncio.to_thread(self._loaded, row)
        if watch is None and row.id not in self._force:
            for other in await published.earlier(self._database, row.id, row.version):
                watch = await asyncio.to_thread(self._loaded, other)
                if watch is not None:
                    break
        return watch

    def _loaded(self, row: Published) -> Watch | None:
        try:
            watch = loads(row.yaml, f"{row.id} version {row.version}", self.entities)
        except Faulty as error:
            faults = [str(one) for one in error.faults]
            log.error("watch_not_taken", watch=row.id, version=row.version, faults=faults)
            return None
        return replace(watch, version=row.version)


def _entities(pack: Path) -> dict[str, Entity]:
    path = pack / "entities.yaml"
    return load_entities(path) if path.exists() else {}


def _read_files(folder: Path) -> dict[Path, str | Faulty]:
    """The watch files of a folder with what they include, in the order of their names, or what is wrong with them."""
    return {path: _read(path) for path in sorted(folder.glob("*.yaml"))} if folder.is_dir() else {}


def _read(path: Path) -> str | Faulty:
    try:
        return bundle(path)
    except Faulty as error:
        return error


async def _stopped(stop: asyncio.Event, clock: Clock, seconds: float) -> bool:
    """Wait so long by the clock or until told to stop; answers whether to stop."""
    waits = [asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(stop.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return stop.is_set()
