"""A moment as publishers write it: in ISO 8601, RFC 822, Unix time, in figures or with the name of a month, in any
language of `shared/text/languages` and any of its scripts.

Words are folded first, so that марта, marta and Marta are one. A month's name that means two months in two languages
(listopad) is read in the page's language, and not at all where that is unknown. Figures are day first, except where a
page is American. Left out on purpose: "yesterday" and "two hours ago", which say nothing once the page is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import parsedate_to_datetime
from enum import IntEnum
from functools import cache
from zoneinfo import ZoneInfo

from shared.text.fold import fold_text
from shared.text.languages import language as language_of
from shared.text.languages import languages

_ZONES = {
    "AL": "Europe/Tirane", "AT": "Europe/Vienna", "BA": "Europe/Sarajevo", "BE": "Europe/Brussels",
    "BG": "Europe/Sofia", "CH": "Europe/Zurich", "CZ": "Europe/Prague", "DE": "Europe/Berlin", "ES": "Europe/Madrid",
    "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens", "HR": "Europe/Zagreb", "HU": "Europe/Budapest",
    "IE": "Europe/Dublin", "IN": "Asia/Kolkata", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "KR": "Asia/Seoul",
    "ME": "Europe/Podgorica", "MK": "Europe/Skopje", "NL": "Europe/Amsterdam", "NO": "Europe/Oslo",
    "PL": "Europe/Warsaw", "RO": "Europe/Bucharest", "RS": "Europe/Belgrade", "RU": "Europe/Moscow",
    "SE": "Europe/Stockholm", "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "TR": "Europe/Istanbul",
    "UA": "Europe/Kyiv", "UK": "Europe/London", "XK": "Europe/Belgrade",
}  # fmt: skip
"""Country to zone; countries with several zones are left out. The codes serve as endings of domains too."""
_SPOKEN = {"bg": "BG", "el": "GR", "hu": "HU", "it": "IT", "mk": "MK", "pl": "PL", "sl": "SI", "tr": "TR", "uk": "UA",
           "hbs": "RS", "sq": "AL", "ro": "RO"}  # fmt: skip
"""Languages whose newspapers keep one time: all of the former Yugoslavia and Albania are in one zone."""
_OFFSETS = {
    "gmt": 0, "utc": 0, "z": 0, "wet": 0, "bst": 60, "cet": 60, "mez": 60, "cest": 120, "mesz": 120, "eet": 120,
    "eest": 180, "msk": 180, "trt": 180,
}  # fmt: skip
"""Minutes east of Greenwich of the zones that pages write as letters."""
_AMERICAN = {"est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420}
_AMERICAN_ZONES = {
    "et": "America/New_York", "ct": "America/Chicago", "mt": "America/Denver", "pt": "America/Los_Angeles",
}  # fmt: skip
"""The same for American zones, by RFC 822 or without saying whether it is summer. Read on English pages and where the
language is unknown: "et" and "est" are words of other languages."""

_SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?\d\d$|Z$)")
_NAMED = r"[^\W\d_]{3,}"
_DAY_NAMED = re.compile(
    rf"(?<!\d)(\d{{1,2}})(?:\.|st|nd|rd|th|er|º|-go)?\s*(?:de |of )?({_NAMED})\.?,?\s*(?:de )?(\d{{4}})(?!\d)"
)
_NAMED_DAY = re.compile(rf"\b({_NAMED})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?,?\s+(\d{{4}})(?!\d)")
_YEAR_NAMED = re.compile(rf"(?<!\d)(\d{{4}})\.?\s+({_NAMED})\.?\s+(\d{{1,2}})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4})(?!\d)")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})([./-])\s?(\d{1,2})\2\s?(\d{1,2})(?!\d)")
_CLOCK = re.compile(
    r"(?<![\d.])([01]?\d|2[0-3])(?::|\.|h)([0-5]\d)(?::([0-5]\d))?(?!\d)\s*h?(?:\s*([ap])\.?m\b\.?)?"
    r"\s*\(?((?:gmt|utc)?[+-]\d\d:?\d\d|[a-z]{1,4}\b)?"
)
_FIGURES = re.compile(r"(?:gmt|utc)?([+-])(\d\d):?(\d\d)")
_NEAR, _BEFORE = 40, 30
"""Characters between a day and the time of day behind it; before it, with the zone and the name of the day."""


class Exact(IntEnum):
    """How exact a statement is."""

    DAY = 0
    MINUTE = 1
    ZONED = 2


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: `at` in UTC, how exact, and as it was `stated` (ISO 8601 in the publisher's own zone, as far as it is
    known; a day alone where no time was given)."""

    at: datetime
    exact: Exact
    stated: str


@dataclass(frozen=True, slots=True)
class Place:
    """What is known of where a page comes from: its zone, its language (a macro code), whether months come first."""

    zone: tzinfo | None = None
    language: str = ""
    american: bool = False


def place_of(country: str = "", host: str = "", language: str = "") -> Place:
    """The place of a page: the outlet's country, else the ending of its domain, else its language decides the zone."""
    base = language.split("-", maxsplit=1)[0].split("_", maxsplit=1)[0].lower()
    known = language_of(base)
    macro = known.code if known is not None else base
    name = next((_ZONES[code] for code in (country.upper(), host.rpartition(".")[2].upper(), _SPOKEN.get(macro, ""))
                 if code in _ZONES), "")  # fmt: skip
    american = country.upper() == "US" or (not country and language.lower().replace("_", "-") == "en-us")
    return Place(ZoneInfo(name) if name else None, macro, american)


