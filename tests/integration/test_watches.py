"""Publishing watches: files to SQL to replicas, on SQLite and PostgreSQL; and the pack's own watches."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError
from typer.testing import CliRunner

from services.alerter import published
from services.alerter.load import load
from services.alerter.match import metrics
from services.alerter.match.check import article, check
from services.alerter.match.commands import gazetteer_beside, watch
from services.alerter.match.compile import build
from services.alerter.match.in_force import Watches
from services.alerter.match.match import read
from services.alerter.match.outcomes import PublishOutcome
from services.alerter.watch import Status, Watch
from shared.clock import SteppedClock
from shared.db import Database, open_database
from shared.errors import Misconfigured, Transient
from shared.events import OperatorAsked
from tests.fakes.matching import first_term

NOW = datetime(2025, 3, 18, tzinfo=UTC)
PACK = Path(__file__).parents[2] / "deploy/packs/alliance"
SHIPPED = sorted((PACK / "watches").glob("*.yaml"))
ENTITIES = "entities:\n  - {id: kosovo, type: state, names: [Kosovo]}\n"


def text(term: str, name: str = "w") -> str:
    return f"schema: watch/1\nid: {name}\nconcepts: {{a: [{term}]}}\nmatch: {{require: [a]}}\n"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    folder = tmp_path / "pack"
    (folder / "watches").mkdir(parents=True)
    (folder / "entities.yaml").write_text(ENTITIES)
    (folder / "watches" / "w.yaml").write_text(text("savez~"))
    return folder


async def started(database: Database, pack: Path) -> Watches:
    await published.prepare(database)
    watches = Watches(database, pack, SteppedClock(NOW))
    await watches.start()
    return watches


def invalid_files() -> float:
    return float(metrics.PUBLISHED.labels(PublishOutcome.INVALID)._value.get())


def in_force(watches: Watches) -> list[tuple[str, int, str]]:
    return [(one.id, one.version, first_term(one.concepts["a"].clause)) for one in watches.engine.watches]


async def test_a_file_is_published_once_and_again_when_it_changes(database: Database, pack: Path) -> None:
    watches = await started(database, pack)
    assert in_force(watches) == [("w", 1, "savez~")]
    await watches.reload()
    assert await published.versions(database) == {"w": 1}
    (pack / "watches" / "w.yaml").write_text(text("pakt~"))
    await watches.reload()
    assert in_force(watches) == [("w", 2, "pakt~")]


async def test_a_faulty_list_of_entities_ends_the_start_with_its_place(database: Database, pack: Path) -> None:
    (pack / "entities.yaml").write_text(ENTITIES + "  - {id: b, type: persn, names: [A B]}\n")
    with pytest.raises(Misconfigured, match=r"entities\.yaml:3:"):
        await started(database, pack)


async def test_other_replicas_take_it_from_the_database(database: Database, pack: Path, tmp_path: Path) -> None:
    first, second = await started(database, pack), await started(database, tmp_path / "nowhere")
    assert in_force(second) == in_force(first)
    (pack / "watches" / "w.yaml").write_text(text("pakt~"))
    await first.reload()
    await second.reload()
    assert in_force(second) == [("w", 2, "pakt~")]


async def test_an_invalid_file_leaves_the_last_good_version_in_force(
    database: Database, pack: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each is counted, and the log says where the fault is."""
    watches = await started(database, pack)
    path = pack / "watches" / "w.yaml"
    for wrong in ("{", text("ab*"), text("~"), "", text("x1").replace("schema: watch/1", "schema: watch/7")):
        path.write_text(wrong)
        before = invalid_files()
        caplog.clear()
        await watches.reload()
        assert in_force(watches) == [("w", 1, "savez~")]
        assert invalid_files() == before + 1
        (line,) = [one.msg for one in caplog.records if isinstance(one.msg, dict)]
        assert (line["event"], line["file"]) == ("watch_invalid", str(path))
        assert re.match(rf"{path}:\d+:\d+: \S", line["faults"][0]), line
    (pack / "watches" / "w.yaml").write_text(text("pakt~"))
    await watches.reload()
    assert in_force(watches) == [("w", 2, "pakt~")]


async def test_a_restart_with_an_older_file_brings_nothing_back(database: Database, pack: Path) -> None:
    await started(database, pack)
    await published.publish(database, "w", text("pakt~"), NOW)
    assert in_force(await started(database, pack)) == [("w", 2, "pakt~")]


async def test_a_stored_version_this_process_cannot_read_changes_nothing(database: Database, pack: Path) -> None:
    watches = await started(database, pack)
    await published.publish(database, "w", text("x1").replace("watch/1", "watch/2"), NOW)
    await watches.reload()
    assert in_force(watches) == [("w", 1, "savez~")]


async def test_it_leaves_the_version_before_in_force_after_a_restart(database: Database, pack: Path) -> None:
    await started(database, pack)
    for wrong in ("watch/2", "watch/3"):
        await published.publish(database, "w", text("x1").replace("watch/1", wrong), NOW)
    assert in_force(await started(database, pack)) == [("w", 1, "savez~")]


async def test_two_files_of_one_id_stay_apart_whichever_changes(database: Database, pack: Path) -> None:
    watches = await started(database, pack)
    other = pack / "watches" / "x.yaml"
    for term in ("pakt~", "blok~"):
        other.write_text(text(term))
        before = invalid_files()
        await watches.reload()
        assert (invalid_files() - before, in_force(watches)) == (1, [("w", 1, "savez~")])
    (pack / "watches" / "w.yaml").rename(other)
    await watches.reload()
    other.write_text(text("unija~"))
    await watches.reload()
    assert in_force(watches) == [("w", 2, "unija~")]


