"""The probe: ready only when the process is alive and ready, and never an exception."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from services.operate.health import is_ready
from shared.health import Health, admin_app, serve
from tests.fakes.origins import origin


async def _asked(health: Health) -> bool:
    stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(admin_app(health), "127.0.0.1", 0, stop, started=started))
    try:
        return await asyncio.to_thread(is_ready, "127.0.0.1", await started)
    finally:
        stop.set()
        await serving


@pytest.mark.parametrize("ready", [True, False])
async def test_it_says_what_the_admin_port_says(ready: bool) -> None:
    assert await _asked(Health(ready=ready)) is ready


async def test_a_process_that_hangs_is_not_ready() -> None:
    health = Health(ready=True)
    health._beats["consume:match"] = float("-inf")
    assert not await _asked(health)


async def test_something_that_is_not_http_is_not_ready() -> None:
    async def babble(_head: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"no such protocol\r\n\r\n")

    async with origin(babble) as server:
        assert not await asyncio.to_thread(is_ready, "127.0.0.1", server.port)


def test_alone_it_ends_with_1_and_without_a_word_where_nobody_listens() -> None:
    done = subprocess.run([sys.executable, "-m", "services.operate.health", "1"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
