"""`wirewatch watch …` and what `wirewatch init` does about watches, as an editor or operator meets them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.alerter.load import load
from services.alerter.match.check import article
from services.alerter.match.commands import gazetteer_beside
from services.alerter.match.compile import build
from services.alerter.match.match import decided, event_of
from services.alerter.match.publish import REQUEST
from shared import ids
from shared.bus import Partition
from shared.codec import decode, encode
from shared.events import ArticleExtracted, OperatorAsked
from shared.run import open_bus
from shared.settings import CommonSettings
from shared.settings import load as load_settings
from shared.topics import OPERATORS_ASKED
from tests.fakes.command import Done, command, commanded
from tests.fakes.matching import matching_on
from tests.fakes.origins import origin, reply, says

NOW = datetime(2025, 3, 18, 12, tzinfo=UTC)
ENTITIES = """\
entities:
  - {id: kosovo, type: state, names: [Kosovo], adjectives: [kosovsk~]}
  - {id: serbia, type: state, names: [Srbija], side: serbia}
  - {id: vucic, type: person, label: Aleksandar Vučić, names: [Aleksandar Vučić], side: serbia,
     roles: [{title: president, of: serbia}]}
"""
WATCH = """\
schema: watch/1
id: alliance
title: The alliance
languages: [sr, hr, en]
concepts:
  pact: [savez~, vojni pakt~, alianc*, "S-400", {phrase: {en: [alliance]}}]
match: {require: [pact, {entity: kosovo}], exclude: [{any: [fudbal*]}]}
alerts:
  - {kind: match, per: story}
  - {kind: reaction, actor: {side: serbia}, topic: {concept: pact}}
tests: {match: {sr: [Savez i Kosovo]}, no_match: {sr: [Fudbalski savez Kosova]}}
"""
MATCHING, OTHER = "Vojni savez je sklopilo Kosovo. ", "Fudbalski savez nema ništa sa tim. "


@dataclass(frozen=True, slots=True)
class Desk:
    """An editor's desk: a pack, a data folder, and the command."""

    folder: Path
    env: Mapping[str, str]

    @property
    def file(self) -> Path:
        return self.folder / "pack" / "watches" / "alliance.yaml"

    def run(self, *words: str, **env: str) -> Done:
        return command(*words, env={**self.env, **env})

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert (done.code, done.errors) == (0, "")
        return json.loads(done.out)

    def write(self, name: str, text: str) -> str:
        (self.folder / name).write_text(text, encoding="utf-8")
        return str(self.folder / name)

    def common(self) -> CommonSettings:
        return load_settings(CommonSettings, self.env)

    async def requests(self) -> list[OperatorAsked]:
        bus = await open_bus(self.common())
        found = []
        for number in range(OPERATORS_ASKED.partitions):
            records = await bus.read(Partition(OPERATORS_ASKED.name, number), 0, 100)
            found += [decode(record, OperatorAsked) for record in records]
        await bus.close()
        return [one for one in found if one.request == REQUEST]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    pack = tmp_path / "pack"
    (pack / "watches").mkdir(parents=True)
    (pack / "entities.yaml").write_text(ENTITIES)
    env = {"WIREWATCH_DATA": str(tmp_path / "data"), "WIREWATCH_PACK": str(pack), "WIREWATCH_LOG_LEVEL": "error"}
    made = Desk(tmp_path, env)
    made.file.write_text(WATCH)
    return made


# -- check, publish, list, init ------------------------------------------------------------------------------------


def test_check(desk: Desk) -> None:
    (row,) = desk.json("watch", "check")
    assert (row["file"], row["ok"], row["examples"], row["right"]) == (str(desk.file), True, 2, 2)
    desk.file.write_text(WATCH.replace("[Savez i Kosovo]", "[Mir i Kosovo]"))
    done = desk.run("watch", "check")
    assert done.code == 1 and "alliance.yaml:11:22: must match, but does not: concept pact" in done.errors


