"""Settings of matching; judging has its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.settings import setting


@dataclass(frozen=True)
class MatchSettings:
    """What matching may be told from outside."""

    pack: Path = setting(Path("deploy/packs/alliance"), help="folder of the story pack: sources, watches, entities")
    watch_poll: timedelta = setting(
        timedelta(seconds=5), help="how often files and database are asked for newer watches"
    )
    match_in_flight: int = setting(32, help="articles in hand at the same time")
    count_every: timedelta = setting(
        timedelta(seconds=2), help="volumes of a partition are written at most this often; zero writes at once"
    )
