"""Operators' commands on both buses: what they print, what they change, and how they end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from services.operate.health import is_ready
from services.operate.init import OWNERS, check_prepared
from shared import codec
from shared.bus import Bus, Partition, Record
from shared.db import Database, migrate
from shared.dead import bury
from shared.errors import Misconfigured, Rejected
from shared.events import PageFetched, Source
from shared.run import open_bus
from shared.settings import CommonSettings, load
from shared.topics import ALERTS_RAISED, PAGES_FETCHED, all_specs, dead_topic, retry_topic
from tests.fakes.command import Done, command, commanded
from tests.fakes.kafka_broker import ROOT

NOON = datetime(2025, 3, 18, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Place:
    """An installation, as its settings."""

    env: Mapping[str, str]

    async def run(self, *words: str) -> Done:
        return await commanded(*words, env=self.env)

    async def rows(self, *words: str) -> list[dict[str, Any]]:
        done = await self.run(*words, "--json")
        assert done.errors == ""
        rows: list[dict[str, Any]] = json.loads(done.out)
        return rows

    async def bus(self) -> Bus:
        return await open_bus(load(CommonSettings, self.env))


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    env = {"WIREWATCH_DATA": str(tmp_path)}
    if request.param == "kafka":
        bootstrap = request.getfixturevalue("kafka_broker").bootstrap
        env |= {"WIREWATCH_BUS": bootstrap, "WIREWATCH_TOPIC_PREFIX": f"{uuid4().hex[:8]}."}
    return Place(env)


async def put_letters(bus: Bus, count: int) -> list[bytes]:
    """So many dead letters of the extractor, by turns with one reason and another; their original bytes."""
    pages = [
        PageFetched(
            id=f"p{number}", observed=NOON, entry_id=f"e{number}", source=Source(id="s", name="S"), body=b"<p>",
            url="https://s.test/", final_url="https://s.test/", status=200,
        )
        for number in range(count)
    ]  # fmt: skip
    # Letters keep the time of their original; a broker that has run for half a minute deletes what is past retention.
    written = int((time.time() - 86_400) * 1000)
    records = []
    for page in pages:
        sent = codec.encode(page)
        records.append(Record(PAGES_FETCHED.name, 3, 7, written, sent.key, sent.value, sent.headers))
    publisher = await bus.publisher()
    await publisher.publish([
        bury(record, "extractor", ("undecodable", "worker_died")[number % 2], Rejected("no [b]good[/b]"), NOON)
        for number, record in enumerate(records)
    ])  # fmt: skip
    await publisher.close()
    return [record.value or b"" for record in records]


async def lag_of(place: Place) -> list[dict[str, Any]]:
    """A broker that has just started has no coordinator for groups yet: that is told, and asked again here."""
    async with asyncio.timeout(60):
        while "coordinator" in (await place.run("lag")).errors:
            await asyncio.sleep(0.5)
    return await place.rows("lag")


async def redriven(bus: Bus) -> list[Record]:
    found: list[Record] = []
    for number in range(PAGES_FETCHED.partitions):
        found += await bus.read(Partition(retry_topic("extractor"), number), 0, 100)
    return found


async def test_from_nothing_to_redriven_letters(place: Place) -> None:
    check = ("topics", "list", "--check")
    assert (await place.run(*check)).code == 1
    assert {row["state"] for row in await place.rows("topics", "create", "--check")} == {"missing"}
    assert (await place.run("dead", "list")).out == "Dead letters: none\n"
    assert (await place.run("dead", "show", "extractor", "0")).code == 2
    created = await place.rows("topics", "create")
    assert [row["topic"] for row in created] == [spec.name for spec in all_specs()]
    assert (await place.run("topics", "create")).out == "0 topics created\n"
    done = await place.run(*check)
    assert done.code == 0 and PAGES_FETCHED.name in done.out
    assert {row["records"] for row in await lag_of(place)} == {0}

    bus = await place.bus()
    originals = await put_letters(bus, 5)
    listed = await place.rows("dead", "list")
    assert [(row["group"], row["offset"]) for row in listed] == [("extractor", number) for number in range(5)]
    assert listed[0]["from"] == f"{PAGES_FETCHED.name}/3@7" and listed[0]["id"] == "p0"
    assert "no [b]good[/b]" in (await place.run("dead", "list", "--group", "extractor")).out
    assert len(await place.rows("dead", "list", "--group", "match")) == 0
    assert [row["id"] for row in await place.rows("dead", "list", "--reason", "worker_died")] == ["p1", "p3"]
    assert [row["id"] for row in await place.rows("dead", "list", "--limit", "2")] == ["p0", "p1"]
    (letter,) = json.loads((await place.run("dead", "show", "extractor", "1")).out)
    assert letter["reason"] == "worker_died" and letter["headers"]["ce_id"] == "p1" and letter["key"] == "e1"
    assert (await place.run("dead", "show", "extractor", "5")).code == 2

    redrive = ("dead", "redrive", "extractor")
    assert (await place.run(*redrive, "--dry-run")).out.startswith("5 letters would be put")
    assert await redriven(bus) == []
    assert (await place.run(*redrive, "--reason", "worker_died", "--limit", "1")).out.startswith("1 letters put")
    (record,) = await redriven(bus)
    assert record.value == originals[1] and not any(name.startswith("dead_") for name, _ in record.headers)
    assert (await place.run(*redrive)).out.startswith("5 letters put")
    assert sorted(record.value or b"" for record in await redriven(bus)) == sorted([*originals, originals[1]])
    await bus.close()
    waiting = {(row["group"], row["topic"]): row for row in await place.rows("lag")}
    assert waiting["extractor", retry_topic("extractor")]["records"] == 6
    assert waiting["extractor", retry_topic("extractor")]["seconds"] < 3600  # waiting since redriven
    assert "extractor" in (await place.run("lag")).out


async def test_what_differs_is_told_and_brought_in_line(place: Place) -> None:
    bus = await place.bus()
    specs = {spec.name: spec for spec in all_specs()}
    changed = replace(specs[PAGES_FETCHED.name], retention=timedelta(hours=1), largest=77_777)
    await bus.ensure_topics([changed, replace(specs[ALERTS_RAISED.name], partitions=3)])
    await bus.close()
    rows = {row["topic"]: row for row in await place.rows("topics", "list", "--check")}
    assert (
        "3600000, not 259200000" in rows[PAGES_FETCHED.name]["state"]
        and "retention" in rows[PAGES_FETCHED.name]["state"]
    )
    assert rows[PAGES_FETCHED.name]["state"].count(", not ") == 2
    assert rows[ALERTS_RAISED.name]["state"] == "partitions is 3, not 12"
    assert rows[dead_topic("match")]["state"] == "missing"
    done = await place.run("topics", "create")
    assert done.code == 2 and "3 partitions, the topology says 12" in done.errors


async def test_doctor_looks_at_everything(place: Place) -> None:
    sick = {row["check"]: row for row in await place.rows("doctor")}
    assert [name for name, row in sick.items() if row["state"] != "ok"] == ["database", "bus"]
    assert sick["bus"]["fix"] == "run wirewatch init" and f"{len(all_specs())} topics" in sick["bus"]["finding"]
    assert (await place.run("init")).code == 0
    done = await place.run("doctor")
    assert done.code == 0, done.out
    for name in ("fetcher", "extractor", "alerter, match", "alerter, judge", "notifier"):
        assert f"settings, {name}" in done.out
    env = {
        **place.env,
        "WIREWATCH_SPACING": "abc",
        "WIREWATCH_DATABASE": "mysql://a:secret@b/c",
        "WIREWATCH_PACK": "/no",
    }
    done = await commanded("doctor", "--json", env=env)
    assert done.code == 1 and "secret" not in done.out
    rows = {row["check"]: row for row in json.loads(done.out)}
    assert rows["settings, fetcher"]["finding"].startswith("WIREWATCH_SPACING is 'abc': write a duration")
    assert "mysql is not supported" in rows["database"]["finding"]
    assert [name for name, row in rows.items() if row["state"] != "ok"] == ["settings, fetcher", "pack", "database"]


async def test_a_database_of_another_version(database: Database) -> None:
    """…is told at the start of a service, unless it is a newer one: migrations only expand."""
    with pytest.raises(Misconfigured, match=r"fetcher are at version none, .* needs 0\d+; run wirewatch init"):
        await check_prepared(database)
    for owner, scripts in OWNERS:
        await migrate(database, owner, scripts)
    await check_prepared(database)
    for version, wrong in (("0001", True), ("9999", False)):
        async with database.transaction() as connection:
            await connection.execute(sa.text("UPDATE fetcher_schema SET version_num = :v"), {"v": version})
        with pytest.raises(Misconfigured, match="at version 0001") if wrong else contextlib.nullcontext():
            await check_prepared(database)


# -- how commands end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "env", "line"),
    [
        ("lag", {"WIREWATCH_DRAIN": "[red]x"}, "WIREWATCH_DRAIN is '[red]x': write a duration"),
        ("lag", {"WIREWATCH_BUS": "[/x]"}, "the bus ([/x]) does not answer"),
        ("lag", {"WIREWATCH_DATA": "/proc/nope"}, "WIREWATCH_DATA is '/proc/nope': No such file"),
        ("lag", {"WIREWATCH_DATA": __file__}, f"WIREWATCH_DATA is '{__file__}': File exists"),
        ("fetcher", {"WIREWATCH_DATA": "/proc/nope"}, "WIREWATCH_DATA is '/proc/nope'"),
        (
            "init",
            {"WIREWATCH_DATABASE": "mysql://u:secret@x/y"},
            "WIREWATCH_DATABASE is 'mysql://u:********@x/y': mysql",
        ),
        (
            "init",
            {"WIREWATCH_DATABASE": "sqlite:////proc/nope/x.db"},
            "WIREWATCH_DATABASE is 'sqlite:////proc/nope/x.db'",
        ),
        ("init", {"WIREWATCH_DATABASE": "nothing"}, "WIREWATCH_DATABASE is 'nothing': write sqlite:///"),
        ("alerter --only judge", {}, "is not prepared: its tables of shared are at version none"),
        ("alerter --only both", {}, "--only is 'both': write match or judge"),
        ("watch check", {"WIREWATCH_PACK": "/no"}, "no watch files: name some, or set WIREWATCH_PACK"),
        ("watch check nofile.yaml", {}, "no such file: nofile.yaml"),
        ("dead show match abc", {}, "'offset'"),
        ("dead show nosuch 0", {}, "group is 'nosuch': write one of extractor, match"),
        ("dead list --group nosuch", {}, "group is 'nosuch': write one of extractor"),
        ("dead redrive nosuch", {}, "group is 'nosuch': write one of extractor"),
        ("dead show", {}, "Missing argument 'group'. (wirewatch dead show --help tells more)"),
        ("topics --nope", {}, "No such option: --nope (wirewatch topics --help tells more)"),
        ("nonsense", {}, "No such command 'nonsense'. (wirewatch --help tells more)"),
        ("extract nofile.html", {}, "nofile.html: No such file"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(tmp_path: Path, words: str, env: dict[str, str], line: str) -> None:
    done = command(*words.split(), env={"WIREWATCH_DATA": str(tmp_path), **env})
    assert done.code == 2
    assert done.out == ""
    assert done.errors.startswith("wirewatch: ") and line in done.errors
    assert done.errors.count("\n") == 1


def test_a_taken_admin_port_names_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        env = {"WIREWATCH_DATA": str(tmp_path), "WIREWATCH_ADMIN_PORT": port}
        assert command("init", env=env).code == 0
        done = command("alerter", "--only", "judge", env=env)
    assert (done.code, done.errors.count("\n")) == (2, 1)
    assert f"WIREWATCH_ADMIN_PORT is {port}: 127.0.0.1:{port} cannot be had" in done.errors


@pytest.mark.parametrize("only", ["match", "judge"])
def test_one_step_of_the_alerter_alone(tmp_path: Path, only: str) -> None:
    """It starts, says that it is ready, and what it is; a signal ends it in order."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    env = {"WIREWATCH_DATA": str(tmp_path), "WIREWATCH_ADMIN_PORT": str(port)}
    assert command("init", env=env).code == 0
    told: list[str] = []

    def ask_and_end() -> None:
        deadline = time.monotonic() + 30
        while not is_ready("127.0.0.1", port) and time.monotonic() < deadline:
            time.sleep(0.05)
        told.append(info_of(port)["services"])
        os.kill(os.getpid(), signal.SIGTERM)

    asking = threading.Thread(target=ask_and_end)
    asking.start()
    done = command("alerter", "--only", only, env=env)
    asking.join()
    assert (done.code, done.errors, told) == (0, "", [only])
    assert command("health", "--port", str(port), env=env).code == 1


