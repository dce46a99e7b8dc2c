"""The command line as a person uses it, the receiver code it gives to paste, and the receiver itself."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.notifier import sign
from services.notifier.commands import PASTE
from services.notifier.receiver import LARGEST, Receiver, Reply
from services.notifier.sign import Secret, Verdict
from shared.errors import Misconfigured
from shared.http import Door, FailureKind, HttpFailure
from tests.fakes.command import commanded
from tests.integration.notifier.world import LOOPBACK

ROOT = Path(__file__).parents[3]


def environment(folder: Path, *, open_loopback: bool = True) -> dict[str, str]:
    opened = {"WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8"} if open_loopback else {}
    return opened | {"WIREWATCH_DATA": str(folder), "COLUMNS": "200"}


async def wirewatch(folder: Path, *words: str, open_loopback: bool = True) -> tuple[int, str, str]:
    """The command within this process."""
    done = await commanded(*words, env=environment(folder, open_loopback=open_loopback))
    return done.code, done.out, done.errors


async def started(folder: Path, *words: str) -> asyncio.subprocess.Process:
    """The command as a process of its own, as a person runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WIREWATCH_")}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", *words, cwd=ROOT, env=kept | environment(folder),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


async def test_a_subscription_from_adding_to_removing(tmp_path: Path) -> None:
    async with Receiver(behave=lambda _: Reply(204)) as receiver:
        words = ("subscriptions", "add", receiver.url, "--watch", "defence-alliance", "--kind", "burst")
        process = await started(tmp_path, *words)
        out, errors = (text.decode() for text in await process.communicate())
        assert process.returncode == 0, errors
        (ping,) = receiver.received
        found = re.search(r"whsec_\S+", out)
        assert (
            found and sign.verify([Secret.parse(found[0])], ping.headers, ping.body, datetime.now(UTC)) is Verdict.VALID
        )
        assert ping.event()["type"] == "wirewatch.test.v1" and "delivered, answered 204" in out
        assert f'SECRET = "{found[0]}"' in out and "HTTPServer" in out

        code, out, _ = await wirewatch(tmp_path, "subscriptions", "list", "--json")
        (row,) = json.loads(out)
        assert row["filters"] == {"watches": ["defence-alliance"], "kinds": ["burst"]} and row["state"] == "active"
        assert found[0] not in out

        code, out, _ = await wirewatch(tmp_path, "subscriptions", "test", row["id"], "--json")
        assert code == 0 and json.loads(out)["delivered"] and len(receiver.received) == 2
        for word, done in (("pause", "paused"), ("resume", "resumed"), ("remove", "removed")):
            code, out, _ = await wirewatch(tmp_path, "subscriptions", word, row["id"])
            assert (code, out.strip()) == (0, f"{row['id']} {done}")
        code, _, errors = await wirewatch(tmp_path, "subscriptions", "test", row["id"])
        assert code == 2 and "there is no subscription" in errors


