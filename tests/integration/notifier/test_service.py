"""The notifier as a process runs it: from the topic of alerts to the topic of attempts, on the embedded log."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import msgspec
import pytest

from services.notifier import app, subscribe
from services.notifier.app import MIGRATIONS, build
from services.notifier.receiver import Receiver
from services.notifier.seal import sealer_of
from services.notifier.settings import NotifierSettings
from services.notifier.subscribe import Wanted
from shared import codec, db
from shared.bus import Partition
from shared.errors import Misconfigured
from shared.events import DeliveryAttempted, Ledger
from shared.http import Guard
from shared.run import Parts, assemble, open_parts, run_process
from shared.settings import CommonSettings, replace
from shared.topics import DELIVERIES_ATTEMPTED, all_specs
from tests.fakes.alerts import alert

SHARED_MIGRATIONS = Path(db.__file__).parent / "migrations"


async def told(parts: Parts) -> list[DeliveryAttempted]:
    events = []
    for number in range(DELIVERIES_ATTEMPTED.partitions):
        for record in await parts.bus.read(Partition(DELIVERIES_ATTEMPTED.name, number), 0, 100):
            events.append(codec.decode(record, DeliveryAttempted))  # noqa: PERF401 - awaits in between
    return events


async def test_from_topic_to_topic(tmp_path: Path) -> None:
    common = CommonSettings(data=tmp_path, allow_networks=(IPv4Network("127.0.0.0/8"),))
    settings = NotifierSettings(data=tmp_path)
    async with Receiver() as receiver, open_parts(common) as parts:
        await parts.bus.ensure_topics(all_specs())
        await db.migrate(parts.database, "shared", SHARED_MIGRATIONS)
        await db.migrate(parts.database, app.OWNER, MIGRATIONS)
        async with parts.database.transaction() as connection:
            guard, sealer, now = Guard(common.allow_networks), sealer_of(settings), datetime.now(UTC)
            _, secret = await subscribe.create(connection, Wanted(receiver.url), sealer=sealer, guard=guard, now=now)
        receiver.trust(secret)
        service = build(settings, parts)
        stop = asyncio.Event()
        running = asyncio.create_task(run_process(assemble([service], parts, common, stop=stop), common, admin=False))
        publisher = await parts.bus.publisher()
        ledger = Ledger(fetched=now - timedelta(milliseconds=500), raised=now)
        raised = [msgspec.structs.replace(alert(number), ledger=ledger) for number in range(20)]
        await publisher.publish([codec.encode(one) for one in raised])
        await publisher.publish([codec.encode(one) for one in raised])
        async with asyncio.timeout(30):
            while len(await told(parts)) < 20 or service.busy():
                await asyncio.sleep(0.05)
        stop.set()
        await running
        assert len(receiver.received) == 20 and receiver.repeats == 0
        assert all(got.verified for got in receiver.received)
        assert {event.outcome for event in await told(parts)} == {"delivered"}
        assert {got.id for got in receiver.received} == {event.delivery_id for event in await told(parts)}


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"delivery_lease": timedelta(seconds=45)}, "write 60s or more"),
        ({"delivery_in_flight": 0}, "write 1 to"),
        ({"notifier_key": "short"}, "is no key"),
    ],
)
async def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, changed: dict[str, object], line: str) -> None:
    async with open_parts(CommonSettings(data=tmp_path)) as parts:
        with pytest.raises(Misconfigured, match=line):
            build(replace(NotifierSettings(data=tmp_path), **changed), parts)
