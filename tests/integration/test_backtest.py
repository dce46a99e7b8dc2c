"""A back-test tells what was told live: the demo world through matching and judging as they run, and once more."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.alerter import published
from services.alerter.bundle import bundle
from services.alerter.judge.settings import JudgeSettings
from services.alerter.load import loads
from services.alerter.match import count
from services.alerter.match.compile import build
from services.alerter.match.match import decided, event_of
from services.operate.init import prepare
from services.operate.watches.backtest import Result, Seen, Version, backtest
from services.operate.watches.compare import differences
from shared.bus import Bus
from shared.codec import encode
from shared.db import EPOCH, Database, open_database
from shared.events import AlertRaised, ArticleExtracted, ArticleMatched, FeedbackGiven
from shared.run import open_bus
from shared.settings import CommonSettings
from shared.settings import load as load_settings
from tests.fakes.command import Done, commanded
from tests.fakes.judging import feed, judge_on, prepared, raised
from tests.fakes.news import PACK, demo_articles, gazetteer
from tests.fakes.volumes import works

FILE = PACK / "watches" / "defence-alliance.yaml"
TEXT, ID = bundle(FILE), "defence-alliance"
DRAFT = Version("file draft.yaml", ID, TEXT)
DEMO = demo_articles()[:100]
"""The quiet days before and the first ones of the story: a whole world takes minutes on a slow machine."""
ARTICLES = [one.article for one in DEMO]


async def these(seen: Sequence[Seen]) -> AsyncIterator[Seen]:
    for one in seen:
        yield one


async def tried(*versions: Version, seen: Sequence[Seen] = ARTICLES, batch: int = 64) -> Result:
    return await backtest(versions, these(seen), gazetteer(), JudgeSettings(judge_batch=batch))


def matches() -> list[ArticleMatched]:
    """What the alerter's first step passes on of the demo."""
    engine = build([loads(TEXT, str(FILE), gazetteer().entities)])
    return [event_of(one, verdict, one.observed) for one in ARTICLES for verdict in decided(one, engine)[1]]


def told(alerts: Sequence[AlertRaised]) -> list[tuple[str, int, str]]:
    return [(one.id, one.revision, one.state.value) for one in alerts]


async def test_it_tells_what_is_told_live_whatever_the_order_of_reading(database: Database) -> None:
    live = await told_live(database)
    assert len({one.kind for one in live}) >= 5
    [run] = (await tried(DRAFT)).runs
    assert told(run.alerts) == told(live)
    [other] = (await tried(DRAFT, seen=[*reversed(ARTICLES), *ARTICLES], batch=7)).runs
    assert told(other.alerts) == told(live)


async def told_live(database: Database) -> list[AlertRaised]:
    """Every article is counted, then judged if it matches, as when articles come one by one."""
    judge, counted = await prepared(database, watch=TEXT, watch_id=ID), count.make(database)
    found = {one.article.id: one for one in matches()}
    alerts: list[AlertRaised] = []
    for at, one in enumerate(sorted(ARTICLES, key=lambda one: (one.observed, one.article_id))):
        await counted(works([one], start=at))
        alerts += raised(await feed(judge, [found[one.id]])) if one.id in found else []
    return alerts


async def test_versions_are_compared_by_what_alerts_are_about() -> None:
    renamed = Version("file b.yaml", ID, TEXT.replace("id: any-new", "id: another"))
    fewer = Version("file c.yaml", ID, without(TEXT, "first_seen"))
    draft, same, less = (one.alerts for one in (await tried(DRAFT, renamed, fewer)).runs)
    assert told(draft) != told(same)
    found = differences(draft, same)
    assert (found.only_first, found.only_second) == ((), ())
    found = differences(draft, less)
    assert {one.kind.value for one in found.only_first} == {"first_seen"}
    assert found.only_second == ()


def without(text: str, kind: str) -> str:
    """A watch without its rules of a kind."""
    kept = [line for line in text.split("\n") if f"kind: {kind}," not in line]
    assert len(kept) < len(text.split("\n"))
    return "\n".join(kept)


# ---- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"WIREWATCH_DATA": str(tmp_path / "data"), "WIREWATCH_PACK": str(PACK)}


async def answer(*words: str, env: dict[str, str]) -> Any:
    done = await commanded("watch", "backtest", ID, *words, "--json", env=env)
    assert (done.code, done.errors) == (0, "")
    return json.loads(done.out)


