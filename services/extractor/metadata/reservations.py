"""What a publisher reserves of a page: robots directives about showing and keeping it, and text and data mining.

Directives come as `X-Robots-Tag` headers and as meta elements, for all robots or for one by name; those for others are
not ours. Mining comes, after the TDM Reservation Protocol (W3C community group report of 10 May 2024), from the page
itself, the header, or the site's `/.well-known/tdmrep.json`, which the fetcher looks up; the nearest to the text
counts, so that a page can be freed of what its site reserves.

What follows: a text that is reserved from mining is not read; what its outlet tells in its feed stands alone (`read`).
Under `noarchive` no text is kept (`versions.texts`), under `nosnippet` and `max-snippet` alerts show that much less.

Left out on purpose: directives about indexing, images and translation are recorded, and nothing here does what they
forbid; what a `tdm-policy` offers is between people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.extractor.metadata.head import Metadata
from shared.events import PageFetched
from shared.reservations import MINING

AGENT = "wirewatch"
_KNOWN = frozenset({"noarchive", "nosnippet", "noai", "noimageai", "notranslate", "noindex", "none"})
_SNIPPET = re.compile(r"max-snippet\s*:\s*(-?\d{1,6})")
_NAMED = re.compile(r"\s*([a-z0-9_*.-]+)\s*:\s*(?![\s\d-])")
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
"""Directives that have a value behind their colon, and are no name of a robot."""


def reservations(page: PageFetched, head: Metadata) -> tuple[str, ...]:
    """What is reserved, in the publisher's words, sorted; `max-snippet:N` with its number, and `tdm-reservation`."""
    found = set(_directives(page, head))
    if _is_reserved(page, head):
        found.add(MINING)
    return tuple(sorted(found))


def _directives(page: PageFetched, head: Metadata) -> Iterator[str]:
    values = [value for name, value in page.headers.items() if name.lower() == "x-robots-tag"]
    for value in values:
        yield from _ours(value.lower())
    for name in ("robots", AGENT):
        for value in head.meta.get(name, ()):
            yield from _said(value.lower())


def _ours(header: str) -> Iterator[str]:
    """The directives of a header for every robot and for ours. Several headers come joined by commas; a name holds for
    what follows it, until the next one."""
    for_us = True
    for part in header.split(","):
        named = _NAMED.match(part)
        if named is not None and named[1] not in _VALUED:
            for_us = named[1] in (AGENT, "*")
        if for_us:
            yield from _said(part)


def _said(directives: str) -> Iterator[str]:
    snippet = _SNIPPET.search(directives)
    if snippet is not None and int(snippet[1]) >= 0:
        yield f"max-snippet:{int(snippet[1])}"
    yield from (word for word in re.split(r"[,;:\s]+", directives) if word in _KNOWN)


def _is_reserved(page: PageFetched, head: Metadata) -> bool:
    header = next((value for name, value in page.headers.items() if name.lower() == "tdm-reservation"), "")
    for said in (head.first("tdm-reservation"), header):
        if said.strip() in ("0", "1"):
            return said.strip() == "1"
    return MINING in page.reservations
