"""The dashboards that ship: as generated, every query sound, every metric one that the code exports."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import promql_parser
import pytest
from prometheus_client import REGISTRY

from deploy.grafana import generate
from services.generate import METRICS

STRUCTURAL = {"up"}
"""Series that Prometheus itself makes."""


@pytest.fixture(scope="module")
def boards() -> dict[str, Any]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(generate.OUT.glob("*.json"))}


def _panels(board: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel.get("panels", [])
        else:
            yield panel


def _queries(board: dict[str, Any]) -> Iterator[str]:
    for panel in _panels(board):
        yield from (target["expr"] for target in panel["targets"])


def _plain(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m").replace("$job", ".+")


def exported() -> dict[str, set[str]]:
    """Series names that the processes export, each with its labels."""
    for module in METRICS:
        importlib.import_module(module)
    found: dict[str, set[str]] = {}
    for name, collector in REGISTRY._names_to_collectors.items():
        if hasattr(collector, "_labelnames"):
            found[name] = {*collector._labelnames, *({"le"} if name.endswith("_bucket") else ())}
    return found


def _selectors(node: Any) -> Iterator[Any]:
    """Every vector selector of a parsed expression."""
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for attribute in ("expr", "lhs", "rhs", "vector_selector", "vs"):
        child = getattr(node, attribute, None)
        if child is not None:
            yield from _selectors(child)
    for child in getattr(node, "args", None) or ():
        yield from _selectors(child)


def test_the_committed_files_are_what_the_code_makes(boards: dict[str, Any]) -> None:
    made = generate.files()
    assert {name: (generate.OUT / name).read_text(encoding="utf-8") for name in boards} == made, (
        "run python deploy/grafana/generate.py"
    )


def test_every_query_uses_series_and_labels_that_the_code_exports(boards: dict[str, Any]) -> None:
    series = exported()
    for name, board in boards.items():
        for expression in _queries(board):
            used = list(_selectors(promql_parser.parse(_plain(expression))))
            assert used, f"{name}: no series in {expression}"
            for selector in used:
                assert selector.name in series.keys() | STRUCTURAL, f"{name}: nobody exports {selector.name}"
                labels = {matcher.name for matcher in selector.matchers.matchers}
                assert labels <= series.get(selector.name, set()) | {"job"}, f"{name}: {selector.name} {labels}"


def test_series_are_grouped_by_labels_they_have(boards: dict[str, Any]) -> None:
    series = exported()
    for board in boards.values():
        for expression in _queries(board):
            wanted = set(re.split(r",\s*", ",".join(re.findall(r"by \(([^)]*)\)", expression)))) - {""}
            names = {selector.name for selector in _selectors(promql_parser.parse(_plain(expression)))}
            have = set().union(*(series.get(name, set()) for name in names))
            assert wanted <= have, f"{expression}: {wanted - have}"


def test_every_panel_says_what_it_shows(boards: dict[str, Any]) -> None:
    for board in boards.values():
        panels = list(_panels(board))
        assert 1 <= len(panels) <= 25
        for panel in panels:
            title = panel["title"]
            assert title
            assert len(panel["description"]) > 20, title
            assert panel["fieldConfig"]["defaults"]["unit"], title
            assert panel["datasource"]["uid"] == "${datasource}", title
            assert all(target["legendFormat"] for target in panel["targets"]), title


def test_rates_follow_the_scrape_interval_and_boards_cannot_be_edited(boards: dict[str, Any]) -> None:
    for board in boards.values():
        assert board["editable"] is False
        assert board["uid"].startswith("wirewatch-")
        assert [item["type"] for item in board["templating"]["list"]].count("datasource") == 1
        for expression in _queries(board):
            for window in re.findall(r"rate\([^\[]*\[([^\]]*)\]", expression):
                assert window in ("$__rate_interval", "1h"), expression


def test_what_the_first_dashboard_promises_is_there(boards: dict[str, Any]) -> None:
    """Fetch outcomes, stage rates, lag in messages and seconds, fetched-to-sent delay, delivery outcomes."""
    queries = " ".join(_queries(boards["pipeline.json"]))
    for metric in ("fetcher_checks_total", "records_total", "lag_records", "lag_seconds", "fetched_to_sent_seconds",
                   "delivery_attempts_total", "dead_letters_total"):  # fmt: skip
        assert f"wirewatch_{metric}" in queries
