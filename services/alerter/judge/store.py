"""The store: a watch's memory from SQL and its changes back, in few and batched statements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from services.alerter.judge import merge
from services.alerter.judge import tables as t
from services.alerter.judge.copies import Printed
from services.alerter.judge.kinds.registry import SHELVES
from services.alerter.judge.memory import Acted, Family, Member, Memory, Sighting, Standing, Told
from services.alerter.judge.settings import JudgeSettings
from services.alerter.judge.shelf import Shelf
from services.alerter.judge.story import Profile, Story
from services.alerter.judge.topic import OPEN_FOR, Counts, Topic
from shared.db import among

_ENCODE = msgspec.json.encode
_PROFILE = msgspec.json.Decoder(Profile)
_COUNTS = msgspec.json.Decoder(Counts)
_SIGHTINGS = msgspec.json.Decoder(list[Sighting])
_TOLD = msgspec.json.Decoder(Told)
DAY = timedelta(days=1)


async def load(connection: AsyncConnection, watch_id: str, settings: JudgeSettings) -> Memory:
    """The memory of a watch as its last transaction left it."""
    memory = Memory(watch_id)
    row = (await connection.execute(sa.select(t.WATCHES).where(t.WATCHES.c.watch_id == watch_id))).first()
    if row is None:
        await _load_shelves(connection, memory, None)
        return memory
    memory.documents, memory.since, memory.watermark, memory.purged = (
        row.documents,
        row.since,
        row.watermark,
        row.purged,
    )
    await _load_shelves(connection, memory, row.watermark)
    await _load_stories(connection, memory, row.watermark - settings.story_memory)
    await _load_members(connection, memory, row.watermark - settings.copy_window)
    await _load_topics(connection, memory, row.watermark - OPEN_FOR)
    await _load_copies(connection, memory, row.watermark - settings.copy_window)
    return memory


async def _load_stories(connection: AsyncConnection, memory: Memory, since: datetime) -> None:
    own = sa.and_(t.STORIES.c.watch_id == memory.watch_id, t.STORIES.c.last >= since)
    for row in await connection.execute(sa.select(t.STORIES).where(own)):
        profile = _PROFILE.decode(row.profile)
        memory.put_story(Story(row.story_id, row.headline, row.opened, row.last, profile), new=False)
    memory.follow(merge.aliases(memory))
    stories = sa.select(t.STORIES.c.story_id).where(own)
    ended = [name for story in memory.stories for name in memory.lineage(story)[1:]]
    for row in await connection.execute(_of(t.REACTIONS, memory).where(_in(t.REACTIONS, stories, ended))):
        memory.put_acted(Acted(row.story_id, row.actor_id, row.act, row.first, row.article_id), new=False)
    recent = sa.or_(_in(t.TOLD, stories, ended), t.TOLD.c.told >= since)
    for row in await connection.execute(_of(t.TOLD, memory).where(recent)):
        memory.put_told(_TOLD.decode(row.state), new=False)


async def _load_members(connection: AsyncConnection, memory: Memory, since: datetime) -> None:
    """The articles that may still be copied; and of the groups that count as a story's witnesses those that say who
    stands behind them: the first, and one for each agency."""
    await _put_members(connection, memory, t.MEMBERS.c.moment >= since)
    counted = sorted({group for story in memory.stories.values() for group in story.profile.live_groups})
    await _put_members(connection, memory, among(t.MEMBERS.c.article_id, counted, connection.dialect.name))
    grouped = among(t.MEMBERS.c.copy_group, counted, connection.dialect.name)
    of_agency = sa.select(sa.func.min(t.MEMBERS.c.article_id)).where(
        t.MEMBERS.c.watch_id == memory.watch_id, grouped, t.MEMBERS.c.agency != ""
    )
    named = of_agency.group_by(t.MEMBERS.c.copy_group, t.MEMBERS.c.agency)
    await _put_members(connection, memory, t.MEMBERS.c.article_id.in_(named))


async def _put_members(connection: AsyncConnection, memory: Memory, wanted: sa.ColumnElement[bool]) -> None:
    for row in await connection.execute(_of(t.MEMBERS, memory).where(wanted)):
        if row.article_id not in memory.members:
            memory.put_member(
                Member(row.article_id, row.story_id, row.copy_group, row.source_id, row.agency, row.language,
                       row.moment, row.live, row.topic_id), new=False,
            )  # fmt: skip


def _in(table: sa.Table, stories: sa.Select[Any], ended: Sequence[str]) -> sa.ColumnElement[bool]:
    """Rows of stories still open, and of those that went into one."""
    return sa.or_(table.c.story_id.in_(stories), table.c.story_id.in_(ended))


async def _load_topics(connection: AsyncConnection, memory: Memory, since: datetime) -> None:
    for row in await connection.execute(_of(t.TOPICS, memory).where(t.TOPICS.c.last >= since)):
        memory.topics.add(Topic(row.topic_id, row.headline, row.opened, row.last, _COUNTS.decode(row.counts)))


async def _load_copies(connection: AsyncConnection, memory: Memory, since: datetime) -> None:
    rows = await connection.execute(_of(t.COPIES, memory).where(t.COPIES.c.moment >= since).order_by(t.COPIES.c.moment))
    for row in rows:
        memory.put_copy(Printed(row.article_id, row.copy_group, row.moment, row.shingles), new=False)


async def _load_shelves(connection: AsyncConnection, memory: Memory, now: datetime | None) -> None:
    resident = [name for name, spec in SHELVES.items() if spec.resident]
    for row in await connection.execute(_of(t.SHELVES, memory).where(t.SHELVES.c.part.in_(resident))):
        spec = SHELVES[row.part]
        if now is None or spec.kept is None or row.moment >= now - spec.kept:
            memory.shelf(spec).known(row.key, row.moment, msgspec.json.decode(row.body, type=spec.value))


async def fetch_shelves(connection: AsyncConnection, memory: Memory, article_ids: Iterable[str]) -> None:
    """Bring the entries of these articles on the shelves that are not resident into memory, as far as there are any."""
    parts = [name for name, spec in SHELVES.items() if not spec.resident]
    wanted = sorted(set(article_ids)) if parts else []
    if not wanted:
        return
    mine = among(t.SHELVES.c.key, wanted, connection.dialect.name)
    for row in await connection.execute(_of(t.SHELVES, memory).where(t.SHELVES.c.part.in_(parts), mine)):
        shelf = memory.shelf(SHELVES[row.part])
        if shelf.get(row.key) is None:
            shelf.known(row.key, row.moment, msgspec.json.decode(row.body, type=shelf.spec.value))


def _of(table: sa.Table, memory: Memory) -> sa.Select[Any]:
    return sa.select(table).where(table.c.watch_id == memory.watch_id)


async def fetch_families(connection: AsyncConnection, memory: Memory, numbers: Iterable[int]) -> None:
    """Bring these families into memory, as far as they are known at all."""
    wanted = sorted(number for number in set(numbers) if number not in memory.families)
    if not wanted:
        return
    mine = among(t.FAMILIES.c.family, wanted, connection.dialect.name)
    for row in await connection.execute(_of(t.FAMILIES, memory).where(mine)):
        memory.families[row.family] = Family(row.first, Standing(row.standing), row.last)


async def fetch_sightings(
    connection: AsyncConnection, memory: Memory, numbers: Iterable[int], waiting: timedelta
) -> None:
    """Bring the sightings of those of these families that wait for confirmation into memory."""
    if memory.watermark is None:
        return
    since = memory.watermark - waiting
    wanted = sorted(number for number in set(numbers) if number not in memory.sightings and memory.waits(number))
    if not wanted:
        return
    mine = among(t.SIGHTINGS.c.family, wanted, connection.dialect.name)  # with `last` in it, SQLite reads all new rows
    for row in await connection.execute(_of(t.SIGHTINGS, memory).where(mine)):
        kept = {one.article_id: one for one in _SIGHTINGS.decode(row.sightings) if one.moment >= since}
        memory.sightings[row.family] = kept


async def fetch_members(connection: AsyncConnection, memory: Memory, article_ids: Iterable[str]) -> None:
    """Bring the places of these articles into memory, however old."""
    wanted = sorted(one for one in set(article_ids) if one not in memory.members)
    if not wanted:
        return
    await _put_members(connection, memory, among(t.MEMBERS.c.article_id, wanted, connection.dialect.name))


async def decided(connection: AsyncConnection, match_ids: Sequence[str]) -> dict[str, list[bytes]]:
    """The matches decided before, each with the alerts that came of it, byte for byte and in order."""
    dialect = connection.dialect.name
    query = sa.select(t.DECISIONS.c.match_id).where(among(t.DECISIONS.c.match_id, match_ids, dialect))
    found: dict[str, list[bytes]] = {row.match_id: [] for row in await connection.execute(query)}
    alerts = sa.select(t.ALERTS.c.match_id, t.ALERTS.c.body).where(among(t.ALERTS.c.match_id, found, dialect))
    if found:
        for row in await connection.execute(alerts.order_by(t.ALERTS.c.number)):
            found[row.match_id].append(row.body)
    return found


async def save(connection: AsyncConnection, memory: Memory) -> None:
    """Write what changed in a watch's memory."""
    changes, watch = memory.changes, {"watch_id": memory.watch_id}
    if changes.counted:
        await put(connection, t.WATCHES, [watch | _counts(memory)])
    stories = [watch | _story_row(changes.stories[name]) for name in sorted(changes.stories)]
    await put(connection, t.STORIES, stories)
    await put(connection, t.TOPICS, [watch | _topic_row(one) for one in changes.topics.values()])
    await put(connection, t.MEMBERS, [watch | _member_row(one) for one in changes.members.values()])
    await put(connection, t.COPIES, [watch | _copy_row(one) for one in changes.copies.values()])
    families = [watch | _family_row(number, memory.families[number]) for number in sorted(changes.families)]
    await put(connection, t.FAMILIES, families)
    await _save_sightings(connection, memory)
    await put(connection, t.REACTIONS, [watch | _acted_row(one) for one in changes.acted])
    await put(connection, t.TOLD, [watch | _told_row(memory.told[name]) for name in sorted(changes.told)])
    for shelf in memory.shelves.values():
        await _save_shelf(connection, memory, shelf)


