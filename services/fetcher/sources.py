"""The sources file: what is polled, as data.

`load_sources` answers with the checked list or raises Misconfigured with one line a mistake: file, line, what stands
there and what to write instead. `SourcesFile` keeps the last good version in force when a changed file is wrong, across
a restart too: its text is kept in SQL.

Left out on purpose: sources added by people at run time (`operators.asked`) and finding a feed from a home page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, cast, get_type_hints
from urllib.parse import urlsplit

import structlog
import yaml

from services.fetcher import metrics
from services.fetcher.read.read_listing import Selectors, check_selector
from shared.errors import Misconfigured
from shared.events import Source as SourceFacts
from shared.settings import parse as parse_setting
from shared.urls import registered_domain

log = structlog.get_logger()
SOURCE_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
MOST_MISTAKES = 10
SHORTEST_INTERVAL, LONGEST_INTERVAL = timedelta(seconds=30), timedelta(hours=24)


class SourceKind(StrEnum):
    """What the address serves; `feed` lets the content tell which of the next three. `sitemap` is a news sitemap, a
    list of addresses or an index of both, `listing` a web page with links to articles."""

    FEED = "feed"
    RSS = "rss"
    ATOM = "atom"
    JSON = "json"
    SITEMAP = "sitemap"
    LISTING = "listing"


class Content(StrEnum):
    """Where the text comes from: the page behind the link, or the feed's own entry."""

    PAGE = "page"
    FEED = "feed"


class LimitScope(StrEnum):
    """Whom a publisher means that asks to be left alone (429, 503, Retry-After): the feed, its host (`www.` is no other
    host), or all hosts of its registered domain: right for platforms that count requests over all their hosts."""

    URL = "url"
    HOST = "host"
    DOMAIN = "domain"


class Edits(StrEnum):
    """How closely articles are looked at again while their story is live, to see what is edited."""

    OFF = "off"
    SLOW = "slow"
    FAST = "fast"


class Status(StrEnum):
    """Whether somebody has seen the address work."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source. `weight` is its importance for the schedule (1 is usual, 4 doubles the polls); `interval` None: the
    source's own rhythm decides. `push` false leaves its hub alone. `entries`, `title` and `date` are the CSS selectors
    of a listing; without them its links are told by their looks. `licensed`: the outlet has agreed that its texts are
    mined, whatever its pages reserve."""

    id: str
    name: str
    url: str
    kind: SourceKind = SourceKind.FEED
    country: str = ""
    language: str = ""
    domain: str = ""
    official: bool = False
    weight: float = 1.0
    interval: timedelta | None = None
    spacing: timedelta | None = None
    limits: LimitScope = LimitScope.HOST
    robots: bool = True
    licensed: bool = False
    content: Content = Content.PAGE
    status: Status = Status.UNVERIFIED
    paused: bool = False
    push: bool = True
    edits: Edits | None = None
    entries: str = ""
    title: str = ""
    date: str = ""

    @property
    def selectors(self) -> Selectors:
        """Those of a listing."""
        return Selectors(self.entries, self.title, self.date)

    def facts(self) -> SourceFacts:
        """What events tell of it."""
        return SourceFacts(
            id=self.id,
            name=self.name,
            domain=self.domain or registered_domain(self.url),
            country=self.country,
            language=self.language,
            official=self.official,
            licensed=self.licensed,
        )


Sources = dict[str, Source]


def load_sources(path: Path) -> Sources:
    """The sources by id, in the order of the file. Raises Misconfigured."""
    return parse_sources(_text(path), path)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: cannot be read: {error}") from error


