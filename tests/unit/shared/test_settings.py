"""Settings: defaults, environment, files, masking, and errors that name the variable and what to write instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path

import pytest

from shared.errors import Misconfigured
from shared.settings import CommonSettings, Network, load, masked, setting


class Mood(StrEnum):
    CALM = "calm"
    LOUD = "loud"


@dataclass(frozen=True)
class Sample:
    """One field of each kind."""

    name: str = setting(help="a name")
    count: int = setting(3, help="a number")
    share: float = setting(0.5, help="a share")
    wait: timedelta = setting(timedelta(seconds=5), help="a wait")
    on: bool = setting(True, help="a switch")
    mood: Mood = setting(Mood.CALM, help="a choice")
    nets: tuple[Network, ...] = setting((), help="networks")
    words: tuple[str, ...] = setting((), help="words")
    place: Path | None = setting(None, help="a path")
    key: str = setting("", help="a secret", secret=True)


def test_values_come_from_the_environment() -> None:
    loaded = load(Sample, {
        "WIREWATCH_NAME": "x", "WIREWATCH_COUNT": "7", "WIREWATCH_SHARE": "0.25", "WIREWATCH_WAIT": "2m",
        "WIREWATCH_ON": "no", "WIREWATCH_MOOD": "loud", "WIREWATCH_NETS": "10.0.0.0/8, ::1/128",
        "WIREWATCH_WORDS": "a, b", "WIREWATCH_PLACE": "/tmp",
    })  # fmt: skip
    expected = Sample(
        "x", 7, 0.25, timedelta(minutes=2), False, Mood.LOUD, (ip_network("10.0.0.0/8"), ip_network("::1/128")),
        ("a", "b"), Path("/tmp"),
    )  # fmt: skip
    assert loaded == expected


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("COUNT", "many", "whole number"),
        ("SHARE", "half", "number"),
        ("WAIT", "5 minutes", "duration"),
        ("ON", "perhaps", "true or false"),
        ("MOOD", "odd", "calm, loud"),
        ("NETS", "10.0.0.1/8", "networks"),
    ],
)
def test_a_wrong_value_names_the_variable_and_the_fix(name: str, text: str, says: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        load(Sample, {"WIREWATCH_NAME": "x", f"WIREWATCH_{name}": text})
    assert f"WIREWATCH_{name}" in str(caught.value)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_value_says_what_it_is_for() -> None:
    with pytest.raises(Misconfigured, match="WIREWATCH_NAME is not set: a name"):
        load(Sample, {})


def test_a_secret_comes_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    loaded = load(Sample, {"WIREWATCH_NAME": "x", "WIREWATCH_KEY_FILE": str(tmp_path / "key")})
    assert loaded.key == "hush"
    assert "hush" not in str(masked(loaded))


def test_a_value_given_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="both set"):
        load(Sample, {"WIREWATCH_NAME": "x", "WIREWATCH_KEY": "a", "WIREWATCH_KEY_FILE": str(tmp_path / "k")})


def test_an_unreadable_file_is_named() -> None:
    with pytest.raises(Misconfigured, match="/nowhere/key"):
        load(Sample, {"WIREWATCH_NAME": "x", "WIREWATCH_KEY_FILE": "/nowhere/key"})


def test_the_password_in_an_address_is_masked() -> None:
    shown = masked(load(CommonSettings, {"WIREWATCH_DATABASE": "postgresql://wire:hush@db/wire"}))
    assert shown["WIREWATCH_DATABASE"] == "postgresql://wire:********@db/wire"
