"""The dashboards as code: `python deploy/grafana/generate.py` writes deploy/grafana/dashboards/*.json.

The files are committed and provisioned as they are; a unit test compares them with what this module makes, parses every
query and checks that the metrics in it exist. Each panel has a title, a description in words and a unit. Rates use
`$__rate_interval`; counters are summed over processes, so that a restart or a second replica changes nothing.

Left out on purpose: the newer dashboard resources (the SDK recommends them); file provisioning takes the classic form.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

with warnings.catch_warnings():
    # the SDK announces at import that it will prefer another form, see above; nothing else is silenced
    warnings.filterwarnings("ignore", message="Prefer using dashboardv2", category=DeprecationWarning)
    from grafana_foundation_sdk.builders import common, dashboard, stat, timeseries
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common as drawn_as
    from grafana_foundation_sdk.models import dashboard as made_of

OUT = Path(__file__).parent / "dashboards"
JOB = 'job=~"$job"'
SOURCE = made_of.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True, slots=True)
class Query:
    """An expression and what its series are called. `JOB` in it is replaced by the choice of jobs."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines over time. `span` of 24 columns."""

    title: str
    description: str
    unit: str
    queries: tuple[Query, ...]
    span: int = 12
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """One number; `amber` and `red` are the values from which it is a worry, or to which with `low`."""

    title: str
    description: str
    unit: str
    query: Query
    amber: float
    red: float
    low: bool = False
    span: int = 4


@dataclass(frozen=True, slots=True)
class Row:
    """A row of panels under a heading."""

    title: str
    panels: tuple[Panel | Figure, ...]


def _rate(metric: str, by: str, window: str = "$__rate_interval") -> str:
    return f"sum by ({by}) (rate({metric}{{JOB}}[{window}]))"


def _quantile(share: float, metric: str, by: str = "le") -> str:
    return f"histogram_quantile({share}, {_rate(metric + '_bucket', by)})"