async def test_topics_the_version_in_force_and_feedback(tmp_path: Path, env: dict[str, str]) -> None:
    common = load_settings(CommonSettings, env)
    bus, database = await open_bus(common), open_database(common.database_url)
    await prepare(bus, database)
    await send(bus, ARTICLES)
    await published.publish(database, ID, without(TEXT, "first_seen"), EPOCH)
    said = raised(await feed(judge_on(database), matches()))
    verdicts = [verdict(said[0], "useful"), verdict(said[0], "wrong", by="b")]
    await feed(judge_on(database), verdicts)
    await bus.close()
    await database.close()
    found = await answer("--from", "2025-03-18", env=env)
    assert found["against"] == "published version 1"
    assert {one["kind"] for one in found["only_here"]} == {"first_seen"}
    assert found["only_there"] == []
    assert found["articles"] == sum(one.observed >= one.observed.replace(2025, 3, 18, 0, 0) for one in ARTICLES)
    assert sum(day["opened"] for day in found["days"]) == len({one["alert"] for one in found["alerts"]})
    whole = await answer(env=env)
    assert (whole["figures"]["here"]["feedback"], whole["figures"]["here"]["feedback_precision"]) == (2, 0.5)
    alone = await answer("--against", "none", env=env)
    assert alone["against"] is None
    assert alone["alerts"] == whole["alerts"]


def verdict(alert: AlertRaised, said: str, *, by: str = "a") -> FeedbackGiven:
    return FeedbackGiven(id=f"f{by}", observed=alert.observed, alert_id=alert.id, watch_id=ID, subscription_id=by,
                         verdict=said)  # fmt: skip


async def send(bus: Bus, articles: Sequence[ArticleExtracted]) -> None:
    publisher = await bus.publisher()
    await publisher.publish([encode(one) for one in articles])
    await publisher.close()


def rows(**more: bool) -> list[dict[str, object]]:
    return [
        {"id": one.name, "url": one.article.url, "title": one.article.title, "text": one.article.text,
         "published": one.article.published.at.isoformat() if one.article.published else "",
         "source": one.article.source.id, "about_alliance": one.about, **more}
        for one in DEMO
    ]  # fmt: skip


def write(path: Path, lines: Sequence[object]) -> str:
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in lines), encoding="utf-8")
    return str(path)


async def test_a_file_with_labels_and_without_languages(tmp_path: Path, env: dict[str, str]) -> None:
    file = write(tmp_path / "a.jsonl", rows(other=False))
    found = await answer("--file", file, "--against", str(FILE), env=env)
    assert (found["articles"], found["only_here"], found["only_there"]) == (len(ARTICLES), [], [])
    figures = found["figures"]["here"]
    assert figures["labelled"] == len(ARTICLES)
    assert figures["matched_precision"] >= 0.95
    assert figures["alerts_precision"] >= 0.95
    other = await answer("--file", file, "--label", "other", env=env)
    assert other["figures"]["here"]["alerts_precision"] == 0.0
    shown = await commanded("watch", "backtest", ID, "--file", file, env=env)
    assert shown.code == 0
    assert "alerts precision" in shown.out


GOOD = {"id": "1", "title": "T", "text": "x", "published": "2025-03-18"}


@pytest.mark.parametrize(
    ("lines", "words", "told"),
    [
        ([GOOD, "{"], (), "a.jsonl:2: not a text with id, title and text: "),
        ([GOOD, "{"], (), "; write one JSON object a line"),
        (["[1]"], (), "a.jsonl:1: not a text with id, title and text: write one JSON object a line"),
        ([{**GOOD, "published": None}], (), "a.jsonl:1: not a text with id, title and text: needs 'published'"),
        ([], (), "a.jsonl: nothing to read: write one JSON object a line with id, title, text, published"),
        ([GOOD], ("--from", "2025-03-19"), "nothing to read: no text of "),
        ([GOOD], ("--from", "soon"), "--from 'soon' is no time: write 2025-03-18 or 2025-03-18T10:00Z"),
        ([GOOD], ("--from", "2025-03", "--to", "2025-02"), "--from 2025-03 is not before --to 2025-02"),
        ([GOOD], ("--from", "2999"), "--from 2999 is in the future"),
        ([GOOD], ("--against", "published"), "wirewatch init makes it"),
        ([GOOD], ("--against", "nothing"), "no watch 'nothing' in "),
    ],
)
async def test_what_is_wrong_is_said_in_one_line(
    lines: list[object], words: tuple[str, ...], told: str, tmp_path: Path, env: dict[str, str]
) -> None:
    file = write(tmp_path / "a.jsonl", lines)
    done: Done = await commanded("watch", "backtest", ID, "--file", file, *words, env=env)
    assert done.code == 2
    assert told in done.errors
    assert done.errors.count("\n") == 1
    assert done.out == ""


async def test_nothing_retained(env: dict[str, str]) -> None:
    done = await commanded("watch", "backtest", ID, env=env)
    assert (done.code, done.errors.count("\n")) == (2, 1)
    assert "nothing to read: no article that the bus retains" in done.errors
