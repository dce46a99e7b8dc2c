"""Who holds an office on the day of an article: "the president of Serbia" is a person of the list with dated roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from shared.text.entities import Entity


@dataclass(frozen=True)
class Offices:
    """The office holders among entities on a day; without a day, whoever held an office last."""

    entities: Mapping[str, Entity] = field(default_factory=dict)
    day: date | None = None

    @cached_property
    def _holders(self) -> dict[tuple[str, str], Entity]:
        roles = ((one, one.role_at(self.day)) for one in self.entities.values() if one.type == "person")
        ordered = sorted(((role.start, one, role) for one, role in roles if role), key=lambda row: row[0])
        return {(role.title, role.of): one for _, one, role in ordered}

    def holder(self, title: str, of: str) -> tuple[str, str]:
        """The id and name of who holds an office of a state, two empty texts when nobody is known to."""
        found = self._holders.get((title, of))
        return (found.id, found.label) if found is not None else ("", "")
