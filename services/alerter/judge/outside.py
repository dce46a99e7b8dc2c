"""What judging is told from outside a watch: how much every source published, and how fetching it went.

The volume step of the alerter counts; judging reads it once a batch, for the rules that need shares or silences.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.alerter.volumes import SourceState


@dataclass(frozen=True, slots=True)
class Outside:
    """Articles by hour and source, and the state of every source. Empty where nobody counts (a back-test)."""

    volumes: Mapping[tuple[datetime, str], int] = field(default_factory=dict)
    sources: Mapping[str, SourceState] = field(default_factory=dict)


NOTHING = Outside()
