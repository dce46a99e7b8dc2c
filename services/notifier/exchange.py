"""What is kept of a request and its answer in the log of attempts: bounded, cleaned, and without anything secret.

The body of a request is not kept: it follows from the alert and the time of the attempt, and `history` makes it again.
A header whose name speaks of a secret is kept with its value masked, so that one sees that it was there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

import msgspec

from services.notifier import sign
from shared.http import SECRET

MOST_HEADERS, LONGEST_NAME, LONGEST_VALUE = 30, 64, 256
KEPT_CHARACTERS = 4096
"""Bounds of an attempt: a large answer must not make its record too large to be stored."""

MASKED = "(masked)"
OPEN = frozenset({sign.ID, sign.TIMESTAMP})
"""Headers that would be masked by their names and say nothing secret."""


def request_kept(headers: Mapping[str, str], content: bytes) -> str:
    """The headers of a request and the size of its body, as JSON."""
    return msgspec.json.encode({"bytes": len(content), "headers": _headers(headers)}).decode()


def answer_kept(headers: Mapping[str, str]) -> str:
    """The headers of an answer, as JSON."""
    return msgspec.json.encode({"headers": _headers(headers)}).decode()


def excerpt(text: str, headers: Mapping[str, str]) -> str:
    """The start of an answer's body; where it echoes our signatures they are masked."""
    for signature in headers.get(sign.SIGNATURE, "").split():
        text = text.replace(signature, MASKED)
    return cleaned(text)


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    shown = list(headers.items())[:MOST_HEADERS]
    return {cleaned(name.lower(), LONGEST_NAME): _value(name.lower(), value) for name, value in shown}


def _value(name: str, value: str) -> str:
    if SECRET.search(name) and name not in OPEN:
        return MASKED
    return cleaned(value, LONGEST_VALUE)


def cleaned(text: str, most: int = KEPT_CHARACTERS) -> str:
    """At most so many characters of a stranger's text on one line: no control, format or private characters."""
    kept = text[:most]
    if kept.isprintable():
        return kept
    return "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in kept)
