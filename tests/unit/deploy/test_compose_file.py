"""The compose file and the image, read as text: pinned, hardened, limited, and in step with the code."""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.generate import SETTINGS
from shared.settings import CommonSettings, parse, variable
from tests.fakes.fixtures_db import absent

ROOT = Path(__file__).parents[3]
OURS = ("init", "fetcher", "extractor", "alerter", "notifier")
UNITS = {"s": 1, "m": 60}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))


def _seconds(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]]


def test_every_image_is_pinned_to_a_full_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        image = re.sub(r"\$\{[^:}]+:-([^}]*)\}", r"\1", service["image"])
        assert re.fullmatch(r"[a-z./-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", image), f"{name}: {image}"
    for line in re.findall(r"^FROM (\S+)", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"), re.MULTILINE):
        assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", line), line


def test_the_broker_is_the_version_the_tests_run_against(compose: dict[str, Any]) -> None:
    pinned = re.search(r"<kafka\.version>([^<]+)<", (ROOT / "deploy/kafka/pom.xml").read_text(encoding="utf-8"))
    assert pinned is not None
    assert compose["services"]["kafka"]["image"] == f"apache/kafka:{pinned[1]}"


def test_the_image_and_the_package_have_one_version(compose: dict[str, Any]) -> None:
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert version is not None
    assert compose["services"]["fetcher"]["image"] == f"wirewatch:${{WIREWATCH_VERSION:-{version[1]}}}"
    assert f"ARG VERSION={version[1]}" in (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", OURS)
def test_our_containers_are_hardened(compose: dict[str, Any], name: str) -> None:
    service = compose["services"][name]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"]


def test_every_container_has_limits_bounded_logs_and_no_open_port(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        limits = service["deploy"]["resources"]["limits"]
        assert {"memory", "cpus", "pids"} <= limits.keys(), name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert service["cap_drop"] == ["ALL"], name
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), name
        if name != "init":
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["start_interval"], name


def test_a_container_is_killed_only_after_its_drain_is_over(compose: dict[str, Any]) -> None:
    common = {variable(item): item.type for item in dataclasses.fields(CommonSettings)}
    assert "WIREWATCH_DRAIN" in common
    for name in OURS:
        service = compose["services"][name]
        drain = _seconds(service["environment"]["WIREWATCH_DRAIN"])
        assert _seconds(service["stop_grace_period"]) >= drain + 10, name


def test_every_setting_given_is_one_that_exists(compose: dict[str, Any]) -> None:
    known = set()
    for _, place in SETTINGS:
        module, _, kind = place.partition(":")
        known |= {variable(item) for item in dataclasses.fields(getattr(importlib.import_module(module), kind))}
    for name in OURS:
        for given in compose["services"][name]["environment"]:
            assert given.removesuffix("_FILE") in known, f"{name}: {given}"


def test_only_those_that_need_it_reach_the_internet(compose: dict[str, Any]) -> None:
    assert compose["networks"]["inside"]["internal"] is True
    outside = {name for name, service in compose["services"].items() if "outside" in service["networks"]}
    assert outside == {"fetcher", "notifier", "prometheus", "grafana"}


def test_the_example_lists_every_variable_of_the_compose_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(WIREWATCH_\w+)", text))
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE))
    internal = {"WIREWATCH_REVISION", "WIREWATCH_SECRETS_DIR", "WIREWATCH_TOPIC_PREFIX"}
    assert used - internal == listed.keys()
    defaults = dict(re.findall(r"\$\{(WIREWATCH_\w+):-([^}]*)\}", text))
    for name, value in listed.items():
        assert value == (defaults[name] or value), name


def test_prometheus_scrapes_every_service_on_the_admin_port(compose: dict[str, Any]) -> None:
    config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    (found,) = config["scrape_configs"][0]["dns_sd_configs"]
    assert set(found["names"]) == set(OURS) - {"init"}
    assert found["port"] == CommonSettings().admin_port
    for name in found["names"]:
        assert compose["services"][name]["healthcheck"]["test"][-1] == str(found["port"])


def test_promtool_agrees() -> None:
    promtool = shutil.which("promtool") or shutil.which("promtool", path=ROOT / "build/compose/tools/usr/bin")
    if promtool is None:
        absent("promtool", "promtool is not installed (apt-get install prometheus)")
    done = subprocess.run([promtool, "check", "config", "--lint=all", ROOT / "deploy/prometheus/prometheus.yml"],
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_secrets_are_made_once_and_can_be_read_by_containers_only(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    script = ROOT / "deploy" / "secrets.sh"
    subprocess.run([script, folder], check=True, capture_output=True)
    first = {path.name: path.read_text() for path in folder.iterdir()}
    subprocess.run([script, folder], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in folder.iterdir()} == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert first["database_url"] == f"postgresql://wirewatch:{first['postgres_password']}@postgres/wirewatch"
    assert len(first["notifier_key"]) == 44
    assert os.access(script, os.X_OK)


def test_every_secret_of_the_compose_file_is_made(compose: dict[str, Any]) -> None:
    script = (ROOT / "deploy" / "secrets.sh").read_text(encoding="utf-8")
    assert set(re.findall(r"^make (\w+)", script, re.MULTILINE)) == compose["secrets"].keys()


def test_the_values_in_the_compose_file_are_understood(compose: dict[str, Any]) -> None:
    hints = {variable(item): item for item in dataclasses.fields(CommonSettings)}
    drain = compose["services"]["fetcher"]["environment"]["WIREWATCH_DRAIN"]
    assert parse(drain, type(hints["WIREWATCH_DRAIN"].default)).total_seconds() == 25
