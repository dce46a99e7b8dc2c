"""The shipped compose file, started as it is: only its environment is ours."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.compose import images
from tests.e2e.compose.engine import BUILD, ROOT, Engine, install, own_is_possible, unpack
from tests.e2e.compose.images import Say
from tests.fakes.kafka_broker import libraries

PROJECT = "wirewatch-test"
WORLD = f"{PROJECT}-world"
RECORDS = BUILD / "records"
SHIPPED_PACK = ROOT / "deploy" / "packs" / "alliance"
WAIT_SECONDS = 180
CONTAINER_NETWORKS = "172.16.0.0/12,192.168.0.0/16"
"""Where an engine puts containers: the world to watch is one of them."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The services, running."""

    engine: Engine
    ports: dict[str, int]

    def compose(self, *command: str, check: bool = True, seconds: float = 600) -> str:
        """Run a compose command on the project."""
        return self.engine.run("compose", "--project-name", PROJECT, *command, check=check, seconds=seconds)

    def execute(self, service: str, *command: str) -> str:
        """Run a command in a service's container; returns what it prints."""
        return self.compose("exec", "-T", service, *command)

    def inspect(self) -> dict[str, dict[str, Any]]:
        """What the engine says about each container, by service."""
        found = json.loads(self.engine.run("inspect", *self.compose("ps", "--all", "--quiet").split()))
        return {item["Config"]["Labels"]["com.docker.compose.service"]: item for item in found}

    def up(self) -> None:
        """Start and wait until everything is healthy. Raises RuntimeError with the state and the logs."""
        wait = ("--wait", "--wait-timeout", str(WAIT_SECONDS))
        pull = ("--pull", "never") if self.engine.own else ("--pull", "missing")
        try:
            self.compose("up", "--detach", "--no-build", *pull, *wait, seconds=WAIT_SECONDS + 60)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            state = self.compose("ps", "--all", check=False)
            logs = self.compose("logs", "--no-color", "--tail", "40", check=False)
            raise RuntimeError(f"{error}\n{state}\n{logs[-12000:]}") from error

    def down(self, *options: str) -> None:
        """Stop and remove the containers and networks; `--volumes` removes the data, too."""
        self.compose("down", "--timeout", "45", *options)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus answers to an instant query."""
        asked = urllib.parse.urlencode({"query": expression})
        answer = self.get("prometheus", f"/api/v1/query?{asked}")
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])

    def get(self, service: str, path: str) -> Any:
        """JSON from a port that is published on this machine."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[service]}{path}", timeout=10) as answer:
            return json.load(answer)

    def publish(self) -> None:
        """Let the article appear in the world's feed."""
        (RECORDS / "publish").touch()

    def records(self) -> list[dict[str, Any]]:
        """What the world's receiver got so far, in order."""
        return [json.loads(path.read_text()) for path in sorted(RECORDS.glob("*.json"))]


@contextmanager
def stack(engine: Engine, say: Say) -> Iterator[Stack]:
    """The images made and the services up, everything removed at the end."""
    ports = {"prometheus": _free_port(), "grafana": _free_port()}
    running = Stack(Engine({**engine.environment, **_settings(ports)}, engine.own), ports)
    make_images(running, say)
    running.down("--volumes", "--remove-orphans")
    try:
        say("starting docker-compose.yml")
        _start_world(running)
        running.up()
        yield running
    finally:
        (BUILD / "services.log").write_text(running.compose("logs", "--no-color", check=False))
        engine.run("rm", "--force", WORLD, check=False)
        running.down("--volumes")
        if engine.own:  # what this run replaced
            engine.run("image", "prune", "--force", check=False)
            engine.run("builder", "prune", "--force", "--keep-storage", "3GB", check=False)


def prepare(say: Say) -> None:
    """Fetch what an engine of our own needs, from three places at once. Nothing where the machine's is used."""
    if not own_is_possible():
        return
    install()
    parts = {"engine": unpack, "stand-ins": images.base, "Kafka": libraries}
    with ThreadPoolExecutor() as pool:
        for name, done in [(name, pool.submit(work)) for name, work in parts.items()]:
            done.result()
            say(f"{name} fetched")


def make_images(running: Stack, say: Say) -> None:
    """The product's image and, in an engine of our own, everything it and the compose file start from."""
    named = set(running.compose("config", "--images").split())
    (product,) = (name for name in named if name.startswith("wirewatch:"))
    if running.engine.own:
        images.make_stand_ins(running.engine, [*images.base_images(), *sorted(named - {product})], say)
    images.make_product(running.engine, product, say)


def _settings(ports: dict[str, int]) -> dict[str, str]:
    """The environment that a person would put into `.env`."""
    secrets = BUILD / "secrets"
    subprocess.run([ROOT / "deploy" / "secrets.sh", secrets], check=True, capture_output=True)
    return {
        "WIREWATCH_SECRETS_DIR": str(secrets),
        "WIREWATCH_PACK_DIR": str(_pack()),
        "WIREWATCH_ALLOW_NETWORKS": CONTAINER_NETWORKS,
        "WIREWATCH_POLL_INTERVAL": "5s",
        "WIREWATCH_PUSH_PORT": "0",
        "WIREWATCH_PROMETHEUS_PORT": str(ports["prometheus"]),
        "WIREWATCH_GRAFANA_PORT": str(ports["grafana"]),
        "COMPOSE_DISABLE_ENV_FILE": "1",
    }


SOURCE = """
- id: test-world
  name: World Test
  kind: rss
  url: http://world.test:8000/feed.xml
  country: XK
  language: en
"""


def _pack() -> Path:
    """The shipped pack with our source in place of the real ones."""
    pack = BUILD / "pack"
    shutil.rmtree(pack, ignore_errors=True)
    shutil.copytree(SHIPPED_PACK, pack, ignore=shutil.ignore_patterns("demo"))
    (pack / "sources.yaml").write_text(SOURCE, encoding="utf-8")
    return pack


def _start_world(running: Stack) -> None:
    """The feed, the article and the receiver: one more container, on the network that leads outside."""
    shutil.rmtree(RECORDS, ignore_errors=True)
    RECORDS.mkdir(parents=True)
    os.chmod(RECORDS, 0o777)  # noqa: PTH101 - it is written by the container's user
    running.engine.run("rm", "--force", WORLD, check=False)
    running.compose("create", "--no-build", *(("--pull", "never") if running.engine.own else ()))
    image = next(name for name in running.compose("config", "--images").split() if name.startswith("wirewatch:"))
    script = Path(__file__).parent / "world.py"
    running.engine.run(
        "run", "--detach", "--name", WORLD, "--network", f"{PROJECT}_outside", "--network-alias", "world.test",
        "--volume", f"{script}:/world.py:ro", "--volume", f"{RECORDS}:/records", "--entrypoint", "python",
        image, "/world.py",
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