PIPELINE = (
    Row("Are we all right?", (
        Figure("Processes answering", "Processes whose admin port was read at the last scrape. Fewer than four in the "
               "compose project: see docker compose ps.", "short", Query('sum(up{JOB})', "up"), 4, 3, low=True),
        Figure("Fetched to sent, p95", "Nineteen of twenty alerts reached the first receiver within this long of "
               "fetching the page. The objective is one second.", "s",
               Query(_quantile(0.95, "wirewatch_fetched_to_sent_seconds", "le").replace("$__rate_interval", "1h"),
                     "p95"), 1, 60),
        Figure("Deliveries accepted", "Share of attempts in the last hour that a receiver accepted.", "percentunit",
               Query('sum(increase(wirewatch_delivery_attempts_total{JOB, outcome="delivered"}[1h])) '
                     '/ sum(increase(wirewatch_delivery_attempts_total{JOB}[1h]))', "accepted"), 0.99, 0.9, low=True),
        Figure("Furthest behind", "Age of the oldest record that a group has not finished.", "s",
               Query("max(wirewatch_lag_seconds{JOB})", "behind"), 30, 300),
        Figure("Dead letters, last hour", "Inputs put aside. See wirewatch dead list.", "short",
               Query("sum(increase(wirewatch_dead_letters_total{JOB}[1h])) or vector(0)", "dead"), 1, 10),
        Figure("Sources failing", "Share of sources whose last poll did not work.", "percentunit",
               Query('sum(wirewatch_fetcher_sources{JOB, state="failing"}) / sum(wirewatch_fetcher_sources{JOB})',
                     "failing"), 0.1, 0.3),
    )),
    Row("Fetching", (
        Panel("Polls by outcome", "How polls of feeds ended. `not_modified` is the usual one; a rise of anything else "
              "means publishers changed something, or our network did.", "reqps",
              (Query(_rate("wirewatch_fetcher_checks_total", "outcome"), "{{outcome}}"),), span=8, stacked=True),
        Panel("Pages by outcome", "How entries that feeds announced ended: fetched and published, remembered from "
              "before, denied by robots.txt, or given up.", "reqps",
              (Query(_rate("wirewatch_fetcher_pages_total", "outcome"), "{{outcome}}"),), span=8, stacked=True),
        Panel("Sources by state", "Sources whose last poll worked, failed, or that were not polled yet.", "short",
              (Query("sum by (state) (wirewatch_fetcher_sources{JOB})", "{{state}}"),), span=8),
    )),
    Row("Stages", (
        Panel("Inputs finished by stage", "Records each consumer group brought to an outcome. In quiet times all "
              "stages follow the fetcher; a stage that falls off is where to look.", "reqps",
              (Query(_rate("wirewatch_records_total", "group"), "{{group}}"),)),
        Panel("Inputs finished by outcome", "The same, by how they ended. Every input ends in exactly one outcome.",
              "reqps", (Query(_rate("wirewatch_records_total", "group, outcome"), "{{group}} {{outcome}}"),)),
        Panel("Lag in messages", "Records on a topic that a group has not committed yet.", "short",
              (Query("sum by (group, topic) (wirewatch_lag_records{JOB})", "{{group}} {{topic}}"),)),
        Panel("Lag in seconds", "Age of the oldest record that a group has not committed yet. Messages say how much, "
              "seconds say how late.", "s",
              (Query("max by (group, topic) (wirewatch_lag_seconds{JOB})", "{{group}} {{topic}}"),)),
        Panel("Time per input, p95", "From taking an input in hand to its outcome.", "s",
              (Query(_quantile(0.95, "wirewatch_step_seconds", "le, group"), "{{group}}"),)),
        Panel("Inputs in hand", "Polled and not finished. A flat line at the bound means the stage is the bottleneck.",
              "short", (Query("sum by (group) (wirewatch_records_in_hand{JOB})", "{{group}}"),)),
    )),
    Row("Alerts and deliveries", (
        Panel("Fetched to sent", "From the fetched page to the first request to a receiver.", "s",
              tuple(Query(_quantile(share, "wirewatch_fetched_to_sent_seconds"), name)
                    for share, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))), span=8),
        Panel("Where the time goes, p95", "Steps of the latency ledger that travels with each article.", "s",
              (Query(_quantile(0.95, "wirewatch_ledger_seconds", "le, step"), "{{step}}"),), span=8),
        Panel("Alerts raised", "New alerts by kind, in an hour.", "short",
              (Query('sum by (kind) (increase(wirewatch_alerts_total{JOB, state="open"}[1h]))', "{{kind}}"),), span=8,
              stacked=True),
        Panel("Deliveries by outcome", "How attempts to deliver ended. Only `delivered` is done; the others are tried "
              "again until their budget ends.", "reqps",
              (Query(_rate("wirewatch_delivery_attempts_total", "outcome"), "{{outcome}}"),), span=8, stacked=True),
        Panel("Waiting to be delivered", "Deliveries that are due or wait for their next try.", "short",
              (Query("max(wirewatch_deliveries_pending{JOB})", "waiting"),), span=8),
        Panel("Longest overdue", "How long the delivery that is due for the longest has been due.", "s",
              (Query("max(wirewatch_deliveries_oldest_due_seconds{JOB})", "overdue"),), span=8),
        Panel("Receivers in trouble", "Subscriptions not asked at present but by probes, and those warned of or, at "
              "100 per cent, disabled in the last day.", "short",
              (Query("max by (state) (wirewatch_delivery_breakers{JOB})", "breaker {{state}}"),
               Query("sum by (share) (increase(wirewatch_subscriptions_warned_total{JOB}[1d]))", "{{share}} %")),
              span=8),
    )),
    Row("Trouble", (
        Panel("Dead letters", "Inputs put aside, by group and reason, in an hour. The runbook is wirewatch dead list, "
              "show, redrive.", "short",
              (Query("sum by (group, reason) (increase(wirewatch_dead_letters_total{JOB}[1h]))",
                     "{{group}} {{reason}}"),), span=8, stacked=True),
        Panel("Attempts repeated", "Work repeated since the database or the broker was away.", "reqps",
              (Query(_rate("wirewatch_step_retries_total", "group, reason"), "{{group}} {{reason}}"),), span=8),
        Panel("Assignments and refusals", "Partitions handed out anew, and writes refused because another process "
              "took over. A steady rate of either means processes come and go.", "reqps",
              (Query(_rate("wirewatch_rebalances_total", "group"), "{{group}} assigned"),
               Query(_rate("wirewatch_fenced_total", "group"), "{{group}} fenced")), span=8),
    )),
)  # fmt: skip


