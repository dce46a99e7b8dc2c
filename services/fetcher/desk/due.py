"""`wirewatch sources due`: what is polled next, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from services.fetcher.desk.view import View, shown, viewed
from services.fetcher.poll.after import is_stopped
from shared.show import show


def due(
    limit: Annotated[int, typer.Option(help="So many at most; 0 shows all.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """What is polled next, and when, the earliest first."""
    found = rows(viewed())
    show(found[: limit or len(found)], as_json=as_json, title="Due next")


def rows(view: View) -> list[dict[str, Any]]:
    """A row for each source that is to be polled, the earliest first."""
    found = []
    for source in view.sources.values():
        state = view.states.get(source.id)
        if source.paused or (state is not None and is_stopped(state)):
            continue
        when = view.now if state is None else state.next_due
        paused = view.paused_until(source.url)
        why = f"its host asked for a pause until {shown(paused)}" if paused and paused > when else None
        found.append((max(when, paused or when), source, why or (state.decided_by if state else None) or "first poll"))
    found.sort(key=lambda one: (one[0], one[1].id))
    return [
        {"source": source.id, "due": shown(when), "in": span(when - view.now), "decided_by": why}
        for when, source, why in found
    ]


def span(time: timedelta) -> str:
    """A time to come for people; `now` when it is over."""
    seconds = int(time.total_seconds())
    if seconds <= 0:
        return "now"
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f}{unit}" if seconds < 10 * size else f"{seconds // size}{unit}"
    return f"{seconds}s"