def info_of(port: int) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/info")
        info: dict[str, Any] = json.loads(connection.getresponse().read())
        return info
    finally:
        connection.close()


def test_pages_and_feeds_from_files(tmp_path: Path) -> None:
    words = "Председник је у Приштини потписао декларацију о сарадњи у области одбране. " * 12
    page = tmp_path / "page.html"
    page.write_text(f"<html lang=sr><head><title>Савез</title></head><body><article><h1>Савез</h1><p>{words}</p>"
                    "</article></body></html>")  # fmt: skip
    done = command("extract", str(page), "--url", "https://www.vest.rs/a?utm_source=x", "--json", env={})
    read = json.loads(done.out)
    assert (done.code, read["outcome"], read["title"]) == (0, "extracted", "Савез")
    assert read["canonical_url"] == "https://vest.rs/a" and "декларацију" in read["text"]
    page.write_text("<html><body><p>nothing</p></body></html>")
    done = command("extract", str(page), "--json", env={})
    assert done.code == 1 and json.loads(done.out)["outcome"] != "extracted"
    feed = tmp_path / "feed.xml"
    feed.write_text("<rss version='2.0'><channel><title>T</title><item><title>[b]One[/b]</title>"
                    "<link>https://a.test/1</link></item></channel></rss>")  # fmt: skip
    done = command("feed", "parse", str(feed), "--json", env={})
    assert done.code == 0 and [entry["link"] for entry in json.loads(done.out)["entries"]] == ["https://a.test/1"]
    feed.write_text("<html>no feed</html>")
    assert command("feed", "parse", str(feed), env={}).code == 1


