"""`make faults KIND=kills N=200` or `KIND=documents N=100000`: a longer campaign than the tests run, with a progress
bar; exit 1 when anything is lost, doubled, invented or late."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.progress import Progress

from shared import log
from tests.bench._standalone import real_pages
from tests.fakes import postgres
from tests.fakes.kafka_broker import Broker, Unavailable
from tests.faults.documents import run_documents
from tests.faults.kills import Report, run_kills

COUNTS = {"documents": 100_000, "kills": 200}


def main() -> None:
    """Parse, run on both buses, report."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("kind", choices=sorted(COUNTS))
    parser.add_argument("--count", type=int, help=f"how many; default: {COUNTS}")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--deadline", type=float, default=10.0, help="seconds a document may take")
    parser.add_argument("--bus", choices=["both", "embedded", "kafka"], default="both")
    options = parser.parse_args()
    options.count = options.count or COUNTS[options.kind]
    if options.kind == "documents":
        sys.exit(_documents(options))
    buses = ("embedded", "kafka") if options.bus == "both" else (options.bus,)
    sys.exit(max(campaign_on(bus, options, must=options.bus != "both") for bus in buses))


def campaign_on(bus: str, options: argparse.Namespace, *, must: bool) -> int:
    """One campaign and its exit code; where what a bus needs cannot be had, it is left out unless it `must` run."""
    try:
        return _campaign(bus, options)
    except (Unavailable, postgres.Absent) as missing:
        print(f"{bus}: left out: {missing}")
        return int(must)


def _campaign(bus: str, options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="wirewatch-faults-") as folder, Progress() as progress:
        report = run_campaign(Path(folder), bus, options, progress)
        logs = Path("build/faults") / bus
        logs.mkdir(parents=True, exist_ok=True)
        for log in Path(folder).glob("*.log"):
            (logs / log.name).write_bytes(log.read_bytes())
    print(
        f"{bus}: {report.kills} kills, {report.publications} publications, {report.repeats} repeats under the same id"
    )
    for fault in report.faults:
        print(fault)
    return 1 if report.faults else 0


def _documents(options: argparse.Namespace) -> int:
    log.configure(level="critical")  # it warns of each costly page, and they are many
    with tempfile.TemporaryDirectory(prefix="wirewatch-faults-") as folder, Progress() as progress:
        task = progress.add_task("documents", total=options.count)

        def told(number: int, what: str) -> None:
            progress.update(task, completed=number, description=f"documents: {what}")

        work = run_documents(
            Path(folder), count=options.count, seed=options.seed, deadline=options.deadline,
            workers=2, pages=real_pages(), told=told,
        )  # fmt: skip
        report = asyncio.run(work)
    kind, seconds = report.slowest
    print(f"{report.documents} documents, {report.poisons} of them poison; endings: {report.endings}")
    print(f"slowest: {kind}, {seconds:.2f} s; 99th percentile of the honest ones "
          f"{1000 * report.honest_p99:.0f} ms, without poison {1000 * report.quiet_p99:.0f} ms")  # fmt: skip
    for fault in report.faults:
        print(fault)
    return 1 if report.faults else 0


def run_campaign(folder: Path, bus: str, options: argparse.Namespace, progress: Progress) -> Report:
    """One campaign on the bus that was asked for."""
    task = progress.add_task(f"kill -9 on {bus}", total=options.count)

    def told(number: int, what: str) -> None:
        progress.update(task, completed=number, description=f"kill -9 on {bus}: {what}")

    if bus == "embedded":
        return asyncio.run(run_kills(folder, count=options.count, seed=options.seed, told=told))
    broker = Broker(folder / "kafka")
    broker.start()
    try:
        with postgres.server() as server:
            work = run_kills(
                folder, count=options.count, seed=options.seed, broker=broker, database=server.url(), told=told
            )
            return asyncio.run(work)
    finally:
        broker.stop()


if __name__ == "__main__":
    main()
