"""The reference for editors: every example on the page is read as a watch, and finds what it says it finds."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.alerter.clauses import KINDS
from services.alerter.load import CONCEPTS, SCHEMA, load
from services.alerter.match.check import article, check, decide
from services.alerter.match.commands import gazetteer_beside
from services.alerter.options import OPTIONS
from services.alerter.schema import concepts_schema, watch_schema
from services.alerter.watch import WITHIN
from shared.events import AlertKind
from shared.text.gazetteer import Gazetteer

ROOT = Path(__file__).parents[3]
PACK = ROOT / "deploy/packs/alliance"
PAGE = (ROOT / "docs/watches/README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ELSEWHERE = ("pact", "party", "signing", "capital", "football")
"""Concepts that an excerpt names and another one makes."""
AROUND = ("match", "alerts", "include")
SAID = re.compile(r"^# (finds|not)(?: \((\w+)\))?: (.+)$", re.MULTILINE)
KINDS_PAGE = (ROOT / "docs/watches/alerts.md").read_text(encoding="utf-8")
SPELT_OUT = (
    AlertKind.BURST, AlertKind.SILENCE, AlertKind.SECOND_SOURCE, AlertKind.BORDER_CROSSING, AlertKind.EDIT,
    AlertKind.TERM_SHIFT,
)  # fmt: skip
"""Kinds of which the page must name every parameter; the others take some that only the schema knows."""
EVERYWHERE = ("cooldown", "per_day")
SHARED = next(block for block in BLOCKS if CONCEPTS in block)


@cache
def gazetteer() -> Gazetteer:
    return gazetteer_beside(PACK / "watches" / "w.yaml")


def whole(block: str) -> dict[str, Any]:
    """An excerpt made a watch."""
    given: dict[str, Any] = yaml.safe_load(block)
    if "schema" in given:
        return given
    own = {key: value for key, value in given.items() if key not in AROUND}
    known = {*own, *(["party"] if "include" in given else [])}
    concepts = own | {name: ["zzzz"] for name in ELSEWHERE if name not in known}
    around = {"schema": SCHEMA, "id": "w", "match": {"require": list(own) or ["pact"]}}
    return around | {"concepts": concepts} | {key: given[key] for key in AROUND if key in given}


def written(tree: dict[str, Any], folder: Path) -> Path:
    (folder / "shared").mkdir()
    (folder / "shared" / "parties.yaml").write_text(SHARED)
    path = folder / "w.yaml"
    path.write_text(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False))
    return path


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block).split(":", 1)[0])
def test_an_example_is_read_and_finds_what_it_says(block: str, tmp_path: Path) -> None:
    tree = whole(block)
    if tree["schema"] == CONCEPTS:
        jsonschema.Draft202012Validator(concepts_schema()).validate(tree)
        return  # it is read with the watch that includes it
    jsonschema.Draft202012Validator(watch_schema()).validate(tree)
    watch = load(written(tree, tmp_path), gazetteer().entities)
    for verb, language, texts in SAID.findall(block):
        for text in texts.split(" | "):
            assert decide(watch, article(text, language, gazetteer())).matched is (verb == "finds"), text


def test_the_whole_watch_passes_its_own_examples(tmp_path: Path) -> None:
    report = check(written(yaml.safe_load(BLOCKS[0]), tmp_path), gazetteer())
    assert (report.faults, report.examples, report.right) == ((), 3, 3)


def test_every_kind_of_clause_has_an_example() -> None:
    shown = "\n".join(BLOCKS)
    assert [kind for kind in (*KINDS, *WITHIN, "fields", "lang") if not re.search(rf"\b{kind}\b", shown)] == []


def test_the_schema_is_where_the_first_line_says() -> None:
    (place,) = re.findall(r"\$schema=(\S+)", PAGE)
    assert (PACK / "watches" / place).resolve() == ROOT / "docs/watches/watch-1.schema.json"


def test_the_page_of_alerts_has_every_kind_and_an_example_that_is_read(tmp_path: Path) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+)$", KINDS_PAGE, re.MULTILINE))
    assert list(rows) == [str(kind) for kind in OPTIONS]
    for kind in SPELT_OUT:
        missing = [key for key in OPTIONS[kind] if f"`{key}" not in rows[kind] and key not in EVERYWHERE]
        assert missing == [], kind
    (block,) = re.findall(r"^```yaml\n(.*?)^```$", KINDS_PAGE, re.MULTILINE | re.DOTALL)
    tree = whole(block)
    jsonschema.Draft202012Validator(watch_schema()).validate(tree)
    assert len(load(written(tree, tmp_path), gazetteer().entities).alerts) == 5


def test_the_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 250