async def test_a_file_that_changed_during_an_outage_is_published_after_it(database_url: str, pack: Path) -> None:
    database = open_database(database_url)
    watches = Watches(database, pack, SteppedClock(NOW))
    for _ in range(2):
        with pytest.raises((OperationalError, ProgrammingError)):  # its table is not there yet
            await watches.reload()
    await published.prepare(database)
    await watches.reload()
    assert in_force(watches) == [("w", 1, "savez~")]
    await database.close()


async def test_what_came_of_a_file_is_announced_once_the_bus_takes_it(database: Database, pack: Path) -> None:
    told: list[OperatorAsked] = []
    away = True

    async def announce(event: OperatorAsked) -> None:
        if away:
            raise Transient("no broker")
        told.append(event)

    await published.prepare(database)
    watches = Watches(database, pack, SteppedClock(NOW), announce)
    for _ in range(2):
        with pytest.raises(Transient):
            await watches.reload()
    assert in_force(watches) == [("w", 1, "savez~")]
    away = False
    await watches.reload()
    await watches.reload()
    (event,) = told
    assert (event.request, event.subject, event.arguments["outcome"]) == ("watch_published", "w", "published")


async def test_several_who_look_at_once_build_once(database: Database, pack: Path) -> None:
    watches = await started(database, pack)
    await published.publish(database, "w", text("pakt~"), NOW)
    before = builds()
    await asyncio.gather(*(watches.take() for _ in range(8)))
    assert (builds() - before, in_force(watches)) == (1, [("w", 2, "pakt~")])


def builds() -> float:
    (family,) = metrics.BUILD_SECONDS.collect()
    return next(sample.value for sample in family.samples if sample.name.endswith("_count"))


async def test_different_texts_at_once_are_all_stored(database: Database, pack: Path) -> None:
    await published.prepare(database)
    texts = [text(f"savez{at}") for at in range(6)]
    stored = await asyncio.gather(*(published.publish(database, "w", one, NOW) for one in texts))
    assert [one.yaml for one in stored] == texts
    assert sorted(one.version for one in stored) == [1, 2, 3, 4, 5, 6]


async def test_publishing_the_same_text_at_once_makes_one_version(database: Database, pack: Path) -> None:
    await published.prepare(database)
    stored = await asyncio.gather(*(published.publish(database, "w", text("savez~"), NOW) for _ in range(4)))
    assert {one.version for one in stored} == {1}


async def test_the_reload_task_follows_the_clock_and_stops(database: Database, pack: Path) -> None:
    await published.prepare(database)
    clock = SteppedClock(NOW)
    watches = Watches(database, pack, clock)
    await watches.start()
    stop = asyncio.Event()
    task = asyncio.create_task(watches.watch(stop, 5.0))
    (pack / "watches" / "w.yaml").write_text(text("pakt~"))
    while in_force(watches) != [("w", 2, "pakt~")]:
        await asyncio.sleep(0)
        if (due := clock.next_wake()) is not None:
            clock.advance_to(due)
    stop.set()
    await task


@cache
def shipped(path: Path) -> Watch:
    return replace(load(path, gazetteer_beside(path).entities), status=Status.ACTIVE)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.stem))
def test_the_packs_watches_pass_their_own_examples(path: Path) -> None:
    report = check(path, gazetteer_beside(path))
    assert [str(fault) for fault in report.faults] == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.stem))
@pytest.mark.parametrize("matches", [True, False], ids=["match", "no_match"])
def test_the_packs_watches_have_examples_in_every_language(path: Path, *, matches: bool) -> None:
    shown = [one for one in shipped(path).examples if one.matches is matches]
    assert len(shown) >= 40
    assert {one.language for one in shown} >= {"en", "sq", "sr", "hr", "bs", "cnr", "mk", "bg", "sl"}
    scripts = {_is_cyrillic(one.text) for one in shown if one.language == "sr"}
    assert scripts == {True, False}


def _is_cyrillic(text: str) -> bool:
    return any("\u0400" <= letter <= "\u04ff" for letter in text)


def test_the_packs_watches_leave_each_others_stories_alone() -> None:
    gazetteer = gazetteer_beside(SHIPPED[0])
    watches = [shipped(path) for path in SHIPPED]
    engine = build(watches)  # one for all, as in production: built for every text it took half a minute
    shown = [(watch.id, article(one.text, one.language, gazetteer, title=one.title))
             for watch in watches for one in watch.examples if one.matches]  # fmt: skip
    found = [(name, {one.watch.id for one in read(text, engine) if one.matched()}, text.text) for name, text in shown]
    assert [one for one in found if one[1] != {one[0]}] == []


def test_check_on_the_command_line(pack: Path) -> None:
    good = pack / "watches" / "w.yaml"
    answer = CliRunner().invoke(watch, ["check", str(good), "--json"])
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)[0]["ok"] is True
    good.write_text(text("savez~") + "tests: {match: {sr: [Nema ga]}, no_match: {sr: [Savez]}}\n")
    answer = CliRunner().invoke(watch, ["check", str(good)])
    assert answer.exit_code == 1
    assert f"{good}:5:22: must match, but does not: concept a" in answer.stderr
    assert "must not match, but does, by Savez: add an exclude" in answer.stderr
    assert CliRunner().invoke(watch, ["check", str(pack / "none.yaml")]).exit_code == 2
