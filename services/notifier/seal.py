"""Subscribers' secrets at rest: AES-256-GCM under a key that is not in the database.

A sealed secret is `version (1) | key id (8) | nonce (12) | ciphertext and tag`, bound to its subscription as associated
data, so that a row copied to another subscription does not open. Several keys may be given: the first seals, all open.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.notifier.settings import NotifierSettings
from shared.errors import Misconfigured

VERSION = b"\x01"
KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES = 32, 8, 12
"""AES-256; the nonce as NIST SP 800-38D section 8.2 wants it. Random nonces are safe far beyond 2^20 secrets a key."""

KEY_FILE = "notifier.key"


class Unopened(Exception):
    """The secret cannot be opened with the keys given."""


@dataclass(frozen=True, slots=True)
class Sealer:
    """Seals and opens secrets."""

    newest: bytes
    keys: Mapping[bytes, AESGCM] = field(repr=False)

    @staticmethod
    def of(keys: Sequence[bytes]) -> Sealer:
        """From raw keys of 32 bytes, the newest first."""
        return Sealer(_id_of(keys[0]), {_id_of(key): AESGCM(key) for key in keys})

    def seal(self, plain: bytes, subscription_id: str) -> bytes:
        """The secret, sealed with the newest key."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + self.newest + nonce + self.keys[self.newest].encrypt(nonce, plain, subscription_id.encode())

    def open(self, sealed: bytes, subscription_id: str) -> bytes:
        """The secret again. Raises Unopened."""
        cipher = self.keys.get(sealed[1 : 1 + KEY_ID_BYTES])
        if sealed[:1] != VERSION or cipher is None:
            raise Unopened("sealed with a key that was not given")
        start = 1 + KEY_ID_BYTES + NONCE_BYTES
        try:
            return cipher.decrypt(sealed[1 + KEY_ID_BYTES : start], sealed[start:], subscription_id.encode())
        except (InvalidTag, ValueError) as error:
            raise Unopened("damaged, or it belongs to another subscription") from error


def _id_of(key: bytes) -> bytes:
    return hashlib.blake2b(key, digest_size=KEY_ID_BYTES, person=b"wirewatch-seal").digest()


def sealer_of(settings: NotifierSettings) -> Sealer:
    """From the setting, else from the key file, which is made if there is none. Raises Misconfigured."""
    if settings.notifier_key:
        texts = [text.strip() for text in settings.notifier_key.split(",") if text.strip()]
        return Sealer.of([_parse(text, "WIREWATCH_NOTIFIER_KEY") for text in texts])
    path = settings.data / KEY_FILE
    return Sealer.of([_parse(_read_or_make(path), str(path))])


def _parse(text: str, where: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise Misconfigured(f"{where} is no key: write 32 random bytes in base64 (openssl rand -base64 32)")
    return key


def _read_or_make(path: Path) -> str:
    """The key file's text. Made whole under another name first, so that two processes end up with the same key."""
    try:
        if not path.exists():
            _make(path)
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be used as key file: {error}") from error


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails where somebody was quicker; theirs is then the key
        except FileExistsError:
            return
    finally:
        draft.unlink()