async def test_a_test_that_is_not_accepted_says_so(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        code, out, _ = await wirewatch(tmp_path, "subscriptions", "add", receiver.url, "--watch", "nothing", "--json")
        added = json.loads(out)
        assert code == 0 and added["test"] == {
            **added["test"], "delivered": False, "status": 401, "reason": "http_401",
        }  # fmt: skip
        code, out, _ = await wirewatch(tmp_path, "subscriptions", "test", added["id"])
        assert code == 1 and "give the receiver the secret" in out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("http://127.0.0.1:9999/", "--watch", "a"), "set WIREWATCH_ALLOW_NETWORKS"),
        (("ftp://a.example/", "--watch", "a"), "neither http nor https"),
        (("https://a.example/", "--watch", "a", "--timeout", "99"), "timeout is 99 s; write 1 to 30"),
        (("https://a.example/", "--watch", "a", "--rate", "0"), "rate is 0 a second"),
        (("https://a.example/", "--watch", "a", "--secret", "whsec_c2hvcnQ="), "the secret has 5 bytes"),
    ],
)
async def test_a_wrong_wish_is_one_line_and_exit_code_2(tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    code, out, errors = await wirewatch(tmp_path, "subscriptions", "add", *words, open_loopback=False)
    assert code == 2 and line in errors and not out and len(errors.strip().splitlines()) == 1


async def test_the_receiver_command_greets_verifies_and_prints(tmp_path: Path) -> None:
    process = await started(tmp_path, "receiver", "--port", "0", "--json")
    assert process.stdout and process.stderr
    try:
        url = (await process.stderr.readline()).decode().split()[-1]
        secret = (await process.stderr.readline()).decode().split()[-1]
        words = ("subscriptions", "add", url, "--watch", "a", "--secret", secret, "--json")
        code, out, _ = await wirewatch(tmp_path, *words)
        assert code == 0 and json.loads(out)["test"]["delivered"]
        line = json.loads(await process.stdout.readline())
        assert line["verdict"] == "valid" and line["event"]["data"]["message"] and not line["repeat"]
    finally:
        process.terminate()
        await process.wait()


# -- the code to paste -----------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def pasted(folder: Path, secret: Secret, port: int) -> Iterator[subprocess.Popen[str]]:
    """The sample as a subscriber runs it, on a free port."""
    code = PASTE.read_text(encoding="utf-8").replace("whsec_...", secret.reveal()).replace("8787", str(port))
    (folder / "receiver.py").write_text(code, encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-I", str(folder / "receiver.py")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def post(door: Door, url: str, headers: dict[str, str], content: bytes) -> int:
    async with asyncio.timeout(20):
        while True:
            try:
                return (await door.request("POST", url, headers=headers, content=content, follow=False)).status
            except HttpFailure as failure:
                if failure.kind is not FailureKind.CONNECT:
                    raise
                await asyncio.sleep(0.05)  # the sample is still starting


async def test_the_pasted_receiver_verifies_and_drops_repeats(tmp_path: Path) -> None:
    secret, now = Secret.generate(), datetime.now(UTC)
    content = json.dumps({"type": "t", "data": {"alert": {"headline": "Përshëndetje, свете"}}}).encode()
    good = sign.headers([Secret.generate(), secret], "m1", now, content)
    old = sign.headers([secret], "m2", now - timedelta(minutes=6), content)
    port = free_port()
    with pasted(tmp_path, secret, port) as process:
        url = f"http://127.0.0.1:{port}/"
        async with Door(user_agent="test", guard=LOOPBACK) as door:
            assert await post(door, url, good, content) == 204
            assert await post(door, url, good, content) == 204
            for wrong in (old, {}, {**good, "webhook-id": "m3"}, {**good, "webhook-timestamp": "nan"},
                          {**good, "webhook-signature": "v1 v1,? v1a,x"}):  # fmt: skip
                assert await post(door, url, wrong, content) == 401
            assert await post(door, url, good, content + b" ") == 401
        process.terminate()
        out, _ = await asyncio.to_thread(process.communicate)
    assert out.count("\n") == 1 and "Përshëndetje" in out


# -- the receiver ----------------------------------------------------------------------------------------------------


async def test_a_taken_port_is_one_clear_line() -> None:
    async with Receiver() as receiver:
        port = int(receiver.url.rsplit(":", 1)[1].rstrip("/"))
        with pytest.raises(Misconfigured, match="cannot listen"):
            await Receiver(port=port).start()


async def test_the_receiver_refuses_what_it_need_not_read() -> None:
    async with Receiver() as receiver, Door(user_agent="test", guard=LOOPBACK) as door:
        assert (await door.request("GET", receiver.url)).status == 405
        assert (await door.request("POST", receiver.url, content=b"x" * (LARGEST + 1))).status == 413
        assert (await door.request("POST", receiver.url, content=b"\xff")).status == 401
        assert [got.verdict for got in receiver.received] == [Verdict.MISSING_HEADER]
