"""What publishers reserve, as all services name it, and how much of a text may be shown then."""

from __future__ import annotations

from collections.abc import Iterable

MINING = "tdm-reservation"
"""Text and data mining is reserved."""
ARCHIVE = "noarchive"
"""No copy is to be kept."""
_SNIPPET = "max-snippet:"


def longest_snippet(reservations: Iterable[str], most: int) -> int:
    """Characters of a text that may be shown, at most `most`."""
    told = list(reservations)
    if "nosnippet" in told:
        return 0
    return min([most, *(int(one.removeprefix(_SNIPPET)) for one in told if one.startswith(_SNIPPET))])