async def _save_sightings(connection: AsyncConnection, memory: Memory) -> None:
    """A family that waits no longer has none: its row goes."""
    found = {number: memory.sightings.get(number) for number in sorted(memory.changes.sightings)}
    rows = [{"watch_id": memory.watch_id} | _sighted_row(number, seen) for number, seen in found.items() if seen]
    await put(connection, t.SIGHTINGS, rows)
    if gone := [number for number, seen in found.items() if not seen]:
        own = sa.and_(
            t.SIGHTINGS.c.watch_id == memory.watch_id, among(t.SIGHTINGS.c.family, gone, connection.dialect.name)
        )
        await connection.execute(sa.delete(t.SIGHTINGS).where(own))


async def _save_shelf(connection: AsyncConnection, memory: Memory, shelf: Shelf[Any]) -> None:
    found = {key: shelf.entry(key) for key in sorted(shelf.changed)}
    place = {"watch_id": memory.watch_id, "part": shelf.spec.part}
    rows = [place | {"key": key, "moment": one[0], "body": _ENCODE(one[1])} for key, one in found.items() if one]
    await put(connection, t.SHELVES, rows)
    gone = [key for key, one in found.items() if one is None]
    own = sa.and_(t.SHELVES.c.watch_id == memory.watch_id, t.SHELVES.c.part == shelf.spec.part)
    if gone:
        await connection.execute(sa.delete(t.SHELVES).where(own, among(t.SHELVES.c.key, gone, connection.dialect.name)))


