"""Who asks: the key in `Authorization: Bearer …`, and whether its scope is enough for the route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header

from services.notifier import keys
from services.notifier.api.problems import Problem
from services.notifier.keys import Key, Scope
from shared.clock import Clock
from shared.db import Database


@dataclass(frozen=True, slots=True)
class Gate:
    """What tells callers by. `needs` makes the dependency of a route."""

    database: Database
    real: Clock

    def needs(self, scope: Scope) -> Callable[..., Awaitable[Key]]:
        """The caller's key, which must have this scope at least. Raises Problem: 401 without a key that counts, 403
        with one that is not enough."""

        async def caller(authorization: Annotated[str, Header()] = "") -> Key:
            key = await self._known(authorization)
            if key is None:
                raise Problem(401, "send Authorization: Bearer with a key that counts", {"www-authenticate": "Bearer"})
            if not key.scope.covers(scope):
                raise Problem(403, f"this needs a key with the scope {scope}; yours has {key.scope}")
            return key

        return caller

    async def _known(self, authorization: str) -> Key | None:
        kind, _, text = authorization.partition(" ")
        if kind.lower() != "bearer":
            return None
        async with self.database.reading() as connection:
            return await keys.known(connection, text.strip(), self.real.now())