def parse_sources(text: str, path: Path) -> Sources:
    """The same from the text of the file at `path`."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Misconfigured(f"{path}:{line}: {error.problem or 'this is not YAML'}; correct the YAML") from error
    except yaml.YAMLError as error:
        raise Misconfigured(f"{path}: cannot be read: {error}") from error
    reader = _Reader(path)
    found = reader.sources(root)
    if reader.mistakes:
        raise Misconfigured("\n".join(reader.mistakes[:MOST_MISTAKES]))
    return found


class _Reader:
    """Reads the YAML nodes, which know their lines, and collects every mistake instead of stopping at the first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.mistakes: list[str] = []

    def sources(self, root: yaml.Node | None) -> Sources:
        """Every source that is right; the others are in `mistakes`."""
        if not isinstance(root, yaml.SequenceNode):
            self._mistake(root, "write a list of sources, each beginning with `- id: …`")
            return {}
        found: Sources = {}
        lines: dict[str, int] = {}
        for node in root.value:
            source = self._source(node)
            if source is None:
                continue
            if source.id in found:
                self._mistake(node, f"id {source.id!r} is used in line {lines[source.id]} already: choose another")
            lines.setdefault(source.id, _line(node))
            found[source.id] = source
        return found

    def _source(self, node: yaml.Node) -> Source | None:
        if not isinstance(node, yaml.MappingNode):
            self._mistake(node, "write a source as `id: …`, `name: …`, `url: …` on lines of their own")
            return None
        before = len(self.mistakes)
        values = dict(self._fields(node))
        for missing in REQUIRED - values.keys():
            if len(self.mistakes) == before:
                self._mistake(node, f"{missing} is missing: add `{missing}: …`")
        self._check_selectors(node, values)
        return Source(**values) if len(self.mistakes) == before else None

    def _check_selectors(self, node: yaml.MappingNode, values: Mapping[str, Any]) -> None:
        """Selectors belong to listings, and those inside an entry need the entry's."""
        for key, _ in node.value:
            if key.value in SELECTORS and values.get("kind") is not SourceKind.LISTING:
                self._mistake(key, f"{key.value} is for web pages: write `kind: listing`, or leave it out")
            elif key.value in SELECTORS and "entries" not in values:
                self._mistake(key, f"{key.value} is looked for inside an entry: add `entries: …`, such as article")

    def _fields(self, node: yaml.MappingNode) -> Iterator[tuple[str, Any]]:
        for key, value in node.value:
            name = str(key.value)
            if name not in HINTS:
                self._mistake(key, f"{name!r} is not known: write one of {', '.join(HINTS)}")
            elif not isinstance(value, yaml.ScalarNode):
                self._mistake(value, f"{name} is a list or a mapping: write one value")
            else:
                try:
                    yield name, _value(name, value.value)
                except ValueError as error:
                    self._mistake(value, f"{name} is {value.value!r}: {error}")

    def _mistake(self, node: yaml.Node | None, text: str) -> None:
        self.mistakes.append(f"{self._path}:{_line(node)}: {text}")


def _line(node: yaml.Node | None) -> int:
    return int(node.start_mark.line) + 1 if node is not None else 1


def _value(name: str, text: str) -> Any:
    """The value of a field. Raises ValueError saying what to write instead."""
    if name in CHECKS:
        CHECKS[name](text)
    parsed = parse_setting(text, HINTS[name])
    if name == "interval" and not SHORTEST_INTERVAL <= parsed <= LONGEST_INTERVAL:
        raise ValueError("write 30s to 24h, or leave it out: the source is polled by its own rhythm then")
    if name == "weight" and not 0 < parsed <= 100:
        raise ValueError("write a number above 0, at most 100")
    return parsed


def _check_id(text: str) -> None:
    if not SOURCE_ID.fullmatch(text):
        raise ValueError("write small letters, digits, dots and hyphens, at most 64")


def _check_url(text: str) -> None:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or re.search(r"\s", text):
        raise ValueError("write the full address of the feed, such as https://example.org/feed/")


def _check_code(pattern: str, example: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if text and not re.fullmatch(pattern, text):
            raise ValueError(f"write a code such as {example}")

    return check


def _check_name(text: str) -> None:
    if not text.strip():
        raise ValueError("write the name readers know")


HINTS: dict[str, Any] = get_type_hints(Source)
REQUIRED = {item.name for item in fields(cast("Any", Source)) if item.default is MISSING}
SELECTORS = ("entries", "title", "date")
CHECKS: dict[str, Callable[[str], None]] = {
    "id": _check_id,
    "name": _check_name,
    "url": _check_url,
    "country": _check_code("[A-Z]{2}", "RS, HR or XK"),
    "language": _check_code("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", "sr, sr-Latn or sq"),
    **dict.fromkeys(SELECTORS, check_selector),
}


class SourcesFile:
    """The file and its last good version: `text` and, as sources, `current`."""

    def __init__(self, path: Path, kept: str = "") -> None:
        """`kept` is the last good text of an earlier process: it is in force where the file is wrong now. Raises
        Misconfigured where neither is right: a process does not start with nothing to do."""
        self._path = path
        self._stamp = self._now()
        self.text, self.current = "", Sources()
        wrong = self._take()
        if wrong is None:
            return
        try:
            self.text, self.current = kept, parse_sources(kept, path)
        except Misconfigured:
            raise wrong from None
        self._tell(wrong)

    def reload(self) -> bool:
        """Look at the file again; whether a changed, correct version is in force now. A wrong one is told once."""
        stamp = self._now()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        wrong = self._take()
        if wrong is not None:
            self._tell(wrong)
            return False
        log.info("sources_loaded", file=str(self._path), sources=len(self.current))
        return True

    def _take(self) -> Misconfigured | None:
        """Bring the file into force, or answer what is wrong with it."""
        try:
            text = _text(self._path)
            self.text, self.current = text, parse_sources(text, self._path)
        except Misconfigured as error:
            metrics.FILES.labels(metrics.FileOutcome.INVALID).inc()
            return error
        metrics.FILES.labels(metrics.FileOutcome.LOADED).inc()
        return None

    def _tell(self, wrong: Misconfigured) -> None:
        log.error("sources_invalid", file=str(self._path), mistakes=str(wrong).splitlines(), kept=len(self.current))

    def _now(self) -> tuple[int, int, int] | None:
        try:
            facts = self._path.stat()
        except OSError:
            return None
        return facts.st_mtime_ns, facts.st_size, facts.st_ino
