"""How the answer of a back-test is given: tables for people, one JSON object for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.operate.watches import compare
from services.operate.watches.backtest import Result
from shared import show

SHOWN = ("at", "kind", "rule", "state", "headline", "reason", "source")
"""Columns of the table of alerts; JSON has all."""


def answer(result: Result, wanted: Mapping[str, bool], said: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """All of a result: the input, alerts by day and kind, alerts, differences, figures on labels and feedback."""
    mine, *rest = result.runs
    told: dict[str, Any] = {
        "watch": mine.version.watch_id, "version": mine.version.told, "articles": len(result.articles),
        "from": result.first.isoformat() if result.first else None,
        "to": result.last.isoformat() if result.last else None, "matched": len(mine.matched),
        "days": compare.days(mine.alerts), "alerts": [compare.row(one) for one in mine.alerts],
        "against": rest[0].version.told if rest else None,
    }  # fmt: skip
    for other in rest:
        found = compare.differences(mine.alerts, other.alerts)
        told |= {
            "both": found.both, "matched_only_here": len(mine.matched - other.matched),
            "matched_only_there": len(other.matched - mine.matched),
            "only_here": [compare.row(one) for one in found.only_first],
            "only_there": [compare.row(one) for one in found.only_second],
        }  # fmt: skip
    figures = {
        place: {**compare.on_labels(one.alerts, one.matched, wanted), **compare.on_feedback(one.alerts, said)}
        for place, one in zip(("here", "there"), result.runs, strict=False)
    }
    return {**told, "figures": {place: some for place, some in figures.items() if some}}


def tell(told: Mapping[str, Any], *, as_json: bool) -> None:
    """Print an answer."""
    if as_json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return
    span = f"{told['from']} to {told['to']}" if told["from"] else "no time"
    title = f"{told['watch']} ({told['version']}): {told['matched']} of {told['articles']} articles match, {span}"
    show.show(told["days"], as_json=False, title=title)
    show.show(_brief(told["alerts"]), as_json=False, title="Alerts")
    if told["against"]:
        print(f"\nAgainst {told['against']}: {told['both']} alerts are the same")
        show.show(_brief(told["only_there"]), as_json=False, title=f"Only {told['against']} raises")
        show.show(_brief(told["only_here"]), as_json=False, title=f"Only {told['version']} raises")
    for place, figures in told["figures"].items():
        version = told["version"] if place == "here" else told["against"]
        rows = [{"figure": key.replace("_", " "), "value": value} for key, value in figures.items()]
        show.show(rows, as_json=False, title=f"Figures of {version}")


def _brief(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in SHOWN} for row in rows]
