"""What a robots file says to one agent, after RFC 9309: pure functions over the text.

`parse` takes the rules of one agent out of a file, `allows` holds an address against them. A match is decided in one
pass over the address, whatever the number of wildcards: each piece between two `*` is looked for behind the one
before it, the leftmost place is always good enough, and nothing is tried twice.

Paths are compared in one spelling (section 2.2.2): octets outside ASCII and those that a URI may not hold are escaped,
escapes of unreserved characters are not, and of reserved ones neither, but for those whose escape means something
else (`%2F` in a path is no slash). Inside a query a slash and a question mark are plain characters, so there an escaped
one is the same as a bare one, as in the table of that section.

Left out on purpose: misspelled `Disallow` (section 2.2.4 lets crawlers be lenient with other records only), a rule
without its colon, `Request-rate`, `Visit-time` and `Clean-param`, which no standard has and nobody here needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PARSED = 500 * 1024
"""Bytes of a file that are read (section 2.5 asks for 500 KiB at least)."""

EVERYBODY = "*"
OWN_FILE = "/robots.txt"
LINES = re.compile(r"\r\n|\r|\n")
TOKEN = re.compile(r"\*(?=\s|$)|[A-Za-z0-9_-]+")
"""A product token ends where a version or a remark begins. Digits are no part of it in the RFC, but of real names."""

UNREADABLE = {0xDC80 + byte: f"%{0x80 + byte:02X}" for byte in range(128)} | {0: "%00"}
"""Bytes that are no UTF-8, as `surrogateescape` shows them, and NUL, which PostgreSQL does not take: as escapes."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` in the one spelling, with its `*` and closing `$`."""

    pattern: str
    allow: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What one agent is to obey: its rules, the most specific first, and the crawl-delay in seconds."""

    rules: tuple[Rule, ...] = ()
    delay: float | None = None


def text_of(body: bytes) -> str:
    """The part of a file that counts, as text that can be kept and parsed again: the first 500 KiB without a line
    that the cut goes through, without a byte order mark."""
    if len(body) > PARSED:
        whole = body[PARSED : PARSED + 1] in (b"\r", b"\n")
        body = body[:PARSED] if whole else body[: max(body.rfind(b"\n", 0, PARSED), body.rfind(b"\r", 0, PARSED)) + 1]
    return body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").translate(UNREADABLE)


def parse(text: str, agent: str) -> Rules:
    """The rules for `agent` (a product token; case does not matter): those of all groups that name it, else those of
    all groups for everybody, else none."""
    name = token_of(agent)
    groups = list(_groups(text))
    mine = [group for group in groups if name in group.agents and name != ""]
    chosen = mine or [group for group in groups if EVERYBODY in group.agents]
    rules = dict.fromkeys(rule for group in chosen for rule in group.rules)
    delays = [group.delay for group in chosen if group.delay is not None]
    return Rules(tuple(sorted(rules, key=_specific_first)), max(delays, default=None))


def allows(rules: Rules, url: str) -> bool:
    """Whether `url`, an absolute address, may be fetched: the longest rule that matches decides, of two that are
    equally long the one that allows."""
    readings = readings_of(url)
    if readings[0] == OWN_FILE:
        return True
    for rule in rules.rules:
        if any(matches(rule.pattern, reading) for reading in readings):
            return rule.allow
    return True


def sitemaps(text: str) -> tuple[str, ...]:
    """The absolute http(s) addresses of the Sitemap lines, in their order, each once. They belong to no group."""
    found = dict.fromkeys(value for name, value in _records(text) if name in ("sitemap", "site-map"))
    return tuple(url for url in found if _is_absolute(url))


def token_of(agent: str) -> str:
    """The product token at the beginning of a User-agent value, in lower case; "" where there is none."""
    found = TOKEN.match(agent.strip())
    return found[0].lower() if found else ""


# -- lines and groups ---------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Group:
    agents: set[str] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)
    delay: float | None = None


def _groups(text: str) -> Iterator[_Group]:
    """The groups as they stand. Only a rule ends the row of User-agent lines: other records must not interfere."""
    group: _Group | None = None
    for name, value in _records(text):
        if name == "user-agent":
            if group is None or group.rules:
                group = _Group()
                yield group
            group.agents.add(token_of(value))
        elif group is not None:
            _add(group, name, value)


def _add(group: _Group, name: str, value: str) -> None:
    if name in ("allow", "disallow"):
        group.rules.append(Rule(pattern_of(value) if value.startswith(("/", "*")) else "", name == "allow"))
    elif name == "crawl-delay" and re.fullmatch(r"\d{1,9}(\.\d{0,9})?|\.\d{1,9}", value, re.ASCII):
        group.delay = max(float(value), group.delay or 0.0)


def _records(text: str) -> Iterator[tuple[str, str]]:
    """Name in lower case and value of each line that has both sides of a colon, without comments."""
    for line in LINES.split(text.removeprefix("\ufeff")):
        name, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield name.strip(" \t").lower(), value.strip(" \t")


def _is_absolute(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


# -- matching -----------------------------------------------------------------------------------------------------


def _specific_first(rule: Rule) -> tuple[int, bool]:
    return -len(rule.pattern), not rule.allow


def matches(pattern: str, path: str) -> bool:
    """Whether a pattern matches the beginning of `path`, or with `$` at its end all of it. "" matches nothing."""
    if not pattern:
        return False
    whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at, last = len(first), others.pop() if whole and others else ""
    for piece in others:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if not whole:
        return True
    return at == len(path) if "*" not in pattern else len(path) - len(last) >= at and path.endswith(last)


# -- one spelling -------------------------------------------------------------------------------------------------

AFTER_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^#]*)", re.DOTALL)
PIECE = re.compile(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~/?=&+-]")
UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
SAME_BARE = frozenset(":[]@!'(),;+")
"""Reserved characters that mean the same escaped and bare; `*` and `$` are operators when bare."""

BARE_IN_QUERY = {"%2F": "/", "%3F": "?"}


def pattern_of(value: str) -> str:
    """The path of a rule in the one spelling: bare `*` and a closing `$` stay operators, rows of `*` are one."""
    ending = "$" if value.endswith("$") else ""
    pieces = value.removesuffix("$").split("*")
    head, question, query = "*".join(spelled(piece) for piece in pieces).partition("?")
    return re.sub(r"\*+", "*", head + question + _query(query)) + ending


def readings_of(url: str) -> tuple[str, ...]:
    """Path and query of an absolute address in the one spelling; twice where a query has escaped slashes, since a rule
    may name them escaped behind a wildcard."""
    found = AFTER_HOST.match(url)
    path, question, query = spelled(found[1] if found else "").partition("?")
    path = _without_dots(path)
    return tuple(dict.fromkeys(f"{path}{question}{one}" for one in (_query(query), query)))


def spelled(text: str) -> str:
    """The text with escapes in one spelling. `*` and `$` come out escaped."""
    return PIECE.sub(_piece, text)


def _piece(found: re.Match[str]) -> str:
    piece = found[0]
    if len(piece) == 1:
        return piece if piece in SAME_BARE else "".join(f"%{byte:02X}" for byte in piece.encode("utf-8", "replace"))
    meant = chr(int(piece[1:], 16))
    return meant if meant in UNRESERVED or meant in SAME_BARE else piece.upper()


def _query(query: str) -> str:
    return re.sub("%2F|%3F", lambda found: BARE_IN_QUERY[found[0]], query)


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4: what is asked for behind `/a/../b` is `/b`."""
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    for segment in path.split("/")[1:]:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    closed = path.endswith(("/.", "/.."))
    return "/" + "/".join([*kept, ""] if closed and kept else kept)