def _counts(memory: Memory) -> dict[str, Any]:
    return {"documents": memory.documents, "since": memory.since, "watermark": memory.watermark,
            "purged": memory.purged or memory.watermark}  # fmt: skip


def _story_row(story: Story) -> dict[str, Any]:
    return {"story_id": story.id, "headline": story.headline, "opened": story.opened, "last": story.last,
            "profile": _ENCODE(story.profile)}  # fmt: skip


def _member_row(one: Member) -> dict[str, Any]:
    return {"article_id": one.article_id, "story_id": one.story_id, "copy_group": one.copy_group,
            "source_id": one.source_id, "agency": one.agency, "language": one.language, "moment": one.moment,
            "live": one.live, "topic_id": one.topic_id}  # fmt: skip


def _topic_row(one: Topic) -> dict[str, Any]:
    return {"topic_id": one.id, "headline": one.headline, "opened": one.opened, "last": one.last,
            "counts": _ENCODE(one.counts)}  # fmt: skip


def _copy_row(one: Printed) -> dict[str, Any]:
    return {"article_id": one.article_id, "copy_group": one.group, "moment": one.moment, "shingles": one.packed}


def _family_row(number: int, one: Family) -> dict[str, Any]:
    return {"family": number, "first": one.first, "last": one.last, "standing": int(one.standing)}


