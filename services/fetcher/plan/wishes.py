"""What a feed itself wishes about the time of the next poll: hints, with less authority than the server's headers.

They are often nobody's wish at all: blog software states "hourly" unasked. So each counts only up to a cap of the
operator's, and none for a source whose interval the operator stated. A skipped hour or day is passed over with the
minute kept, or all who skip the night would be asked on the stroke of six.

Sources: RSS 2.0 (`ttl`, `skipHours`, `skipDays`, all in GMT), the Syndication module of RSS 1.0.

Left out on purpose: `updateBase`, which counts periods that nobody keeps to the minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from services.fetcher.read.hints import NO_HINTS, Hints

HOUR = timedelta(hours=1)
WEEK = 7 * 24
"""Hours to look ahead: a week has every hour of every day."""

_DECODER = msgspec.json.Decoder(Hints)


@dataclass(frozen=True, slots=True)
class Caps:
    """How much hints count: `wait` caps ttl and update period, `skip` the hours and days to skip."""

    wait: timedelta
    skip: timedelta


def at_least(hints: Hints, caps: Caps) -> timedelta:
    """The time between two polls that the feed wishes."""
    return min(caps.wait, max(hints.ttl or timedelta(), hints.period or timedelta()))


def unskipped(due: datetime, hints: Hints, caps: Caps) -> datetime:
    """`due`, or the first time after it whose hour and day are not to be skipped; at most `caps.skip` later."""
    later = (due + hours * HOUR for hours in range(WEEK + 1))
    free = next((moment for moment in later if not _is_skipped(moment, hints)), due)
    return min(free, due + caps.skip)


def _is_skipped(moment: datetime, hints: Hints) -> bool:
    return moment.hour in hints.skip_hours or moment.weekday() in hints.skip_days


def kept(hints: Hints) -> str | None:
    """The hints as text to keep, None where there are none."""
    return None if hints == NO_HINTS else msgspec.json.encode(hints).decode()


def restored(text: str | None) -> Hints:
    """The hints of that text."""
    return NO_HINTS if text is None else _DECODER.decode(text)