async def test_publish_and_list(desk: Desk) -> None:
    assert (await commanded("init", env={**desk.env, "WIREWATCH_PACK": str(desk.folder)})).code == 0  # no watches there
    other = desk.folder / "other"
    (other / "watches").mkdir(parents=True)
    (other / "entities.yaml").write_text(ENTITIES.replace("id: kosovo", "id: kosova"))
    stranger = other / "watches" / "stranger.yaml"
    stranger.write_text(WATCH.replace("id: alliance", "id: stranger").replace("kosovo}", "kosova}"))
    changed = desk.folder / "pack" / "changed.yaml"
    changed.write_text(WATCH.replace("alianc*", "alijans~"))
    async with matching_on(desk.common()):
        rows = [
            json.loads((await commanded("watch", "publish", str(path), "--wait", "60", "--json", env=desk.env)).out)[0]
            for path in (desk.file, changed, desk.file)
        ]
        refused = await commanded("watch", "publish", str(stranger), "--wait", "60", env=desk.env)
        listed = json.loads((await commanded("watch", "list", "--json", env=desk.env)).out)
    assert [(one["watch"], one["outcome"], one["version"]) for one in rows] == [
        ("alliance", "in_force", 1),  # from the file, when the service started
        ("alliance", "published", 2),
        ("alliance", "published", 3),  # asked for by name: it comes back as a new version
    ]
    assert refused.code == 1 and "no entity has the id 'kosova'" in refused.out.replace("\n", " ")
    assert [(one["watch"], one["version"]) for one in listed] == [("alliance", 3)]


def test_publish_without_an_alerter_leaves_the_request(desk: Desk) -> None:
    assert desk.run("init").code == 0
    done = desk.run("watch", "publish", str(desk.file), "--wait", "0", "--json")
    assert (done.code, json.loads(done.out)[0]["outcome"]) == (0, "asked")
    assert done.errors == "no answer in 0 s: the request stays, and is done once the alerter runs\n"
    assert desk.run("watch", "list").out == "Watches in force: none\n"
    desk.file.write_text("schema: watch/1\n")
    done = desk.run("watch", "publish", str(desk.file))
    assert done.code == 2 and f"{desk.file}:1:1: " in done.errors
    done = desk.run("watch", "list", WIREWATCH_DATA=str(desk.folder / "fresh"))
    assert done.code == 2 and "run wirewatch init" in done.errors


async def test_init_asks_for_the_packs_watches_the_same_way_every_time(desk: Desk) -> None:
    for _ in range(2):
        done = await commanded("init", env=desk.env)
        assert (done.code, done.errors) == (0, "")
    first, second = await desk.requests()
    assert first.id == second.id and first.arguments["only_new"] is True and first.arguments["text"] == WATCH
    async with matching_on(without_files(desk)):
        listed = await until_listed(desk)
    assert [(one["watch"], one["version"]) for one in listed] == [("alliance", 1)]


def without_files(desk: Desk) -> CommonSettings:
    """A replica without files: it has the watch from the request alone."""
    bare = desk.folder / "bare"
    bare.mkdir()
    (bare / "entities.yaml").write_text(ENTITIES)
    return load_settings(CommonSettings, {**desk.env, "WIREWATCH_PACK": str(bare)})


async def until_listed(desk: Desk) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    while not listed:
        listed = json.loads((await commanded("watch", "list", "--json", env=desk.env)).out)
    return listed


def test_init_leaves_out_what_is_wrong_and_goes_on(desk: Desk) -> None:
    (desk.file.parent / "broken.yaml").write_text("schema: watch/1\nid: broken\n")
    (desk.file.parent / "copy.yaml").write_text(WATCH)
    done = desk.run("init")
    assert done.code == 0
    told = [line for line in done.errors.splitlines() if line.startswith("wirewatch: not asked for: ")]
    assert [line.split(": ", 2)[2].removeprefix(str(desk.file.parent)) for line in told] == [
        "/broken.yaml:1:1: a watch needs concepts: {some-name: {any: [word~]}}",
        "/broken.yaml:1:1: a watch needs match: {require: [some concept]}",
        f"/copy.yaml:1:1: the id alliance is that of {desk.file}",
    ]
    logged = [json.loads(line) for line in done.errors.splitlines() if line.startswith("{")]
    assert [(line["event"], Path(line["file"]).name) for line in logged] == [
        ("watch_invalid", "broken.yaml"), ("watch_invalid", "copy.yaml"),
    ]  # fmt: skip
    (desk.folder / "pack" / "entities.yaml").write_text("entities: 3\n")
    done = desk.run("init")
    assert done.code == 0 and "entities.yaml:1:11: " in done.errors


