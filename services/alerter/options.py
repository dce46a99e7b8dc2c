"""The kinds of alert a watch may ask for and the parameters of each: one table for the reader and the JSON Schema.

A parameter is described by a JSON Schema fragment; the reader checks the same fragments, so an editor's red line and
the error of `wirewatch watch check` agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.document import Node
from shared.events import AlertKind
from shared.settings import parse
from shared.text.entities import SIDES

ACTS = ("protest", "threaten", "mobilise", "condemn", "demand", "warn", "reject", "welcome", "comment")
"""The classes of acts that a reaction may be, after PLOVER cut to what a statement on an alliance can be; the
weightiest first."""
SEVERITIES = ("info", "notice", "warning", "critical")

Fragment = Mapping[str, Any]
DURATION: Fragment = {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$"}
COUNT: Fragment = {"type": "integer", "minimum": 1}
SHARE: Fragment = {"type": "number", "minimum": 0, "maximum": 1}
TEXTS: Fragment = {"type": "array", "items": {"type": "string"}, "minItems": 1}


def _one_of(*values: str) -> Fragment:
    return {"enum": list(values)}


def _some_of(*values: str) -> Fragment:
    return {"type": "array", "items": _one_of(*values), "minItems": 1}


def _map(required: tuple[str, ...] = (), **properties: Fragment) -> Fragment:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_ACTOR = _map(("side",), side=_one_of(*SIDES), types=_some_of("person", "org", "metonym", "state"))
_TOPIC = _map(
    ("concept",), concept={"type": "string"},
    window=_map(sentences={"type": "integer", "minimum": 0}, or_title={"type": "boolean"}),
)  # fmt: skip

_FLAG: Fragment = {"type": "boolean"}
_ANY: Mapping[str, Fragment] = {"cooldown": DURATION, "per_day": COUNT}
"""What every kind may be given: quiet time between tellings of one alert, and tellings a day before the roll-up."""

OPTIONS: Mapping[AlertKind, Mapping[str, Fragment]] = {
    AlertKind.MATCH: {"per": _one_of("story"), "updates": _FLAG, "resolve": DURATION, **_ANY},
    AlertKind.FIRST_SEEN: {
        "family": _one_of("stem"), "history": DURATION, "sources": COUNT, "within": DURATION,
        "ngrams": {"type": "integer", "minimum": 1, "maximum": 3}, "background": {"type": "string"},
        "per_hour": COUNT, "unconfirmed": _FLAG, "returning": DURATION, **_ANY,
    },
    AlertKind.REACTION: {
        "actor": _ACTOR, "act": _map(("classes",), classes=_some_of(*ACTS)), "topic": _TOPIC, "confidence": SHARE,
        **_ANY,
    },
    AlertKind.BURST: {
        "count": _one_of("story_clusters", "articles"), "baseline": DURATION, "p": SHARE, "min": COUNT,
        "window": DURATION, "resolve": DURATION, **_ANY,
    },
    AlertKind.SILENCE: {
        "for": DURATION, "sources": TEXTS, "groups": _some_of("source", "language", "country"), "baseline": DURATION,
        **_ANY,
    },
    AlertKind.SECOND_SOURCE: {"within": DURATION, **_ANY},
    AlertKind.BORDER_CROSSING: {"groups": _some_of("language", "country"), **_ANY},
    AlertKind.EDIT: {"minimum": COUNT, **_ANY},
    AlertKind.TERM_SHIFT: {
        "terms": TEXTS, "window": DURATION, "groups": _some_of("language", "country"), "min": COUNT,
        "p": SHARE, **_ANY,
    },
}  # fmt: skip
NEEDED: Mapping[AlertKind, tuple[str, ...]] = {AlertKind.REACTION: ("actor",), AlertKind.TERM_SHIFT: ("terms",)}


def is_fitting(value: Any, fragment: Fragment) -> bool:
    """Whether a plain value is what a fragment without parts asks for."""
    if "enum" in fragment:
        return value in fragment["enum"]
    kinds: dict[str, type | tuple[type, ...]] = {"integer": int, "number": (int, float), "boolean": bool, "string": str}
    if not isinstance(value, kinds[fragment["type"]]) or (isinstance(value, bool) and fragment["type"] != "boolean"):
        return False
    if isinstance(value, str):
        return re.search(fragment.get("pattern", ""), value) is not None
    return bool(fragment.get("minimum", value) <= value <= fragment.get("maximum", value))


def told(fragment: Fragment) -> str:
    """What to write, in words."""
    if "enum" in fragment:
        return f"one of {', '.join(fragment['enum'])}"
    if fragment is DURATION:
        return "a number and a unit, such as 30m, 6h or 90d"
    if "minimum" in fragment:
        most = f" to {fragment['maximum']}" if "maximum" in fragment else " or more"
        return f"a {'whole number' if fragment['type'] == 'integer' else 'number'}, {fragment['minimum']}{most}"
    return {"boolean": "true or false", "string": "a text"}[fragment["type"]]


def option(node: Node, fragment: Fragment) -> Any:
    """The value of a parameter, durations as timedelta."""
    if fragment is DURATION and is_fitting(node.value, fragment):
        return parse(node.value, timedelta)
    return node.plain()