def pipeline() -> dashboard.Dashboard:
    """The first dashboard: is the pipeline well, and if not, where."""
    board = (
        dashboard.Dashboard("Wirewatch: pipeline")
        .uid("wirewatch-pipeline")
        .description("From polling sources to delivering alerts. Read it from the top: figures, then stages.")
        .tags(["wirewatch"])
        .readonly()
        .tooltip(made_of.DashboardCursorSync.CROSSHAIR)
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_jobs())
    )
    for row in PIPELINE:
        board = board.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            board = board.with_panel(_figure(panel) if isinstance(panel, Figure) else _lines(panel))
    return board


def _jobs() -> dashboard.QueryVariable:
    known = dashboard.QueryVariable("job").label("Job").datasource(SOURCE)
    known = known.query("label_values(wirewatch_build_info, job)")
    return known.multi(True).include_all(True).refresh(made_of.VariableRefresh.ON_TIME_RANGE_CHANGED)


def _target(query: Query, letter: str, *, instant: bool = False) -> Dataquery:
    target = Dataquery().ref_id(letter).expr(query.expr.replace("JOB", JOB)).legend_format(query.legend)
    return target.datasource(SOURCE).instant() if instant else target.datasource(SOURCE).range()


def _lines(panel: Panel) -> timeseries.Panel:
    drawn = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .min(0)
        .span(panel.span)
        .height(8)
        .fill_opacity(25 if panel.stacked else 5)
        .stacking(
            common.StackingConfig().mode(drawn_as.StackingMode.NORMAL if panel.stacked else drawn_as.StackingMode.NONE)
        )
        .tooltip(common.VizTooltipOptions().mode(drawn_as.TooltipDisplayMode.MULTI).sort(drawn_as.SortOrder.DESCENDING))
        .legend(_legend())
    )
    for letter, query in zip("ABCDE", panel.queries, strict=False):
        drawn = drawn.with_target(_target(query, letter))
    return drawn


def _legend() -> common.VizLegendOptions:
    shown = common.VizLegendOptions().show_legend(True).display_mode(drawn_as.LegendDisplayMode.LIST)
    return shown.placement(drawn_as.LegendPlacement.BOTTOM)


def _figure(panel: Figure) -> stat.Panel:
    return (
        stat.Panel()
        .title(panel.title)
        .description(panel.description)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(panel.span)
        .height(4)
        .no_value("none")
        .graph_mode(drawn_as.BigValueGraphMode.NONE)
        .thresholds(_thresholds(panel))
        .with_target(_target(panel.query, "A", instant=True))
    )


def _thresholds(panel: Figure) -> dashboard.ThresholdsConfig:
    steps: Sequence[tuple[float | None, str]] = (
        ((None, "red"), (panel.red, "orange"), (panel.amber, "green"))
        if panel.low
        else ((None, "green"), (panel.amber, "orange"), (panel.red, "red"))
    )
    marks = [made_of.Threshold(value=value, color=color) for value, color in steps]
    return dashboard.ThresholdsConfig().mode(made_of.ThresholdsMode.ABSOLUTE).steps(marks)


def files() -> dict[str, str]:
    """Every dashboard file by name."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Prefer using dashboardv2", category=DeprecationWarning)
        built = {"pipeline.json": pipeline().build()}
    return {name: JSONEncoder(sort_keys=True, indent=2).encode(board) + "\n" for name, board in built.items()}


def main() -> None:
    """Write the files, or with `--check` say which are out of date and exit 1."""
    stale = [name for name, text in files().items() if not (OUT / name).exists() or (OUT / name).read_text() != text]
    if "--check" in sys.argv:
        sys.exit(f"out of date: {', '.join(stale)}; run python deploy/grafana/generate.py" if stale else 0)
    OUT.mkdir(exist_ok=True)
    for name in stale:
        (OUT / name).write_text(files()[name], encoding="utf-8")


if __name__ == "__main__":
    main()
