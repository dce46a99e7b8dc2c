"""Deterministic ids: a hash of what caused the thing, so that replaying an input gives the same ids.

The table "Identifiers" of the architecture is written here once, one function a row. The separator cannot occur in
any part, so `("ab", "c")` and `("a", "bc")` differ.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime

SEPARATOR = "\x1f"
"""ASCII unit separator: forbidden in URLs, ids and headers."""

LENGTH = 26
"""Base-32 characters kept: 130 bits, so that a collision among 10^12 ids has a chance below 10^-14."""


def of(*parts: str | int | bytes) -> str:
    """The id made from `parts`, 26 lower-case base-32 characters."""
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
        digest.update(SEPARATOR.encode())
    return base64.b32encode(digest.digest()).decode().lower()[:LENGTH]


def entry(source_id: str, guid: str, canonical_url: str) -> str:
    """An entry of a feed: its guid within the source, else its canonical URL."""
    return of("entry", source_id, guid or canonical_url)


def page(entry_id: str, body: bytes) -> str:
    """A page as fetched for an entry."""
    return of("page", entry_id, hashlib.blake2b(body, digest_size=20).digest())


def article(canonical_url: str) -> str:
    """An article, wherever its entry came from."""
    return of("article", canonical_url)


def article_version(article_id: str, normalised_text: str) -> str:
    """An article with one state of its text."""
    return of("version", article_id, normalised_text)


def match(watch_id: str, article_version_id: str) -> str:
    """A match; the watch's version is an attribute, never part of the id."""
    return of("match", watch_id, article_version_id)


def story(watch_id: str, first_article_id: str) -> str:
    """A story of a watch, named after its first member."""
    return of("story", watch_id, first_article_id)


def topic(watch_id: str, first_article_id: str) -> str:
    """A topic of a watch, named after its first member."""
    return of("topic", watch_id, first_article_id)


def alert(watch_id: str, rule_id: str, *about: str | int) -> str:
    """An alert: the rule and what it is about."""
    return of("alert", watch_id, rule_id, *about)


def time_passed(watch_id: str, until: datetime) -> str:
    """A watch is told how far story time has come."""
    return of("time", watch_id, until.isoformat())


def delivery(alert_id: str, revision: int, subscription_id: str) -> str:
    """The `webhook-id`: the same for every attempt and for every redelivery of the same telling."""
    return of("delivery", alert_id, revision, subscription_id)


def attempt(delivery_id: str, number: int) -> str:
    """One attempt of a delivery."""
    return of("attempt", delivery_id, number)


def source_push(source_id: str, body: bytes) -> str:
    """A push for a source: what was pushed, so that a repeated one is the same."""
    return of("push", source_id, hashlib.blake2b(body, digest_size=20).digest())


def source_check(source_id: str, due: datetime) -> str:
    """A check of a source: the time it was due, so a repeated poll after a crash is the same check."""
    return of("check", source_id, due.isoformat())
