"""Makes `data` fit: parts are left out or cut in a fixed order, from the least missed to the most.

Texts are cut between code points, never inside one, and end with an ellipsis; links are kept whole or left out, since
half a link leads astray. The names of the steps taken go into `data.trimmed`: nobody takes a part for the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from services.notifier.payload import Data, Shown

MANY = 20
"""Entries kept of a long list: more than anybody reads, fewer than a page of them."""

LONG = 1000
"""Code points kept of a long text by the first cut: any real headline and quote passes."""

BARE_TEXT, BARE_LIST, LONGEST_LINK = 80, 3, 2000
"""What is left by the last step: below the cap even if every character needs six bytes (`\\u0001`) and every text
is there, since about 80 texts of 80 characters and one link make 50 kB."""

ELLIPSIS = "…"
_ENCODER = msgspec.json.Encoder()
Step = Callable[[Data], Data]


def trimmed(data: Data, most: int) -> bytes:
    """`data` as JSON of at most `most` bytes."""
    encoded = _ENCODER.encode(data)
    taken: tuple[str, ...] = ()
    for name, step in STEPS:
        if len(encoded) <= most:
            break
        taken = (*taken, name)
        data = replace(step(data), trimmed=taken)
        encoded = _ENCODER.encode(data)
    return encoded


def cut(text: str, most: int) -> str:
    """The first `most` code points, the last of them an ellipsis where something is missing."""
    return text if len(text) <= most else text[: most - 1] + ELLIPSIS


def _without_extra(data: Data) -> Data:
    return replace(data, extra={})


def _without_clauses(data: Data) -> Data:
    return data if data.why is None else replace(data, why=replace(data.why, clauses=None))


def _fewer_hits(data: Data) -> Data:
    return data if data.why is None else replace(data, why=replace(data.why, hits=data.why.hits[:MANY]))


def _shorter_lists(data: Data) -> Data:
    return _shrunk(data, LONG * LONG, MANY)


def _shorter_texts(data: Data) -> Data:
    return _shrunk(data, LONG, MANY)


def _bare(data: Data) -> Data:
    return _shrunk(data, BARE_TEXT, BARE_LIST)


def _shrunk(data: Data, text: int, entries: int) -> Data:
    shrunk: Data = _smaller(data, text, entries)
    return shrunk


def _smaller(part: Any, text: int, entries: int) -> Any:
    """A copy of a value of this payload with every text and every list cut."""
    if isinstance(part, str):
        return cut(part, text)
    if isinstance(part, tuple):
        return tuple(_smaller(entry, text, entries) for entry in part[:entries])
    if isinstance(part, Shown):
        return replace(part, **{name: _field(name, getattr(part, name), text, entries) for name in _fields(part)})
    return part


def _field(name: str, value: Any, text: int, entries: int) -> Any:
    if name == "url":
        return value if len(value) <= LONGEST_LINK else ""
    return _smaller(value, text, entries)


def _fields(part: Shown) -> tuple[str, ...]:
    return type(part).__struct_fields__


STEPS: tuple[tuple[str, Step], ...] = (
    ("extra", _without_extra),
    ("clauses", _without_clauses),
    ("hits", _fewer_hits),
    ("lists", _shorter_lists),
    ("texts", _shorter_texts),
    ("bare", _bare),
)
"""In this order: the reader can do without what comes first."""
