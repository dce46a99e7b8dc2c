"""The JSON Schema of a watch file and of a file of shared concepts, for editors: `docs/watches/*.schema.json`.

With `# yaml-language-server: $schema=…` in its first line, or a mapping in the editor's settings, a watch file is
completed and checked while it is written. What needs the pack (entities, offices), other files or texts is left to
`wirewatch watch check`.
"""

from __future__ import annotations

from typing import Any

from services.alerter.clauses import KINDS, LONGEST_PATTERN, PLACELESS, WIDEST
from services.alerter.options import NEEDED, OPTIONS, SEVERITIES
from services.alerter.watch import UNITS, WITHIN, Status
from shared.events import AlertKind
from shared.text.languages import languages

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "number"}
_NAME = r"^[a-z0-9][a-z0-9-]{0,62}$"


def watch_schema() -> dict[str, Any]:
    """Of `schema: watch/1`."""
    conditions = {"type": "array", "items": {"$ref": "#/$defs/condition"}}
    match = _map(
        require={**conditions, "minItems": 1}, exclude={"type": "array", "items": {"$ref": "#/$defs/exclusion"}},
        score=_map(threshold=_NUMBER, title_factor=_NUMBER, lead_factor=_NUMBER), needed=("require",),
    )  # fmt: skip
    schema = _map(
        schema={"const": "watch/1"}, id={"type": "string", "pattern": _NAME}, title=_TEXT, description=_TEXT,
        status={"enum": [str(one) for one in Status]}, languages=_codes(), include=_one_or_more(_TEXT),
        concepts=_concepts(), match=match, alerts={"type": "array", "items": {"$ref": "#/$defs/alert"}},
        tests=_map(match=_examples(), no_match=_examples()), needed=("schema", "id", "match"),
    )  # fmt: skip
    return {"$schema": DRAFT, "title": "Wirewatch watch, version 1", **schema, "$defs": _definitions()}


def concepts_schema() -> dict[str, Any]:
    """Of `schema: concepts/1`."""
    schema = _map(
        schema={"const": "concepts/1"}, description=_TEXT, concepts=_concepts(), needed=("schema", "concepts")
    )
    shared = {name: _definitions()[name] for name in ("clause", "concept")}
    return {"$schema": DRAFT, "title": "Wirewatch shared concepts, version 1", **schema, "$defs": shared}


def _definitions() -> dict[str, Any]:
    return {
        "clause": _clause(),
        "concept": _clause(weight=_NUMBER, note=_TEXT),
        "condition": {"anyOf": [_TEXT, *(_short(name) for name in ("any_of", "all_of")), {"$ref": "#/$defs/clause"}]},
        "exclusion": {"anyOf": [_TEXT, *(_short(name, scope=True) for name in ("any_of", "all_of")),
                                _clause(scope=_one_or_more({"enum": ["article", *WITHIN]}))]},
        "alert": {"oneOf": [_alert(kind) for kind in AlertKind if kind in OPTIONS]},
    }  # fmt: skip


def _clause(**beside: Any) -> dict[str, Any]:
    """A term, a list of clauses, or a map with exactly one kind."""
    some = {"type": "array", "items": {"$ref": "#/$defs/clause"}, "minItems": 1}
    maps = [
        _map(**{kind: _KINDS.get(kind, some)}, **_BESIDE.get(kind, {}), **beside, needed=(kind,),
             lang=_codes(), **({} if kind in PLACELESS else {"fields": _one_or_more({"enum": list(WITHIN)})}))
        for kind in KINDS
    ]  # fmt: skip
    return {"anyOf": [{"type": ["string", "number"]}, some, *maps]}


def _short(name: str, *, scope: bool = False) -> dict[str, Any]:
    conditions = {"type": "array", "items": {"$ref": "#/$defs/condition"}, "minItems": 1}
    beside = {"scope": _one_or_more({"enum": ["article", *WITHIN]})} if scope else {}
    return _map(**{name: conditions}, **beside, needed=(name,))


def _alert(kind: AlertKind) -> dict[str, Any]:
    return _map(
        kind={"const": str(kind)}, id=_TEXT, severity={"enum": list(SEVERITIES)}, **OPTIONS[kind],
        needed=("kind", *NEEDED.get(kind, ())),
    )  # fmt: skip


def _concepts() -> dict[str, Any]:
    return {"type": "object", "additionalProperties": {"$ref": "#/$defs/concept"}, "minProperties": 1}


def _examples() -> dict[str, Any]:
    example = {"anyOf": [_TEXT, {**_map(title=_TEXT, text=_TEXT), "minProperties": 1}]}
    return {"type": "object", "propertyNames": {"enum": _known()},
            "additionalProperties": {"type": "array", "items": example}}  # fmt: skip


def _codes() -> dict[str, Any]:
    return _one_or_more({"enum": _known()})


def _known() -> list[str]:
    return sorted({code for one in languages().values() for code in (one.code, *one.varieties)})


def _one_or_more(item: Any) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item}]}


def _some(item: Any) -> dict[str, Any]:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _map(needed: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}


_CLAUSE = {"$ref": "#/$defs/clause"}
_GROUPS = {"type": "array", "items": _CLAUSE, "minItems": 2}
_KINDS: dict[str, Any] = {
    "not": _CLAUSE,
    "at_least": {"type": "integer", "minimum": 1},
    "near": _map(
        within={"anyOf": [{"enum": list(UNITS)}, {"type": "integer", "minimum": 1, "maximum": WIDEST}]},
        ordered={"type": "boolean"}, at_least={"type": "integer", "minimum": 1}, all=_GROUPS, needed=("within", "all"),
    ),
    "entity": _some(_TEXT),
    "role": _map(title=_TEXT, of=_TEXT, needed=("title",)),
    "concept": _TEXT,
    "phrase": {"anyOf": [{"type": "array", "items": _CLAUSE, "minItems": 1},
                         {"type": "object", "minProperties": 1,
                          "additionalProperties": {"type": "array", "items": _CLAUSE, "minItems": 1}}]},
    "pattern": {"type": "string", "minLength": 1, "maxLength": LONGEST_PATTERN},
    "number": {"anyOf": [_NUMBER, {**_map((), **{"from": _NUMBER, "to": _NUMBER}), "minProperties": 1}]},
    "outlet": _some(_TEXT),
    "country": _some({"type": "string", "pattern": "^[A-Z]{2}$"}),
    "section": _some(_TEXT),
}  # fmt: skip
_BESIDE: dict[str, Any] = {
    "at_least": {"of": {"type": "array", "items": _CLAUSE, "minItems": 1}},
    "entity": {"kinds": _one_or_more(_TEXT)},
}
