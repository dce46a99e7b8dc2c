"""The demo's judge: what one watch must and must not tell, whatever the other watches of the pack tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from services.standalone.expect import judge_demo, load_expectations
from shared.errors import Misconfigured

EXPECTED: dict[str, Any] = {
    "watch": "pact",
    "must": {
        "reactions": [{"actor": "A", "acts": ["warn"], "after": "2025-03-18T20:00:00+01:00"}],
        "match": {"languages": ["sr"], "at_least": 1},
    },
    "must_not": {"articles": ["rotation"], "actors": ["B"]},
}


def alert(watch: str, article: str, actor: str) -> dict[str, Any]:
    return {
        "alert": {"watch": {"id": watch}, "headline": f"{actor} warns"},
        "article": {"url": f"http://outlet/{article}", "observed": "2025-03-18T21:00:00Z"},
        "reaction": {"actor": actor, "act": "warn"},
    }


def test_what_the_watch_tells_is_held_against_the_list() -> None:
    assert judge_demo(EXPECTED, [alert("pact", "signed", "A")], {"sr": 1}, 0).passed
    verdict = judge_demo(EXPECTED, [alert("pact", "rotation", "B")], {}, 1)
    assert len(verdict.missing) == 2
    assert len(verdict.forbidden) == 3


def test_other_watches_neither_help_nor_harm() -> None:
    verdict = judge_demo(EXPECTED, [alert("pact", "signed", "A"), alert("mission", "rotation", "B")], {"sr": 1}, 0)
    assert verdict.passed
    assert judge_demo(EXPECTED, [alert("mission", "signed", "A")], {"sr": 1}, 0).missing == ("reaction: A (warn)",)


def test_a_list_without_a_watch_is_refused(tmp_path: Path) -> None:
    (tmp_path / "expectations.yaml").write_text("must: {}\nmust_not: {}\n")
    with pytest.raises(Misconfigured, match="write watch"):
        load_expectations(tmp_path / "expectations.yaml")
