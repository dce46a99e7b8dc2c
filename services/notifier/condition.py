"""A free condition on an alert: paths into its payload, and what has to stand there.

`{"reaction.act": ["condemn", "threaten"], "article.source.country": "RS", "alert.independent_sources": {"at_least": 3},
"alert.headline": {"contains": "savez"}, "novelty": {"exists": true}}`: every line must hold. A path names fields of the
payload's `data` as subscribers see it, parted by points; where it leads into a list, one item is enough.

A plain value asks for equality, a list for any of it, an object for all that its keys say: `at_least`, `at_most`
(numbers, and times as written), `contains` (folded: any case, script and diacritics), `not` (a value or a list),
`exists`.

Left out on purpose: regular expressions, "or" between lines (two subscriptions say that), and computing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from shared.text.fold import fold_text

Condition = Mapping[str, Any]

MOST_LINES, MOST_VALUES, LONGEST_TEXT = 20, 100, 200
PATH = re.compile(r"[a-z_][a-z0-9_]{0,40}(\.[a-z_][a-z0-9_]{0,40}){0,5}")
_KEYS = ("at_least", "at_most", "contains", "exists", "not")
_PLAIN = str | int | float | bool


class BadCondition(ValueError):
    """A condition that says nothing; the message names the line and what to write."""


def check(condition: Condition) -> None:
    """Raises BadCondition with the first thing that is wrong."""
    if len(condition) > MOST_LINES:
        raise BadCondition(f"{len(condition)} lines; write at most {MOST_LINES}")
    for path, asked in condition.items():
        if not PATH.fullmatch(path):
            raise BadCondition(f"{path!r} is no path: write names parted by points, such as reaction.act")
        fault = _fault(asked)
        if fault:
            raise BadCondition(f"{path}: {fault}")


def holds(condition: Condition, data: Mapping[str, Any]) -> bool:
    """Whether every line holds of the payload's `data`."""
    return all(_line_holds(asked, list(_values(data, path.split(".")))) for path, asked in condition.items())


def _fault(asked: Any) -> str:
    if isinstance(asked, Mapping):
        return _fault_of_object(asked)
    values = asked if isinstance(asked, list) else [asked]
    if not 0 < len(values) <= MOST_VALUES or not all(_is_plain(one) for one in values):
        return f"write a text, a number, true or false, a list of 1 to {MOST_VALUES} of them, or an object"
    return ""


def _fault_of_object(asked: Mapping[str, Any]) -> str:
    unknown = sorted(set(asked) - set(_KEYS))
    if unknown or not asked:
        return f"{', '.join(unknown) or 'an empty object'}: write {', '.join(_KEYS)}"
    for key in ("at_least", "at_most"):
        if key in asked and (isinstance(asked[key], bool) or not isinstance(asked[key], int | float | str)):
            return f"{key}: write a number, or a time such as 2025-03-18T00:00:00Z"
    if "contains" in asked and not (_is_plain(asked["contains"]) and fold_text(str(asked["contains"])).strip()):
        return "contains: write a text"
    if "exists" in asked and not isinstance(asked["exists"], bool):
        return "exists: write true or false"
    if isinstance(asked.get("not"), Mapping):
        return "not: write a value or a list"
    return _fault(asked["not"]) if "not" in asked else ""


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) and len(str(value)) <= LONGEST_TEXT


def _values(data: Any, path: list[str]) -> Iterator[Any]:
    """Everything that stands at a path."""
    if isinstance(data, list | tuple):
        for item in data:
            yield from _values(item, path)
    elif not path:
        yield data
    elif isinstance(data, Mapping) and path[0] in data:
        yield from _values(data[path[0]], path[1:])


def _line_holds(asked: Any, found: list[Any]) -> bool:
    if not isinstance(asked, Mapping):
        return any(_is_one_of(value, asked) for value in found)
    return all(_key_holds(key, wanted, found) for key, wanted in asked.items())


def _key_holds(key: str, wanted: Any, found: list[Any]) -> bool:
    if key == "exists":
        return bool(found) is wanted
    if key == "not":
        return not any(_is_one_of(value, wanted) for value in found)
    if key == "contains":
        return any(fold_text(str(wanted)).strip() in fold_text(value) for value in found if isinstance(value, str))
    return any(_is_beyond(key, value, wanted) for value in found)


def _is_one_of(value: Any, wanted: Any) -> bool:
    """Equality, where true is not 1."""
    values = wanted if isinstance(wanted, list) else [wanted]
    return any(value == one and isinstance(value, bool) is isinstance(one, bool) for one in values)


def _is_beyond(key: str, value: Any, wanted: Any) -> bool:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, wanted))
    if not numbers and not (isinstance(value, str) and isinstance(wanted, str)):
        return False
    return bool(value >= wanted if key == "at_least" else value <= wanted)
