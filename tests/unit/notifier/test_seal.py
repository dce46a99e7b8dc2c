"""Secrets at rest: what opens, what does not, and where the key comes from."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.notifier.seal import KEY_FILE, Sealer, Unopened, sealer_of
from services.notifier.settings import NotifierSettings
from shared.errors import Misconfigured

OLD, NEW = b"1" * 32, b"2" * 32


def test_it_opens_for_its_own_subscription_only() -> None:
    sealer = Sealer.of([OLD])
    sealed = sealer.seal(b"secret", "one")
    assert sealer.open(sealed, "one") == b"secret" and b"secret" not in sealed
    assert sealer.seal(b"secret", "one") != sealed
    with pytest.raises(Unopened):
        sealer.open(sealed, "two")


@pytest.mark.parametrize("place", [0, 1, 9, 21, -1])
def test_a_changed_byte_does_not_open(place: int) -> None:
    sealer = Sealer.of([OLD])
    damaged = bytearray(sealer.seal(b"secret", "one"))
    damaged[place] ^= 1
    with pytest.raises(Unopened):
        sealer.open(bytes(damaged), "one")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"x" * 8, b"\x01" + b"x" * 40])
def test_rubbish_does_not_open(sealed: bytes) -> None:
    with pytest.raises(Unopened):
        Sealer.of([OLD]).open(sealed, "one")


def test_an_old_key_still_opens_and_the_new_one_seals() -> None:
    before = Sealer.of([OLD]).seal(b"secret", "one")
    both = Sealer.of([NEW, OLD])
    assert both.open(before, "one") == b"secret"
    with pytest.raises(Unopened):
        Sealer.of([OLD]).open(both.seal(b"secret", "one"), "one")


def test_the_key_file_is_made_once_and_is_private(tmp_path: Path) -> None:
    settings = NotifierSettings(data=tmp_path / "data")
    with ThreadPoolExecutor(16) as threads:
        made = {sealer.newest for sealer in threads.map(lambda _: sealer_of(settings), range(64))}
    path = tmp_path / "data" / KEY_FILE
    assert len(made) == 1 and path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == [KEY_FILE]


def test_keys_from_the_setting(tmp_path: Path) -> None:
    keys = ",".join(base64.b64encode(key).decode() for key in (NEW, OLD))
    sealer = sealer_of(NotifierSettings(data=tmp_path, notifier_key=keys))
    assert sealer.newest == Sealer.of([NEW]).newest and len(sealer.keys) == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["short", base64.b64encode(b"x" * 16).decode(), "é"])
def test_a_wrong_key_is_one_clear_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured, match="WIREWATCH_NOTIFIER_KEY is no key") as raised:
        sealer_of(NotifierSettings(data=tmp_path, notifier_key=text))
    assert text not in str(raised.value)


def test_a_damaged_key_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("rubbish", encoding="ascii")
    with pytest.raises(Misconfigured, match=KEY_FILE):
        sealer_of(NotifierSettings(data=tmp_path))