def test_no_command_shows_the_help(tmp_path: Path) -> None:
    for words in ((), ("dead",), ("--help",)):
        done = command(*words, env={})
        assert "Usage: wirewatch" in done.out and done.code == (0 if "--help" in words else 2)


def test_as_a_process(tmp_path: Path) -> None:
    """The same at the edge of a real process: what is wrong ends with 2, what crashes with 1 and one last line."""
    assert ended({"WIREWATCH_ADMIN_PORT": "x"}, "lag") == (
        2,
        "wirewatch: WIREWATCH_ADMIN_PORT is 'x': write a whole number",
    )
    assert command("init", env={"WIREWATCH_DATA": str(tmp_path)}).code == 0
    (tmp_path / "wirewatch.db").write_bytes(b"this is no database " * 400)
    code, line = ended({"WIREWATCH_DATA": str(tmp_path), "WIREWATCH_ADMIN_PORT": "0"}, "notifier")
    assert code == 1 and line.startswith("wirewatch: stopped by ") and "file is not a database" in line


def ended(env: Mapping[str, str], *words: str) -> tuple[int, str]:
    """How a process ended: its code and its last line."""
    given = {"PATH": "/usr/bin:/bin", "COLUMNS": "250", **env}
    done = subprocess.run(
        [sys.executable, "-m", "services", *words], capture_output=True, text=True, cwd=ROOT, env=given, timeout=120,
        check=False,
    )  # fmt: skip
    assert done.stdout == "" and "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()[-1]