def _sighted_row(number: int, seen: Mapping[str, Sighting]) -> dict[str, Any]:
    return {"family": number, "last": max(one.moment for one in seen.values()), "sightings": _ENCODE([*seen.values()])}


def _acted_row(one: Acted) -> dict[str, Any]:
    return {"story_id": one.story_id, "actor_id": one.actor_id, "act": one.act, "first": one.first,
            "article_id": one.article_id}  # fmt: skip


def _told_row(one: Told) -> dict[str, Any]:
    return {"alert_id": one.alert_id, "story_id": one.story_id, "kind": one.kind, "revision": one.revision,
            "told": one.told, "state": _ENCODE(one)}  # fmt: skip


async def put(connection: AsyncConnection, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows or replace those with the same key, as one batch."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement: Any = (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    await connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), list(rows))


async def purge(connection: AsyncConnection, memory: Memory, settings: JudgeSettings, waiting: timedelta) -> None:
    """Delete what is out of its time, once a day of story time; sightings of new terms after `waiting`."""
    now = memory.watermark
    if now is None or (memory.purged is not None and now - memory.purged < DAY):
        return
    before, memory.purged = memory.purged, now
    if before is None:  # a memory that has just begun: there is nothing yet to delete
        return
    memory.forget_families(now - settings.history)
    aged = {
        t.COPIES.c.moment: settings.copy_window, t.SIGHTINGS.c.last: waiting,
        t.TOPICS.c.last: settings.story_memory, t.FAMILIES.c.last: settings.history,
        t.DECISIONS.c.moment: settings.decision_memory, t.MEMBERS.c.moment: settings.history,
        t.STORIES.c.last: settings.history,
    }  # fmt: skip
    for column, kept in aged.items():
        table = column.table
        await connection.execute(sa.delete(table).where(table.c.watch_id == memory.watch_id, column < now - kept))
    for spec in SHELVES.values():
        if spec.kept is not None:
            own = sa.and_(t.SHELVES.c.watch_id == memory.watch_id, t.SHELVES.c.part == spec.part)
            await connection.execute(sa.delete(t.SHELVES).where(own, t.SHELVES.c.moment < now - spec.kept))
    for table in (t.REACTIONS, t.TOLD):  # for as long as their story: else they would be told again
        story = sa.select(t.STORIES.c.story_id).where(
            t.STORIES.c.watch_id == table.c.watch_id, t.STORIES.c.story_id == table.c.story_id
        )
        age = t.REACTIONS.c.first if table is t.REACTIONS else t.TOLD.c.told
        old = sa.and_(table.c.watch_id == memory.watch_id, age < now - settings.history)
        await connection.execute(sa.delete(table).where(old, ~story.exists()))
    orphans = sa.select(t.DECISIONS.c.match_id).where(t.DECISIONS.c.match_id == t.ALERTS.c.match_id)
    await connection.execute(sa.delete(t.ALERTS).where(t.ALERTS.c.watch_id == memory.watch_id, ~orphans.exists()))
