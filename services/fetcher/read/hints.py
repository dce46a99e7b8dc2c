"""What a feed says about when to ask it again, and where it is pushed from.

Hints are wishes with less authority than the server's headers: `ttl`, `skipHours` and `skipDays` (RSS 2.0), `sy:` (the
Syndication module of RSS 1.0). A hint that makes no sense (a frequency of zero, every hour skipped) is none.
`hub` and `self` are the links of WebSub (section 4: in an Atom or RSS document) and of JSON Feed 1.1 (`hubs`,
`feed_url`); of several hubs the first usable one counts.

Left out on purpose: RSS's `cloud` (RSSCloud), which no publisher here offers, and when to ask (`schedule`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.fetcher.read.dates import read_date

LONGEST_PERIOD = timedelta(days=366)
"""A hint of more is a mistake (`ttl` in milliseconds, an update every 10 years)."""

PERIODS = {
    "hourly": timedelta(hours=1), "daily": timedelta(days=1), "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30), "yearly": timedelta(days=365),
}  # fmt: skip
DAYS = {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
PLACES = ("http://", "https://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """When a feed would like to be asked. Hours (0 to 23) and days (0 is Monday) are GMT; `period` is the time between
    two updates as the feed states it, counted from `base`."""

    ttl: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    period: timedelta | None = None
    base: datetime | None = None


NO_HINTS = Hints()


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the entries for those who ask: hints and the two links of WebSub ("" where there is none)."""

    hints: Hints = NO_HINTS
    hub: str = ""
    self_link: str = ""


def read_head(children: Iterable[Any]) -> Head:
    """The head of a channel or Atom feed, from its child elements (lxml)."""
    texts: dict[str, str] = {}
    links: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for child in children:
        name = local(child)
        if name == "link":
            place = _place(child.get("href"))
            for relation in (child.get("rel") or "").lower().split() if place else ():
                links.setdefault(relation, place)
        elif name in ("skiphours", "skipdays"):
            lists[name] = [part.text or "" for part in child]
        elif name in ("ttl", "updateperiod", "updatefrequency", "updatebase"):
            texts.setdefault(name, (child.text or "").strip())
    return Head(_hints(texts, lists), links.get("hub", ""), links.get("self", ""))


def read_json_head(found: Mapping[str, Any]) -> Head:
    """The head of a JSON Feed, which has no hints."""
    hubs = found.get("hubs")
    urls = [hub.get("url") for hub in hubs if isinstance(hub, dict)] if isinstance(hubs, list) else []
    return Head(NO_HINTS, next((place for place in map(_place, urls) if place), ""), _place(found.get("feed_url")))


def local(element: Any) -> str:
    """The name of an element in small letters, without namespace and prefix; "" for comments and the like."""
    tag = element.tag
    return tag.rpartition("}")[2].rpartition(":")[2].lower() if isinstance(tag, str) else ""


def _place(value: Any) -> str:
    return value.strip() if isinstance(value, str) and value.strip().lower().startswith(PLACES) else ""


def _hints(texts: Mapping[str, str], lists: Mapping[str, list[str]]) -> Hints:
    base = read_date(texts.get("updatebase"))
    return Hints(
        ttl=_span(timedelta(minutes=1), _number(texts.get("ttl", ""))),
        skip_hours=_some({int(text) % 24 for text in lists.get("skiphours", ()) if _is_hour(text)}, 24),
        skip_days=_some({DAYS[text.strip()[:3].lower()] for text in lists.get("skipdays", ()) if _is_day(text)}, 7),
        period=_period(texts),
        base=base.at if base else None,
    )


def _period(texts: Mapping[str, str]) -> timedelta | None:
    """`updatePeriod` (daily where only the frequency is stated) over `updateFrequency` (1 where unstated)."""
    if not texts.keys() & {"updateperiod", "updatefrequency"}:
        return None
    period = PERIODS.get(texts.get("updateperiod", "daily").lower())
    often = _number(texts.get("updatefrequency") or "1")
    return _span(period, 1 / often) if period and often else None


def _number(text: str) -> float:
    """A positive number, else 0. Fractions occur (`0.1` as a frequency)."""
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) < 10 else 0.0


def _span(unit: timedelta, times: float) -> timedelta | None:
    return unit * times if timedelta() < unit * times <= LONGEST_PERIOD else None


def _is_hour(text: str) -> bool:
    """0 to 23, and 24 as RSS 0.91 counted."""
    text = text.strip()
    return text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= 24


def _is_day(text: str) -> bool:
    return text.strip()[:3].lower() in DAYS


def _some(found: set[int], all_of_them: int) -> frozenset[int]:
    """A feed that skips every hour or day has made a mistake."""
    return frozenset(found) if len(found) < all_of_them else frozenset()
