"""The cases of feedparser's own suite: small feeds that each state in a comment what is to be found in them.

Taken are those that speak of the title, link, id, date or content of an entry, or of a feed's title or link, by value.
Titles of ours are plain text and theirs are HTML, so a text counts as equal when its words are; addresses are held
against the one that a fetcher would have joined them with.
"""

from __future__ import annotations

import html
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from services.fetcher.read.charset import decode
from services.fetcher.read.parse import Feed, FeedEntry, parse_feed

_EXPECTED = re.compile(r"Expect:\s+(?:(?:not )?bozo and )?(.*?)\s*(?:\n|-->)", re.DOTALL)
_FIELD = re.compile(r"(?:entries\[\d\]|feed)(?:\[['\"](\w+)['\"]\]|\.(?!get)(\w+))")
_LOCATION = re.compile(r"Header:\s+Content-Location:\s*(\S+)")
_TAG = re.compile(r"<[^>]*>")
ENTRY = frozenset({"title", "link", "id", "guid", "published_parsed", "updated_parsed", "content"})
FEED = frozenset({"title", "link"})
SERVED = "http://127.0.0.1:8097/"
"""Where feedparser's suite serves its cases."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name, the bytes, what it expects (an expression over `entries` and `feed`), and its address."""

    name: str
    body: bytes
    expected: str
    base: str


class _Named(dict[str, Any]):
    def __getattr__(self, name: str) -> Any:
        return self[name]


def cases(archive: Path) -> Iterator[Case]:
    """The cases that speak of our fields, in the order of their names."""
    with tarfile.open(archive) as opened:
        members = sorted((one for one in opened.getmembers() if one.isfile()), key=lambda one: one.name)
        for member in members:
            file = opened.extractfile(member)
            body = file.read() if file is not None else b""
            text = decode(body)
            stated = _EXPECTED.search(text)
            if stated is not None and _is_ours(stated[1]):
                located = _LOCATION.search(text)
                yield Case(member.name, body, stated[1], urljoin(SERVED, located[1] if located else ""))


def _is_ours(expected: str) -> bool:
    if "==" not in expected or re.search(r"\['(type|language|base|src)'\]", expected):
        return False
    fields = {one or other for one, other in _FIELD.findall(expected)}
    return (
        bool(fields)
        and fields <= (FEED if "feed" in expected else ENTRY | {"summary", "description"})
        and bool(fields & ENTRY)
    )


def holds(case: Case) -> bool:
    """Whether the case is fulfilled."""
    found = parse_feed(case.body)
    if not isinstance(found, Feed):
        return False
    entries = [_seen(entry) for entry in found.entries]
    names = {"entries": entries, "feed": _Named(title=found.title, link=found.link, entries=entries)}
    left, _, right = case.expected.rpartition("==")
    try:
        if eval(case.expected, names):
            return True
        return _same(eval(left.split("==")[0], names), eval(right, names), case.base)
    except (IndexError, KeyError, TypeError, SyntaxError):
        return False


def _seen(entry: FeedEntry) -> _Named:
    details = entry.read
    return _Named(
        title=entry.title, link=entry.link, id=entry.id or entry.link, guid=entry.id or entry.link,
        published_parsed=_nine(entry.published), updated_parsed=_nine(entry.updated),
        summary=details.summary, description=details.summary, content=[_Named(value=details.content)],
    )  # fmt: skip


def _nine(moment: datetime | None) -> tuple[int, ...] | None:
    return tuple(moment.utctimetuple()) if moment else None


def _same(ours: Any, theirs: Any, base: str) -> bool:
    if not isinstance(ours, str) or not isinstance(theirs, str):
        return False
    return plain(theirs) in (" ".join(ours.split()), plain(ours)) or urljoin(base, ours) == theirs


def plain(text: str) -> str:
    """HTML as the words that people read."""
    return " ".join(html.unescape(_TAG.sub("", text)).split())
