"""Reading feeds: real ones a second of CPU time beside feedparser and fastfeedparser, and what the readings differ in.

On the real feeds of the data folder (`WIREWATCH_DATA_SETS`, see `_standalone`): every round reads all of them with each
parser in turn, with dates read anew; medians of the rounds (feedparser takes so long that it has one). `whole` also
reads the details of every entry, which a poll does for new ones only. Titles, links and times are compared entry by
entry with feedparser's, each difference in one class. The cases of feedparser's own suite: see `_feed_cases`.
"""

from __future__ import annotations

import calendar
import contextlib
import io
import statistics
import tarfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import fastfeedparser
import feedparser

from services.fetcher.read.dates import read_date
from services.fetcher.read.parse import Feed, FeedEntry, parse_feed
from shared.garbage import collect_rarely
from tests.bench._feed_cases import cases, holds, plain
from tests.bench._standalone import DATA

ROUNDS = 7
GOALS = {
    "feeds_per_second": ("at least", 900.0),
    "feeds_with_fewer_entries": ("at most", 0.0),
    "cases_fulfilled": ("at least", 0.95),
}
SANITIZE = "/sanitize/"


def real_feeds() -> list[bytes]:
    """The feeds of the data folder, none without it."""
    path = DATA / "feeds" / "feeds.tar.xz"
    if not path.exists():
        return []
    with tarfile.open(path) as archive:
        files = [archive.extractfile(member) for member in archive.getmembers() if member.isfile()]
        return [file.read() for file in files if file is not None]


def _quick(body: bytes) -> None:
    with contextlib.suppress(Exception):  # it raises for what it does not read
        fastfeedparser.parse(body, include_media=False, include_enclosures=False)


def _whole(body: bytes) -> None:
    found = parse_feed(body)
    for entry in found.entries if isinstance(found, Feed) else ():
        assert entry.read is not None


def _slow(body: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return feedparser.parse(io.BytesIO(body))


def rate(read: Callable[[bytes], object], feeds: Sequence[bytes]) -> float:
    """Feeds a second of CPU time."""
    read_date.cache_clear()
    started = time.process_time()
    for body in feeds:
        read(body)
    return len(feeds) / (time.process_time() - started)


def speed(feeds: Sequence[bytes]) -> dict[str, float | str]:
    """The rates, medians of rounds in turn."""
    collect_rarely()  # as the process does that reads feeds
    rounds = [(rate(parse_feed, feeds), rate(_whole, feeds), rate(_quick, feeds)) for _ in range(ROUNDS)]
    ours, whole, quick = (round(statistics.median(column)) for column in zip(*rounds, strict=True))
    return {
        "feeds": len(feeds), "megabytes": round(sum(map(len, feeds)) / 1e6, 1), "feeds_per_second": ours,
        "feeds_per_second_whole": whole, "feeds_per_second_fastfeedparser": quick,
        "ratio_to_fastfeedparser": round(statistics.median(one / other for one, _, other in rounds), 2),
    }  # fmt: skip


def compare(feeds: Iterable[bytes]) -> tuple[dict[str, float | str], Counter[str]]:
    """Entry counts, and the classes of differences by field."""
    fewer = more = spent = 0.0
    classes: Counter[str] = Counter()
    number = 0
    for body in feeds:
        number += 1
        started = time.process_time()
        theirs = _slow(body)
        spent += time.process_time() - started
        ours = parse_feed(body)
        entries = ours.entries if isinstance(ours, Feed) else ()
        fewer += len(entries) < len(theirs.entries)
        more += len(entries) > len(theirs.entries)
        if len(entries) == len(theirs.entries):
            for one, other in zip(entries, theirs.entries, strict=True):
                classes.update(_classes(one, other))
    return {
        "feeds_per_second_feedparser": round(number / spent, 1), "feeds_with_fewer_entries": fewer,
        "feeds_with_more_entries": more,
    }, classes  # fmt: skip


def _classes(one: FeedEntry, other: Any) -> list[str]:
    """The class of each field of one entry."""
    stated = dict.get(other, "published_parsed") or dict.get(other, "updated_parsed")
    at = datetime.fromtimestamp(calendar.timegm(stated), UTC) if stated else None
    return [
        f"titles: {_title(one.title, other.get('title') or '')}",
        f"links: {_presence(one.link, other.get('link') or '') or 'different'}",
        f"times: {_presence(one.published, at) or 'different'}",
    ]


def _title(ours: str, theirs: str) -> str:
    if found := _presence(ours, theirs):
        return found
    if " ".join(theirs.split()) == ours:
        return "spaces"
    if plain(theirs) == ours or plain(theirs) == plain(ours):
        return "their HTML is our text"
    try:
        repaired = ours.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return "different"
    return "they decode it twice" if plain(theirs) == repaired else "different"


def _presence(ours: object, theirs: object) -> str:
    if ours == theirs:
        return "equal"
    return "only ours" if ours and not theirs else "only theirs" if theirs and not ours else ""


def suite() -> dict[str, float | str]:
    """How many cases of feedparser's suite hold; `sanitize` apart, which is about making HTML safe, too."""
    path = DATA / "feedparser" / "tests.tar.xz"
    if not path.exists():
        return {}
    found = [(case.name, holds(case)) for case in cases(path)]
    safe = [held for name, held in found if SANITIZE in name]
    return {
        "cases": len(found), "cases_fulfilled": round(sum(held for _, held in found) / len(found), 4),
        "cases_of_sanitizing": len(safe), "cases_of_sanitizing_fulfilled": round(sum(safe) / max(1, len(safe)), 4),
    }  # fmt: skip


async def run() -> dict[str, float | str]:
    """The figures, and their table."""
    feeds = real_feeds()
    if not feeds:
        return {"skipped": "no real feeds here: set WIREWATCH_DATA_SETS"}
    counts, classes = compare(feeds)
    figures = speed(feeds) | counts | suite()
    figures |= {name.replace(": ", "_").replace(" ", "_"): number for name, number in sorted(classes.items())}
    for name, value in figures.items():
        print(f"{name:>38}  {value}")
    return figures
