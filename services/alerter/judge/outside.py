"""What judging is told from outside a watch: how much every source published, and how fetching it went.

The volume step of the alerter counts; judging reads it once a batch, for the rules that need shares or silences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a source stood when it was last checked. `since` is when the present outcome began."""

    source_id: str
    name: str
    country: str
    language: str
    outcome: str
    checked: datetime
    since: datetime


@dataclass(frozen=True, slots=True)
class Outside:
    """Articles by hour and source, and the state of every source. Empty where nobody counts (a back-test)."""

    volumes: Mapping[tuple[datetime, str], int] = field(default_factory=dict)
    sources: Mapping[str, SourceState] = field(default_factory=dict)


NOTHING = Outside()
