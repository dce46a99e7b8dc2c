"""Free conditions on alerts: what they say, and what says nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.body import payload_of
from services.notifier.condition import MOST_LINES, BadCondition, check, holds
from tests.fakes.alerts import alert

DATA = payload_of(alert())


@pytest.mark.parametrize(
    ("path", "asked", "holding"),
    [
        ("reaction.act", "condemned", True),
        ("reaction.act", "CONDEMNED", False),
        ("reaction.act", ["welcomed", "condemned"], True),
        ("reaction.act", {"not": "condemned"}, False),
        ("reaction.act", {"not": ["welcomed"]}, True),
        ("alert.watch.version", 3, True),
        ("alert.watch.version", {"at_least": 3, "at_most": 5}, True),
        ("alert.watch.version", {"at_least": 4}, False),
        ("alert.watch.version", {"at_least": "2"}, False),
        ("alert.headline", {"contains": "strateško PARTNERSTVO"}, True),
        ("alert.headline", {"contains": "savez"}, False),
        ("novelty.first_seen", {"at_least": "2025-03-18T00:00:00Z", "at_most": "2025-03-19"}, True),
        ("novelty.languages", "hbs", True),
        ("why.hits.concept", "declaration", True),
        ("why.hits.concept", "pact", False),
        ("why.clauses.held", True, True),
        ("why.clauses.held", 1, False),
        ("novelty.nothing", {"exists": False}, True),
        ("novelty", {"exists": True}, True),
        ("nothing.at.all", "x", False),
        ("nothing.at.all", {"not": "x"}, True),
        ("alert", "x", False),
        ("extra.window", "1h", True),
    ],
)
def test_one_line(path: str, asked: Any, holding: bool) -> None:
    check({path: asked})
    assert holds({path: asked}, DATA) is holding


def test_every_line_must_hold() -> None:
    assert holds({"reaction.act": "condemned", "extra.window": "1h"}, DATA)
    assert not holds({"reaction.act": "condemned", "extra.window": "6h"}, DATA)
    assert holds({}, DATA)


@pytest.mark.parametrize(
    ("condition", "fault"),
    [
        ({"Reaction": "x"}, "is no path"),
        ({"a..b": "x"}, "is no path"),
        ({"a.b.c.d.e.f.g": "x"}, "is no path"),
        ({"a": None}, "write a text"),
        ({"a": []}, "write a text"),
        ({"a": [["b"]]}, "write a text"),
        ({"a": "x" * 201}, "write a text"),
        ({"a": {}}, "an empty object"),
        ({"a": {"matches": ".*"}}, "matches: write at_least"),
        ({"a": {"at_least": True}}, "at_least: write a number"),
        ({"a": {"at_most": []}}, "at_most: write a number"),
        ({"a": {"contains": " "}}, "contains: write a text"),
        ({"a": {"exists": "yes"}}, "exists: write true or false"),
        ({"a": {"not": {}}}, "not: write a value"),
        ({f"a{n}": 1 for n in range(MOST_LINES + 1)}, "write at most"),
    ],
)
def test_what_says_nothing_is_refused_with_what_to_write(condition: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadCondition, match=fault):
        check(condition)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["alert", "alert.kind", "why.hits", "a.b"]), JSON, max_size=3), JSON)
def test_nothing_that_is_let_in_breaks_a_fan_out(condition: dict[str, Any], data: Any) -> None:
    try:
        check(condition)
    except BadCondition:
        return
    holds(condition, DATA)
    holds(condition, {"alert": data})
