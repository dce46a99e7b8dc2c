"""The shipped docker-compose.yml, started unmodified: healthy, hardened, and one article becomes one signed webhook.

Runs when asked for (`make compose-test`), since it takes minutes; see tests/e2e/compose for what it needs.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import pytest
from standardwebhooks import Webhook

from deploy.grafana import generate
from tests.e2e.compose import engine as engines
from tests.e2e.compose.stack import Stack, prepare, stack
from tests.fakes.fixtures_db import absent
from tests.fakes.kafka_broker import Unavailable

pytestmark = [pytest.mark.compose, pytest.mark.slow]
OURS = ("fetcher", "extractor", "alerter", "notifier")
WATCH = "defence-alliance"
RECEIVER = "http://world.test:8000/hook"
T = TypeVar("T")


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """The stack, up for all tests of this module."""
    if "compose" not in request.config.option.markexpr:
        pytest.skip("runs by make compose-test only")
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    assert reporter is not None
    assert capture is not None
    start = time.monotonic()

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"  {time.monotonic() - start:5.0f} s  {line}")

    say("preparing an engine")
    try:
        prepare(say)
        with engines.engine() as engine, stack(engine, say) as started:
            say("healthy")
            yield started
            say("stopping")
    except (engines.Absent, Unavailable) as missing:
        absent("compose", str(missing))


def eventually(find: Callable[[], T], *, seconds: float, what: str) -> T:
    """The first true answer of `find`; fails after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = find()
        if found:
            return found
        time.sleep(0.5)
    pytest.fail(f"{what} did not happen within {seconds:.0f} s")


def test_everything_is_healthy_and_init_ended_in_order(running: Stack) -> None:
    states = {name: item["State"] for name, item in running.inspect().items()}
    assert states["init"]["Status"] == "exited"
    assert states["init"]["ExitCode"] == 0
    for name, state in states.items():
        if name != "init":
            assert state["Health"]["Status"] == "healthy", name
            assert running.inspect()[name]["RestartCount"] == 0, name


def test_our_containers_are_as_closed_as_the_file_says(running: Stack) -> None:
    for name, item in running.inspect().items():
        host = item["HostConfig"]
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert min(host["Memory"], host["NanoCpus"], host["PidsLimit"]) > 0, name
        assert all(port["HostIp"] == "127.0.0.1" for ports in host["PortBindings"].values() for port in ports), name
    for name in OURS:
        found = running.execute(name, "python", "-c", LOOK)
        assert json.loads(found) == {"uid": 10001, "root": "read-only", "tmp": "writable", "capabilities": 0}, name


LOOK = """
import json, os, pathlib
def write(path):
    try:
        pathlib.Path(path, "probe").write_text("x")
    except OSError:
        return "read-only"
    return "writable"
effective = next(line for line in open("/proc/self/status") if line.startswith("CapEff")).split()[1]
print(json.dumps({"uid": os.getuid(), "root": write("/app"), "tmp": write("/tmp"), "capabilities": int(effective, 16)}))
"""


def test_only_fetcher_and_notifier_have_a_way_out(running: Stack) -> None:
    look = "print(any(line.split()[1] == '00000000' for line in open('/proc/net/route').readlines()[1:]))"
    ways = {name: running.execute(name, "python", "-c", look).strip() for name in OURS}
    assert ways == {"fetcher": "True", "extractor": "False", "alerter": "False", "notifier": "True"}


def test_prometheus_reads_every_service(running: Stack) -> None:
    def services() -> set[str]:
        return {item["metric"]["service"] for item in running.query('up{job="wirewatch"} == 1')}

    eventually(lambda: services() == set(OURS), seconds=60, what="a scrape of every service")


def test_one_article_becomes_one_signed_webhook(running: Stack) -> None:
    added = running.execute("notifier", "wirewatch", "subscriptions", "add", RECEIVER, "--watch", WATCH, "--json")
    secret = str(json.loads(added)["secret"])
    running.publish()
    about = eventually(lambda: _alerts(running, secret), seconds=90, what="an alert at the receiver")
    (alert,) = (body["data"] for body in about if body["type"].startswith("wirewatch.alert.match."))
    assert alert["alert"]["watch"]["id"] == WATCH
    assert alert["article"]["url"] == "http://world.test:8000/declaration"


def _alerts(running: Stack, secret: str) -> list[dict[str, Any]]:
    """Alerts at the receiver, each with a signature that an unrelated library accepts."""
    bodies = [Webhook(secret).verify(record["body"], record["headers"]) for record in running.records()]
    return [body for body in bodies if "test" not in body["type"]]


def test_every_panel_is_answered_and_the_delivery_shows(running: Stack) -> None:
    for panel in (panel for row in generate.PIPELINE for panel in row.panels):
        for query in (panel.query,) if isinstance(panel, generate.Figure) else panel.queries:
            expression = query.expr.replace("JOB", 'job="wirewatch"').replace("$__rate_interval", "1m")
            eventually(partial(running.query, expression), seconds=60, what=f"data for {panel.title}")
    sent = "sum(increase(wirewatch_fetched_to_sent_seconds_count[5m]))"
    eventually(lambda: float(running.query(sent)[0]["value"][1]) > 0, seconds=60, what="the delay of the delivery")


def test_the_dashboard_is_provisioned(running: Stack) -> None:
    assert running.get("grafana", "/api/health")["database"] == "ok"


def test_the_data_outlive_the_containers_and_nothing_is_told_twice(running: Stack) -> None:
    before = {record["headers"]["webhook-id"] for record in running.records()}
    running.down()
    running.up()
    listed = json.loads(running.execute("notifier", "wirewatch", "subscriptions", "list", "--json"))
    assert len(listed) == 1
    eventually(lambda: running.query('up{job="wirewatch", service="notifier"} == 1'), seconds=60, what="a scrape")
    assert {record["headers"]["webhook-id"] for record in running.records()} == before


def test_a_stop_is_a_drain(running: Stack) -> None:
    running.compose("stop", *OURS)
    states = {name: item["State"] for name, item in running.inspect().items()}
    assert {name: states[name]["ExitCode"] for name in OURS} == dict.fromkeys(OURS, 0)
