"""What a person sees of the demo: alerts as they come above a live line of counters, and a summary at the end."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any

from prometheus_client import REGISTRY
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from services.standalone.expect import Verdict

COLOURS = {"match": "cyan", "first_seen": "green", "reaction": "red", "burst": "magenta", "second_source": "blue"}


def delay_of(alert: Mapping[str, Any]) -> timedelta | None:
    """From fetched to sent, in real time; None where a stamp is missing."""
    timings = alert["timings"]
    if "fetched" not in timings or "sent" not in timings:
        return None
    return _moment(timings["sent"]) - _moment(timings["fetched"])


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def alert_lines(alert: Mapping[str, Any]) -> Table:
    """Time, kind and headline; below the headline language, outlet, why and delay."""
    told, article = alert["alert"], alert["article"]
    delay = delay_of(alert)
    kind = told["kind"] + ("" if told["state"] == "open" else f" {told['state']}")
    language = article["language"].get("variety") or article["language"]["macro"]
    after = f" · sent {delay.total_seconds() * 1000:.0f} ms after the fetch" if delay is not None else ""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=12, style="dim")
    grid.add_column(width=12, style=f"bold {COLOURS.get(told['kind'], 'white')}")
    grid.add_column(ratio=1)
    grid.add_row(f"{_moment(article['observed']):%d %b %H:%M}", kind, Text(told["headline"], style="bold"))
    grid.add_row("", "", Text(f"{language} · {article['source']['name']} · {told['reason']}{after}", style="dim"))
    return grid


def counters() -> dict[str, int]:
    """The pipeline's counters, from its own metrics."""
    return {
        "pages": _total("wirewatch_records_total", group="extractor"),
        "articles": _total("wirewatch_published_total", group="extractor"),
        "matches": _total("wirewatch_published_total", group="match"),
        "alerts": _total("wirewatch_published_total", group="judge"),
    }


def _total(name: str, **labels: str) -> int:
    return int(sum(
        sample.value
        for metric in REGISTRY.collect() for sample in metric.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ))  # fmt: skip


class Screen:
    """The terminal: live on one, plain lines elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = Live(console=console, refresh_per_second=8, transient=True) if console.is_terminal else None

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def told(self, alert: Mapping[str, Any]) -> None:
        """An alert arrived at the receiver."""
        self.console.print(alert_lines(alert))

    def stepped(self, moment: datetime, verified: int) -> None:
        """The story clock moved."""
        if self._live is None:
            return
        count = counters()
        line = "  ".join(f"{name} [bold]{value}[/]" for name, value in count.items())
        text = f"[reverse] {moment:%a %d %b %H:%M} [/]  {line}  verified [bold]{verified}[/]"
        self._live.update(Text.from_markup(text))


def percentile(values: Sequence[float], share: int) -> float:
    """The `share`-th percentile, 0 for no values."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=100, method="inclusive")[share - 1]


def summary(
    alerts: Sequence[Mapping[str, Any]], *, stories: int, verified: int, repeats: int, seconds: float
) -> list[dict[str, Any]]:
    """The rows of the closing table."""
    kinds = Counter(alert["alert"]["kind"] for alert in alerts)
    delays = [delay.total_seconds() for alert in alerts if (delay := delay_of(alert)) is not None]
    rows = [{"what": name, "count": value} for name, value in counters().items() if name != "alerts"]
    rows.append({"what": "stories", "count": stories})
    rows += [{"what": f"alerts: {kind}", "count": count} for kind, count in sorted(kinds.items())]
    rows.append({"what": "deliveries verified", "count": verified})
    rows.append({"what": "repeats under the same webhook-id", "count": repeats})
    rows.append({"what": "fetched to sent, p50", "count": f"{percentile(delays, 50) * 1000:.0f} ms"})
    rows.append({"what": "fetched to sent, p95", "count": f"{percentile(delays, 95) * 1000:.0f} ms"})
    rows.append({"what": "real time", "count": f"{seconds:.0f} s"})
    return rows


def json_summary(rows: Sequence[Mapping[str, Any]], verdict: Verdict) -> str:
    """The same for programs."""
    facts = {"passed": verdict.passed, "missing": list(verdict.missing), "forbidden": list(verdict.forbidden)}
    return json.dumps({"figures": list(rows), **facts}, ensure_ascii=False, indent=2)


def print_summary(console: Console, rows: Sequence[Mapping[str, Any]], verdict: Verdict) -> None:
    """The table, then what is missing or forbidden, or one good line."""
    table = Table(title="The story in figures", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right")
    for row in rows:
        table.add_row(str(row["what"]), str(row["count"]))
    console.print(table)
    for line in verdict.missing:
        console.print(f"[bold red]missing[/]   {escape(line)}")
    for line in verdict.forbidden:
        console.print(f"[bold red]forbidden[/] {escape(line)}")
    if verdict.passed:
        console.print("[bold green]Everything expected arrived, nothing else did.[/]")