def parse(text: str, place: Place = Place()) -> Moment | None:
    """The moment that `text` tells, or None."""
    text = _SPACED_OFFSET.sub("", text.strip())[:200]
    whole = _iso(text) or _rfc822(text) or _unix(text)
    return _moment(whole, place) if whole is not None else _worded(fold_text(text), place)


def moment(at: datetime, place: Place = Place()) -> Moment | None:
    """A moment that was told as such; midnight is a day."""
    return _moment(at, place)


def _moment(found: datetime, place: Place, *, timed: bool | None = None) -> Moment | None:
    local = found.replace(tzinfo=place.zone or UTC) if found.tzinfo is None else found
    exact = Exact.MINUTE if found.tzinfo is None else Exact.ZONED
    if timed is False or (timed is None and _is_midnight(found, place.zone)):
        exact = Exact.DAY
    try:
        return Moment(local.astimezone(UTC), exact, _stated(found, local, exact, place))
    except OverflowError:
        return None


def _stated(found: datetime, local: datetime, exact: Exact, place: Place) -> str:
    if exact is Exact.DAY:  # the day on which it is midnight: there, or at home
        there = found.tzinfo is None or _at_midnight(found) or place.zone is None
        return (local if there else local.astimezone(place.zone)).date().isoformat()
    known = local if found.tzinfo is not None or place.zone is not None else found
    return known.replace(microsecond=0).isoformat()


def _at_midnight(at: datetime) -> bool:
    return not any((at.hour, at.minute, at.second))


def _is_midnight(found: datetime, zone: tzinfo | None) -> bool:
    """Midnight in its own zone, or in the outlet's: a day that was given a time by a machine."""
    local = found.astimezone(zone) if found.tzinfo is not None and zone is not None else found
    return _at_midnight(found) or _at_midnight(local)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc822(text: str) -> datetime | None:
    if not text[:1].isalpha() and not text[:1].isdigit():
        return None
    try:
        found = parsedate_to_datetime(text) if ":" in text and not re.search(r"\d\.\d|[ap]m\b", text.lower()) else None
    except (ValueError, TypeError, IndexError):
        return None
    return found if found is not None and found.tzinfo is not None else None  # without a zone it is no such date


def _unix(text: str) -> datetime | None:
    if not text.isdigit() or len(text) not in (10, 13):
        return None
    return datetime.fromtimestamp(int(text) / (1000 if len(text) == 13 else 1), UTC)


def _worded(folded: str, place: Place) -> Moment | None:
    """The first day in a folded text with the time of day beside it."""
    for year, month, day, (start, end) in _days(folded, place):
        clock = _CLOCK.search(folded, end, end + _NEAR) or _CLOCK.search(folded, max(0, start - _BEFORE), start)
        found = _built(year, month, day, clock, place)
        if found is not None:
            return _moment(found, place, timed=clock is not None)
    return None


def _days(folded: str, place: Place) -> Iterator[tuple[int, int, int, tuple[int, int]]]:
    if one := _YEAR_FIRST.search(folded):
        yield int(one[1]), int(one[3]), int(one[4]), one.span()
    if one := _DAY_FIRST.search(folded):
        first, second = int(one[1]), int(one[3])
        swapped = second > 12 or (place.american and one[2] != "." and first <= 12)
        yield (int(one[4]), first, second, one.span()) if swapped else (int(one[4]), second, first, one.span())
    for pattern, order in ((_DAY_NAMED, (3, 2, 1)), (_NAMED_DAY, (3, 1, 2)), (_YEAR_NAMED, (1, 2, 3))):
        for named in pattern.finditer(folded):
            month = month_of(named[order[1]], place.language)
            if month:
                yield int(named[order[0]]), month, int(named[order[2]]), named.span()


def month_of(word: str, language: str = "") -> int:
    """The month of a folded word: in its language, else where all languages that know the word agree; 0 for none."""
    own = _months().get(language, {}).get(word, 0)
    said = {months[word] for code, months in _months().items() if word in months and code}
    return own or (said.pop() if len(said) == 1 else 0)


@cache
def _months() -> dict[str, dict[str, int]]:
    """Every language's names and their beginnings of three letters and more that mean one month only."""
    found: dict[str, dict[str, int]] = {}
    for code, known in languages().items():
        starts: dict[str, set[int]] = {}
        for name, number in known.months.items():
            for length in range(3, len(name)):
                starts.setdefault(name[:length], set()).add(number)
        found[code] = {start: min(numbers) for start, numbers in starts.items() if len(numbers) == 1} | dict(
            known.months
        )
    return found


def _built(year: int, month: int, day: int, clock: re.Match[str] | None, place: Place) -> datetime | None:
    hour, minute, second = (int(clock[at] or 0) for at in (1, 2, 3)) if clock is not None else (0, 0, 0)
    if clock is not None and clock[4]:
        hour = hour % 12 + (12 if clock[4] == "p" else 0)
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=_zone_said(clock, place))
    except ValueError:
        return None


def _zone_said(clock: re.Match[str] | None, place: Place) -> tzinfo | None:
    said = clock[5] if clock is not None else None
    if not said:
        return None
    letters = _OFFSETS | (_AMERICAN if place.language in ("", "en") else {})
    if said in letters:
        return timezone(timedelta(minutes=letters[said]))
    if said in _AMERICAN_ZONES and place.language in ("", "en"):
        return ZoneInfo(_AMERICAN_ZONES[said])
    return _in_figures(said)


def _in_figures(said: str) -> tzinfo | None:
    figures = _FIGURES.fullmatch(said)
    if figures is None or int(figures[2]) > 14:
        return None
    minutes = int(figures[2]) * 60 + int(figures[3])
    return timezone(timedelta(minutes=-minutes if figures[1] == "-" else minutes))
