"""How a receiver shows a message: a few lines for people, one JSON line for programs.

What it shows was written by strangers: it is printed as text, never as markup, and without control characters.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from services.notifier.exchange import cleaned
from services.notifier.receiver import Received

STEPS = (
    ("seen", "fetched"),
    ("fetched", "extracted"),
    ("extracted", "matched"),
    ("matched", "raised"),
    ("raised", "sent"),
)
_TIME = msgspec.json.Decoder(datetime)


def as_json_line(got: Received) -> str:
    """The message with what the receiver found, as one line."""
    line = {
        "id": got.id,
        "verdict": str(got.verdict),
        "repeat": got.repeat,
        "received": got.at.isoformat(),
        "event": _event(got) if got.verified else None,
    }
    return msgspec.json.encode(line).decode()


def show_receipt(console: Console, got: Received) -> None:
    """Print the message."""
    if not got.verified:
        console.print(Text(f"✗ not verified ({got.verdict}): nothing of it is shown", style="bold red"))
        return
    event = _event(got)
    data = _part(event, "data")
    console.print(_title(event, data, got))
    for line in (*_lines(data), _delays(_part(data, "timings"))):
        if line:
            console.print(Text("    " + cleaned(line), style="dim"))


def _event(got: Received) -> Mapping[str, Any]:
    try:
        return got.event()
    except msgspec.DecodeError as error:
        return {"type": "not JSON", "data": {"message": str(error)}}


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}


def _title(event: Mapping[str, Any], data: Mapping[str, Any], got: Received) -> Text:
    alert = _part(data, "alert")
    title = Text("✓ ", style="bold green")
    title.append(cleaned(str(alert.get("kind") or event.get("type", ""))), style="bold cyan")
    title.append("  " + cleaned(str(alert.get("headline") or data.get("message", ""))), style="bold")
    if got.repeat:
        title.append("  (repeat)", style="yellow")
    return title


def _lines(data: Mapping[str, Any]) -> list[str]:
    alert, article = _part(data, "alert"), _part(data, "article")
    outlet, language = _part(article, "source"), _part(article, "language")
    hits = _part(data, "why").get("hits") or ()
    words = ", ".join(dict.fromkeys(str(hit.get("surface", "")) for hit in hits if isinstance(hit, Mapping)))
    where = " · ".join(str(part) for part in (outlet.get("name"), language.get("macro"), article.get("title")) if part)
    return [where, str(article.get("url", "")), str(alert.get("reason", "")), f"matched: {words}" if words else ""]


def _delays(timings: Mapping[str, Any]) -> str:
    """The steps between the stamps that are there, in milliseconds; a negative one (clock skew) is not shown."""
    shown = []
    for start, end in STEPS:
        seconds = _between(timings.get(start), timings.get(end))
        if seconds is not None and seconds >= 0:
            shown.append(f"{end} +{seconds * 1000:.0f} ms")
    return "  ".join(shown)


def _between(start: object, end: object) -> float | None:
    try:
        first, last = (_TIME.decode(msgspec.json.encode(one)) for one in (start, end))
    except msgspec.DecodeError:
        return None
    return (last - first).total_seconds()
