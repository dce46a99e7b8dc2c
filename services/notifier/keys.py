"""API keys: made once, shown once, kept as a hash; each belongs to an owner and may do what its scope says.

A key is `wwk_<id>_<secret>`: the id finds the row, the secret is 256 random bits. Of so much randomness a plain SHA-256
keeps the secret: a slow hash protects what people choose, and would be a way to keep the port busy. Compared in
constant time, against a made-up hash where no row is found, so that the time tells nothing about ids either.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notifier.tables import KEYS
from shared.errors import Rejected

PREFIX = "wwk"
KEY = re.compile(r"wwk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
OWNER = re.compile(r"[a-z0-9][a-z0-9._@-]{0,62}")
OPERATOR = "operator"
"""Who owns what is made on the command line."""
_NOBODY = hashlib.sha256(b"nobody has this key").digest()


class Scope(StrEnum):
    """What a key may do, each the one before and more: read what is its owner's, change it, everything of everybody."""

    READ = "read"
    WRITE = "write"
    OPERATOR = "operator"

    def covers(self, other: Scope) -> bool:
        """Whether whoever has this scope may do what asks for the other."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Key:
    """A key as stored, without its secret."""

    id: str
    owner: str
    scope: Scope
    name: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    @property
    def sees(self) -> str | None:
        """Whose rows it may touch; None for everybody's."""
        return None if self.scope is Scope.OPERATOR else self.owner


class InvalidKey(Rejected):
    """What was asked for makes no key; the message says what to write."""

    reason = "invalid_key"


async def make(
    connection: AsyncConnection, *, owner: str, scope: Scope, name: str, now: datetime, expires: datetime | None = None
) -> tuple[Key, str]:
    """Store a new key; its text is shown this once. Raises InvalidKey."""
    if not OWNER.fullmatch(owner):
        raise InvalidKey(f"owner {owner!r}: write small letters, digits and . _ @ -, at most 63")
    if expires is not None and expires <= now:
        raise InvalidKey("the key would have expired already")
    key_id = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(12))
    secret = secrets.token_urlsafe(32)
    row = {"id": key_id, "owner": owner, "scope": scope, "name": name[:100], "hash": _hash(secret), "created": now,
           "expires": expires, "revoked": None}  # fmt: skip
    await connection.execute(sa.insert(KEYS).values(row))
    return Key(key_id, owner, scope, name[:100], now, expires, None), f"{PREFIX}_{key_id}_{secret}"


async def known(connection: AsyncConnection, text: str, now: datetime) -> Key | None:
    """The key with this text, where it is one that counts now."""
    found = KEY.fullmatch(text)
    if found is None:
        return None
    row = (await connection.execute(sa.select(KEYS).where(KEYS.c.id == found[1]))).one_or_none()
    right = hmac.compare_digest(_hash(found[2]), row.hash if row is not None else _NOBODY)
    if row is None or not right or row.revoked is not None or (row.expires is not None and row.expires <= now):
        return None
    return _key(row)


async def listed(connection: AsyncConnection) -> list[Key]:
    """All keys, the oldest first."""
    return [_key(row) for row in await connection.execute(sa.select(KEYS).order_by(KEYS.c.created, KEYS.c.id))]


async def revoke(connection: AsyncConnection, key_id: str, now: datetime) -> bool:
    """Take a key out of use, at once; False where there is no such key."""
    query = sa.update(KEYS).where(KEYS.c.id == key_id, KEYS.c.revoked.is_(None)).values(revoked=now)
    return bool((await connection.execute(query)).rowcount)


def _key(row: sa.Row[tuple[object, ...]]) -> Key:
    value = row._mapping
    return Key(value["id"], value["owner"], Scope(value["scope"]), value["name"], value["created"], value["expires"],
               value["revoked"])  # fmt: skip


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
