"""Replaying on both buses: what was told is not told anew, what a watch lacks enters its history, counts reconcile."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.operate.init import prepare
from services.operate.replay import Counts, replay, topic_of
from services.operate.retained import Range, range_of
from shared.bus import Bus, BusUnavailable, Message, Partition, Record
from shared.codec import MODE, decode, encode, replayed
from shared.db import Database
from shared.errors import Misconfigured, Undecodable
from shared.events import AlertRaised, ArticleExtracted, ArticleMatched, Event, Mode, SourceChecked
from shared.topics import ALERTS_RAISED, ARTICLES_EXTRACTED, ARTICLES_MATCHED, Topic, spec_of
from tests.fakes.command import commanded
from tests.fakes.fixtures_bus import Lab
from tests.fakes.volumes import NOON, article, check
from tests.integration.test_time_passes import alerter, all_of, send

HOUR = timedelta(hours=1)
WAIT = 60.0
MINUTE_AGO = datetime.now(UTC) - timedelta(minutes=1)
"""Real time: a broker deletes by it what is older than the retention."""
TITLES = ("Novi savez", "Savez brine susede", "Vojni savez u Tirani", "Savez pod lupom")
ARTICLES = [article(title, source=f"s{at}", minutes=60 * at) for at, title in enumerate(TITLES)]


@dataclass(slots=True)
class Seen:
    """What a progress bar was told last."""

    done: int = 0
    total: int = 0

    def __call__(self, done: int, total: int) -> None:
        self.done, self.total = done, total


async def records(bus: Bus, topic: Topic) -> list[Record]:
    places = [Partition(topic.name, number) for number in range(topic.partitions)]
    return [record for place in places for record in await bus.read(place, 0, 1000)]


async def finished(bus: Bus, group: str, topic: Topic) -> None:
    """Wait until a group has read and committed all of a topic."""
    async with asyncio.timeout(WAIT):
        while True:
            with suppress(BusUnavailable):  # a new broker has no coordinator for its first groups yet
                if not any(lag.records for lag in await bus.lag(group, [topic.name])):
                    return
            await asyncio.sleep(0.05)


async def told(bus: Bus) -> set[tuple[str, int]]:
    alerts: list[AlertRaised] = await all_of(bus, ALERTS_RAISED)
    return {(one.id, one.revision) for one in alerts}


async def through(bus: Bus) -> None:
    await finished(bus, "match", ARTICLES_EXTRACTED)
    await finished(bus, "judge", ARTICLES_MATCHED)


async def test_nothing_is_told_anew_and_what_was_lacking_is_history(
    lab: Lab, database: Database, tmp_path: Path
) -> None:
    bus, whole = await lab.open(), Range()
    await prepare(bus, database)
    async with alerter(bus, database, tmp_path / "pack"):
        await send(bus, *ARTICLES, check("danas", 0))
        await through(bus)
        before = await told(bus)
        assert len({name for name, _ in before}) >= 1
        for topic in (ARTICLES_MATCHED, ARTICLES_EXTRACTED):
            was = await records(bus, topic)
            distinct = len({dict(one.headers)["ce_id"] for one in was})
            counts = await replay(bus, topic, whole, Seen(), dry_run=False)
            assert counts == Counts(found=len(was), published=distinct, repeated=len(was) - distinct)
            await through(bus)
        lacking = article("Savez koji niko nije video", source="x", minutes=30)
        publisher = await bus.publisher()
        await publisher.publish([replayed(as_record(encode(lacking)))])
        await publisher.close()
        await through(bus)
        assert await told(bus) == before
    matches: list[ArticleMatched] = await all_of(bus, ARTICLES_MATCHED)
    assert {one.mode for one in matches if one.article.article_id == lacking.article_id} == {Mode.REPLAY}
    modes = {one.mode for one in matches if one.article.article_id == ARTICLES[0].article_id}
    assert modes == {Mode.LIVE, Mode.REPLAY}


async def test_a_range_is_published_once_under_a_header_at_the_time_of_now(lab: Lab) -> None:
    bus, seen = await lab.open(), Seen()
    await bus.ensure_topics([spec_of(ARTICLES_EXTRACTED)])
    await publish(bus, [at(encode(one), MINUTE_AGO) for one in ARTICLES])
    span = Range(NOON + HOUR, NOON + 3 * HOUR)
    dry = await replay(bus, ARTICLES_EXTRACTED, span, seen, dry_run=True)
    assert (dry, len(await records(bus, ARTICLES_EXTRACTED))) == (Counts(2, 2, 0), 4)
    assert seen.done == seen.total == 4
    assert await replay(bus, ARTICLES_EXTRACTED, span, seen, dry_run=False) == dry
    assert await replay(bus, ARTICLES_EXTRACTED, span, seen, dry_run=False) == Counts(4, 2, 2)
    found = await records(bus, ARTICLES_EXTRACTED)
    again = [one for one in found if (MODE, b"replay") in one.headers]
    assert len(found) == 8
    assert [decode(one, ArticleExtracted).mode for one in again] == [Mode.REPLAY] * 4
    assert min(one.timestamp for one in again) > MINUTE_AGO.timestamp() * 1000 + 1000
    originals = {one.key: one for one in found if one not in again}
    for one in again:
        assert (one.value, one.partition) == (originals[one.key].value, originals[one.key].partition)
        assert one.headers[:-1] == originals[one.key].headers


def at(message: Message, moment: datetime) -> Message:
    return Message(message.topic, message.key, message.value, message.headers, int(moment.timestamp() * 1000))


async def publish(bus: Bus, messages: list[Message]) -> None:
    publisher = await bus.publisher()
    await publisher.publish(messages)
    await publisher.close()


def as_record(message: Message) -> Record:
    return Record(message.topic, 0, 0, 0, message.key, message.value, message.headers)


# ---- the header ------------------------------------------------------------------------------------------------------


def under(event: Event, mode: bytes) -> Record:
    message = encode(event)
    return Record(message.topic, 0, 0, 0, message.key, message.value, (*message.headers, (MODE, mode)))


def test_the_header_wins_over_the_body() -> None:
    assert decode(under(ARTICLES[0], b"replay"), ArticleExtracted).mode is Mode.REPLAY
    old = article("Stari savez", mode=Mode.BACKFILL)
    assert decode(under(old, b"replay"), ArticleExtracted).mode is Mode.REPLAY
    assert decode(as_record(encode(old)), ArticleExtracted).mode is Mode.BACKFILL
    checked = check("danas", 0)
    assert decode(under(checked, b"replay"), SourceChecked) == checked
    with pytest.raises(Undecodable, match="header ce_mode: 'sometimes' is not a valid Mode"):
        decode(under(ARTICLES[0], b"sometimes"), ArticleExtracted)


def test_replaying_a_replay_names_it_once() -> None:
    twice = replayed(as_record(replayed(as_record(encode(ARTICLES[0])))))
    assert [value for name, value in twice.headers if name == MODE] == [b"replay"]
    assert twice.timestamp is None


# ---- what is asked ---------------------------------------------------------------------------------------------------


def test_ranges() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert range_of("2025-03", "2025-03-18T10:00+01:00", now) == Range(
        datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 3, 18, 9, tzinfo=UTC)
    )
    assert datetime(2025, 3, 18, 9, tzinfo=UTC) not in range_of("2025", "2025-03-18T09:00", now)
    with pytest.raises(Misconfigured, match=r"'alerts\.raised' cannot be replayed: write one of"):
        topic_of("alerts.raised")


async def test_the_command(tmp_path: Path) -> None:
    env = {"WIREWATCH_DATA": str(tmp_path)}
    assert (await commanded("init", env=env)).code == 0
    done = await commanded("replay", "--from", "2025", "--to", "2026", "--dry-run", "--json", env=env)
    assert (done.code, done.errors) == (0, "")
    assert '"topic": "articles.matched"' in done.out
    for words, told_ in (
        (("--from", "2026", "--to", "2025"), "--from 2026 is not before --to 2025"),
        (("--from", "2999", "--to", "3000"), "--from 2999 is in the future"),
        (("--from", "x", "--to", "2025"), "--from 'x' is no time"),
        (("--from", "2025", "--to", "2026", "--topic", "x"), "--topic 'x' cannot be replayed"),
        (("--from", "2025"), "Missing option '--to'"),
    ):
        done = await commanded("replay", *words, env=env)
        assert (done.code, done.errors.count("\n")) == (2, 1)
        assert told_ in done.errors
