"""What the dates of feeds mean: exact forms with their zone, a few broken ones, and no guessing.

A date that might be read in two ways is no date: an article without one is flagged, one with a wrong one is believed.

Sources: RFC 822 and 5322 (RSS), RFC 3339 (Atom, JSON Feed), ISO 8601 (Dublin Core), and the dotted day-month-year form
of central and south-east European publishing systems. Zone names are those of Europe and the ones of RFC 822.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone

import msgspec

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


UNSTATED = frozenset({"", "-0000", "-00:00"})
"""No zone; RFC 5322 section 3.3 defines -0000 as not stated."""

_NUMBERS = {name.title(): f"{number:02}" for name, number in MONTHS.items()}


class Stated(msgspec.Struct, frozen=True):
    """A moment in UTC, and whether its zone and its time of day were stated (else UTC and midnight are assumed)."""

    at: datetime
    zoned: bool = True
    timed: bool = True


@functools.lru_cache(maxsize=8_192)
def read_date(text: str | None) -> Stated | None:
    """The moment that `text` states, None when it states none for certain."""
    usual = _usual(text.strip()) if text else None
    if usual is not None:
        return Stated(usual)
    text = " ".join((text or "").split())
    if not text or len(text) > LONGEST:
        return None
    for form in (_RFC822, _ISO, _DOTTED):
        match = form.fullmatch(text)
        if match is not None:
            return _stated(match.groupdict())
    return None


def _usual(text: str) -> datetime | None:
    """The two forms that nine dates in ten have (`Tue, 18 Mar 2025 10:00:00 +0100`, RFC 3339), without the cost of the
    others: most of reading an entry was its dates."""
    if text[3:5] == ", " and len(text) in (29, 31) and text[7] == text[11] == text[16] == text[25] == " ":
        zone = text[26:] if len(text) == 31 else "+0000" if text[26:] == "GMT" else ""
        text = f"{text[12:16]}-{_NUMBERS.get(text[8:11], '')}-{text[5:7]}T{text[17:25]}{zone}"
    if text[10:11] != "T" or text[13:14] != ":" or text[16:17] != ":" or text[19:] in UNSTATED:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=0) if moment.microsecond else moment


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
