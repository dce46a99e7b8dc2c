"""The process edge: admin port, drain on a signal, a crash that stops everything with one clear line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path

import pytest

from shared import codec
from shared.events import OperatorAsked
from shared.health import STALL, Health
from shared.http import Door, Guard, HttpFailure
from shared.run import Parts, Service, assemble, crash_line, open_parts, run_process, stop_on_signals
from shared.settings import CommonSettings, load
from shared.step import Outcome, Step, Work
from shared.topics import OPERATORS_ASKED, TopicSpec, dead_topic, retry_topic, spec_of

LOOPBACK = (ip_network("127.0.0.0/8"),)
GROUP = "edge"


class Ended(StrEnum):
    DONE = "done"


def settings(folder: Path) -> CommonSettings:
    return load(CommonSettings, {"WIREWATCH_DATA": str(folder), "WIREWATCH_ADMIN_PORT": "0", "WIREWATCH_DRAIN": "3s"})


async def create_topics(parts: Parts) -> None:
    spec = spec_of(OPERATORS_ASKED)
    names = (OPERATORS_ASKED.name, retry_topic(GROUP), dead_topic(GROUP))
    await parts.bus.ensure_topics([TopicSpec(name, 2, spec.retention, -1, spec.largest) for name in names])


async def send(parts: Parts, numbers: Sequence[int]) -> None:
    publisher = await parts.bus.publisher()
    now = datetime(2025, 3, 18, tzinfo=UTC)
    await publisher.publish([
        codec.encode(OperatorAsked(id=str(n), observed=now, request="note", subject=f"k{n}")) for n in numbers
    ])  # fmt: skip
    await publisher.close()


async def test_a_signal_drains_and_ends_in_order(tmp_path: Path) -> None:
    finished: list[str] = []
    started = asyncio.Event()

    async def slow(work: Work) -> Outcome:
        started.set()
        await asyncio.sleep(0.5)
        finished.append(work.event.id)
        return Outcome(Ended.DONE)

    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    common = settings(tmp_path)
    async with open_parts(common) as parts:
        await create_topics(parts)
        stop = asyncio.Event()
        stop_on_signals(stop)
        step = Step(group=GROUP, topics=(OPERATORS_ASKED,), outcomes=Ended, handle=slow)
        process = assemble([Service("edge", steps=(step,), close=close)], parts, common, stop=stop)
        running = asyncio.create_task(run_process(process, common))
        await send(parts, [1, 2])
        await asyncio.wait_for(started.wait(), 20)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running, 20)
        lag = await parts.bus.lag(GROUP, [OPERATORS_ASKED.name])
    assert sorted(finished) == ["1", "2"]
    assert sum(item.records for item in lag) == 0
    assert closed == ["closed"]


async def test_readiness_is_to_have_joined_and_not_to_drain(tmp_path: Path) -> None:
    """Ready with the first partitions, not before; no longer ready from the signal on, while everything else that the
    admin port tells is told until the last input is finished."""
    go_on, in_hand = asyncio.Event(), asyncio.Event()

    async def slow(work: Work) -> Outcome:
        in_hand.set()
        await go_on.wait()
        return Outcome(Ended.DONE)

    common = replace(settings(tmp_path), admin_port=free_port())
    at = f"http://127.0.0.1:{common.admin_port}"
    async with open_parts(common) as parts, Door(user_agent="test", guard=Guard(allow_networks=LOOPBACK)) as door:
        step = Step(group=GROUP, topics=(OPERATORS_ASKED,), outcomes=Ended, handle=slow)
        process = assemble([Service("edge", steps=(step,))], parts, common, stop=asyncio.Event())
        running = asyncio.create_task(run_process(process, common))
        try:
            await until(door, f"{at}/livez", 200)
            assert (await door.get(f"{at}/readyz")).status == 503  # no topics yet, so no member of the group
            await create_topics(parts)
            await until(door, f"{at}/readyz", 200)
            assert process.loops[GROUP].assigned
            await send(parts, [1])
            await asyncio.wait_for(in_hand.wait(), 20)
            process.stop.set()
            await until(door, f"{at}/readyz", 503)
            assert (await door.get(f"{at}/livez")).status == 200
            assert b"wirewatch_records_total" in (await door.get(f"{at}/metrics")).body
        finally:
            go_on.set()
            process.stop.set()
            await asyncio.wait_for(running, 20)
        with pytest.raises(HttpFailure):
            await door.get(f"{at}/readyz")


async def test_a_task_that_hangs_is_not_alive(tmp_path: Path) -> None:
    hang, now = asyncio.Event(), 1000.0
    common = replace(settings(tmp_path), admin_port=free_port())
    at = f"http://127.0.0.1:{common.admin_port}"
    async with open_parts(common) as opened, Door(user_agent="test", guard=Guard(allow_networks=LOOPBACK)) as door:
        parts = replace(opened, health=Health(clock=lambda: now))
        pulse = parts.health.pulse("edge:works")

        async def works(stop: asyncio.Event) -> None:
            pulse.beat()
            await hang.wait()
            pulse.rest()
            await stop.wait()

        process = assemble([Service("edge", tasks={"works": works})], parts, common, stop=asyncio.Event())
        running = asyncio.create_task(run_process(process, common))
        await until(door, f"{at}/livez", 200)
        now += STALL + 1
        answer = await door.get(f"{at}/livez")
        assert answer.status == 503 and json.loads(answer.body)["stalled"] == ["edge:works"]
        hang.set()  # what only waits does not hang, for as long as it may take
        await until(door, f"{at}/livez", 200)
        now += STALL * 100
        assert (await door.get(f"{at}/livez")).status == 200
        process.stop.set()
        await asyncio.wait_for(running, 20)


async def until(door: Door, url: str, status: int) -> None:
    async with asyncio.timeout(20):
        while await status_of(door, url) != status:
            await asyncio.sleep(0.02)


async def status_of(door: Door, url: str) -> int:
    try:
        return (await door.get(url)).status
    except HttpFailure:
        return 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def test_a_crash_of_one_task_stops_the_whole_process(tmp_path: Path) -> None:
    async def crash(_stop: asyncio.Event) -> None:
        raise RuntimeError("the reason")

    async def stay(stop: asyncio.Event) -> None:
        await stop.wait()

    common = settings(tmp_path)
    async with open_parts(common) as parts:
        service = Service("edge", tasks={"crash": crash, "stay": stay})
        process = assemble([service], parts, common, stop=asyncio.Event())
        with pytest.raises(ExceptionGroup) as caught:
            await asyncio.wait_for(run_process(process, common), 20)
    assert crash_line(caught.value) == "RuntimeError: the reason"


async def test_the_admin_port_answers(tmp_path: Path) -> None:
    from shared.health import admin_app, serve

    health = Health(info={"version": "x", "settings": {"WIREWATCH_KEY": "********"}})
    stop = asyncio.Event()
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(admin_app(health), "127.0.0.1", 0, stop, started=started))
    at = f"http://127.0.0.1:{await started}"
    async with Door(user_agent="test", guard=Guard(allow_networks=LOOPBACK)) as door:
        assert (await door.get(f"{at}/readyz")).status == 503
        health.ready = True
        assert (await door.get(f"{at}/readyz")).status == 200
        assert (await door.get(f"{at}/livez")).status == 200
        assert b"wirewatch_records_total" in (await door.get(f"{at}/metrics")).body
        assert json.loads((await door.get(f"{at}/info")).body)["version"] == "x"
    stop.set()
    await asyncio.wait_for(serving, 20)


def test_a_member_without_a_share_counts_as_joined_after_a_while() -> None:
    now = 1000.0
    health = Health(clock=lambda: now)
    assert health.turned_for("edge") == 0.0
    health.beat("edge")
    now += 20
    health.beat("edge")
    assert health.turned_for("edge") == 20.0


def test_liveness_is_progress() -> None:
    now = 1000.0
    health = Health(clock=lambda: now)
    health.beat("consume:edge")
    now += STALL - 1
    assert health.stalled() == []
    now += 2
    assert health.stalled() == ["consume:edge"]
    health.beat("consume:edge")
    assert health.stalled() == []
