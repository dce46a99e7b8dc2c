"""The JSON Schema for editors: it accepts what is shipped and refuses what the reader refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from services.alerter.load import loads
from services.alerter.schema import concepts_schema, watch_schema
from shared.document import Faulty
from shared.text.entities import loads as load_entities

WATCHES = sorted((Path(__file__).parents[3] / "deploy/packs").glob("*/watches/*.yaml"))
ENTITIES = load_entities("entities:\n  - {id: serbia, type: state, names: [Srbija]}\n", "entities.yaml")
WATCH = jsonschema.Draft202012Validator(watch_schema())
CONCEPTS = jsonschema.Draft202012Validator(concepts_schema())


def test_the_schemas_are_schemas() -> None:
    for one in (WATCH, CONCEPTS):
        one.check_schema(one.schema)


@pytest.mark.parametrize("path", WATCHES, ids=lambda path: path.stem)
def test_it_accepts_what_is_shipped(path: Path) -> None:
    WATCH.validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def text(**changes: Any) -> str:
    whole = {"schema": "watch/1", "id": "w", "concepts": {"a": ["savez~"]}, "match": {"require": ["a"]}} | changes
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)


def a(clause: Any) -> dict[str, Any]:
    return {"concepts": {"a": clause}}


GOOD: tuple[dict[str, Any], ...] = (
    {},
    {"title": "T", "status": "muted", "languages": ["sr", "en"]},
    a({"any": ["x1", {"near": {"within": 3, "ordered": True, "all": [["a1"], ["b1"]]}}], "weight": 2, "note": "n"}),
    a({"at_least": 2, "of": ["x1", {"not": "x2"}, {"entity": "serbia", "kinds": ["adjective"]}]}),
    a({"phrase": {"en": ["defence pact"]}}),
    a({"pattern": "S-[34]00", "fields": ["title", "quote"], "lang": "sr"}),
    a({"number": {"from": 3}}),
    a({"all": [{"outlet": "rts"}, {"country": ["RS"]}, {"section": ["politik*"]}, "x1"]}),
    {"match": {"require": [{"any_of": ["a", {"all_of": ["a"]}]}], "exclude": [{"concept": "a", "scope": "title"}]}},
    {"match": {"require": ["a"], "exclude": [{"concept": "a", "scope": ["quote", "article"]}]}},
    {"alerts": [{"kind": "reaction", "actor": {"side": "serbia"}, "act": {"classes": ["warn"]}, "confidence": 0.4}]},
    {"alerts": [{"kind": "first_seen", "within": "6h", "sources": 2}, {"kind": "burst", "p": 0.001, "min": 3}]},
    {"alerts": [{"kind": "term_shift", "terms": ["pact", "a"], "window": "48h", "groups": ["country"], "p": 0.01}]},
    {"alerts": [{"kind": "second_source", "within": "2h"}, {"kind": "border_crossing", "groups": ["language"]}]},
    {"alerts": [{"kind": "edit", "minimum": 3}]},
    {"tests": {"match": {"sr": ["Savez", {"title": "T", "text": "savez"}]}}},
)
BAD: tuple[dict[str, Any], ...] = (
    {"schema": "watch/2"},
    {"id": "Big Name"},
    {"colour": "red"},
    {"status": "on"},
    {"languages": ["xx"]},
    {"match": {"require": []}},
    a({"any": []}),
    a({"any": ["x1"], "all": ["x2"]}),
    a({"near": {"within": 99, "all": [["a1"], ["b1"]]}}),
    a({"near": {"within": 3, "all": [["a1"]]}}),
    a({"any": ["x1"], "fields": ["headline"]}),
    a({"not": "x1", "fields": ["title"]}),
    a({"near": {"within": True, "all": [["a1"], ["b1"]]}}),
    a({"near": {"within": 3, "ordered": "on", "all": [["a1"], ["b1"]]}}),
    a({"entity": []}),
    a({"phrase": {}}),
    a({"section": []}),
    {"match": {"require": ["a"], "exclude": [{"concept": "a", "scope": "headline"}]}},
    a({"country": ["Serbia"]}),
    a({"number": "many"}),
    a({"pattern": "x" * 300}),
    {"alerts": [{"kind": "gossip"}]},
    {"alerts": [{"kind": "reaction"}]},
    {"alerts": [{"kind": "reaction", "actor": {"side": "mars"}}]},
    {"alerts": [{"kind": "reaction", "actor": {"side": "serbia"}, "act": {"classes": ["shout"]}}]},
    {"alerts": [{"kind": "reaction", "actor": {"side": "serbia"}, "confidence": 1.5}]},
    {"alerts": [{"kind": "first_seen", "within": "6 hours"}]},
    {"alerts": [{"kind": "first_seen", "sources": 0}]},
    {"alerts": [{"kind": "match", "severity": "red"}]},
    {"alerts": [{"kind": "match", "within": "6h"}]},
    {"alerts": [{"kind": "term_shift"}]},
    {"alerts": [{"kind": "border_crossing", "groups": ["city"]}]},
    {"alerts": [{"kind": "edit", "minimum": 0}]},
    {"tests": {"match": {"sr": [{}]}}},
)


@pytest.mark.parametrize("changes", GOOD, ids=str)
def test_both_accept(changes: dict[str, Any]) -> None:
    loads(text(**changes), "w.yaml", ENTITIES)
    WATCH.validate(yaml.safe_load(text(**changes)))


@pytest.mark.parametrize("changes", BAD, ids=lambda changes: str(changes)[:60])
def test_both_refuse(changes: dict[str, Any]) -> None:
    with pytest.raises(Faulty):
        loads(text(**changes), "w.yaml", ENTITIES)
    with pytest.raises(jsonschema.ValidationError):
        WATCH.validate(yaml.safe_load(text(**changes)))


def test_shared_concepts() -> None:
    CONCEPTS.validate({"schema": "concepts/1", "concepts": {"party": {"any": ["savez~"], "weight": 0}}})
    with pytest.raises(jsonschema.ValidationError):
        CONCEPTS.validate({"schema": "concepts/1", "concepts": {"party": {"some": ["savez~"]}}})
