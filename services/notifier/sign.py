"""Standard Webhooks 1.0: signatures that say who wrote a message, and a verification that cannot be surprised.

The signed content is `<webhook-id>.<webhook-timestamp>.<raw body>`; scheme `v1` is HMAC-SHA256 in base64, its secret
24 to 64 random bytes written as `whsec_` + base64 (Standard Webhooks specification, "Signature scheme"). Beside it
stands `v1a`, Ed25519 over the same content by the notifier's own key pairs (`key_pairs`), where there are any.

`verify` answers with a verdict whatever it is given: the published Python package raises ValueError on a signature
without a comma, UnicodeDecodeError on a body that is not UTF-8, and takes a secret of one byte; a receiver built
naively on it answers 500, and its sender tries again for days.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as randomness
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a secret (specification, "Signature scheme")."""

FRESH_BYTES = 32
"""As long as the digest: longer adds nothing to HMAC-SHA256 (RFC 2104 section 3)."""

TOLERANCE = timedelta(minutes=5)
"""How far a receiver's clock may be off before a message counts as replayed, as the reference libraries have it."""

MOST_SIGNATURES = 32
"""Signatures looked at: a header is somebody else's input."""

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class BadSecret(ValueError):
    """The text is no secret of this scheme; the message says why and never contains it."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret; its text shows only by `reveal`."""

    key: bytes = field(repr=False)

    @staticmethod
    def generate() -> Secret:
        """A new random one."""
        return Secret(randomness.token_bytes(FRESH_BYTES))

    @staticmethod
    def parse(text: str) -> Secret:
        """From `whsec_…` (the prefix may be missing, padding too). Raises BadSecret."""
        body = text.strip().removeprefix(PREFIX).rstrip("=")
        try:
            key = base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
        except (binascii.Error, ValueError):
            raise BadSecret("the secret is not base64; copy it whole, whsec_ included") from None
        if not SHORTEST <= len(key) <= LONGEST:
            raise BadSecret(f"the secret has {len(key)} bytes; the standard wants {SHORTEST} to {LONGEST}")
        return Secret(key)

    def reveal(self) -> str:
        """`whsec_` and base64: to be shown once."""
        return PREFIX + base64.b64encode(self.key).decode()


class Signs(Protocol):
    """Whoever signs with a private key (`key_pairs.Pair`)."""

    def sign(self, content: bytes) -> str:
        """The signature of some content, with its scheme."""
        ...


def sign(secret: Secret, message_id: str, seconds: int, body: bytes) -> str:
    """The `v1` signature of a message sent at `seconds` since the epoch."""
    return "v1," + base64.b64encode(_digest(secret, message_id, str(seconds), body)).decode()


def headers(
    secrets: Sequence[Secret], message_id: str, moment: datetime, body: bytes, pairs: Sequence[Signs] = ()
) -> dict[str, str]:
    """The three headers, one signature a secret and one a key pair. `moment` is aware, in any zone."""
    seconds = _epoch(moment)
    content = f"{message_id}.{seconds}.".encode() + body
    signatures = [sign(secret, message_id, seconds, body) for secret in secrets] + [one.sign(content) for one in pairs]
    return {ID: message_id, TIMESTAMP: str(seconds), SIGNATURE: " ".join(signatures)}


def _epoch(moment: datetime) -> int:
    if moment.tzinfo is None:
        raise ValueError(f"naive datetime {moment!r}")
    return int(moment.timestamp())


def _digest(secret: Secret, message_id: str, seconds: str, body: bytes) -> bytes:
    return hmac.digest(secret.key, f"{message_id}.{seconds}.".encode() + body, hashlib.sha256)


class Verdict(StrEnum):
    """What a verification found; only `valid` is to be trusted."""

    VALID = "valid"
    MISSING_HEADER = "missing_header"
    BAD_ID = "bad_id"
    BAD_TIMESTAMP = "bad_timestamp"
    TOO_OLD = "too_old"
    TOO_NEW = "too_new"
    NO_MATCH = "no_match"


def verify(
    secrets: Sequence[Secret],
    received: Mapping[str, str],
    body: bytes,
    now: datetime,
    *,
    tolerance: timedelta = TOLERANCE,
) -> Verdict:
    """Judge a received message: header names in any case, any of the secrets. Raises nothing on any input."""
    given = {name.lower(): value for name, value in received.items()}
    message_id, seconds, signatures = (given.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not (message_id and seconds and signatures):
        return Verdict.MISSING_HEADER
    if not message_id.isascii() or "." in message_id:
        return Verdict.BAD_ID
    return _check_time(seconds, now, tolerance) or _check_signatures(secrets, message_id, seconds, body, signatures)


def _check_time(seconds: str, now: datetime, tolerance: timedelta) -> Verdict | None:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 11):
        return Verdict.BAD_TIMESTAMP
    age = now.timestamp() - int(seconds)
    if age > tolerance.total_seconds():
        return Verdict.TOO_OLD
    return Verdict.TOO_NEW if -age > tolerance.total_seconds() else None


def _check_signatures(secrets: Sequence[Secret], message_id: str, seconds: str, body: bytes, given: str) -> Verdict:
    """Every secret against every signature, whole digests in constant time: a shorter one never matches."""
    wanted = [_digest(secret, message_id, seconds, body) for secret in secrets]
    found = [digest for part in given.split(" ")[:MOST_SIGNATURES] if (digest := _read(part)) is not None]
    matches = [hmac.compare_digest(ours, theirs) for ours in wanted for theirs in found]
    return Verdict.VALID if any(matches) else Verdict.NO_MATCH


def _read(part: str) -> bytes | None:
    """The digest of a `v1` signature, None for another scheme or for nonsense."""
    scheme, _, text = part.partition(",")
    if scheme != "v1" or not text.isascii():
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
