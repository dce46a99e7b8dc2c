"""`wirewatch sources status`: how every source stands, when it is polled next, and what makes it wait."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from services.fetcher.desk.due import span
from services.fetcher.desk.view import View, shown, viewed
from services.fetcher.plan.heat import FORGOTTEN
from services.fetcher.plan.rhythm import unpacked
from services.fetcher.plan.schedule import Decider
from services.fetcher.poll.after import is_stopped
from services.fetcher.sources import Source
from services.fetcher.store import SourceState
from shared.show import show


def status(
    source: Annotated[str, typer.Argument(help="The id of one source; default: all.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How sources stand: state, conditions, last item, next poll and why then, validators, robots."""
    view = viewed()
    if source:
        found = row(view, view.named(source))
        facts = [found] if as_json else [{"what": name, "value": _line(value)} for name, value in found.items()]
        show(facts, as_json=as_json, title=f"Source {source}")
        return
    make = row if as_json else short
    show([make(view, one) for one in view.sources.values()], as_json=as_json, title="Sources")


def _line(value: object) -> object:
    return ", ".join(value) if isinstance(value, list) else value


def row(view: View, source: Source) -> dict[str, Any]:
    """All that is known of a source."""
    state = view.states.get(source.id) or unknown(source, view.now)
    rhythm = unpacked(state.rhythm)
    heated = view.heat.get(source.id)
    return {
        "source": source.id, "name": source.name, "url": source.url, "state": standing(source, state),
        "last_outcome": state.last_outcome, "failures": state.failures, "checked": shown(state.last_checked),
        "last_item": shown(state.last_fresh), "next_poll": shown(_next(source, state)), "why": why(view, source, state),
        "entries_a_day": round(rhythm.rate(view.now), 1) if rhythm else None, "weight": source.weight,
        "hot": bool(heated and view.now - heated < FORGOTTEN), "validators": validators(view, state),
        "robots": view.robots_of(source.url), "paused_until": shown(view.paused_until(source.url)),
        "conditions": conditions(state), "moved_to": state.moved_to, "moved": state.moved, "language": state.language,
        "listed_as": source.status,
        "not_before": shown(state.not_before),
    }  # fmt: skip


def unknown(source: Source, now: datetime) -> SourceState:
    """The state of a source that no fetcher has met yet."""
    return SourceState(source_id=source.id, url=source.url, next_due=now)


def short(view: View, source: Source) -> dict[str, Any]:
    """The row of the table of all sources; `--json` and a single source have the rest."""
    state = view.states.get(source.id) or unknown(source, view.now)
    last, due = state.last_fresh, _next(source, state)
    return {
        "source": source.id, "state": standing(source, state), "conditions": ", ".join(conditions(state)),
        "last_poll": state.last_outcome,
        "last_item": f"{span(view.now - last)} ago" if last else None, "next": span(due - view.now) if due else None,
        "why": why(view, source, state), "validators": validators(view, state), "robots": view.robots_of(source.url),
    }  # fmt: skip


def standing(source: Source, state: SourceState) -> str:
    """How a source stands, in a word."""
    if source.paused:
        return "paused"
    if is_stopped(state):
        return "stopped"
    if state.last_checked is None:
        return "new"
    return "failing" if state.failures else "working"


def conditions(state: SourceState) -> list[str]:
    """What held of the source after its last check: silent, failing, blocked and so on (`events.Condition`)."""
    return (state.conditions or "").split()


def _next(source: Source, state: SourceState) -> datetime | None:
    return None if source.paused or is_stopped(state) else state.next_due


def why(view: View, source: Source, state: SourceState) -> str:
    """What makes the source wait for its next poll as long as it does."""
    if source.paused:
        return "paused in the sources file"
    if is_stopped(state):
        return "it answered 410 for good: change its line in the sources file to have it asked again"
    paused = view.paused_until(source.url)
    if paused is not None and paused > state.next_due:
        return f"its host asked for a pause until {shown(paused)}"
    if state.last_checked is None:
        return "first poll"
    wait = span(state.next_due - state.last_checked)
    told: dict[str, str] = {
        Decider.BACK_OFF: f"back-off after {state.failures} failures",
        Decider.SERVER: f"the server wishes no poll before {shown(state.not_before)}",
        Decider.STATED: f"stated interval of {span(source.interval or view.settings.poll_interval)}",
        Decider.GONE: f"it answered 410, {state.gone} times: asked weekly",
    }
    decided = state.decided_by or "planned by an earlier version"
    return told.get(decided, f"{decided}, {wait} after the last poll")


def validators(view: View, state: SourceState) -> str:
    """Whether requests are conditional, and whether the server's 304 is believed."""
    kinds = [name for name, value in (("ETag", state.etag), ("Last-Modified", state.last_modified)) if value]
    if not kinds:
        return "none"
    if state.distrusted_until is not None and state.distrusted_until > view.now:
        return f"not believed until {shown(state.distrusted_until)} (lies: {state.lies})"
    return " and ".join(kinds) + (f", on probation (lies: {state.lies})" if state.doubt else "")