# -- explain -------------------------------------------------------------------------------------------------------


def page(text: str) -> str:
    return (f"<html lang=sr><head><meta charset=utf-8><title>Vesti</title></head><body><article><h1>Vesti</h1>"
            f"<p>{text * 12}</p></article></body></html>")  # fmt: skip


def test_explain_a_text(desk: Desk) -> None:
    done = desk.run("watch", "explain", "alliance", desk.write("a.txt", MATCHING), "--language", "sr", "--title", "T")
    assert (done.code, done.errors) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "alliance matches: T"
    assert "+ savez~ [1]" in map(str.strip, lines)
    assert "[1] pact: Vojni »savez« je sklopilo Kosovo." in done.out
    done = desk.run("watch", "explain", str(desk.file), desk.write("b.txt", OTHER), "--language", "sr")
    assert done.code == 1 and done.out.startswith("alliance does not match: ")
    assert "- entity kosovo" in done.out and "- none of the excluded" in done.out
    whole = desk.run("watch", "explain", "alliance", desk.write("b.txt", OTHER), "--language", "sr", "--whole")
    assert "- alianc*" in whole.out and "- alianc*" not in done.out


def test_explain_pages_and_articles(desk: Desk) -> None:
    gazetteer = gazetteer_beside(desk.file)
    extracted = msgspec.json.encode(article(MATCHING, "sr", gazetteer)).decode()
    for name, text, code in (
        ("a.html", page(MATCHING), 0),
        ("b.HTM", page(OTHER), 1),
        ("c.json", extracted, 0),
        ("d.json", json.dumps({"title": "", "text": OTHER, "language": "sr"}), 1),
        ("e.json", '{"article_id": 3}', 2),
        ("f.json", "[", 2),
        ("g.html", "<html><p>nothing", 2),
    ):
        assert desk.run("watch", "explain", "alliance", desk.write(name, text)).code == code, name
    row = desk.json("watch", "explain", "alliance", str(desk.folder / "c.json"))
    assert (row["watch"], row["matched"], row["concepts"]) == ("alliance", True, ["pact"])
    for hit in row["hits"]:
        assert MATCHING[hit["span"]["start"] : hit["span"]["end"]] == hit["span"]["surface"]
    assert row["why"]["held"] is True and all(part["held"] for part in row["why"]["parts"])


async def test_explain_an_address(desk: Desk) -> None:
    """Through the guarded door, with the encoding that only the server tells, and its refusals as one line each."""
    cyrillic = page("Војни савез је склопило Косово. ").replace("<meta charset=utf-8>", "").encode("windows-1251")
    allowed = {**desk.env, "WIREWATCH_ALLOW_NETWORKS": "127.0.0.0/8"}
    answer = reply(cyrillic, content_type="text/html; charset=windows-1251")
    async with origin(says(answer)) as site, origin(says(reply(status="404 Not Found"))) as gone:
        done = await commanded("watch", "explain", "alliance", site.url("/a"), env=allowed)
        refused = await commanded("watch", "explain", "alliance", site.url("/a"), env=desk.env)
        missing = await commanded("watch", "explain", "alliance", gone.url("/a"), env=allowed)
    assert done.code == 0 and "»савез«" in done.out
    assert (refused.code, refused.errors.count("\n")) == (2, 1) and site.url("/a") in refused.errors
    assert missing.code == 2 and f"{gone.url('/a')}: answered 404" in missing.errors


def test_explain_what_is_not_there(desk: Desk) -> None:
    text = desk.write("a.txt", MATCHING)
    done = desk.run("watch", "explain", "nope", text)
    assert done.code == 2 and "no watch 'nope'" in done.errors and "there is alliance" in done.errors
    done = desk.run("watch", "explain", text, text)
    assert done.code == 2 and "a.txt:1:1: " in done.errors
    assert desk.run("watch", "explain", "alliance", str(desk.folder / "none.txt")).code == 2


# -- forms, evaluate, suggest --------------------------------------------------------------------------------------


