"""The notifier's own key pairs: what scheme `v1a` signs with, and the key set that lets receivers check it.

None until an operator makes one (`wirewatch signing make`); from then on every message carries a `v1a` signature beside
its `v1`, so that a receiver can go over to it when it likes. Making another one is the rotation: the one before goes on
signing for the overlap and stays in the key set as long, so that whoever keeps the set for a day misses nothing.

Private keys are sealed in SQL like subscribers' secrets. The set is a JSON Web Key Set (RFC 7517, Ed25519 as in RFC
8037), each key with its `whpk_` text as Standard Webhooks writes it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier import subscribe
from services.notifier.seal import Sealer
from services.notifier.tables import KEY_PAIRS, SUBSCRIPTIONS

OVERLAP = timedelta(days=7)
"""For which the pair before goes on signing."""
CACHED = timedelta(hours=1)
"""How long receivers may keep the key set: far less than a pair signs beside its successor."""
PUBLIC_PREFIX = "whpk_"
_BOUND_TO = "v1a:"


@dataclass(frozen=True, slots=True)
class Pair:
    """A key pair; the private half shows nowhere."""

    id: str
    created: datetime
    expires: datetime | None
    public: bytes
    private: Ed25519PrivateKey = field(repr=False)

    def sign(self, content: bytes) -> str:
        """The `v1a` signature of what is signed."""
        return "v1a," + base64.b64encode(self.private.sign(content)).decode()


async def make(connection: AsyncConnection, *, sealer: Sealer, now: datetime, overlap: timedelta = OVERLAP) -> Pair:
    """A new pair; those before end after the overlap. Every replica notices: each subscription counts as changed."""
    pair = _new(now)
    ends = now + overlap
    later = KEY_PAIRS.c.expires.is_(None) | (KEY_PAIRS.c.expires > ends)
    await connection.execute(sa.update(KEY_PAIRS).where(later).values(expires=ends))
    row = {"id": pair.id, "created": now, "expires": None, "public": pair.public,
           "sealed": sealer.seal(pair.private.private_bytes_raw(), _BOUND_TO + pair.id)}  # fmt: skip
    await connection.execute(sa.insert(KEY_PAIRS).values(row))
    await subscribe.note_change(connection)
    await connection.execute(sa.update(SUBSCRIPTIONS).values(version=SUBSCRIPTIONS.c.version + 1))
    return pair


async def current(connection: AsyncConnection, *, sealer: Sealer, now: datetime) -> tuple[Pair, ...]:
    """The pairs that sign now, the newest first. Raises Unopened."""
    return tuple(
        Pair(row.id, row.created, row.expires, row.public,
             Ed25519PrivateKey.from_private_bytes(sealer.open(row.sealed, _BOUND_TO + row.id)))
        for row in await _rows(connection, now)
    )  # fmt: skip


async def key_set(connection: AsyncConnection, now: datetime) -> dict[str, Any]:
    """The public halves of the pairs that sign now."""
    return {"keys": [_published(row.id, row.public) for row in await _rows(connection, now)]}


async def _rows(connection: AsyncConnection, now: datetime) -> Sequence[sa.Row[Any]]:
    live = KEY_PAIRS.c.expires.is_(None) | (KEY_PAIRS.c.expires > now)
    return (await connection.execute(sa.select(KEY_PAIRS).where(live).order_by(KEY_PAIRS.c.created.desc()))).all()


def _published(pair_id: str, public: bytes) -> dict[str, str]:
    x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": pair_id, "x": x,
            "whpk": written(public)}  # fmt: skip


def written(public: bytes) -> str:
    """A public key as Standard Webhooks writes it."""
    return PUBLIC_PREFIX + base64.b64encode(public).decode()


def _new(now: datetime) -> Pair:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    return Pair(hashlib.blake2b(public, digest_size=8).hexdigest(), now, None, public, private)
