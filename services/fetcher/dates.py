"""What the dates of feeds mean: exact forms with their zone, a few broken ones, and no guessing.

A date that might be read in two ways is no date: an article without one is flagged, one with a wrong one is believed.

Sources: RFC 822 and 5322 (RSS), RFC 3339 (Atom, JSON Feed), ISO 8601 (Dublin Core), and the dotted day-month-year form
of central and south-east European publishing systems. Zone names are those of Europe and the ones of RFC 822.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

LONGEST = 64

ZONES = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2,
    "EET": 2, "EEST": 3, "MSK": 3, "TRT": 3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7,
}  # fmt: skip
"""Hours east of Greenwich."""

MONTHS = {name: number for number, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}  # noqa: SIM905 - twelve names in order

_ZONE = r"(?P<zone>[+-]\d{2}:?\d{2}|[A-Za-z]{1,5})?"
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d+)?)?"
_RFC822 = re.compile(rf"(?:[A-Za-z]+\.?,?\s+)?(?P<day>\d{{1,2}})[ -](?P<month>[A-Za-z]{{3,9}})\.?[ -]"
                     rf"(?P<year>\d{{4}}|\d{{2}}),?\s+{_TIME}\s*{_ZONE}(?:\s*\(.*\))?")  # fmt: skip
_ISO = re.compile(rf"(?P<year>\d{{4}})-(?P<month>\d{{1,2}})-(?P<day>\d{{1,2}})(?:[Tt ]\s*{_TIME}\s*{_ZONE})?")
_DOTTED = re.compile(
    rf"(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?(?P<year>\d{{4}})\.?(?:,?\s+{_TIME}\s*{_ZONE})?"
)


@dataclass(frozen=True, slots=True)
class Stated:
    """A moment in UTC, and whether its zone and its time of day were stated (else UTC and midnight are assumed)."""

    at: datetime
    zoned: bool = True
    timed: bool = True


@functools.lru_cache(maxsize=8_192)
def read_date(text: str | None) -> Stated | None:
    """The moment that `text` states, None when it states none for certain."""
    text = " ".join((text or "").split())
    if not text or len(text) > LONGEST:
        return None
    for form in (_RFC822, _ISO, _DOTTED):
        match = form.fullmatch(text)
        if match is not None:
            return _stated(match.groupdict())
    return None


def _stated(parts: dict[str, str | None]) -> Stated | None:
    month, offset = _month(parts["month"] or ""), _offset(parts["zone"])
    if month is None or (parts["zone"] and offset is None):
        return None
    hour = int(parts["hour"] or 0)
    late = timedelta(days=1 if hour == 24 else 0)
    try:
        moment = datetime(  # noqa: DTZ001 - the zone is put on in the next line
            _year(parts["year"] or ""), month, int(parts["day"] or 0),
            hour % 24 if hour == 24 else hour, int(parts["minute"] or 0), min(59, int(parts["second"] or 0)),
        )  # fmt: skip
        at = (moment + late).replace(tzinfo=timezone(offset or timedelta())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return Stated(at, zoned=offset is not None, timed=parts["hour"] is not None)


def _month(text: str) -> int | None:
    return int(text) if text.isdigit() else MONTHS.get(text[:3].lower())


def _year(text: str) -> int:
    """Two digits as RFC 5322 section 4.3 reads them."""
    year = int(text)
    if len(text) > 2:
        return year
    return year + (2000 if year < 50 else 1900)


def _offset(zone: str | None) -> timedelta | None:
    """East of Greenwich; None when unstated, unknown, or `-0000`, which RFC 5322 defines as not stated."""
    if not zone or zone in ("-0000", "-00:00"):
        return None
    if zone[0] in "+-":
        digits = zone[1:].replace(":", "")
        span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return (span if zone[0] == "+" else -span) if span < timedelta(hours=24) else None
    hours = ZONES.get(zone.upper())
    return None if hours is None else timedelta(hours=hours)