async def put_matches(desk: Desk, *texts: str) -> None:
    """Matches of these texts, on the topic, as the running step would have put them."""
    gazetteer = gazetteer_beside(desk.file)
    engine = build([load(desk.file, gazetteer.entities)])
    bus = await open_bus(desk.common())
    publisher = await bus.publisher()
    for text in texts:
        extracted: ArticleExtracted = article(text, "sr", gazetteer)
        (verdict,) = decided(extracted, engine)[1]
        await publisher.publish([encode(event_of(extracted, verdict, NOW))])
    await publisher.close()
    await bus.close()


async def test_forms_that_fired_and_never_did(desk: Desk) -> None:
    assert (await commanded("init", env=desk.env)).code == 0
    await put_matches(
        desk, "O savezu i Kosovu. Savez!", "Kosovo je u alijansi, u alianciji: S-400.", "Војни пактови, Косово"
    )
    done = await commanded("watch", "forms", "alliance", "--json", env=desk.env)
    assert (done.code, done.errors) == (0, "")
    rows = {(one["term"], one["language"]): one for one in json.loads(done.out)}
    assert rows["savez~", "hbs"]["fired"] == {"savez": 1, "savezu": 1}
    assert "saveza" in rows["savez~", "hbs"]["never"] and "savezu" not in rows["savez~", "hbs"]["never"]
    assert rows["vojni pakt~", "hbs"]["fired"] == {"vojni paktovi": 1}
    assert (rows["alianc*", "hbs"]["fired"], rows["alianc*", "hbs"]["never"]) == ({"alianciji": 1}, [])
    assert (rows["S-400", "hbs"]["fired"], rows["S-400", "hbs"]["never"]) == ({"s 400": 1}, [])
    assert rows["alianc*", "en"]["never"] == ["alianc*"]
    assert ("alliance", "en") in rows and ("alliance", "hbs") not in rows
    dry = json.loads((await commanded("watch", "forms", "alliance", "--dry", "--json", env=desk.env)).out)
    assert all(one["fired"] == {} for one in dry) and len(dry) == len(rows)
    table = (await commanded("watch", "forms", "alliance", env=desk.env)).out
    assert "savezu 1" in table and "never fired" in table


REACTION = "Predsednik Srbije Aleksandar Vučić osudio je vojni savez. „Savez je pretnja“, rekao je Vučić. Kosovo ćuti. "
LABELLED: tuple[dict[str, Any], ...] = (
    {"id": "undated", "published": None, "text": MATCHING * 8, "about": True},
    {"id": "late", "published": "2025-03-20", "text": MATCHING * 8, "about": True},
    {"id": "early", "published": "2025-03-18T08:00:00Z", "text": MATCHING * 8, "about": True},
    {"id": "reaction", "published": "2025-03-19", "text": REACTION, "about": True, "reaction": True,
     "reaction_actors": ["Aleksandar Vučić"]},
    {"id": "wrong", "published": "2025-03", "text": "Savez pisaca: Kosovo\u2028piše.", "about": False},
    {"id": "missed", "published": "2025", "text": "Pakt je sklopilo Kosovo.", "about": True},
    {"id": "other", "published": "2025-03-18", "text": OTHER, "about": False},
)  # fmt: skip


def labelled(desk: Desk, rows: tuple[dict[str, Any], ...] = LABELLED) -> str:
    whole = [
        {"title": f"Vesti {number}", "language": "sr", "script": "Latin", **row} for number, row in enumerate(rows)
    ]
    return desk.write("labelled.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in whole))


def test_evaluate(desk: Desk) -> None:
    answer = desk.json("watch", "evaluate", "alliance", "--labelled", labelled(desk))
    assert set(answer) == {"texts", "totals"}
    assert all(set(one) == {"id", "matched", "reaction", "actors", "copy_group", "story"} for one in answer["texts"])
    assert [one["id"] for one in answer["texts"]] == [one["id"] for one in LABELLED]  # in the order of the file
    rows = {one["id"]: one for one in answer["texts"]}
    assert [name for name, one in rows.items() if one["matched"]] == ["undated", "late", "early", "reaction", "wrong"]
    assert rows["other"] == {
        "id": "other", "matched": False, "reaction": False, "actors": [], "copy_group": "other",
        "story": ids.topic("alliance", "other"),
    }  # fmt: skip
    assert rows["reaction"]["reaction"] is True and rows["reaction"]["actors"] == ["Aleksandar Vučić"]
    copies = [rows[name] for name in ("early", "late", "undated")]
    assert len({one["copy_group"] for one in copies}) == len({one["story"] for one in copies}) == 1
    assert copies[0]["story"] == ids.topic("alliance", "early")  # the first by date, not by its place in the file
    totals = answer["totals"]
    assert (totals["texts"], totals["about"], totals["matched"]) == (7, 5, 5)
    assert (totals["precision"], totals["recall"]) == (0.8, 0.8)
    assert (totals["reactions"], totals["reaction_precision"], totals["actor_right"]) == (1, 1.0, 1.0)
    assert not (desk.folder / "data").exists()  # an empty memory, left empty
    assert desk.json("watch", "evaluate", "alliance", "--labelled", labelled(desk)) == answer


def test_undated_texts_come_last(desk: Desk) -> None:
    dates = {"undated": None, "early": "2025-03-18", "late": "2025-03-20"}
    rows = tuple({"id": name, "published": at, "text": MATCHING * 8} for name, at in dates.items())
    answer = desk.json("watch", "evaluate", "alliance", "--labelled", labelled(desk, rows[:1] + rows[2:]))
    assert {one["story"] for one in answer["texts"]} == {ids.topic("alliance", "late")}
    assert answer["totals"]["recall"] is None


def test_evaluate_for_people_and_what_is_no_text(desk: Desk) -> None:
    done = desk.run("watch", "evaluate", "alliance", "--labelled", labelled(desk))
    assert (done.code, done.errors) == (0, "")
    assert "alliance on labelled.jsonl" in done.out and "sr Latin" in done.out and "reaction precision" in done.out
    twice = '{"id": 1, "text": "x"}\n{"id": 1, "text": "y"}'
    for line, told in (
        ("{", "labelled.jsonl:1: not a text"),
        ('{"id": 1}', "needs 'text'"),
        ("[]", "not a text"),
        (twice, "labelled.jsonl:2: not a text with id, title and text: the id '1' stands above already"),
    ):
        done = desk.run("watch", "evaluate", "alliance", "--labelled", desk.write("labelled.jsonl", line))
        assert done.code == 2 and told in done.errors


async def test_suggest(desk: Desk) -> None:
    assert (await commanded("init", env=desk.env)).code == 0
    assert (await commanded("watch", "suggest", "alliance", env=desk.env)).out == "Suggestions: none\n"
    await put_matches(
        desk,
        "Savez i trilaterala, Kosovo.",
        "O savezu, trilateralu. Kosovo, saveznici.",
        "Savez, trilaterala: Kosovo i saveznici.",
    )
    done = await commanded("watch", "suggest", "alliance", "--json", env=desk.env)
    assert (done.code, done.errors) == (0, "")
    rows = {one["word"]: one for one in json.loads(done.out)}
    assert (rows["trilaterala"]["reason"], rows["trilaterala"]["documents"]) == ("term", 2)
    assert (rows["saveznici"]["reason"], rows["saveznici"]["form_of"]) == ("form", "savez")
    assert "kosovo" not in rows and "savez" not in rows
    table = (await commanded("watch", "suggest", "alliance", env=desk.env)).out
    assert "saveznici" in table


def test_suggest_from_labelled_texts(desk: Desk) -> None:
    texts = [("Savez i deklaracija, Kosovo.", True)] * 2 + [("Savez pisaca, Kosovo, književnost.", False)] * 2
    rows = tuple({"id": str(at), "text": text, "about": about} for at, (text, about) in enumerate(texts))
    found = desk.json("watch", "suggest", "alliance", "--labelled", labelled(desk, rows))
    assert {(one["reason"], one["word"]) for one in found} >= {
        ("term", "deklaracija"), ("exclude", "pisaca"), ("exclude", "knjizevnost"),
    }  # fmt: skip
    assert [one["reason"] for one in found] == sorted(
        (one["reason"] for one in found), key=["form", "term", "exclude"].index
    )
    assert len(desk.json("watch", "suggest", "alliance", "--labelled", labelled(desk, rows), "--most", "1")) == 2
